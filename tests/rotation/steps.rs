//! The steps, from the first warning to the last old profile.

use countersign::base::finding::{Code, Severity};
use countersign::context::manifest::ProfileState;
use countersign::ops::rotate::document::StepDocument;
use countersign::ops::rotate::{self, PlanRequest, PromoteRequest, RetireRequest, RollbackRequest};
use jiff::SignedDuration;
use support::blocking;

use crate::site::{IDS, LATER, NOW, Site, done, old, specifiers, successor};

fn state(site: &Site, uuid: &str) -> Option<ProfileState> {
    let uuid = uuid.parse().unwrap();
    let manifest = site.manifest();
    manifest.profile(&uuid).map(|(_, profile)| profile.state)
}

#[test]
fn a_rotation_goes_through_its_states_and_the_gate_passes_in_each() {
    let site = Site::new();
    let start = site.picture();
    let passes = |site: &Site| {
        let manifest = site.manifest();
        assert_eq!(site.gate(&manifest, specifiers(&manifest)), []);
    };
    passes(&site);
    let planned = rotate::plan(
        &PlanRequest {
            successors: vec![site.path("successors")],
            due: None,
            ..PlanRequest::default()
        },
        &site.world(NOW),
    )
    .unwrap();
    assert_eq!(planned.rotations.len(), 1, "one certificate, one rotation");
    assert_eq!(planned.rotations[0].state, "at hand");
    assert_eq!(planned.rotations[0].profiles.len(), IDS.len());
    assert_eq!(planned.order.len(), 1, "one product");
    let order: Vec<String> = planned.order[0]
        .profiles
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        order.last(),
        Some(&old(IDS[0]).uuid),
        "what holds the others comes last"
    );

    let staged = done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    assert_eq!(staged.revisions[0].revision, 2);
    assert_eq!(staged.revisions[0].digest, site.manifest().digest());
    for id in IDS {
        assert_eq!(state(&site, &old(id).uuid), Some(ProfileState::Active));
        assert_eq!(
            state(&site, &successor(id).uuid),
            Some(ProfileState::Incoming)
        );
    }
    passes(&site);

    let promoted = done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    assert_eq!(promoted.revisions.len(), 1, "one product, one revision");
    assert_eq!(promoted.revisions[0].product.as_deref(), Some(IDS[0]));
    assert!(Site::sides(&site.manifest()).iter().all(|is_new| *is_new));
    passes(&site);
    // What still names the old profiles is told, with file and line.
    for id in IDS {
        let place = promoted
            .old_names
            .iter()
            .find(|place| place.name == old(id).uuid);
        let place = place.unwrap_or_else(|| panic!("{:#?}", promoted.old_names));
        assert!(place.file.ends_with("project.pbxproj"), "{}", place.file);
        assert_eq!(place.instead, successor(id).uuid);
    }

    done(
        rotate::rollback(
            &RollbackRequest {
                to: Some(1),
                dry_run: false,
            },
            &site.world(NOW),
        )
        .unwrap(),
    );
    assert_eq!(site.picture(), start, "byte for byte, but for the revision");
    assert_eq!(site.manifest().revision(), 4, "revisions only rise");
    passes(&site);

    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    let early = rotate::retire(&RetireRequest::default(), &site.world(NOW)).unwrap();
    assert_eq!(blocking(&early.findings), ["rotation-grace"]);
    done(rotate::retire(&RetireRequest::default(), &site.world(LATER)).unwrap());
    for id in IDS {
        assert_eq!(state(&site, &old(id).uuid), None);
        assert_eq!(
            state(&site, &successor(id).uuid),
            Some(ProfileState::Active)
        );
        assert!(
            !site
                .path(format!("profiles/{}", old(id).file_name()))
                .exists()
        );
    }
    passes(&site);
    let status = rotate::status(&site.world(LATER)).unwrap();
    assert_eq!(status.next_step, "nothing");
    let steps: Vec<&str> = status.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(
        steps,
        ["stage", "promote", "rollback", "stage", "promote", "retire"]
    );
}

#[test]
fn an_old_branch_passes_beside_the_successors_that_another_branch_needs() {
    let site = Site::new();
    let branch = site.manifest();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    assert_eq!(site.gate(&branch, |id| old(id).uuid), []);
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    assert_eq!(site.gate(&branch, |id| old(id).uuid), []);
    done(rotate::retire(&RetireRequest::default(), &site.world(LATER)).unwrap());
    let blocked = site.gate(&branch, |id| old(id).uuid);
    assert_eq!(blocking(&blocked), ["profile-missing"]);
}

