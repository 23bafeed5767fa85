//! A project that reaches for files of the machine, or speaks to the terminal.
