//! Products, held against manifest, plan and policy.

use std::path::PathBuf;

use jiff::Timestamp;

use super::document::{ProductDocument, ShownProduct};
use super::open;
use crate::apple::code_signature::verify;
use crate::apple::profile::ProfileKind;
use crate::apple::signed_message::Verifier;
use crate::base::finding::Finding;
use crate::base::ids::ConfigurationName;
use crate::context::evidence::{self, Context, Planned};
use crate::context::manifest::Manifest;
use crate::context::policy::Policy;
use crate::ops::error::Failure;
use crate::ops::report::ManifestName;
use crate::ops::target_selection::{self, TargetSelection};
use crate::ops::world::World;

/// What is held against the manifest.
#[derive(Debug, Clone, Default)]
pub struct CheckRequest {
    /// The products.
    pub paths: Vec<PathBuf>,
    /// The projects that plan them; without one the manifest tells what is planned.
    pub selection: TargetSelection,
    /// Where they go, if somebody says so.
    pub destination: Option<ProfileKind>,
}

/// Whether products are what was planned and pinned, and what was signed.
///
/// # Errors
/// The manifest or a project cannot be read, the policy cannot be used, or a product cannot be looked at.
pub fn check(request: &CheckRequest, world: &World) -> Result<ProductDocument, Failure> {
    let (manifest, _) = world.manifest()?;
    if request.selection.projects.is_empty() {
        let policy = world.policy_or_defaults()?;
        let configurations = &request.selection.configurations;
        let built = Built {
            manifest: &manifest,
            policy: &policy,
            configurations,
            destination: request.destination,
            now: world.now,
        };
        return check_built(&request.paths, &built, world);
    }
    let targets = target_selection::planned(&request.selection, world)?;
    let judgement = targets.judgement();
    let planned = Planned::of_plan(&judgement.plan, &manifest);
    let findings = targets.findings.iter().chain(&judgement.findings);
    let against = Against {
        manifest: &manifest,
        policy: &targets.policy,
        planned: &planned,
        destination: request.destination,
        now: world.now,
    };
    hold(&request.paths, &against, findings.cloned().collect(), world)
}

/// What products are held against that no project describes here: the manifest tells what is planned.
#[derive(Clone, Copy)]
pub struct Built<'a> {
    /// What is pinned and planned.
    pub manifest: &'a Manifest,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Only what is planned in these configurations; none: in all.
    pub configurations: &'a [ConfigurationName],
    /// Where they go, if somebody says so.
    pub destination: Option<ProfileKind>,
    /// Now.
    pub now: Timestamp,
}

/// The same against a manifest that is at hand.
///
/// # Errors
/// An anchor file of the policy cannot be used, or a product cannot be looked at.
pub fn check_built(
    paths: &[PathBuf],
    built: &Built<'_>,
    world: &World,
) -> Result<ProductDocument, Failure> {
    let planned = Planned::of_manifest(built.manifest, built.configurations);
    let against = Against {
        manifest: built.manifest,
        policy: built.policy,
        planned: &planned,
        destination: built.destination,
        now: built.now,
    };
    hold(paths, &against, Vec::new(), world)
}

struct Against<'a> {
    manifest: &'a Manifest,
    policy: &'a Policy,
    planned: &'a [Planned<'a>],
    destination: Option<ProfileKind>,
    now: Timestamp,
}

fn hold(
    paths: &[PathBuf],
    against: &Against<'_>,
    mut findings: Vec<Finding>,
    world: &World,
) -> Result<ProductDocument, Failure> {
    let verifier = Verifier::new(world.anchors(against.policy)?);
    let context = Context {
        manifest: against.manifest,
        planned: against.planned,
        destination: against.destination,
        policy: against.policy,
        verifier: &verifier,
        now: against.now,
    };
    let mut products = Vec::new();
    for path in paths {
        let opened = open::open(path)?;
        let report = verify::verify(&*opened.product, &verifier, against.now);
        let judgement = evidence::judge(&*opened.product, report, &context);
        let (shown, mut found) = ShownProduct::of(&opened, judgement.report());
        let of_context = judgement.findings.iter().cloned();
        let of_context: Vec<Finding> = of_context.map(|it| opened.placed(it)).collect();
        products.push(shown.held_against(&judgement, &of_context, opened.digest()?));
        findings.append(&mut found);
        findings.extend(of_context);
    }
    let mut document = ProductDocument::of(products, findings);
    document.manifest = Some(ManifestName::from(against.manifest));
    Ok(document)
}
