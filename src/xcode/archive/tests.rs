//! What is archived: by scheme, by what the schemes leave no doubt of, and with what it needs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Archive, HeldScheme, NoSuchScheme};
use crate::base::finding::{Code, Severity};
use crate::xcode::project::{Project, TargetIndex};
use crate::xcode::scheme;

const APP: &str = "application";
const EXTENSION: &str = "app-extension";
const FRAMEWORK: &str = "framework";
const TESTS: &str = "bundle.unit-test";

/// A project whose targets are called by their ids: id, product type, what it depends on, what it embeds. An id of another
/// project is written `Project/id`; what has a dot is the file name of a product.
fn project(name: &str, targets: &[(&str, &str, &[&str], &[&str])]) -> Project {
    let mut objects = String::new();
    let ids: Vec<&str> = targets.iter().map(|target| target.0).collect();
    let reference = |from: &str, to: &str, objects: &mut String| match to.split_once('/') {
        Some((project, id)) => {
            write!(
                objects,
                "P{from}{id} = {{isa = PBXContainerItemProxy; containerPortal = C{project}; \
                 remoteGlobalIDString = {id}; }}; \
                 C{project} = {{isa = PBXFileReference; path = {project}.xcodeproj; sourceTree = SOURCE_ROOT; }};"
            )
            .unwrap();
            format!("targetProxy = P{from}{id}")
        }
        None => format!("target = {to}"),
    };
    for (id, kind, needs, embeds) in targets {
        let mut dependencies = String::new();
        for need in *needs {
            let link = reference(id, need, &mut objects);
            let key = format!("D{id}{}", need.replace('/', ""));
            write!(objects, "{key} = {{isa = PBXTargetDependency; {link}; }};").unwrap();
            write!(dependencies, "{key}, ").unwrap();
        }
        let mut files = String::new();
        for embed in *embeds {
            let key = format!("F{id}{}", embed.replace(['/', '.'], ""));
            let file = match (embed.contains('.'), embed.split_once('/')) {
                (true, _) => {
                    write!(
                        objects,
                        "N{key} = {{isa = PBXFileReference; path = {embed}; sourceTree = BUILT_PRODUCTS_DIR; }};"
                    )
                    .unwrap();
                    format!("N{key}")
                }
                (false, Some((_, inner))) => {
                    let link = reference(id, embed, &mut objects);
                    let proxy = link.strip_prefix("targetProxy = ").unwrap();
                    write!(
                        objects,
                        "R{key} = {{isa = PBXReferenceProxy; path = {inner}.appex; remoteRef = {proxy}; }};"
                    )
                    .unwrap();
                    format!("R{key}")
                }
                (false, None) => format!("O{embed}"),
            };
            write!(
                objects,
                "{key} = {{isa = PBXBuildFile; fileRef = {file}; }};"
            )
            .unwrap();
            write!(files, "{key}, ").unwrap();
        }
        write!(
            objects,
            "{id} = {{isa = PBXNativeTarget; name = {id}; productType = \"com.apple.product-type.{kind}\"; \
             productReference = O{id}; dependencies = ({dependencies}); buildPhases = (B{id}); }}; \
             O{id} = {{isa = PBXFileReference; path = {id}.appex; sourceTree = BUILT_PRODUCTS_DIR; }}; \
             B{id} = {{isa = PBXCopyFilesBuildPhase; files = ({files}); }};"
        )
        .unwrap();
    }
    let text = format!(
        "{{ objects = {{ Z = {{isa = PBXProject; targets = ({}); }}; {objects} }}; rootObject = Z; }}",
        ids.join(", ")
    );
    Project::parse(Path::new(&format!("{name}.xcodeproj")), &text).unwrap()
}

/// A scheme of the project `App` that archives these targets.
fn scheme(name: &str, configuration: &str, targets: &[&str]) -> HeldScheme {
    let entries: String = targets
        .iter()
        .map(|target| {
            let (project, id) = target.split_once('/').unwrap_or(("App", target));
            format!(
                "<BuildActionEntry><BuildableReference BlueprintIdentifier='{id}' BlueprintName='{id}' \
                 ReferencedContainer='container:{project}.xcodeproj'/></BuildActionEntry>\n"
            )
        })
        .collect();
    let text = format!(
        "<Scheme>\n<BuildAction>{entries}</BuildAction><ArchiveAction buildConfiguration='{configuration}'/></Scheme>"
    );
    let file = format!("App.xcodeproj/xcshareddata/xcschemes/{name}.xcscheme");
    HeldScheme {
        holder: "App.xcodeproj".into(),
        scheme: scheme::parse(Path::new(&file), text.as_bytes()).unwrap(),
    }
}

