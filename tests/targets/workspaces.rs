//! Part of a workspace is better than none, and one cause gives one finding.

use forge::fixtures::products;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use serde_json::Value as Json;
use support::workshop::Workshop;

use crate::scene::{SHARE, blocking, only, rocket, scene, targets, without};

fn workspace(workshop: &Workshop, projects: &[&str]) {
    let references: String = projects
        .iter()
        .map(|project| format!("   <FileRef location = \"group:{project}\"></FileRef>\n"))
        .collect();
    std::fs::create_dir_all(workshop.path("Acme.xcworkspace")).unwrap();
    workshop.write(
        "Acme.xcworkspace/contents.xcworkspacedata",
        format!(
            "<?xml version=\"1.0\"?>\n<Workspace version = \"1.0\">\n{references}</Workspace>\n"
        ),
    );
}

fn check(workshop: &Workshop, code: i32) -> Json {
    let words = [
        "targets",
        "check",
        "--project",
        "Acme.xcworkspace",
        "--configuration",
        "Release",
        "--profiles",
        "profiles",
        "--format",
        "json",
    ];
    workshop.run(&words).exits(code).json()
}

/// The findings of a code.
fn told<'d>(document: &'d Json, code: &str) -> Vec<&'d Json> {
    let all = document["findings"].as_array().unwrap().iter();
    all.filter(|finding| finding["code"] == code).collect()
}

#[test]
fn a_project_that_is_not_generated_yet_is_one_finding_with_its_command() {
    let workshop = scene(&rocket(), &products());
    workspace(&workshop, &["Acme.xcodeproj", "Pods/Pods.xcodeproj"]);
    let document = check(&workshop, 0);
    let [finding] = told(&document, "project-missing")[..] else {
        panic!("{document:#}");
    };
    assert_eq!(finding["severity"], "warn");
    assert_eq!(finding["place"]["line"], 4);
    assert!(finding["hint"].as_str().unwrap().contains("`pod install`"));
    assert_eq!(document["targets"].as_array().unwrap().len(), 4);

    // What is there is judged as ever.
    let workshop = scene(&rocket(), &without(SHARE));
    workspace(&workshop, &["Acme.xcodeproj", "Tools/Tools.xcodeproj"]);
    std::fs::create_dir_all(workshop.path("Tools")).unwrap();
    workshop.write("Tools/project.yml", "name: Tools\n");
    let document = check(&workshop, 10);
    only(
        blocking(&workshop, &document),
        "target-unmapped",
        "Share",
        "",
    );
    let hint = told(&document, "project-missing")[0]["hint"]
        .as_str()
        .unwrap();
    assert!(hint.contains("`xcodegen generate`"), "{hint}");
}

#[test]
fn a_workspace_of_which_nothing_is_there_blocks() {
    let workshop = scene(&rocket(), &products());
    workspace(&workshop, &["Gone.xcodeproj"]);
    let document = check(&workshop, 10);
    let codes: Vec<String> = blocking(&workshop, &document)
        .iter()
        .map(|told| told.code().to_owned())
        .collect();
    assert!(codes.contains(&"project-missing".to_owned()), "{codes:?}");
}

/// The first file that an embed phase of Acme's application copies is the product `XSHARE` of the project at `path` instead.
fn embeds_of(workshop: &Workshop, path: &str) {
    let text = String::from_utf8(workshop.read("Acme.xcodeproj/project.pbxproj")).unwrap();
    let reference = text.find("fileRef = ").unwrap() + "fileRef = ".len();
    let end = reference + text[reference..].find(';').unwrap();
    let foreign = format!(
        "XPROXY = {{ isa = PBXReferenceProxy; path = Share.appex; remoteRef = XREMOTE; }};\n\
         XREMOTE = {{ isa = PBXContainerItemProxy; containerPortal = XPORTAL; proxyType = 2; \
         remoteGlobalIDString = XSHARE; remoteInfo = Share; }};\n\
         XPORTAL = {{ isa = PBXFileReference; path = {path}; sourceTree = SOURCE_ROOT; }};\n"
    );
    let changed = format!("{}XPROXY{}", &text[..reference], &text[end..]);
    let changed = changed.replacen("objects = {\n", &format!("objects = {{\n{foreign}"), 1);
    workshop.write("Acme.xcodeproj/project.pbxproj", changed);
}

#[test]
fn a_project_that_the_archive_embeds_must_be_there() {
    let workshop = scene(&rocket(), &products());
    workspace(&workshop, &["Acme.xcodeproj", "Gone.xcodeproj"]);
    embeds_of(&workshop, "Gone.xcodeproj");
    let document = check(&workshop, 10);
    only(
        blocking(&workshop, &document),
        "project-missing",
        "",
        "Gone.xcodeproj",
    );

    // Also where no workspace names it.
    let document = targets(&workshop, "check", &["--format", "json"]);
    let document = document.exits(10).json();
    let told = only(blocking(&workshop, &document), "project-missing", "", "");
    assert!(
        told.message()
            .starts_with("Acme.xcodeproj names Gone.xcodeproj")
    );
}

