//! `countersign profile`: show, list, install, prune.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::progress;
use super::report::{self, FAINT, Format, GOOD, STRONG};
use super::table::{keep_whole, plain, table};
use super::world::{World, exit_of};
use crate::apple::claims::Claims;
use crate::apple::entitlements::Entitlements;
use crate::apple::profile::{self, Fields, KindSource, Profile, ProfileKind};
use crate::apple::signer::{LayerProof, SignerRole, Verifier};
use crate::base::clock::show_duration;
use crate::base::error::Explain as _;
use crate::base::finding::{self, Code, Finding};
use crate::base::ids::FileSha256;
use crate::context::gate::facts::InstalledContent;
use crate::context::manifest::PinnedCertificate;
use crate::host::files::{self, ReadError};
use crate::host::profile_store::{self, Examined, Installed, PruneRules, Pruning};

/// What to do with profiles.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Decode and verify files: both signature layers, the chain, the signer's role.
    Show {
        /// Profiles, or directories of them.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// List what is installed, one line each.
    List,
    /// Install proven profiles under the names that Xcode gives them.
    Install {
        /// Profiles.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Remove installed profiles; pinned ones always stay.
    Prune {
        /// Remove expired ones.
        #[arg(long, required_unless_present = "unpinned")]
        expired: bool,
        /// Remove those that the manifest does not pin.
        #[arg(long)]
        unpinned: bool,
        /// Only say what would be removed.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs the command.
pub fn run(command: Command, world: &World) -> Result<Exit, Failure> {
    match command {
        Command::Show { files } => show(&files, world),
        Command::List => list(world),
        Command::Install { files } => install(&files, world),
        Command::Prune {
            expired,
            unpinned,
            dry_run,
        } => prune(PruneRules { expired, unpinned }, dry_run, world),
    }
}

/// The `countersign.profiles.v1` document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProfilesDocument {
    /// Always `countersign.profiles.v1`.
    #[schemars(extend("const" = "countersign.profiles.v1"))]
    pub schema: &'static str,
    /// The files, in the order in which they were named or lie.
    pub profiles: Vec<ShownProfile>,
}

/// One file: whether it is proven, why not, and what could be read of it.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ShownProfile {
    /// The file, as it was named or found.
    pub file: String,
    /// Both layers verified to a pinned anchor, with the right signer role, and in agreement.
    pub proven: bool,
    /// What is wrong with it, or worth knowing.
    pub findings: Vec<Finding>,
    /// `UUID`, as the file spells it; of a file that is not proven, whatever it says there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The name it is installed under: `UUID.mobileprovision`, for macOS `UUID.provisionprofile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// `Name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
    /// The team's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_name: Option<String>,
    /// `PREFIX.bundle.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_identifier: Option<String>,
    /// Which bundle ids it covers: one, `prefix.*` or `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ProfileKind>,
    /// How the kind was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind_source: Option<KindSource>,
    /// Its platforms, as Apple writes them: `iOS`, `xrOS`, `OSX`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platforms: Option<Vec<String>>,
    /// When it was made (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it expires (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// SHA-256 of the file, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<FileSha256>,
    /// The certificates that it lets sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<PinnedCertificate>>,
    /// What it grants: the whole dictionary.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub entitlements: Option<Entitlements>,
    /// How many devices it names; the ids themselves stay out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_count: Option<usize>,
    /// Made by Xcode's automatic signing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xcode_managed: Option<bool>,
    /// Who signed which layer, if it is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<ShownLayers>,
}

/// Who signed which layer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownLayers {
    /// The CMS around the property list.
    pub outer: ShownLayer,
    /// The CMS in `DER-Encoded-Profile`, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner: Option<ShownLayer>,
}

/// Who signed one layer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownLayer {
    /// The signer's role, from Apple's marker extensions.
    pub role: SignerRole,
    /// The signer's common name.
    pub signer: String,
    /// When it was signed, by the signer's account (RFC 3339, UTC).
    pub signed: Timestamp,
    /// SHA-256 of the root that the chain ends in: of its DER encoding, hex.
    pub anchor: crate::base::ids::CertSha256,
}

