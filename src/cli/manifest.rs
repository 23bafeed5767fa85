//! `countersign manifest`: freeze, digest, diff, verify, schema.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use super::document::{Document, ManifestName, VerdictWord};
use super::exit::{Exit, Failure};
use super::profile::{expand, unreadable};
use super::progress;
use super::projects::{self, ProjectArguments};
use super::report::{self, Format, GOOD, STRONG};
use super::table::plain;
use super::world::{World, exit_of};
use crate::apple::signed_message::Verifier;
use crate::base::digest::Digest;
use crate::base::finding::{self, Code, Finding};
use crate::base::ids::ProfileUuid;
use crate::context::manifest::diff::{Change, ChangeKind, diff};
use crate::context::manifest::freeze::{Previous, freeze, ordered};
use crate::context::manifest::{
    self, Content, Manifest, PinnedProfile, PinnedTarget, ProfileState,
};
use crate::context::plan::{Request, plan};
use crate::host::files::{self, FileMode, ReadErrorKind};
use crate::host::profile_store::{self, Examined};
use crate::host::sources::DiskSources;

/// What to do with manifests.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prove profiles and write the manifest that pins them.
    Freeze {
        /// Profiles, or directories of them [default: the installed ones].
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The file to write [default: the one that --manifest names].
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The Xcode project whose targets are pinned too, and which of them [configuration: Release].
        #[command(flatten)]
        targets: Box<ProjectArguments>,
    },
    /// Print the manifest's digest, as --expect-manifest takes it.
    Digest {
        /// Print SHA-1, as plain `shasum` does.
        #[arg(long)]
        sha1: bool,
    },
    /// Say what changed between two manifests.
    Diff {
        /// The earlier one.
        old: PathBuf,
        /// The later one.
        new: PathBuf,
    },
    /// Check the manifest against the profiles it pins: bytes, signatures, every field.
    Verify {
        /// Profiles, or directories of them [default: the installed ones].
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Print the JSON Schema of the manifest, or of another document that countersign writes.
    Schema {
        /// The document, by the NAME in its `schema` field, which is countersign.NAME.v1.
        #[arg(value_enum, default_value = "manifest")]
        document: Document,
    },
}

/// Runs the command.
pub fn run(command: Command, world: &World) -> Result<Exit, Failure> {
    match command {
        Command::Freeze {
            paths,
            output,
            targets,
        } => freeze_command(&paths, output.as_deref(), &targets, world),
        Command::Digest { sha1 } => digest(sha1, world),
        Command::Diff { old, new } => diff_command(&old, &new, world),
        Command::Verify { paths } => verify(&paths, world),
        Command::Schema { document } => {
            world.print_json(&document.schema())?;
            Ok(Exit::Fine)
        }
    }
}

/// What came of looking at the files.
struct Looked {
    /// What is pinned of those that are proven.
    profiles: Vec<PinnedProfile>,
    /// What is wrong with the others, or worth knowing.
    findings: Vec<Finding>,
    /// Some could not even be read: an error rather than a verdict.
    unread: bool,
}

impl Looked {
    /// How a command ends that found these findings.
    fn exit(unread: bool, findings: &[Finding]) -> Exit {
        if unread {
            Exit::Input
        } else {
            exit_of(findings)
        }
    }
}

