//! Words for states, in every list; piped tables are whole lines.

use std::fs;

use support::workshop::{Workshop, ran, stock};

/// The cells of the lines of a piped table.
fn cells(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().take_while(|line| !line.is_empty());
    lines.map(|line| line.split('\t').collect()).collect()
}

#[test]
fn a_list_of_profiles_says_how_each_stands_and_what_ends_first_comes_first() {
    let workshop = Workshop::frozen();
    let spec = &stock()[0];
    let mut expired = spec
        .clone()
        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    expired.uuid = "00000000-0000-4000-8000-000000000001".to_owned();
    expired.name = "Gone".to_owned();
    workshop.write("profiles/gone.mobileprovision", expired.mint());
    let mut shadow = spec
        .clone()
        .valid("2025-01-01T00:00:00Z", "2045-01-01T00:00:00Z");
    shadow.uuid = "00000000-0000-4000-8000-000000000002".to_owned();
    workshop.write("profiles/shadow.mobileprovision", shadow.mint());
    let mut bytes = spec.mint();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    workshop.write("profiles/forged.mobileprovision", bytes);
    let list = workshop
        .run(&["profile", "list", "--columns", "state,name"])
        .exits(0);
    let rows = cells(&list.out);
    assert_eq!(rows[0], ["STATE", "NAME"]);
    let states: Vec<&str> = rows[1..].iter().map(|row| row[0]).collect();
    let mut sorted = states.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "EXPIRED",
            "NOT PROVEN",
            "pinned",
            "pinned",
            "pinned",
            "shadow"
        ],
        "{}",
        list.out
    );
    let gone = states.iter().position(|state| *state == "EXPIRED");
    let shadow = states.iter().position(|state| *state == "shadow");
    assert!(gone < shadow, "{}", list.out);
    let document = workshop
        .run(&["profile", "list", "--format", "json"])
        .exits(0)
        .json();
    let profiles = document["profiles"].as_array().unwrap();
    let states = profiles.iter().map(|it| it["state"].as_str().unwrap());
    assert_eq!(states.filter(|state| *state == "expired").count(), 1);
}

#[test]
fn a_piped_list_has_whole_uuids_and_one_line_for_each_profile() {
    let workshop = Workshop::frozen();
    let list = workshop.run(&["profile", "list"]).exits(0);
    let rows = cells(&list.out);
    assert_eq!(rows.len(), 1 + stock().len());
    for spec in stock() {
        let row = rows
            .iter()
            .find(|row| row.last() == Some(&spec.uuid.as_str()));
        assert_eq!(row.unwrap().len(), rows[0].len(), "{}", list.out);
    }
    workshop
        .run(&["profile", "list", "--columns", "nonsense"])
        .exits(2);
}