impl ShownProfile {
    fn of(path: &Path, examined: Examined) -> Self {
        let file = path.display().to_string();
        match examined {
            Examined::Proven(profile) => Self::proven(file, &profile),
            Examined::Unproven(unproven) => {
                let findings = unproven
                    .findings
                    .into_iter()
                    .map(|finding| finding.in_file(path))
                    .collect();
                let shown = Self {
                    file,
                    findings,
                    sha256: Some(unproven.sha256),
                    ..Self::default()
                };
                match (unproven.fields, unproven.claims) {
                    (Some(fields), _) => shown.with_fields(&fields),
                    (None, Some(claims)) => shown.with_claims(*claims),
                    (None, None) => shown,
                }
            }
            Examined::Unreadable(error) => Self {
                file,
                findings: vec![unreadable(path, &error)],
                ..Self::default()
            },
        }
    }

    fn proven(file: String, profile: &Profile) -> Self {
        let layer = |proof: &LayerProof| ShownLayer {
            role: proof.role(),
            signer: proof.signer().common_name.clone(),
            signed: proof.signing_time(),
            anchor: *proof.anchor(),
        };
        Self {
            file,
            proven: true,
            findings: profile.remarks().to_vec(),
            sha256: Some(*profile.sha256()),
            certificates: Some(
                profile
                    .certificates()
                    .iter()
                    .map(|c| PinnedCertificate::from(c.as_ref()))
                    .collect(),
            ),
            layers: Some(ShownLayers {
                outer: layer(profile.outer()),
                inner: profile.inner().map(layer),
            }),
            ..Self::default()
        }
        .with_fields(profile.fields())
    }

    fn with_fields(self, fields: &Fields) -> Self {
        Self {
            uuid: Some(fields.uuid.to_string()),
            filename: Some(fields.file_name()),
            name: Some(fields.name.clone()),
            team_id: Some(fields.team_id.to_string()),
            team_name: Some(fields.team_name.clone()),
            application_identifier: Some(fields.application_identifier.clone()),
            bundle_id: Some(fields.bundle_id.to_string()),
            kind: Some(fields.kind),
            kind_source: Some(fields.kind_source),
            platforms: Some(fields.platforms.clone()),
            created: Some(fields.created),
            expires: Some(fields.expires),
            entitlements: Some(fields.entitlements.clone()),
            device_count: Some(fields.device_count.unwrap_or(0)),
            xcode_managed: Some(fields.xcode_managed),
            ..self
        }
    }

    fn with_claims(self, claims: Claims) -> Self {
        Self {
            uuid: claims.uuid,
            name: claims.name,
            team_id: claims.team_ids.and_then(|ids| ids.into_iter().next()),
            team_name: claims.team_name,
            platforms: claims.platforms,
            created: claims.created,
            expires: claims.expires,
            entitlements: claims.entitlements.map(Entitlements::from),
            device_count: claims.devices.map(|devices| devices.len()),
            ..self
        }
    }
}

/// A file that could not even be read, as a row among those that could.
pub(super) fn unreadable(path: &Path, error: &ReadError) -> Finding {
    Finding::block(
        Code::ProfileUnreadable,
        format!("the file cannot be read: {}", error.kind),
    )
    .hint(error.hint().unwrap_or_default())
    .in_file(path)
}

/// Files as they are, directories as the profiles in them.
pub(super) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let found = profile_store::list(path).map_err(Failure::input)?;
            if found.is_empty() {
                return Err(Failure::input(format!(
                    "{}: no profiles in this directory; name files ending in .mobileprovision or .provisionprofile, or \
                     directories of them",
                    path.display()
                )));
            }
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn verifier(world: &World) -> Result<Verifier, Failure> {
    let policy = world.usable_policy()?.policy;
    Ok(Verifier::new(world.anchors(&policy)?))
}

