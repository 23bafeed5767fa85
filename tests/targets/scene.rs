//! Acme's product in a workshop, with a profile for each of its targets.

use std::fs;

use forge::fixtures::products;
use forge::profile::ProfileSpec;
use forge::project::ProjectSpec;
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop, ran};

pub(crate) const SPECIFIER: &str = "PROVISIONING_PROFILE_SPECIFIER";

pub(crate) const SHARE: &str = "com.acme.rocket.share";

/// Acme's project, each target asking for its profile by name.
pub(crate) fn rocket() -> ProjectSpec {
    forge::fixtures::project()
}

/// Acme's project, no target asking for a profile: the plan chooses.
pub(crate) fn unasked() -> ProjectSpec {
    rocket().change_all(|target| target.without(SPECIFIER))
}

/// Acme's profile for a bundle id.
pub(crate) fn profile(bundle_id: &str) -> ProfileSpec {
    let mut products = products().into_iter();
    products.find(|it| it.bundle_pattern == bundle_id).unwrap()
}

/// Acme's profiles without the one for a bundle id.
pub(crate) fn without(bundle_id: &str) -> Vec<ProfileSpec> {
    let mut products = products();
    products.retain(|it| it.bundle_pattern != bundle_id);
    products
}

/// A workshop with this project and these profiles.
pub(crate) fn scene(project: &ProjectSpec, profiles: &[ProfileSpec]) -> Workshop {
    let workshop = Workshop::new();
    project.write(&workshop.path(""));
    for spec in profiles {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    workshop
}

/// Runs a `targets` command on the Release configuration with the profiles at hand.
pub(crate) fn targets(workshop: &Workshop, verb: &str, arguments: &[&str]) -> Ran {
    targets_in(&[], workshop, verb, arguments)
}

/// The same with these variables in its environment.
pub(crate) fn targets_in(
    environment: &[(&str, &str)],
    workshop: &Workshop,
    verb: &str,
    arguments: &[&str],
) -> Ran {
    let fixed = [
        "targets",
        verb,
        "--project",
        "Acme.xcodeproj",
        "--configuration",
        "Release",
        "--profiles",
        "profiles",
    ];
    let mut command = workshop.command(&[&fixed, arguments].concat());
    ran(command.envs(environment.iter().copied()))
}

/// A finding and the text of the line that it points at.
pub(crate) struct Told {
    pub(crate) finding: Json,
    pub(crate) line: String,
}

impl Told {
    pub(crate) fn target(&self) -> &str {
        self.finding["place"]["target"].as_str().unwrap_or_default()
    }

    pub(crate) fn code(&self) -> &str {
        self.finding["code"].as_str().unwrap()
    }

    pub(crate) fn message(&self) -> &str {
        self.finding["message"].as_str().unwrap()
    }
}

/// The findings that block, each with the line that it points at.
pub(crate) fn blocking(workshop: &Workshop, document: &Json) -> Vec<Told> {
    let findings = document["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["severity"] == "block")
        .map(|finding| {
            let place = &finding["place"];
            let line = || {
                let file = workshop.path(place["file"].as_str()?);
                let at = usize::try_from(place["line"].as_u64()?).ok()?;
                let text = fs::read_to_string(file).ok()?;
                Some(text.lines().nth(at - 1)?.trim().to_owned())
            };
            Told {
                finding: finding.clone(),
                line: line().unwrap_or_default(),
            }
        })
        .collect()
}

/// `targets check` blocks for this code and target alone, at a line that holds this; exit 10.
#[track_caller]
pub(crate) fn blocked(
    workshop: &Workshop,
    arguments: &[&str],
    code: &str,
    target: &str,
    line: &str,
) -> Told {
    let arguments = [&["--format", "json"], arguments].concat();
    let document = targets(workshop, "check", &arguments).exits(10).json();
    assert_eq!(document["verdict"], "blocked");
    only(blocking(workshop, &document), code, target, line)
}

/// Exactly one, of this code and target, at a line that holds this, with a remedy.
#[track_caller]
pub(crate) fn only(mut told: Vec<Told>, code: &str, target: &str, line: &str) -> Told {
    let all: Vec<&Json> = told.iter().map(|told| &told.finding).collect();
    assert_eq!(all.len(), 1, "{all:#?}");
    let told = told.remove(0);
    assert_eq!(
        (told.code(), told.target()),
        (code, target),
        "{:#}",
        told.finding
    );
    assert!(
        told.line.contains(line),
        "{:?} at {:#}",
        told.line,
        told.finding
    );
    assert!(
        told.finding["hint"].is_string(),
        "no remedy: {:#}",
        told.finding
    );
    told
}

/// What `targets show` says of a target, without any blocking finding.
#[track_caller]
pub(crate) fn shown(workshop: &Workshop, target: &str, arguments: &[&str]) -> Json {
    let arguments = [&["--format", "json", "--target", target], arguments].concat();
    let document = targets(workshop, "show", &arguments).exits(0).json();
    let shown = document["targets"].as_array().unwrap();
    assert_eq!(shown.len(), 1, "{document:#}");
    shown[0].clone()
}

/// A workshop whose manifest pins the project's targets.
pub(crate) fn frozen(project: &ProjectSpec, profiles: &[ProfileSpec]) -> Workshop {
    let workshop = scene(project, profiles);
    workshop
        .run(&["manifest", "freeze", "--project", "Acme.xcodeproj"])
        .exits(0);
    workshop
}

/// The gate with the project.
pub(crate) fn gate(workshop: &Workshop) -> Ran {
    workshop.run(&[
        "gate",
        "--identities",
        "identities.txt",
        "--project",
        "Acme.xcodeproj",
        "--format",
        "json",
    ])
}

pub(crate) fn groups() -> plist::Value {
    plist::Value::Array(vec!["group.com.acme.rocket".into()])
}

/// Checks a project that is not right; the document and every target that it still tells of.
pub(crate) fn document(workshop: &Workshop, code: i32) -> (Json, Vec<String>) {
    let document = targets(workshop, "check", &["--format", "json"])
        .exits(code)
        .json();
    let names = document["targets"].as_array().unwrap().iter();
    let names = names
        .map(|target| target["target"].as_str().unwrap().to_owned())
        .collect();
    (document, names)
}

pub(crate) fn pbxproj(workshop: &Workshop) -> String {
    String::from_utf8(workshop.read("Acme.xcodeproj/project.pbxproj")).unwrap()
}
