//! A rehearsal: the real gate at the instants to come, a small account of the build beside it, and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use countersign::base::error::ErrorCode;
use countersign::base::finding::{Code, Finding, Severity};
use countersign::base::ids::CertSha1;
use countersign::cli::rotate::rehearsal::html;
use countersign::context::manifest::{Manifest, PinnedProfile, ProfileState};
use countersign::context::rotation::probe::{NodeProbe, SCHEMA};
use countersign::context::rotation::rehearsal::{
    EventKind, FailCause, FaultKind, Outcome, RehearsedFault, Rollback,
};
use countersign::context::rotation::{revision, succession};
use countersign::ops::error::Failure;
use countersign::ops::rotate::{self, RehearsalDocument, RehearseRequest};
use forge::profile::{Kind, ProfileSpec};
use support::{blocking, proven};

use crate::site::{IDS, Killer, NOW, Site, done, old, renewed, successor, with_a_new_certificate};

fn request(site: &Site) -> RehearseRequest {
    RehearseRequest {
        successors: vec![site.path("successors")],
        ..RehearseRequest::default()
    }
}

fn rehearsed(request: &RehearseRequest, site: &Site) -> RehearsalDocument {
    rotate::rehearse(request, &site.world(NOW)).unwrap()
}

/// What it says of the rotation: that Acme's root is not Apple's is known.
fn told(document: &RehearsalDocument) -> Vec<Finding> {
    let findings = document.findings.iter();
    findings
        .filter(|it| it.code != Code::ProfileAnchorNotApple)
        .cloned()
        .collect()
}

#[track_caller]
fn fault(document: &RehearsalDocument, kind: FaultKind) -> &RehearsedFault {
    let mut faults = document.faults.iter();
    faults.find(|fault| fault.fault == kind).unwrap()
}

/// The outcomes at each instant of a branch.
fn outcomes(document: &RehearsalDocument, branch: &str) -> Vec<Vec<Outcome>> {
    let builds = document.builds.iter().filter(|it| it.branch == branch);
    builds
        .map(|it| it.groups.iter().map(|group| group.outcome).collect())
        .collect()
}

/// The key of the certificate that signs today.
fn key(manifest: &Manifest) -> CertSha1 {
    manifest.profiles()[0].certificates[0].sha1
}

/// A machine that holds what is installed here, and this key.
fn probe(site: &Site, host: &str, change: impl FnOnce(&mut NodeProbe)) -> PathBuf {
    let manifest = site.manifest();
    let mut probe = NodeProbe {
        schema: SCHEMA.to_owned(),
        host: host.parse().unwrap(),
        time: NOW.parse().unwrap(),
        directories: vec!["/profiles".to_owned()],
        profiles: manifest.profiles().iter().map(|it| it.sha256).collect(),
        identities: Some(vec![key(&manifest)]),
        intermediates: None,
    };
    change(&mut probe);
    let name = format!("{host}.json");
    site.write(&name, serde_json::to_vec(&probe).unwrap());
    site.path(name)
}

