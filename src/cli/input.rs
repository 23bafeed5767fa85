//! Arguments that name a file, or with `-` standard input.

use std::path::PathBuf;

use crate::host::files::Input;

/// What `argument` names.
pub(super) fn input(argument: PathBuf) -> Input {
    match argument.as_os_str() == "-" {
        true => Input::StandardInput,
        false => Input::File(argument),
    }
}
