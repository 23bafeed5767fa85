//! `countersign keychain`: create, import, unlock, lock, status, destroy, recover.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::identity::{self, ShownIdentity};
use super::password::{KeychainPasswordArguments, PasswordArguments};
use super::report::{Format, GOOD};
use super::run::{self, Guarded};
use super::state::{self, Chosen, KeychainArguments};
use super::table::plain;
use super::world::World;
use crate::apple::pkcs12;
use crate::base::event::{Action, Event, Outcome, Witness};
use crate::base::secret::Password;
use crate::context::policy::Policy;
use crate::host::journal::Journals;
use crate::host::keychain::{BackendKind, KeychainError, KeychainPath, LockState, Settings};
use crate::host::run_id::RunId;
use crate::host::session::{KeychainWork, Recovered, SessionError};
use crate::host::{files, owned_files, random, session};
use crate::ledger::audit::AuditLog;

/// What to do with the keychain.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a locked keychain, under a fresh random password that is kept in the state directory unless one is handed in.
    Create(Keychain),
    /// Put the identities of a p12 in, and lock again.
    Import {
        /// The p12; `-` reads standard input.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        /// Which keychain.
        #[command(flatten)]
        keychain: Keychain,
        /// Where the p12's password comes from.
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Open it after a passed gate and hold it open until a signal comes or the window ends.
    Unlock(Box<Guarded>),
    /// Close it now, whoever has it open.
    Lock(KeychainArguments),
    /// Whether it is there, open or locked, and what is in it.
    Status(KeychainArguments),
    /// Delete it with all that is in it, and its kept password.
    Destroy {
        /// Which keychain.
        #[command(flatten)]
        keychain: KeychainArguments,
        /// Yes, delete the private keys in it.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Finish what runs left that were killed: end their commands, close their keychains.
    Recover,
}

/// A keychain and its password.
#[derive(Debug, Args)]
pub struct Keychain {
    /// Which keychain.
    #[command(flatten)]
    pub keychain: KeychainArguments,
    /// Its password.
    #[command(flatten)]
    pub password: KeychainPasswordArguments,
}

/// The `countersign.keychain.v1` document: what `keychain status` found, and how things are after every command that changes
/// a keychain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeychainDocument {
    /// Always `countersign.keychain.v1`.
    #[schemars(extend("const" = "countersign.keychain.v1"))]
    pub schema: &'static str,
    /// The keychain's absolute path.
    pub keychain: KeychainPath,
    /// What kind of keychain it is.
    pub backend: BackendKind,
    /// Whether it is there and open.
    pub state: LockState,
    /// The runs that live and have it open.
    pub open_for: Vec<OpenFor>,
    /// The identities in it; empty also if it is missing.
    pub identities: Vec<ShownIdentity>,
}

/// A run that has a keychain open.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OpenFor {
    /// The run, as `COUNTERSIGN_RUN_ID` names it.
    pub run: RunId,
    /// When it will be closed at the latest (RFC 3339, UTC).
    pub until: Timestamp,
}

/// The `countersign.recovery.v1` document: what `keychain recover` did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecoveryDocument {
    /// Always `countersign.recovery.v1`.
    #[schemars(extend("const" = "countersign.recovery.v1"))]
    pub schema: &'static str,
    /// The dead runs that are finished now.
    pub recovered: Vec<Recovered>,
    /// The dead runs that could not be finished; the next recovery tries again.
    pub unfinished: Vec<ShownUnfinished>,
}

/// A dead run that could not be finished.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownUnfinished {
    /// Its keychain, which may still be open; null if its journal is damaged.
    pub keychain: Option<KeychainPath>,
    /// Why, for people.
    pub error: String,
}