/// A project with an extension that is embedded elsewhere, an example that nobody asked for, and one configuration.
fn nested(workshop: &Workshop) {
    let text = "{ objects = { P = {isa = PBXProject; targets = (T, D); buildConfigurationList = L; }; \
         T = {isa = PBXNativeTarget; name = Extra; buildConfigurationList = M; productReference = XSHARE; \
         productType = \"com.apple.product-type.app-extension\"; }; \
         XSHARE = {isa = PBXFileReference; path = Extra.appex; sourceTree = BUILT_PRODUCTS_DIR; }; \
         D = {isa = PBXNativeTarget; name = Demo; buildConfigurationList = N; \
         productType = \"com.apple.product-type.application\"; }; \
         L = {isa = XCConfigurationList; buildConfigurations = (B); }; \
         B = {isa = XCBuildConfiguration; name = Release; buildSettings = {SDKROOT = iphoneos; \
         CODE_SIGN_STYLE = Manual; CODE_SIGN_IDENTITY = \"Apple Distribution\"; DEVELOPMENT_TEAM = ACME4CI001; }; };\n\
         M = {isa = XCConfigurationList; buildConfigurations = (C); }; \
         C = {isa = XCBuildConfiguration; name = Release; buildSettings = {\n\
         PRODUCT_BUNDLE_IDENTIFIER = com.acme.rocket.extra;\n}; };\n\
         N = {isa = XCConfigurationList; buildConfigurations = (E); }; \
         E = {isa = XCBuildConfiguration; name = Release; buildSettings = {\n\
         PROVISIONING_PROFILE_SPECIFIER = Demo; PRODUCT_BUNDLE_IDENTIFIER = com.example.demo;\n}; };\n}; rootObject = P; }";
    std::fs::create_dir_all(workshop.path("Inner/Inner.xcodeproj")).unwrap();
    workshop.write("Inner/Inner.xcodeproj/project.pbxproj", text);
}

#[test]
fn what_an_archive_takes_from_a_nested_project_is_judged() {
    // Nobody names the inner project: the outer one holds it, and its extension goes into the application.
    let workshop = scene(&rocket(), &products());
    nested(&workshop);
    embeds_of(&workshop, "Inner/Inner.xcodeproj");
    let document = targets(&workshop, "check", &["--format", "json"]);
    let document = document.exits(10).json();
    only(
        blocking(&workshop, &document),
        "target-unmapped",
        "Extra",
        "com.acme.rocket.extra",
    );

    let extra = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket.extra");
    workshop.write(format!("profiles/{}", extra.file_name()), extra.mint());
    let document = targets(&workshop, "check", &["--format", "json"]);
    let document = document.exits(0).json();
    // What is beside it in that project has no part in anything.
    assert!(!document.to_string().contains("Demo"), "{document:#}");
}

#[test]
fn a_configuration_file_that_only_another_configuration_needs_may_be_missing() {
    let text = |name: &str| format!("#include \"{name}\"\n");
    let project = rocket()
        .based_on("Signing.xcconfig")
        .file("Signing.xcconfig", "TEAM = ACME4CI001\n");
    let workshop = scene(&project, &products());
    // Debug of the project is based on a file that includes one which is not checked in.
    workshop.write("Debug.xcconfig", text("Local.xcconfig"));
    let file = "Acme.xcodeproj/project.pbxproj";
    let pbxproj = String::from_utf8(workshop.read(file)).unwrap();
    let debug = "DEBUGFILE = { isa = PBXFileReference; path = Debug.xcconfig; sourceTree = SOURCE_ROOT; };\n";
    let at = pbxproj.find("baseConfigurationReference = ").unwrap()
        + "baseConfigurationReference = ".len();
    let end = at + pbxproj[at..].find(';').unwrap();
    let name = &pbxproj[end..][..pbxproj[end..].find('}').unwrap() + 60];
    let first_is_debug = name.contains("name = Debug");
    assert!(first_is_debug, "the forge writes Debug first");
    let changed = format!("{}DEBUGFILE{}", &pbxproj[..at], &pbxproj[end..]);
    let changed = changed.replacen("objects = {\n", &format!("objects = {{\n{debug}"), 1);
    workshop.write(file, changed);
    targets(&workshop, "check", &[]).exits(0);
    targets(
        &workshop,
        "check",
        &["--configuration", "Debug", "--format", "json"],
    )
    .exits(10);
}

