//! Claims about rows, on projects of a few targets.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::apple::value::Value;
use crate::base::finding::{Code, Severity};
use crate::base::ids::TargetName;
use crate::xcode::assignment::Layer;
use crate::xcode::platform::Platform;
use crate::xcode::project::Project;
use crate::xcode::settings::Overrides;
use crate::xcode::sources::InMemory;

mod rules;

/// A project of native targets, each with one configuration `Release`.
#[derive(Default)]
struct Sketch {
    targets: String,
    objects: String,
    attributes: String,
    settings: String,
    sources: InMemory,
}

impl Sketch {
    /// Settings of the project itself.
    fn project(mut self, settings: &str) -> Self {
        self.settings = settings.to_owned();
        self
    }

    fn target(self, name: &str, product_type: &str, settings: &str) -> Self {
        self.embedding(name, product_type, settings, &[])
    }

    /// A target that copies the products of `embeds`.
    fn embedding(
        mut self,
        name: &str,
        product_type: &str,
        settings: &str,
        embeds: &[&str],
    ) -> Self {
        let files: String = embeds.iter().map(|other| format!("B{other},")).collect();
        self.targets += &format!("T{name},");
        self.objects += &format!(
            "T{name} = {{isa = PBXNativeTarget; name = {name}; productReference = P{name}; buildPhases = (C{name}); \
             productType = \"com.apple.product-type.{product_type}\"; buildConfigurationList = L{name}; }};\n\
             C{name} = {{isa = PBXCopyFilesBuildPhase; files = ({files}); }};\n\
             B{name} = {{isa = PBXBuildFile; fileRef = P{name}; }};\n\
             L{name} = {{isa = XCConfigurationList; buildConfigurations = (R{name}); }};\n\
             R{name} = {{isa = XCBuildConfiguration; name = Release; buildSettings = {{\n{settings}\n}}; }};\n"
        );
        self
    }

    fn attributes(mut self, name: &str, attributes: &str) -> Self {
        self.attributes += &format!("T{name} = {{ {attributes} }};");
        self
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.sources = self.sources.with(Path::new("/src").join(path), text);
        self
    }

    fn text(&self) -> String {
        let Self {
            targets,
            objects,
            attributes,
            settings,
            ..
        } = self;
        format!(
            "{{ objects = {{ P = {{isa = PBXProject; targets = ({targets}); buildConfigurationList = PL; \
             attributes = {{ TargetAttributes = {{ {attributes} }}; }}; }};\n\
             PL = {{isa = XCConfigurationList; buildConfigurations = (PR); }};\n\
             PR = {{isa = XCBuildConfiguration; name = Release; buildSettings = {{\n{settings}\n}}; }};\n\
             {objects}}}; rootObject = P; }}"
        )
    }

    fn resolve(&self, selection: &Selection<'_>) -> SigningTargets {
        let project = Project::parse(Path::new("/src/App.xcodeproj"), &self.text()).unwrap();
        let settings = ProjectSettings::load(&project, &self.sources, &Overrides::default());
        resolve(&settings, &self.sources, selection)
    }

    fn all(&self) -> SigningTargets {
        self.resolve(&Selection::default())
    }

    /// The line of the project file on which `word` first stands.
    fn line(&self, word: &str) -> Option<u64> {
        let text = self.text();
        let before = text.split_once(word)?.0;
        Some(before.matches('\n').count() as u64 + 1)
    }
}

fn app(settings: &str) -> Sketch {
    let settings =
        format!("SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = com.example.app; {settings}");
    Sketch::default().target("App", "application", &settings)
}

fn mac(settings: &str) -> Sketch {
    let settings =
        format!("SDKROOT = macosx; PRODUCT_BUNDLE_IDENTIFIER = com.example.app; {settings}");
    Sketch::default().target("App", "application", &settings)
}

fn complaints(found: &SigningTargets) -> Vec<(Severity, Code)> {
    found
        .findings
        .iter()
        .map(|f| (f.severity, f.code))
        .collect()
}

