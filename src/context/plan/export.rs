//! Handing the plan back to Xcode without touching the project.
//!
//! `xcodebuild` takes settings on its command line, and those count for every target; one
//! `PROVISIONING_PROFILE_SPECIFIER` there is the classic way to break every extension. The way out is a setting that
//! names another setting by the target's own bundle id:
//! `PROVISIONING_PROFILE_SPECIFIER=$(CSN_$(PLATFORM_NAME)_$(PRODUCT_BUNDLE_IDENTIFIER:c99extidentifier))`, and one
//! `CSN_…` for each. Exports always name profiles by UUID and certificates by SHA-1, never by name. What is exported is fed
//! back through the resolver before it is handed out ([`reached`]).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use super::options;
use super::row::{Choice, Plan, Row};
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};
use crate::base::ids::{CertSha1, TeamId};
use crate::base::remedy::Remedy;
use crate::base::shell;
use crate::xcode::export_options::{ExportOptions, InstallerCertificate};
use crate::xcode::platform::Platform;
use crate::xcode::settings::c99_identifier;
use crate::xcode::targets::{ProfileRequest, SigningStyle, SigningTarget};

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
    /// A profile or its certificate has expired.
    #[error("target {target} would be signed with {what}, which expired {when}")]
    Expired {
        /// The target.
        target: String,
        /// `profile "App Store" (UUID)` or `certificate "Apple Distribution: …"`.
        what: String,
        /// When, RFC 3339.
        when: String,
        /// Whether it is the profile.
        is_profile: bool,
    },
    /// Fed back through the resolver, a target comes out otherwise than planned.
    #[error("with these settings target {target} ({configuration}, {platform}) {problem}")]
    NotReached {
        /// The target.
        target: String,
        /// The configuration.
        configuration: String,
        /// The platform.
        platform: String,
        /// What is otherwise, a sentence that goes on from the target's name.
        problem: String,
    },
    /// Two platforms want different profiles for one bundle id.
    #[error(
        "this selection signs {bundle_id} with {first} and, on another platform, with {second}"
    )]
    Platforms {
        /// The bundle id.
        bundle_id: String,
        /// One profile.
        first: String,
        /// The other.
        second: String,
    },
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
            Self::Expired {
                is_profile: true, ..
            } => Code::ProfileExpired,
            Self::Expired { .. } => Code::CertificateExpired,
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
            Self::Expired {
                target, is_profile, ..
            } => finding.of_target(target).hint(match is_profile {
                true => "renew the profile, install it, and freeze again: Xcode does not sign with an expired one",
                false => "use a profile of a certificate that is valid: Xcode does not sign with an expired one",
            }),
            Self::NotReached { target, .. } => finding.of_target(target).hint(
                "set PRODUCT_BUNDLE_IDENTIFIER of the target in the project, where a setting of the command line can refer \
                 to it, or set its profile there",
            ),
            Self::Platforms { .. } => finding.hint("export once for each platform: name its SDK"),
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
            | Code::IdentityNotAllowed
            | Code::IdentityProfileConflict
            | Code::AutomaticSigningUnusable
            | Code::DevelopmentTeamMissing
    )
}

/// The rows that are exported: what the archive holds, and test bundles that have a profile. What another archive holds is
/// built by another call, with settings of its own.
fn signed<'a>(plan: &'a Plan<'_>) -> impl Iterator<Item = &'a Row<'a>> {
    plan.rows
        .iter()
        .filter(|row| match row.target.kind.is_test() {
            true => row.choice.is_some(),
            false => row.is_judged,
        })
}

/// That the plan is of one kind, and that nothing in it has expired at `now`: whatever the form, Xcode takes nothing else.
///
/// # Errors
/// It is not so.
pub fn exportable(plan: &Plan<'_>, now: jiff::Timestamp) -> Result<(), ExportError> {
    let mut known: Option<ProfileKind> = None;
    for row in signed(plan) {
        let Some(choice) = row.choice else { continue };
        let (profile, certificate) = (choice.profile, choice.certificate);
        let expired = |what: String, when: jiff::Timestamp, is_profile| ExportError::Expired {
            target: row.target.target.to_string(),
            what,
            when: when.to_string(),
            is_profile,
        };
        if profile.expires <= now {
            let what = format!("profile {}", profile.title());
            return Err(expired(what, profile.expires, true));
        }
        if certificate.expires <= now {
            let what = format!("certificate {:?}", certificate.common_name);
            return Err(expired(what, certificate.expires, false));
        }
        if row.is_beside_the_archive() {
            continue;
        }
        match known {
            Some(first) if first != profile.kind => {
                return Err(ExportError::Kinds {
                    first,
                    second: profile.kind,
                });
            }
            _ => known = Some(profile.kind),
        }
    }
    Ok(())
}

