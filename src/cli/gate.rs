//! `countersign gate`: may this machine sign with this manifest, now?

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::document::{ManifestName, VerdictWord};
use super::exit::{Exit, Failure};
use super::identity;
use super::password::PasswordArguments;
use super::projects::{self, ProjectArguments};
use super::report::{self, FAINT, Format, GOOD, STRONG};
use super::state;
use super::table::plain;
use super::world::World;
use crate::apple::signed_message::Verifier;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;
use crate::base::event::{Action, Event, Outcome};
use crate::base::finding::{Finding, Group, Severity};
use crate::base::ids::{HostName, RegionName};
use crate::context::envelope;
use crate::context::gate::facts::{
    ExpectedDigest, Facts, Identities, InstalledProfiles, Observation, ProfileDirectory,
};
use crate::context::gate::{self, IdentityDigests, Verdict};
use crate::context::manifest::Manifest;
use crate::context::policy::Policy;
use crate::host::files::{self, FileMode};
use crate::host::{node, profile_store};

/// What the gate is asked: the flags that `gate` and `run` share.
#[derive(Debug, Args)]
pub struct GateArguments {
    /// The manifest must have this digest: sha256:<64 hex>, 64 hex, or the 40 hex of `shasum`.
    #[arg(long, value_name = "DIGEST")]
    pub expect_manifest: Option<Digest>,
    /// The manifest must have this revision or a later one.
    #[arg(long, value_name = "N")]
    pub minimum_revision: Option<u64>,
    /// The signing identities must have this digest (see `identity digest`).
    #[arg(long, value_name = "DIGEST")]
    pub expect_signing: Option<Digest>,
    /// The region that this job belongs to.
    #[arg(long, value_name = "REGION")]
    pub region: Option<RegionName>,
    /// What `security find-identity -v -p codesigning` printed, or a p12; `-` reads standard input.
    #[arg(long, value_name = "FILE|-")]
    pub identities: Option<PathBuf>,
    /// Where the p12's password comes from.
    #[command(flatten)]
    pub password: PasswordArguments,
    /// The Xcode project whose targets are judged, and which of them.
    #[command(flatten)]
    pub targets: ProjectArguments,
    /// Groups that are not judged; the waiver stands in the verdict.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub without: Vec<Waivable>,
    /// Verify the signatures of the installed profiles again, besides comparing their bytes.
    #[arg(long)]
    pub prove: bool,
    /// Write the hand-off statement (in-toto) here if the gate clears.
    #[arg(long, value_name = "FILE")]
    pub envelope: Option<PathBuf>,
}

/// What `gate` is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What is judged.
    #[command(flatten)]
    pub gate: GateArguments,
    /// Judge the identities of this keychain, which need not be open.
    #[command(flatten)]
    pub keychain: super::state::KeychainArguments,
    /// Rehearse: judge as if this were the host.
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Rehearsal",
        conflicts_with = "envelope"
    )]
    pub host: Option<HostName>,
    /// Rehearse: judge as if it were this instant (RFC 3339), as in 2027-01-15T08:00:00Z.
    #[arg(
        long,
        value_name = "INSTANT",
        help_heading = "Rehearsal",
        conflicts_with = "envelope"
    )]
    pub at: Option<Timestamp>,
}

/// A group that can be waived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Waivable {
    /// Installed profiles.
    Profiles,
    /// Signing identities.
    Identities,
    /// Targets of Xcode projects.
    Targets,
}

impl From<Waivable> for Group {
    fn from(waivable: Waivable) -> Self {
        match waivable {
            Waivable::Profiles => Self::Profiles,
            Waivable::Identities => Self::Identities,
            Waivable::Targets => Self::Targets,
        }
    }
}

/// The `countersign.gate.v1` document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GateDocument {
    /// Always `countersign.gate.v1`.
    #[schemars(extend("const" = "countersign.gate.v1"))]
    pub schema: &'static str,
    /// Whether this machine may sign with this manifest.
    pub verdict: VerdictWord,
    /// Everything that was found: what blocks first, then by group in the order of the gate.
    pub findings: Vec<Finding>,
    /// The groups that were not judged because somebody waived them.
    pub waived: Vec<Group>,
    /// The manifest that was judged; absent if the policy could not be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestName>,
    /// The digests of the identities, as far as they could be told.
    pub identities: IdentityDocument,
    /// The region, where the policy knows regions; else null.
    pub region: Option<RegionName>,
    /// The host that was judged.
    pub host: HostName,
    /// The instant of the verdict (RFC 3339, UTC).
    pub judged_at: Timestamp,
    /// Host or instant were given by hand: not a verdict about this machine now.
    pub rehearsal: bool,
}

