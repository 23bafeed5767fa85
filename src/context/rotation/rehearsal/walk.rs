//! The walk: every build at every instant, each step taken and taken back, and what is not right about that.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::calendar::calendar;
use super::faults;
use super::fleet::{Fleet, Judged, Site};
use super::plan::{Plan, Step};
use super::{
    Builds, FailCause, Outcome, PlannedKind, Rehearsed, RehearsedFault, RehearsedStep, Request,
    Rollback, Said, SameBuilds, THIS_CHECKOUT,
};
use crate::base::finding::{Code, Finding};
use crate::context::manifest::{Manifest, ManifestError};
use crate::context::rotation::revision;

/// Walks through the plan.
pub(super) fn walk(request: &Request<'_>) -> Result<Rehearsed, ManifestError> {
    let plan = Plan::new(request)?;
    let fleet = Fleet::new(request, &plan);
    let (calendar, left_out) = calendar(request, &plan);
    let judged: Vec<Judged<'_>> = plan
        .manifests
        .iter()
        .map(|manifest| Judged::new(manifest, request.targets))
        .collect();
    let of_branches: Vec<Judged<'_>> = request
        .branches
        .iter()
        .map(|branch| Judged::new(&branch.manifest, request.targets))
        .collect();
    let mut branches = vec![THIS_CHECKOUT.to_owned()];
    branches.extend(request.branches.iter().map(|branch| branch.name.clone()));

    let mut builds = Vec::new();
    for branch in 0..branches.len() {
        let of_branch = |steps: usize| match branch.checked_sub(1) {
            None => judged.get(steps),
            Some(other) => of_branches.get(other),
        };
        let mut sites: Vec<Site> = Vec::new();
        let mut sites_of = None;
        for (place, moment) in calendar.iter().enumerate() {
            let Some(judged) = of_branch(moment.steps) else {
                continue;
            };
            if sites_of != Some(moment.steps) {
                sites = fleet.sites_after(moment.steps, judged, &plan);
                sites_of = Some(moment.steps);
            }
            let mut same: BTreeMap<Said, Vec<usize>> = BTreeMap::new();
            let said = fleet.judge_all(&mut sites, judged, moment.at);
            for (node, said) in fleet.nodes.iter().zip(said) {
                same.entry(said).or_default().extend(&node.members);
            }
            builds.push(Builds {
                moment: place,
                branch,
                groups: groups(same),
            });
        }
    }
    builds.sort_by_key(|builds| (builds.moment, builds.branch));

    let starts = starts(&fleet, &plan, judged.first());
    let mut findings = Vec::new();
    let mut steps = Vec::new();
    for (number, step) in plan.steps.iter().enumerate() {
        let taken = Taken {
            fleet: &fleet,
            plan: &plan,
            judged: &judged,
            starts: starts.get(number).map(Vec::as_slice).unwrap_or_default(),
            number,
            step,
        };
        let (rollback, found) = taken.check(request)?;
        let revision = plan.manifests.get(number + 1).map_or(0, Manifest::revision);
        findings.extend(found);
        steps.push(RehearsedStep {
            step: step.kind,
            product: step.group.as_ref().map(|group| group.name.clone()),
            at: step.at,
            revision,
            rollback,
        });
    }
    let scene = faults::Scene {
        fleet: &fleet,
        plan: &plan,
        judged: &judged,
        calendar: &calendar,
        from: request.from,
        targets: request.targets,
        starts: &starts,
        rollbacks: steps.iter().map(|step| step.rollback).collect(),
    };
    let faults = faults::all(&scene)?;
    let mut rehearsed = Rehearsed {
        steps,
        calendar,
        left_out,
        branches,
        builds,
        faults,
        findings: Vec::new(),
        nodes: fleet.shown,
    };
    findings.extend(missed(&rehearsed));
    findings.extend(rehearsed.faults.iter().filter_map(missed_with));
    findings.extend(broken_branches(&rehearsed));
    rehearsed.findings = findings;
    Ok(rehearsed)
}

fn groups(same: BTreeMap<Said, Vec<usize>>) -> Vec<SameBuilds> {
    let same = same.into_iter();
    same.map(|(said, mut nodes)| {
        nodes.sort_unstable();
        SameBuilds { said, nodes }
    })
    .collect()
}

/// For each step, and each machine as it is at the start, whether the gate of the start would pass when the step is taken.
fn starts(fleet: &Fleet<'_>, plan: &Plan<'_>, start: Option<&Judged<'_>>) -> Vec<Vec<bool>> {
    let Some(start) = start else {
        return Vec::new();
    };
    let mut sites = fleet.sites_after(0, start, plan);
    let steps = plan.steps.iter();
    let passing = steps.map(|step| {
        let said = fleet.judge_all(&mut sites, start, step.at);
        said.iter().map(Said::passes).collect()
    });
    passing.collect()
}

