//! What the readers take of memory and processor time for the worst inputs known, as `docs/limits.md` promises it.
//!
//! The numbers stand in that table alone: a test finds its row by its own name, and the kernel holds the program to it
//! (`RLIMIT_DATA`, `RLIMIT_CPU`). A program that wants more dies of it, and so does the test. The numbers are those of an
//! unoptimised build, which takes as much memory as a released one, and ten times the processor time.

use std::fmt::Write as _;
use std::fs;

use countersign::context::manifest::{self, Manifest};
use forge::bundle::ios_app;
use forge::code_signature::SigningIdentity;
use forge::hierarchy::Hierarchy;
use forge::hierarchy::{LeafKind, LeafSpec};
use forge::p12::P12Spec;
use forge::profile::{Kind, ProfileSpec};
use support::log::log_of;
use support::workshop::{Ran, Workshop};

use super::{CHECK, assignments, project, within_both};

/// Runs the program within what the row of `test` promises.
#[track_caller]
fn measured(test: &str, workshop: &Workshop, arguments: &[&str]) -> Ran {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/limits.md");
    let text = fs::read_to_string(page).unwrap();
    let row = text.lines().find(|line| {
        line.starts_with('|') && line.contains(&format!("`{test}`")) && line.contains(" MiB | ")
    });
    let row = row.unwrap_or_else(|| panic!("docs/limits.md has no row for {test}"));
    let of = |unit: &str| -> u64 {
        let mut cells = row.split('|').map(str::trim);
        let number = cells.find_map(|cell| cell.strip_suffix(unit)?.parse().ok());
        number.unwrap()
    };
    let ran = within_both(of(" MiB"), of(" s"), workshop, arguments);
    // 134 and -1 are a program that was stopped in the middle.
    assert!(
        [0, 10, 11, 12].contains(&ran.code),
        "{test}: {}\n{}",
        ran.code,
        ran.text()
    );
    ran
}

/// Repeats what `unit` writes for 0, 1, … until there are so many bytes.
fn filled(bytes: usize, unit: impl Fn(&mut String, usize)) -> String {
    let mut text = String::with_capacity(bytes + 256);
    for number in 0.. {
        let before = text.len();
        unit(&mut text, number);
        if text.len() > bytes {
            text.truncate(before);
            return text;
        }
    }
    unreachable!("numbers do not end")
}

/// A project with one target, and these objects besides.
fn project_with(workshop: &Workshop, objects: &str) {
    project(workshop, 1);
    let path = "App/App.xcodeproj/project.pbxproj";
    let text = String::from_utf8(workshop.read(path)).unwrap();
    workshop.write(
        path,
        text.replacen("objects = {", &format!("objects = {{ {objects}"), 1),
    );
}

#[test]
fn a_project_file_of_small_objects() {
    let workshop = Workshop::new();
    let objects: String = (0..990_000)
        .map(|number| format!("O{number}={{isa=A;}};"))
        .collect();
    project_with(&workshop, &objects);
    measured("a_project_file_of_small_objects", &workshop, CHECK).says(&["xcconfig-missing"]);
}

#[test]
fn a_project_file_of_small_values() {
    let workshop = Workshop::new();
    let values = "{a=a;},".repeat(660_000) + &"a,".repeat(660_000);
    project_with(&workshop, &format!("X = ({values});"));
    measured("a_project_file_of_small_values", &workshop, CHECK).says(&["xcconfig-missing"]);
}

/// It used to take 4.3 GB.
#[test]
fn a_project_file_of_more_values_than_are_read() {
    let workshop = Workshop::new();
    project_with(&workshop, &format!("X = ({});", "{a=a;},".repeat(9 << 20)));
    measured(
        "a_project_file_of_more_values_than_are_read",
        &workshop,
        CHECK,
    )
    .exits(11)
    .says(&["project.pbxproj", "more than 2000000 values"]);
}

#[test]
fn a_workspace_of_many_projects() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("W.xcworkspace")).unwrap();
    let references = filled((64 << 20) - 64, |text, number| {
        write!(text, "<FileRef location=\"group:{number}.xcodeproj\"/>").unwrap();
    });
    workshop.write(
        "W.xcworkspace/contents.xcworkspacedata",
        format!("<Workspace version=\"1.0\">{references}</Workspace>"),
    );
    let check = ["targets", "check", "--project", "W.xcworkspace"];
    measured("a_workspace_of_many_projects", &workshop, &check);
}