/// Both identity digests.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IdentityDocument {
    /// SHA-256 over the sorted SHA-256 fingerprints of their certificates, as `--expect-signing` takes it; null if they
    /// were not observed, or if not every fingerprint is known.
    pub canonical: Option<Digest>,
    /// SHA-1 of what `security find-identity` printed, 40 hex digits; null without such a capture.
    pub compatible: Option<Digest>,
}

/// What was judged, and the verdict.
pub(super) struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// The policy and the manifest; absent if the policy could not be used.
    pub judged: Option<(Policy, Manifest)>,
}

/// Gathers the facts and judges them for `host` at `now`. `live` observes the keychain's identities, where somebody asked
/// for them and no capture of them was given.
pub(super) fn judge(
    arguments: &GateArguments,
    host: &HostName,
    now: Timestamp,
    live: &dyn Fn(&Policy) -> Result<Option<Identities>, Failure>,
    world: &World,
) -> Result<Judged, Failure> {
    if let Some(path) = &arguments.envelope {
        // An earlier verdict's statement must not be taken for this one's.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::input(format!("{}: {error}", path.display())));
            }
            _ => {}
        }
    }
    let loaded = match world.policy()? {
        Ok(loaded) => loaded,
        Err(findings) => {
            let verdict = Verdict {
                cleared: None,
                findings,
                waived: BTreeSet::new(),
                identities: IdentityDigests::default(),
                region: None,
            };
            return Ok(Judged {
                verdict,
                judged: None,
            });
        }
    };
    let policy = loaded.policy;
    let (manifest, bytes) = world.manifest()?;
    let waived: BTreeSet<Group> = arguments
        .without
        .iter()
        .map(|group| Group::from(*group))
        .collect();
    let expected_manifest = arguments.expect_manifest.map(|expected| ExpectedDigest {
        expected,
        found: expected.same_algorithm_over(&bytes),
    });
    drop(bytes);
    let facts = Facts {
        now,
        host: host.clone(),
        region: arguments.region.clone(),
        expected_manifest,
        minimum_revision: arguments.minimum_revision,
        profiles: installed_profiles(arguments, &policy, &manifest, &waived, world)?,
        identities: identities(arguments, &policy, &manifest, &waived, live)?,
        expected_signing: arguments.expect_signing,
        targets: targets(arguments, &policy, &manifest, &waived)?,
    };
    let mut verdict = gate::judge(&policy, &manifest, &facts, &waived);
    verdict.findings.extend(loaded.remarks);
    Ok(Judged {
        verdict,
        judged: Some((policy, manifest)),
    })
}

/// The verdict as the audit log remembers it.
pub(super) fn event(judged: &Judged) -> Event {
    let verdict = &judged.verdict;
    let outcome = match verdict.cleared {
        Some(_) => Outcome::Done,
        None => Outcome::Refused,
    };
    let mut event = Event::new(Action::Gate, outcome);
    if let Some((_, manifest)) = &judged.judged {
        event = event
            .detail("manifest", manifest.digest())
            .detail("revision", manifest.revision());
    }
    if let Some(canonical) = verdict.identities.canonical {
        event = event.detail("identities", canonical);
    }
    if !verdict.waived.is_empty() {
        let waived: Vec<&str> = verdict.waived.iter().map(|group| group.as_str()).collect();
        event = event.detail("waived", waived.join(","));
    }
    let mut blocking: Vec<&str> = verdict
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Block)
        .map(|finding| finding.code.as_str())
        .collect();
    blocking.dedup();
    if !blocking.is_empty() {
        event = event.detail("blocked-by", blocking.join(","));
    }
    event
}

