//! The files that gate changes in the CI that builds the repository.
//!
//! Each is the example that stands in `examples/ci`, whose shell is tested there, with what this repository needs filled in. Three
//! things differ:
//!
//! - The job for the archive is left out. It needs a Mac that people choose and set up, so only they can add it.
//! - The change that brings the first policy and the first manifest passes: on the protected branch there is nothing yet that
//!   they could be compared with.
//! - Project, protected branch, policy and manifest are those of the repository, and what of the project was selected is added.
//!
//! Each also says the SHA-256 of its other lines. So a later `init`, of whatever version, knows a file that nobody changed.

use std::path::{Path, PathBuf};

use crate::base::ids::FileSha256;
use crate::base::plain::is_active;
use crate::base::shell;
use crate::host::ci_system::CiSystem;

/// What the files of a CI system name. All paths begin at the root of the repository.
#[derive(Debug)]
pub(super) struct Named<'a> {
    /// The project or workspace.
    pub(super) project: &'a Path,
    /// The policy.
    pub(super) policy: &'a Path,
    /// The manifest.
    pub(super) manifest: &'a Path,
    /// The protected branch.
    pub(super) branch: &'a str,
    /// What of the project is meant: words for the gate, each with a blank before it.
    pub(super) selected: &'a str,
}

/// A file of a CI system.
#[derive(Debug)]
pub(super) struct Workflow {
    /// Its path from the root of the repository.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
    /// Whether the system starts it as a program.
    pub(super) is_program: bool,
}

/// How a value stands in a file.
#[derive(Debug, Clone, Copy)]
enum Language {
    /// YAML, whose literal blocks hold the shell.
    Yaml,
    /// YAML in which the system makes one dollar sign of two.
    YamlOfBuildkite,
    Groovy,
    Shell,
}

impl Language {
    fn comment(self) -> &'static str {
        match self {
            Self::Groovy => "//",
            Self::Yaml | Self::YamlOfBuildkite | Self::Shell => "#",
        }
    }

    /// The dollar sign of a shell.
    fn dollar(self) -> &'static str {
        match self {
            Self::YamlOfBuildkite => "$$",
            Self::Yaml | Self::Groovy | Self::Shell => "$",
        }
    }

    /// Words of a shell as they stand in the file.
    fn words(self, words: &str) -> String {
        match self {
            Self::Groovy => words.replace('\\', "\\\\").replace('\'', "\\'"),
            Self::Yaml | Self::YamlOfBuildkite | Self::Shell => words.to_owned(),
        }
    }

    /// Where the example names its project, and the same with another one.
    fn project(self, project: &str) -> (&'static str, String) {
        match self {
            // A string of JSON is one of YAML.
            Self::Yaml | Self::YamlOfBuildkite => (
                "PROJECT: App.xcodeproj",
                format!("PROJECT: {}", serde_json::Value::from(project)),
            ),
            Self::Groovy => {
                let escaped = project.replace('\\', "\\\\").replace('\'', "\\'");
                (
                    "PROJECT = 'App.xcodeproj'",
                    format!("PROJECT = '{escaped}'"),
                )
            }
            Self::Shell => ("${PROJECT:-App.xcodeproj}", shell::word(Path::new(project))),
        }
    }
}

/// An example of `examples/ci`.
#[derive(Debug)]
struct Example {
    text: &'static str,
    language: Language,
    /// Where its service reads it, from the root of the repository.
    path: &'static str,
    /// The page that explains it.
    page: &'static str,
    /// What belongs to the archive: from the first text on, up to the second one; up to the end if that is empty.
    archive: &'static [(&'static str, &'static str)],
}

/// What stands once in an example, and what stands there instead.
type Replacement = (&'static str, &'static str);

/// What the examples say of both of their jobs, and what is left of it.
const OF_BOTH: &[Replacement] = &[
    ("stages: [check, archive]", "stages: [check]"),
    (
        "trigger:\n  tags:\n    include: [\"v*\"]\n",
        "trigger: none\n",
    ),
    ("  - tag: \"v*\"\n    workflow: archive\n", ""),
];

