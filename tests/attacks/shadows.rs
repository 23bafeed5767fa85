//! Installed profiles that hide from the gate and not from Xcode.