/// Runs the command.
pub fn run(command: Command, world: &World) -> Result<Exit, Failure> {
    let policy = || Ok::<_, Failure>(world.usable_policy()?.policy);
    match command {
        Command::Create(arguments) => create(&arguments, &policy()?, world),
        Command::Import {
            file,
            keychain,
            password,
        } => import(&file, &keychain, &password, &policy()?, world),
        Command::Unlock(arguments) => run::guarded(*arguments, None, world),
        Command::Lock(keychain) => lock(&named(&keychain, world)?, world),
        Command::Status(keychain) => status(&named(&keychain, world)?, world),
        Command::Destroy { keychain, .. } => destroy(&keychain.choose(&policy()?, world)?, world),
        Command::Recover => recover(world),
    }
}

/// The keychain that is meant. A policy that nobody can read is no reason to leave a keychain open whose name was given.
fn named(keychain: &KeychainArguments, world: &World) -> Result<Chosen, Failure> {
    let policy = match keychain.keychain {
        Some(_) => Policy::builtin(world.home.as_deref()),
        None => world.usable_policy()?.policy,
    };
    keychain.choose(&policy, world)
}

/// Does `deed` between the record that it is intended and the record of how it went.
fn recorded<T>(
    log: &AuditLog,
    event: impl Fn(Outcome) -> Event,
    deed: impl FnOnce() -> Result<T, SessionError>,
) -> Result<T, Failure> {
    log.record(&event(Outcome::Intended))
        .map_err(Failure::input)?;
    let done = deed();
    let after = match &done {
        Ok(_) => event(Outcome::Done),
        Err(error) => event(Outcome::Failed).detail("error", error),
    };
    let recorded = log.record(&after).map_err(Failure::input);
    let done = done.map_err(run::failure)?;
    recorded.map(|_| done)
}

fn about(chosen: &Chosen, what: Action) -> impl Fn(Outcome) -> Event {
    let (path, kind) = (chosen.path.clone(), chosen.choice.kind());
    move |outcome| {
        Event::new(what, outcome)
            .detail("keychain", &path)
            .detail("backend", kind)
    }
}

/// What work on a keychain that no run has open begins with: dead runs are finished, and the work is a run of its own.
fn begin<'a>(
    chosen: &'a Chosen,
    what: Action,
    log: &'a AuditLog,
    world: &World,
) -> Result<(KeychainWork<'a>, impl Fn(Outcome) -> Event), Failure> {
    run::refuse_unfinished(&run::finish_dead_runs(&chosen.state, log)?, chosen)?;
    let run = run::new_id(world)?;
    let work = chosen.work(&run, log, None, world)?;
    let about = about(chosen, what);
    Ok((work, move |outcome| about(outcome).of_run(&run)))
}

fn create(arguments: &Keychain, policy: &Policy, world: &World) -> Result<Exit, Failure> {
    run::prepare_process()?;
    arguments.password.keep_from_commands()?;
    let chosen = arguments.keychain.choose(policy, world)?;
    let log = state::audit_log(world, None)?;
    let handed_in = arguments.password.read()?;
    let is_kept = handed_in.is_none();
    let password = match handed_in {
        Some(password) => password,
        None => random::password()
            .map_err(KeychainError::Random)
            .map_err(Failure::keychain)?,
    };
    let settings = Settings {
        idle_timeout: Duration::try_from(policy.keychain.window()).unwrap_or_default(),
    };
    let (work, event) = begin(&chosen, Action::KeychainCreate, &log, world)?;
    recorded(&log, event, || {
        // Before anything stands behind it: what is there already is not ours to close.
        if chosen.path.as_path().symlink_metadata().is_ok() {
            return Err(KeychainError::Exists(chosen.path.clone()).into());
        }
        session::exclusively(work, WORK, || make(&chosen, &password, is_kept, settings))
    })?;
    say(world, "created", &chosen, |out| {
        if is_kept {
            let kept = chosen.password_path();
            writeln!(out, "  its password is kept in {}", kept.display())?;
        }
        Ok(())
    })
}