/// The examples of a system.
fn examples(ci: CiSystem) -> &'static [Example] {
    match ci {
        CiSystem::Github => &[Example {
            text: include_str!("../../../examples/ci/github-pull-request.yml"),
            language: Language::Yaml,
            path: ".github/workflows/countersign.yml",
            page: "github",
            archive: &[],
        }],
        CiSystem::Gitlab => &[Example {
            text: include_str!("../../../examples/ci/gitlab-ci.yml"),
            language: Language::Yaml,
            path: ".gitlab-ci.yml",
            page: "gitlab",
            archive: &[("  SCHEME: App\n", "  GIT_DEPTH"), ("\narchive:\n", "")],
        }],
        CiSystem::Buildkite => &[Example {
            text: include_str!("../../../examples/ci/buildkite.yml"),
            language: Language::YamlOfBuildkite,
            path: ".buildkite/pipeline.yml",
            page: "buildkite",
            archive: &[
                ("  SCHEME: App\n", "\nsteps:"),
                ("\n  - label: \"signing: archive\"\n", ""),
            ],
        }],
        CiSystem::Circleci => &[Example {
            text: include_str!("../../../examples/ci/circleci.yml"),
            language: Language::Yaml,
            path: ".circleci/config.yml",
            page: "circleci",
            archive: &[
                ("\n  archive:\n", "\nworkflows:\n"),
                ("      - archive:\n", ""),
            ],
        }],
        CiSystem::Azure => &[Example {
            text: include_str!("../../../examples/ci/azure-pipelines.yml"),
            language: Language::Yaml,
            path: "azure-pipelines.yml",
            page: "azure",
            archive: &[("  SCHEME: App\n", "\njobs:"), ("\n  - job: archive\n", "")],
        }],
        CiSystem::Bitrise => &[Example {
            text: include_str!("../../../examples/ci/bitrise.yml"),
            language: Language::Yaml,
            path: "bitrise.yml",
            page: "bitrise",
            archive: &[
                ("    - SCHEME: App\n", "\ntrigger_map:"),
                ("\n  archive:\n", ""),
            ],
        }],
        CiSystem::Jenkins => &[Example {
            text: include_str!("../../../examples/ci/Jenkinsfile"),
            language: Language::Groovy,
            path: "Jenkinsfile",
            page: "jenkins",
            archive: &[
                ("    SCHEME = 'App'\n", "  }\n\n  stages {"),
                ("\n    stage('archive') {\n", "  }\n}\n"),
            ],
        }],
        CiSystem::XcodeCloud => &[
            Example {
                text: include_str!("../../../examples/ci/xcode-cloud/ci_post_clone.sh"),
                language: Language::Shell,
                path: "ci_scripts/ci_post_clone.sh",
                page: "xcode-cloud",
                archive: &[],
            },
            Example {
                text: include_str!("../../../examples/ci/xcode-cloud/ci_pre_xcodebuild.sh"),
                language: Language::Shell,
                path: "ci_scripts/ci_pre_xcodebuild.sh",
                page: "xcode-cloud",
                archive: &[],
            },
        ],
    }
}

/// The files of `ci`; none where a name cannot be written into them.
pub(super) fn workflows(ci: CiSystem, named: &Named<'_>) -> Vec<Workflow> {
    let examples = examples(ci).iter();
    let workflows: Option<Vec<Workflow>> = examples
        .map(|example| {
            Some(Workflow {
                // Xcode Cloud looks beside the project, the others at the root.
                path: match ci {
                    CiSystem::XcodeCloud => named.project.parent()?.join(example.path),
                    _ => PathBuf::from(example.path),
                },
                text: example.filled(named)?,
                is_program: matches!(example.language, Language::Shell),
            })
        })
        .collect();
    workflows.unwrap_or_default()
}