/// A step that is taken, at its instant.
struct Taken<'s, 'a> {
    fleet: &'s Fleet<'a>,
    plan: &'s Plan<'a>,
    judged: &'s [Judged<'s>],
    /// Of each machine whether the gate of the start would pass at this instant.
    starts: &'s [bool],
    /// How many were taken before it.
    number: usize,
    step: &'s Step<'a>,
}

impl Taken<'_, '_> {
    /// What the gate says before the step, after it, and after it is taken back.
    fn check(&self, request: &Request<'_>) -> Result<(Rollback, Vec<Finding>), ManifestError> {
        let (Some(before), Some(after)) = (
            self.judged.get(self.number),
            self.judged.get(self.number + 1),
        ) else {
            return Ok((Rollback::DoesNotApply, Vec::new()));
        };
        let at = self.step.at;
        let passed = self.said(before, self.number, at);
        let passes = self.said(after, self.number + 1, at);
        let mut findings = Vec::new();
        let broken: Vec<(usize, &Said)> = passed
            .iter()
            .zip(&passes)
            .enumerate()
            .filter(|(_, (was, is))| was.passes() && !is.passes())
            .map(|(place, (_, said))| (place, said))
            .collect();
        if let Some((first, said)) = broken.first() {
            findings.push(self.blocks(*first, said, broken.len()));
        }
        // What is taken back alone, and, until the old profiles are gone, all of it.
        let mut back = vec![self.number];
        if self.number > 0 && self.step.kind != PlannedKind::Retire {
            back.push(0);
        }
        let mut rollback = Rollback::DoesNotApply;
        for to in back {
            let Some(then) = self.plan.manifests.get(to) else {
                continue;
            };
            let content = revision::restored(after.manifest.content(), then.content());
            let restored = Manifest::parse(&content.to_bytes())?;
            let restored = Judged::new(&restored, request.targets);
            let was: Vec<bool> = match to == self.number {
                true => passed.iter().map(Said::passes).collect(),
                false => self.starts.to_vec(),
            };
            for (place, (was, node)) in was.into_iter().zip(&self.fleet.nodes).enumerate() {
                if !was {
                    continue;
                }
                let holding = self.fleet.rolled_back(node, self.number + 1, to, self.plan);
                let mut site = self.fleet.site(node, &holding, &restored);
                let said = self.fleet.judge(&mut site, &restored, at);
                if said.passes() {
                    rollback = match rollback {
                        Rollback::DoesNotApply => Rollback::Restores,
                        known => known,
                    };
                } else if rollback != Rollback::DoesNotRestore {
                    rollback = Rollback::DoesNotRestore;
                    findings.push(self.not_undone(place, &said, to));
                }
            }
        }
        Ok((rollback, findings))
    }

    /// What is said of each group of machines after so many steps.
    fn said(&self, judged: &Judged<'_>, steps: usize, at: Timestamp) -> Vec<Said> {
        let mut sites = self.fleet.sites_after(steps, judged, self.plan);
        self.fleet.judge_all(&mut sites, judged, at)
    }

    fn title(&self) -> String {
        match &self.step.group {
            Some(group) => format!("{} {}", self.step.kind.as_str(), group.name),
            None => self.step.kind.as_str().to_owned(),
        }
    }

    fn host(&self, place: usize) -> String {
        let node = self.fleet.nodes.get(place);
        node.map_or(String::new(), |node| node.host.to_string())
    }

    fn blocks(&self, place: usize, said: &Said, groups: usize) -> Finding {
        let more = match groups {
            1 => "",
            _ => " and on others",
        };
        Finding::block(
            Code::RotationStepBlocks,
            format!(
                "the gate would pass before the step {} and block after it on {}{more}",
                self.title(),
                self.host(place)
            ),
        )
        .values("a passing gate", listed(&said.blocked_by))
        .hint("correct what these codes say for that machine before the step is taken, and rehearse again")
    }

    fn not_undone(&self, place: usize, said: &Said, to: usize) -> Finding {
        let revision = self.plan.manifests.get(to).map_or(0, Manifest::revision);
        Finding::block(
            Code::RotationNotUndone,
            format!(
                "after the step {} a rollback to what revision {revision} was does not restore a passing state on {}",
                self.title(),
                self.host(place)
            ),
        )
        .values("a passing gate", listed(&said.blocked_by))
        .hint("correct what these codes say for that machine before the step is taken, and rehearse again")
    }
}

