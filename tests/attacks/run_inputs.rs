//! Inputs that change between the verdict and the end of the command.
