//! One verdict: freezing, checking, exporting and the gate conclude the same of the same targets.
//!
//! All four are asked in this process about an [`Input`], each with the profiles at hand and, where freezing writes a manifest,
//! with that. Compared is what each says of the targets: codes, targets, places, what blocks. What the verbs say of other
//! things (identities, installed files, the machine) is theirs. Where a difference is meant, [`is_meant`] names it with its
//! reason; every other one fails.

mod built;
mod engine;
mod projects;
mod reports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use countersign::base::clock::FixedClock;
use countersign::base::finding::{Code, Finding, Group, Severity};
use countersign::context::manifest::freeze::freeze as of_nothing;
use countersign::host::secret_source::SecretSource;
use countersign::ops::error::Failure;
use countersign::ops::gate::question::Question;
use countersign::ops::gate::{RehearsalRequest, rehearse};
use countersign::ops::manifest::{FreezeRequest, freeze};
use countersign::ops::notice::Deaf;
use countersign::ops::target_selection::TargetSelection;
use countersign::ops::targets::{ExportForm, ExportRequest, check, export};
use countersign::ops::world::{Places, Surroundings, World};
use countersign::xcode::export_options::XcodeVersion;

/// Every profile of the reports and of the forge is valid then, but for those that are meant to have expired.
const NOW: &str = "2026-11-28T12:00:00Z";

/// What is judged: projects and what is selected of them, profiles, a policy.
pub(crate) struct Input {
    /// What a failure calls it.
    pub(crate) name: String,
    pub(crate) selection: TargetSelection,
    pub(crate) policy: PathBuf,
    /// The directory of the profiles at hand.
    pub(crate) profiles: PathBuf,
    pub(crate) environment: Vec<(String, String)>,
}

/// What is said of targets: where it was said, code, target, file and line; and whether it blocks.
type Told = BTreeMap<(Code, Option<String>, Option<String>, Option<u64>), bool>;

/// What one verb concludes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It judged, and says this of the targets.
    Judged(Told),
    /// It could not look: the error's code.
    Error(String),
}

/// The four verbs' answers, by the verb and what it was given.
pub(crate) struct Answers {
    pub(crate) by_verb: BTreeMap<&'static str, Answer>,
    /// Settings say that something is not signed.
    pub(crate) is_unsigned: bool,
}

/// Codes that speak of targets and belong to groups of other things too.
const OF_TARGETS: [Code; 4] = [
    Code::CertificateNotInProfile,
    Code::ProfileXcodeManaged,
    Code::DebuggingAllowed,
    Code::ProjectMissing,
];

/// What findings say of targets. One code may be told twice at one place; if one of them blocks, it blocks.
fn told(findings: &[Finding]) -> Answer {
    let mut told = Told::new();
    for finding in findings {
        if finding.code.group() != Group::Targets && !OF_TARGETS.contains(&finding.code) {
            continue;
        }
        let place = finding.place.clone();
        let key = (finding.code, place.target, place.file, place.line);
        let blocks = told.entry(key).or_default();
        *blocks = *blocks || finding.severity == Severity::Block;
    }
    Answer::Judged(told)
}

fn answer(result: Result<Vec<Finding>, Failure>) -> Answer {
    match result {
        Ok(findings) | Err(Failure::Blocked(findings)) => told(&findings),
        Err(Failure::Error(error)) => Answer::Error(error.code().to_string()),
    }
}

/// The world of one verb: with a manifest, or with a directory of profiles.
fn world(input: &Input, folder: &tempfile::TempDir, manifest: Option<&PathBuf>) -> World {
    let places = Places {
        policy: Some(input.policy.clone()),
        manifest: manifest.cloned(),
        profiles: vec![input.profiles.clone()],
        state_dir: Some(folder.path().join("state")),
    };
    let variables = input.environment.iter();
    let surroundings = Surroundings {
        home: Some(folder.path().to_owned()),
        variables: variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        ..Surroundings::default()
    };
    let clock = FixedClock(NOW.parse().unwrap());
    World::new(places, surroundings, Arc::new(clock), Box::new(Deaf))
}

fn asked(selection: &TargetSelection) -> RehearsalRequest {
    RehearsalRequest {
        question: Question {
            expect_policy: None,
            expect_manifest: None,
            minimum_revision: None,
            expect_signing: None,
            region: None,
            identities: None,
            identities_password: SecretSource::Environment("NONE".to_owned()),
            targets: selection.clone(),
            // Only what is said of targets is compared.
            waived: BTreeSet::from([Group::Identities]),
            prove: false,
        },
        keychain: None,
        host: None,
        at: None,
    }
}