/// Codes in a row.
pub(super) fn listed(codes: &[Code]) -> String {
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    codes.join(", ")
}

/// Builds that would pass the gate and fail: one finding for each branch and cause.
fn missed(rehearsed: &Rehearsed) -> Vec<Finding> {
    let mut first: BTreeMap<(usize, FailCause), (usize, usize, usize)> = BTreeMap::new();
    for builds in &rehearsed.builds {
        for group in &builds.groups {
            let Some(cause) = group.said.fails else {
                continue;
            };
            if group.said.outcome == Outcome::PassesThoughItWouldFail {
                let node = group.nodes.first().copied().unwrap_or_default();
                let known = first
                    .entry((builds.branch, cause))
                    .or_insert((builds.moment, node, 0));
                known.2 += group.nodes.len();
            }
        }
    }
    let found = first
        .into_iter()
        .filter_map(|((branch, cause), (moment, node, count))| {
            let moment = rehearsed.calendar.get(moment)?;
            let node = rehearsed.nodes.get(node)?;
            let branch = rehearsed.branches.get(branch)?;
            Some(
                Finding::block(
                    Code::RotationGateMisses,
                    format!(
                        "a build of {branch} on {} would pass the gate and fail: {}",
                        node.host,
                        cause.as_str()
                    ),
                )
                .values(
                    "a gate that blocks it",
                    format!(
                        "{}, the first at {}: {}",
                        such_builds(count),
                        moment.at,
                        moment.title()
                    ),
                )
                .hint(remedy(cause)),
            )
        });
    found.collect()
}

fn such_builds(count: usize) -> String {
    match count {
        1 => "1 such build".to_owned(),
        count => format!("{count} such builds"),
    }
}

/// What to do where a build fails for this cause and no gate says so.
fn remedy(cause: FailCause) -> &'static str {
    match cause {
        FailCause::CertificatesDiffer => {
            "promote all of a product together: pin the app and its extensions to one certificate"
        }
        FailCause::IdentityAbsent => "import the identity on that machine",
        FailCause::ProfileAbsent => "install the profile on that machine",
        FailCause::OtherProfile => "remove the profile that nobody pinned from that machine",
        FailCause::ProfileExpired | FailCause::CertificateExpired => "renew it before that day",
        FailCause::CertificateNotEmbedded => "make the profile again with the certificate",
    }
}

/// The same with a fault, unless something else keeps the fault from happening.
fn missed_with(fault: &RehearsedFault) -> Option<Finding> {
    let count = fault.pass_though_they_would_fail;
    let cause = fault.causes.first().copied()?;
    (count > 0 && fault.prevented_by.is_none()).then(|| {
        Finding::block(
            Code::RotationGateMisses,
            format!(
                "where {}, builds would pass the gate and fail: {}",
                fault.fault.as_str(),
                cause.as_str()
            ),
        )
        .values("a gate that blocks them", such_builds(count))
        .hint(remedy(cause))
    })
}

/// Other branches whose builds pass until a step is taken.
fn broken_branches(rehearsed: &Rehearsed) -> Vec<Finding> {
    let passing = |builds: &Builds| -> usize {
        let groups = builds.groups.iter();
        let groups = groups.filter(|group| group.said.passes());
        groups.map(|group| group.nodes.len()).sum()
    };
    let mut findings = Vec::new();
    for (branch, name) in rehearsed.branches.iter().enumerate().skip(1) {
        let of_branch = rehearsed.builds.iter().filter(|it| it.branch == branch);
        let of_branch: Vec<&Builds> = of_branch.collect();
        let steps_of = |builds: &Builds| {
            let moment = rehearsed.calendar.get(builds.moment);
            moment.map_or(0, |moment| moment.steps)
        };
        let broken = of_branch.windows(2).find_map(|pair| match pair {
            [before, after] if steps_of(after) > steps_of(before) => {
                (passing(after) < passing(before)).then_some(*after)
            }
            _ => None,
        });
        let Some(after) = broken else {
            continue;
        };
        let Some(step) = steps_of(after)
            .checked_sub(1)
            .and_then(|last| rehearsed.steps.get(last))
        else {
            continue;
        };
        let codes = after.groups.iter().find(|it| !it.said.passes());
        let codes = codes.map_or(String::new(), |group| listed(&group.said.blocked_by));
        findings.push(
            Finding::warn(
                Code::RotationBreaksBranch,
                format!("builds of {name} are blocked from the step {} on", step.title()),
            )
            .values("a passing gate", codes)
            .hint(
                "take the manifest over into that branch, keep the old profiles for longer, or let its targets choose by UUID",
            ),
        );
    }
    findings
}