/// The export options that sign every product of the plan with its planned profile.
///
/// # Errors
/// The plan is incomplete, spans several teams, or wants two profiles for one bundle id.
pub fn export_options(plan: &Plan<'_>) -> Result<ExportOptions, ExportError> {
    let mut options: Option<ExportOptions> = None;
    let mut on: BTreeMap<&str, &SigningTarget> = BTreeMap::new();
    let archived = || signed(plan).filter(|row| !row.is_beside_the_archive());
    for row in archived() {
        let (_, entry, team) = entry(row, SettingKey::BundleId)?;
        let (Some(choice), Some(bundle_id)) = (row.choice, &row.target.bundle_id) else {
            continue;
        };
        let profile = choice.profile;
        let options = options.get_or_insert_with(|| {
            let method = options::method(profile.kind);
            let mut options = ExportOptions::new(method, SigningStyle::Manual);
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
        if profile.kind == ProfileKind::AppStore && row.target.platform.is_mac() {
            // The upload is a package, which another certificate signs.
            options.installer_signing_certificate =
                Some(InstallerCertificate::MacInstallerDistribution);
        }
        let known = options
            .provisioning_profiles
            .insert(bundle_id.value.clone(), profile.uuid.clone());
        let before = on.insert(entry.bundle_id, row.target);
        if let Some(known) = known.filter(|known| *known != profile.uuid) {
            let (bundle_id, first, second) = (
                entry.bundle_id.to_owned(),
                known.to_string(),
                profile.uuid.to_string(),
            );
            let is_platform = before.is_some_and(|other| other.platform != row.target.platform);
            return Err(match is_platform {
                true => ExportError::Platforms {
                    bundle_id,
                    first,
                    second,
                },
                false => ExportError::Ambiguous {
                    bundle_id,
                    first,
                    second,
                },
            });
        }
    }
    let mut options = options.ok_or(ExportError::Empty)?;
    let rows: Vec<&Row<'_>> = archived().collect();
    options.icloud_container_environment = options::icloud_environment(options.method, &rows);
    options.distribution_bundle_identifier = options::distributed(options.method, &rows);
    Ok(options)
}

/// What the names of exported settings are made of, on the target's own side. The bundle id is what people read; the
/// target's name reaches where the bundle id stands in the Info.plist alone, or where a framework has its application's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKey {
    /// `PRODUCT_BUNDLE_IDENTIFIER`.
    BundleId,
    /// `TARGET_NAME`.
    Target,
}

impl SettingKey {
    /// The reference to the setting whose name begins with `prefix`.
    fn reference(self, prefix: &str) -> String {
        let of = match self {
            Self::BundleId => "PRODUCT_BUNDLE_IDENTIFIER",
            Self::Target => "TARGET_NAME",
        };
        format!("$({prefix}_$(PLATFORM_NAME)_$({of}:c99extidentifier))")
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
    pub fn of(plan: &Plan<'_>, key: SettingKey) -> Result<Self, ExportError> {
        let mut entries: BTreeMap<String, Entry<'_>> = BTreeMap::new();
        let mut teams: Vec<&TeamId> = Vec::new();
        for row in signed(plan) {
            let (name, entry, team) = entry(row, key)?;
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
                key.reference("CSN"),
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
                    key.reference("CSN_IDENTITY"),
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

    /// One line of arguments, each quoted for a shell, which is how fastlane hands its `xcargs` on.
    pub fn as_shell_words(&self) -> String {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| shell::word(Path::new(&format!("{name}={value}"))))
            .collect();
        words.join(" ") + "\n"
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

fn entry<'a>(
    row: &'a Row<'_>,
    key: SettingKey,
) -> Result<(String, Entry<'a>, &'a TeamId), ExportError> {
    let target = row.target;
    let (Some(choice), Some(bundle_id)) = (&row.choice, &target.bundle_id) else {
        return Err(ExportError::Unmapped {
            target: target.target.to_string(),
            configuration: target.configuration.to_string(),
            platform: target.platform.to_string(),
        });
    };
    let bundle_id = bundle_id.value.as_str();
    let of = match key {
        SettingKey::BundleId => without_runner(bundle_id),
        SettingKey::Target => target.target.as_str(),
    };
    let name = format!("CSN_{}_{}", target.platform.sdk_name(), c99_identifier(of));
    let entry = Entry {
        bundle_id,
        profile: choice.profile.uuid.as_str(),
        certificate: choice.certificate.sha1,
    };
    Ok((name, entry, &choice.profile.team_id))
}

/// The setting behind a bundle id: a UI-test runner is signed as `ID.xctrunner`, while its PRODUCT_BUNDLE_IDENTIFIER is `ID`.
pub fn without_runner(bundle_id: &str) -> &str {
    bundle_id.strip_suffix(".xctrunner").unwrap_or(bundle_id)
}

/// Holds what the targets of the projects come out as, with the exported settings over everything, to the plan. `rows` are
/// all of them, also those that were not selected: a setting on the command line counts for every target that is built.
///
/// # Errors
/// The first target that comes out otherwise.
pub fn reached(plan: &Plan<'_>, rows: &[SigningTarget]) -> Result<(), ExportError> {
    let mut planned: HashMap<RowKey<'_>, Choice<'_>> = HashMap::new();
    // In a configuration that a target does not have it is built in its default one, with the profile of that.
    let mut own: HashSet<(&Path, &str, &str)> = HashSet::new();
    for row in signed(plan) {
        if let Some(choice) = row.choice {
            let target = row.target;
            planned.insert(key_of(target), choice);
            own.insert((
                &target.project,
                target.target.as_str(),
                choice.profile.uuid.as_str(),
            ));
        }
    }
    for found in rows.iter().filter(|found| found.signing_allowed) {
        let problem = match planned.remove(&key_of(found)) {
            Some(choice) => otherwise(found, &choice),
            None if found.part_of.is_empty() => None,
            None => foreign(found, &own),
        };
        if let Some(problem) = problem {
            return Err(not_reached(found, problem));
        }
    }
    let missing = signed(plan).find(|row| planned.contains_key(&key_of(row.target)));
    match missing {
        Some(row) => Err(not_reached(row.target, "is not found again".to_owned())),
        None => Ok(()),
    }
}

fn not_reached(target: &SigningTarget, problem: String) -> ExportError {
    ExportError::NotReached {
        target: target.target.to_string(),
        configuration: target.configuration.to_string(),
        platform: target.platform.to_string(),
        problem,
    }
}

/// That a target gets a profile that is planned for others alone, if it does.
fn foreign(found: &SigningTarget, own: &HashSet<(&Path, &str, &str)>) -> Option<String> {
    let ProfileRequest::Uuid(uuid) = &found.requested_profile()?.value else {
        return None;
    };
    let key = (&*found.project, found.target.as_str(), uuid.as_str());
    (!own.contains(&key)).then(|| format!("gets profile {uuid}, which is not for it"))
}

type RowKey<'a> = (&'a Path, &'a str, &'a str, Platform);

fn key_of(target: &SigningTarget) -> RowKey<'_> {
    (
        &target.project,
        target.target.as_str(),
        target.configuration.as_str(),
        target.platform,
    )
}

/// What of a target is otherwise than its choice, if anything is.
fn otherwise(found: &SigningTarget, choice: &Choice<'_>) -> Option<String> {
    match found.requested_profile().map(|profile| &profile.value) {
        Some(ProfileRequest::Uuid(uuid)) if *uuid == choice.profile.uuid => {}
        Some(other) => {
            return Some(format!(
                "gets profile {other} instead of {}",
                choice.profile.uuid
            ));
        }
        None => {
            return Some(format!(
                "gets no profile instead of {}",
                choice.profile.uuid
            ));
        }
    }
    if found.style.value != SigningStyle::Manual {
        return Some("stays automatically signed".to_owned());
    }
    let sha1 = choice.certificate.sha1;
    let identity = found.identity.as_ref().map(|identity| &*identity.value);
    if identity.and_then(|identity| identity.parse::<CertSha1>().ok()) != Some(sha1) {
        let identity = identity.unwrap_or("none");
        return Some(format!("gets identity {identity} instead of {sha1}"));
    }
    None
}