fn show(paths: &[PathBuf], world: &World) -> Result<Exit, Failure> {
    let files = expand(paths)?;
    // A file that a person named and that cannot be read at all is an error, not a finding; the others are still shown.
    let verifier = verifier(world)?;
    let bar = progress::bar(world, files.len(), "proving");
    let unread = std::sync::atomic::AtomicBool::new(false);
    let profiles = profile_store::examine(
        &files,
        &verifier,
        |path, examined| {
            if matches!(examined, Examined::Unreadable(_)) {
                unread.store(true, std::sync::atomic::Ordering::Relaxed);
            }
            ShownProfile::of(path, examined)
        },
        || bar.inc(1),
    );
    bar.finish_and_clear();
    let all_proven = profiles.iter().all(|profile| profile.proven);
    match world.format() {
        Format::Json => {
            world.print_json(&ProfilesDocument {
                schema: "countersign.profiles.v1",
                profiles,
            })?;
        }
        Format::Human => {
            let mut out = anstream::stdout().lock();
            for profile in &profiles {
                show_one(&mut out, profile, world)?;
            }
        }
        Format::Github => github(&profiles, world)?,
    }
    Ok(if all_proven {
        Exit::Fine
    } else if unread.into_inner() {
        Exit::Input
    } else {
        Exit::Blocked
    })
}

fn github(profiles: &[ShownProfile], world: &World) -> Result<(), Failure> {
    let findings: Vec<Finding> = profiles
        .iter()
        .flat_map(|profile| profile.findings.clone())
        .collect();
    report::github(&mut std::io::stdout().lock(), &findings)?;
    world.summarize("countersign: provisioning profiles", &findings)
}

fn show_one(
    out: &mut impl std::io::Write,
    profile: &ShownProfile,
    world: &World,
) -> Result<(), Failure> {
    let name = plain(profile.name.as_deref().unwrap_or("(no name could be read)"));
    if profile.proven {
        writeln!(out, "{GOOD}proven{GOOD:#}      {STRONG}{name}{STRONG:#}")?;
    } else {
        let style = report::style(finding::Severity::Block);
        writeln!(out, "{style}NOT PROVEN{style:#}  {STRONG}{name}{STRONG:#}")?;
    }
    let mut row = |label: &str, value: String| {
        writeln!(out, "  {FAINT}{label:<13}{FAINT:#}{}", plain(&value))
    };
    row("file", profile.file.clone())?;
    if let Some(uuid) = &profile.uuid {
        row("UUID", uuid.clone())?;
    }
    if let Some(team) = &profile.team_id {
        row(
            "team",
            format!(
                "{team}  {}",
                profile.team_name.as_deref().unwrap_or_default()
            ),
        )?;
    }
    if let Some(bundle) = &profile.bundle_id {
        row("bundle id", bundle.clone())?;
    }
    if let Some(kind) = profile.kind {
        let source = match profile.kind_source {
            Some(KindSource::DistributionType) => "said by the inner layer",
            _ => "told by what it provisions",
        };
        let devices = match profile.device_count {
            None | Some(0) => String::new(),
            Some(count) => format!(", {count} devices"),
        };
        row("kind", format!("{kind}{devices} ({source})"))?;
    }
    if let Some(platforms) = &profile.platforms {
        row("platforms", platforms.join(", "))?;
    }
    if let (Some(created), Some(expires)) = (profile.created, profile.expires) {
        row(
            "valid",
            format!("{created} to {expires} ({})", life(expires, world.now)),
        )?;
    }
    for certificate in profile.certificates.as_deref().unwrap_or_default() {
        row(
            "certificate",
            format!("{} ({})", certificate.common_name, certificate.kind),
        )?;
        row(
            "",
            format!(
                "SHA-1 {}",
                certificate.sha1.to_string().to_ascii_uppercase()
            ),
        )?;
    }
    if let Some(layers) = &profile.layers {
        row(
            "outer layer",
            format!("{}, {}", layers.outer.signer, layers.outer.signed),
        )?;
        match &layers.inner {
            Some(inner) => row("inner layer", format!("{}, {}", inner.signer, inner.signed))?,
            None => row("inner layer", "none".to_owned())?,
        }
    }
    if let Some(sha256) = &profile.sha256 {
        row("sha256", sha256.to_string())?;
    }
    let visible: Vec<Finding> = world
        .visible(&profile.findings)
        .into_iter()
        .cloned()
        .collect();
    report::human(out, &visible, world.width)?;
    writeln!(out)?;
    Ok(())
}

/// `41d 3h left` or `expired 3d ago`.
fn life(expires: Timestamp, now: Timestamp) -> String {
    let left = expires.duration_since(now);
    if left.is_negative() {
        format!("expired {} ago", show_duration(left))
    } else {
        format!("{} left", show_duration(left))
    }
}

