//! Profiles.

use std::collections::BTreeSet;

use countersign::base::finding::{Code, Finding, Severity};
use countersign::base::ids::FileSha256;
use countersign::context::gate::facts::{
    Change, ChangeRight, DirectoryAccess, FileFacts, InstalledClaims, InstalledContent,
    ObservedClaims,
};
use countersign::context::manifest::ProfileState;
use support::{blocking, rocket};

use crate::scene::{Scene, installed, instant};

#[test]
fn profile_missing_names_file_and_digest() {
    let mut scene = Scene::new();
    scene.installed().files.clear();
    let finding = scene.blocked_by(Code::ProfileMissing);
    let expected = finding.expected.unwrap();
    assert!(
        expected.contains(&scene.pinned[0].0.sha256().to_string()),
        "{expected}"
    );
    assert!(finding.found.unwrap().contains("/profiles"));
}

#[test]
fn profile_bytes_differ_tells_both_digests_and_the_file() {
    let mut scene = Scene::new();
    let uuid = scene.pinned[0].0.fields().uuid.clone();
    let name = scene.pinned[0].0.fields().file_name();
    // Under the pinned UUID, whatever the file is called …
    scene.installed().files = vec![installed(
        "renamed.mobileprovision",
        InstalledContent::Read {
            sha256: FileSha256::of(b"other bytes"),
            claims: ObservedClaims::Read(InstalledClaims {
                uuid: Some(uuid),
                name: None,
                signs: None,
            }),
        },
    )];
    let finding = scene.blocked_by(Code::ProfileBytesDiffer);
    assert_eq!(
        finding.expected,
        Some(format!("sha256:{}", scene.pinned[0].0.sha256()))
    );
    assert_eq!(
        finding.found,
        Some(format!("sha256:{}", FileSha256::of(b"other bytes")))
    );
    assert!(
        finding
            .place
            .file
            .unwrap()
            .ends_with("renamed.mobileprovision")
    );
    // … and under the pinned file name, whatever it claims to be.
    scene.installed().files = vec![installed(
        &name,
        InstalledContent::Read {
            sha256: FileSha256::of(b"rubbish"),
            claims: ObservedClaims::Unreadable,
        },
    )];
    scene.blocked_by(Code::ProfileBytesDiffer);
}

#[test]
fn profile_unreadable_under_the_pinned_name_blocks() {
    let mut scene = Scene::new();
    let name = scene.pinned[0].0.fields().file_name();
    scene.installed().files = vec![installed(
        &name,
        InstalledContent::Unreadable {
            problem: "no permission".to_owned(),
        },
    )];
    scene.blocked_by(Code::ProfileUnreadable);
}

#[test]
fn what_was_looked_at_for_another_manifest_is_not_passed() {
    let mut scene = Scene::new();
    // The other manifest pins this file, so nobody looked whether it is a shadow of what this one pins.
    scene.installed().files.push(installed(
        "retired.mobileprovision",
        InstalledContent::Read {
            sha256: FileSha256::of(b"pinned by another manifest"),
            claims: ObservedClaims::Unproven(Vec::new()),
        },
    ));
    let finding = scene.blocked_by(Code::ProfilesUnobserved);
    assert!(
        finding
            .place
            .file
            .unwrap()
            .ends_with("retired.mobileprovision")
    );
}

#[test]
fn a_pinned_file_that_is_not_proven_blocks() {
    let mut scene = Scene::new();
    let fault = Finding::block(Code::ProfileNotTrusted, "the chain does not hold")
        .hint("download it again");
    if let InstalledContent::Read { claims, .. } = &mut scene.installed().files[0].content {
        *claims = ObservedClaims::Unproven(vec![fault]);
    }
    let finding = scene.blocked_by(Code::ProfileNotTrusted);
    assert!(finding.place.file.is_some() && finding.place.profile.is_some());
}

/// The manifest is the pin and the file is the fact: what a decision rests on comes from the file.
#[test]
fn a_proven_file_that_says_something_else_than_its_entry_blocks_with_the_field() {
    let mut scene = Scene::new();
    if let InstalledContent::Read { claims, .. } = &mut scene.installed().files[0].content
        && let ObservedClaims::Proven(facts) = claims
    {
        let mut says = facts.in_full().unwrap().clone();
        says.expires = instant("2026-07-08T00:00:00Z");
        *claims = ObservedClaims::Proven(FileFacts::new(says));
    }
    let findings = scene.judge().findings;
    assert_eq!(
        blocking(&findings),
        ["manifest-entry-differs", "profile-expires-soon"],
        "{findings:#?}"
    );
}