#[test]
fn the_style_is_the_settings_or_the_attributes_or_not_written() {
    let style = |sketch: Sketch| {
        let style = sketch.all().rows[0].style.clone();
        (style.value, style.origin.layer)
    };
    assert_eq!(
        style(app("CODE_SIGN_STYLE = Manual;").attributes("App", "ProvisioningStyle = Automatic;")),
        (SigningStyle::Manual, Layer::Target)
    );
    assert_eq!(
        style(app("").attributes("App", "ProvisioningStyle = Manual;")),
        (SigningStyle::Manual, Layer::Attributes)
    );
    assert_eq!(style(app("")), (SigningStyle::NotWritten, Layer::Default));
    let odd = app("\nCODE_SIGN_STYLE = manuel;");
    let found = odd.all();
    assert_eq!(
        complaints(&found),
        [(Severity::Block, Code::SettingInvalid)]
    );
    assert_eq!(found.findings[0].place.line, odd.line("CODE_SIGN_STYLE"));
    assert_eq!(found.findings[0].found.as_deref(), Some("manuel"));
}

#[test]
fn the_team_is_the_settings_alone_and_may_be_none() {
    let team = |sketch: Sketch| {
        let team = sketch.all().rows[0].team.clone();
        team.map(|team| team.value.to_string())
    };
    let remembered = "DevelopmentTeam = OLDTEAM123;";
    assert_eq!(
        team(app("DEVELOPMENT_TEAM = ABCDE12345;").attributes("App", remembered)).as_deref(),
        Some("ABCDE12345")
    );
    assert_eq!(team(app("").attributes("App", remembered)), None);
    // Attributes are no settings: a reference in them is no setting's either.
    let reference = app("").attributes("App", "DevelopmentTeam = \"${DEVELOPMENT_TEAM}\";");
    assert_eq!(complaints(&reference.all()), []);
    assert_eq!(
        team(app("DEVELOPMENT_TEAM = \"\";").attributes("App", remembered)),
        None
    );
    let found = app("DEVELOPMENT_TEAM = \"<your team>\";").all();
    assert_eq!(
        complaints(&found),
        [(Severity::Block, Code::SettingInvalid)]
    );
}

#[test]
fn profiles_are_asked_for_by_uuid_by_name_or_by_team_and_name() {
    let uuid = "026760ef-f2cd-4ba8-bf44-a3697149965e";
    let request = |text: &str| ProfileRequest::parse(text);
    assert_eq!(request("  "), None);
    assert_eq!(
        request(uuid),
        Some(ProfileRequest::Uuid(uuid.parse().unwrap()))
    );
    assert_eq!(
        request("iOS App Store - App"),
        Some(ProfileRequest::Name {
            name: "iOS App Store - App".into(),
            team: None
        })
    );
    assert_eq!(
        request("ABCDE12345/match AppStore"),
        Some(ProfileRequest::Name {
            name: "match AppStore".into(),
            team: Some("ABCDE12345".parse().unwrap())
        })
    );
    assert_eq!(
        request("Debug/Release profile"),
        Some(ProfileRequest::Name {
            name: "Debug/Release profile".into(),
            team: None
        })
    );
    let found = app("PROVISIONING_PROFILE_SPECIFIER = new; PROVISIONING_PROFILE = old;").all();
    let row = &found.rows[0];
    assert_eq!(row.requested_profile(), row.specifier.as_ref());
    let found = app(&format!(
        "PROVISIONING_PROFILE_SPECIFIER = \"\"; PROVISIONING_PROFILE = \"{uuid}\";"
    ))
    .all();
    assert_eq!(
        found.rows[0].requested_profile().unwrap().value.to_string(),
        uuid
    );
}