fn all_files(directory: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all_files(&path, found),
            false => {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
}

#[test]
fn builds_pass_through_the_whole_rotation_and_are_blocked_when_its_last_profile_ends() {
    let site = Site::new();
    let other = probe(&site, "signer-02", |_| {});
    let document = rehearsed(
        &RehearseRequest {
            probes: vec![other],
            ..request(&site)
        },
        &site,
    );
    assert_eq!(told(&document), []);
    let steps: Vec<_> = document.steps.iter().map(|it| it.title()).collect();
    assert_eq!(steps, ["stage", "promote com.acme.rocket", "retire"]);
    for step in &document.steps {
        assert_eq!(step.rollback, Rollback::Restores, "{}", step.title());
    }
    let events: Vec<String> = document.calendar.iter().map(|it| it.title()).collect();
    assert_eq!(events[0], "now");
    assert!(events[1].contains("begin by, stage"), "{events:?}");
    // The old profiles end, and nobody needs them any more.
    let outcomes = outcomes(&document, "this checkout");
    let passing = outcomes.iter().take_while(|it| **it == [Outcome::Passes]);
    assert_eq!(passing.count(), 6, "{events:#?}");
    // The policy's margin comes before the end.
    assert_eq!(outcomes[6], [Outcome::BlockedThoughItWouldBuild]);
    assert!(
        outcomes[7..]
            .iter()
            .all(|it| *it == [Outcome::BlockedRightly])
    );
    assert_eq!(document.nodes.len(), 2);
    assert!(document.nodes[0].own && !document.nodes[0].identities_known);
    assert!(!document.nodes[1].own && document.nodes[1].identities_known);
    assert_eq!(document.nodes[1].installs, IDS.len());
    let not_judged = document.not_judged.join("\n");
    assert!(
        not_judged.contains("the identities of 1 machine"),
        "{not_judged}"
    );
}

#[test]
fn the_page_of_a_rehearsal_has_every_step_and_machine_and_what_was_found() {
    let site = with_a_new_certificate();
    fs::copy(site.path("manifests/profiles.json"), site.path("4.2.json")).unwrap();
    let document = rehearsed(
        &RehearseRequest {
            probes: vec![
                probe(&site, "signer-02", |_| {}),
                probe(&site, "signer-03", |_| {}),
            ],
            manifests: vec![("4.2".to_owned(), site.path("4.2.json"))],
            ..request(&site)
        },
        &site,
    );
    let page = html::page(&document).unwrap();
    assert_eq!(document.steps.len(), 3);
    for step in &document.steps {
        let product = step.product.as_deref().unwrap_or_default();
        let row = format!("<td>{}</td><td>{product}</td>", step.step.as_str());
        assert!(page.contains(&row), "{row}");
    }
    // Here the same is said of all of them; on the branch, the other two lack its key when it is gone.
    let own = document.nodes[0].host.as_str();
    assert!(page.contains(&format!("<dd>{own}, signer-02, signer-03</dd>")));
    assert!(page.contains("<dd>signer-02, signer-03</dd>"), "{page}");
    assert!(page.contains("<h3>this checkout</h3>") && page.contains("<h3>4.2</h3>"));
    for finding in &document.findings {
        assert!(
            page.contains(&format!("<b>{}", finding.code)),
            "{finding:#?}"
        );
    }
    let finding = &told(&document)[0];
    assert_eq!(finding.code, Code::RotationBreaksBranch);
    assert!(page.contains(&finding.message), "{page}");
    // Why its builds are blocked stands on the bar.
    assert!(page.contains("Xcode could choose another profile</title>"));
}

#[test]
fn the_same_values_give_the_same_rehearsal_and_nothing_on_the_disk_changes() {
    let site = with_a_new_certificate();
    let mut before = BTreeMap::new();
    all_files(&site.path(""), &mut before);
    let text = || serde_json::to_string(&rehearsed(&request(&site), &site)).unwrap();
    assert_eq!(text(), text());
    let mut after = BTreeMap::new();
    all_files(&site.path(""), &mut after);
    assert!(before == after, "files changed");
}

#[test]
fn a_renewed_certificate_is_one_rotation_that_passes_on_every_machine() {
    let site = with_a_new_certificate();
    let other = probe(&site, "signer-02", |_| {});
    let document = rehearsed(
        &RehearseRequest {
            probes: vec![other],
            ..request(&site)
        },
        &site,
    );
    assert_eq!(told(&document), []);
    assert_eq!(document.nodes[1].imports.len(), 1, "{:#?}", document.nodes);
    let outcomes = outcomes(&document, "this checkout");
    assert!(outcomes[..6].iter().all(|it| *it == [Outcome::Passes]));
    // The new certificate is revoked: no build is left, the gate blocks each, and the old profiles sign again.
    let revoked = fault(&document, FaultKind::CertificateRevoked);
    assert!(revoked.builds > 0);
    assert_eq!(revoked.blocked_rightly, revoked.builds, "{revoked:#?}");
    assert_eq!(revoked.causes, [FailCause::IdentityAbsent]);
    assert_eq!(revoked.blocked_by, [Code::IdentityMissing]);
    assert_eq!(revoked.rollback, Rollback::Restores);
    // Half of the product: the app has one certificate, its extensions another.
    let half = fault(&document, FaultKind::HalfOfAProduct);
    assert_eq!(half.pass_though_they_would_fail, half.builds, "{half:#?}");
    assert_eq!(half.causes, [FailCause::CertificatesDiffer]);
    assert!(half.prevented_by.is_some());
    assert_eq!(half.rollback, Rollback::Restores);
}

#[test]
fn where_old_and_new_are_signed_with_one_certificate_there_is_no_way_back_from_its_revocation() {
    let site = Site::new();
    let document = rehearsed(&request(&site), &site);
    let revoked = fault(&document, FaultKind::CertificateRevoked);
    assert_eq!(revoked.blocked_rightly, revoked.builds);
    assert_eq!(revoked.rollback, Rollback::DoesNotApply);
    // Half of a product builds: all of it has one certificate.
    let half = fault(&document, FaultKind::HalfOfAProduct);
    assert!(half.builds >= IDS.len() - 1);
    assert_eq!(half.pass, half.builds, "{half:#?}");
}

#[test]
fn the_gate_blocks_a_machine_that_was_forgotten_and_a_rollback_lets_it_build() {
    let site = Site::new();
    let other = probe(&site, "signer-02", |_| {});
    for probes in [vec![], vec![other]] {
        let document = rehearsed(
            &RehearseRequest {
                probes,
                ..request(&site)
            },
            &site,
        );
        let forgotten = fault(&document, FaultKind::NodeWithoutSuccessors);
        // It builds while the successors are only incoming; then it needs them.
        assert_eq!(forgotten.builds, 3);
        assert_eq!(
            (forgotten.pass, forgotten.blocked_rightly),
            (1, 2),
            "{forgotten:#?}"
        );
        assert_eq!(forgotten.causes, [FailCause::ProfileAbsent]);
        // When nobody pins the old profile any more, Xcode could still choose it there.
        assert_eq!(
            forgotten.blocked_by,
            [Code::ProfileMissing, Code::ProfileShadowed]
        );
        assert_eq!(forgotten.rollback, Rollback::Restores);
    }
}

#[test]
fn a_clock_that_is_behind_is_blocked_by_the_record_of_the_true_time() {
    let site = Site::new();
    let document = rehearsed(&request(&site), &site);
    let skewed = fault(&document, FaultKind::SkewedClock);
    assert_eq!(skewed.builds, 2 * document.calendar.len());
    assert_eq!(skewed.pass_though_they_would_fail, 0, "{skewed:#?}");
    assert!(skewed.blocked_by.contains(&Code::ClockBehindRecord));
    assert!(skewed.causes.contains(&FailCause::ProfileExpired));
}

#[test]
fn an_old_branch_that_chooses_by_uuid_builds_until_the_old_profiles_go() {
    let site = Site::new();
    fs::copy(site.path("manifests/profiles.json"), site.path("4.2.json")).unwrap();
    let with_branch = RehearseRequest {
        manifests: vec![("4.2".to_owned(), site.path("4.2.json"))],
        ..request(&site)
    };
    let broken = |document: &RehearsalDocument, step: &str| {
        let found = told(document);
        assert_eq!(found.len(), 1, "{found:#?}");
        let finding = &found[0];
        assert_eq!(finding.code, Code::RotationBreaksBranch);
        assert_eq!(finding.severity, Severity::Warn);
        assert!(
            finding.message.ends_with(&format!("the step {step} on")),
            "{finding:#?}"
        );
    };
    // Nobody says how its targets choose, so Xcode could choose the successor.
    let document = rehearsed(&with_branch, &site);
    broken(&document, "stage");
    let branch = outcomes(&document, "4.2");
    assert_eq!(branch[0], [Outcome::Passes]);
    assert!(
        branch[1..]
            .iter()
            .all(|it| *it == [Outcome::BlockedRightly])
    );
    let other = fault(&document, FaultKind::OldBranch);
    assert_eq!(other.blocked_rightly, 3);
    assert_eq!(
        other.causes,
        [FailCause::ProfileAbsent, FailCause::OtherProfile]
    );
    assert_eq!(other.rollback, Rollback::Restores);

    let with_project = RehearseRequest {
        projects: vec![site.path("Acme.xcodeproj")],
        ..with_branch
    };
    let document = rehearsed(&with_project, &site);
    broken(&document, "retire");
    let branch = outcomes(&document, "4.2");
    assert!(
        branch[..3].iter().all(|it| *it == [Outcome::Passes]),
        "{branch:?}"
    );
    assert_eq!(branch[3], [Outcome::BlockedRightly]);
    let other = fault(&document, FaultKind::OldBranch);
    assert_eq!((other.pass, other.blocked_rightly), (2, 1), "{other:#?}");
}

#[test]
fn a_crash_between_any_two_files_leaves_no_build_that_passes_and_fails() {
    let site = Site::new();
    for projects in [vec![], vec![site.path("Acme.xcodeproj")]] {
        let document = rehearsed(
            &RehearseRequest {
                projects,
                ..request(&site)
            },
            &site,
        );
        let crash = fault(&document, FaultKind::CrashBetweenFiles);
        // Between the files of stage, of promote and of retire, and of their rollbacks.
        assert!(crash.builds >= 20, "{crash:#?}");
        assert_eq!(crash.pass_though_they_would_fail, 0, "{crash:#?}");
        assert_eq!(crash.rollback, Rollback::Restores);
    }
}

#[test]
fn without_successors_every_build_that_fails_is_blocked() {
    let site = Site::new();
    let document = rehearsed(&request(&site), &site);
    let none = fault(&document, FaultKind::NoSuccessors);
    assert_eq!(none.builds, document.calendar.len());
    assert!(none.blocked_rightly >= 4, "{none:#?}");
    assert_eq!(none.pass_though_they_would_fail, 0);
    assert_eq!(none.causes, [FailCause::ProfileExpired]);
    assert_eq!(none.rollback, Rollback::DoesNotApply);
}

#[test]
fn a_product_of_which_only_a_part_was_promoted_passes_the_gate_and_fails() {
    let site = with_a_new_certificate();
    // Somebody promoted the app by hand, and forgot what it holds.
    let start = site.manifest();
    let new: Vec<PinnedProfile> = IDS
        .iter()
        .map(|id| PinnedProfile::of(&proven(&renewed(id)), ProfileState::Incoming))
        .collect();
    let pairs = succession::find(&start, &new, NOW.parse().unwrap()).pairs;
    assert_eq!(pairs.len(), IDS.len());
    let staged = revision::staged(start.content(), &new);
    let half = |some: &[&str]| {
        let some = pairs
            .iter()
            .filter(|it| some.contains(&it.new.bundle_id.as_str()));
        let promoted = revision::promoted(&staged, some, NOW.parse().unwrap());
        site.write("half.json", promoted.to_bytes());
        rehearsed(
            &RehearseRequest {
                manifests: vec![("half".to_owned(), site.path("half.json"))],
                ..request(&site)
            },
            &site,
        )
    };
    let missed = |document: &RehearsalDocument| -> Vec<String> {
        let findings = document.findings.iter();
        findings
            .filter(|it| it.code == Code::RotationGateMisses)
            .map(|it| it.message.clone())
            .collect()
    };
    let found = missed(&half(&IDS[..1]));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("an extension has another certificate than its app"),
        "{found:?}"
    );
    // All of it is well.
    assert_eq!(missed(&half(&IDS)), Vec::<String>::new());
}