/// Where a profile stands in its rotation is the manifest's to say, whatever its file says.
#[test]
fn a_retiring_profile_whose_file_differs_is_still_retiring() {
    let mut scene = Scene::with_retiring(rocket());
    let retired = scene.pinned[1].0.fields().file_name();
    let files = scene.installed().files.iter_mut();
    for file in files.filter(|file| file.path.ends_with(&retired)) {
        if let InstalledContent::Read { claims, .. } = &mut file.content
            && let ObservedClaims::Proven(facts) = claims
        {
            let mut says = facts.in_full().unwrap().clone();
            assert_eq!(says.state, ProfileState::Active);
            says.device_count += 1;
            *claims = ObservedClaims::Proven(FileFacts::new(says));
        }
    }
    let findings = scene.judge().findings;
    assert_eq!(blocking(&findings), ["manifest-entry-differs"]);
    let parallel = findings
        .iter()
        .find(|finding| finding.code == Code::ProfileShadowed)
        .unwrap();
    let shown = [&parallel.expected, &parallel.found].map(|value| value.clone().unwrap());
    let retiring = shown.iter().filter(|value| value.ends_with("(retiring)"));
    assert_eq!(retiring.count(), 1, "{shown:?}");
}

#[test]
fn profile_expired_blocks_from_the_instant_after_its_last() {
    let mut scene = Scene::pinning(&[(
        rocket().valid("2026-01-01T10:00:00Z", "2026-07-06T14:15:00Z"),
        ProfileState::Active,
    )]);
    scene.facts.now = instant("2026-07-06T14:15:01Z");
    let finding = scene.blocked_by(Code::ProfileExpired);
    assert_eq!(finding.expected.as_deref(), Some("not expired"));
    let found = "2026-07-06T14:15:00Z (1s ago)";
    assert_eq!(finding.found.as_deref(), Some(found));
}

#[test]
fn profile_expires_soon_blocks_below_the_minimum_and_warns_before_it() {
    let expiring = |expires| {
        Scene::pinning(&[(
            rocket().valid("2026-01-01T10:00:00Z", expires),
            ProfileState::Active,
        )])
    };
    let blocked = expiring("2026-07-13T14:14:59Z").blocked_by(Code::ProfileExpiresSoon);
    assert_eq!(blocked.expected.as_deref(), Some("valid for at least 7d"));
    let found = "2026-07-13T14:14:59Z (in 6d 23h)";
    assert_eq!(blocked.found.as_deref(), Some(found));
    let warned =
        expiring("2026-07-13T14:15:00Z").cleared_with(Code::ProfileExpiresSoon, Severity::Warn);
    let expected = "valid for at least 30d without a warning";
    assert_eq!(warned.expected.as_deref(), Some(expected));
    expiring("2026-08-05T14:14:59Z").cleared_with(Code::ProfileExpiresSoon, Severity::Warn);
    assert_eq!(expiring("2026-08-05T14:15:00Z").judge().findings, []);
}

#[test]
fn a_retiring_profile_may_expire() {
    let scene = Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (
            rocket()
                .named("An Old One")
                .valid("2025-01-01T10:00:00Z", "2026-01-02T00:00:00Z"),
            ProfileState::Retiring,
        ),
    ]);
    scene.cleared_with(Code::ProfileExpired, Severity::Info);
}

/// An active profile and its successor, of which this is true.
fn with_incoming(expires: &str) -> Scene {
    let mut next = rocket()
        .named("Rocket 2027")
        .valid("2026-06-01T10:00:00Z", expires);
    next.uuid = "11111111-2222-4333-8444-555555555555".to_owned();
    Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (next, ProfileState::Incoming),
    ])
}

#[test]
fn a_machine_that_lacks_an_incoming_profile_can_still_build() {
    let mut scene = with_incoming("2047-01-01T00:00:00Z");
    scene.installed().files.pop();
    let finding = scene.cleared_with(Code::ProfileMissing, Severity::Warn);
    assert!(
        finding.message.contains("Rocket 2027"),
        "{}",
        finding.message
    );
}

#[test]
fn an_incoming_profile_that_ends_soon_warns() {
    let scene = with_incoming("2026-07-08T00:00:00Z");
    scene.cleared_with(Code::ProfileExpiresSoon, Severity::Warn);
}