/// Proves every file: what is pinned of the good ones, the findings of the others.
fn pinned_profiles(
    paths: &[PathBuf],
    world: &World,
    state: impl Fn(&ProfileUuid) -> ProfileState + Sync,
) -> Result<Looked, Failure> {
    let policy = world.usable_policy()?.policy;
    let verifier = Verifier::new(world.anchors(&policy)?);
    let files = if paths.is_empty() {
        world.installed_files(&policy)?
    } else {
        expand(paths)?
    };
    if files.is_empty() {
        return Err(Failure::input(
            "no profiles there: name files ending in .mobileprovision or .provisionprofile, or directories of them",
        ));
    }
    let bar = progress::bar(world, files.len(), "proving");
    let unread = AtomicBool::new(false);
    let results = profile_store::examine(
        &files,
        &verifier,
        |path, examined| match examined {
            Examined::Proven(profile) => {
                let remarks = profile
                    .remarks()
                    .iter()
                    .map(|finding| finding.clone().in_file(path))
                    .collect();
                (
                    Some(PinnedProfile::of(&profile, state(&profile.fields().uuid))),
                    remarks,
                )
            }
            Examined::Unproven(unproven) => (
                None,
                unproven
                    .findings
                    .into_iter()
                    .map(|finding| finding.in_file(path))
                    .collect::<Vec<_>>(),
            ),
            Examined::Unreadable(error) => {
                unread.store(true, Ordering::Relaxed);
                (None, vec![unreadable(path, &error)])
            }
        },
        || bar.inc(1),
    );
    bar.finish_and_clear();
    let mut profiles = Vec::with_capacity(results.len());
    let mut findings = Vec::new();
    for (profile, remarks) in results {
        profiles.extend(profile);
        findings.extend(remarks);
    }
    Ok(Looked {
        profiles,
        findings,
        unread: unread.into_inner(),
    })
}

/// The `countersign.freeze.v1` document: what `manifest freeze` wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FreezeDocument<'a> {
    /// Always `countersign.freeze.v1`.
    #[schemars(extend("const" = "countersign.freeze.v1"))]
    pub schema: &'static str,
    /// The manifest as it now is; null if findings block, and then the file is as it was.
    pub manifest: Option<FrozenManifest>,
    /// What is wrong with the profiles and targets, or worth knowing.
    pub findings: &'a [Finding],
}

/// A manifest that was frozen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FrozenManifest {
    /// The file, as the command line or the default names it.
    pub file: String,
    /// SHA-256 of the file's bytes: `sha256:` and 64 hex digits.
    pub digest: Digest,
    /// Its revision: from 1, one more for each change.
    pub revision: u64,
    /// Whether the file was written; if not, it already held exactly this.
    pub changed: bool,
    /// How many profiles it pins.
    pub profiles: usize,
    /// How many targets it pins.
    pub targets: usize,
}

fn freeze_command(
    paths: &[PathBuf],
    output: Option<&Path>,
    targets: &ProjectArguments,
    world: &World,
) -> Result<Exit, Failure> {
    let output = output.map_or_else(|| world.manifest_path(), Path::to_owned);
    let previous = previous(&output)?;
    let Looked {
        profiles,
        mut findings,
        unread,
    } = pinned_profiles(paths, world, |uuid| {
        previous
            .as_ref()
            .map_or(ProfileState::Active, |previous| previous.state(uuid))
    })?;
    let profiles = match ordered(profiles) {
        Ok(profiles) => profiles,
        Err(clashes) => {
            findings.extend(clashes.into_iter().map(|clash| {
                Finding::block(
                    Code::ProfileBytesDiffer,
                    format!("two different files have the UUID {}", clash.uuid),
                )
                .values(
                    format!("sha256:{}", clash.sha256[0]),
                    format!("sha256:{}", clash.sha256[1]),
                )
                .of_profile(&clash.uuid)
                .hint("keep the one that Apple issued last and freeze again")
            }));
            Vec::new()
        }
    };
    let pinned_targets = pinned_targets(targets, &profiles, &mut findings, world)?;
    if let (None, Some(previous)) = (&pinned_targets, &previous) {
        findings.extend(previous.orphans(&profiles).map(|target| {
            Finding::warn(
                Code::TargetUnmapped,
                format!(
                    "target {} is no longer pinned: its profile {} is gone",
                    target.target, target.profile
                ),
            )
            .of_target(&target.target)
            .of_profile(&target.profile)
            .hint("freeze with --project to pin it to its new profile")
        }));
    }
    finding::sort(&mut findings);
    let frozen = if finding::any_blocks(&findings) {
        None
    } else {
        let mut content = freeze(profiles, pinned_targets, previous.as_ref());
        let changed = !is_unchanged(&mut content, &output);
        let bytes = content.to_bytes();
        if changed {
            files::replace_atomically(&output, &bytes, FileMode::Keep).map_err(Failure::input)?;
        }
        Some(FrozenManifest {
            file: output.display().to_string(),
            digest: Digest::of(&bytes),
            revision: content.revision,
            changed,
            profiles: content.profiles.len(),
            targets: content.targets.len(),
        })
    };
    match world.format() {
        Format::Json => world.print_json(&FreezeDocument {
            schema: "countersign.freeze.v1",
            manifest: frozen,
            findings: &findings,
        })?,
        Format::Github => report::github(&mut std::io::stdout().lock(), &findings)?,
        Format::Human => {
            let mut out = anstream::stdout().lock();
            match &frozen {
                Some(frozen) => {
                    let state = if frozen.changed {
                        "frozen"
                    } else {
                        "unchanged"
                    };
                    writeln!(
                        out,
                        "{GOOD}{state}{GOOD:#}  {STRONG}{}{STRONG:#}",
                        plain(&frozen.file)
                    )?;
                    writeln!(
                        out,
                        "  revision {}, {} profiles, {} targets",
                        frozen.revision, frozen.profiles, frozen.targets
                    )?;
                    writeln!(out, "  {}", frozen.digest)?;
                }
                None => {
                    let blocking = findings
                        .iter()
                        .filter(|f| f.severity == finding::Severity::Block)
                        .count();
                    writeln!(
                        out,
                        "not frozen: {blocking} findings block; {} is as it was",
                        plain(&output.display().to_string())
                    )?;
                }
            }
            let visible: Vec<Finding> = world.visible(&findings).into_iter().cloned().collect();
            report::human(&mut out, &summarized(visible), world.width)?;
        }
    }
    Ok(Looked::exit(unread, &findings))
}

