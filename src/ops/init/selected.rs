//! What was selected of the project, as words of the gate's command line in the workflow.
//!
//! The gate of the workflow judges what was judged here. The values of build settings are left out: one may be a secret, and a
//! workflow is read by everybody.

use std::path::PathBuf;

use super::base::Base;
use crate::base::shell;

/// An option of the command line, and its value.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The option, as the gate takes it.
    pub option: &'static str,
    /// What it says.
    pub value: SelectedValue,
    /// Whether it says where profiles lie, which a policy can say too.
    pub names_profiles: bool,
}

/// The value of an option.
#[derive(Debug, Clone)]
pub enum SelectedValue {
    /// A name.
    Text(String),
    /// A path, from the working directory.
    Path(PathBuf),
}

/// The words, each quoted for a shell, with a blank before each. Paths begin at the folder of `base`, where the workflow runs.
pub(super) fn words(selected: &[Selected], base: &Base) -> String {
    let mut text = String::new();
    for Selected { option, value, .. } in selected {
        let value = match value {
            SelectedValue::Text(text) => PathBuf::from(text),
            SelectedValue::Path(path) => base.in_workflow(path),
        };
        text.push_str(&format!(" {option} {}", shell::argument(value.as_os_str())));
    }
    text
}