#[test]
fn configuration_files_as_large_as_the_budget() {
    let workshop = Workshop::new();
    project(&workshop, 1);
    workshop.write("App/Target 0.xcconfig", assignments(480_000));
    let ran = measured(
        "configuration_files_as_large_as_the_budget",
        &workshop,
        CHECK,
    );
    assert!(!ran.text().contains("project-too-large"), "{}", ran.text());
}

#[test]
fn entitlements_of_many_values() {
    let workshop = Workshop::new();
    project(&workshop, 1);
    let values = "<string></string>".repeat(199_000);
    workshop.write(
        "App/App.entitlements",
        format!("<plist version=\"1.0\"><dict><key>a</key><array>{values}</array></dict></plist>"),
    );
    workshop.write(
        "App/Target 0.xcconfig",
        "PRODUCT_BUNDLE_IDENTIFIER = a.b\nCODE_SIGN_ENTITLEMENTS = App.entitlements\n",
    );
    measured("entitlements_of_many_values", &workshop, CHECK);
}

#[test]
fn captured_settings_of_many_names() {
    let workshop = Workshop::new();
    project(&workshop, 1);
    let settings = filled((64 << 20) - 64, |text, number| {
        write!(text, "\"{number}\":\"\",").unwrap();
    });
    workshop.write(
        "captured.json",
        format!("[{{\"target\":\"A\",\"buildSettings\":{{{settings}\"a\":\"b\"}}}}]"),
    );
    let check = [CHECK, &["--build-settings", "captured.json"]].concat();
    measured("captured_settings_of_many_names", &workshop, &check);
}

#[test]
fn captured_settings_of_many_targets() {
    let workshop = Workshop::new();
    project(&workshop, 1);
    let target = "{\"target\":\"A\",\"buildSettings\":{}}";
    let count = ((64 << 20) - 64) / (target.len() + 1);
    let targets = vec![target; count].join(",");
    workshop.write("captured.json", format!("[{targets}]"));
    let check = [CHECK, &["--build-settings", "captured.json"]].concat();
    measured("captured_settings_of_many_targets", &workshop, &check);
}

#[test]
fn a_profile_of_eight_megabytes() {
    let workshop = Workshop::new();
    // Each device stands in both layers.
    let spec = ProfileSpec::ios(Kind::AdHoc, "com.acme.app").devices(80_000);
    let profile = spec.mint();
    assert!(
        (6 << 20..8 << 20).contains(&profile.len()),
        "{}",
        profile.len()
    );
    workshop.write("large.mobileprovision", profile);
    let show = ["profile", "show", "large.mobileprovision"];
    measured("a_profile_of_eight_megabytes", &workshop, &show).exits(0);
}

#[test]
fn a_p12_of_a_thousand_certificates() {
    let workshop = Workshop::new();
    let leaf = Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution));
    let mut spec = P12Spec::new("p", &leaf);
    spec.certificates = vec![leaf; 1_000];
    workshop.write("large.p12", spec.write());
    workshop.write("password", "p");
    measured("a_p12_of_a_thousand_certificates", &workshop, P12);
}

#[test]
fn a_p12_of_a_million_iterations() {
    let workshop = Workshop::new();
    let store = p12_keystore::KeyStore::new();
    let p12 = store
        .writer("p")
        .encryption_iterations(1_000_000)
        .mac_iterations(1_000_000);
    workshop.write("large.p12", p12.write().unwrap());
    workshop.write("password", "p");
    measured("a_p12_of_a_million_iterations", &workshop, P12);
}

const P12: &[&str] = &[
    "identity",
    "list",
    "--identities",
    "large.p12",
    "--password-file",
    "password",
];

