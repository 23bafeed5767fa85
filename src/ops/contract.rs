//! `doctor --contract`: does this Mac keep the promises that countersign builds on?
//!
//! What countersign says of `security`, `codesign` and the watchdog is tested on Linux, against a stand-in that behaves as
//! Apple's sources say. This suite asks a Mac itself. It makes a throw-away keychain with a throw-away identity, takes the
//! [steps](step::Step) of a job with them, kills what can be killed, and writes down what it saw ([`document`]).
//!
//! It has no way of its own to do anything with a keychain. Each step is a command of this program, started again as a job
//! starts it, with the policy, the manifest and the state directory of the suite: so what is tried is what jobs use, journal and
//! watchdog included; a step that hangs is ended from outside; and a step can be killed. The window opens by a clearance of a
//! real gate, under a policy that waives all that can be waived and a manifest that pins nothing.
//!
//! Nothing of the user's is used, but for the lock in their state directory that every opening takes. The search list is the one thing that is
//! shared, because macOS has one; each window adds the throw-away keychain at its end and takes it out again, as every run
//! does, and no other run of this user can open a window meanwhile.
//!
//! Whatever happens, the suite tidies up: at its end, when it is asked to stop, and, if it is killed, when the next suite or
//! recovery finds its directory ([`clear_leftovers`]). Until then the journal in that directory closes its keychain as that of
//! any run.
//!
//! - [`document`]: what is reported
//! - [`step`]: the steps

mod bench;
pub mod document;
mod machine;
mod private;
pub mod step;
mod suite;
mod verdict;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::bench::Bench;
use self::document::{ContractDocument, ProgramDocument, StepDocument, StepResult};
use self::step::Step;
use self::suite::Suite;
use super::error::{Error, Failure};
use super::keychain::work;
use super::notice::Notice;
use super::output;
use super::world::World;
use crate::base::error::ErrorCode;
use crate::base::remedy::Remedy;
use crate::host::contract::Throwaway;
use crate::host::journal::{Journals, Life};
use crate::host::keychain::KeychainError;
use crate::host::node::OsFamily;
use crate::host::owned_files::Lock;
use crate::host::process::StopFlag;

/// What this program is asked to do with the throw-away keychain.
#[derive(Debug, Clone, Copy)]
pub enum Deed<'a> {
    /// Make it.
    Create,
    /// Import the identity of this p12, whose password is in that file.
    Import {
        /// The p12.
        file: &'a Path,
        /// The file with its password.
        password: &'a Path,
    },
    /// Run a command while it is open.
    Run {
        /// The longest time that it stays open.
        window: Duration,
        /// The command and its arguments.
        command: &'a [OsString],
    },
    /// Say whether it is open.
    Status,
    /// Finish what killed runs left.
    Recover,
    /// Delete it.
    Destroy,
}

impl Deed<'_> {
    /// What it is called where it fails.
    pub(in crate::ops) fn name(&self) -> &'static str {
        match self {
            Self::Create => "making the keychain",
            Self::Import { .. } => "the import",
            Self::Run { .. } => "the run",
            Self::Status => "asking whether the keychain is open",
            Self::Recover => "the recovery",
            Self::Destroy => "deleting the keychain",
        }
    }
}

/// Where the things of the suite are.
#[derive(Debug, Clone)]
pub struct ContractPlaces {
    /// The state directory.
    pub state: PathBuf,
    /// The policy.
    pub policy: PathBuf,
    /// The manifest.
    pub manifest: PathBuf,
    /// The keychain.
    pub keychain: PathBuf,
}

/// How this program is told what to do, and how it says that a window ended: whoever knows the command line says so.
#[derive(Clone, Copy)]
pub struct Speech<'a> {
    /// The words of a command, after the program's own.
    pub words: &'a dyn Fn(&ContractPlaces, &Deed<'_>) -> Vec<OsString>,
    /// The exit code of a run whose window ended before its command did.
    pub window_ended: u8,
}

/// How the suite is run.
pub struct ContractRequest<'a> {
    /// How this program is told what to do.
    pub speech: Speech<'a>,
    /// The file that the report is written into, if any: after each step, so that it tells of a suite that was killed.
    pub output: Option<&'a Path>,
    /// How long one command may take.
    pub limit: Duration,
}

/// How long one command of a suite may take unless somebody says otherwise: each tool may take half a minute, and an import
/// calls three that can hang.
pub const STEP_TIME: Duration = Duration::from_secs(120);

