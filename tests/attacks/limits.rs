//! Inputs that are small to write and large to read.
//!
//! Memory is held by the kernel: the program may write to so many bytes (`RLIMIT_DATA`), and whatever asks for more is not
//! given it. `docs/limits.md` has all bounds, and the tests that measure them.

use std::fs;
use std::path::Path;

use countersign::apple::property_list;
use support::start;
use support::workshop::{GATE, Ran, Workshop, codes, ran};

mod measured;

/// Runs the program with at most this much memory that it may write to.
fn within(mebibytes: u64, workshop: &Workshop, arguments: &[&str]) -> Ran {
    within_both(mebibytes, 600, workshop, arguments)
}

/// Likewise, and with at most so many seconds of processor time.
fn within_both(mebibytes: u64, seconds: u64, workshop: &Workshop, arguments: &[&str]) -> Ran {
    let program = workshop.command(arguments);
    let mut shell = start::command("sh", &workshop.path("home"));
    shell
        .args([
            "-c",
            "ulimit -d \"$1\" && ulimit -t \"$2\" && shift 2 && exec \"$@\"",
            "sh",
        ])
        .arg((mebibytes << 10).to_string())
        .arg(seconds.to_string())
        .arg(program.get_program())
        .args(arguments)
        .env("PATH", start::PATH)
        // A thread has memory of its own, and not every machine has as many processors.
        .env("RAYON_NUM_THREADS", "2")
        .current_dir(workshop.path(""));
    ran(&mut shell)
}

/// A project whose targets take their settings from `Target N.xcconfig`, one each.
fn project(workshop: &Workshop, targets: usize) {
    let mut objects =
        String::from("P = {isa = PBXProject; buildConfigurationList = PL; targets = (");
    for number in 0..targets {
        objects.push_str(&format!("T{number}, "));
    }
    objects.push_str("); }; PL = {isa = XCConfigurationList; buildConfigurations = (); };\n");
    for number in 0..targets {
        objects.push_str(&format!(
            "X{number} = {{isa = PBXFileReference; path = \"Target {number}.xcconfig\"; sourceTree = SOURCE_ROOT; }};\n\
             T{number} = {{isa = PBXNativeTarget; name = \"Target {number}\"; buildConfigurationList = L{number}; \
             productType = \"com.apple.product-type.application\"; }};\n\
             L{number} = {{isa = XCConfigurationList; buildConfigurations = (B{number}); }};\n\
             B{number} = {{isa = XCBuildConfiguration; name = Release; baseConfigurationReference = X{number}; \
             buildSettings = {{SDKROOT = iphoneos; }}; }};\n"
        ));
    }
    let text = format!("{{ objects = {{ {objects} }}; rootObject = P; }}\n");
    fs::create_dir_all(workshop.path("App/App.xcodeproj")).unwrap();
    workshop.write("App/App.xcodeproj/project.pbxproj", text);
}

/// So many different assignments.
fn assignments(count: usize) -> String {
    (0..count)
        .map(|number| format!("A{number} = b\n"))
        .collect()
}

const CHECK: &[&str] = &[
    "targets",
    "check",
    "--project",
    "App/App.xcodeproj",
    "--format",
    "json",
];

/// The finding that the budget of a project's files was spent.
#[track_caller]
fn too_large(ran: &Ran) -> serde_json::Value {
    let document = ran.json();
    let codes = codes(&document);
    let found: Vec<_> = codes
        .iter()
        .filter(|code| *code == "project-too-large")
        .collect();
    assert_eq!(found.len(), 1, "{codes:?}");
    let finding = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["code"] == "project-too-large");
    let finding = finding.unwrap().clone();
    assert_eq!(finding["severity"], "block");
    assert!(
        finding["hint"].is_string() && finding["place"]["file"].is_string(),
        "{finding}"
    );
    finding
}

