//! `countersign gate`: whether this machine may sign with this manifest now.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::answer::Answer;
use super::projects::ProjectArguments;
use super::report::{self, FAINT, GOOD};
use super::selection::{IdentitiesArguments, KeychainArguments};
use super::terminal::Terminal;
use crate::base::digest::Digest;
use crate::base::finding::Group;
use crate::base::ids::{HostName, RegionName};
use crate::base::plain::plain;
use crate::host::signer::Signer;
use crate::ops::error::Failure;
use crate::ops::gate::document::{EnvelopeDocument, EnvelopeOutcome, GateAnswer, GateDocument};
use crate::ops::gate::envelope::EnvelopeRequest;
use crate::ops::gate::question::Question;
use crate::ops::gate::{self, GateRequest, RehearsalRequest};
use crate::ops::report::VerdictWord;
use crate::ops::world::World;

/// What the gate is asked: the flags that `gate` and `run` share.
#[derive(Debug, Args)]
pub struct GateArguments {
    /// The policy must have this digest: sha256:<64 hex>, 64 hex, or the 40 hex of `shasum`.
    #[arg(long, value_name = "DIGEST")]
    pub expect_policy: Option<Digest>,
    /// The manifest must have this digest: sha256:<64 hex>, 64 hex, or the 40 hex of `shasum`.
    #[arg(long, value_name = "DIGEST")]
    pub expect_manifest: Option<Digest>,
    /// The manifest must have this revision or a later one.
    #[arg(long, value_name = "N")]
    pub minimum_revision: Option<u64>,
    /// The signing identities must have this digest, from `identity digest`.
    #[arg(long, value_name = "DIGEST")]
    pub expect_signing: Option<Digest>,
    /// The region of this job.
    #[arg(long, value_name = "REGION")]
    pub region: Option<RegionName>,
    /// The identities.
    #[command(flatten)]
    pub identities: IdentitiesArguments,
    /// The Xcode project whose targets are judged, and which of them.
    #[command(flatten)]
    pub targets: ProjectArguments,
    /// Do not judge this group, if the policy allows that; the verdict names the waiver.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub without: Vec<Waivable>,
    /// Prove every pinned profile afresh, whatever earlier gates have proven; `run` and `--envelope` always do.
    #[arg(long)]
    pub prove: bool,
    /// Write the envelope, an in-toto statement, to this file if the gate clears; if it blocks, an earlier envelope there is
    /// removed.
    #[arg(long, value_name = "FILE")]
    pub envelope: Option<PathBuf>,
    /// Sign the envelope with this SSH key: a private key, or a public key whose private half is in the SSH agent.
    #[arg(long, value_name = "KEY", requires = "envelope")]
    pub sign_with: Option<PathBuf>,
    /// Sign the envelope with this program, which reads the message on standard input and writes an SSH signature.
    #[arg(
        long,
        value_name = "PROGRAM",
        requires = "envelope",
        conflicts_with = "sign_with"
    )]
    pub sign_with_command: Option<PathBuf>,
}

/// What `gate` is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What is judged.
    #[command(flatten)]
    pub gate: GateArguments,
    /// Judge the identities of this keychain, which may be closed.
    #[command(flatten)]
    pub keychain: KeychainArguments,
    /// Rehearse for the host with this name. A rehearsal opens nothing and is not recorded.
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Rehearsal",
        conflicts_with = "envelope"
    )]
    pub host: Option<HostName>,
    /// Rehearse for this instant (RFC 3339), as in 2027-01-15T08:00:00Z.
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
    /// The policy, if there is none: for a verdict of `gate` that opens nothing and has no envelope.
    Policy,
}

impl From<Waivable> for Group {
    fn from(waivable: Waivable) -> Self {
        match waivable {
            Waivable::Profiles => Self::Profiles,
            Waivable::Identities => Self::Identities,
            Waivable::Targets => Self::Targets,
            Waivable::Policy => Self::Policy,
        }
    }
}

impl GateArguments {
    /// What is judged, and the envelope that is asked for.
    pub(super) fn question(self) -> (Question, Option<EnvelopeRequest>) {
        let (identities, identities_password) = self.identities.parts();
        let question = Question {
            expect_policy: self.expect_policy,
            expect_manifest: self.expect_manifest,
            minimum_revision: self.minimum_revision,
            expect_signing: self.expect_signing,
            region: self.region,
            identities_password,
            identities,
            targets: self.targets.into(),
            waived: self.without.into_iter().map(Group::from).collect(),
            prove: self.prove,
        };
        let signer = self.sign_with.map(Signer::Key);
        let signer = signer.or(self.sign_with_command.map(Signer::Command));
        let envelope = self.envelope;
        let envelope = envelope.map(|file| EnvelopeRequest { file, signer });
        (question, envelope)
    }
}

