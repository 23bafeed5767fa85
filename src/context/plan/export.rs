//! Handing the plan back to Xcode without touching the project.
//!
//! `xcodebuild` takes settings on its command line, and those count for every target; one
//! `PROVISIONING_PROFILE_SPECIFIER` there is the classic way to break every extension. The way out is a setting that
//! names another setting by the target's own bundle id:
//! `PROVISIONING_PROFILE_SPECIFIER=$(CSN_$(PLATFORM_NAME)_$(PRODUCT_BUNDLE_IDENTIFIER:c99extidentifier))`, and one
//! `CSN_…` for each. Exports always name profiles by UUID and certificates by SHA-1, never by name.

use std::collections::BTreeMap;

use super::row::{Plan, Row};
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};
use crate::base::ids::{CertSha1, TeamId};
use crate::base::remedy::Remedy;
use crate::xcode::export_options::{ExportMethod, ExportOptions};
use crate::xcode::targets::SigningStyle;

/// Build settings, in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSettings(pub Vec<(String, String)>);

/// Why a plan cannot be handed to one `xcodebuild` call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// A target has no profile.
    #[error("target {target} ({configuration}, {platform}) has no profile")]
    Unmapped {
        /// The target.
        target: String,
        /// The configuration.
        configuration: String,
        /// The platform.
        platform: String,
    },
    /// No target needs a profile.
    #[error("no selected target needs a profile")]
    Empty,
    /// Two configurations want different profiles for one bundle id.
    #[error("this selection signs {bundle_id} with {first} and with {second}")]
    Ambiguous {
        /// The bundle id.
        bundle_id: String,
        /// One profile.
        first: String,
        /// The other.
        second: String,
    },
    /// Two bundle ids become one setting name.
    #[error("the bundle ids {first} and {second} become the same setting name")]
    Collision {
        /// One bundle id.
        first: String,
        /// The other.
        second: String,
    },
    /// Several kinds: an archive and an ad-hoc export do not take each other's profiles.
    #[error("the selection holds profiles for {first} and for {second}")]
    Kinds {
        /// One kind.
        first: ProfileKind,
        /// The other.
        second: ProfileKind,
    },
    /// Several teams.
    #[error("the selection spans the teams {0}")]
    Teams(String),
}

impl ExportError {
    /// What is not right with the plan, and what to do about it.
    pub fn finding(&self) -> Finding {
        let code = match self {
            Self::Unmapped { .. } => Code::TargetUnmapped,
            _ => Code::PlanNotExportable,
        };
        let finding = Finding::block(code, self.to_string());
        match self {
            Self::Unmapped { target, .. } => finding
                .of_target(target)
                .hint("check what the target asks for and which profiles exist")
                .remedy(Remedy::CheckTargets),
            Self::Empty => finding
                .hint("select a target that needs a profile")
                .remedy(Remedy::NameTarget),
            Self::Ambiguous { .. } => finding
                .hint("select one configuration")
                .remedy(Remedy::NameConfiguration),
            Self::Collision { .. } => {
                finding.hint("set the profiles of both targets in the project")
            }
            Self::Kinds { .. } => finding.hint("select one kind").remedy(Remedy::NameKind),
            Self::Teams(_) => finding
                .hint("export the targets of each team separately")
                .remedy(Remedy::NameTarget),
        }
    }
}

/// Whether an export mends what the finding speaks of: style, team, identity and specifier are settings that it replaces on the
/// command line. An export in spite of other findings would fail in the build, or sign with something else.
pub fn is_mended_by_export(finding: &Finding) -> bool {
    matches!(
        finding.code,
        Code::SigningStyleMixed
            | Code::SpecifierShared
            | Code::SpecifierNotSupported
            | Code::TargetProfileStale
            | Code::IdentityStyleConflict
            | Code::AutomaticSigningUnusable
            | Code::DevelopmentTeamMissing
    )
}

/// The rows that are exported: all, but for test bundles that have no profile.
fn signed<'a>(plan: &'a Plan<'_>) -> impl Iterator<Item = &'a Row<'a>> {
    plan.rows
        .iter()
        .filter(|row| row.choice.is_some() || !row.is_beside_the_archive())
}

/// The export options that sign every product of the plan with its planned profile.
///
/// # Errors
/// The plan is incomplete, spans several teams or kinds, or wants two profiles for one bundle id.
pub fn export_options(plan: &Plan<'_>) -> Result<ExportOptions, ExportError> {
    let mut options: Option<ExportOptions> = None;
    let mut kind: Option<ProfileKind> = None;
    for row in signed(plan).filter(|row| !row.is_beside_the_archive()) {
        let (_, entry, team) = entry(row)?;
        let (Some(choice), Some(bundle_id)) = (row.choice, &row.target.bundle_id) else {
            continue;
        };
        let profile = choice.profile;
        if let Some(known) = kind
            && known != profile.kind
        {
            return Err(ExportError::Kinds {
                first: known,
                second: profile.kind,
            });
        }
        kind = Some(profile.kind);
        let options = options.get_or_insert_with(|| {
            let mut options = ExportOptions::new(method(profile.kind), SigningStyle::Manual);
            options.team_id = Some(team.clone());
            options.signing_certificate = Some(choice.certificate.sha1);
            options
        });
        if options.team_id.as_ref() != Some(team) {
            let teams = options
                .team_id
                .iter()
                .chain([team])
                .map(ToString::to_string);
            return Err(ExportError::Teams(teams.collect::<Vec<_>>().join(", ")));
        }
        if options.signing_certificate != Some(choice.certificate.sha1) {
            // One field for all: left out, Xcode takes the certificate that each profile embeds.
            options.signing_certificate = None;
        }
        let known = options
            .provisioning_profiles
            .insert(bundle_id.value.clone(), profile.uuid.clone());
        if let Some(known) = known.filter(|known| *known != profile.uuid) {
            return Err(ExportError::Ambiguous {
                bundle_id: entry.bundle_id.to_owned(),
                first: known.to_string(),
                second: profile.uuid.to_string(),
            });
        }
    }
    options.ok_or(ExportError::Empty)
}

