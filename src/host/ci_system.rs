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

impl CiSystem {
    /// Every system, and the files or folders that tell of it, from the root of the repository. Where several are there, the
    /// first counts.
    const TOLD_BY: [(Self, &'static [&'static str]); 8] = [
        (Self::Github, &[".github"]),
        (Self::Gitlab, &[".gitlab-ci.yml"]),
        (Self::Buildkite, &[".buildkite"]),
        (Self::Circleci, &[".circleci"]),
        (Self::Azure, &["azure-pipelines.yml"]),
        (Self::Bitrise, &["bitrise.yml"]),
        (Self::Jenkins, &["Jenkinsfile"]),
        (Self::XcodeCloud, &["ci_scripts"]),
    ];

    /// The system that builds the repository at `root`, if its files tell.
    pub fn of_repository(root: &Path) -> Option<Self> {
        let is_told = |(_, files): &&(Self, &[&str])| {
            let mut files = files.iter();
            files.any(|file| root.join(file).exists())
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
        assert_eq!(CiSystem::of_repository(disk.path()), None);
        for (system, files) in CiSystem::TOLD_BY.iter().rev() {
            std::fs::create_dir(disk.path().join(files[0])).unwrap();
            assert_eq!(CiSystem::of_repository(disk.path()), Some(*system));
        }
    }
}
