//! The audit log cut short, begun again, edited or held by a reader.
