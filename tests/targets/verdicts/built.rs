//! Acme's product, bent in one way at a time, and what may be selected of it.

use std::fs;
use std::path::{Path, PathBuf};

use countersign::apple::profile::ProfileKind;
use countersign::ops::target_selection::TargetSelection;
use forge::fixtures::{distribution, products};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};

use super::{Input, agree, clears};
use crate::scene::{SHARE, SPECIFIER, groups, profile, rocket, unasked, without};

/// A project, the profiles at hand, and whether everything is right with what it archives.
struct Case {
    name: &'static str,
    project: ProjectSpec,
    profiles: Vec<ProfileSpec>,
    clears: bool,
}

fn good(name: &'static str, project: ProjectSpec, profiles: Vec<ProfileSpec>) -> Case {
    Case {
        name,
        project,
        profiles,
        clears: true,
    }
}

fn bad(name: &'static str, project: ProjectSpec, profiles: Vec<ProfileSpec>) -> Case {
    Case {
        clears: false,
        ..good(name, project, profiles)
    }
}

fn share(change: impl FnOnce(TargetSpec) -> TargetSpec) -> ProjectSpec {
    rocket().change("Share", change)
}

/// An application for the Mac, alone.
fn desk(change: impl FnOnce(TargetSpec) -> TargetSpec) -> ProjectSpec {
    let app = TargetSpec::new("Desk", Product::App, "com.acme.desk").with("SDKROOT", "macosx");
    ProjectSpec::new("Acme").target(change(app))
}

fn cases() -> Vec<Case> {
    let example = TargetSpec::new("Example", Product::App, "com.acme.example");
    let kit = TargetSpec::new("Kit", Product::Framework, "com.acme.rocket.kit");
    let with_kit = |kit: TargetSpec| {
        rocket()
            .target(kit)
            .change("Rocket", |it| it.embedding(&["Kit"]))
    };
    let mac = || ProfileSpec::mac(Kind::DeveloperId, "com.acme.desk");
    let others = |spec: ProfileSpec| [without(SHARE), vec![spec]].concat();
    vec![
        good("everything fits", rocket(), products()),
        good("nothing is asked for", unasked(), products()),
        good(
            "an example beside it",
            rocket().target(example.clone().with("CODE_SIGN_STYLE", "Automatic")),
            products(),
        ),
        good("a framework", with_kit(kit.clone()), products()),
        good("a Mac app without a profile", desk(|it| it), Vec::new()),
        good(
            "a Mac app with its profile",
            desk(|it| {
                it.with(SPECIFIER, &mac().uuid)
                    .with("CODE_SIGN_STYLE", "Manual")
                    .with("CODE_SIGN_IDENTITY", "Developer ID Application")
            }),
            vec![mac()],
        ),
        bad("no profile at all", rocket(), Vec::new()),
        bad("no profile for one", rocket(), without(SHARE)),
        bad(
            "a profile of another name",
            share(|it| it.release(SPECIFIER, "Nowhere")),
            products(),
        ),
        bad(
            "an example that asks for a profile",
            rocket().target(example.with(SPECIFIER, "Example")),
            products(),
        ),
        bad(
            "one is automatic",
            share(|it| it.with("CODE_SIGN_STYLE", "Automatic")),
            products(),
        ),
        bad(
            "all are automatic",
            unasked().change_all(|it| {
                it.with("CODE_SIGN_STYLE", "Automatic")
                    .without("CODE_SIGN_IDENTITY")
            }),
            products(),
        ),
        bad(
            "no team",
            share(|it| it.with("DEVELOPMENT_TEAM", "")),
            products(),
        ),
        bad(
            "another team",
            share(|it| it.with("DEVELOPMENT_TEAM", "RIVAL4CI02")),
            products(),
        ),
        bad(
            "a specifier for a framework",
            with_kit(kit.with(SPECIFIER, "iOS App Store - App")),
            products(),
        ),
        bad(
            "a specifier for all",
            unasked().release(SPECIFIER, "iOS App Store - App"),
            products(),
        ),
        bad(
            "a bundle id of its own",
            share(|it| it.with("PRODUCT_BUNDLE_IDENTIFIER", "com.other.share")),
            products(),
        ),
        bad(
            "a claim that is not granted",
            share(|it| it.claiming("com.apple.developer.healthkit", true)),
            products(),
        ),
        bad(
            "another kind",
            unasked(),
            others(
                ProfileSpec::ios(Kind::Development, SHARE)
                    .entitled("com.apple.security.application-groups", groups()),
            ),
        ),
        bad(
            "a Mac app that claims what a profile must grant",
            desk(|it| it.claiming("com.apple.developer.associated-domains", "*")),
            Vec::new(),
        ),
        bad(
            "a Mac app with a profile that claims more",
            desk(|it| {
                it.with(SPECIFIER, &mac().uuid)
                    .with("CODE_SIGN_IDENTITY", "Developer ID Application")
                    .with("CODE_SIGN_STYLE", "Manual")
                    .claiming("com.apple.developer.associated-domains", "*")
            }),
            vec![mac()],
        ),
        bad(
            "a bundle id that nothing says",
            share(|it| it.with("PRODUCT_BUNDLE_IDENTIFIER", "$(NOBODY_SAYS)")),
            products(),
        ),
        bad(
            "two with one bundle id",
            rocket().change("Widgets", |it| it.with("PRODUCT_BUNDLE_IDENTIFIER", SHARE)),
            products(),
        ),
        bad(
            "a configuration file that is gone",
            rocket().based_on("Gone.xcconfig"),
            products(),
        ),
        // Said to be unsigned, which is no failure.
        good(
            "nothing is signed",
            rocket().with("CODE_SIGNING_ALLOWED", "NO"),
            products(),
        ),
        good(
            "a profile that expired beside a newer one",
            unasked(),
            [
                products(),
                vec![
                    profile(SHARE)
                        .named("Old")
                        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
                ],
            ]
            .concat(),
        ),
    ]
}

