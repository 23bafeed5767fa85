//! Whether this runner may sign this project now.

pub mod node;
