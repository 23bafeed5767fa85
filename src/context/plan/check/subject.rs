//! What a check looks at.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::base::ids::TargetName;
use crate::context::plan::available::Available;
use crate::context::plan::judged::Judged;
use crate::context::plan::request::Request;
use crate::context::plan::row::Row;
use crate::xcode::product_type::ProductKind;
use crate::xcode::targets::{Embedder, EntitlementLines, SigningStyle, SigningTarget};

/// All targets, and what they are judged against.
pub(super) struct Scene<'s, 'a> {
    pub(super) request: &'s Request<'a>,
    pub(super) available: &'s Available<'a>,
    /// Every target, in the order of the request, with its row of the plan; none where it needs no profile.
    pub(super) subjects: Vec<(&'a SigningTarget, Option<&'s Row<'a>>)>,
    pub(super) lines: RefCell<EntitlementLines<'a>>,
    /// Places in `subjects`.
    by_name: HashMap<&'a TargetName, Vec<usize>>,
    judged: &'s Judged,
    /// The configurations and products of which judged targets are signed manually.
    manual: HashSet<(&'a str, u32)>,
}

/// One target, with all that it is judged against.
pub(super) struct Subject<'s, 'a> {
    pub(super) target: &'a SigningTarget,
    /// Its row of the plan; none where it needs no profile.
    pub(super) row: Option<&'s Row<'a>>,
    pub(super) scene: &'s Scene<'s, 'a>,
    /// Whether its specifier is complained about together with those of others.
    pub(super) specifier_is_shared: bool,
}

impl<'s, 'a> Scene<'s, 'a> {
    pub(super) fn new(
        rows: &'s [Row<'a>],
        request: &'s Request<'a>,
        available: &'s Available<'a>,
        judged: &'s Judged,
    ) -> Self {
        // Rows are in the order of the targets.
        let mut rest = rows.iter().peekable();
        let subjects: Vec<_> = request
            .targets
            .iter()
            .map(|target| (target, rest.next_if(|row| std::ptr::eq(row.target, target))))
            .collect();
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for (place, target) in request.targets.iter().enumerate() {
            by_name.entry(&target.target).or_default().push(place);
        }
        let mut scene = Self {
            request,
            available,
            subjects,
            lines: RefCell::new(EntitlementLines::new(request.sources)),
            by_name,
            judged,
            manual: HashSet::new(),
        };
        scene.manual = rows
            .iter()
            .filter(|row| scene.is_judged(row.target))
            .filter(|row| row.target.style.value == SigningStyle::Manual)
            .flat_map(|row| products_of(row.target))
            .collect();
        scene
    }

    /// Whether what is wrong with a target matters: an archive holds it, or somebody means it.
    pub(super) fn is_judged(&self, target: &SigningTarget) -> bool {
        self.judged.has(target, self.available)
    }

    /// The targets that need a profile, with their positions among all, as far as they are judged and their settings known.
    pub(super) fn judged_rows(&self) -> impl Iterator<Item = (usize, &'s Row<'a>)> {
        let numbered = self.subjects.iter().enumerate();
        numbered.filter_map(|(at, (target, row))| {
            let row = (*row)?;
            (self.is_judged(target) && !target.lacks_settings).then_some((at, row))
        })
    }

    /// Whether targets of its configuration and of its product are signed manually. Each product is signed for itself.
    pub(super) fn others_are_manual(&self, target: &SigningTarget) -> bool {
        products_of(target).any(|product| self.manual.contains(&product))
    }

    /// The targets of this name in the configuration of `of`, those of its own project and platform first.
    pub(super) fn named(
        &self,
        name: &TargetName,
        of: &SigningTarget,
    ) -> impl Iterator<Item = &'a SigningTarget> {
        self.rows_named(name, of).map(|(target, _)| target)
    }

    /// The same with their rows of the plan.
    fn rows_named(
        &self,
        name: &TargetName,
        of: &SigningTarget,
    ) -> impl Iterator<Item = (&'a SigningTarget, Option<&'s Row<'a>>)> {
        let places = self.by_name.get(name).map(Vec::as_slice);
        let places = places.unwrap_or_default().iter();
        let mut found: Vec<_> = places
            .filter_map(|place| self.subjects.get(*place).copied())
            .filter(|(target, _)| target.configuration == of.configuration)
            .collect();
        found.sort_by_key(|(target, _)| {
            (target.project != of.project, target.platform != of.platform)
        });
        found.into_iter()
    }

    /// The applications that copy the product of `target` into their own where they are built for its platform, or an iPhone app its
    /// watch app; with their rows of the plan, in the project's order.
    pub(super) fn embedders<'t>(
        &'t self,
        target: &'t SigningTarget,
    ) -> impl Iterator<Item = (&'t Embedder, &'a SigningTarget, Option<&'s Row<'a>>)> {
        let embedders = target.embedded_in.iter();
        embedders.filter_map(move |embedder| {
            let mut named = self.rows_named(&embedder.target, target);
            let (host, row) = named.find(|(host, _)| {
                let is_application =
                    matches!(host.kind, ProductKind::Application | ProductKind::AppClip);
                is_application
                    && host.project == embedder.project
                    && host.platform.may_hold(target.platform)
                    && embedder.is_for(host.platform)
            })?;
            Some((embedder, host, row))
        })
    }
}

/// The products that a target is part of, each in its configuration.
fn products_of(target: &SigningTarget) -> impl Iterator<Item = (&str, u32)> {
    let configuration = target.configuration.as_str();
    target
        .part_of
        .iter()
        .map(move |product| (configuration, *product))
}