#[test]
fn one_missing_file_is_one_finding_with_how_many_targets_it_touches() {
    let project = |text: &str| -> ProjectSpec {
        rocket()
            .change_all(|target| {
                let name = target.name.clone();
                target.with("PRODUCT_BUNDLE_IDENTIFIER", &format!("$(PREFIX).{name}"))
            })
            .based_on("Signing.xcconfig")
            .file("Signing.xcconfig", text)
    };
    let workshop = scene(
        &project("// Settings\n#include \"Local.xcconfig\"\n"),
        &products(),
    );
    let document = targets(&workshop, "check", &["--format", "json"])
        .exits(10)
        .json();
    let told = only(
        blocking(&workshop, &document),
        "xcconfig-missing",
        "",
        "#include",
    );
    assert!(
        told.message().contains("(4 targets need it)"),
        "{}",
        told.message()
    );
    assert!(
        !document["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| {
                finding["code"] == "setting-undefined" || finding["code"] == "bundle-id-unresolved"
            }),
        "{document:#}"
    );
    // Where the file is there and the setting is not, each target says so.
    let workshop = scene(&project("// Settings\n"), &products());
    let document = targets(&workshop, "check", &["--format", "json"])
        .exits(10)
        .json();
    assert!(blocking(&workshop, &document).len() >= 4);
}

#[test]
fn a_folder_in_the_place_of_a_configuration_file_is_told_where_it_is_named() {
    let project = rocket()
        .based_on("Signing.xcconfig")
        .file("Signing.xcconfig", "#include \"Folder.xcconfig\"\n");
    let workshop = scene(&project, &products());
    std::fs::create_dir(workshop.path("Folder.xcconfig")).unwrap();
    let document = targets(&workshop, "check", &["--format", "json"])
        .exits(10)
        .json();
    let told = only(
        blocking(&workshop, &document),
        "xcconfig-missing",
        "",
        "#include",
    );
    assert!(told.message().contains("directory"), "{}", told.message());
}

#[test]
fn an_app_of_the_same_name_in_the_extensions_own_project_is_not_its_host() {
    let workshop = scene(&rocket(), &products());
    nested(&workshop);
    embeds_of(&workshop, "Inner/Inner.xcodeproj");
    workspace(&workshop, &["Acme.xcodeproj", "Inner/Inner.xcodeproj"]);
    let file = "Inner/Inner.xcodeproj/project.pbxproj";
    let text = String::from_utf8(workshop.read(file)).unwrap();
    let id = "PRODUCT_BUNDLE_IDENTIFIER = com.acme.rocket.extra;";
    let text = text.replace(id, &format!("{id} PROVISIONING_PROFILE_SPECIFIER = Extra;"));
    workshop.write(file, text.replace("name = Demo;", "name = Rocket;"));
    let leaf = LeafSpec::new(LeafKind::AppleDistribution).labelled("another");
    let another = Hierarchy::acme().developer(&leaf);
    let of = |id: &str, name: &str| ProfileSpec::ios(Kind::AppStore, id).named(name);
    let extra = of("com.acme.rocket.extra", "Extra");
    let demo = of("com.example.demo", "Demo").certificates(std::slice::from_ref(&another));
    for profile in [&extra, &demo] {
        workshop.write(format!("profiles/{}", profile.file_name()), profile.mint());
    }
    let document = check(&workshop, 0);
    assert_eq!(told(&document, "bundle-id-not-prefixed").len(), 0);

    // The app that does embed it is.
    let file = format!("profiles/{}", extra.file_name());
    workshop.write(file, extra.certificates(&[another]).mint());
    let document = check(&workshop, 10);
    let told = only(
        blocking(&workshop, &document),
        "embedded-certificate-differs",
        "Extra",
        "Extra",
    );
    assert!(told.message().contains("Rocket"), "{}", told.message());
}

#[test]
fn an_app_that_carries_an_extension_inside_of_a_framework_is_its_host() {
    let id = "com.vendor.extra";
    let project = rocket()
        .target(
            TargetSpec::new("Extra", Product::Extension, id)
                .release("CODE_SIGN_IDENTITY", "Apple Distribution")
                .release("PROVISIONING_PROFILE_SPECIFIER", "Extra"),
        )
        .target(TargetSpec::new("Kit", Product::Framework, "com.acme.kit").embedding(&["Extra"]))
        .change("Rocket", |rocket| rocket.embedding(&["Kit"]));
    let extra = ProfileSpec::ios(Kind::AppStore, id).named("Extra");
    let workshop = scene(&project, &[products(), vec![extra]].concat());
    let document = targets(&workshop, "check", &["--format", "json"]);
    let told = blocking(&workshop, &document.exits(10).json());
    let told = only(told, "bundle-id-not-prefixed", "Extra", id);
    assert!(told.message().contains("Rocket"), "{}", told.message());
}