#[test]
fn the_manifest_is_shown_with_how_everything_stands() {
    let workshop = Workshop::frozen();
    let shown = workshop.run(&["manifest", "show"]).exits(0);
    let digest = workshop.run(&["manifest", "digest"]).exits(0).out;
    let shown = shown.says(&["revision 1", digest.trim()]);
    for spec in stock() {
        assert!(
            shown.out.contains(&format!("\t{}", spec.uuid)),
            "{}",
            shown.out
        );
    }
    let document = workshop
        .run(&["manifest", "show", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(document["schema"], "countersign.manifest-show.v1");
    assert_eq!(document["profiles"][0]["state"], "ok");
    let columns = workshop
        .run(&["manifest", "show", "--columns", "uuid"])
        .exits(0)
        .out;
    assert_eq!(columns.lines().count(), 1 + stock().len(), "{columns}");
}

#[test]
fn installing_an_expired_profile_warns_and_a_valid_one_does_not() {
    let workshop = Workshop::new();
    let spec = &stock()[0];
    let gone = spec
        .clone()
        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    workshop.write("gone.mobileprovision", gone.mint());
    let installed = workshop
        .run(&["profile", "install", "gone.mobileprovision"])
        .exits(0);
    installed.says(&["warn profile-expired", "has expired", "installed: "]);
    workshop.write("valid.mobileprovision", spec.mint());
    let installed = workshop
        .run(&["profile", "install", "valid.mobileprovision"])
        .exits(0);
    assert!(
        !installed.text().contains("profile-expired"),
        "{}",
        installed.out
    );
}

#[test]
fn identities_say_how_they_stand() {
    let workshop = Workshop::frozen();
    let list = [
        "identity",
        "list",
        "--identities",
        "identities.txt",
        "--columns",
        "state,name",
    ];
    let listed = workshop.run(&list).exits(0);
    let rows = cells(&listed.out);
    assert_eq!(rows[1][0], "ok", "{}", listed.out);
}

#[test]
fn targets_and_identities_expire_soon_when_the_policy_says_so() {
    let workshop = Workshop::frozen();
    let state = |words: &[&str]| {
        let listed = workshop
            .run(&[words, &["--format", "json"]].concat())
            .exits(0)
            .json();
        listed["identities"][0]["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let list = ["identity", "list", "--identities", "identities.txt"];
    assert_eq!(state(&list), "ok");
    let long = "[profiles]\nwarn_before = \"20000d\"";
    let policy = String::from_utf8(workshop.read("manifests/signing.toml")).unwrap();
    workshop.write("manifests/signing.toml", policy.replace("[profiles]", long));
    assert_eq!(state(&list), "expires-soon");
    forge::fixtures::project().write(&workshop.path(""));
    for spec in forge::fixtures::products() {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    let shown = workshop.run(&[
        "targets",
        "show",
        "--profiles",
        "profiles",
        "--format",
        "json",
    ]);
    let shown = shown.exits(0).json();
    let mut chosen = shown["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| &target["chosen"]);
    assert!(
        chosen.any(|chosen| chosen["state"] == "expires-soon"),
        "{shown:#}"
    );
}

#[test]
fn without_a_home_nobody_knows_where_profiles_are_installed() {
    let workshop = Workshop::new();
    workshop.write("manifests/signing.toml", "version = 1\n");
    for arguments in [
        &["profile", "list"][..],
        &["profile", "install", "x.mobileprovision"],
    ] {
        let mut command = workshop.command(arguments);
        command.env_remove("HOME");
        let ran = ran(&mut command).exits(11);
        assert!(ran.out.is_empty(), "{}", ran.out);
        ran.says(&["the home directory is unknown", "--profiles"]);
    }
    // With one that was named nothing is missing.
    fs::create_dir_all(workshop.path("named")).unwrap();
    let mut command = workshop.command(&["profile", "list", "--profiles", "named"]);
    command.env_remove("HOME");
    ran(&mut command).exits(0);
}

#[test]
fn without_a_home_no_directory_below_it_is_made_up() {
    let workshop = Workshop::frozen();
    workshop.write(
        "manifests/signing.toml",
        "version = 1\n\n[profiles]\ntrust_anchors = [\"../anchors.pem\"]\n",
    );
    let homeless = |words: &[&str]| {
        let mut command = workshop.command(words);
        command.env_remove("HOME").env_remove("XDG_STATE_HOME");
        ran(&mut command)
    };
    let doctor = homeless(&["doctor"])
        .exits(10)
        .says(&["unknown: HOME is not set"]);
    assert!(!doctor.out.contains("/Library"), "{}", doctor.out);
    let gate = homeless(&[
        "gate",
        "--identities",
        "identities.txt",
        "--without",
        "targets",
    ]);
    assert!(!gate.out.contains("/Library"), "{}", gate.out);
    let next = gate
        .out
        .lines()
        .find(|line| line.starts_with("next: "))
        .unwrap();
    assert!(
        [
            "next: name the directory of the installed profiles",
            "next: name a state directory"
        ]
        .contains(&next),
        "{next}"
    );
    assert!(gate.out.contains("set HOME"), "{}", gate.out);
}

#[test]
fn the_columns_of_a_check_are_named_as_those_of_a_list() {
    let workshop = Workshop::frozen();
    forge::fixtures::project().write(&workshop.path(""));
    let check = workshop.run(&["targets", "check", "--columns", "bundle-id,uuid,target"]);
    let rows = cells(&check.out);
    assert_eq!(rows[0], ["BUNDLE-ID", "UUID", "TARGET"], "{}", check.out);
    assert!(rows[1][0].starts_with("com.acme."), "{}", check.out);
    workshop
        .run(&["targets", "check", "--columns", "no"])
        .exits(2)
        .says(&["bundle-id"]);
}

#[test]
fn pruning_nothing_in_particular_is_refused_in_our_words() {
    let workshop = Workshop::frozen();
    let prune = workshop.run(&["profile", "prune"]).exits(2);
    assert!(!prune.err.contains("required arguments"), "{}", prune.err);
    prune.says(&[
        "nothing says which installed profiles are removed",
        "--expired, --unpinned or both",
    ]);
    workshop
        .run(&["profile", "prune", "--expired", "--dry-run"])
        .exits(0);
}

#[test]
fn the_password_that_is_missing_is_named_by_its_own_options() {
    let workshop = Workshop::frozen();
    let list = workshop.run(&["profile", "list", "--match-password-env", "NOT_THERE"]);
    list.exits(11).says(&["--match-password-file"]);
}