#[test]
fn a_hundred_megabytes_of_included_files_are_given_up() {
    let workshop = Workshop::new();
    project(&workshop, 1);
    let large = workshop.write("App/0.xcconfig", assignments(300_000));
    let size = fs::metadata(&large).unwrap().len();
    let count = 122_000_000 / size + 1;
    let mut includes = String::from("#include \"0.xcconfig\"\n");
    for number in 1..count {
        fs::hard_link(&large, workshop.path(format!("App/{number}.xcconfig"))).unwrap();
        includes.push_str(&format!("#include \"{number}.xcconfig\"\n"));
    }
    workshop.write("App/Target 0.xcconfig", includes);
    let ran = within(1024, &workshop, CHECK).exits(10);
    let finding = too_large(&ran);
    let file = finding["place"]["file"].as_str().unwrap();
    assert!(Path::new(file).extension().unwrap() == "xcconfig", "{file}");
}

#[test]
fn many_targets_that_include_one_large_file_are_given_up() {
    let workshop = Workshop::new();
    project(&workshop, 400);
    workshop.write("App/Shared.xcconfig", assignments(100_000));
    for number in 0..400 {
        workshop.write(
            format!("App/Target {number}.xcconfig"),
            "#include \"Shared.xcconfig\"\n",
        );
    }
    too_large(&within(1024, &workshop, CHECK).exits(10));
}

#[test]
fn a_long_value_that_is_included_again_and_again_is_given_up() {
    let workshop = Workshop::new();
    project(&workshop, 1);
    workshop.write(
        "App/Long.xcconfig",
        format!("A = {}\n", "b".repeat(4 << 20)),
    );
    workshop.write(
        "App/Target 0.xcconfig",
        "#include \"Long.xcconfig\"\n".repeat(1_500),
    );
    too_large(&within(1024, &workshop, CHECK).exits(10));
}

#[test]
fn large_property_lists_of_many_targets_are_given_up() {
    let workshop = Workshop::new();
    project(&workshop, 100);
    let list = format!(
        "<?xml version=\"1.0\"?><plist><dict><key>a</key><data>{}</data></dict></plist>",
        "AAAA".repeat(2 << 20)
    );
    let first = workshop.write("App/0.entitlements", list);
    for number in 0..100 {
        if number > 0 {
            fs::hard_link(&first, workshop.path(format!("App/{number}.entitlements"))).unwrap();
        }
        workshop.write(
            format!("App/Target {number}.xcconfig"),
            format!(
                "PRODUCT_BUNDLE_IDENTIFIER = a.b\nCODE_SIGN_ENTITLEMENTS = {number}.entitlements\n"
            ),
        );
    }
    too_large(&within(1024, &workshop, CHECK).exits(10));
}

#[test]
fn the_budget_is_one_for_all_projects_of_a_command() {
    let workshop = Workshop::new();
    project(&workshop, 1);
    workshop.write("App/Target 0.xcconfig", assignments(300_000));
    within(1024, &workshop, CHECK).says(&[]).json();
    let mut arguments = vec!["targets", "check", "--format", "json"];
    let names: Vec<String> = (0..8)
        .map(|number| format!("App{number}/App.xcodeproj"))
        .collect();
    for name in &names {
        let folder = Path::new(name).parent().unwrap();
        support::copy_folder(&workshop.path("App"), &workshop.path(folder));
        arguments.extend(["--project", name]);
    }
    too_large(&within(1024, &workshop, &arguments).exits(10));
    // Each of them alone is not too large.
    let alone = within(1024, &workshop, CHECK);
    assert!(!codes(&alone.json()).contains(&"project-too-large".to_owned()));
}

/// It used to be left out in silence.
#[test]
fn an_assignment_behind_two_hundred_thousand_others_counts() {
    let workshop = Workshop::new();
    project(&workshop, 1);
    let text = format!(
        "PRODUCT_BUNDLE_IDENTIFIER = com.acme.first\n{}PRODUCT_BUNDLE_IDENTIFIER = com.acme.last\n",
        assignments(200_001)
    );
    workshop.write("App/Target 0.xcconfig", text);
    let show = [
        "targets",
        "show",
        "--project",
        "App/App.xcodeproj",
        "--format",
        "json",
    ];
    let ran = within(1024, &workshop, &show);
    assert!(ran.out.contains("com.acme.last"), "{}", ran.text());
}