#[test]
fn profile_in_wipeable_tree_warns() {
    let mut scene = Scene::new();
    scene.installed().directories[0].ephemeral = Some("/tmp: cleaned at every start".to_owned());
    scene.cleared_with(Code::ProfileInWipeableTree, Severity::Warn);
}

/// A scene whose policy says `read_only`, and in which the user who signs may change this.
fn accessible(read_only: &str, access: Option<DirectoryAccess>) -> Scene {
    let mut scene = Scene::new();
    scene.policy.push_str(&format!("read_only = {read_only}\n"));
    scene.installed().directories[0].access = access;
    scene
}

fn changes(rights: &[ChangeRight]) -> DirectoryAccess {
    let changes = rights.iter().enumerate().map(|(index, right)| Change {
        path: format!("/profiles/{index}").into(),
        right: right.clone(),
    });
    DirectoryAccess {
        changes: changes.collect(),
        ..DirectoryAccess::default()
    }
}

#[test]
fn profile_directory_writable_blocks_where_the_policy_says_read_only() {
    let rights = [
        ChangeRight::Owner,
        ChangeRight::Write,
        ChangeRight::Create,
        ChangeRight::Unknown("it is hidden".to_owned()),
    ];
    for read_only in ["true", "\"strict\""] {
        // Nobody looked, or any right at all.
        accessible(read_only, None).blocked_by(Code::ProfileDirectoryWritable);
        for right in &rights {
            let access = changes(std::slice::from_ref(right));
            let finding =
                accessible(read_only, Some(access)).blocked_by(Code::ProfileDirectoryWritable);
            let found = finding.found.unwrap();
            let told = match right {
                ChangeRight::Owner => "it belongs to this user",
                ChangeRight::Write => "this user may write to it",
                ChangeRight::Create => "it does not exist, and this user may create it",
                ChangeRight::Unknown(_) => "unknown: it is hidden",
            };
            assert_eq!(found, format!("/profiles/0: {told}"));
            assert_eq!(finding.place.file.as_deref(), Some("/profiles"));
            assert!(!finding.hint.unwrap().contains("chmod"));
        }
        let untouchable = accessible(read_only, Some(DirectoryAccess::default()));
        assert_eq!(untouchable.judge().findings, []);
    }
    // Many are one finding.
    let finding =
        accessible("true", Some(changes(&rights))).blocked_by(Code::ProfileDirectoryWritable);
    let found = finding.found.unwrap();
    assert!(found.ends_with("; and 1 more"), "{found}");
    // Without the rule nobody minds.
    let all = accessible("false", Some(changes(&rights)));
    assert_eq!(all.judge().findings, []);
}

#[test]
fn a_directory_on_the_way_that_may_be_renamed_warns_and_blocks_where_the_policy_is_strict() {
    let access = DirectoryAccess {
        replaceable: BTreeSet::from(["/home/ci".into()]),
        ..DirectoryAccess::default()
    };
    let code = Code::ProfileDirectoryWritable;
    let warned = accessible("true", Some(access.clone())).cleared_with(code, Severity::Warn);
    let blocked = accessible("\"strict\"", Some(access.clone())).blocked_by(code);
    for finding in [warned, blocked] {
        assert_eq!(finding.found.as_deref(), Some("/home/ci"));
    }
    assert_eq!(accessible("false", Some(access)).judge().findings, []);
}

#[test]
fn root_may_change_everything_and_is_told_once() {
    let access = DirectoryAccess {
        is_root: true,
        ..DirectoryAccess::default()
    };
    let mut scene = accessible("true", Some(access));
    let second = scene.installed().directories[0].clone();
    scene.installed().directories.push(second);
    let finding = scene.blocked_by(Code::ProfileDirectoryWritable);
    assert_eq!(finding.found.as_deref(), Some("root"));
    assert_eq!(scene.judge().findings.len(), 1);
}

#[test]
fn profile_anchor_not_apple_warns_of_the_policy_that_names_it() {
    let mut scene = Scene::new();
    scene.policy.push_str("trust_anchors = [\"anchors.pem\"]\n");
    let finding = scene.cleared_with(Code::ProfileAnchorNotApple, Severity::Warn);
    assert_eq!(finding.place.file.as_deref(), Some("signing.toml"));
    assert_eq!(finding.place.line, Some(9));
}
