//! What the archive holds is judged; the rest is for information.

use forge::fixtures::products;
use forge::project::{Product, ProjectSpec, TargetSpec};
use serde_json::Value as Json;
use support::workshop::{Workshop, codes};

use crate::scene::{SHARE, SPECIFIER, blocked, blocking, only, rocket, scene, targets, without};

/// Writes a scheme of Acme's project, which archives these targets.
pub(crate) fn scheme(workshop: &Workshop, name: &str, configuration: &str, targets: &[&str]) {
    let entries: String = targets
        .iter()
        .map(|target| {
            format!(
                "         <BuildActionEntry buildForArchiving = \"YES\">\n            <BuildableReference \
                 BlueprintName = \"{target}\" ReferencedContainer = \"container:Acme.xcodeproj\"/>\n         \
                 </BuildActionEntry>\n"
            )
        })
        .collect();
    std::fs::create_dir_all(workshop.path("Acme.xcodeproj/xcshareddata/xcschemes")).unwrap();
    workshop.write(
        format!("Acme.xcodeproj/xcshareddata/xcschemes/{name}.xcscheme"),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Scheme version = \"1.7\">\n   <BuildAction>\n{entries}   \
             </BuildAction>\n   <ArchiveAction buildConfiguration = \"{configuration}\"/>\n</Scheme>\n"
        ),
    );
}

/// Acme's project with an example application that nobody can sign here: signed manually, with a profile that is nowhere.
fn with_example() -> ProjectSpec {
    rocket().target(
        TargetSpec::new("Example", Product::App, "com.acme.example").with(SPECIFIER, "Example"),
    )
}

fn check(workshop: &Workshop, arguments: &[&str]) -> Json {
    let arguments = [&["--format", "json"], arguments].concat();
    let document = targets(workshop, "check", &arguments).json();
    let is_cleared = document["verdict"] == "cleared";
    assert_eq!(is_cleared, blocking(workshop, &document).is_empty());
    document
}

#[test]
fn an_example_beside_the_only_application_that_a_scheme_archives_does_not_block() {
    let workshop = scene(&with_example(), &products());
    blocked(&workshop, &[], "target-unmapped", "Example", SPECIFIER);
    scheme(&workshop, "Rocket", "Release", &["Rocket"]);
    let document = check(&workshop, &[]);
    assert_eq!(document["verdict"], "cleared");
    assert_eq!(document["archive"]["scheme"], "Rocket");
    assert_eq!(
        document["archive"]["products"],
        serde_json::json!(["Rocket"])
    );
    assert!(
        codes(&document)
            .iter()
            .any(|code| code == "target-not-archived")
    );
    // Whoever names the example means it.
    let named = ["--scheme", "Example"];
    blocked(&workshop, &named, "target-unmapped", "Example", SPECIFIER);
    let named = ["--target", "Example"];
    blocked(&workshop, &named, "target-unmapped", "Example", SPECIFIER);
}

#[test]
fn what_the_archive_embeds_is_judged_whoever_is_named_in_the_scheme() {
    let workshop = scene(&with_example(), &without(SHARE));
    scheme(&workshop, "Rocket", "Release", &["Rocket"]);
    scheme(&workshop, "Example", "Release", &["Example"]);
    let named = ["--scheme", "Rocket"];
    blocked(&workshop, &named, "target-unmapped", "Share", SPECIFIER);
}

#[test]
fn the_scheme_says_which_configuration_is_archived() {
    let debug = rocket().change("Share", |target| {
        target.without(SPECIFIER).release(SPECIFIER, "Nowhere")
    });
    let workshop = scene(&debug, &products());
    scheme(&workshop, "Staging", "Debug", &["Rocket"]);
    scheme(&workshop, "Rocket", "Release", &["Rocket"]);
    let fixed = [
        "targets",
        "check",
        "--project",
        "Acme.xcodeproj",
        "--profiles",
        "profiles",
    ];
    let run = |arguments: &[&str]| {
        let arguments = [&fixed[..], &["--format", "json"], arguments].concat();
        workshop.run(&arguments).json()
    };
    for (arguments, configuration, is_release) in [
        (&["--scheme", "Staging"][..], "Debug", false),
        (&["--scheme", "Rocket"], "Release", true),
        (&[], "Release", true),
        (
            &["--scheme", "Rocket", "--configuration", "Debug"],
            "Debug",
            false,
        ),
    ] {
        let document = run(arguments);
        // Only Release asks for a profile that nobody has.
        let asked = codes(&document).contains(&"target-profile-stale".to_owned());
        assert_eq!(asked, is_release, "{arguments:?}: {document:#}");
        let read = &document["archive"]["configurations"];
        assert_eq!(read, &serde_json::json!([configuration]), "{arguments:?}");
    }
}

