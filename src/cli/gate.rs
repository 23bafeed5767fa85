//! `countersign gate`: may this machine sign with this manifest, now?

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
use super::projects::ProjectArguments;
use super::report::{self, FAINT, Format, GOOD, STRONG};
use super::state;
use super::table::plain;
use super::world::World;
use crate::apple::profile::ProfileKind;
use crate::apple::signer::Verifier;
use crate::base::clock::SystemClock;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;
use crate::base::finding::{Finding, Group, Severity};
use crate::base::ids::{HostName, RegionName};
use crate::context::envelope;
use crate::context::gate::facts::Identities;
use crate::context::gate::{self, Asked, ExpectedManifest, Judgement, Rehearsal, Verdict};
use crate::context::manifest::Manifest;
use crate::context::policy::Policy;
use crate::host::files::{self, FileMode};
use crate::host::observation::{self, ObservationError, ProfilePlaces, Request};

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

/// What is judged, with what was asked.
struct Question {
    policy: Policy,
    manifest: Manifest,
    remarks: Vec<Finding>,
    asked: Asked,
}

/// What was judged, and the verdict.
pub(super) struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// The policy and the manifest; absent if the policy could not be used.
    pub judged: Option<(Policy, Manifest)>,
}

/// Observes the identities of a keychain, where somebody asked for them and named no file of them.
pub(super) type Live<'a> = &'a dyn Fn(&Policy) -> Result<Option<Identities>, Failure>;

impl From<ObservationError> for Failure {
    fn from(error: ObservationError) -> Self {
        match error {
            ObservationError::Project(error) => crate::ops::error::Error::from(error).into(),
            error => Self::input(error),
        }
    }
}

/// Looks at this machine and judges it. `live` observes the keychain's identities.
pub(super) fn judge(
    arguments: &GateArguments,
    live: Live<'_>,
    world: &World,
) -> Result<Judged, Failure> {
    let question = match question(arguments, world)? {
        Ok(question) => question,
        Err(findings) => {
            let facts = observation::observe::<Failure>(&Request::default(), &SystemClock)?;
            return Ok(Judged {
                verdict: gate::refuse(&facts, findings),
                judged: None,
            });
        }
    };
    let facts = question.look(arguments, live, world, |request| {
        observation::observe(request, &SystemClock)
    })?;
    let Question {
        policy,
        manifest,
        remarks,
        asked,
    } = question;
    let verdict = gate::judge(&policy, &manifest, &facts, &asked).with_remarks(remarks);
    Ok(Judged {
        verdict,
        judged: Some((policy, manifest)),
    })
}

/// Judges this machine as if it were `host`, or as if it were another instant; with the manifest, if the policy could be
/// used.
fn rehearse(
    arguments: &Arguments,
    live: Live<'_>,
    world: &World,
) -> Result<(Rehearsal, Option<Manifest>), Failure> {
    let host = arguments.host.as_ref();
    let now = arguments.at.unwrap_or(world.now);
    let question = match question(&arguments.gate, world)? {
        Ok(question) => question,
        Err(findings) => {
            let facts = observation::plan::<Failure>(&Request::default(), host, now)?;
            return Ok((gate::rehearse_refusal(&facts, findings), None));
        }
    };
    let facts = question.look(&arguments.gate, live, world, |request| {
        observation::plan(request, host, now)
    })?;
    let Question {
        policy,
        manifest,
        remarks,
        asked,
    } = question;
    let rehearsal = gate::rehearse(&policy, &manifest, &facts, &asked).with_remarks(remarks);
    Ok((rehearsal, Some(manifest)))
}

/// What is judged, and what is asked; or the findings of a policy that cannot be used.
fn question(
    arguments: &GateArguments,
    world: &World,
) -> Result<Result<Question, Vec<Finding>>, Failure> {
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
        Err(findings) => return Ok(Err(findings)),
    };
    let (manifest, bytes) = world.manifest()?;
    let asked = Asked {
        region: arguments.region.clone(),
        manifest: arguments
            .expect_manifest
            .map(|expected| ExpectedManifest::new(expected, &bytes)),
        minimum_revision: arguments.minimum_revision,
        signing: arguments.expect_signing,
        kind: arguments.targets.kind.map(ProfileKind::from),
        waived: arguments
            .without
            .iter()
            .map(|group| Group::from(*group))
            .collect(),
    };
    for (flag, group, is_given) in [
        (
            "--identities",
            Group::Identities,
            arguments.identities.is_some(),
        ),
        (
            "--project",
            Group::Targets,
            !arguments.targets.project.is_empty(),
        ),
    ] {
        if is_given && asked.waived.contains(&group) {
            return Err(Failure::usage(format!(
                "{flag} is given and waived with --without at once; leave one of them out"
            )));
        }
    }
    Ok(Ok(Question {
        policy: loaded.policy,
        manifest,
        remarks: loaded.remarks,
        asked,
    }))
}