#[test]
fn a_bundle_id_that_cannot_be_had_blocks_at_its_line_and_others_are_reported() {
    let sketch = app("")
        .target(
            "Empty",
            "app-extension",
            "SDKROOT = iphoneos;\nPRODUCT_BUNDLE_IDENTIFIER = \"$(NOTHING_HERE)\";",
        )
        .target(
            "Hole",
            "app-extension",
            "SDKROOT = iphoneos;\nPRODUCT_BUNDLE_IDENTIFIER = \"com.$(ALSO_NOTHING).x\";",
        )
        .target(
            "Odd",
            "app-extension",
            "SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = \"com.example.my app\";",
        )
        .target("None", "app-extension", "SDKROOT = iphoneos;")
        .target("Kit", "framework", "SDKROOT = iphoneos;");
    let found = sketch.all();
    assert_eq!(found.rows.len(), 6);
    assert_eq!(
        found.rows[0].bundle_id.as_ref().unwrap().value.as_str(),
        "com.example.app"
    );
    let of = |target: &str| {
        let all: Vec<_> = found
            .findings
            .iter()
            .filter(|f| f.place.target.as_deref() == Some(target))
            .collect();
        assert_eq!(all.len(), 1, "{target}: {all:?}");
        assert_eq!(all[0].code, Code::BundleIdUnresolved);
        assert_eq!(all[0].severity, Severity::Block);
        all[0].clone()
    };
    assert_eq!(of("Empty").place.line, sketch.line("\"$(NOTHING_HERE)"));
    assert_eq!(of("Hole").found.as_deref(), Some("com..x"));
    assert_eq!(of("Odd").found.as_deref(), Some("com.example.my app"));
    assert_eq!(of("None").place.line, sketch.line("TNone = "));
    // The two that nothing defines are told of besides, at the lines that refer to them.
    let undefined: Vec<_> = found
        .findings
        .iter()
        .filter(|f| f.code == Code::SettingUndefined)
        .map(|f| (f.found.as_deref().unwrap(), f.place.line))
        .collect();
    assert_eq!(
        undefined,
        [
            ("NOTHING_HERE", sketch.line("\"$(NOTHING_HERE)")),
            ("ALSO_NOTHING", sketch.line("ALSO_NOTHING"))
        ]
    );
}

#[test]
fn the_info_plist_tells_the_bundle_id_where_no_setting_does() {
    let sketch = Sketch::default()
        .target(
            "App",
            "application",
            "SDKROOT = iphoneos; INFOPLIST_FILE = App/Info.plist; ORG = com.example;",
        )
        .file(
            "App/Info.plist",
            "<plist><dict>\n<key>CFBundleIdentifier</key>\n<string>$(ORG).$(TARGET_NAME:lower)</string></dict></plist>",
        );
    let found = sketch.all();
    let id = found.rows[0].bundle_id.as_ref().unwrap();
    assert_eq!(id.value.as_str(), "com.example.app");
    assert_eq!(id.origin.line, Some(2));
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    let old = Sketch::default()
        .target(
            "App",
            "application",
            "SDKROOT = iphoneos; INFOPLIST_FILE = Info.plist;",
        )
        .file(
            "Info.plist",
            "{ CFBundleIdentifier = \"com.example.old\"; }",
        );
    assert_eq!(
        old.all().rows[0].bundle_id.as_ref().unwrap().value.as_str(),
        "com.example.old"
    );
}

#[test]
fn ui_tests_are_signed_as_their_runner_and_unit_tests_need_no_profile() {
    let settings = "SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = com.example.tests; PROVISIONING_PROFILE_SPECIFIER = x;";
    let found = app("")
        .target("UI", "bundle.ui-testing", settings)
        .target("Unit", "bundle.unit-test", settings)
        .attributes("UI", "TestTargetID = TApp;")
        .all();
    assert_eq!(
        found.rows[1].bundle_id.as_ref().unwrap().value.as_str(),
        "com.example.tests.xctrunner"
    );
    assert!(found.rows[1].needs_profile());
    assert_eq!(found.rows[1].tests.as_ref().unwrap().as_str(), "App");
    assert_eq!(
        found.rows[2].bundle_id.as_ref().unwrap().value.as_str(),
        "com.example.tests"
    );
    assert!(!found.rows[2].needs_profile());
    assert!(found.findings.is_empty(), "{:?}", found.findings);
}

#[test]
fn a_row_for_every_platform_that_is_signed_for() {
    let platforms = |settings: &str, only: Option<Platform>| -> Vec<String> {
        let settings = format!("PRODUCT_BUNDLE_IDENTIFIER = com.example.app; {settings}");
        Sketch::default()
            .target("App", "application", &settings)
            .resolve(&Selection {
                platform: only,
                ..Selection::default()
            })
            .rows
            .iter()
            .map(|row| row.platform.to_string())
            .collect()
    };
    assert_eq!(platforms("SDKROOT = iphoneos;", None), ["ios"]);
    assert_eq!(platforms("", None), ["macos"]);
    assert_eq!(
        platforms("SDKROOT = iphoneos; SUPPORTS_MACCATALYST = YES;", None),
        ["ios", "mac-catalyst"]
    );
    assert_eq!(
        platforms(
            "SDKROOT = auto; SUPPORTED_PLATFORMS = \"iphoneos iphonesimulator macosx xros xrsimulator\";",
            None
        ),
        ["ios", "macos", "visionos"]
    );
    assert_eq!(
        platforms(
            "SDKROOT = watchos; SUPPORTED_PLATFORMS = \"watchsimulator watchos\";",
            None
        ),
        ["watchos"]
    );
    assert_eq!(
        platforms("SDKROOT = iphoneos;", Some(Platform::IosSimulator)),
        ["ios-simulator"]
    );
    assert!(platforms("SDKROOT = iphoneos;", Some(Platform::Macos)).is_empty());
    let odd = Sketch::default()
        .target("App", "application", "SDKROOT = amiga;")
        .all();
    assert!(odd.rows.is_empty());
    assert_eq!(complaints(&odd), [(Severity::Warn, Code::SettingInvalid)]);
}