/// What may be selected, and how a failure calls it.
fn selections(project: &Path, xcconfig: &Path) -> Vec<(&'static str, TargetSelection)> {
    let base = || TargetSelection {
        projects: vec![project.to_owned()],
        ..TargetSelection::default()
    };
    let configured = |name: &str| TargetSelection {
        configurations: vec![name.parse().unwrap()],
        ..base()
    };
    let sdk = |name: &str| TargetSelection {
        sdk: Some(name.to_owned()),
        ..base()
    };
    vec![
        ("", base()),
        ("in Release", configured("Release")),
        ("in Debug", configured("Debug")),
        ("in no configuration", configured("Staging")),
        ("for iphoneos", sdk("iphoneos")),
        ("for macosx", sdk("macosx")),
        ("for a simulator", sdk("iphonesimulator")),
        (
            "of a scheme",
            TargetSelection {
                scheme: Some("Rocket".to_owned()),
                ..base()
            },
        ),
        (
            "of a target",
            TargetSelection {
                targets: vec!["Share".to_owned()],
                ..base()
            },
        ),
        (
            "for the store",
            TargetSelection {
                kind: Some(ProfileKind::AppStore),
                ..base()
            },
        ),
        (
            "with settings",
            TargetSelection {
                settings: vec!["CODE_SIGN_STYLE=Manual".to_owned()],
                xcconfig: Some(xcconfig.to_owned()),
                ..base()
            },
        ),
    ]
}

/// A folder for each case: its project and its profiles, and a policy that believes Acme's authority.
fn lay(case: &Case, folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    fs::create_dir_all(folder.join("repository")).unwrap();
    let project = case.project.write(&folder.join("repository"));
    let profiles = folder.join("profiles");
    fs::create_dir(&profiles).unwrap();
    for spec in &case.profiles {
        let spec = match spec.certificates.is_empty() {
            true => spec.clone().certificates(&[distribution()]),
            false => spec.clone(),
        };
        fs::write(profiles.join(spec.file_name()), spec.mint()).unwrap();
    }
    let anchors = forge::hierarchy::Hierarchy::acme().anchors_pem();
    fs::write(folder.join("anchors.pem"), anchors).unwrap();
    let policy = folder.join("signing.toml");
    let text = "version = 1\n[profiles]\ntrust_anchors = [\"anchors.pem\"]\n";
    fs::write(&policy, text).unwrap();
    fs::write(
        folder.join("said.xcconfig"),
        "DEVELOPMENT_TEAM = ACME4CI001\n",
    )
    .unwrap();
    (project, profiles, policy)
}

#[test]
fn whatever_is_bent_and_whatever_is_selected_gets_one_verdict() {
    let place = tempfile::tempdir().unwrap();
    let (mut inputs, mut wrong) = (Vec::new(), Vec::new());
    for (at, case) in cases().iter().enumerate() {
        let folder = place.path().join(format!("case-{at}"));
        let (project, profiles, policy) = lay(case, &folder);
        let all = selections(&project, &folder.join("said.xcconfig"));
        // As it is, and four of the others in turn.
        let turn = |of: usize| of == 0 || (of + at * 4) % (all.len() - 1) < 4;
        let selected = all.iter().enumerate().filter(|(of, _)| turn(*of));
        for (words, selection) in selected.map(|(_, it)| it.clone()) {
            let input = Input {
                name: format!("{} {words}", case.name),
                selection,
                policy: policy.clone(),
                profiles: profiles.clone(),
                environment: Vec::new(),
            };
            if words.is_empty() && clears(&input) != case.clears {
                wrong.push(case.name);
            }
            inputs.push(input);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    agree(&inputs);
}