/// Writes the hand-off statement of a clearance, if one was asked for.
pub(super) fn write_envelope(
    arguments: &GateArguments,
    judged: &Judged,
    recorded: Option<Checkpoint>,
    now: Timestamp,
    world: &World,
) -> Result<(), Failure> {
    let (Some(path), Some(cleared), Some((_, manifest)), Some(checkpoint)) = (
        &arguments.envelope,
        &judged.verdict.cleared,
        &judged.judged,
        recorded,
    ) else {
        return Ok(());
    };
    let name = world.manifest_path().file_name().map_or_else(
        || "profiles.json".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let statement = envelope::statement(cleared, &judged.verdict, manifest, &name, now, checkpoint);
    let mut text = serde_json::to_vec_pretty(&statement).map_err(Failure::unexpected)?;
    text.push(b'\n');
    files::replace_atomically(path, &text, FileMode::Keep).map_err(Failure::input)
}

/// Runs the command.
pub fn run(arguments: &Arguments, world: &World) -> Result<Exit, Failure> {
    let host = match &arguments.host {
        Some(host) => host.clone(),
        None => node::host_name().map_err(Failure::input)?,
    };
    let now = arguments.at.unwrap_or(world.now);
    let rehearsal = arguments.host.is_some() || arguments.at.is_some();
    let live = |_: &Policy| arguments.keychain.identities_if_named(world);
    let judged = judge(&arguments.gate, &host, now, &live, world)?;
    let mut checkpoint = None;
    // A rehearsal is no verdict about this machine now, so there is nothing to remember.
    if !rehearsal {
        let recorded = state::audit_log(world, judged.verdict.region.clone())
            .and_then(|log| log.append(&event(&judged)).map_err(Failure::input));
        match recorded {
            Ok(appended) => checkpoint = Some(appended.checkpoint),
            // Handing something on is an action; without a record it does not happen.
            Err(failure) if arguments.gate.envelope.is_some() => return Err(failure),
            // A verdict alone changes nothing, and a gate on a read-only disk must still say no.
            Err(failure) => writeln!(
                anstream::stderr().lock(),
                "caution: this verdict is not recorded: {}",
                failure.message
            )?,
        }
    }
    write_envelope(&arguments.gate, &judged, checkpoint, now, world)?;
    let manifest = judged.judged.as_ref().map(|(_, manifest)| manifest);
    tell(&judged.verdict, manifest, &host, now, rehearsal, world)
}

fn installed_profiles(
    arguments: &GateArguments,
    policy: &Policy,
    manifest: &Manifest,
    waived: &BTreeSet<Group>,
    world: &World,
) -> Result<Observation<InstalledProfiles>, Failure> {
    if waived.contains(&Group::Profiles) {
        return Ok(Observation::Unobserved {
            why: "waived".to_owned(),
        });
    }
    let mut installed = InstalledProfiles::default();
    let mut paths = Vec::new();
    for (directory, must_exist) in world.profile_directories(policy) {
        match profile_store::list(&directory) {
            Ok(found) => paths.extend(found),
            Err(error) if !must_exist && error.error.kind() == std::io::ErrorKind::NotFound => {
                continue;
            }
            Err(error) => return Err(Failure::input(error)),
        }
        installed.directories.push(ProfileDirectory {
            writable: node::may_write_into(&directory).ok(),
            wipeable: world.wipeable(&directory),
            path: directory,
        });
    }
    let verifier = arguments
        .prove
        .then(|| world.anchors(policy).map(Verifier::new))
        .transpose()?;
    installed.files = profile_store::observe(
        &paths,
        |sha256| manifest.has_bytes(sha256),
        verifier.as_ref(),
    );
    Ok(Observation::Observed(installed))
}

fn targets(
    arguments: &GateArguments,
    policy: &Policy,
    manifest: &Manifest,
    waived: &BTreeSet<Group>,
) -> Result<Observation<Vec<Finding>>, Failure> {
    match arguments.targets.project.as_slice() {
        [] => Ok(Observation::Unobserved {
            why: "no --project given".to_owned(),
        }),
        _ if waived.contains(&Group::Targets) => Err(Failure::usage(
            "--project is given and waived with --without at once; leave one of them out",
        )),
        _ => projects::against(manifest, policy, &arguments.targets).map(Observation::Observed),
    }
}

fn identities(
    arguments: &GateArguments,
    policy: &Policy,
    manifest: &Manifest,
    waived: &BTreeSet<Group>,
    live: &dyn Fn(&Policy) -> Result<Option<Identities>, Failure>,
) -> Result<Observation<Identities>, Failure> {
    let is_waived = waived.contains(&Group::Identities);
    match &arguments.identities {
        Some(_) if is_waived => Err(Failure::usage(
            "--identities is given and waived with --without at once; leave one of them out",
        )),
        Some(source) => {
            identity::load(source, &arguments.password, Some(manifest)).map(Observation::Observed)
        }
        None if is_waived => Ok(Observation::Unobserved {
            why: "waived".to_owned(),
        }),
        None => Ok(live(policy)?.map_or_else(
            || Observation::Unobserved {
                why: "no --identities and no --keychain given".to_owned(),
            },
            Observation::Observed,
        )),
    }
}

pub(super) fn tell(
    verdict: &Verdict,
    manifest: Option<&Manifest>,
    host: &HostName,
    now: Timestamp,
    rehearsal: bool,
    world: &World,
) -> Result<Exit, Failure> {
    let is_cleared = verdict.cleared.is_some();
    let word = VerdictWord::of(is_cleared);
    match world.format() {
        Format::Json => world.print_json(&GateDocument {
            schema: "countersign.gate.v1",
            verdict: word,
            findings: verdict.findings.clone(),
            waived: verdict.waived.iter().copied().collect(),
            manifest: manifest.map(ManifestName::from),
            identities: IdentityDocument {
                canonical: verdict.identities.canonical,
                compatible: verdict.identities.compatible,
            },
            region: verdict.region.clone(),
            host: host.clone(),
            judged_at: now,
            rehearsal,
        })?,
        Format::Github => {
            report::github(&mut std::io::stdout().lock(), &verdict.findings)?;
            world.summarize(
                &format!("countersign gate: {}", word.as_str()),
                &verdict.findings,
            )?;
        }
        Format::Human => human(verdict, manifest, host, now, rehearsal, world)?,
    }
    Ok(if is_cleared {
        Exit::Fine
    } else {
        Exit::Blocked
    })
}

fn human(
    verdict: &Verdict,
    manifest: Option<&Manifest>,
    host: &HostName,
    now: Timestamp,
    rehearsal: bool,
    world: &World,
) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let blocking: Vec<&Finding> = verdict
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Block)
        .collect();
    match blocking.first() {
        None => writeln!(out, "{GOOD}cleared{GOOD:#}")?,
        Some(first) => {
            let style = report::style(Severity::Block);
            let count = match blocking.len() {
                1 => "1 finding".to_owned(),
                count => format!("{count} findings"),
            };
            writeln!(
                out,
                "{style}BLOCKED{style:#}  {STRONG}{count}; first of all:{STRONG:#}"
            )?;
            let what = first.hint.as_deref().unwrap_or(&first.message);
            report::paragraph(&mut out, "", what, world.width)?;
        }
    }
    let mut row = |label: &str, value: String| {
        writeln!(out, "  {FAINT}{label:<10}{FAINT:#}{}", plain(&value))
    };
    if let Some(manifest) = manifest {
        row(
            "manifest",
            format!(
                "revision {}, {} profiles",
                manifest.revision(),
                manifest.profiles().len()
            ),
        )?;
        row(
            "digest",
            manifest.digest().to_string().replace("sha256:", ""),
        )?;
    }
    if let Some(canonical) = verdict.identities.canonical {
        row("signing", canonical.to_string().replace("sha256:", ""))?;
    }
    let region = verdict
        .region
        .as_ref()
        .map_or(String::new(), |region| format!(", region {region}"));
    row("host", format!("{host}{region}"))?;
    row("at", now.to_string())?;
    if rehearsal {
        row(
            "",
            "a rehearsal: host or instant were given by hand".to_owned(),
        )?;
    }
    if !verdict.waived.is_empty() {
        let waived: Vec<&str> = verdict.waived.iter().map(|group| group.as_str()).collect();
        row("waived", waived.join(", "))?;
    }
    let visible: Vec<Finding> = world
        .visible(&verdict.findings)
        .into_iter()
        .cloned()
        .collect();
    report::human(&mut out, &visible, world.width)?;
    let hidden = verdict.findings.len() - visible.len();
    if hidden > 0 && !world.global.quiet {
        writeln!(
            out,
            "\n{FAINT}{hidden} more for information: --verbose shows them{FAINT:#}"
        )?;
    }
    Ok(())
}
