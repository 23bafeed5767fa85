//! What is not right between what targets ask for and what there is: the *targets* findings.
//!
//! [`CHECKS`] is the table of all that is asked about one target, [`TOGETHER`] of all that is asked about many at once. Each
//! check has a file of its own, which begins with what goes wrong in Xcode, and where that is known from. A check is a
//! function of values. It gives findings of the codes that its row names, and each code has a heading in
//! `docs/findings.md`. Each has a test that blocks and one that clears in `tests/targets`.
//!
//! To add one: write its file, add a row here, its code in `base/finding.rs`, its heading, and its two tests. Think of the
//! projects that ship and look like a mistake: whoever is blocked falsely switches the gate off.

mod app_groups;
mod automatic;
mod bundle_prefix;
mod certificate;
mod debugging;
mod embedded_certificate;
mod entitlements;
mod environment;
mod given;
mod grouped;
mod identity_allowed;
mod identity_profile;
mod identity_style;
mod key;
mod kind;
mod managed;
mod pinned;
mod place;
mod requested;
mod restricted_tool;
mod shared;
mod style;
mod subject;
mod team;
mod unmapped;
mod unsigned;
mod unsupported;
mod unwritten;

use super::available::Available;
use super::judged::Judged;
use super::request::Request;
use super::row::Row;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::xcode::targets::SigningTarget;

use shared::SharedSpecifiers;
use subject::{Scene, Subject};

/// A question about one target.
struct Check {
    /// The codes of its findings.
    codes: &'static [Code],
    /// What is not right with the target.
    judge: fn(&Subject<'_, '_>) -> Vec<Finding>,
}

/// A question about all targets together.
struct Together {
    /// The codes of its findings.
    codes: &'static [Code],
    /// What is not right with them.
    judge: fn(&Scene<'_, '_>) -> Vec<Finding>,
}

/// What is asked about each target, in this order.
const CHECKS: &[Check] = &[
    Check {
        codes: &[Code::TargetUnsigned],
        judge: |it| listed(unsigned::unsigned(it.target, it.scene.available)),
    },
    Check {
        codes: &[Code::SigningStyleMixed],
        judge: |it| listed(style_of(it.scene, it.row)),
    },
    Check {
        codes: &[
            Code::TargetUnmapped,
            Code::TargetProfileStale,
            Code::TargetTeamMismatch,
            Code::TargetBundleMismatch,
            Code::TargetPlatformMismatch,
            Code::TargetKindMismatch,
        ],
        judge: |it| listed(profile(it)),
    },
    Check {
        codes: &[Code::TargetKindMismatch],
        judge: |it| {
            chosen(it, |row, choice| {
                kind::kind(row, choice, it.scene.available)
            })
        },
    },
    Check {
        codes: &[
            Code::TargetBundleMismatch,
            Code::TargetPlatformMismatch,
            Code::TargetTeamMismatch,
        ],
        judge: |it| chosen(it, given::given),
    },
    Check {
        codes: &[Code::IdentityNotAllowed],
        judge: |it| listed(identity_allowed::identity_allowed(it)),
    },
    Check {
        codes: &[Code::IdentityProfileConflict],
        judge: |it| chosen(it, identity_profile::identity_profile),
    },
    Check {
        codes: &[Code::ProfileXcodeManaged],
        judge: |it| chosen(it, managed::managed),
    },
    Check {
        codes: &[Code::CertificateNotInProfile],
        judge: |it| chosen(it, certificate::certificate),
    },
    Check {
        codes: &[Code::EmbeddedCertificateDiffers],
        judge: |it| listed(embedded_certificate::embedded_certificate(it)),
    },
    Check {
        codes: &[Code::EntitlementNotGranted],
        judge: |it| match it.row.and_then(|row| Some((row, row.choice.as_ref()?))) {
            Some((row, choice)) => {
                entitlements::entitlements(row, choice, &mut it.scene.lines.borrow_mut())
            }
            None => Vec::new(),
        },
    },
    Check {
        codes: &[Code::EntitlementNeedsProfile],
        judge: |it| restricted_tool::restricted_tool(it.target, &mut it.scene.lines.borrow_mut()),
    },
    Check {
        codes: &[Code::AppGroupNotProvisioned],
        judge: |it| listed(app_groups::app_groups(it)),
    },
    Check {
        codes: &[Code::DebuggingAllowed],
        judge: |it| listed(debugging::debugging(it)),
    },
    Check {
        codes: &[Code::EnvironmentForDevelopment],
        judge: |it| listed(environment::environment(it)),
    },
    Check {
        codes: &[Code::BundleIdNotPrefixed],
        judge: |it| listed(bundle_prefix::bundle_prefix(it)),
    },
    Check {
        codes: &[
            Code::TargetUnmapped,
            Code::TargetBundleMismatch,
            Code::TargetProfileStale,
        ],
        judge: |it| {
            listed(
                it.row
                    .and_then(|row| pinned::pinned(row, it.scene.available)),
            )
        },
    },
];