fn of(projects: &[Project], schemes: &[HeldScheme], name: Option<&str>) -> Archive {
    tried(projects, schemes, name).unwrap()
}

fn tried(
    projects: &[Project],
    schemes: &[HeldScheme],
    name: Option<&str>,
) -> Result<Archive, NoSuchScheme> {
    let projects: Vec<&Project> = projects.iter().collect();
    Archive::of(&projects, projects.len(), schemes, name, &BTreeSet::new())
}

/// The names of the targets that an archive holds.
fn held(archive: &Archive, projects: &[Project]) -> Vec<String> {
    let mut names = Vec::new();
    for (position, project) in projects.iter().enumerate() {
        for (at, target) in project.targets.iter().enumerate() {
            if !archive.part_of(position, TargetIndex(at)).is_empty() {
                names.push(target.name.to_string());
            }
        }
    }
    names
}

fn products(archive: &Archive) -> Vec<&str> {
    archive.products.iter().map(|it| &*it.target).collect()
}

/// An application with an extension that holds a framework, tests and an example.
fn usual() -> Vec<Project> {
    vec![project(
        "App",
        &[
            ("App", APP, &["Share"], &["Share"]),
            ("Share", EXTENSION, &["Kit"], &[]),
            ("Kit", FRAMEWORK, &[], &[]),
            ("Tests", TESTS, &["App"], &[]),
            ("Example", APP, &["Kit"], &[]),
        ],
    )]
}

#[test]
fn a_scheme_archives_what_it_names_and_what_that_needs() {
    let projects = usual();
    let schemes = [
        scheme("Store", "AppStore", &["App"]),
        scheme("Demo", "Release", &["Example"]),
    ];
    let archive = of(&projects, &schemes, Some("Store"));
    assert_eq!(held(&archive, &projects), ["App", "Share", "Kit"]);
    assert_eq!(products(&archive), ["App"]);
    let chosen = archive.scheme.unwrap();
    assert_eq!(chosen.configuration.as_deref(), Some("AppStore"));
    assert!(chosen.is_named);
}

#[test]
fn the_only_application_that_schemes_archive_is_what_is_meant() {
    let projects = usual();
    // A scheme that archives an extension with its application, and one of the framework, leave no doubt either.
    let schemes = [
        scheme("App", "Release", &["App"]),
        scheme("Share", "Release", &["Share", "App"]),
        scheme("Kit", "Release", &["Kit"]),
        scheme("Tests", "Debug", &["Tests"]),
    ];
    for schemes in [&schemes[..1], &schemes[..]] {
        let archive = of(&projects, schemes, None);
        assert_eq!(held(&archive, &projects), ["App", "Share", "Kit"]);
        let chosen = archive.scheme.unwrap();
        assert_eq!((&*chosen.name, chosen.is_named), ("App", false));
        assert_eq!(chosen.configuration.as_deref(), Some("Release"));
    }
    // Two that differ in their configuration say which application, and not which configuration.
    let schemes = [
        scheme("Production", "Release", &["App"]),
        scheme("Staging", "Staging", &["App"]),
    ];
    let chosen = of(&projects, &schemes, None).scheme.unwrap();
    assert_eq!(chosen.configuration, None);
}

#[test]
fn where_schemes_archive_several_applications_each_is_a_product_of_its_own() {
    let projects = usual();
    let schemes = [
        scheme("App", "Release", &["App"]),
        scheme("Example", "Release", &["Example"]),
    ];
    for schemes in [&[][..], &schemes[..]] {
        let archive = of(&projects, schemes, None);
        assert_eq!(archive.scheme, None);
        assert_eq!(products(&archive), ["App", "Example"]);
        assert_eq!(
            held(&archive, &projects),
            ["App", "Share", "Kit", "Example"]
        );
        let part_of = |target| archive.part_of(0, TargetIndex(target));
        assert_eq!((&*part_of(0), &*part_of(4)), (&[0][..], &[1][..]));
        assert_eq!(&*part_of(2), [0, 1], "the framework is part of both");
    }
}

#[test]
fn an_extension_that_nothing_embeds_belongs_to_the_only_application() {
    let extension = ("Share", EXTENSION, &[][..], &[][..]);
    let one = [project("App", &[("App", APP, &[], &[]), extension])];
    let archive = of(&one, &[], None);
    assert_eq!(*archive.part_of(0, TargetIndex(1)), [0]);
    let two = [project(
        "App",
        &[("App", APP, &[], &[]), extension, ("Other", APP, &[], &[])],
    )];
    assert_eq!(*of(&two, &[], None).part_of(0, TargetIndex(1)), [1]);
}

