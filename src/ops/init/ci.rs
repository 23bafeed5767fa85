//! The workflow that gates pull requests, for the CI that builds the repository.
//!
//! The text for GitHub is the example that stands in the repository, with the project's path in it. For the others the commands are
//! the same, and where they go is for people to say: their files hold all jobs of a repository.

use std::path::Path;

use crate::base::shell;
use crate::host::ci_system::CiSystem;

/// A workflow.
pub(super) enum Workflow {
    /// A file of its own.
    File {
        /// Its path from the root of the repository.
        path: &'static str,
        /// Its text.
        text: String,
    },
    /// Commands, for a file that holds other jobs too.
    Snippet(String),
}

/// The example for GitHub: its actions and its commit of countersign are pinned there, and held by tests.
const GITHUB: &str = include_str!("../../../examples/ci/github-pull-request.yml");

/// What stands there and is written anew.
const HEADING: &str = "# Copy this file to .github/workflows/signing.yml, and set PROJECT. docs/ci/github.md explains each line.";
const PROJECT: &str = "      PROJECT: App.xcodeproj\n";
const GATE: &str = "          # The digests of what is reviewed.";

/// How the gate is called where the first pull request brings policy and manifest: there is nothing yet that they could be
/// compared with, and one policy does for pull requests and for runs.
const FIRST: &str = include_str!("github-gate.txt");

/// The commands of a gate for any other system.
const COMMANDS: &str = include_str!("commands.txt");

/// The workflow for `ci` that judges `project`, a path from the root of the repository; none where the path cannot be written
/// into it.
pub(super) fn workflow(ci: CiSystem, project: &Path) -> Option<Workflow> {
    let project = project.to_str().filter(|it| !it.contains("${{"))?;
    Some(match ci {
        CiSystem::Github => Workflow::File {
            path: ".github/workflows/countersign.yml",
            text: github(project),
        },
        _ => Workflow::Snippet(snippet(project)),
    })
}

fn github(project: &str) -> String {
    // A string of JSON is one of YAML.
    let project = serde_json::Value::from(project);
    let variables = format!(
        "      PROJECT: {project}\n      PROTECTED: ${{{{ github.event.repository.default_branch }}}}\n"
    );
    let text = GITHUB.replace(
        HEADING,
        "# It was written for this repository, and is yours to change.",
    );
    let text = text.replace(PROJECT, &variables);
    let before = text.split(GATE).next().unwrap_or_default();
    format!("{before}{FIRST}")
}

/// The commands, which run in any POSIX shell.
fn snippet(project: &str) -> String {
    let install = GITHUB.lines().map(str::trim);
    let install = install
        .filter(|line| line.starts_with("cargo install"))
        .collect::<String>();
    let text = COMMANDS.replace("@install@", &install);
    text.replace("@project@", &shell::word(Path::new(project)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workflow_for_github_names_the_project_whatever_it_is_called() {
        let project = Path::new("ios/My \"App\": one.xcworkspace");
        let Some(Workflow::File { text, .. }) = workflow(CiSystem::Github, project) else {
            panic!("it is a file");
        };
        assert!(
            text.contains(r#"PROJECT: "ios/My \"App\": one.xcworkspace""#),
            "{text}"
        );
        for part in [HEADING, PROJECT, GATE] {
            assert!(GITHUB.contains(part) && !text.contains(part), "{part}");
        }
        assert!(text.contains("cargo install --locked --git"), "{text}");
        assert!(text.contains("      PROTECTED: ${{ github.event.repository.default_branch }}\n"));
        assert!(workflow(CiSystem::Github, Path::new("${{ secrets.X }}.xcodeproj")).is_none());
    }

    #[test]
    fn for_the_others_there_are_commands() {
        let Some(Workflow::Snippet(text)) = workflow(CiSystem::Gitlab, Path::new("A b.xcodeproj"))
        else {
            panic!("it is a snippet");
        };
        assert!(text.starts_with("cargo install --locked"), "{text}");
        assert!(text.ends_with("--project 'A b.xcodeproj'\n"), "{text}");
    }
}