#[test]
fn a_step_after_which_the_gate_blocks_is_found_before_it_is_taken() {
    let site = Site::new();
    // An installed profile has the name that a successor will have; today it is in nobody's way.
    let name = successor(IDS[0]).name;
    let stray = ProfileSpec::ios(Kind::Development, "com.acme.other").named(&name);
    let clean = rehearsed(&request(&site), &site);
    assert_eq!(told(&clean), []);
    site.write(&format!("profiles/{}", stray.file_name()), stray.mint());
    let document = rehearsed(&request(&site), &site);
    let finding = &told(&document)[0];
    assert_eq!(finding.code, Code::RotationStepBlocks, "{finding:#?}");
    assert!(
        finding.message.contains("before the step stage"),
        "{finding:#?}"
    );
    assert_eq!(finding.found.as_deref(), Some("profile-shadowed"));
    assert!(
        blocking(&document.findings)
            .iter()
            .all(|it| *it == "rotation-step-blocks")
    );
}

#[test]
fn a_rollback_that_needs_what_other_machines_removed_is_found() {
    let site = Site::new();
    let other = probe(&site, "signer-02", |_| {});
    let request = RehearseRequest {
        probes: vec![other],
        ..request(&site)
    };
    assert_eq!(told(&rehearsed(&request, &site)), []);
    // The policy gives a target the old profile by hand, so it is needed while it is retiring.
    let policy = fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    let by_hand = format!(
        "[rotation]\ngrace = \"1d\"\n[[targets]]\ntarget = \"Rocket\"\nprofile = \"{}\"\n",
        old(IDS[0]).uuid
    );
    site.write("manifests/signing.toml", policy + &by_hand);
    let document = rehearsed(&request, &site);
    assert_eq!(blocking(&document.findings), ["rotation-not-undone"]);
    let finding = &told(&document)[0];
    assert!(
        finding.message.contains("after the step retire"),
        "{finding:#?}"
    );
    assert!(finding.message.ends_with("signer-02"), "{finding:#?}");
    assert_eq!(finding.found.as_deref(), Some("profile-missing"));
    assert_eq!(document.steps[2].rollback, Rollback::DoesNotRestore);
}