/// Runs the suite.
///
/// # Errors
/// This is no Mac; a run of this user has a keychain open; what the suite needs cannot be made; or the report cannot be
/// written. Whatever a step comes to stands in the answer.
pub fn contract(request: &ContractRequest<'_>, world: &World) -> Result<ContractDocument, Failure> {
    if OsFamily::current() != OsFamily::MacOs && world.surroundings.tools.is_none() {
        let message = format!(
            "the contract suite needs macOS with its security, codesign and keychains; this is {}",
            OsFamily::current()
        );
        return Err(Error::new(ErrorCode::MacRequired, message)
            .hint("run it on the Mac that signs; elsewhere the same steps run in the tests, against a stand-in")
            .into());
    }
    work::prepare_process()?;
    let mut document = ContractDocument {
        schema: "countersign.doctor-contract.v1",
        at: world.now,
        complete: false,
        passed: false,
        rows: Vec::new(),
        program: ProgramDocument {
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("COUNTERSIGN_COMMIT").filter(|commit| !commit.is_empty()),
            sources: env!("COUNTERSIGN_SOURCES"),
        },
        machine: machine::look(world),
        steps: Step::ALL.into_iter().map(StepDocument::ahead).collect(),
        left: Vec::new(),
    };
    // What cannot be written is said before anything is made.
    write(request.output, &document)?;
    let _turn = turn(world)?;
    clear_leftovers(request.speech, world)?;
    let stop = StopFlag::watch().map_err(|error| {
        Error::new(
            ErrorCode::SessionUnguarded,
            format!("cannot watch for signals: {error}"),
        )
    })?;
    let directory = Throwaway::make(&temporary(world))?;
    let bench = Bench::new(directory, request, &stop, world)?;
    bench.furnish()?;
    let mut suite = Suite::new(&bench);
    for (at, step) in Step::ALL.into_iter().enumerate() {
        let done = match why_not(step, &document.steps, &stop) {
            Some(why) => StepDocument {
                why: Some(why),
                ..StepDocument::ahead(step)
            },
            None => {
                if step.tidies() {
                    bench.tidy();
                }
                suite.take(step)
            }
        };
        world.notify(&Notice::ContractStep {
            step: &done,
            number: at + 1,
            of: Step::ALL.len(),
        });
        if let Some(place) = document.steps.get_mut(at) {
            *place = done;
        }
        document.machine.openssl = suite.openssl().map(str::to_owned);
        // The last writing decides whether there is a report.
        let _ = write(request.output, &document);
    }
    drop(suite);
    bench.tidy();
    let place = bench.directory().display().to_string();
    document.left = bench.clear();
    if !document.left.is_empty() {
        world.notify(&Notice::Caution(&format!(
            "what the contract suite made is left in {place}; the next suite or recovery tries again"
        )));
    }
    document.complete = true;
    document.conclude();
    write(request.output, &document)?;
    Ok(document)
}

/// Why a step is not taken, if it is not.
fn why_not(step: Step, before: &[StepDocument], stop: &StopFlag) -> Option<String> {
    if stop.is_set() && !step.tidies() {
        return Some("a signal asked the suite to stop".to_owned());
    }
    let passed = |needed: &Step| {
        before
            .iter()
            .any(|it| it.name == *needed && it.result == StepResult::Passed)
    };
    let missing = step.needs().iter().find(|needed| !passed(needed))?;
    let result = before.iter().find(|it| it.name == *missing)?.result;
    Some(format!(
        "it needs {}, which {}",
        missing.as_str(),
        was(result)
    ))
}

fn was(result: StepResult) -> &'static str {
    match result {
        StepResult::Passed => "passed",
        StepResult::Failed => "failed",
        StepResult::Hung => "hung",
        StepResult::NotRun => "was not run",
    }
}

/// Clears away what suites left that were killed: closes and deletes their keychains, and removes their directories.
///
/// # Errors
/// Something is left, or the machine's backend cannot be had.
pub fn clear_leftovers(speech: Speech<'_>, world: &World) -> Result<(), Error> {
    let mut bases = vec![temporary(world), PathBuf::from(EVERYBODYS)];
    bases.dedup();
    let never = StopFlag::default();
    let request = ContractRequest {
        speech,
        output: None,
        limit: STEP_TIME,
    };
    for base in bases {
        // A directory that cannot be listed holds nothing of ours that we could remove.
        for found in Throwaway::left_in(&base).unwrap_or_default() {
            let path = found.path().display().to_string();
            let left = Bench::new(found, &request, &never, world)?.clear();
            if !left.is_empty() {
                let message = format!(
                    "a contract suite was killed earlier, and what it left in {path} cannot be cleared away: {}",
                    left.join("; ")
                );
                return Err(Error::new(ErrorCode::KeychainFailed, message)
                    .hint("try again; if that does not help, delete the keychain in that directory, then the directory")
                    .remedy(Remedy::RecoverKeychains));
            }
            world.notify(&Notice::Caution(&format!(
                "a contract suite was killed earlier; its keychain and its directory {path} are removed"
            )));
        }
    }
    Ok(())
}

/// Keeps other runs of this user, and other suites, from opening a keychain, and so from changing the search list, until the
/// value is dropped.
fn turn(world: &World) -> Result<Option<Lock>, Error> {
    let journals = Journals::new(&world.state_directory()?, world.clock.as_ref());
    let lock = journals.lock_unless(&mut || false)?;
    let mut open = journals.all()?.into_iter().flatten();
    match open.find(|run| run.life == Life::Alive) {
        None => Ok(lock),
        Some(run) => Err(KeychainError::InUse {
            keychain: run.entry.keychain,
            runs: run.entry.run.to_string(),
        }
        .into()),
    }
}

/// Where temporary files of this user are.
fn temporary(world: &World) -> PathBuf {
    let named = world.variable("TMPDIR").map(PathBuf::from);
    named
        .filter(|path| path.is_absolute())
        .unwrap_or_else(|| PathBuf::from(EVERYBODYS))
}

/// Where temporary files are if nothing says otherwise.
const EVERYBODYS: &str = "/tmp";

fn write(file: Option<&Path>, document: &ContractDocument) -> Result<(), Failure> {
    file.map_or(Ok(()), |file| output::write_json(file, document))
}