#[test]
fn on_the_mac_a_profile_is_needed_for_what_is_restricted_or_asked_for() {
    let entitlements = |keys: &[&str]| {
        let keys: String = keys
            .iter()
            .map(|k| format!("<key>{k}</key><true/>"))
            .collect();
        format!("<plist><dict>{keys}</dict></plist>")
    };
    let needs = |more: &str, keys: &[&str]| {
        let settings = format!(
            "SDKROOT = macosx; PRODUCT_BUNDLE_IDENTIFIER = com.example.mac; CODE_SIGN_ENTITLEMENTS = e.entitlements; {more}"
        );
        let found = Sketch::default()
            .target("Mac", "application", &settings)
            .file("e.entitlements", &entitlements(keys))
            .all();
        assert!(found.findings.is_empty(), "{:?}", found.findings);
        found.rows[0].needs_profile()
    };
    assert!(!needs("", &["com.apple.security.app-sandbox"]));
    assert!(needs(
        "",
        &["com.apple.security.app-sandbox", "com.apple.developer.siri"]
    ));
    assert!(needs(
        "PROVISIONING_PROFILE_SPECIFIER = \"Mac Dev ID\";",
        &[]
    ));
    assert!(!needs(
        "PROVISIONING_PROFILE_SPECIFIER = \"Mac Dev ID\"; CODE_SIGNING_ALLOWED = NO;",
        &[]
    ));
}

#[test]
fn entitlements_are_expanded_and_prefixes_wait_for_a_profile() {
    let sketch = app("CODE_SIGN_ENTITLEMENTS = \"$(SRCROOT)/App.entitlements\"; GROUP_BASE = com.example;").file(
        "App.entitlements",
        "<plist><dict>\n<key>keychain-access-groups</key><array><string>$(AppIdentifierPrefix)$(CFBundleIdentifier)</string></array>\n\
         <key>groups</key><dict><key>a</key><string>group.${GROUP_BASE}</string></dict>\n\
         <key>team</key><string>$(TeamIdentifierPrefix)x</string><key>aps</key><true/>\n\
         <key>odd</key><string>$(NOBODY_KNOWS)</string></dict></plist>",
    );
    let found = sketch.all();
    let entitlements = found.rows[0].entitlements.as_ref().unwrap();
    let text = |values: &BTreeMap<Box<str>, Value>| serde_json::to_string(values).unwrap();
    assert_eq!(
        text(&entitlements.values),
        r#"{"aps":true,"groups":{"a":"group.com.example"},"keychain-access-groups":["$(AppIdentifierPrefix)com.example.app"],"odd":"","team":"$(TeamIdentifierPrefix)x"}"#
    );
    let filled = entitlements.with_prefixes("PREFIX1234", "TEAM123456");
    assert!(text(&filled).contains("PREFIX1234.com.example.app"));
    assert!(text(&filled).contains("TEAM123456.x"));
    let mut lines = EntitlementLines::new(&sketch.sources);
    // Not the line before, on which it is the end of a longer key.
    assert_eq!(lines.of(entitlements, "groups"), 3);
    assert_eq!(
        complaints(&found),
        [(Severity::Warn, Code::SettingUndefined)]
    );
    assert_eq!(found.findings[0].place.line, Some(5));
    assert_eq!(
        found.findings[0].place.file.as_deref(),
        Some("/src/App.entitlements")
    );
}

