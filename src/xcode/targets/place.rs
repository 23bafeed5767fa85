//! Where findings about settings point.

use std::collections::HashMap;

use super::setting::Setting;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::base::withheld::Text;
use crate::xcode::assignment::{Layer, Origin};
use crate::xcode::project::Target;
use crate::xcode::settings::{Scope, is_set_by_xcode};

/// `finding`, pointing at `origin`.
pub(super) fn at_origin(finding: Finding, origin: &Origin) -> Finding {
    match &origin.file {
        Some(file) => {
            let mut finding = finding.in_file(file);
            finding.place.line = origin.line;
            finding
        }
        None => finding,
    }
}

/// The first setting that `name` depends on and that only Xcode knows, on the machine that builds: a path that holds one is
/// not known here.
pub(super) fn only_xcode_knows(scope: &Scope, name: &str) -> Option<Box<str>> {
    let undefined = scope.evaluate(name)?.undefined.into_iter();
    undefined
        .map(|undefined| undefined.name)
        .find(|name| is_set_by_xcode(name))
}

/// The complaint that the path in `name` depends on the environment, so that the file was not read.
pub(super) fn path_from_environment(name: &str, target: &Target, path: &Setting<Text>) -> Finding {
    let finding = Finding::block(
        Code::SettingFromEnvironment,
        format!(
            "{name} of target {} depends on the environment, and no file is read by such a name, because reports would \
             show it",
            target.name
        ),
    )
    .found(&path.value)
    .hint("pass the value of that variable as a setting")
    .remedy(Remedy::GiveSetting)
    .of_target(&target.name);
    at_origin(finding, &path.origin)
}

/// The folder of the build that the path in `name` depends on: what lies in there, the build makes.
pub(super) fn made_by_the_build(scope: &Scope, name: &str) -> Option<Box<str>> {
    const FOLDERS: [&str; 6] = [
        "BUILD_DIR",
        "BUILT_PRODUCTS_DIR",
        "CONFIGURATION_BUILD_DIR",
        "OBJROOT",
        "SYMROOT",
        "TARGET_BUILD_DIR",
    ];
    let resolved = scope.evaluate(name)?;
    let of_build = resolved
        .trail
        .iter()
        .find(|step| step.origin.layer == Layer::Default && FOLDERS.contains(&&*step.name));
    of_build
        .map(|step| step.name.clone())
        .or_else(|| only_xcode_knows(scope, name))
}

/// The line of each word of a file: the first on which it stands.
///
/// A word is a run of the characters that keys and setting names are made of, so that `aps` is not found inside of
/// `aps-environment`.
#[derive(Debug, Default)]
pub(super) struct WordLines(HashMap<Box<[u8]>, u64>);

impl WordLines {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut lines = HashMap::new();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1_u64..) {
            for word in line
                .split(|byte| !is_word(*byte))
                .filter(|word| !word.is_empty())
            {
                if !lines.contains_key(word) {
                    lines.insert(word.into(), number);
                }
            }
        }
        Self(lines)
    }

    /// The line of `word`; the first line where it cannot be told, as in a binary file.
    pub(super) fn line(&self, word: &str) -> u64 {
        self.0.get(word.as_bytes()).copied().unwrap_or(1)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') || byte >= 0x80
}