#[test]
fn a_manifest_of_ninety_megabytes() {
    let workshop = Workshop::frozen();
    let path = "manifests/profiles.json";
    let one = workshop.read(path).len()
        / Manifest::parse(&workshop.read(path))
            .unwrap()
            .profiles()
            .len();
    workshop.edit_manifest(|content| {
        let first = content.profiles[0].clone();
        content.profiles = (0..manifest::MAX_BYTES * 9 / 10 / one)
            .map(|number| {
                let mut profile = first.clone();
                let uuid = format!("{number:08x}-0000-4000-8000-000000000000");
                profile.filename = format!("{uuid}.mobileprovision");
                profile.uuid = uuid.parse().unwrap();
                profile
            })
            .collect();
        content.targets.clear();
    });
    let size = workshop.read(path).len();
    assert!((70_000_000..=manifest::MAX_BYTES).contains(&size), "{size}");
    measured(
        "a_manifest_of_ninety_megabytes",
        &workshop,
        &["manifest", "digest"],
    )
    .exits(0);
}

#[test]
fn a_policy_of_many_products() {
    let workshop = Workshop::new();
    let products = filled((256 << 10) - 256, |text, number| {
        write!(text, "[[products]]\nname = \"p{number}\"\n").unwrap();
    });
    workshop.write("manifests/signing.toml", format!("version = 1\n{products}"));
    measured(
        "a_policy_of_many_products",
        &workshop,
        &["policy", "digest"],
    );
}

#[test]
fn anchors_of_a_megabyte() {
    let workshop = Workshop::stocked();
    let anchors = Hierarchy::acme().anchors_pem();
    workshop.write("anchors.pem", anchors.repeat((1 << 20) / anchors.len()));
    measured("anchors_of_a_megabyte", &workshop, &["profile", "list"]);
}

#[test]
fn a_capture_of_many_identities() {
    let workshop = Workshop::new();
    let capture = filled((1 << 20) - 64, |text, number| {
        writeln!(text, "  {}) {number:040X} \"A\"", number + 1).unwrap();
    });
    workshop.write("identities.txt", capture);
    let list = ["identity", "list", "--identities", "identities.txt"];
    measured("a_capture_of_many_identities", &workshop, &list);
}

const VERIFY_ENVELOPE: [&str; 5] = [
    "envelope",
    "verify",
    "envelope.json",
    "--allowed-signers",
    "allowed",
];

#[test]
fn an_envelope_of_many_values() {
    let workshop = Workshop::new();
    workshop.write("allowed", "");
    let values = "{\"\":0},".repeat((1 << 20) / 7 - 8);
    workshop.write("envelope.json", format!("{{\"payload\":[{values}0]}}"));
    measured("an_envelope_of_many_values", &workshop, &VERIFY_ENVELOPE);
}

#[test]
fn a_list_of_many_signers() {
    let workshop = Workshop::new();
    let line = forge::ssh::SshKey::ed25519("one").allowed("ci", "");
    workshop.write("allowed", line.repeat((1 << 20) / line.len()));
    workshop.write("envelope.json", "{}");
    measured("a_list_of_many_signers", &workshop, &VERIFY_ENVELOPE);
}

#[test]
fn a_log_of_many_records() {
    let workshop = Workshop::new();
    countersign::host::owned_files::make_directory(&workshop.path("state")).unwrap();
    log_of(100_000).write(&workshop.path("state/audit.jsonl"));
    let verify = ["audit", "verify", "--state-dir", "state"];
    measured("a_log_of_many_records", &workshop, &verify).exits(0);
}

/// It used to take 600 MB: a finding for each file.
#[test]
fn a_product_whose_seal_names_a_quarter_of_a_million_missing_files() {
    let workshop = Workshop::new();
    let product = ios_app(&SigningIdentity::acme(LeafKind::AppleDistribution)).sign();
    product.write_to(&workshop.path("")).unwrap();
    let path = "Rocket.app/_CodeSignature/CodeResources";
    let seal = String::from_utf8(workshop.read(path)).unwrap();
    let hash = format!("{}=", "A".repeat(43));
    let names = (0..250_000).fold(String::new(), |mut text, number| {
        write!(
            text,
            "<key>d/{number}</key><dict><key>hash2</key><data>{hash}</data></dict>"
        )
        .unwrap();
        text
    });
    let at = seal.find("<key>files2</key>").unwrap();
    let at = at + seal[at..].find("<dict>").unwrap() + "<dict>".len();
    workshop.write(path, format!("{}{names}{}", &seal[..at], &seal[at..]));
    measured(
        "a_product_whose_seal_names_a_quarter_of_a_million_missing_files",
        &workshop,
        &["product", "verify", "Rocket.app"],
    )
    .exits(10)
    .says(&["resource-missing", "249900 more like this"]);
}