#[test]
fn entitlements_of_the_old_format_are_read_and_unreadable_ones_block() {
    let of = |text: Option<&str>| {
        let sketch = app("\nCODE_SIGN_ENTITLEMENTS = App.entitlements;");
        let sketch = match text {
            Some(text) => sketch.file("App.entitlements", text),
            None => sketch,
        };
        (sketch.all(), sketch.line("CODE_SIGN_ENTITLEMENTS"))
    };
    let (old, _) = of(Some("{ \"aps-environment\" = production; flag = YES; }"));
    let values = &old.rows[0].entitlements.as_ref().unwrap().values;
    assert_eq!(values["flag"], Value::Boolean(true));
    for text in [
        None,
        Some("<plist><dict><key>a</key>"),
        Some("<plist><array/></plist>"),
        Some(""),
        Some("{ a = "),
    ] {
        let (found, line) = of(text);
        assert!(found.rows[0].entitlements.is_none());
        assert_eq!(
            complaints(&found),
            [(Severity::Block, Code::EntitlementsUnreadable)],
            "{text:?}"
        );
        assert_eq!(found.findings[0].place.line, line);
    }
}

/// Found by fuzzing: each reference to nothing was looked for in the whole file, once for every target that names it.
#[test]
fn entitlements_of_references_to_nothing_are_complained_about_up_to_a_point() {
    let values: String = (0..5_000)
        .map(|at| format!("\"$(NOWHERE_{at})\", "))
        .collect();
    let found = app("CODE_SIGN_ENTITLEMENTS = App.entitlements;")
        .file("App.entitlements", &format!("{{ all = ({values}); }}"))
        .all();
    assert!(found.rows[0].entitlements.is_some());
    let undefined = complaints(&found);
    assert_eq!(undefined.len(), 100);
    assert!(
        undefined
            .iter()
            .all(|complaint| *complaint == (Severity::Warn, Code::SettingUndefined))
    );
}

#[test]
fn nested_products_know_their_host() {
    let id =
        |name: &str| format!("SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = com.example.{name};");
    let found = Sketch::default()
        .embedding("App", "application", &id("app"), &["Share", "Watch", "Kit"])
        .target("Share", "app-extension", &id("share"))
        .embedding("Watch", "application", &id("watch"), &["Widget"])
        .target("Widget", "app-extension", &id("widget"))
        .embedding("Kit", "framework", &id("kit"), &["Inner"])
        .target("Inner", "app-extension", &id("inner"))
        .target("Alone", "app-extension", &id("alone"))
        .all();
    let hosts = found.rows.iter().map(|row| {
        let host = row.host.as_ref().map(TargetName::as_str);
        let embedded_in = row.embedded_in.iter().map(|it| it.target.as_str());
        (row.target.as_str(), host, embedded_in.collect())
    });
    let hosts: Vec<_> = hosts.collect();
    let expected: Vec<(&str, Option<&str>, Vec<&str>)> = vec![
        ("App", None, vec![]),
        ("Share", Some("App"), vec!["App"]),
        ("Watch", Some("App"), vec!["App"]),
        ("Widget", Some("Watch"), vec!["Watch"]),
        ("Kit", Some("App"), vec!["App"]),
        ("Inner", Some("App"), vec!["Kit"]),
        ("Alone", None, vec![]),
    ];
    assert_eq!(hosts, expected);
}

#[test]
fn a_project_that_causes_endless_work_is_given_up_and_blocks() {
    // Each expansion stays below its own bound and costs a megabyte.
    let long = format!("A = {}; B = \"{}\";", "x".repeat(50_000), "$(A)".repeat(9));
    let mut sketch = Sketch::default().project(&long);
    for target in 0..300 {
        sketch = sketch.target(
            &format!("T{target}"),
            "app-extension",
            "SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = \"$(B)\";",
        );
    }
    let found = sketch.all();
    let given_up = found.findings.iter().filter(|finding| {
        finding.severity == Severity::Block && finding.message.contains("so resolving stopped")
    });
    assert_eq!(given_up.count(), 1);
    // The same settings in one target are not too much.
    let one = Sketch::default()
        .project(&long)
        .target(
            "T",
            "app-extension",
            "SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = \"$(B)\";",
        )
        .all();
    assert!(
        one.findings
            .iter()
            .all(|finding| !finding.message.contains("resolving stopped"))
    );
}

