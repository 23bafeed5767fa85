//! Each file against the schema of its platform, where PyPI's check-jsonschema carries one.

use std::fs;

use support::root;
use support::workshop::{Ran, ran};

use crate::tools::tool;

/// The schema of each file. Jenkins and Xcode Cloud have none, Bitrise's is not carried.
const SCHEMAS: &[(&str, &str)] = &[
    ("action.yml", "github-actions"),
    (".github/workflows/ci.yml", "github-workflows"),
    (".github/workflows/mutants.yml", "github-workflows"),
    (".github/workflows/release.yml", "github-workflows"),
    ("examples/ci/github-archive.yml", "github-workflows"),
    ("examples/ci/github-pull-request.yml", "github-workflows"),
    ("examples/ci/github-rotation.yml", "github-workflows"),
    ("examples/ci/gitlab-ci.yml", "gitlab-ci"),
    ("examples/ci/buildkite.yml", "buildkite"),
    ("examples/ci/circleci.yml", "circle-ci"),
    ("examples/ci/azure-pipelines.yml", "azure-pipelines"),
];

/// What the validator says of a file; none where it is not to be had.
pub(crate) fn validated(file: &std::path::Path, schema: &str) -> Option<Ran> {
    let mut command = tool("check-jsonschema")?;
    command.arg(format!("--builtin-schema=vendor.{schema}"));
    match schema {
        "gitlab-ci" => command.arg("--data-transform=gitlab-ci"),
        // Its patterns are no Unicode ones.
        "azure-pipelines" => command.args([
            "--data-transform=azure-pipelines",
            "--regex-variant=nonunicode",
        ]),
        _ => &mut command,
    };
    Some(ran(command.arg(file)))
}

#[test]
fn each_file_keeps_to_the_schema_of_its_platform() {
    for (file, schema) in SCHEMAS {
        let Some(ran) = validated(&root().join(file), schema) else {
            return;
        };
        assert_eq!(ran.code, 0, "{file}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn a_broken_file_does_not_keep_to_it() {
    let directory = tempfile::tempdir().unwrap();
    for (file, schema) in SCHEMAS {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let broken = directory.path().join("broken.yml");
        let mistakes = [
            ("jobs:", "jbos:"),
            ("runs:", "rnus:"),
            ("steps:", "spets:"),
            ("script:", "srcipt:"),
        ];
        let misspelt = mistakes.iter().fold(text.clone(), |text, (right, wrong)| {
            text.replace(right, wrong)
        });
        assert_ne!(misspelt, text);
        fs::write(&broken, misspelt).unwrap();
        let Some(ran) = validated(&broken, schema) else {
            return;
        };
        assert_eq!(ran.code, 1, "{file}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn each_yaml_file_with_a_schema_is_held_to_it() {
    for snippet in crate::snippet::snippets() {
        let name = format!("examples/ci/{}", snippet.name);
        let is_held = SCHEMAS.iter().any(|(file, _)| *file == name);
        let has_none = ["Jenkinsfile", "bitrise.yml"];
        assert!(
            is_held || has_none.contains(&&*snippet.name) || name.ends_with(".sh"),
            "{name}"
        );
    }
}
