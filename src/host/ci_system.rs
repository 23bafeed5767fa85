//! Which CI system builds a repository, told by the files that each of them reads.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

/// A CI system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CiSystem {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
    /// Buildkite.
    Buildkite,
    /// CircleCI.
    Circleci,
    /// Azure Pipelines.
    Azure,
    /// Bitrise.
    Bitrise,
    /// Jenkins.
    Jenkins,
    /// Xcode Cloud.
    XcodeCloud,
}

/// The folder of Xcode Cloud's scripts, beside the project or workspace.
const SCRIPTS_OF_XCODE_CLOUD: &str = "ci_scripts";

impl CiSystem {
    /// Every system, and the file or folder that tells of it, from the root of the repository. Where several are there, the
    /// first counts. What is hosted at GitHub has a folder `.github` whoever builds it, so that counts last.
    const TOLD_BY: [(Self, &'static str); 9] = [
        (Self::Github, ".github/workflows"),
        (Self::Gitlab, ".gitlab-ci.yml"),
        (Self::Buildkite, ".buildkite"),
        (Self::Circleci, ".circleci"),
        (Self::Azure, "azure-pipelines.yml"),
        (Self::Bitrise, "bitrise.yml"),
        (Self::Jenkins, "Jenkinsfile"),
        (Self::XcodeCloud, SCRIPTS_OF_XCODE_CLOUD),
        (Self::Github, ".github"),
    ];

    /// The system that builds the repository at `root`, if its files tell. The project lies in the folder `of_project`, where
    /// Xcode Cloud looks for its scripts.
    pub fn of_repository(root: &Path, of_project: &Path) -> Option<Self> {
        let is_told = |(_, file): &&(Self, &str)| {
            let is_beside = *file == SCRIPTS_OF_XCODE_CLOUD && of_project.join(file).exists();
            is_beside || root.join(file).exists()
        };
        let told = Self::TOLD_BY.iter().find(is_told);
        told.map(|(system, _)| *system)
    }

    /// Its name, as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Github => "GitHub Actions",
            Self::Gitlab => "GitLab CI/CD",
            Self::Buildkite => "Buildkite",
            Self::Circleci => "CircleCI",
            Self::Azure => "Azure Pipelines",
            Self::Bitrise => "Bitrise",
            Self::Jenkins => "Jenkins",
            Self::XcodeCloud => "Xcode Cloud",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_repository_tell_what_builds_it() {
        let disk = tempfile::tempdir().unwrap();
        let of = |root: &Path, project| CiSystem::of_repository(root, &root.join(project));
        assert_eq!(of(disk.path(), ""), None);
        for (system, file) in CiSystem::TOLD_BY.iter().rev() {
            std::fs::create_dir_all(disk.path().join(file)).unwrap();
            assert_eq!(of(disk.path(), ""), Some(*system));
        }
        let disk = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(disk.path().join("ios/ci_scripts")).unwrap();
        assert_eq!(of(disk.path(), ""), None);
        assert_eq!(of(disk.path(), "ios"), Some(CiSystem::XcodeCloud));
    }
}
