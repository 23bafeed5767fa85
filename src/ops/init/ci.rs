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

const GITHUB: &str = include_str!("../../../examples/ci/github.yml");

/// The project in that file.
const PLACEHOLDER: &str = "PROJECT: App.xcodeproj";

/// The workflow for `ci` that judges `project`, a path from the root of the repository; none where the path cannot be written
/// into it.
pub(super) fn workflow(ci: CiSystem, project: &Path) -> Option<Workflow> {
    let project = project.to_str().filter(|it| !it.contains("${{"))?;
    Some(match ci {
        CiSystem::Github => Workflow::File {
            path: ".github/workflows/countersign.yml",
            // A string of JSON is one of YAML.
            text: GITHUB.replace(
                PLACEHOLDER,
                &format!("PROJECT: {}", serde_json::Value::from(project)),
            ),
        },
        _ => Workflow::Snippet(snippet(project)),
    })
}

/// The commands, which run in any POSIX shell.
fn snippet(project: &str) -> String {
    let install = GITHUB.lines().map(str::trim);
    let install = install
        .filter(|line| line.starts_with("cargo install"))
        .collect::<String>();
    format!(
        "{install}\ncountersign gate --without identities --project {}\n",
        shell::word(Path::new(project))
    )
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
        assert!(!text.contains(PLACEHOLDER));
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
