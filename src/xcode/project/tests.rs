//! Claims about reading projects, on projects of a few lines.

use super::*;
use crate::base::finding::Code;
use crate::base::finding::Severity as Weight;
use crate::xcode::sources::InMemory;

/// A project with the given objects, an empty configuration list, and the targets named.
fn with_objects(targets: &str, objects: &str) -> Project {
    let text = format!(
        "// !$*UTF8*$!\n{{ objectVersion = 77; objects = {{\nP = {{isa = PBXProject; mainGroup = G; projectDirPath = \"\"; \
         targets = ({targets}); buildConfigurationList = PL; attributes = {{ TargetAttributes = {{ T1 = {{ \
         DevelopmentTeam = ABCDE12345; ProvisioningStyle = Manual; TestTargetID = T2; }}; }}; }}; }};\n\
         PL = {{isa = XCConfigurationList; buildConfigurations = (PD); defaultConfigurationName = Debug; }};\n\
         PD = {{isa = XCBuildConfiguration; name = Debug; buildSettings = {{ A = 1; }}; }};\n\
         {objects}\n}}; rootObject = P; }}"
    );
    Project::parse(Path::new("/src/App.xcodeproj"), &text).unwrap()
}

fn target(id: &str, name: &str, more: &str) -> String {
    format!(
        "{id} = {{isa = PBXNativeTarget; name = {name}; buildConfigurationList = PL; productReference = {id}P; {more} }};\n"
    )
}

fn complaints(project: &Project) -> Vec<(Weight, String, Option<u64>)> {
    project
        .findings
        .iter()
        .map(|f| {
            assert_eq!(f.code, Code::ProjectInconsistent);
            assert!(f.place.file.is_some());
            (f.severity, f.message.clone(), f.place.line)
        })
        .collect()
}

#[test]
fn targets_keep_their_order_their_type_and_their_attributes() {
    let project = with_objects(
        "T1, T2, T3",
        &(target(
            "T1",
            "Tests",
            "productType = \"com.apple.product-type.bundle.unit-test\";",
        ) + &target("T2", "App", "")
            + "T3 = {isa = PBXAggregateTarget; name = All; buildConfigurationList = PL; };"),
    );
    let names: Vec<_> = project
        .targets
        .iter()
        .map(|t| (&*t.name, t.class))
        .collect();
    assert_eq!(
        names,
        [
            ("Tests", TargetClass::Native),
            ("App", TargetClass::Native),
            ("All", TargetClass::Aggregate)
        ]
    );
    let attributes = &project.targets[0].attributes;
    assert_eq!(attributes.test_target, Some(TargetIndex(1)));
    assert_eq!(
        attributes.provisioning_style,
        Some(("Manual".into(), Some(3)))
    );
    assert_eq!(project.targets[1].attributes, Attributes::default());
    assert_eq!(project.object_version, Some(77));
    assert_eq!(&*project.name, "App");
    assert_eq!(project.directory, Path::new("/src"));
    assert!(project.findings.is_empty(), "{:?}", project.findings);
}

#[test]
fn embedding_is_found_in_copy_phases_and_in_resources() {
    let project = with_objects(
        "T1, T2, T3",
        &(target("T1", "App", "buildPhases = (C, GONE); dependencies = (D);")
            + &target("T2", "Share", "buildPhases = (R);")
            + &target("T3", "Watch", "")
            + "C = {isa = PBXCopyFilesBuildPhase; name = \"Embed Foundation Extensions\"; dstSubfolder = PlugIns; files = (F1, F2); };\n\
               R = {isa = PBXResourcesBuildPhase; files = (F3); };\n\
               F1 = {isa = PBXBuildFile; fileRef = T2P; };\nF2 = {isa = PBXBuildFile; fileRef = OTHER; };\n\
               F3 = {isa = PBXBuildFile; fileRef = T3P; };\n\
               D = {isa = PBXTargetDependency; targetProxy = X; };\n\
               X = {isa = PBXContainerItemProxy; containerPortal = P; remoteGlobalIDString = T2; };"),
    );
    let local = |at| TargetLink::Local(TargetIndex(at));
    let embeds: Vec<_> = project.targets[0].embeds.iter().collect();
    assert_eq!(embeds.len(), 1);
    assert_eq!(embeds[0].product, local(1));
    assert_eq!(
        embeds[0].phase.as_deref(),
        Some("Embed Foundation Extensions")
    );
    assert_eq!(project.targets[1].embeds[0].product, local(2));
    assert_eq!(project.targets[0].dependencies, [local(1)]);
}

