//! What `countersign init` writes for each service: held to the schema and to shellcheck, and its shell runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use support::workshop::ran;

use crate::schemas::validated;
use crate::shell::is_clean;
use crate::site::Site;
use crate::snippet::{Purpose, Snippet, Step, steps_of};

/// A service as `--ci` names it, the files that it reads, the example whose shell they hold, and the schema if there is one.
type Service = (
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
);

const SERVICES: &[Service] = &[
    (
        "github",
        &[".github/workflows/countersign.yml"],
        "github-pull-request.yml",
        "github-workflows",
    ),
    ("gitlab", &[".gitlab-ci.yml"], "gitlab-ci.yml", "gitlab-ci"),
    (
        "buildkite",
        &[".buildkite/pipeline.yml"],
        "buildkite.yml",
        "buildkite",
    ),
    (
        "circleci",
        &[".circleci/config.yml"],
        "circleci.yml",
        "circle-ci",
    ),
    (
        "azure",
        &["azure-pipelines.yml"],
        "azure-pipelines.yml",
        "azure-pipelines",
    ),
    ("bitrise", &["bitrise.yml"], "bitrise.yml", ""),
    ("jenkins", &["Jenkinsfile"], "Jenkinsfile", ""),
    (
        "xcode-cloud",
        &[
            "fixtures/acme/ci_scripts/ci_post_clone.sh",
            "fixtures/acme/ci_scripts/ci_pre_xcodebuild.sh",
        ],
        "x.sh",
        "",
    ),
];

/// Writes the files of a service in the clone.
fn init(site: &Site, service: &str) {
    // As `git clone` notes it.
    let head = site.checkout(".git/refs/remotes/origin/HEAD");
    fs::write(head, "ref: refs/remotes/origin/main\n").unwrap();
    let mut init = site.command(&support::program());
    init.env_remove("PROJECT")
        .env_remove("SCHEME")
        .args(["init", "--yes", "--ci", service]);
    ran(init.args([
        "--project",
        "fixtures/acme/Acme.xcodeproj",
        "--scheme",
        "Acme",
    ]))
    .exits(0);
}

/// The steps of the files of a service.
fn steps(site: &Site, (_, files, example, _): &Service) -> Vec<Step> {
    let files = files.iter();
    let texts = files.map(|file| fs::read_to_string(site.checkout(file)).unwrap());
    let name = (*example).to_owned();
    texts
        .flat_map(|text| {
            steps_of(&Snippet {
                name: name.clone(),
                text,
            })
        })
        .collect()
}

/// Runs them one after the other; what the last one said.
fn run(site: &Site, steps: &[Step]) -> support::workshop::Ran {
    let (gate, before) = steps.split_last().unwrap();
    assert_eq!(gate.purpose(), Purpose::PullRequest);
    for step in before {
        site.run(step).exits(0);
    }
    site.run(gate)
}

#[test]
fn what_init_writes_keeps_to_the_schema_and_has_clean_shell() {
    for service in SERVICES {
        let (name, files, _, schema) = service;
        let site = Site::new();
        init(&site, name);
        for file in *files {
            let file = site.checkout(file);
            if !schema.is_empty() {
                let Some(ran) = validated(&file, schema) else {
                    return;
                };
                assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
            }
            let is_program = fs::metadata(&file).unwrap().permissions().mode() & 0o111 == 0o111;
            assert_eq!(is_program, *name == "xcode-cloud", "{name}");
        }
        for step in steps(&site, service) {
            let Some((is_clean, said)) = is_clean(&step.script) else {
                return;
            };
            assert!(is_clean, "{name}: {said}");
        }
    }
}

#[test]
fn the_first_change_passes_and_later_ones_are_held_to_the_pins_of_the_protected_branch() {
    for service in SERVICES {
        let (name, ..) = service;
        let site = Site::new();
        init(&site, name);
        let steps = steps(&site, service);
        run(&site, &steps).exits(0).says(&["cleared", "identities"]);

        for (file, from, to, code) in [
            (
                "manifests/signing.toml",
                "version = 1",
                "version  = 1",
                "policy-digest-mismatch",
            ),
            (
                "manifests/profiles.json",
                "\"revision\": 1",
                "\"revision\": 9",
                "manifest-digest-mismatch",
            ),
            (
                "fixtures/acme/Acme.xcodeproj/project.pbxproj",
                "com.acme.rocket.share",
                "com.acme.rocket.stolen",
                "target-bundle-mismatch",
            ),
        ] {
            site.change(file, from, to);
            run(&site, &steps).exits(10).says(&[code]);
            site.change(file, to, from);
        }

        // The protected branch holds neither yet: this change brings them.
        let origin = site.path("origin");
        site.git(&origin, "checkout -q main");
        site.git(
            &origin,
            "rm -q manifests/profiles.json manifests/signing.toml",
        );
        site.git(&origin, "commit -q -m none");
        run(&site, &steps).exits(0).says(&["cleared"]);

        // Where git fails, nobody knows what is reviewed.
        fs::rename(origin, site.path("moved")).unwrap();
        let ran = run(&site, &steps).exits(128);
        assert!(!ran.text().contains("cleared"), "{name}: {ran:?}");
    }
}