#[test]
fn a_rotation_that_must_begin_blocks_where_somebody_asks() {
    let site = Site::new();
    let due = |now: &str, successors| {
        let request = PlanRequest {
            successors,
            due: Some(SignedDuration::from_hours(24 * 30)),
            ..PlanRequest::default()
        };
        let planned = rotate::plan(&request, &site.world(now)).unwrap();
        blocking(&planned.findings)
            .into_iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(due(NOW, Vec::new()), none);
    // The certificate ends with the year 2045; seven days before that the gate blocks, and seven days before that is the lead.
    assert_eq!(
        due("2045-12-01T00:00:00Z", Vec::new()),
        ["successor-missing"]
    );
    let at_hand = vec![site.path("successors")];
    assert_eq!(due("2045-12-01T00:00:00Z", at_hand), ["rotation-due"]);
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    assert_eq!(
        due("2045-12-01T00:00:00Z", Vec::new()),
        none,
        "it has begun"
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let site = Site::new();
    let before = site.picture();
    let mut request = site.stage();
    request.dry_run = true;
    let shown = done(rotate::stage(&request, &site.world(NOW)).unwrap());
    assert_eq!(shown.revisions.len(), 1);
    assert_eq!(site.picture(), before);
    assert!(!site.path("state").exists());
}

#[test]
fn staging_the_same_successors_again_changes_nothing_but_brings_back_what_is_lost() {
    let site = Site::new();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let (picture, revision) = (site.picture(), site.manifest().revision());
    let again = done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    assert!(again.revisions.is_empty());
    let told = again
        .findings
        .iter()
        .find(|it| it.code == Code::RotationUnfinished);
    assert_eq!(told.map(|it| it.severity), Some(Severity::Info));
    assert_eq!(
        (site.picture(), site.manifest().revision()),
        (picture.clone(), revision)
    );
    let lost = site.path(format!("profiles/{}", successor(IDS[1]).file_name()));
    std::fs::remove_file(lost).unwrap();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    assert_eq!(site.picture(), picture);
}

#[test]
fn one_rotation_at_a_time() {
    let site = Site::new();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let again = successor(IDS[0]).named("another one");
    site.write("another.mobileprovision", again.mint());
    let mut request = site.stage();
    request.successors = vec![site.path("another.mobileprovision")];
    let blocked = rotate::stage(&request, &site.world(NOW)).unwrap();
    assert_eq!(blocking(&blocked.findings), ["rotation-unfinished"]);
}

#[test]
fn what_is_not_there_is_not_promoted_or_retired() {
    let site = Site::new();
    let promoted = rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap();
    assert_eq!(blocking(&promoted.findings), ["rotation-unfinished"]);
    let retired = rotate::retire(&RetireRequest::default(), &site.world(NOW)).unwrap();
    assert_eq!(blocking(&retired.findings), ["rotation-unfinished"]);
    let error = rotate::rollback(&RollbackRequest::default(), &site.world(NOW)).unwrap_err();
    assert!(error.to_string().contains("no step"), "{error}");
}

#[test]
fn a_successor_that_is_gone_from_this_machine_comes_back_with_the_promotion() {
    let site = Site::new();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let lost = site.path(format!("profiles/{}", successor(IDS[1]).file_name()));
    std::fs::remove_file(&lost).unwrap();
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    assert_eq!(std::fs::read(lost).unwrap(), successor(IDS[1]).mint());
}

#[test]
fn a_machine_that_never_had_a_successor_must_install_it_first() {
    let site = Site::new();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    std::fs::remove_file(site.path(format!("profiles/{}", successor(IDS[1]).file_name()))).unwrap();
    // The repository is the same, the machine is another.
    std::fs::remove_dir_all(site.path("state")).unwrap();
    let blocked = rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap();
    assert_eq!(blocking(&blocked.findings), ["profile-missing"]);
}

#[test]
fn a_rollback_overwrites_nothing_that_somebody_else_changed() {
    let site = Site::promoted();
    let file = format!("profiles/{}", successor(IDS[1]).file_name());
    site.write(&file, "something else");
    let request = RollbackRequest {
        to: Some(1),
        dry_run: false,
    };
    let blocked = rotate::rollback(&request, &site.world(NOW)).unwrap();
    assert_eq!(blocking(&blocked.findings), ["rotation-file-changed"]);
    let finding = blocked
        .findings
        .iter()
        .find(|finding| finding.code == Code::RotationFileChanged)
        .unwrap();
    assert!(
        finding.expected.is_some() && finding.found.is_some(),
        "both sides are named"
    );
    assert_eq!(std::fs::read(site.path(file)).unwrap(), b"something else");
}

#[test]
fn hosts_that_hold_keys_show_that_they_hold_the_new_profiles_before_the_old_ones_go() {
    let site = Site::promoted();
    let policy = std::fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    let hosts =
        "[topology]\nkind = \"dedicated-signer\"\nkey_hosts = [\"signer-02.acme.example\"]\n";
    site.write(
        "manifests/signing.toml",
        policy.replace("[profiles]", &format!("{hosts}[profiles]")),
    );
    let unseen = rotate::retire(&RetireRequest::default(), &site.world(LATER)).unwrap();
    assert_eq!(blocking(&unseen.findings), ["node-lacks-successor"]);
    let probe = |profiles: &[String], time: &str| {
        let probe = serde_json::json!({
            "schema": "countersign.node-probe.v1",
            "host": "signer-02.acme.example",
            "time": time,
            "directories": ["/profiles"],
            "profiles": profiles,
        });
        site.write("probe.json", probe.to_string());
        let request = RetireRequest {
            probes: vec![site.path("probe.json")],
            dry_run: true,
            ..RetireRequest::default()
        };
        let document = rotate::retire(&request, &site.world(LATER)).unwrap();
        let codes = blocking(&document.findings);
        codes
            .into_iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let held: Vec<String> = IDS
        .iter()
        .map(|id| countersign::base::ids::FileSha256::of(&successor(id).mint()).to_string())
        .collect();
    assert_eq!(
        probe(&held[1..], LATER),
        ["node-lacks-successor"],
        "it lacks one"
    );
    assert_eq!(
        probe(&held, "2026-07-15T14:15:00Z"),
        ["node-lacks-successor"],
        "its clock is ahead"
    );
    let none: Vec<String> = Vec::new();
    assert_eq!(probe(&held, LATER), none);
    site.write(
        "probe.json",
        r#"{"schema": "countersign.node-probe.v9", "more": 1}"#,
    );
    let request = RetireRequest {
        probes: vec![site.path("probe.json")],
        ..RetireRequest::default()
    };
    let error = rotate::retire(&request, &site.world(LATER))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("node-probe.v9") && error.contains("node-probe.v1"),
        "{error}"
    );
}

#[test]
fn two_rollbacks_undo_two_steps() {
    let site = Site::new();
    let start = site.picture();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let staged = site.picture();
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    let promoted = site.picture();
    let back = || rotate::rollback(&RollbackRequest::default(), &site.world(NOW));
    done(back().unwrap());
    assert_eq!(site.picture(), staged);
    done(back().unwrap());
    assert_eq!(site.picture(), start);
    let error = back().unwrap_err().to_string();
    assert!(error.contains("no step"), "{error}");
    // What was rolled back can be had again by its revision, and undone again.
    let again = RollbackRequest {
        to: Some(3),
        dry_run: false,
    };
    done(rotate::rollback(&again, &site.world(NOW)).unwrap());
    assert_eq!(site.picture(), promoted);
    done(back().unwrap());
    assert_eq!(site.picture(), staged);
}

#[test]
fn what_somebody_froze_between_two_steps_is_not_lost_by_a_rollback() {
    let site = Site::new();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let mut content = site.manifest().content().clone();
    content.revision += 1;
    site.write("manifests/profiles.json", content.to_bytes());
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    let to = |to| {
        let request = RollbackRequest { to, dry_run: false };
        rotate::rollback(&request, &site.world(NOW)).unwrap()
    };
    assert_eq!(blocking(&to(Some(1)).findings), ["rotation-file-changed"]);
    done(to(None));
}

#[test]
fn a_rotation_is_found_through_a_link_to_its_checkout_and_its_manifest() {
    let site = Site::new();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let checkout = tempfile::tempdir().unwrap();
    let link = checkout.path().join("checkout");
    std::os::unix::fs::symlink(site.path(""), &link).unwrap();
    let linked = Site::at(link);
    let status = rotate::status(&linked.world(NOW)).unwrap();
    assert_eq!(status.steps.len(), 1);
    // The manifest itself is a link.
    std::fs::rename(
        site.path("manifests/profiles.json"),
        site.path("manifests/pinned.json"),
    )
    .unwrap();
    std::os::unix::fs::symlink("pinned.json", site.path("manifests/profiles.json")).unwrap();
    done(rotate::promote(&PromoteRequest::default(), &linked.world(NOW)).unwrap());
    assert!(site.path("manifests/profiles.json").is_symlink());
    assert!(Site::sides(&site.manifest()).iter().all(|is_new| *is_new));
}

#[test]
fn a_step_that_cannot_be_carried_out_is_taken_back() {
    let site = Site::new();
    let start = site.picture();
    // The last of the files that are installed has the name of a link, which nothing writes through.
    let name = IDS
        .iter()
        .map(|id| successor(id).file_name())
        .max()
        .unwrap();
    let link = site.path(format!("profiles/{name}"));
    std::os::unix::fs::symlink("/nowhere/at/all", &link).unwrap();
    let error = rotate::stage(&site.stage(), &site.world(NOW)).unwrap_err();
    assert!(error.to_string().contains("link"), "{error}");
    std::fs::remove_file(&link).unwrap();
    assert_eq!(site.picture(), start);
    let status = rotate::status(&site.world(NOW)).unwrap();
    assert_eq!((status.next_step, status.steps.len()), ("nothing", 0));
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
}

#[test]
fn the_grace_counts_from_the_promotion_of_what_retires_and_from_no_other() {
    let site = Site::promoted();
    // Another machine promotes: this one has rolled back, and pulls what that one committed.
    let promoted = std::fs::read(site.path("manifests/profiles.json")).unwrap();
    done(rotate::rollback(&RollbackRequest::default(), &site.world(NOW)).unwrap());
    site.write("manifests/profiles.json", promoted);
    let retire = |promoted: Option<&str>| {
        let request = RetireRequest {
            promoted: promoted.map(|instant| instant.parse().unwrap()),
            dry_run: true,
            ..RetireRequest::default()
        };
        let document = rotate::retire(&request, &site.world(LATER)).unwrap();
        let codes = blocking(&document.findings);
        codes
            .into_iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(retire(None), ["rotation-grace"]);
    assert_eq!(retire(Some(LATER)), ["rotation-grace"]);
    assert_eq!(retire(Some(NOW)), Vec::<String>::new());
}

#[test]
fn a_clock_behind_the_last_step_blocks_the_next_one() {
    let site = Site::new();
    done(rotate::stage(&site.stage(), &site.world(LATER)).unwrap());
    let blocked = rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap();
    assert_eq!(blocking(&blocked.findings), ["clock-behind-record"]);
    done(rotate::promote(&PromoteRequest::default(), &site.world(LATER)).unwrap());
}

#[test]
fn junk_in_a_directory_of_profiles_stops_nothing() {
    let site = Site::new();
    std::fs::create_dir(site.path("profiles/folder.mobileprovision")).unwrap();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    done(rotate::retire(&RetireRequest::default(), &site.world(LATER)).unwrap());
}

#[test]
fn every_step_tells_where_the_repository_names_what_it_changed() {
    let site = Site::new();
    let gate = ".github/workflows/gate.yml";
    std::fs::create_dir_all(site.path(".github/workflows")).unwrap();
    let policy = site.path("manifests/signing.toml");
    let policy_text = std::fs::read_to_string(&policy).unwrap();
    let uuid = old(IDS[0]).uuid;
    std::fs::write(&policy, format!("{policy_text}# signed with {uuid}\n")).unwrap();
    let begins_with = site.manifest().digest().to_string();
    site.write(gate, format!("run: gate --expect-manifest {begins_with}\n"));
    let told = |document: &StepDocument, file: &str| -> Vec<(String, String)> {
        let places = document.old_names.iter().filter(|it| it.file == file);
        places
            .map(|it| (it.name.clone(), it.instead.clone()))
            .collect()
    };
    let hex = begins_with.trim_start_matches("sha256:").to_owned();
    let digest = || vec![(hex.clone(), site.manifest().digest().to_string())];
    let staged = done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    assert_eq!(told(&staged, gate), digest());
    // Nobody has changed it, and it is two manifests back now.
    let promoted = done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    assert_eq!(told(&promoted, gate), digest());
    let policy_file = "manifests/signing.toml";
    let new = successor(IDS[0]).uuid;
    assert_eq!(told(&promoted, policy_file), [(uuid.clone(), new.clone())]);
    let is_ours = |it: &countersign::ops::rotate::document::OldName| it.file.starts_with("state");
    assert!(
        !promoted.old_names.iter().any(is_ours),
        "what we remember ourselves is not told"
    );
    // Somebody changes the policy, and the promotion is rolled back.
    std::fs::write(&policy, format!("{policy_text}# signed with {new}\n")).unwrap();
    let back = done(rotate::rollback(&RollbackRequest::default(), &site.world(NOW)).unwrap());
    assert_eq!(told(&back, gate), digest());
    assert_eq!(told(&back, policy_file), [(new, uuid)]);
}