/// Asks all four.
pub(crate) fn ask(input: &Input) -> Answers {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("profiles.json");
    let mut by_verb = BTreeMap::new();
    let at_hand = world(input, &folder, None);
    let mut is_unsigned = false;
    let mut checked = |world: &World| {
        let checked = check(&input.selection, world);
        let is_told = |it: &Finding| it.code == Code::TargetUnsigned;
        let checked = checked.inspect(|it| is_unsigned |= it.findings.iter().any(is_told));
        answer(checked.map(|it| it.findings))
    };
    by_verb.insert("check", checked(&at_hand));
    let exported = |world: &World, form| {
        let request = ExportRequest {
            selection: input.selection.clone(),
            form,
            xcode: XcodeVersion::new(16, 0),
            output: None,
        };
        answer(export(&request, world).map(|it| it.findings))
    };
    by_verb.insert("export", exported(&at_hand, ExportForm::Json));
    by_verb.insert("export-settings", exported(&at_hand, ExportForm::Xcconfig));
    let request = FreezeRequest {
        output: Some(manifest.clone()),
        targets: input.selection.clone(),
        // How long a profile lasts is not what is compared.
        allow_expired: true,
        ..FreezeRequest::default()
    };
    let frozen = freeze(&request, &at_hand);
    let is_written = matches!(&frozen, Ok(it) if it.manifest.is_some());
    by_verb.insert("freeze", answer(frozen.map(|it| it.findings)));
    if !is_written {
        // What cannot be frozen with the project is frozen without it.
        let request = FreezeRequest {
            targets: TargetSelection::default(),
            ..request
        };
        if freeze(&request, &at_hand).is_err() {
            // Nothing is there to be frozen.
            fs::write(
                &manifest,
                of_nothing(Vec::new(), None, Vec::new(), None).to_bytes(),
            )
            .unwrap();
        }
    }
    if manifest.exists() {
        let with_manifest = world(input, &folder, Some(&manifest));
        if is_written {
            by_verb.insert("check-pinned", checked(&with_manifest));
            by_verb.insert("export-pinned", exported(&with_manifest, ExportForm::Json));
        }
        let judged = rehearse(&asked(&input.selection), &with_manifest);
        by_verb.insert("gate", answer(judged.map(|it| it.document.findings)));
    }
    Answers {
        by_verb,
        is_unsigned,
    }
}

/// What an export mends, because it sets style, team, identity and specifier of every target: it warns of them.
const MENDED: [Code; 7] = [
    Code::SigningStyleMixed,
    Code::SpecifierShared,
    Code::SpecifierNotSupported,
    Code::TargetProfileStale,
    Code::IdentityStyleConflict,
    Code::AutomaticSigningUnusable,
    Code::DevelopmentTeamMissing,
];

/// Whether a difference is meant: what checking says (whether it blocks; nothing if it does not say it), and what `verb` says.
fn is_meant(
    verb: &str,
    code: Code,
    checked: Option<bool>,
    here: Option<bool>,
    is_unsigned: bool,
) -> bool {
    let exports = verb.starts_with("export");
    match (code, checked, here) {
        // A build that is not signed needs nothing, so checking it is no failure. Whoever freezes, exports or opens a keychain
        // for it wants it signed.
        (Code::TargetsUnobserved, Some(false), Some(true)) => is_unsigned,
        // With a manifest, a selection is less than what is pinned, which is said.
        (Code::TargetsUnobserved, None, Some(false)) => verb == "gate" || verb.ends_with("pinned"),
        // Which profile is meant is what freezing answers, so it is asked before that.
        (Code::SpecifierMissing, Some(false), None) => verb == "gate" || verb.ends_with("pinned"),
        // One call of xcodebuild cannot say every plan.
        (Code::PlanNotExportable, None, Some(_)) => exports,
        // What comes from the environment decides, but is neither stored nor handed on.
        (Code::SettingFromEnvironment, _, Some(true)) => exports || verb == "freeze",
        (code, Some(true), Some(false)) => exports && MENDED.contains(&code),
        _ => false,
    }
}

/// Whether checking, without a manifest, finds nothing that blocks.
pub(crate) fn clears(input: &Input) -> bool {
    match &ask(input).by_verb["check"] {
        Answer::Judged(told) => !told.values().any(|blocks| *blocks),
        Answer::Error(_) => false,
    }
}

/// Where the verbs do not agree with what checking says without a manifest, for people.
pub(crate) fn disagreements(input: &Input) -> Vec<String> {
    let answers = ask(input);
    let Answer::Judged(checked) = &answers.by_verb["check"] else {
        // Who cannot look says so everywhere.
        let check = &answers.by_verb["check"];
        let others = answers.by_verb.iter().filter(|(_, it)| *it != check);
        return others
            .map(|(verb, it)| format!("{}: {verb}: {it:?}, check: {check:?}", input.name))
            .collect();
    };
    let mut found = Vec::new();
    for (verb, answer) in &answers.by_verb {
        let told = match answer {
            Answer::Judged(told) => told,
            Answer::Error(error) => {
                found.push(format!("{}: {verb}: {error}", input.name));
                continue;
            }
        };
        let keys: BTreeSet<_> = checked.keys().chain(told.keys()).collect();
        for key in keys {
            let (of_check, here) = (checked.get(key).copied(), told.get(key).copied());
            if of_check != here && !is_meant(verb, key.0, of_check, here, answers.is_unsigned) {
                let said = |it: Option<bool>| match it {
                    None => "nothing",
                    Some(true) => "block",
                    Some(false) => "no block",
                };
                found.push(format!(
                    "{}: {verb} says {} of {key:?}, check {}",
                    input.name,
                    said(here),
                    said(of_check)
                ));
            }
        }
    }
    found
}

/// All of them agree on every input.
#[track_caller]
pub(crate) fn agree(inputs: &[Input]) {
    let found: Vec<String> = inputs.iter().flat_map(disagreements).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