#[test]
fn a_machine_that_lacks_what_signs_today_is_blocked_rightly_from_the_start() {
    let site = Site::new();
    let bare = probe(&site, "signer-02", |probe| probe.profiles.clear());
    let keyless = probe(&site, "signer-03", |probe| probe.identities = Some(vec![]));
    let document = rehearsed(
        &RehearseRequest {
            probes: vec![bare, keyless],
            ..request(&site)
        },
        &site,
    );
    let first = &document.builds[0];
    let mut rightly = BTreeMap::new();
    for group in first
        .groups
        .iter()
        .filter(|it| it.outcome == Outcome::BlockedRightly)
    {
        rightly.insert(group.hosts[0].to_string(), group.fails);
    }
    assert_eq!(
        rightly.into_iter().collect::<Vec<_>>(),
        [
            ("signer-02".to_owned(), Some(FailCause::ProfileAbsent)),
            ("signer-03".to_owned(), Some(FailCause::IdentityAbsent)),
        ]
    );
    // What is missing is to be brought there before.
    assert_eq!(document.nodes[2].imports.len(), 1);
    assert_eq!(told(&document), []);
}

#[test]
fn the_rest_of_a_rotation_is_rehearsed_and_without_one_there_is_nothing_to_rehearse() {
    let site = Site::new();
    let nothing = rehearsed(&RehearseRequest::default(), &site);
    assert_eq!(blocking(&nothing.findings), ["successor-missing"]);
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let staged = rehearsed(&RehearseRequest::default(), &site);
    assert_eq!(told(&staged), []);
    let steps: Vec<_> = staged.steps.iter().map(|it| it.title()).collect();
    assert_eq!(steps, ["promote com.acme.rocket", "retire"]);
    let promoted = Site::promoted();
    let promoted = rehearsed(&RehearseRequest::default(), &promoted);
    assert_eq!(told(&promoted), []);
    let steps: Vec<_> = promoted.steps.iter().map(|it| it.title()).collect();
    assert_eq!(steps, ["retire"]);
}