fn list(world: &World) -> Result<Exit, Failure> {
    let policy = world.usable_policy()?.policy;
    let verifier = Verifier::new(world.anchors(&policy)?);
    let files = world.installed_files(&policy)?;
    let bar = progress::bar(world, files.len(), "proving");
    let profiles = profile_store::examine(&files, &verifier, ShownProfile::of, || bar.inc(1));
    bar.finish_and_clear();
    match world.format() {
        Format::Json => world.print_json(&ProfilesDocument {
            schema: "countersign.profiles.v1",
            profiles,
        })?,
        Format::Github => github(&profiles, world)?,
        Format::Human => {
            let mut rows = table(
                &["", "name", "bundle id", "kind", "expires", "uuid"],
                world.width,
            );
            for profile in &profiles {
                let date = profile
                    .expires
                    .map(|expires| expires.to_string().chars().take(10).collect::<String>());
                rows.add_row([
                    if profile.proven {
                        "ok".to_owned()
                    } else {
                        "NO".to_owned()
                    },
                    plain(profile.name.as_deref().unwrap_or(&profile.file)),
                    plain(profile.bundle_id.as_deref().unwrap_or("-")),
                    profile.kind.map_or("-".to_owned(), |kind| kind.to_string()),
                    date.unwrap_or("-".to_owned()),
                    profile
                        .uuid
                        .as_deref()
                        .map_or("-".to_owned(), |uuid| plain(uuid).chars().take(8).collect()),
                ]);
            }
            keep_whole(&mut rows, 4, 12);
            keep_whole(&mut rows, 5, 10);
            let mut out = anstream::stdout().lock();
            if profiles.is_empty() {
                writeln!(out, "no profiles installed")?;
            } else {
                writeln!(out, "{rows}")?;
            }
            let unproven = profiles.iter().filter(|profile| !profile.proven).count();
            if unproven > 0 {
                writeln!(
                    out,
                    "\n{unproven} not proven: see why with `countersign profile show FILE`"
                )?;
            }
        }
    }
    Ok(Exit::Fine)
}

/// The `countersign.profile-install.v1` document: what `profile install` did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InstallDocument {
    /// Always `countersign.profile-install.v1`.
    #[schemars(extend("const" = "countersign.profile-install.v1"))]
    pub schema: &'static str,
    /// What was installed, in the order in which it was named; nothing if a finding blocks.
    pub files: Vec<InstalledFile>,
    /// What is wrong with the profiles that were named.
    pub findings: Vec<Finding>,
}

/// An installed profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InstalledFile {
    /// Where it lies now.
    pub file: String,
    /// Whether the file is new, was there with the same bytes, or had other bytes.
    #[schemars(extend("enum" = ["installed", "already installed", "replaced"]))]
    pub outcome: &'static str,
}

/// The `countersign.profile-prune.v1` document: what `profile prune` did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PruneDocument {
    /// Always `countersign.profile-prune.v1`.
    #[schemars(extend("const" = "countersign.profile-prune.v1"))]
    pub schema: &'static str,
    /// What was removed, or with `--dry-run` would be.
    pub files: Vec<PrunedFile>,
    /// Always empty: what cannot be read stays and is no finding.
    pub findings: Vec<Finding>,
}

/// A removed profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PrunedFile {
    /// Where it lay; with `--dry-run` it still does.
    pub file: String,
    /// Whether it was removed, and why.
    #[schemars(extend("enum" = [
        "removed: expired",
        "removed: not pinned",
        "would be removed: expired",
        "would be removed: not pinned",
    ]))]
    pub outcome: &'static str,
}