#[test]
fn each_product_is_signed_for_itself() {
    let example = TargetSpec::new("Example", Product::App, "com.acme.rocket.share")
        .with("CODE_SIGN_STYLE", "Automatic");
    let workshop = scene(&rocket().target(example), &products());
    let document = check(&workshop, &[]);
    // It has the bundle id of another product and a style of its own; neither keeps anybody from archiving.
    let codes = codes(&document);
    for code in [
        "signing-style-mixed",
        "target-profile-stale",
        "target-bundle-mismatch",
    ] {
        assert!(!codes.iter().any(|it| it == code), "{document:#}");
    }
    let embedded = rocket().change("Share", |target| {
        target.with("CODE_SIGN_STYLE", "Automatic")
    });
    let workshop = scene(&embedded, &products());
    blocked(
        &workshop,
        &[],
        "signing-style-mixed",
        "Share",
        "CODE_SIGN_STYLE",
    );
}

#[test]
fn an_application_that_nobody_prepared_is_information_beside_one_that_is() {
    let example = TargetSpec::new("Example", Product::App, "com.acme.example")
        .with("CODE_SIGN_STYLE", "Automatic");
    let workshop = scene(&rocket().target(example.clone()), &products());
    let document = check(&workshop, &[]);
    assert_eq!(document["verdict"], "cleared", "{document:#}");
    let told = document["findings"].as_array().unwrap().iter();
    let told: Vec<&str> = told
        .filter(|finding| finding["code"] == "target-not-archived")
        .map(|finding| finding["message"].as_str().unwrap())
        .collect();
    assert!(told.iter().any(|it| it.contains("Example")), "{told:?}");
    // Alone it is what is meant, and nothing signs it.
    let alone = ProjectSpec::new("Acme").target(example);
    let workshop = scene(&alone, &products());
    let document = check(&workshop, &[]);
    assert_eq!(document["verdict"], "blocked");
}

#[test]
fn a_scheme_that_is_not_there_is_an_error_that_names_those_that_are() {
    let workshop = scene(&rocket(), &products());
    scheme(&workshop, "Store", "Release", &["Rocket"]);
    targets(&workshop, "check", &["--scheme", "Shop"])
        .exits(11)
        .says(&["no scheme \"Shop\"", "Store"]);
}

#[test]
fn a_scheme_of_a_target_that_is_gone_blocks_at_its_line_and_the_rest_is_judged() {
    let workshop = scene(&rocket(), &without(SHARE));
    scheme(&workshop, "Rocket", "Release", &["Rocket", "Gone"]);
    let document = check(&workshop, &[]);
    let mut told = blocking(&workshop, &document);
    told.sort_by_key(|told| told.code().to_owned());
    let share = told.pop().unwrap();
    assert_eq!((share.code(), share.target()), ("target-unmapped", "Share"));
    let gone = only(told, "scheme-target-missing", "", "Gone");
    assert!(
        gone.finding["place"]["file"]
            .as_str()
            .unwrap()
            .ends_with("Rocket.xcscheme")
    );
}