impl Question {
    /// Has `observe` look at all that is judged.
    fn look<T>(
        &self,
        arguments: &GateArguments,
        live: Live<'_>,
        world: &World,
        observe: impl FnOnce(&Request<'_, Failure>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let is_judged = |group| !self.asked.waived.contains(&group);
        let directories = world.profile_directories(&self.policy);
        let verifier = (arguments.prove && is_judged(Group::Profiles))
            .then(|| world.anchors(&self.policy).map(Verifier::new))
            .transpose()?;
        let identities = || match &arguments.identities {
            Some(source) => {
                identity::load(source, &arguments.password, Some(&self.manifest)).map(Some)
            }
            None => live(&self.policy),
        };
        let projects =
            crate::ops::target_selection::TargetSelection::from(arguments.targets.clone())
                .request()?;
        observe(&Request {
            manifest: Some(&self.manifest),
            profiles: is_judged(Group::Profiles).then(|| ProfilePlaces {
                directories: &directories,
                temporary: &world.temporary,
                checkouts: &world.checkouts,
                prove: verifier.as_ref(),
            }),
            identities: is_judged(Group::Identities).then_some(&identities),
            targets: (!projects.projects.is_empty()).then_some(&projects),
        })
    }
}

/// Writes the hand-off statement of a clearance, if one was asked for.
pub(super) fn write_envelope(
    arguments: &GateArguments,
    judged: &Judged,
    recorded: Option<Checkpoint>,
    world: &World,
) -> Result<(), Failure> {
    let (Some(path), Some(_), Some((_, manifest)), Some(checkpoint)) = (
        &arguments.envelope,
        judged.verdict.cleared(),
        &judged.judged,
        recorded,
    ) else {
        return Ok(());
    };
    let name = world.manifest_path().file_name().map_or_else(
        || "profiles.json".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let statement = envelope::statement(&judged.verdict, manifest, &name, checkpoint)
        .map_err(Failure::unexpected)?;
    let mut text = serde_json::to_vec_pretty(&statement).map_err(Failure::unexpected)?;
    text.push(b'\n');
    files::replace_atomically(path, &text, FileMode::Keep).map_err(Failure::input)
}

/// Runs the command.
pub fn run(arguments: &Arguments, world: &World) -> Result<Exit, Failure> {
    let live = |_: &Policy| arguments.keychain.identities_if_named(world);
    // A rehearsal is no verdict about this machine now, so there is nothing to remember or to hand on.
    if arguments.host.is_some() || arguments.at.is_some() {
        let (rehearsal, manifest) = rehearse(arguments, &live, world)?;
        return print(
            rehearsal.judgement(),
            rehearsal.would_clear(),
            manifest.as_ref(),
            true,
            world,
        );
    }
    let judged = judge(&arguments.gate, &live, world)?;
    let judgement = judged.verdict.judgement();
    let mut checkpoint = None;
    let recorded = state::audit_log(world, judgement.region.clone())
        .and_then(|log| log.append(&judged.verdict.event()).map_err(Failure::input));
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
    write_envelope(&arguments.gate, &judged, checkpoint, world)?;
    let manifest = judged.judged.as_ref().map(|(_, manifest)| manifest);
    let is_cleared = judged.verdict.cleared().is_some();
    print(judgement, is_cleared, manifest, false, world)
}

/// Prints what was found, of this machine or of a rehearsal.
pub(super) fn print(
    judgement: &Judgement,
    is_cleared: bool,
    manifest: Option<&Manifest>,
    rehearsal: bool,
    world: &World,
) -> Result<Exit, Failure> {
    let word = VerdictWord::of(is_cleared);
    match world.format() {
        Format::Json => world.print_json(&GateDocument {
            schema: "countersign.gate.v1",
            verdict: word,
            findings: judgement.findings.clone(),
            waived: judgement.waived.iter().copied().collect(),
            manifest: manifest.map(ManifestName::from),
            identities: IdentityDocument {
                canonical: judgement.identities.canonical,
                compatible: judgement.identities.compatible,
            },
            region: judgement.region.clone(),
            host: judgement.host.clone(),
            judged_at: judgement.at,
            rehearsal,
        })?,
        Format::Github => {
            report::github(&mut std::io::stdout().lock(), &judgement.findings)?;
            world.summarize(
                &format!("countersign gate: {}", word.as_str()),
                &judgement.findings,
            )?;
        }
        Format::Human => human(judgement, manifest, rehearsal, world)?,
    }
    Ok(if is_cleared {
        Exit::Fine
    } else {
        Exit::Blocked
    })
}

fn human(
    judgement: &Judgement,
    manifest: Option<&Manifest>,
    rehearsal: bool,
    world: &World,
) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let blocking: Vec<&Finding> = judgement
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
    if let Some(canonical) = judgement.identities.canonical {
        row("signing", canonical.to_string().replace("sha256:", ""))?;
    }
    let region = judgement
        .region
        .as_ref()
        .map_or(String::new(), |region| format!(", region {region}"));
    row("host", format!("{}{region}", judgement.host))?;
    row("at", judgement.at.to_string())?;
    if rehearsal {
        row(
            "",
            "a rehearsal: host or instant were given by hand".to_owned(),
        )?;
    }
    if !judgement.waived.is_empty() {
        let waived: Vec<&str> = judgement
            .waived
            .iter()
            .map(|group| group.as_str())
            .collect();
        row("waived", waived.join(", "))?;
    }
    let visible: Vec<Finding> = world
        .visible(&judgement.findings)
        .into_iter()
        .cloned()
        .collect();
    report::human(&mut out, &visible, world.width)?;
    let hidden = judgement.findings.len() - visible.len();
    if hidden > 0 && !world.global.quiet {
        writeln!(
            out,
            "\n{FAINT}{hidden} more for information: --verbose shows them{FAINT:#}"
        )?;
    }
    Ok(())
}
