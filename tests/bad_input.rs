//! Bad input gets a clear error: the file, the place in it, what was expected, what was found, what to do; and the exit
//! code that says whether we could not look (11), did not like what we saw (10), or did not understand the question (2).
//!
//! And whatever goes wrong, what was there before is still there, whole.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use forge::flaw::{Flaw, Layer};
use support::workshop::{Workshop, codes, fifo, stock};

/// A name that a profile may have and that nothing is expected at.
const BAD: &str = "profiles/bad.mobileprovision";

/// Every command that reads this one file says the same of it: showing ends with `code`, and the directory around it
/// still lists.
#[track_caller]
fn shown(workshop: &Workshop, code: i32, says: &[&str]) {
    let mut words = vec!["bad.mobileprovision", "profile-unreadable", "do "];
    words.extend(says);
    workshop
        .run(&["profile", "show", BAD])
        .exits(code)
        .says(&words);
    let document = workshop
        .run(&["profile", "show", "--format", "json", BAD])
        .exits(code)
        .json();
    let profile = &document["profiles"][0];
    assert_eq!(profile["proven"], false);
    assert_eq!(codes(profile), ["profile-unreadable"]);
    assert!(profile["findings"][0]["hint"].is_string(), "{profile}");
    assert!(
        profile["findings"][0]["place"]["file"]
            .as_str()
            .unwrap()
            .ends_with(BAD)
    );
    // The others still list, freezing refuses and leaves the manifest, installing refuses, and the gate blocks: Xcode may
    // read what we cannot.
    let list = workshop
        .run(&["profile", "list", "--format", "json"])
        .exits(0)
        .json();
    let proven = list["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|profile| profile["proven"] == true);
    assert_eq!(proven.count(), 3);
    let before = workshop.read("manifests/profiles.json");
    workshop
        .run(&["manifest", "freeze"])
        .exits(code)
        .says(&["not frozen", "bad.mobileprovision"]);
    assert_eq!(workshop.read("manifests/profiles.json"), before);
    workshop
        .run(&["profile", "install", BAD])
        .exits(code)
        .says(&["bad.mobileprovision"]);
    workshop
        .gate(&[])
        .exits(10)
        .says(&["profile-unreadable", "bad.mobileprovision", "mv -- "]);
}

/// A frozen workshop with one more file.
fn with_bad(bytes: impl AsRef<[u8]>) -> Workshop {
    let workshop = Workshop::frozen();
    workshop.write(BAD, bytes);
    workshop
}

// profiles

#[test]
fn an_empty_profile() {
    shown(&with_bad(b""), 10, &["empty"]);
}

#[test]
fn xml_without_a_signature() {
    // Under a UUID and a name that are pinned: Xcode, which asks for no signature, could take it.
    let workshop = with_bad(stock()[0].plist());
    workshop.run(&["profile", "show", BAD]).exits(10).says(&[
        "NOT PROVEN",
        "bad.mobileprovision",
        "profile-unreadable",
        "found an XML property list without a signature",
    ]);
    workshop
        .run(&["profile", "install", BAD])
        .exits(10)
        .says(&["nothing was installed"]);
    workshop
        .run(&["manifest", "freeze"])
        .exits(10)
        .says(&["not frozen", "bad.mobileprovision"]);
    workshop.gate(&[]).exits(10).says(&[
        "profile-shadowed",
        "has the same UUID as",
        "bad.mobileprovision",
    ]);
}

#[test]
fn a_profile_that_was_cut_off() {
    let whole =
        forge::profile::ProfileSpec::ios(forge::profile::Kind::AdHoc, "com.acme.cut").mint();
    shown(
        &with_bad(&whole[..whole.len() / 2]),
        10,
        &["its end is missing"],
    );
}

#[test]
fn a_hundred_megabytes_of_zeros() {
    let workshop = with_bad(b"");
    // Sparse: it takes no space.
    File::create(workshop.path(BAD))
        .unwrap()
        .set_len(100 * 1024 * 1024)
        .unwrap();
    shown(
        &workshop,
        11,
        &["104857600 bytes", "check that this is the right file"],
    );
}

#[test]
fn zeros_of_a_plausible_size() {
    shown(&with_bad(vec![0; 64 * 1024]), 10, &[]);
}

#[test]
fn a_directory_where_a_profile_should_be() {
    let workshop = Workshop::frozen();
    fs::create_dir(workshop.path(BAD)).unwrap();
    let list = workshop
        .run(&["profile", "list", "--format", "json"])
        .exits(0)
        .json();
    let row = list["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["proven"] == false)
        .unwrap()
        .clone();
    assert!(
        row["findings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("it is a directory"),
        "{row}"
    );
    assert_eq!(row["findings"][0]["hint"], "name a file inside it");
    workshop
        .run(&["manifest", "freeze"])
        .exits(11)
        .says(&["it is a directory"]);
    // Named by hand it is a directory of profiles, of which there are none.
    workshop
        .run(&["manifest", "freeze", BAD])
        .exits(11)
        .says(&["no profiles"]);
    workshop
        .run(&["profile", "show", BAD])
        .exits(11)
        .says(&["bad.mobileprovision", "no profiles"]);
}

#[test]
fn a_circle_of_links() {
    let workshop = Workshop::frozen();
    symlink("other", workshop.path("profiles/other.mobileprovision")).unwrap();
    fs::remove_file(workshop.path("profiles/other.mobileprovision")).unwrap();
    symlink("bad.mobileprovision", workshop.path(BAD)).unwrap();
    shown(
        &workshop,
        11,
        &["its symlinks form a circle", "remove one of the links"],
    );
}

#[test]
fn a_link_to_nothing() {
    let workshop = Workshop::frozen();
    symlink("gone", workshop.path(BAD)).unwrap();
    shown(&workshop, 11, &["a symlink to gone, which does not exist"]);
}

#[test]
fn a_pipe_that_nobody_writes_to() {
    let workshop = Workshop::frozen();
    fifo(&workshop.path(BAD));
    shown(&workshop, 11, &["it is a pipe, not a file"]);
}

#[test]
fn a_file_that_this_user_may_not_read() {
    let workshop = with_bad(stock()[0].mint());
    fs::set_permissions(workshop.path(BAD), Permissions::from_mode(0o000)).unwrap();
    if File::open(workshop.path(BAD)).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    shown(&workshop, 11, &["no permission to read it", "chmod"]);
}

#[test]
fn a_file_that_does_not_exist() {
    let workshop = Workshop::frozen();
    workshop.run(&["profile", "show", BAD]).exits(11).says(&[
        BAD,
        "does not exist",
        "check the spelling",
    ]);
    workshop
        .run(&["profile", "install", BAD])
        .exits(11)
        .says(&[BAD, "does not exist"]);
    workshop
        .run(&["manifest", "freeze", BAD])
        .exits(11)
        .says(&[BAD, "does not exist"]);
}

#[test]
fn a_name_that_is_not_utf_8() {
    let workshop = Workshop::frozen();
    let name = OsString::from_vec(b"profiles/b\xffd.mobileprovision".to_vec());
    let spec = &stock()[0];
    if fs::write(workshop.path(&name), spec.mint()).is_err() {
        eprintln!("skipped: this file system has no such names");
        return;
    }
    let mut arguments: Vec<OsString> = ["profile", "show"].map(OsString::from).to_vec();
    arguments.push(name);
    workshop
        .run(&arguments)
        .exits(0)
        .says(&["proven", "b\u{fffd}d.mobileprovision"]);
    workshop.run(&["profile", "list"]).exits(0);
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop
        .gate(&[])
        .exits(0)
        .says(&["profile-shadowed", "b\u{fffd}d.mobileprovision"]);
    workshop
        .run(&["profile", "list", "--format", "json"])
        .exits(0)
        .json();
}

#[test]
fn names_inside_a_profile_cannot_write_to_the_terminal() {
    let workshop = Workshop::new();
    // XML 1.0 has no escape character; the C1 control that terminals take for one is legal.
    let spec = forge::profile::ProfileSpec::ios(forge::profile::Kind::AdHoc, "com.acme.evil")
        .named("evil\u{9b}31mname");
    workshop.write("profiles/evil.mobileprovision", spec.mint());
    for arguments in [
        &["profile", "list"][..],
        &["profile", "show", "profiles/evil.mobileprovision"],
        &["manifest", "freeze"],
    ] {
        let ran = workshop.run(arguments).exits(0);
        assert!(!ran.out.contains('\u{9b}'), "{arguments:?}: {}", ran.out);
    }
}

#[test]
fn a_profile_directory_that_is_not_there() {
    let workshop = Workshop::frozen();
    for arguments in [
        &["profile", "list"][..],
        &["gate", "--without", "targets,identities"],
    ] {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--profiles", "nowhere"]);
        workshop
            .run(&arguments)
            .exits(11)
            .says(&["cannot list the directory nowhere", "check the path"]);
    }
}

#[test]
fn no_profiles_at_all() {
    let workshop = Workshop::new();
    workshop
        .run(&["profile", "list"])
        .exits(0)
        .says(&["no profiles installed"]);
    workshop
        .run(&["manifest", "freeze"])
        .exits(11)
        .says(&["no profiles", ".mobileprovision"]);
    assert!(!workshop.path("manifests/profiles.json").exists());
}

// manifests

/// The frozen manifest with one change, judged by the gate: exit 11, and these words.
#[track_caller]
fn manifest(from: &str, to: &str, says: &[&str]) {
    let workshop = Workshop::frozen();
    let text = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    assert!(text.contains(from), "{from:?}");
    let changed = text.replacen(from, to, 1);
    workshop.write("manifests/profiles.json", &changed);
    let mut words = vec!["profiles.json"];
    words.extend(says);
    workshop.gate(&[]).exits(11).says(&words);
    workshop.run(&["manifest", "verify"]).exits(11).says(&words);
    workshop.run(&["manifest", "digest"]).exits(11).says(&words);
}

#[test]
fn a_manifest_with_an_unknown_key() {
    manifest(
        "  \"revision\": 1,",
        "  \"revision\": 1,\n  \"note\": \"\",",
        &["line 4", "unknown field `note`", "expected"],
    );
}

#[test]
fn a_manifest_with_a_repeated_key() {
    manifest(
        "  \"revision\": 1,",
        "  \"revision\": 1,\n  \"revision\": 2,",
        &["line 4", "duplicate field `revision`"],
    );
}

#[test]
fn a_manifest_from_a_newer_version() {
    manifest(
        "countersign.manifest.v2",
        "countersign.manifest.v3",
        &["countersign.manifest.v3", "install the countersign"],
    );
}

#[test]
fn a_manifest_with_merge_conflict_markers() {
    manifest(
        "  \"revision\"",
        "<<<<<<< HEAD\n  \"revision\"",
        &["line 3"],
    );
}

#[test]
fn a_manifest_that_is_not_there() {
    let workshop = Workshop::stocked();
    workshop.gate(&[]).exits(11).says(&[
        "manifests/profiles.json",
        "does not exist",
        "countersign manifest freeze",
    ]);
    workshop
        .gate(&["--manifest", "other.json"])
        .exits(11)
        .says(&["other.json", "check the spelling"]);
}

#[test]
fn a_manifest_that_is_a_directory_or_too_large() {
    let workshop = Workshop::stocked();
    workshop
        .gate(&["--manifest", "profiles"])
        .exits(11)
        .says(&["profiles", "it is a directory"]);
    File::create(workshop.path("huge.json"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    workshop
        .gate(&["--manifest", "huge.json"])
        .exits(11)
        .says(&["huge.json", "1073741824 bytes"]);
}

#[test]
fn freezing_never_replaces_what_is_no_manifest_or_newer() {
    let workshop = Workshop::frozen();
    let newer = String::from_utf8(workshop.read("manifests/profiles.json"))
        .unwrap()
        .replace("countersign.manifest.v2", "countersign.manifest.v3");
    for (text, says) in [
        ("{\"name\": \"some package\"}", "no \"schema\""),
        ("not even JSON", "line 1"),
        ("", "line 1"),
        (newer.as_str(), "countersign.manifest.v3"),
    ] {
        workshop.write("out.json", text);
        workshop
            .run(&["manifest", "freeze", "-o", "out.json"])
            .exits(11)
            .says(&["out.json", says, "the file is unchanged", "-o"]);
        assert_eq!(workshop.read("out.json"), text.as_bytes());
    }
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let workshop = Workshop::stocked();
    workshop
        .run(&["manifest", "freeze", "-o", "anchors.pem/m.json"])
        .exits(11)
        .says(&["anchors.pem", "directory"]);
    workshop
        .run(&["manifest", "freeze", "-o", "profiles"])
        .exits(11)
        .says(&["profiles", "directory"]);
    // And nothing half-written stays behind.
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop
        .gate(&["--envelope", "nowhere/e.json"])
        .exits(11)
        .says(&["nowhere"]);
    assert_eq!(
        workshop.list("manifests"),
        ["profiles.json", "signing.toml"]
    );
    assert_eq!(
        workshop.list("."),
        [
            "anchors.pem",
            "home",
            "identities.txt",
            "manifests",
            "profiles"
        ]
    );
}

// policies

#[test]
fn a_policy_with_a_typo_a_wrong_type_or_no_toml() {
    let workshop = Workshop::frozen();
    for (text, says) in [
        (
            "version = 1\n[profile]\n",
            &["signing.toml:2", "profiles"][..],
        ),
        (
            "version = 1\n[profiles]\nread_only = \"yes\"\n",
            &["signing.toml:3", "read_only"],
        ),
        ("version = 1\n[profiles\n", &["signing.toml:2"]),
        ("version = 2\n", &["signing.toml:1", "version"]),
        ("", &["signing.toml", "version"]),
        ("version = 1\nversion = 1\n", &["signing.toml:2"]),
    ] {
        workshop.write("manifests/signing.toml", text);
        let mut words = vec!["policy-invalid", "do "];
        words.extend(says);
        workshop.gate(&[]).exits(10).says(&words);
    }
    workshop.write("manifests/signing.toml", b"version = 1 # \xff\n");
    workshop
        .gate(&[])
        .exits(10)
        .says(&["policy-invalid", "signing.toml:1", "UTF-8"]);
}

#[test]
fn a_policy_that_cannot_be_read() {
    let workshop = Workshop::frozen();
    workshop
        .gate(&["--policy", "profiles"])
        .exits(11)
        .says(&["profiles", "it is a directory"]);
    workshop
        .gate(&["--policy", "nowhere.toml"])
        .exits(11)
        .says(&["nowhere.toml", "does not exist"]);
}

#[test]
fn anchors_that_are_none() {
    let workshop = Workshop::frozen();
    workshop.write("anchors.pem", "no certificate");
    workshop
        .run(&["profile", "list"])
        .exits(11)
        .says(&["anchors.pem", "a file of PEM certificates"]);
    fs::remove_file(workshop.path("anchors.pem")).unwrap();
    workshop
        .run(&["profile", "list"])
        .exits(11)
        .says(&["anchors.pem", "does not exist"]);
}

// digests and other arguments

#[test]
fn digests_that_are_none() {
    let workshop = Workshop::frozen();
    let too_long = "0".repeat(65);
    let sha1_as_sha256 = format!("sha256:{}", "0".repeat(40));
    for (digest, says) in [
        ("abc", "this one has 3"),
        ("", "the digest is empty"),
        (too_long.as_str(), "this one has 65"),
        (sha1_as_sha256.as_str(), "this one has 40"),
        ("md5:00", "unknown digest algorithm"),
        ("zz", "hex digits"),
    ] {
        for option in ["--expect-manifest", "--expect-signing"] {
            workshop
                .gate(&[option, digest])
                .exits(2)
                .says(&[option, says]);
        }
    }
}

#[test]
fn arguments_that_are_none() {
    let workshop = Workshop::frozen();
    workshop
        .gate(&["--at", "tomorrow"])
        .exits(2)
        .says(&["--at"]);
    workshop
        .gate(&["--host", "no host"])
        .exits(2)
        .says(&["--host"]);
    workshop
        .gate(&["--without", "node"])
        .exits(2)
        .says(&["node", "possible values"]);
    workshop.gate(&["--minimum-revision", "-1"]).exits(2);
    workshop
        .gate(&["--at", "2026-01-01T00:00:00Z", "--envelope", "e.json"])
        .exits(2);
}

// identities

#[test]
fn identities_that_cannot_be_read() {
    let workshop = Workshop::frozen();
    let gate = |file: &str| workshop.run(&["gate", "--without", "targets", "--identities", file]);
    gate("nowhere.txt")
        .exits(11)
        .says(&["nowhere.txt", "does not exist"]);
    gate("profiles")
        .exits(11)
        .says(&["profiles", "it is a directory"]);
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("prose", b"hello\n"),
        ("binary", b"\x00\xff\xfe"),
    ] {
        workshop.write(name, bytes);
        gate(name).exits(11).says(&[name]);
    }
    let whole = workshop.read("identities.txt");
    workshop.write("cut", &whole[..whole.len() - 10]);
    gate("cut").exits(11).says(&["cut", "line"]);
}

#[test]
fn a_p12_with_a_wrong_password_or_none() {
    let workshop = Workshop::frozen();
    let distribution = forge::fixtures::distribution();
    workshop.write(
        "identity.p12",
        forge::p12::P12Spec::new("right", &distribution).write(),
    );
    workshop.write("password", "wrong\n");
    let list = ["identity", "list", "--identities", "identity.p12"];
    workshop
        .run(&[&list[..], &["--password-file", "password"]].concat())
        .exits(11)
        .says(&["identity.p12", "password"]);
    workshop
        .run(&[&list[..], &["--password-file", "nowhere"]].concat())
        .exits(11)
        .says(&["nowhere"]);
    workshop
        .run(&[&list[..], &["--password-env", "NOT_SET"]].concat())
        .exits(11)
        .says(&["NOT_SET"]);
    // No terminal to ask on.
    workshop.run(&list).exits(11).says(&["--password-file"]);
    let bytes = workshop.read("identity.p12");
    workshop.write("identity.p12", &bytes[..bytes.len() / 2]);
    workshop.write("password", "right\n");
    workshop
        .run(&[&list[..], &["--password-file", "password"]].concat())
        .exits(11)
        .says(&["identity.p12"]);
}

// what is written

#[test]
fn installing_over_a_pinned_file_is_all_or_nothing() {
    let workshop = Workshop::frozen();
    let spec = &stock()[0];
    let forged = spec.clone().with(Flaw::Forged(Layer::Inner));
    workshop.write("forged.mobileprovision", forged.mint());
    workshop
        .run(&["profile", "install", "forged.mobileprovision"])
        .exits(10);
    assert_eq!(
        workshop.read(format!("profiles/{}", spec.file_name())),
        spec.mint()
    );
    assert_eq!(workshop.list("profiles").len(), 3);
}