/// The targets of the projects that were named, with what signs them; `None` if none was named. A target that needs a
/// profile and has none blocks: a manifest that leaves it out would let it through later.
fn pinned_targets(
    arguments: &ProjectArguments,
    profiles: &[PinnedProfile],
    findings: &mut Vec<Finding>,
    world: &World,
) -> Result<Option<Vec<PinnedTarget>>, Failure> {
    if arguments.project.is_empty() {
        return Ok(None);
    }
    let mut arguments = arguments.clone();
    if arguments.configuration.is_empty() {
        arguments.configuration = vec![DEFAULT_CONFIGURATION.parse().map_err(Failure::unexpected)?];
    }
    let policy = world.usable_policy()?.policy;
    let (targets, of_projects) = projects::read(&arguments)?;
    let sources = DiskSources::default();
    let plan = plan(&Request {
        targets: &targets,
        profiles,
        pinned: &[],
        overrides: &policy.targets,
        kind: arguments.kind.map(Into::into),
        targets_were_named: !arguments.target.is_empty(),
        must_be_mapped: false,
        sources: &sources,
    });
    findings.extend(of_projects);
    findings.extend(plan.findings.iter().cloned());
    finding::distinct(findings);
    Ok(Some(plan.pinned_targets()))
}

/// What is archived unless somebody says otherwise.
const DEFAULT_CONFIGURATION: &str = "Release";

/// The same remark on every file of a rehearsal is said once.
fn summarized(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    let mut repeated = 0;
    for finding in findings {
        let is_repeated = finding.severity != finding::Severity::Block
            && kept
                .iter()
                .any(|known| known.code == finding.code && known.message == finding.message);
        if is_repeated {
            repeated += 1
        } else {
            kept.push(finding)
        }
    }
    if repeated > 0
        && let Some(last) = kept
            .iter_mut()
            .rev()
            .find(|finding| finding.severity != finding::Severity::Block)
    {
        last.message = format!("{} ({repeated} more like this)", last.message);
    }
    kept
}

/// What the manifest at `output` hands on, if there is one.
fn previous(output: &Path) -> Result<Option<Previous>, Failure> {
    let bytes = match files::read_bounded(output, manifest::MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind, ReadErrorKind::Missing) => return Ok(None),
        Err(error) => return Err(Failure::input(error)),
    };
    let previous = Previous::from_bytes(&bytes).map_err(|error| {
        // Say precisely what is wrong with it, and do not overwrite what is no manifest of ours.
        let reason = match Manifest::parse(&bytes) {
            Err(error) => error.to_string(),
            Ok(_) => error.to_string(),
        };
        Failure::input(format!(
            "{}: {reason}; it was left as it is: move it away, or write to another file with -o",
            output.display()
        ))
    })?;
    Ok(Some(previous))
}

