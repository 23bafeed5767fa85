//! Processes that a job leaves behind for the next one.
