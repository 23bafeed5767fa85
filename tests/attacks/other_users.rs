//! Directories that look read-only and are not: tests drop to another user, for root may write everywhere.