/// How the digests come into the command where the protected branch may lack policy and manifest.
const PINS: &str = include_str!("pins.txt");

/// The policy and the manifest of the examples.
const POLICY: &str = "manifests/signing.toml";
const MANIFEST: &str = "manifests/profiles.json";

impl Example {
    fn filled(&self, named: &Named<'_>) -> Option<String> {
        let project = named.project.to_str().filter(|it| can_stand(it))?;
        let policy = named.policy.to_str().filter(|it| is_plain(it))?;
        let manifest = named.manifest.to_str().filter(|it| is_plain(it))?;
        let branch = Some(named.branch).filter(|it| is_plain(it))?;
        let selected = Some(named.selected).filter(|it| can_stand(it))?;
        let mut text = self.text.to_owned();
        for (from, until) in self.archive {
            cut(&mut text, from, until);
        }
        for (from, to) in OF_BOTH {
            text = text.replace(from, to);
        }
        let (place, project) = self.language.project(project);
        text = text.replace(place, &project);
        // What the shell of `PINS` finds out, the example finds out in two lines.
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("manifest="));
        let lines: Vec<String> = lines.map(|line| self.line(line)).collect();
        let text = lines.join("\n") + "\n";
        let text = text.replace(POLICY, policy).replace(MANIFEST, manifest);
        let text = text.replace("origin/main", &format!("origin/{branch}"));
        let text = text.replace("heads/main:", &format!("heads/{branch}:"));
        let project = format!("\"{}PROJECT\"", self.language.dollar());
        let selected = self.language.words(selected);
        Some(sealed(
            &text.replace(&project, &format!("{project}{selected}")),
        ))
    }

    /// A line of the example as it stands in a repository whose protected branch may lack policy and manifest.
    fn line(&self, line: &str) -> String {
        let (comment, dollar) = (self.language.comment(), self.language.dollar());
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let words = line.trim_start();
        if words.starts_with("policy=") {
            let lines: Vec<String> = PINS.lines().map(|pin| format!("{indent}{pin}")).collect();
            lines.join("\n").replace('$', dollar)
        } else if let Some((_, rest)) = words.split_once("manifest\" ") {
            format!("{indent}\"{dollar}@\" {rest}")
        } else if words.starts_with(&format!("{comment} Two ")) {
            format!("{comment} The gate for changes, on Linux: no Mac, no keychain, no secret.")
        } else if words.starts_with(&format!("{comment} Copy ")) {
            let page = self.page;
            format!(
                "{comment} Countersign wrote this file for this repository; it is yours to change. Its page docs/ci/{page}.md explains each\n\
                 {comment} line, and adds the job for the archive.\n\
                 {comment} Setting up again replaces this file if nobody has changed it: {SEAL}{UNSEALED}"
            )
        } else {
            line.to_owned()
        }
    }
}

/// What stands before the digest of the other lines.
const SEAL: &str = "the SHA-256 of its other lines is ";

/// What stands in place of the digest until it is known.
const UNSEALED: &str = "0";

/// The text with the digest of its other lines.
fn sealed(text: &str) -> String {
    let (_, others) = unsealed(text);
    text.replace(
        &format!("{SEAL}{UNSEALED}"),
        &format!("{SEAL}{}", FileSha256::of(others.as_bytes())),
    )
}

/// The digest that a text says of its other lines, and these.
fn unsealed(text: &str) -> (Option<&str>, String) {
    let mut digest = None;
    let lines = text.split_inclusive('\n');
    let others = lines.filter(|line| match (digest, line.split_once(SEAL)) {
        (None, Some((_, said))) => {
            digest = Some(said.trim_end());
            false
        }
        _ => true,
    });
    let others = others.collect();
    (digest, others)
}

/// Whether these are the bytes of a file that [`workflows`] made, in this version or another, and that nobody changed.
pub(super) fn is_untouched(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let (said, others) = unsealed(text);
    said.is_some_and(|said| said == FileSha256::of(others.as_bytes()).to_string())
}