#[test]
fn products_of_other_projects_keep_the_way_to_them() {
    let project = with_objects(
        "T1",
        &(target("T1", "App", "buildPhases = (C);")
            + "C = {isa = PBXCopyFilesBuildPhase; files = (F); };\nF = {isa = PBXBuildFile; fileRef = R; };\n\
               R = {isa = PBXReferenceProxy; remoteRef = X; };\n\
               X = {isa = PBXContainerItemProxy; containerPortal = S; remoteGlobalIDString = EXTP; remoteInfo = Ext; };\n\
               S = {isa = PBXFileReference; path = Sub/Ext.xcodeproj; sourceTree = \"<group>\"; };\n\
               G = {isa = PBXGroup; children = (S); sourceTree = \"<group>\"; };"),
    );
    assert_eq!(
        project.targets[0].embeds[0].product,
        TargetLink::Foreign {
            project: Some(Path::new("/src/Sub/Ext.xcodeproj").into()),
            id: "EXTP".into(),
            name: Some("Ext".into()),
        }
    );
}

#[test]
fn base_configurations_are_found_through_groups_and_synchronized_folders() {
    let project = with_objects(
        "T1, T2, T3, T4",
        "T1 = {isa = PBXNativeTarget; name = A; buildConfigurationList = L1; };\n\
         L1 = {isa = XCConfigurationList; buildConfigurations = (C1, C2, C3); };\n\
         C1 = {isa = XCBuildConfiguration; name = Debug; baseConfigurationReference = X1; buildSettings = {}; };\n\
         C2 = {isa = XCBuildConfiguration; name = Release; baseConfigurationReferenceAnchor = Y; \
         baseConfigurationReferenceRelativePath = sub/r.xcconfig; };\n\
         C3 = {isa = XCBuildConfiguration; name = Odd; baseConfigurationReference = X2; };\n\
         X1 = {isa = PBXFileReference; path = d.xcconfig; sourceTree = \"<group>\"; };\n\
         X2 = {isa = PBXFileReference; path = odd.xcconfig; sourceTree = SOURCE_ROOT; };\n\
         Y = {isa = PBXFileSystemSynchronizedRootGroup; path = Config; sourceTree = \"<group>\"; };\n\
         G = {isa = PBXGroup; children = (H, Y); sourceTree = \"<group>\"; };\n\
         H = {isa = PBXGroup; children = (X1); path = ../Shared; sourceTree = \"<group>\"; };\n\
         T2 = {isa = PBXNativeTarget; name = B; buildConfigurationList = L2; };\n\
         L2 = {isa = XCConfigurationList; buildConfigurations = (C4); };\n\
         C4 = {isa = XCBuildConfiguration; name = Debug;\nbaseConfigurationReference = GONE; };\n",
    );
    let bases: Vec<_> = project.targets[0]
        .configurations
        .list()
        .iter()
        .map(|c| c.base.as_ref().unwrap().0.display().to_string())
        .collect();
    assert_eq!(
        bases,
        [
            "/Shared/d.xcconfig",
            "/src/Config/sub/r.xcconfig",
            "/src/odd.xcconfig"
        ]
    );
    // T3 and T4 lead nowhere, and so does B's base; A stays whole.
    let complaints = complaints(&project);
    assert_eq!(complaints.len(), 3, "{complaints:?}");
    assert!(
        complaints
            .iter()
            .all(|(weight, ..)| *weight == Weight::Block)
    );
    assert_eq!(complaints[2].2, Some(19));
    assert_eq!(project.targets.len(), 2);
}

#[test]
fn groups_that_hold_each_other_do_not_hang() {
    let project = with_objects(
        "T1",
        "T1 = {isa = PBXNativeTarget; name = A; buildConfigurationList = L1; };\n\
         L1 = {isa = XCConfigurationList; buildConfigurations = (C1); };\n\
         C1 = {isa = XCBuildConfiguration; name = Debug; baseConfigurationReference = X1; };\n\
         X1 = {isa = PBXFileReference; path = d.xcconfig; sourceTree = \"<group>\"; };\n\
         G1 = {isa = PBXGroup; children = (G2); path = a; };\n\
         G2 = {isa = PBXGroup; children = (G1, X1); path = b; };\n",
    );
    assert!(
        project.targets[0].configurations.list()[0]
            .base
            .as_ref()
            .unwrap()
            .0
            .ends_with("d.xcconfig")
    );
}