#[test]
fn dependencies_and_products_of_other_projects_are_found() {
    let projects = [
        project(
            "App",
            &[("App", APP, &["Lib/Tool"], &["Lib/Share", "Named.appex"])],
        ),
        project(
            "Lib",
            &[
                ("Share", EXTENSION, &[], &[]),
                ("Tool", "tool", &[], &[]),
                ("Named", EXTENSION, &[], &[]),
                ("Other", EXTENSION, &[], &[]),
            ],
        ),
    ];
    // Whatever makes the proxy's product is the target that has it.
    let text = scheme("App", "Release", &["App"]);
    let archive = of(&projects, &[text], Some("App"));
    let names = held(&archive, &projects);
    assert!(names.contains(&"Tool".to_owned()), "{names:?}");
    assert!(names.contains(&"Share".to_owned()), "{names:?}");
    assert!(names.contains(&"Named".to_owned()), "{names:?}");
    assert!(!names.contains(&"Other".to_owned()), "{names:?}");
}

#[test]
fn a_scheme_of_a_target_that_is_gone_is_told_at_its_line_and_the_rest_is_judged() {
    let projects = usual();
    let held_scheme = scheme("App", "Release", &["App", "Gone", "Elsewhere/There"]);
    let archive = of(&projects, &[held_scheme], Some("App"));
    assert_eq!(held(&archive, &projects), ["App", "Share", "Kit"]);
    let told: Vec<_> = archive
        .findings
        .iter()
        .map(|it| (it.code, it.severity, it.place.line.unwrap()))
        .collect();
    let code = Code::SchemeTargetMissing;
    assert_eq!(
        told,
        [(code, Severity::Block, 3), (code, Severity::Block, 4)]
    );
    assert!(archive.findings[1].message.contains("Elsewhere.xcodeproj"));
}

#[test]
fn a_target_with_a_new_id_is_told_by_its_name() {
    let projects = usual();
    let mut renumbered = scheme("App", "Release", &["App"]);
    renumbered.scheme.entries[0].id = "OLD".into();
    let archive = of(&projects, &[renumbered], Some("App"));
    assert_eq!(held(&archive, &projects), ["App", "Share", "Kit"]);
}

#[test]
fn an_archive_says_which_absent_projects_it_lacks() {
    let projects = [project(
        "App",
        &[("App", APP, &["Pods/Pods"], &["Lib/Share"])],
    )];
    let absent: BTreeSet<PathBuf> = ["Lib.xcodeproj", "Pods.xcodeproj"].map(Into::into).into();
    let archive = Archive::of(&[&projects[0]], 1, &[], None, &absent).unwrap();
    assert_eq!(archive.lacking, [PathBuf::from("Lib.xcodeproj")].into());
    let named = [scheme("App", "Release", &["App", "Pods/Pods"])];
    let archive = Archive::of(&[&projects[0]], 1, &named, Some("App"), &absent).unwrap();
    assert_eq!(archive.lacking, absent);
    assert!(archive.findings.is_empty(), "{:?}", archive.findings);
}

#[test]
fn a_circle_of_dependencies_is_told_and_keeps_nothing_from_being_judged() {
    let projects = [project(
        "App",
        &[
            ("App", APP, &["A"], &[]),
            ("A", FRAMEWORK, &["B"], &[]),
            ("B", FRAMEWORK, &["A"], &[]),
            ("C", FRAMEWORK, &["D"], &[]),
            ("D", FRAMEWORK, &["C"], &[]),
        ],
    )];
    let archive = of(
        &projects,
        &[scheme("App", "Release", &["App"])],
        Some("App"),
    );
    assert_eq!(held(&archive, &projects), ["App", "A", "B"]);
    let [finding] = archive.findings.as_slice() else {
        panic!("{:?}", archive.findings);
    };
    assert!(
        finding.message.ends_with("in a circle: A, B"),
        "{}",
        finding.message
    );
    assert_eq!(finding.place.target.as_deref(), Some("A"));
    assert!(finding.place.line.is_some());
    // Whatever nobody needs, a circle included, is archived where nothing says what is meant.
    assert_eq!(held(&of(&projects, &[], None), &projects).len(), 5);
}

#[test]
fn a_scheme_that_does_not_exist_is_the_one_that_xcode_makes_or_an_error() {
    let projects = usual();
    let archive = of(&projects, &[], Some("Example"));
    assert_eq!(held(&archive, &projects), ["Kit", "Example"]);
    assert_eq!(archive.scheme.unwrap().file, None);
    let schemes = [scheme("App", "Release", &["App"])];
    for name in ["Tests", "app", ""] {
        let error = tried(&projects, &schemes, Some(name)).unwrap_err();
        assert_eq!(error.known, ["App"]);
    }
}