#[test]
fn the_hour_and_what_may_be_waived_do_not_block_a_rehearsal() {
    let site = Site::new();
    let policy = fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    let strict = policy.replace("waivable = [\"identities\"]", "waivable = []")
        + "[[keychain.allowed]]\ndays = [\"mon\"]\nfrom = \"06:00\"\nto = \"07:00\"\nzone = \"America/New_York\"\n";
    site.write("manifests/signing.toml", strict);
    let document = rehearsed(&request(&site), &site);
    assert_eq!(told(&document), []);
    assert_eq!(outcomes(&document, "this checkout")[0], [Outcome::Passes]);
}

#[test]
fn two_branches_with_one_name_and_the_name_of_this_checkout_are_refused() {
    let site = Site::new();
    let file = site.path("manifests/profiles.json");
    let named = |names: &[&str], branches: &[&str]| {
        let request = RehearseRequest {
            manifests: names
                .iter()
                .map(|name| ((*name).to_owned(), file.clone()))
                .collect(),
            branches: branches.iter().map(ToString::to_string).collect(),
            ..request(&site)
        };
        let error = rotate::rehearse(&request, &site.world(NOW)).unwrap_err();
        let Failure::Error(error) = error else {
            panic!("{error}");
        };
        assert_eq!(error.code(), ErrorCode::Usage, "{error}");
        error.to_string()
    };
    assert!(named(&["this checkout"], &[]).contains("\"this checkout\""));
    for (names, branches) in [
        (&["4.2", "4.2"][..], &[][..]),
        (&[], &["HEAD", "HEAD"]),
        (&["HEAD"], &["HEAD"]),
    ] {
        let message = named(names, branches);
        assert!(message.starts_with("two branches are called"), "{message}");
    }
}