fn install(paths: &[PathBuf], world: &World) -> Result<Exit, Failure> {
    let policy = world.usable_policy()?.policy;
    let verifier = Verifier::new(world.anchors(&policy)?);
    // Of Xcode's two directories the one that Xcode 16 and later read; of named ones the first.
    let directories = world.profile_directories(&policy);
    let (directory, _) = directories
        .iter()
        .find(|(_, must_exist)| *must_exist)
        .or(directories.last())
        .cloned()
        .ok_or_else(|| Failure::usage("no directory to install into: name one with --profiles"))?;
    // Everything is proven before anything is written.
    let mut proven = Vec::new();
    let mut findings = Vec::new();
    for path in expand(paths)? {
        let bytes = files::read_bounded(&path, profile::MAX_BYTES).map_err(Failure::input)?;
        match profile::prove(&bytes, &verifier) {
            Ok(profile) => proven.push((profile, bytes)),
            Err(unproven) => findings.extend(
                unproven
                    .findings
                    .into_iter()
                    .map(|finding| finding.in_file(&path)),
            ),
        }
    }
    let mut done = Vec::new();
    if !finding::any_blocks(&findings) {
        std::fs::create_dir_all(&directory)
            .map_err(|error| Failure::input(format!("{}: {error}", directory.display())))?;
        for (profile, bytes) in &proven {
            let (destination, installed) =
                profile_store::install(profile, bytes, &directory).map_err(Failure::input)?;
            let outcome = match installed {
                Installed::New => "installed",
                Installed::Already => "already installed",
                Installed::Replaced => "replaced",
            };
            done.push(InstalledFile {
                file: destination.display().to_string(),
                outcome,
            });
        }
    }
    let document = InstallDocument {
        schema: "countersign.profile-install.v1",
        files: done,
        findings,
    };
    let rows = document.files.iter().map(|it| (it.outcome, &*it.file));
    tell_done(&document, rows, &document.findings, world)
}

fn prune(rules: PruneRules, dry_run: bool, world: &World) -> Result<Exit, Failure> {
    let policy = world.usable_policy()?.policy;
    let manifest = world.manifest_if_any()?;
    if manifest.is_none() {
        return Err(Failure::input(format!(
            "{}: there is no manifest, so it cannot be told what is pinned and must stay; name one with --manifest",
            world.manifest_path().display()
        )));
    }
    let files = world.installed_files(&policy)?;
    let is_pinned = |sha256: &FileSha256| {
        manifest
            .as_ref()
            .is_some_and(|manifest| manifest.has_bytes(sha256))
    };
    let pinned_uuids: BTreeSet<_> = manifest
        .iter()
        .flat_map(|manifest| manifest.profiles())
        .map(|profile| profile.uuid.clone())
        .collect();
    let mut done = Vec::new();
    for file in profile_store::observe(&files, |_| false, None) {
        debug_assert!(!matches!(
            file.content,
            InstalledContent::Read { proof: Some(_), .. }
        ));
        if let Pruning::Remove(reason) =
            profile_store::pruning(&file, rules, is_pinned, &pinned_uuids, world.now)
        {
            if !dry_run {
                std::fs::remove_file(&file.path)
                    .map_err(|error| Failure::input(format!("{}: {error}", file.path.display())))?;
            }
            let outcome = match (reason, dry_run) {
                ("expired", true) => "would be removed: expired",
                ("expired", false) => "removed: expired",
                (_, true) => "would be removed: not pinned",
                (_, false) => "removed: not pinned",
            };
            done.push(PrunedFile {
                file: file.path.display().to_string(),
                outcome,
            });
        }
    }
    let document = PruneDocument {
        schema: "countersign.profile-prune.v1",
        files: done,
        findings: Vec::new(),
    };
    let rows = document.files.iter().map(|it| (it.outcome, &*it.file));
    tell_done(&document, rows, &document.findings, world)
}

/// Prints what was done: each outcome with its file.
fn tell_done<'d>(
    document: &'d impl Serialize,
    rows: impl ExactSizeIterator<Item = (&'static str, &'d str)>,
    findings: &'d [Finding],
    world: &World,
) -> Result<Exit, Failure> {
    match world.format() {
        Format::Json => world.print_json(document)?,
        Format::Github => report::github(&mut std::io::stdout().lock(), findings)?,
        Format::Human => {
            let mut out = anstream::stdout().lock();
            let is_idle = rows.len() == 0;
            for (outcome, file) in rows {
                writeln!(out, "{outcome}: {}", plain(file))?;
            }
            if finding::any_blocks(findings) {
                writeln!(out, "nothing was installed:")?;
            } else if is_idle {
                writeln!(out, "nothing to do")?;
            }
            report::human(&mut out, findings, world.width)?;
        }
    }
    Ok(exit_of(findings))
}