fn method(kind: ProfileKind) -> ExportMethod {
    match kind {
        ProfileKind::Development => ExportMethod::Development,
        ProfileKind::AdHoc => ExportMethod::AdHoc,
        ProfileKind::AppStore => ExportMethod::AppStore,
        ProfileKind::Enterprise => ExportMethod::Enterprise,
        ProfileKind::DeveloperId => ExportMethod::DeveloperId,
    }
}

/// What each `CSN_…` setting stands for.
struct Entry<'a> {
    bundle_id: &'a str,
    profile: &'a str,
    certificate: CertSha1,
}

impl BuildSettings {
    /// The settings that sign every target as planned.
    ///
    /// # Errors
    /// The plan is incomplete, or one command line cannot say it.
    pub fn of(plan: &Plan<'_>) -> Result<Self, ExportError> {
        let mut entries: BTreeMap<String, Entry<'_>> = BTreeMap::new();
        let mut teams: Vec<&TeamId> = Vec::new();
        for row in signed(plan) {
            let (name, entry, team) = entry(row)?;
            match entries.get(&name) {
                Some(known) if known.bundle_id != entry.bundle_id => {
                    return Err(ExportError::Collision {
                        first: known.bundle_id.to_owned(),
                        second: entry.bundle_id.to_owned(),
                    });
                }
                Some(known) if known.profile != entry.profile => {
                    return Err(ExportError::Ambiguous {
                        bundle_id: entry.bundle_id.to_owned(),
                        first: known.profile.to_owned(),
                        second: entry.profile.to_owned(),
                    });
                }
                _ => {}
            }
            entries.insert(name, entry);
            if !teams.contains(&team) {
                teams.push(team);
            }
        }
        let team = match teams.as_slice() {
            [] => return Err(ExportError::Empty),
            [team] => *team,
            teams => {
                return Err(ExportError::Teams(
                    teams
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", "),
                ));
            }
        };
        let mut settings = vec![
            ("CODE_SIGN_STYLE".to_owned(), "Manual".to_owned()),
            ("DEVELOPMENT_TEAM".to_owned(), team.to_string()),
            (
                "PROVISIONING_PROFILE_SPECIFIER".to_owned(),
                "$(CSN_$(PLATFORM_NAME)_$(PRODUCT_BUNDLE_IDENTIFIER:c99extidentifier))".to_owned(),
            ),
        ];
        let sha1 = |certificate: &CertSha1| certificate.to_string().to_ascii_uppercase();
        let mut certificates: Vec<CertSha1> =
            entries.values().map(|entry| entry.certificate).collect();
        certificates.sort();
        certificates.dedup();
        match certificates.as_slice() {
            // Frameworks and other targets without a profile are signed with it too.
            [only] => settings.push(("CODE_SIGN_IDENTITY".to_owned(), sha1(only))),
            _ => {
                settings.push((
                    "CODE_SIGN_IDENTITY".to_owned(),
                    "$(CSN_IDENTITY_$(PLATFORM_NAME)_$(PRODUCT_BUNDLE_IDENTIFIER:c99extidentifier))".to_owned(),
                ));
                for (name, entry) in &entries {
                    settings.push((
                        name.replacen("CSN_", "CSN_IDENTITY_", 1),
                        sha1(&entry.certificate),
                    ));
                }
            }
        }
        settings.extend(
            entries
                .iter()
                .map(|(name, entry)| (name.clone(), entry.profile.to_owned())),
        );
        Ok(Self(settings))
    }

    /// One argument a line, as `xcodebuild $(countersign targets export --as xcargs)` takes them: no value holds a
    /// blank, and a shell does not expand `$(…)` again in what a substitution gave.
    pub fn as_arguments(&self) -> String {
        self.0
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect()
    }

    /// A configuration file for `xcodebuild -xcconfig`.
    pub fn as_xcconfig(&self) -> String {
        let lines: String = self
            .0
            .iter()
            .map(|(name, value)| format!("{name} = {value}\n"))
            .collect();
        format!("// Written from the frozen manifest: use with `xcodebuild -xcconfig`.\n{lines}")
    }
}

fn entry<'a>(row: &'a Row<'_>) -> Result<(String, Entry<'a>, &'a TeamId), ExportError> {
    let target = row.target;
    let (Some(choice), Some(bundle_id)) = (&row.choice, &target.bundle_id) else {
        return Err(ExportError::Unmapped {
            target: target.target.to_string(),
            configuration: target.configuration.to_string(),
            platform: target.platform.to_string(),
        });
    };
    let bundle_id = bundle_id.value.as_str();
    // A UI-test runner is signed as `ID.xctrunner`, while its PRODUCT_BUNDLE_IDENTIFIER is `ID`.
    let product_bundle_id = bundle_id.strip_suffix(".xctrunner").unwrap_or(bundle_id);
    let name = format!(
        "CSN_{}_{}",
        target.platform.sdk_name(),
        c99_identifier(product_bundle_id)
    );
    let entry = Entry {
        bundle_id,
        profile: choice.profile.uuid.as_str(),
        certificate: choice.certificate.sha1,
    };
    Ok((name, entry, &choice.profile.team_id))
}

/// What `:c99extidentifier` makes of a bundle id: every character that a C identifier cannot hold becomes `_`.
fn c99_identifier(bundle_id: &str) -> String {
    bundle_id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect()
}