#[test]
fn a_part_of_many_objects_is_refused() {
    let targets: Vec<String> = (0..40).map(|target| format!("T{target}")).collect();
    let objects: String = targets
        .iter()
        .map(|id| {
            format!(
                "{id} = {{isa = PBXNativeTarget; name = {id}; buildConfigurationList = L; }};\n"
            )
        })
        .collect();
    let text = format!(
        "{{ objects = {{ P = {{isa = PBXProject; targets = ({}); }};\n{objects}\
         L = {{isa = XCConfigurationList; buildConfigurations = (R); }};\
         R = {{isa = XCBuildConfiguration; name = Release; }}; }}; rootObject = P; }}",
        targets.join(", ")
    );
    let project = Project::parse(Path::new("/src/App.xcodeproj"), &text).unwrap();
    let with_settings =
        |target: &&crate::xcode::project::Target| !target.configurations.list().is_empty();
    assert_eq!(project.targets.iter().filter(with_settings).count(), 16);
    assert_eq!(project.findings.len(), 24);
    assert!(
        project
            .findings
            .iter()
            .all(|finding| finding.severity == Severity::Block)
    );
}

#[test]
fn products_that_embed_each_other_do_not_hang() {
    let id =
        |name: &str| format!("SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = com.example.{name};");
    let found = Sketch::default()
        .embedding("A", "app-extension", &id("a"), &["B"])
        .embedding("B", "app-extension", &id("b"), &["A"])
        .all();
    assert!(found.rows.iter().all(|row| row.host.is_none()));
    // An application in a circle with its own part has another host than itself, or none.
    let found = Sketch::default()
        .embedding("App", "application", &id("app"), &["Kit"])
        .embedding("Kit", "framework", &id("kit"), &["App"])
        .embedding("Far", "application", &id("far"), &["Middle"])
        .embedding("Middle", "framework", &id("middle"), &["Kit"])
        .all();
    let host = |name: &str| {
        let row = found.rows.iter().find(|row| row.target.as_str() == name);
        row.unwrap().host.as_ref().map(ToString::to_string)
    };
    assert_eq!(host("Kit").as_deref(), Some("App"));
    assert_eq!(host("App").as_deref(), Some("Far"));
    assert_eq!(host("Far"), None);
}

#[test]
fn an_application_carries_the_product_of_another_project() {
    let outer = "{ objects = { P = {isa = PBXProject; targets = (T); }; T = {isa = PBXNativeTarget; name = App; buildPhases = (C); \
         productType = \"com.apple.product-type.application\"; }; C = {isa = PBXCopyFilesBuildPhase; files = (F); }; \
         F = {isa = PBXBuildFile; fileRef = R; }; R = {isa = PBXReferenceProxy; remoteRef = X; }; \
         X = {isa = PBXContainerItemProxy; containerPortal = S; remoteGlobalIDString = PShare; }; \
         S = {isa = PBXFileReference; path = App.xcodeproj; sourceTree = SOURCE_ROOT; }; }; rootObject = P; }";
    let outer = Project::parse(Path::new("/src/Outer.xcodeproj"), outer).unwrap();
    let sketch = Sketch::default().target(
        "Share",
        "app-extension",
        "SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = com.example.app.share;",
    );
    let inner = Project::parse(Path::new("/src/App.xcodeproj"), &sketch.text()).unwrap();
    let mut rows = sketch.all().rows;
    assert_eq!(rows[0].host, None);
    link_projects(&[outer, inner], &mut rows);
    assert_eq!(rows[0].host.as_ref().unwrap().as_str(), "App");
    let Embedder {
        project, target, ..
    } = &rows[0].embedded_in[0];
    assert_eq!(
        (&**project, target.as_str()),
        (Path::new("/src/Outer.xcodeproj"), "App")
    );
}

#[test]
fn one_bundle_id_for_two_blocks_inside_of_one_application_and_warns_otherwise() {
    let same = "SDKROOT = iphoneos;\nPRODUCT_BUNDLE_IDENTIFIER = com.example.same;";
    let other = "SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = com.example.app;";
    let apart = Sketch::default()
        .target("One", "application", same)
        .target("Two", "application", same)
        .target("Kit", "framework", same);
    assert_eq!(
        complaints(&apart.all()),
        [(Severity::Warn, Code::BundleIdShared)]
    );
    let together = Sketch::default()
        .embedding("App", "application", other, &["One", "Two"])
        .target("One", "app-extension", same)
        .target("Two", "app-extension", same);
    let found = together.all();
    assert_eq!(
        complaints(&found),
        [(Severity::Block, Code::BundleIdShared)]
    );
    assert_eq!(found.findings[0].place.target.as_deref(), Some("Two"));
    let inside = Sketch::default()
        .embedding("App", "application", same, &["One"])
        .target("One", "app-extension", same);
    assert_eq!(
        complaints(&inside.all()),
        [(Severity::Block, Code::BundleIdShared)]
    );
}