fn make(
    chosen: &Chosen,
    password: &Password,
    is_kept: bool,
    settings: Settings,
) -> Result<(), KeychainError> {
    // Again, now that it is our turn: another may have made it, and its password must not be written over.
    if chosen.path.as_path().symlink_metadata().is_ok() {
        return Err(KeychainError::Exists(chosen.path.clone()));
    }
    if let Some(parent) = chosen.path.as_path().parent()
        && !parent.exists()
    {
        owned_files::make_directory(parent)?;
    }
    let kept = chosen.password_path();
    if is_kept {
        // On the disk before the keychain is: a keychain whose password nobody knows is of no use.
        if let Some(parent) = kept.parent() {
            owned_files::make_directory(parent)?;
        }
        owned_files::replace(&kept, password.expose().as_bytes())?;
    }
    let created = chosen.backend.create(&chosen.path, password, settings);
    if created.is_err() && is_kept {
        let _ = owned_files::remove(&kept);
    }
    created
}

fn import(
    file: &std::path::Path,
    arguments: &Keychain,
    password: &PasswordArguments,
    policy: &Policy,
    world: &World,
) -> Result<Exit, Failure> {
    run::prepare_process()?;
    arguments.password.keep_from_commands()?;
    password.keep_from_commands()?;
    let chosen = arguments.keychain.choose(policy, world)?;
    let bytes = if file.as_os_str() == "-" {
        files::read_stream_bounded(std::io::stdin().lock(), "standard input", pkcs12::MAX_FILE)
    } else {
        files::read_bounded(file, pkcs12::MAX_FILE)
    }
    .map_err(Failure::input)?;
    let file_password = password.read(&format!("password of {}", file.display()))?;
    let keychain_password = chosen.password(&arguments.password)?;
    let log = state::audit_log(world, None)?;
    let (work, event) = begin(&chosen, Action::KeychainImport, &log, world)?;
    let certificates = recorded(&log, event, || {
        chosen.backend.check(&chosen.path)?;
        // Locking at the end would take the keychain away from whoever has it open.
        if chosen.backend.status(&chosen.path)? == LockState::Unlocked {
            return Err(KeychainError::IsOpen(chosen.path.clone()).into());
        }
        session::exclusively(work, WORK, || {
            chosen
                .backend
                .import(&chosen.path, &keychain_password, &bytes, &file_password)
        })
    })?;
    if world.format() == Format::Json {
        return status(&chosen, world);
    }
    say(world, "imported into", &chosen, |out| {
        for certificate in &certificates {
            writeln!(
                out,
                "  {} {}",
                certificate.sha1.to_string().to_ascii_uppercase(),
                plain(&certificate.common_name)
            )?;
        }
        Ok(())
    })
}

fn lock(chosen: &Chosen, world: &World) -> Result<Exit, Failure> {
    match chosen.backend.check(&chosen.path) {
        // A typing error, or the wrong --backend, must not read like a closed keychain.
        Err(error @ (KeychainError::Missing(_) | KeychainError::IsDefault(_))) => {
            return Err(Failure::keychain(error));
        }
        Err(error @ KeychainError::NotMadeHere { .. })
            if !matches!(chosen.backend.status(&chosen.path), Ok(LockState::Unlocked)) =>
        {
            return Err(Failure::keychain(error));
        }
        // Whatever else is wrong with it, closed is better than open.
        _ => {}
    }
    // Closing goes first and is recorded after: a full disk is no reason to leave a keychain open.
    let closed = chosen.backend.lock(&chosen.path);
    let event = about(chosen, Action::KeychainLock);
    let event = match &closed {
        Ok(()) => event(Outcome::Done),
        Err(error) => event(Outcome::Failed).detail("error", error),
    };
    let recorded =
        state::audit_log(world, None).and_then(|log| log.record(&event).map_err(Failure::input));
    closed.map_err(Failure::keychain)?;
    recorded.map_err(|failed| Failure {
        message: format!("{} is locked, but: {}", chosen.path, failed.message),
        ..failed
    })?;
    say(world, "locked", chosen, |_| Ok(()))
}

