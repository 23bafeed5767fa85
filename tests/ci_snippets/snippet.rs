//! The files of `examples/ci`, and the shell in them.

use std::fs;

use support::{files_below, root};

/// A file of `examples/ci`.
pub(crate) struct Snippet {
    /// Its name there, as in `xcode-cloud/ci_post_clone.sh`.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// What a step of a pipeline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It only builds countersign.
    Install,
    /// A verdict on a machine without a keychain.
    PullRequest,
    /// The archive, with the keychain open.
    Archive,
    /// Whether a rotation must begin.
    Rotation,
}

/// The shell of one step.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) file: String,
    pub(crate) script: String,
}

impl Step {
    /// Whether it asks the gate.
    pub(crate) fn asks_the_gate(&self) -> bool {
        matches!(self.purpose(), Purpose::PullRequest | Purpose::Archive)
    }

    pub(crate) fn purpose(&self) -> Purpose {
        if self.script.contains("countersign run") {
            Purpose::Archive
        } else if self.script.contains("countersign rotate plan") {
            Purpose::Rotation
        } else if self.script.contains("countersign gate") {
            Purpose::PullRequest
        } else {
            Purpose::Install
        }
    }
}

/// Every file that people copy.
pub(crate) fn snippets() -> Vec<Snippet> {
    let folder = root().join("examples/ci");
    let files = files_below(&folder).into_iter();
    let snippets = files.map(|file| Snippet {
        name: file.strip_prefix(&folder).unwrap().display().to_string(),
        text: fs::read_to_string(&file).unwrap(),
    });
    snippets.collect()
}

/// Every step of every file.
pub(crate) fn steps() -> Vec<Step> {
    let steps: Vec<Step> = snippets().iter().flat_map(steps_of).collect();
    // Six services with two jobs in one file, GitHub's three files, Xcode Cloud's two scripts.
    assert_eq!(steps.len(), 17, "{steps:#?}");
    steps
}

/// The steps for one purpose.
pub(crate) fn steps_for(purpose: Purpose) -> Vec<Step> {
    let mut steps = steps();
    steps.retain(|step| step.purpose() == purpose);
    steps
}

/// Every step of a file.
pub(crate) fn steps_of(snippet: &Snippet) -> Vec<Step> {
    let text = &snippet.text;
    let scripts = match snippet.name.as_str() {
        name if name.ends_with(".sh") => vec![text.clone()],
        "Jenkinsfile" => groovy_literals(text),
        // Buildkite makes one dollar sign of two.
        "buildkite.yml" => yaml_blocks(text)
            .iter()
            .map(|block| block.replace("$$", "$"))
            .collect(),
        name if name.ends_with(".yml") => yaml_blocks(text),
        _ => Vec::new(),
    };
    let script = |script| Step {
        file: snippet.name.clone(),
        script,
    };
    scripts.into_iter().map(script).collect()
}

/// What stands between triple single quotes: Groovy fills nothing in and takes a backslash for two.
fn groovy_literals(text: &str) -> Vec<String> {
    let between = text.split("'''").skip(1).step_by(2);
    between.map(|text| text.replace("\\\\", "\\")).collect()
}

/// The literal blocks (`|`) of a YAML file, without their indentation.
fn yaml_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.ends_with(" |") {
            continue;
        }
        let mut block = String::new();
        let first = lines.peek().unwrap();
        let indent = first.len() - first.trim_start().len();
        while let Some(line) = lines.next_if(|line| {
            line.trim().is_empty() || line.len() - line.trim_start().len() >= indent
        }) {
            block.push_str(line.get(indent..).unwrap_or_default());
            block.push('\n');
        }
        blocks.push(block.trim_end().to_owned() + "\n");
    }
    blocks
}