#[test]
fn a_target_without_configurations_blocks_and_others_are_reported() {
    let mut sketch = app("");
    sketch.targets += "TBare,";
    sketch.objects += "TBare = {isa = PBXNativeTarget; name = Bare; };\n";
    let found = sketch.all();
    assert_eq!(found.rows.len(), 1);
    assert_eq!(
        complaints(&found),
        [(Severity::Block, Code::TargetNoConfiguration)]
    );
    assert_eq!(found.findings[0].place.line, sketch.line("TBare = "));
}

#[test]
fn a_configuration_that_nothing_has_blocks() {
    let asked = |name| {
        app("").resolve(&Selection {
            configuration: Some(name),
            ..Selection::default()
        })
    };
    assert!(asked("Release").findings.is_empty());
    let found = asked("Relase");
    assert!(
        found
            .findings
            .iter()
            .any(|f| f.severity == Severity::Block && f.expected.as_deref() == Some("Release"))
    );
}

#[test]
fn targets_are_selected_by_name_and_aggregates_are_never_signed() {
    let mut sketch = app("").target(
        "Share",
        "app-extension",
        "SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = com.example.share;",
    );
    sketch.targets += "TAll,";
    sketch.objects +=
        "TAll = {isa = PBXAggregateTarget; name = All; buildConfigurationList = PL; };\n";
    assert_eq!(sketch.all().rows.len(), 2);
    let found = sketch.resolve(&Selection {
        targets: &["Share"],
        ..Selection::default()
    });
    assert_eq!(found.rows.len(), 1);
    assert_eq!(found.rows[0].target.as_str(), "Share");
}

#[test]
fn what_one_target_defines_is_no_slip_in_another() {
    let common = "SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = \"com.example.app$(SUFFIX)$(NAMED_$(TARGET_NAME))\";";
    let found = Sketch::default()
        .project(common)
        .target("App", "application", "")
        .target("Share", "app-extension", "SUFFIX = .share;")
        .all();
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    let ids: Vec<_> = found
        .rows
        .iter()
        .map(|row| row.bundle_id.as_ref().unwrap().value.as_str())
        .collect();
    assert_eq!(ids, ["com.example.app", "com.example.app.share"]);
}

#[test]
fn a_slip_in_the_project_is_told_once_and_machine_settings_are_told_apart() {
    let sketch = Sketch::default()
        .project("SDKROOT = iphoneos;\nDEVELOPMENT_TEAM = \"$(TEEM)\";\nCODE_SIGN_IDENTITY = \"$(USER)\";")
        .target("App", "application", "PRODUCT_BUNDLE_IDENTIFIER = com.example.app;")
        .target("Share", "app-extension", "PRODUCT_BUNDLE_IDENTIFIER = com.example.share;");
    let found = sketch.all();
    let told: Vec<_> = found
        .findings
        .iter()
        .map(|f| (f.code, f.severity, f.place.line, f.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                Code::SettingUndefined,
                Severity::Warn,
                sketch.line("$(TEEM)"),
                "DEVELOPMENT_TEAM refers to TEEM, which nothing in this project defines"
            ),
            (
                Code::SettingUndefined,
                Severity::Warn,
                sketch.line("$(USER)"),
                "CODE_SIGN_IDENTITY depends on USER, which Xcode sets on the machine that builds"
            ),
        ]
    );
}

#[test]
fn circles_strange_operators_and_explosions_are_told_with_their_line() {
    let doubling: String = (1..60)
        .map(|at| format!("V{at} = \"$(V{0})$(V{0})\"; ", at - 1))
        .collect();
    let found = app(&format!(
        "\nDEVELOPMENT_TEAM = \"$(A)\"; A = \"$(B)\"; B = \"$(A)\"; CODE_SIGN_IDENTITY = \"$(TARGET_NAME:shout)\"; \
         V0 = xxxxxxxxxxxxxxxx; {doubling}\nPROVISIONING_PROFILE_SPECIFIER = \"$(V59)\";"
    ))
    .all();
    let mut told: Vec<_> = found
        .findings
        .iter()
        .map(|f| {
            assert!(f.place.line.is_some());
            (f.code, f.severity)
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            (Code::SettingCycle, Severity::Block),
            (Code::SettingInvalid, Severity::Block),
            (Code::SettingInvalid, Severity::Warn),
        ]
    );
}