#[test]
fn where_nothing_can_be_rehearsed_the_true_cause_is_told() {
    let site = Site::new();
    for id in IDS {
        let earlier = successor(id).valid("2026-06-01T10:00:00Z", "2026-08-01T00:00:00Z");
        fs::remove_file(site.path(format!("successors/{}", successor(id).file_name()))).unwrap();
        site.write(
            &format!("successors/{}", earlier.file_name()),
            earlier.mint(),
        );
    }
    // What is at hand was refused.
    let refused = rehearsed(&request(&site), &site);
    assert_eq!(blocking(&refused.findings), ["successor-expires-earlier"]);
    // A step was killed before it wrote the manifest.
    let site = Site::new();
    let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        rotate::stage(&site.stage(), &site.world_with(NOW, Killer::at(2)))
    }));
    assert!(killed.is_err());
    assert_eq!(site.manifest().revision(), 1);
    let unfinished = rehearsed(&RehearseRequest::default(), &site);
    assert_eq!(blocking(&unfinished.findings), ["rotation-unfinished"]);
}

#[test]
fn a_renewed_certificate_is_told_from_the_old_one_by_its_serial_number() {
    let site = with_a_new_certificate();
    let of = |id: &str, is_new: bool| {
        let spec = if is_new { renewed(id) } else { old(id) };
        let profile = PinnedProfile::of(&proven(&spec), ProfileState::Active);
        let mut certificates = profile.certificates();
        certificates.next().unwrap().clone()
    };
    let (today, next) = (of(IDS[0], false), of(IDS[0], true));
    assert_ne!(today.title(), next.title());
    let keyed = |probe: &mut NodeProbe| probe.identities = Some(vec![today.sha1]);
    let other = probe(&site, "signer-02", keyed);
    let document = rehearsed(
        &RehearseRequest {
            probes: vec![other],
            ..request(&site)
        },
        &site,
    );
    assert_eq!(document.nodes[1].imports, [next.title()]);
    let events = document.calendar.iter().flat_map(|moment| &moment.events);
    let ends = events.filter(|event| event.what == EventKind::CertificateEnds);
    let names: BTreeSet<String> = ends.flat_map(|event| event.names.clone()).collect();
    assert_eq!(names, BTreeSet::from([today.title(), next.title()]));
}
