//! The one judgement of targets: what freezing, checking, exporting and the gate conclude of the same input.
//!
//! The plan says what signs each target. Beside it stands what is not right with the projects themselves, whether anything
//! was looked at, and what the manifest pins and nobody showed. All of it is weighed once, here: what no archive holds is
//! for information.

use std::collections::{BTreeSet, HashMap};

use super::available::Available;
use super::judged::Judged;
use super::plan_by;
use super::request::Request;
use super::row::Plan;
use super::unobserved::{LookedAt, nothing_observed, unobserved};
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::manifest::PinnedArchive;
use crate::xcode::targets::SigningTarget;

/// The plan, and all that is not right.
#[derive(Debug, Default)]
pub struct Judgement<'a> {
    /// What signs each target.
    pub plan: Plan<'a>,
    /// What is not right with the projects, with the plan, and with what was looked at.
    pub findings: Vec<Finding>,
    /// Nothing that is judged is signed, because settings of the targets say so (`CODE_SIGNING_ALLOWED = NO`): a build that is
    /// meant to be like that.
    pub is_unsigned: bool,
}

/// How many targets a finding names.
const NAMED: usize = 12;

/// Judges the targets. `of_projects` is what is not right with the projects, whatever there is to sign with.
pub fn judge<'a>(
    request: &Request<'a>,
    looked_at: &LookedAt<'_>,
    of_projects: &[Finding],
) -> Judgement<'a> {
    let available = Available::new(request);
    let (plan, judged) = plan_by(request, &available);
    let mut findings = of_projects.to_vec();
    let is_judged = |target: &SigningTarget| judged.has(target, &available);
    weaken(&mut findings, request.targets, is_judged);
    let is_signed = |target: &SigningTarget| {
        is_judged(target) && target.is_signed() && !target.platform.is_simulator()
    };
    let signs_nothing = !request.targets.iter().any(is_signed);
    let mut judged_targets = request.targets.iter().filter(|target| is_judged(target));
    let is_unsigned = signs_nothing && judged_targets.any(|target| target.unsigned_by.is_some());
    match signs_nothing {
        true => {
            findings.push(nothing_observed(looked_at));
            if is_unsigned {
                findings.extend(plan.findings.iter().cloned());
            }
        }
        false => {
            findings.extend(plan.findings.iter().cloned());
            findings.extend(unobserved(request.pinned, looked_at));
            findings.extend(archived(request));
            findings.extend(beside(request, &judged, is_judged));
        }
    }
    if let Some(frozen_for) = request.frozen_for {
        let_be(&mut findings, frozen_for);
        findings.extend(other_scheme(request, frozen_for));
    }
    finding::sort(&mut findings);
    finding::distinct(&mut findings);
    Judgement {
        plan,
        findings,
        is_unsigned,
    }
}

/// What is not right with targets of which no row is judged is for information.
fn weaken(
    findings: &mut [Finding],
    targets: &[SigningTarget],
    is_judged: impl Fn(&SigningTarget) -> bool,
) {
    let mut rows: HashMap<&str, bool> = HashMap::new();
    for target in targets {
        let known = rows.entry(target.target.as_str()).or_default();
        *known = *known || is_judged(target);
    }
    for finding in findings {
        let target = finding.place.target.as_deref();
        if target.and_then(|target| rows.get(target)) == Some(&false) {
            finding.severity = Severity::Info;
        }
    }
}

/// Targets without a profile that somebody let be without one are told, and block nobody.
fn let_be(findings: &mut [Finding], frozen_for: &PinnedArchive) {
    for finding in findings {
        let target = finding.place.target.as_deref();
        let mut let_be = frozen_for.unmapped.iter();
        if finding.code == Code::TargetUnmapped && let_be.any(|name| Some(name.as_str()) == target)
        {
            finding.severity = finding.severity.max(Severity::Warn);
        }
    }
}

/// Another scheme than the manifest was frozen for archives perhaps other targets.
fn other_scheme(request: &Request<'_>, frozen_for: &PinnedArchive) -> Option<Finding> {
    let frozen = frozen_for.scheme.as_deref()?;
    let judged = request.scheme.map(|scheme| &*scheme.name);
    if judged == Some(frozen) || request.targets.is_empty() {
        return None;
    }
    let (message, hint) = match judged {
        Some(judged) => (
            format!("scheme {judged} is judged, but the manifest was frozen for scheme {frozen}"),
            format!("name scheme {frozen}, or freeze the manifest again for scheme {judged}"),
        ),
        None => (
            format!("the manifest was frozen for scheme {frozen}, which is not here"),
            format!(
                "share scheme {frozen} in Xcode and commit its file, or freeze the manifest again"
            ),
        ),
    };
    let finding = Finding::warn(Code::SchemeNotPinned, message)
        .values(
            format!("scheme {frozen}"),
            match judged {
                Some(judged) => format!("scheme {judged}"),
                None => "no scheme of this name".to_owned(),
            },
        )
        .at_pointer("/archive/scheme")
        .hint(hint);
    Some(finding.remedy(Remedy::NameScheme))
}

/// Which scheme tells what is archived, where nobody named one.
fn archived(request: &Request<'_>) -> Option<Finding> {
    let scheme = request.scheme.filter(|scheme| !scheme.is_named)?;
    let products: Vec<&str> = request
        .products
        .iter()
        .map(|product| &*product.target)
        .collect();
    let finding = Finding::info(
        Code::TargetNotArchived,
        format!(
            "scheme {} archives {}, so that is what is judged",
            scheme.name,
            some(&products)
        ),
    )
    .hint("name another scheme to judge what it archives")
    .remedy(Remedy::NameScheme);
    Some(match &scheme.file {
        Some(file) => finding.in_file(file),
        None => finding,
    })
}

/// Targets that need a profile and are not judged.
fn beside(
    request: &Request<'_>,
    judged: &Judged,
    is_judged: impl Fn(&SigningTarget) -> bool,
) -> Vec<Finding> {
    let others = |is_unprepared: bool| {
        let of_products = request.targets.iter().filter(move |target| {
            let mut part_of = target.part_of.iter();
            target.needs_profile()
                && part_of.any(|at| judged.unprepared().contains(at)) == is_unprepared
        });
        let names: BTreeSet<&str> = of_products
            .filter(|target| !is_judged(target))
            .map(|target| target.target.as_str())
            .collect();
        names.into_iter().collect::<Vec<_>>()
    };
    let told = |names: &[&str], why: &str| {
        let finding = Finding::info(Code::TargetNotArchived, format!("{why}: {}", some(names)))
            .hint("name the scheme or the target to judge it")
            .remedy(Remedy::NameScheme);
        (!names.is_empty()).then_some(finding)
    };
    let not_archived = told(
        &others(false),
        "targets that are not part of the archive are not judged",
    );
    let unprepared = told(
        &others(true),
        "targets of applications for which no profile is here, and which ask for none, are not judged",
    );
    not_archived.into_iter().chain(unprepared).collect()
}

/// The names, or as many as fit.
fn some(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().copied().take(NAMED).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