#[test]
fn a_manifest_of_a_hundred_megabytes_is_refused_unread() {
    let workshop = Workshop::frozen();
    let path = workshop.path("manifests/profiles.json");
    let honest = fs::read(&path).unwrap();
    let end = honest.iter().rposition(|byte| *byte == b'}').unwrap();
    let mut padded = honest[..end].to_vec();
    padded.resize(100_000_000, b' ');
    padded.push(b'}');
    fs::write(&path, padded).unwrap();
    // Far less memory than it has bytes.
    within(64, &workshop, &GATE)
        .exits(11)
        .says(&["profiles.json", "at most 96000000 are read"]);
}

/// It never did.
#[test]
fn a_binary_list_that_is_small_and_large_at_once_takes_no_memory() {
    // Each array holds the next one many times.
    let mut objects: Vec<Vec<u8>> = (1..=30_u8)
        .map(|next| std::iter::once(0xae).chain([next; 14]).collect())
        .collect();
    objects.push(vec![0x09]);
    let mut bytes = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for object in &objects {
        offsets.push(u16::try_from(bytes.len()).unwrap());
        bytes.extend(object);
    }
    let table = bytes.len() as u64;
    bytes.extend(offsets.iter().flat_map(|offset| offset.to_be_bytes()));
    bytes.extend([0, 0, 0, 0, 0, 0, 2, 1]);
    bytes.extend((objects.len() as u64).to_be_bytes());
    bytes.extend(0_u64.to_be_bytes());
    bytes.extend(table.to_be_bytes());
    assert!(property_list::read(&bytes, 1 << 20).is_err());
}

/// They never were read.
#[test]
fn files_without_an_end_are_refused() {
    let workshop = Workshop::frozen();
    for file in ["/dev/zero", "/dev/stdin"] {
        let gate = ["gate", "--identities", file, "--without", "targets"];
        let _ = within(64, &workshop, &gate).exits(11);
    }
}

/// They never were read. The files take no room on the disk, and the program may not write to as much memory as they seem
/// to need.
#[test]
fn one_byte_too_many_is_refused_before_anything_is_read() {
    let workshop = Workshop::frozen();
    project(&workshop, 1);
    fs::create_dir(workshop.path("W.xcworkspace")).unwrap();
    workshop.write("allowed", "");
    let captured = [CHECK, &["--build-settings", "large"]].concat();
    let workspace = ["targets", "check", "--project", "W.xcworkspace"];
    let list = ["identity", "list", "--identities", "large"];
    let verify = [
        "envelope",
        "verify",
        "large",
        "--allowed-signers",
        "allowed",
    ];
    let allowed = ["envelope", "verify", "e", "--allowed-signers", "large"];
    let cases: &[(&str, u64, &[&str])] = &[
        ("large", 8 << 20, &["profile", "show", "large"]),
        ("large", 4 << 20, &list),
        ("large", 64 << 20, &captured),
        ("large", 1 << 20, &verify),
        ("large", 1 << 20, &allowed),
        ("large", 1 << 20, &["audit", "verify", "large"]),
        (
            "manifests/profiles.json",
            96_000_000,
            &["manifest", "digest"],
        ),
        ("manifests/signing.toml", 256 << 10, &["policy", "digest"]),
        ("anchors.pem", 1 << 20, &["profile", "list"]),
        ("App/App.xcodeproj/project.pbxproj", 64 << 20, CHECK),
        (
            "W.xcworkspace/contents.xcworkspacedata",
            64 << 20,
            &workspace,
        ),
        ("App/Target 0.xcconfig", 64 << 20, CHECK),
    ];
    for (file, limit, arguments) in cases {
        let path = workshop.path(file);
        let kept = fs::read(&path).ok();
        fs::File::create(&path).unwrap().set_len(limit + 1).unwrap();
        let ran = within(48, &workshop, arguments);
        assert!([10, 11].contains(&ran.code), "{file}: {}", ran.text());
        let _ = ran.says(&[&limit.to_string()]);
        match kept {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
}
