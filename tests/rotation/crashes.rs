//! Kills: whatever a command was doing, the next one finds a state in which builds pass or do not start, and finishes it.
//!
//! Every command is killed at each of its journaled points: before it keeps anything, before it is recorded as begun, at every file,
//! before it is recorded as done, and after that. Then every command is the next one.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use countersign::base::finding::{Finding, blocks};
use countersign::ops::error::Failure;
use countersign::ops::manifest::{FreezeRequest, freeze};
use countersign::ops::rotate::document::StepDocument;
use countersign::ops::rotate::{
    self, PlanRequest, ProbeRequest, PromoteRequest, RetireRequest, RollbackRequest,
};
use countersign::ops::world::World;

use forge::profile::ProfileSpec;

use crate::site::{IDS, Killer, LATER, NOW, Picture, Site, done, old, specifiers, successor};

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

/// A command after the kill. What it says of the state at hand is its own business; that it works is ours.
type Next = fn(&Site, &World) -> Result<(), Failure>;

/// Those that take a step, and so finish the one before.
const STEPPING: [(&str, Next); 6] = [
    ("stage", |site, world| {
        rotate::stage(&site.stage(), world).map(drop)
    }),
    ("promote", |_, world| {
        rotate::promote(&PromoteRequest::default(), world).map(drop)
    }),
    ("retire", |_, world| {
        rotate::retire(&RetireRequest::default(), world).map(drop)
    }),
    ("rollback", |_, world| {
        rotate::rollback(&RollbackRequest::default(), world).map(drop)
    }),
    ("rollback to the start", |site, world| {
        STEPS[3].1(site, world).map(drop)
    }),
    ("the same again", |_, world| {
        rotate::carry_out::finish(world)
            .map(drop)
            .map_err(Failure::from)
    }),
];