/// Whether the file already holds this content, of its own revision; if so `content` is put back to that revision.
fn is_unchanged(content: &mut Content, output: &Path) -> bool {
    if content.revision <= 1 {
        return false;
    }
    content.revision -= 1;
    let same = files::read_bounded(output, manifest::MAX_BYTES)
        .is_ok_and(|bytes| content.equals_bytes(&bytes));
    if !same {
        content.revision += 1;
    }
    same
}

/// The `countersign.manifest-digest.v1` document: what `manifest digest` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DigestDocument {
    /// Always `countersign.manifest-digest.v1`.
    #[schemars(extend("const" = "countersign.manifest-digest.v1"))]
    pub schema: &'static str,
    /// Of the file's bytes: `sha256:` and 64 hex digits, or with `--sha1` the 40 hex digits of SHA-1.
    pub digest: Digest,
    /// The manifest's revision.
    pub revision: u64,
}

fn digest(sha1: bool, world: &World) -> Result<Exit, Failure> {
    let (manifest, bytes) = world.manifest()?;
    let digest = if sha1 {
        Digest::Sha1(crate::base::digest::sha1(&bytes))
    } else {
        manifest.digest()
    };
    match world.format() {
        Format::Json => world.print_json(&DigestDocument {
            schema: "countersign.manifest-digest.v1",
            digest,
            revision: manifest.revision(),
        })?,
        Format::Human | Format::Github => writeln!(std::io::stdout().lock(), "{digest}")?,
    }
    Ok(Exit::Fine)
}

/// The `countersign.manifest-diff.v1` document: what `manifest diff` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffDocument {
    /// Always `countersign.manifest-diff.v1`.
    #[schemars(extend("const" = "countersign.manifest-diff.v1"))]
    pub schema: &'static str,
    /// The earlier manifest.
    pub old: ManifestName,
    /// The later manifest.
    pub new: ManifestName,
    /// Every profile and target that is not the same in both, profiles first.
    pub changes: Vec<Change>,
    /// What is not right with the change itself.
    pub findings: Vec<Finding>,
}

fn diff_command(old: &Path, new: &Path, world: &World) -> Result<Exit, Failure> {
    let (old_manifest, _) = world.manifest_at(old)?;
    let (new_manifest, _) = world.manifest_at(new)?;
    let changes = diff(old_manifest.content(), new_manifest.content());
    let mut findings = Vec::new();
    if !changes.is_empty() && new_manifest.revision() <= old_manifest.revision() {
        findings.push(
            Finding::block(
                Code::ManifestStaleRevision,
                "the content changed but the revision did not rise",
            )
            .values(
                format!("revision {} or later", old_manifest.revision() + 1),
                format!("revision {}", new_manifest.revision()),
            )
            .in_file(new)
            .at_pointer("/revision")
            .hint("let `countersign manifest freeze` write it over the earlier one"),
        );
    }
    match world.format() {
        Format::Json => world.print_json(&DiffDocument {
            schema: "countersign.manifest-diff.v1",
            old: (&old_manifest).into(),
            new: (&new_manifest).into(),
            changes,
            findings: findings.clone(),
        })?,
        Format::Github => report::github(&mut std::io::stdout().lock(), &findings)?,
        Format::Human => {
            let mut out = anstream::stdout().lock();
            writeln!(
                out,
                "revision {} → {}: {}",
                old_manifest.revision(),
                new_manifest.revision(),
                match changes.len() {
                    0 => "nothing changed".to_owned(),
                    1 => "1 change".to_owned(),
                    count => format!("{count} changes"),
                }
            )?;
            for change in &changes {
                show_change(&mut out, change)?;
            }
            report::human(&mut out, &findings, world.width)?;
        }
    }
    Ok(exit_of(&findings))
}

fn show_change(out: &mut impl std::io::Write, change: &Change) -> std::io::Result<()> {
    let sign = match change.change {
        ChangeKind::Added => '+',
        ChangeKind::Removed => '-',
        ChangeKind::Changed => '~',
    };
    writeln!(
        out,
        "{sign} {} {STRONG}{}{STRONG:#} {}",
        change.what,
        plain(&change.name),
        plain(&change.id)
    )?;
    for field in &change.fields {
        writeln!(
            out,
            "    {}: {} → {}",
            plain(&field.pointer),
            plain(&field.old.to_string()),
            plain(&field.new.to_string())
        )?;
    }
    Ok(())
}