#[test]
fn settings_keep_conditions_lines_and_lists() {
    let project = with_objects(
        "T1",
        "T1 = {isa = PBXNativeTarget; name = A; buildConfigurationList = L1; };\n\
         L1 = {isa = XCConfigurationList; buildConfigurations = (C1); };\n\
         C1 = {isa = XCBuildConfiguration; name = Debug; buildSettings = {\n\
         \"CODE_SIGN_IDENTITY[sdk=iphoneos*]\" = \"iPhone Developer\";\n\
         FLAGS = (\"$(inherited)\", \"a b\", \"\");\n}; };\n",
    );
    let table = &project.targets[0].configurations.list()[0].settings;
    let [identity, flags] = table.assignments() else {
        panic!("{table:?}")
    };
    assert_eq!(&*identity.name, "CODE_SIGN_IDENTITY");
    assert_eq!(&*identity.conditions[0].pattern, "iphoneos*");
    assert_eq!(identity.line, Some(9));
    assert_eq!(&*flags.value, "$(inherited) a\\ b \"\"");
}

#[test]
fn an_object_that_stands_twice_is_reported_and_the_second_counts() {
    let project = with_objects("T1", &(target("T1", "Old", "") + &target("T1", "New", "")));
    assert_eq!(&*project.targets[0].name, "New");
    let complaints = complaints(&project);
    assert_eq!(complaints.len(), 1);
    assert_eq!(complaints[0].0, Weight::Warn);
    assert_eq!(complaints[0].2, Some(7));
}

#[test]
fn a_target_without_a_configuration_list_is_still_a_target() {
    let project = with_objects(
        "T1, T2",
        "T1 = {isa = PBXNativeTarget; name = A; };\nT2 = {isa = PBXNativeTarget; name = B; buildConfigurationList = GONE; };",
    );
    assert_eq!(project.targets.len(), 2);
    assert!(project.targets[0].configurations.list().is_empty());
    assert_eq!(
        complaints(&project),
        [(
            Weight::Block,
            "a configuration list of target B refers to an object that the project does not hold"
                .to_owned(),
            Some(7)
        )]
    );
}

#[test]
fn the_configuration_that_counts_is_the_named_the_default_or_the_first() {
    let configuration = |name: &str| Configuration {
        name: name.into(),
        line: None,
        base: None,
        settings: Arc::default(),
    };
    let list = || vec![configuration("Release"), configuration("Debug")];
    let all = Configurations::new(list(), Some("Debug".into()));
    assert_eq!(&*all.effective("Release").unwrap().name, "Release");
    assert_eq!(&*all.effective("Debug").unwrap().name, "Debug");
    assert_eq!(&*all.effective("Beta").unwrap().name, "Debug");
    assert!(all.named("Beta").is_none());
    let without_default = Configurations::new(list(), None);
    assert_eq!(&*without_default.effective("Beta").unwrap().name, "Release");
}

#[test]
fn what_is_no_project_is_an_error_that_says_what_it_lacks() {
    let refused = |text: &str| Project::parse(Path::new("/a.xcodeproj"), text).unwrap_err();
    assert!(matches!(
        refused("(a)"),
        ProjectError::NotAProject { problem, .. } if problem.contains("dictionary")
    ));
    assert!(matches!(refused("{}"), ProjectError::NotAProject { .. }));
    assert!(matches!(
        refused("{ objects = {}; rootObject = X; }"),
        ProjectError::NotAProject { .. }
    ));
    let damaged = refused("{\n<<<<<<< ours\n}");
    assert_eq!(damaged.place().line, Some(2));
    assert_eq!(
        damaged.place().file.as_deref(),
        Some("/a.xcodeproj/project.pbxproj")
    );
    assert_eq!(damaged.hint().as_deref(), Some("resolve the conflict"));
    assert_eq!(
        damaged.to_string(),
        "an unresolved merge conflict (<<<<<<<)"
    );
    let missing = Project::open(Path::new("/none.xcodeproj"), &InMemory::new()).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "the project file cannot be read: there is no such file"
    );
    assert_eq!(missing.code(), ErrorCode::FileMissing);
}

#[test]
fn a_project_opens_by_its_bundle_or_by_its_file() {
    let text =
        "{ objects = { P = {isa = PBXProject; projectDirPath = ../top; }; }; rootObject = P; }";
    let sources = InMemory::new().with("/src/ios/App.xcodeproj/project.pbxproj", text);
    for path in [
        "/src/ios/App.xcodeproj",
        "/src/ios/App.xcodeproj/project.pbxproj",
    ] {
        let project = Project::open(Path::new(path), &sources).unwrap();
        assert_eq!(&*project.bundle, Path::new("/src/ios/App.xcodeproj"));
        assert_eq!(project.directory, Path::new("/src/top"));
        assert!(project.targets.is_empty());
    }
}
