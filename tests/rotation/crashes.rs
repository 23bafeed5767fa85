//! Kills: whatever a command was doing, the next one finds a state in which builds pass or do not start, and finishes it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use countersign::base::finding::blocks;
use countersign::ops::error::Failure;
use countersign::ops::rotate::document::StepDocument;
use countersign::ops::rotate::{self, PromoteRequest, RetireRequest, RollbackRequest};
use countersign::ops::world::World;

use crate::site::{Killer, LATER, NOW, Picture, Site, done, old, specifiers};

type Step = fn(&Site, &World) -> Result<StepDocument, Failure>;

const STEPS: [(&str, Step); 4] = [
    ("stage", |site, world| rotate::stage(&site.stage(), world)),
    ("promote", |_, world| {
        rotate::promote(&PromoteRequest::default(), world)
    }),
    ("retire", |_, world| {
        rotate::retire(&RetireRequest::default(), world)
    }),
    ("rollback", |_, world| {
        let to = RollbackRequest {
            to: Some(1),
            dry_run: false,
        };
        rotate::rollback(&to, world)
    }),
];

/// A site before the step number `step`: what comes before it is done. A rollback comes after a retirement.
fn before(step: usize) -> Site {
    let site = Site::new();
    for (number, (_, step_before)) in STEPS.iter().enumerate().take(step) {
        let now = if number < 2 { NOW } else { LATER };
        done(step_before(&site, &site.world(now)).unwrap());
    }
    site
}

fn instant(step: usize) -> &'static str {
    if step < 2 { NOW } else { LATER }
}

/// The gate agrees with what is on the disk: all targets are on one side, and if nothing blocks, nothing is missing.
fn is_consistent(site: &Site, name: &str, at: usize) {
    let manifest = site.manifest();
    let sides = Site::sides(&manifest);
    let one_side = sides.iter().all(|side| *side == sides[0]);
    assert!(one_side, "{name} killed at {at}: {sides:?}");
    let findings = site.gate(&manifest, specifiers(&manifest));
    // Between two files of a step the gate may block, and then it says that a profile is missing or shadowed.
    for finding in findings.iter().filter(|finding| blocks(finding)) {
        let code = finding.code.as_str();
        assert!(
            matches!(code, "profile-missing" | "profile-shadowed"),
            "{name} killed at {at}: {finding:#?}"
        );
    }
}

#[test]
fn a_kill_at_any_file_of_any_step_is_finished_by_the_next_command() {
    let mut kills = 0;
    for (number, (name, step)) in STEPS.iter().enumerate() {
        let whole = before(number);
        done(step(&whole, &whole.world(instant(number))).unwrap());
        let after: Picture = whole.picture();
        for at in 0.. {
            let site = before(number);
            let started = site.picture();
            let world = site.world_with(instant(number), Killer::at(at));
            let ran = catch_unwind(AssertUnwindSafe(|| step(&site, &world)));
            if ran.is_ok() {
                assert!(at > 0, "{name} has no file");
                assert_eq!(site.picture(), after, "{name}");
                break;
            }
            kills += 1;
            drop(world);
            is_consistent(&site, name, at);
            // A second kill, while the step is being finished.
            let second = site.world_with(instant(number), Killer::at(at / 2));
            let again = catch_unwind(AssertUnwindSafe(|| rotate::carry_out::finish(&second)));
            if again.is_err() {
                kills += 1;
                is_consistent(&site, name, at);
            }
            let finished = rotate::carry_out::finish(&site.world(instant(number))).unwrap();
            if again.is_err() {
                assert!(finished.is_some(), "{name} killed at {at}");
            }
            let now = site.picture();
            assert!(
                now == after || now == started,
                "{name} killed at {at} is neither before nor after"
            );
            let manifest = site.manifest();
            assert_eq!(
                site.gate(&manifest, specifiers(&manifest)),
                [],
                "{name} killed at {at}"
            );
            let status = rotate::status(&site.world(instant(number))).unwrap();
            assert!(status.steps.iter().all(|step| step.done));
        }
    }
    assert!(kills >= 30, "{kills}");
}

#[test]
fn every_command_of_a_rotation_finishes_what_was_killed() {
    let site = before(1);
    let world = site.world_with(NOW, Killer::at(0));
    let promote = || rotate::promote(&PromoteRequest::default(), &world);
    assert!(catch_unwind(AssertUnwindSafe(promote)).is_err());
    let told = rotate::status(&site.world(NOW)).unwrap();
    assert_eq!(told.next_step, "finish");
    let rolled = rotate::rollback(&RollbackRequest::default(), &site.world(NOW)).unwrap();
    assert_eq!(rolled.finished.map(|step| step.as_str()), Some("promote"));
    assert_eq!(site.gate(&site.manifest(), |id| old(id).uuid), []);
}

#[test]
fn a_file_that_somebody_changed_meanwhile_is_not_touched() {
    let site = before(0);
    let world = site.world_with(NOW, Killer::at(2));
    let stage = || rotate::stage(&site.stage(), &world);
    assert!(catch_unwind(AssertUnwindSafe(stage)).is_err());
    let manifest = "manifests/profiles.json";
    site.write(manifest, "{}");
    let error = rotate::carry_out::finish(&site.world(NOW)).unwrap_err();
    assert_eq!(error.code().as_str(), "file-changed");
    assert_eq!(std::fs::read(site.path(manifest)).unwrap(), b"{}");
}