/// Those that only look.
const LOOKING: [(&str, Next); 4] = [
    ("status", |_, world| rotate::status(world).map(drop)),
    ("plan", |_, world| {
        rotate::plan(&PlanRequest::default(), world).map(drop)
    }),
    ("probe", |_, world| {
        rotate::probe(&ProbeRequest::default(), world).map(drop)
    }),
    ("a dry run", |_, world| {
        let request = PromoteRequest {
            dry_run: true,
            ..PromoteRequest::default()
        };
        rotate::promote(&request, world).map(drop)
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

/// What the gate says, all targets being on one side.
fn judged(site: &Site, what: &str) -> Vec<Finding> {
    let manifest = site.manifest();
    let sides = Site::sides(&manifest);
    let one_side = sides.iter().all(|side| *side == sides[0]);
    assert!(one_side, "{what}: {sides:?}");
    site.gate(&manifest, specifiers(&manifest))
}

/// The gate agrees with what is on the disk: if nothing blocks, nothing is missing.
fn is_consistent(site: &Site, what: &str) {
    let findings = judged(site, what);
    // Between two files of a step the gate may block, and then it says that a profile is missing or shadowed.
    for finding in findings.iter().filter(|finding| blocks(finding)) {
        let code = finding.code.as_str();
        assert!(
            matches!(code, "profile-missing" | "profile-shadowed"),
            "{what}: {finding:#?}"
        );
    }
}

/// Nothing is half done, and builds pass.
fn is_whole(site: &Site, now: &str, what: &str) {
    let status = rotate::status(&site.world(now)).unwrap();
    assert!(status.steps.iter().all(|step| step.done), "{what}");
    assert_eq!(judged(site, what), [], "{what}");
}

/// Of the kills of this step, every command is the next one.
fn every_kill_of(number: usize) -> usize {
    let (name, step) = STEPS[number];
    let now = instant(number);
    let site = before(number);
    let start = site.snapshot();
    let started = site.picture();
    done(step(&site, &site.world(now)).unwrap());
    let after: Picture = site.picture();
    let mut kills = 0;
    for at in 0.. {
        site.restore(&start);
        let world = site.world_with(now, Killer::at(at));
        if catch_unwind(AssertUnwindSafe(|| step(&site, &world))).is_ok() {
            assert!(at >= 5, "{name} has {at} points");
            assert_eq!(site.picture(), after, "{name}");
            return kills;
        }
        drop(world);
        let killed = site.snapshot();
        let what = format!("{name} killed at {at}");
        is_consistent(&site, &what);
        let picture = site.picture();
        for (next, command) in LOOKING {
            let what = format!("{what}, then {next}");
            command(&site, &site.world(now)).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(site.picture(), picture, "{what}");
        }
        for (next, command) in STEPPING {
            let what = format!("{what}, then {next}");
            kills += 1;
            site.restore(&killed);
            match command(&site, &site.world(now)) {
                Ok(()) => {}
                // There is nothing to roll back to.
                Err(Failure::Error(error)) if error.code().as_str() == "usage" => {}
                Err(error) => panic!("{what}: {error}"),
            }
            is_whole(&site, now, &what);
        }
        let finished = {
            site.restore(&killed);
            rotate::carry_out::finish(&site.world(now)).unwrap()
        };
        let now_there = site.picture();
        let expected = match finished.is_some() {
            true => now_there == after,
            false => now_there == after || now_there == started,
        };
        assert!(expected, "{what}: neither before nor after");
        // A second kill, while the step is being finished.
        site.restore(&killed);
        let second = site.world_with(now, Killer::at(at / 3));
        let again = catch_unwind(AssertUnwindSafe(|| rotate::carry_out::finish(&second)));
        drop(second);
        if again.is_err() {
            kills += 1;
            is_consistent(&site, &what);
            rotate::carry_out::finish(&site.world(now)).unwrap();
            assert_eq!(site.picture(), after, "{what}, and again");
        }
    }
    unreachable!("the loop ends with the step")
}

#[test]
fn whatever_command_comes_after_a_kill_finds_and_leaves_a_whole_state() {
    let kills: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..STEPS.len())
            .map(|number| scope.spawn(move || every_kill_of(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert!(kills >= 200, "{kills}");
}

/// Two products besides Acme's: apps of their own, of which no project is at hand.
const OTHERS: [&str; 2] = ["com.acme.lander", "com.acme.orbiter"];

fn several_products() -> Site {
    let own = IDS.iter().chain(&OTHERS);
    let pairs: Vec<(ProfileSpec, ProfileSpec)> = own.map(|id| (old(id), successor(id))).collect();
    Site::of(&pairs)
}

/// What may be on the disk after a kill of this step and the next command: products change sides one after the other, each in a
/// revision of its own.
fn whole_pictures(site: &Site, number: usize) -> Vec<Picture> {
    let (name, step) = STEPS[number];
    let start = site.snapshot();
    let mut pictures = vec![site.picture()];
    if name == "promote" {
        let dry = PromoteRequest {
            dry_run: true,
            ..PromoteRequest::default()
        };
        let planned = done(rotate::promote(&dry, &site.world(NOW)).unwrap());
        assert_eq!(planned.revisions.len(), 1 + OTHERS.len());
        for revision in planned.revisions {
            let one = PromoteRequest {
                products: vec![revision.product.unwrap()],
                ..PromoteRequest::default()
            };
            done(rotate::promote(&one, &site.world(NOW)).unwrap());
            pictures.push(site.picture());
        }
        site.restore(&start);
    }
    done(step(site, &site.world(instant(number))).unwrap());
    match name {
        "promote" => assert_eq!(pictures.last(), Some(&site.picture())),
        _ => pictures.push(site.picture()),
    }
    site.restore(&start);
    pictures
}

#[test]
fn a_kill_among_several_products_leaves_each_of_them_on_one_side() {
    let site = several_products();
    let mut kills = 0;
    let mut between = 0;
    for (number, (name, step)) in STEPS.iter().enumerate() {
        let now = instant(number);
        let pictures = whole_pictures(&site, number);
        let (first, last) = (&pictures[0], pictures.last().unwrap());
        let start = site.snapshot();
        for at in 0.. {
            site.restore(&start);
            let world = site.world_with(now, Killer::at(at));
            if catch_unwind(AssertUnwindSafe(|| step(&site, &world))).is_ok() {
                assert_eq!(&site.picture(), last, "{name}");
                break;
            }
            drop(world);
            kills += 1;
            let what = format!("{name} killed at {at}");
            is_consistent(&site, &what);
            let killed = site.snapshot();
            rotate::carry_out::finish(&site.world(now)).unwrap();
            let finished = site.picture();
            assert!(
                pictures.contains(&finished),
                "{what}: a product is in two halves"
            );
            is_whole(&site, now, &what);
            between += usize::from(&finished != first && &finished != last);
            // The same command does what is left.
            if &finished != last {
                done(step(&site, &site.world(now)).unwrap());
            }
            assert_eq!(&site.picture(), last, "{what}, and again");
            // What was promoted can be taken back, to the start.
            site.restore(&killed);
            let back = RollbackRequest {
                to: Some(1),
                dry_run: false,
            };
            match rotate::rollback(&back, &site.world(now)) {
                Ok(document) => drop(done(document)),
                Err(Failure::Error(error)) => assert_eq!(error.code().as_str(), "usage", "{what}"),
                Err(error) => panic!("{what}: {error}"),
            }
            is_whole(&site, now, &what);
        }
    }
    assert!(
        kills >= 40 && between >= 4,
        "{kills} kills, {between} between two products"
    );
}

/// Where the process below finds its site, the number of the step, and that of the point at which it dies.
const SITE: &str = "ROTATION_TEST_SITE";
const STEP: &str = "ROTATION_TEST_STEP";
const POINT: &str = "ROTATION_TEST_POINT";

#[test]
#[ignore = "the process that the test below starts"]
fn a_process_takes_a_step_and_dies() {
    let number = |name| env::var(name).unwrap().parse::<usize>().unwrap();
    let site = Site::at(PathBuf::from(env::var_os(SITE).unwrap()));
    let step = number(STEP);
    let world = site.world_with(instant(step), Killer::of_the_process(number(POINT)));
    done(STEPS[step].1(&site, &world).unwrap());
}

#[test]
fn a_process_that_dies_leaves_no_lock_and_no_half_step() {
    let mut deaths = 0;
    for (number, (name, step)) in STEPS.iter().enumerate() {
        let now = instant(number);
        let site = before(number);
        let start = site.snapshot();
        for at in 0.. {
            site.restore(&start);
            let mut process = Command::new(env::current_exe().unwrap());
            process
                .args([
                    "--exact",
                    "crashes::a_process_takes_a_step_and_dies",
                    "--ignored",
                ])
                .env(SITE, site.path(""))
                .env(STEP, number.to_string())
                .env(POINT, at.to_string())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let what = format!("{name} dies at {at}");
            let status = process.status().unwrap();
            if status.success() {
                assert!(at >= 5, "{what}");
                break;
            }
            assert_eq!(status.code(), None, "{what}: it ends by a signal");
            deaths += 1;
            is_consistent(&site, &what);
            rotate::carry_out::finish(&site.world(now)).unwrap();
            is_whole(&site, now, &what);
            // The step is there, or can be taken: nothing stands in its way.
            if site.snapshot().get(&site.path("manifests/profiles.json"))
                == start.get(&site.path("manifests/profiles.json"))
            {
                done(step(&site, &site.world(now)).unwrap());
            }
        }
    }
    assert!(deaths >= 30, "{deaths}");
}

#[test]
fn every_command_of_a_rotation_finishes_what_was_killed() {
    let site = before(1);
    let world = site.world_with(NOW, Killer::at(2));
    let promote = || rotate::promote(&PromoteRequest::default(), &world);
    assert!(catch_unwind(AssertUnwindSafe(promote)).is_err());
    let told = rotate::status(&site.world(NOW)).unwrap();
    assert_eq!(told.next_step, "finish");
    let rolled = rotate::rollback(&RollbackRequest::default(), &site.world(NOW)).unwrap();
    assert_eq!(rolled.finished.map(|step| step.as_str()), Some("promote"));
    assert_eq!(site.gate(&site.manifest(), |id| old(id).uuid), []);
}

#[test]
fn what_is_frozen_after_a_kill_is_frozen_after_the_finished_step() {
    let site = before(0);
    let world = site.world_with(NOW, Killer::at(3));
    let stage = || rotate::stage(&site.stage(), &world);
    assert!(catch_unwind(AssertUnwindSafe(stage)).is_err());
    drop(world);
    let frozen = freeze(&FreezeRequest::default(), &site.world(NOW)).unwrap();
    let codes: Vec<&str> = frozen.findings.iter().map(|it| it.code.as_str()).collect();
    assert!(codes.contains(&"rotation-unfinished"), "{codes:?}");
    let status = rotate::status(&site.world(NOW)).unwrap();
    assert_eq!(status.next_step, "promote");
    assert_eq!(status.profiles.len(), 4, "all of them are incoming");
}

#[test]
fn a_file_that_somebody_changed_meanwhile_is_not_touched_and_the_rest_is_taken_back() {
    let site = before(0);
    let started = site.picture();
    let world = site.world_with(NOW, Killer::at(4));
    let stage = || rotate::stage(&site.stage(), &world);
    assert!(catch_unwind(AssertUnwindSafe(stage)).is_err());
    drop(world);
    let manifest = "manifests/profiles.json";
    let whole = std::fs::read(site.path(manifest)).unwrap();
    site.write(manifest, "{}");
    let error = rotate::carry_out::finish(&site.world(NOW)).unwrap_err();
    assert_eq!(error.code().as_str(), "file-changed");
    assert_eq!(std::fs::read(site.path(manifest)).unwrap(), b"{}");
    // Nothing is left that stands in the way of the next step.
    site.write(manifest, whole);
    assert_eq!(site.picture(), started);
    assert!(
        rotate::carry_out::finish(&site.world(NOW))
            .unwrap()
            .is_none()
    );
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
}