/// Runs the command.
///
/// # Errors
/// Something that is judged cannot be read, or the envelope cannot be written.
pub fn run(arguments: Arguments, world: &World) -> Result<Answer<'static>, Failure> {
    let (question, envelope) = arguments.gate.question();
    let keychain = arguments.keychain.named();
    let (host, at) = (arguments.host, arguments.at);
    if host.is_none() && at.is_none() {
        let request = GateRequest {
            question,
            keychain,
            envelope,
        };
        return Ok(answer(gate::gate(&request, world)?));
    }
    let request = RehearsalRequest {
        question,
        keychain,
        host,
        at,
    };
    Ok(answer(gate::rehearse(&request, world)?))
}

/// What the gate answers, as it is shown.
pub(super) fn answer(answer: GateAnswer) -> Answer<'static> {
    let title = match answer.document.verdict {
        VerdictWord::Cleared => "countersign gate: cleared",
        VerdictWord::Blocked => "countersign gate: blocked",
    };
    let profile_count = answer.profile_count;
    let form = move |document: &GateDocument, out: &mut dyn Write, terminal: &Terminal| {
        show(document, profile_count.unwrap_or_default(), out, terminal)
    };
    let facts = facts(&answer.document, profile_count);
    Answer::report(title, answer.document, form).with_facts(facts)
}

/// What a step summary says of what was judged.
fn facts(document: &GateDocument, profile_count: Option<usize>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(manifest) = &document.manifest {
        facts.push(("manifest", format!("revision {}", manifest.revision)));
        facts.push(("digest", manifest.digest.to_string()));
    }
    if let Some(policy) = &document.policy {
        facts.push(("policy", policy.digest.to_string()));
    }
    facts.push(("host", document.host.to_string()));
    if let Some(region) = &document.region {
        facts.push(("region", region.to_string()));
    }
    if let Some(profiles) = profile_count {
        facts.push(("profiles", profiles.to_string()));
    }
    if let Some(targets) = document.targets {
        facts.push(("targets", targets.to_string()));
    }
    if let Some(first) = &document.next_expiry {
        let days = days_left(first.expires, document.judged_at);
        let ends = first.expires;
        facts.push((
            "days left",
            format!("{days} ({} expires {ends})", first.name),
        ));
    }
    if !document.waived.is_empty() {
        let waived: Vec<&str> = document.waived.iter().map(|group| group.as_str()).collect();
        facts.push(("waived", waived.join(", ")));
    }
    if document.rehearsal {
        facts.push((
            "rehearsal",
            "the host or the instant is not the real one".to_owned(),
        ));
    }
    facts
}

/// The whole days until then; none if it is past.
fn days_left(end: Timestamp, now: Timestamp) -> i64 {
    (end.duration_since(now).as_hours() / 24).max(0)
}

fn show(
    document: &GateDocument,
    profile_count: usize,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    match document.head.headline {
        Some(_) => report::blocked(out, &document.head, &document.findings, terminal)?,
        None => writeln!(out, "{GOOD}cleared{GOOD:#}")?,
    }
    let mut row =
        |label: &str, value: &str| writeln!(out, "  {FAINT}{label:<11}{FAINT:#}{}", plain(value));
    if let Some(policy) = &document.policy {
        row("policy", &hex(policy.digest))?;
    }
    if let Some(manifest) = &document.manifest {
        let revision = manifest.revision;
        row(
            "manifest",
            &format!(
                "revision {revision}, {}",
                report::counted(profile_count, "profile")
            ),
        )?;
        row("digest", &hex(manifest.digest))?;
    }
    if let Some(canonical) = document.identities.canonical {
        row("signing", &hex(canonical))?;
    }
    let region = match &document.region {
        Some(region) => format!(", region {region}"),
        None => String::new(),
    };
    row("host", &format!("{}{region}", document.host))?;
    row("at", &document.judged_at.to_string())?;
    if let Some(first) = &document.next_expiry {
        let days = days_left(first.expires, document.judged_at);
        row("days left", &format!("{days} ({})", first.name))?;
    }
    if document.rehearsal {
        row(
            "",
            "a rehearsal: the host or the instant is not the real one",
        )?;
    }
    for directory in &document.profile_directories {
        row("profiles", directory)?;
    }
    for anchor in &document.trust_anchors {
        row("anchor", &anchor.to_string())?;
    }
    if document.proofs_remembered {
        row("proofs", "of an earlier gate, over the same bytes")?;
    }
    if !document.waived.is_empty() {
        let waived: Vec<&str> = document.waived.iter().map(|group| group.as_str()).collect();
        row("waived", &waived.join(", "))?;
    }
    if let Some(envelope) = &document.envelope {
        row("envelope", &became(envelope))?;
    }
    Ok(())
}

/// What became of an envelope, in one line.
fn became(envelope: &EnvelopeDocument) -> String {
    let file = &envelope.file;
    match envelope.outcome {
        EnvelopeOutcome::Signed => {
            format!(
                "{file}, signed by {}",
                envelope.signer.as_deref().unwrap_or_default()
            )
        }
        EnvelopeOutcome::NotSigned => format!("{file}, NOT SIGNED: it proves nothing"),
        EnvelopeOutcome::Removed => format!("none; the earlier one at {file} is removed"),
        EnvelopeOutcome::NotWritten => "none".to_owned(),
    }
}

/// A digest as people compare it.
fn hex(digest: Digest) -> String {
    digest.to_string().replace("sha256:", "")
}
