//! Paths in commands that a person pastes into a shell.

use std::path::Path;

/// A path as a word of a shell's command: macOS keeps our state below a directory whose name holds a blank.
pub fn for_shell(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