/// What is asked about all targets together: one cause in a line that many share is told once.
const TOGETHER: &[Together] = &[
    Together {
        codes: &[Code::TargetUnmapped],
        judge: |scene| given::missing_overrides(scene.request, &scene.available.profiles),
    },
    Together {
        codes: &[Code::SpecifierNotSupported],
        judge: unsupported::unsupported,
    },
    Together {
        codes: &[Code::IdentityStyleConflict],
        judge: |scene| identity_style::identity_style(scene, |row| style_of(scene, row).is_some()),
    },
    Together {
        codes: &[Code::AutomaticSigningUnusable],
        // Whoever is told of the style needs no more.
        judge: |scene| automatic::automatic(scene, |row| style_of(scene, row).is_some()),
    },
    Together {
        codes: &[Code::IdentityMissing],
        judge: key::key,
    },
    Together {
        codes: &[Code::SpecifierMissing],
        judge: unwritten::no_specifier,
    },
    Together {
        codes: &[Code::IdentityProfileConflict],
        judge: unwritten::default_identity,
    },
    Together {
        codes: &[Code::DevelopmentTeamMissing],
        judge: team::team,
    },
];

/// Judges every target, and the targets among each other.
pub(super) fn check(
    rows: &[Row<'_>],
    request: &Request<'_>,
    available: &Available<'_>,
    judged: &Judged,
) -> Vec<Finding> {
    let scene = Scene::new(rows, request, available, judged);
    let shared = SharedSpecifiers::among(scene.judged_rows(), &available.profiles);
    let mut findings = shared.findings;
    for check in TOGETHER {
        let found = (check.judge)(&scene);
        debug_assert!(found.iter().all(|it| check.codes.contains(&it.code)));
        findings.extend(found);
    }
    for (at, (target, row)) in scene.subjects.iter().enumerate() {
        let subject = Subject {
            target,
            row: *row,
            scene: &scene,
            specifier_is_shared: shared.rows.contains(&at),
        };
        for check in CHECKS {
            let mut found = (check.judge)(&subject);
            debug_assert!(found.iter().all(|it| check.codes.contains(&it.code)));
            if !scene.is_judged(target) || target.lacks_settings {
                for finding in &mut found {
                    finding.severity = Severity::Info;
                }
            }
            findings.extend(found);
        }
    }
    findings
}

fn style_of(scene: &Scene<'_, '_>, row: Option<&Row<'_>>) -> Option<Finding> {
    let row = row?;
    style::style(row, scene.others_are_manual(row.target))
}

/// The profile that a target asks for, or that it has none.
fn profile(it: &Subject<'_, '_>) -> Option<Finding> {
    let row = it.row?;
    let available = it.scene.available;
    let finding = match row.target.requested_profile() {
        _ if it.specifier_is_shared => None,
        Some(requested) => requested::requested(row, requested, available),
        None if row.choice.is_none() => {
            let lines = &mut it.scene.lines.borrow_mut();
            Some(unmapped::unmapped(row, available, lines))
        }
        None => None,
    };
    finding.map(|finding| of_one_platform(it, finding))
}

/// A target of several platforms is archived for one of them. Where nothing is at hand for this one, perhaps it is not meant.
fn of_one_platform(it: &Subject<'_, '_>, mut finding: Finding) -> Finding {
    let is_of_platform =
        [Code::TargetPlatformMismatch, Code::TargetUnmapped].contains(&finding.code);
    let mut same = it.scene.named(&it.target.target, it.target);
    let is_other = |other: &&SigningTarget| {
        other.project == it.target.project && other.platform != it.target.platform
    };
    let Some(other) = same.find(is_other).filter(|_| is_of_platform) else {
        return finding;
    };
    let hint = finding.hint.take().unwrap_or_default();
    finding.hint = Some(format!(
        "{hint}; if you archive for another platform than {}, as for {}, name its SDK",
        it.target.platform, other.platform
    ));
    finding.remedy = Some(Remedy::NamePlatform {
        sdk: other.platform.sdk_name(),
    });
    finding
}

/// What a check says of a target that has a profile.
fn chosen(
    it: &Subject<'_, '_>,
    judge: impl Fn(&Row<'_>, &super::row::Choice<'_>) -> Option<Finding>,
) -> Vec<Finding> {
    let row_and_choice = it.row.and_then(|row| Some((row, row.choice.as_ref()?)));
    listed(row_and_choice.and_then(|(row, choice)| judge(row, choice)))
}

fn listed(finding: Option<Finding>) -> Vec<Finding> {
    finding.into_iter().collect()
}