/// The `countersign.manifest-verify.v1` document: what `manifest verify` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifyDocument {
    /// Always `countersign.manifest-verify.v1`.
    #[schemars(extend("const" = "countersign.manifest-verify.v1"))]
    pub schema: &'static str,
    /// Whether the manifest says what the profiles say.
    pub verdict: VerdictWord,
    /// The manifest that was verified.
    pub manifest: ManifestName,
    /// What is not right with it or with the profiles, or worth knowing.
    pub findings: Vec<Finding>,
}

fn verify(paths: &[PathBuf], world: &World) -> Result<Exit, Failure> {
    let (manifest, bytes) = world.manifest()?;
    let mut findings = Vec::new();
    if !manifest.is_canonical(&bytes) {
        findings.push(
            Finding::block(
                Code::ManifestNotCanonical,
                "the manifest's bytes are not what freezing writes",
            )
            .in_file(&world.manifest_path())
            .hint("write it with `countersign manifest freeze`; nothing edits it by hand"),
        );
    }
    let Looked {
        profiles,
        findings: faults,
        unread,
    } = pinned_profiles(paths, world, |uuid| {
        manifest
            .profile(uuid)
            .map_or(ProfileState::Active, |(_, pinned)| pinned.state)
    })?;
    findings.extend(faults);
    for (index, pinned) in manifest.profiles().iter().enumerate() {
        let here: Vec<&PinnedProfile> = profiles
            .iter()
            .filter(|profile| profile.uuid == pinned.uuid)
            .collect();
        let finding = match here.as_slice() {
            [] => Finding::block(Code::ProfileMissing, format!("profile {} is not among these files", pinned.title()))
                .expected(&pinned.filename)
                .hint("name the file or its directory"),
            some if some.contains(&pinned) => continue,
            [other, ..] if other.sha256 != pinned.sha256 => {
                Finding::block(Code::ProfileBytesDiffer, format!("profile {} is not the pinned one", pinned.title()))
                    .values(format!("sha256:{}", pinned.sha256), format!("sha256:{}", other.sha256))
                    .hint("install the pinned file again, or review the new one and freeze the manifest again")
            }
            [other, ..] => {
                let one = |profile: &PinnedProfile| Content {
                    schema: String::new(),
                    revision: 0,
                    profiles: vec![profile.clone()],
                    targets: Vec::new(),
                };
                let fields: Vec<String> = diff(&one(pinned), &one(other))
                    .into_iter()
                    .flat_map(|change| change.fields)
                    .map(|field| field.pointer)
                    .collect();
                Finding::block(
                    Code::ManifestNotCanonical,
                    format!("the manifest says other things of {} than the profile itself", pinned.title()),
                )
                .found(fields.join(", "))
                .hint("someone edited the manifest: freeze it again")
            }
        };
        findings.push(
            finding
                .of_profile(&pinned.uuid)
                .at_pointer(format!("/profiles/{index}")),
        );
    }
    finding::sort(&mut findings);
    let verdict = VerdictWord::of(!finding::any_blocks(&findings));
    match world.format() {
        Format::Json => world.print_json(&VerifyDocument {
            schema: "countersign.manifest-verify.v1",
            verdict,
            manifest: (&manifest).into(),
            findings: findings.clone(),
        })?,
        Format::Github => report::github(&mut std::io::stdout().lock(), &findings)?,
        Format::Human => {
            let mut out = anstream::stdout().lock();
            if verdict == VerdictWord::Cleared {
                writeln!(
                    out,
                    "{GOOD}verified{GOOD:#}  revision {}, {} profiles",
                    manifest.revision(),
                    manifest.profiles().len()
                )?;
            } else {
                writeln!(out, "not verified")?;
            }
            let visible: Vec<Finding> = world.visible(&findings).into_iter().cloned().collect();
            report::human(&mut out, &summarized(visible), world.width)?;
        }
    }
    Ok(Looked::exit(unread, &findings))
}
