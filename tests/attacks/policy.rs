//! A policy that is missing, another one, or waived.
