//! A built product against its signing context: is what was built what was planned and pinned?
//!
//! The verifier ([`verify`](crate::apple::code_signature::verify)) says whether a product is what somebody signed. Here it is asked whether that somebody was
//! meant, with what was meant: each embedded profile is a pinned file and the one that is planned for its target, the
//! certificate is the planned one and of a kind that goes where the product goes, what is claimed is granted, and
//! everything that is planned is there and nothing else.
//!
//! Only what the verifier clears can pass: [`Judgement::evidence`] gives the [`VerifiedProduct`] back where nothing blocks
//! here either. Where the verifier blocks, the context's findings are told all the same: whoever mends one thing should
//! not learn of the next only then.
//!
//! Pure: the product is read through [`Product`], everything else is an argument.
//!
//! - `part`: each piece of code with what is known of it, and what is planned for it
//! - `plan`: what is planned, from a manifest or from projects
//! - one file for each check: `profiles`, `certificates`, `destination`, `teams`, `claims`, `notarization`, `coverage`

mod certificates;
mod claims;
mod coverage;
mod destination;
mod notarization;
mod part;
mod plan;
mod profiles;
mod teams;

use jiff::Timestamp;

pub use plan::Planned;

use self::part::Scene;
use super::manifest::Manifest;
use super::policy::Policy;
use crate::apple::code_signature::product::Product;
use crate::apple::code_signature::verify::{Report, VerifiedProduct};
use crate::apple::profile::ProfileKind;
use crate::apple::signed_message::Verifier;
use crate::base::finding::{self, Finding};

/// What a product is held against.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What is pinned.
    pub manifest: &'a Manifest,
    /// What is planned.
    pub planned: &'a [Planned<'a>],
    /// Where the product goes, if somebody says so. An archive goes where its plan says.
    pub destination: Option<ProfileKind>,
    /// The policy in force.
    pub policy: &'a Policy,
    /// What proves profiles.
    pub verifier: &'a Verifier,
    /// Now.
    pub now: Timestamp,
}

/// What was found of a product.
#[derive(Debug)]
pub struct Judgement {
    verified: Result<VerifiedProduct, Box<Report>>,
    /// What is not as it was planned or pinned; places are paths in the product.
    pub findings: Vec<Finding>,
    /// Where the product goes, as far as that is known.
    pub destination: Option<ProfileKind>,
    /// For each piece of code the target or product that it was planned as.
    pub planned_as: Vec<Option<String>>,
}

impl Judgement {
    /// The verifier's report.
    pub fn report(&self) -> &Report {
        match &self.verified {
            Ok(verified) => verified.report(),
            Err(report) => report,
        }
    }

    /// The product, if it is what was signed and what was planned.
    pub fn evidence(&self) -> Option<&VerifiedProduct> {
        let verified = self.verified.as_ref().ok()?;
        (!finding::any_blocks(&self.findings)).then_some(verified)
    }
}

/// Holds a product against its context. `report` is what the verifier says of it.
pub fn judge(product: &dyn Product, report: Report, context: &Context<'_>) -> Judgement {
    let scene = Scene::new(product, &report, context);
    let mut findings = Vec::new();
    findings.extend(coverage::no_plan(&scene));
    for part in &scene.parts {
        findings.extend(profiles::check(part, &scene));
        findings.extend(certificates::check(part, &scene));
        findings.extend(destination::check(part, &scene));
        findings.extend(teams::check(part, &scene));
        findings.extend(claims::check(part, &scene));
        findings.extend(notarization::check(part));
        findings.extend(coverage::unplanned(part, &scene));
    }
    findings.extend(coverage::missing(&scene));
    finding::sort(&mut findings);
    finding::distinct(&mut findings);
    let planned_as = scene.parts.iter().map(part::Part::planned_as).collect();
    let destination = scene.parts.iter().find_map(|part| part.destination);
    Judgement {
        findings,
        destination,
        planned_as,
        verified: VerifiedProduct::of(report),
    }
}