/// Takes out what stands between `from` and `until`, or the end.
fn cut(text: &mut String, from: &str, until: &str) {
    let Some((before, rest)) = text.split_once(from) else {
        return;
    };
    let after = match until {
        "" => "",
        until => rest
            .find(until)
            .and_then(|at| rest.get(at..))
            .unwrap_or_default(),
    };
    *text = format!("{before}{after}");
}

/// Whether a path can stand in quotes in every file: no service fills anything in there, and everybody sees what it is.
fn can_stand(path: &str) -> bool {
    let is_filled_in = ["$", "<<", "{{"].iter().any(|part| path.contains(part));
    !is_filled_in && !path.contains(is_active)
}

/// Whether a name can stand in every file as it is.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/+".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CiSystem; 8] = [
        CiSystem::Github,
        CiSystem::Gitlab,
        CiSystem::Buildkite,
        CiSystem::Circleci,
        CiSystem::Azure,
        CiSystem::Bitrise,
        CiSystem::Jenkins,
        CiSystem::XcodeCloud,
    ];

    fn named(project: &str) -> Named<'_> {
        Named {
            project: Path::new(project),
            policy: Path::new(POLICY),
            manifest: Path::new(MANIFEST),
            branch: "main",
            selected: "",
        }
    }

    #[test]
    fn a_file_that_nobody_changed_is_known_whatever_it_names() {
        for ci in ALL {
            for file in workflows(ci, &named("ios/App.xcodeproj")) {
                let text = file.text;
                assert!(is_untouched(text.as_bytes()), "{ci:?}: {text}");
                for changed in [
                    format!("{text}\n"),
                    text.replacen("countersign", "countersigm", 1),
                    text.replace(SEAL, "the digest: "),
                    text.replace(SEAL, &format!("{SEAL}0")),
                ] {
                    assert!(!is_untouched(changed.as_bytes()), "{ci:?}: {changed}");
                }
            }
        }
        assert!(!is_untouched(b""));
        assert!(!is_untouched(b"\xff"));
    }

    #[test]
    fn what_is_selected_stands_behind_the_project() {
        for ci in ALL {
            let mut named = named("App.xcodeproj");
            named.selected = r" --target 'It'\''s'";
            let files = workflows(ci, &named);
            let text = &files.last().unwrap().text;
            let expected = match ci {
                CiSystem::Jenkins => r#"PROJECT" --target \'It\'\\\'\'s\'"#,
                _ => r#"PROJECT" --target 'It'\''s'"#,
            };
            assert_eq!(text.matches(expected).count(), 1, "{ci:?}: {text}");
            named.selected = " --target $'\\x60'";
            assert!(workflows(ci, &named).is_empty(), "{ci:?}");
        }
    }

    #[test]
    fn what_is_replaced_in_an_example_stands_in_it_once() {
        for example in ALL.iter().flat_map(|ci| examples(*ci)) {
            let count = |part: &str| example.text.matches(part).count();
            let (project, _) = example.language.project("x");
            let is_gate = example.text.contains("countersign gate");
            assert_eq!(
                count(project),
                usize::from(is_gate) * count_of_jobs(example),
                "{}",
                example.path
            );
            for (from, until) in example.archive {
                assert_eq!(count(from), 1, "{}: {from}", example.path);
                let (_, rest) = example.text.split_once(from).unwrap();
                assert!(rest.contains(until), "{}: {until}", example.path);
            }
            assert_eq!(count(" Copy "), 1, "{}", example.path);
            let pins = PINS
                .lines()
                .map(str::trim)
                .filter(|pin| pin.contains("=$("));
            for pin in pins.map(|pin| pin.replace('$', example.language.dollar())) {
                assert_eq!(
                    example.text.contains(&pin),
                    is_gate,
                    "{}: {pin}",
                    example.path
                );
            }
        }
        let all: String = ALL
            .iter()
            .flat_map(|ci| examples(*ci))
            .map(|it| it.text)
            .collect();
        for (from, _) in OF_BOTH {
            assert_eq!(all.matches(from).count(), 1, "{from}");
        }
    }

    /// How often the project is named: CircleCI's jobs have variables of their own.
    fn count_of_jobs(example: &Example) -> usize {
        match example.page {
            "circleci" => 2,
            _ => 1,
        }
    }

    #[test]
    fn of_every_system_the_gate_alone_is_left_with_the_names_of_the_repository() {
        for ci in ALL {
            let files = workflows(
                ci,
                &Named {
                    project: Path::new("ios/My \"App\": it's.xcworkspace"),
                    policy: Path::new("ios/manifests/signing.toml"),
                    manifest: Path::new("ios/manifests/profiles.json"),
                    branch: "trunk",
                    selected: "",
                },
            );
            assert!(!files.is_empty());
            let text: String = files.iter().map(|file| file.text.as_str()).collect();
            for gone in [
                "App.xcodeproj",
                "SCHEME",
                "countersign run",
                "xcodebuild archive",
                "/main",
                "Copy",
                "archive:",
            ] {
                assert!(!text.contains(gone), "{ci:?}: {gone}: {text}");
            }
            for there in [
                "cargo install --locked --git https://",
                "No release exists yet",
                "origin/trunk:ios/manifests/signing.toml",
                "origin +refs/heads/trunk:refs/remotes/origin/trunk\n",
                "--policy ios/manifests/signing.toml --manifest ios/manifests/profiles.json\n",
                "--without identities",
                "Countersign wrote this file",
            ] {
                assert!(text.contains(there), "{ci:?}: {there}: {text}");
            }
            assert_eq!(text.matches("countersign gate").count(), 1, "{ci:?}");
        }
    }

    #[test]
    fn a_project_stands_in_the_quotes_of_each_file() {
        let project = |ci, path: &str| {
            let files = workflows(ci, &named(path));
            files.into_iter().next_back().unwrap().text
        };
        let name = "a \"b\"\\'c'.xcodeproj";
        let yaml = r#"PROJECT: "a \"b\"\\'c'.xcodeproj""#;
        assert!(project(CiSystem::Github, name).contains(yaml));
        assert!(project(CiSystem::Jenkins, name).contains(r#"PROJECT = 'a "b"\\\'c\'.xcodeproj'"#));
        let shell = project(CiSystem::XcodeCloud, "ios/it's.xcodeproj");
        assert!(
            shell.contains(r"PROJECT='ios/it'\''s.xcodeproj'"),
            "{shell}"
        );
    }

    #[test]
    fn a_name_that_a_service_would_fill_in_is_written_into_no_file() {
        for ci in ALL {
            for project in [
                "${{ secrets.X }}.xcodeproj",
                "$HOME.xcodeproj",
                "<< x >>.xcodeproj",
                "a\nb.xcodeproj",
            ] {
                assert!(
                    workflows(ci, &named(project)).is_empty(),
                    "{ci:?} {project}"
                );
            }
            let mut other = named("App.xcodeproj");
            other.branch = "main; rm -r .";
            assert!(workflows(ci, &other).is_empty());
            other.branch = "release/2.x";
            assert!(!workflows(ci, &other).is_empty());
        }
    }

    #[test]
    fn xcode_cloud_reads_its_programs_beside_the_project() {
        let files = workflows(CiSystem::XcodeCloud, &named("ios/App.xcodeproj"));
        let paths: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
        let expected = [
            "ios/ci_scripts/ci_post_clone.sh",
            "ios/ci_scripts/ci_pre_xcodebuild.sh",
        ];
        assert_eq!(paths, expected.map(Path::new));
        assert!(
            files
                .iter()
                .all(|file| file.is_program && file.text.starts_with("#!/bin/bash\n"))
        );
    }
}