fn status(chosen: &Chosen, world: &World) -> Result<Exit, Failure> {
    let lock_state = chosen
        .backend
        .status(&chosen.path)
        .map_err(Failure::keychain)?;
    let identities = match lock_state {
        LockState::Missing => None,
        LockState::Locked | LockState::Unlocked => Some(chosen.identities()?),
    };
    let holders = Journals::new(&chosen.state)
        .holders(&chosen.path)
        .map_err(Failure::input)?;
    if world.format() == Format::Json {
        let open_for = holders.into_iter().map(|holder| OpenFor {
            run: holder.run,
            until: holder.until,
        });
        let identities = identities.iter().flat_map(|known| &known.identities);
        world.print_json(&KeychainDocument {
            schema: "countersign.keychain.v1",
            keychain: chosen.path.clone(),
            backend: chosen.choice.kind(),
            state: lock_state,
            open_for: open_for.collect(),
            identities: identities.map(Into::into).collect(),
        })?;
        return Ok(Exit::Fine);
    }
    writeln!(
        anstream::stdout().lock(),
        "{lock_state}  {}",
        plain(chosen.path.as_str())
    )?;
    for holder in &holders {
        writeln!(
            anstream::stdout().lock(),
            "  open for run {} until {} at the latest",
            holder.run,
            holder.until
        )?;
    }
    match identities {
        Some(identities) => identity::list(&identities, None, world),
        None => Ok(Exit::Fine),
    }
}

fn destroy(chosen: &Chosen, world: &World) -> Result<Exit, Failure> {
    let log = state::audit_log(world, None)?;
    let (work, event) = begin(chosen, Action::KeychainDestroy, &log, world)?;
    recorded(&log, event, || {
        match chosen.backend.check(&chosen.path) {
            // What lies beside a keychain may be there although it is not.
            Ok(()) | Err(KeychainError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
        session::exclusively(work, WORK, || {
            chosen.backend.destroy(&chosen.path)?;
            Ok(owned_files::remove(&chosen.password_path())?)
        })
    })?;
    say(world, "destroyed", chosen, |_| Ok(()))
}

fn recover(world: &World) -> Result<Exit, Failure> {
    let log = state::audit_log(world, None)?;
    let recovery = session::recover(&state::directory(world)?, &log).map_err(run::failure)?;
    let exit = match recovery.unfinished.as_slice() {
        [] => Exit::Fine,
        some if some.iter().all(|one| one.is_closed) => Exit::Input,
        _ => Exit::Keychain,
    };
    if world.format() == Format::Json {
        let unfinished = recovery.unfinished.iter().map(|one| ShownUnfinished {
            keychain: one.keychain().cloned(),
            error: one.error.to_string(),
        });
        world.print_json(&RecoveryDocument {
            schema: "countersign.recovery.v1",
            unfinished: unfinished.collect(),
            recovered: recovery.finished,
        })?;
        return Ok(exit);
    }
    let mut out = anstream::stdout().lock();
    if recovery.finished.is_empty() && recovery.unfinished.is_empty() {
        writeln!(out, "nothing to recover")?;
    }
    for one in &recovery.finished {
        let was = match one.was_open {
            true => "was open",
            false => "was closed already",
        };
        writeln!(
            out,
            "recovered {}: {} {was}",
            one.run,
            plain(one.keychain.as_str())
        )?;
    }
    for one in &recovery.unfinished {
        writeln!(anstream::stderr().lock(), "{one}")?;
    }
    Ok(exit)
}

fn say(
    world: &World,
    done: &str,
    chosen: &Chosen,
    more: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> Result<Exit, Failure> {
    if world.format() == Format::Json {
        return status(chosen, world);
    }
    let mut out = anstream::stdout().lock();
    writeln!(out, "{GOOD}{done}{GOOD:#} {}", plain(chosen.path.as_str()))?;
    more(&mut out)?;
    Ok(Exit::Fine)
}

/// The most that making a keychain or importing into one may take. Others wait for their turn longer than that.
const WORK: Duration = Duration::from_secs(90);