#[test]
fn a_broken_scheme_blocks_who_names_it_and_warns_everybody_else() {
    let workshop = scene(&rocket(), &products());
    let file = "Acme.xcodeproj/xcshareddata/xcschemes/Rocket.xcscheme";
    scheme(&workshop, "Rocket", "Release", &[]);
    for text in [
        "<Scheme>\n<BuildAction>",
        "<!DOCTYPE a>\n<Scheme/>",
        "<<<<<<< HEAD\n",
    ] {
        workshop.write(file, text);
        let document = check(&workshop, &[]);
        assert_eq!(document["verdict"], "cleared");
        assert!(
            codes(&document)
                .iter()
                .any(|code| code == "scheme-unreadable")
        );
        let named = ["--scheme", "Rocket"];
        let document = check(&workshop, &named);
        only(blocking(&workshop, &document), "scheme-unreadable", "", "");
        assert_eq!(document["targets"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn a_scheme_that_archives_nothing_that_is_signed_does_not_clear() {
    let workshop = scene(&rocket(), &products());
    scheme(&workshop, "Nothing", "Release", &[]);
    let document = check(&workshop, &["--scheme", "Nothing"]);
    only(blocking(&workshop, &document), "targets-unobserved", "", "");
}

#[test]
fn schemes_lead_no_further_than_the_repository() {
    let workshop = scene(&rocket(), &products());
    let outside = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(workshop.path("Acme.xcodeproj/xcshareddata")).unwrap();
    let link = workshop.path("Acme.xcodeproj/xcshareddata/xcschemes");
    std::os::unix::fs::symlink(outside.path(), link).unwrap();
    let document = check(&workshop, &[]);
    only(
        blocking(&workshop, &document),
        "project-file-outside-root",
        "",
        "",
    );
}

#[test]
fn freezing_checking_exporting_and_the_gate_take_the_same_scheme() {
    let workshop = scene(&with_example(), &products());
    scheme(&workshop, "Rocket", "Release", &["Rocket"]);
    scheme(&workshop, "Example", "Release", &["Example"]);
    for (name, code) in [("Rocket", 0), ("Example", 10)] {
        let project = ["--project", "Acme.xcodeproj", "--scheme", name];
        let run = |words: &[&str]| workshop.run(&[words, &project].concat());
        run(&["targets", "check", "--profiles", "profiles"]).exits(code);
        run(&[
            "targets",
            "export",
            "--as",
            "xcconfig",
            "--profiles",
            "profiles",
        ])
        .exits(code);
        run(&["manifest", "freeze"]).exits(code);
        run(&["gate", "--identities", "identities.txt"]).exits(code);
    }
    let manifest: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    let pinned = manifest["targets"].as_array().unwrap().iter();
    assert!(!pinned.clone().any(|target| target["target"] == "Example"));
    assert_eq!(pinned.count(), 4);
}

#[test]
fn two_schemes_of_one_product_mean_that_product_and_each_its_configuration() {
    let debug = rocket().change("Share", |target| {
        target.without(SPECIFIER).release(SPECIFIER, "Nowhere")
    });
    let workshop = scene(&debug, &products());
    scheme(&workshop, "Rocket", "Release", &["Rocket"]);
    scheme(&workshop, "Rocket Staging", "Debug", &["Rocket"]);
    let fixed = ["targets", "check", "--project", "Acme.xcodeproj"];
    let run = |arguments: &[&str]| {
        let rest = ["--profiles", "profiles", "--format", "json"];
        workshop
            .run(&[&fixed[..], &rest, arguments].concat())
            .json()
    };
    let products = serde_json::json!(["Rocket"]);
    for (arguments, configuration) in [
        (&["--scheme", "Rocket"][..], "Release"),
        (&["--scheme", "Rocket Staging"], "Debug"),
        // Nobody says which of them; what they archive is the same, and Release is what is archived where nothing tells more.
        (&[], "Release"),
    ] {
        let document = run(arguments);
        assert_eq!(document["archive"]["products"], products, "{arguments:?}");
        let read = &document["archive"]["configurations"];
        assert_eq!(read, &serde_json::json!([configuration]), "{arguments:?}");
        // Only Release asks for a profile that nobody has.
        let asked = codes(&document).contains(&"target-profile-stale".to_owned());
        assert_eq!(asked, configuration == "Release", "{document:#}");
    }
}

#[test]
fn a_scheme_of_a_project_that_the_workspace_lacks_blocks_at_its_line_and_the_rest_is_judged() {
    let workshop = scene(&rocket(), &without(SHARE));
    scheme(&workshop, "Rocket", "Release", &["Rocket", "Kit"]);
    let file = "Acme.xcodeproj/xcshareddata/xcschemes/Rocket.xcscheme";
    let text = String::from_utf8(workshop.read(file)).unwrap();
    let of_kit = "BlueprintName = \"Kit\" ReferencedContainer = \"container:";
    let moved = text.replace(
        &format!("{of_kit}Acme.xcodeproj"),
        &format!("{of_kit}Kit.xcodeproj"),
    );
    assert_ne!(moved, text);
    workshop.write(file, moved);
    std::fs::create_dir(workshop.path("Acme.xcworkspace")).unwrap();
    workshop.write(
        "Acme.xcworkspace/contents.xcworkspacedata",
        "<?xml version=\"1.0\"?>\n<Workspace version = \"1.0\">\n<FileRef location = \"group:Acme.xcodeproj\"></FileRef>\n\
         </Workspace>\n",
    );
    for project in ["Acme.xcodeproj", "Acme.xcworkspace"] {
        let arguments = [
            "targets",
            "check",
            "--project",
            project,
            "--profiles",
            "profiles",
            "--format",
            "json",
        ];
        let document = workshop.run(&arguments).exits(10).json();
        let mut told = blocking(&workshop, &document);
        told.sort_by_key(|told| told.code().to_owned());
        let share = told.pop().unwrap();
        assert_eq!((share.code(), share.target()), ("target-unmapped", "Share"));
        let lacking = only(told, "scheme-target-missing", "", "Kit.xcodeproj");
        assert!(lacking.message().contains("Kit"), "{}", lacking.message());
        let place = lacking.finding["place"]["file"].as_str().unwrap();
        assert!(place.ends_with("Rocket.xcscheme"), "{place}");
    }
}
