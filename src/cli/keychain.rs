//! `countersign keychain`: create, import, unlock, lock, status, destroy, recover, serve.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::answer::Answer;
use super::exit::Exit;
use super::identity;
use super::input::input;
use super::password::{KeychainPasswordArguments, PasswordArguments, PasswordSocketArguments};
use super::report::{self, GOOD};
use super::run::{self, Guarded};
use super::selection::KeychainArguments;
use super::terminal::Terminal;
use crate::base::plain::plain;
use crate::host::keychain::LockState;
use crate::ops::error::{Error, Failure};
use crate::ops::identity::source;
use crate::ops::keychain::create::{self, CreateRequest};
use crate::ops::keychain::import::{self, ImportRequest};
use crate::ops::keychain::recover::{self, RecoveryDocument};
use crate::ops::keychain::serve::{self, ServeRequest};
use crate::ops::keychain::served::{Begun, Role};
use crate::ops::keychain::status::{self, KeychainDocument};
use crate::ops::keychain::{destroy, lock};
use crate::ops::world::World;

/// The subcommands of `keychain`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a locked keychain. Makes a random password and keeps it in the state directory, unless you pass one.
    Create(Keychain),
    /// Import the identities of a p12 or of fastlane match, and lock the keychain again.
    Import {
        /// The p12, the key that fastlane match stores as ID.p12 beside ID.cer, or a whole match repository; `-` reads
        /// standard input.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        /// Which keychain.
        #[command(flatten)]
        keychain: Keychain,
        /// Where the p12's password comes from.
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Run the gate, open the keychain, and keep it open until a signal comes or the window ends.
    Unlock(Box<Guarded>),
    /// Close the keychain now, even if a run has it open.
    Lock(KeychainArguments),
    /// Show whether the keychain exists and is open, its identities, and where its password is.
    Status {
        /// Which keychain.
        #[command(flatten)]
        keychain: KeychainArguments,
        /// Who holds its password.
        #[command(flatten)]
        socket: PasswordSocketArguments,
    },
    /// Delete the keychain, all its private keys, and its kept password.
    Destroy {
        /// Which keychain.
        #[command(flatten)]
        keychain: KeychainArguments,
        /// Confirm that the private keys are deleted.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Clean up after runs that were killed: end their commands and close their keychains.
    Recover,
    /// Hold the keychain's password for the runs of another user, and give it to those that the gate clears.
    Serve(Box<Serve>),
}

/// What is served to whom.
#[derive(Debug, Args)]
pub struct Serve {
    /// The user whose runs may ask: a name of /etc/passwd, or a number.
    #[arg(long, value_name = "USER", required = true)]
    pub user: String,
    /// The user's home directory [default: the one in /etc/passwd].
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Listen at this socket [default: /run/countersign/UID.sock].
    #[arg(long, value_name = "SOCKET")]
    pub socket: Option<PathBuf>,
    /// The state directory of the user's runs [default: the usual one below the home directory].
    #[arg(long, value_name = "DIR")]
    pub run_state_dir: Option<PathBuf>,
    /// The user's keychain.
    #[command(flatten)]
    pub keychain: KeychainArguments,
    /// Its password.
    #[command(flatten)]
    pub password: KeychainPasswordArguments,
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

/// Runs the command.
///
/// # Errors
/// See the verbs in [`ops::keychain`](crate::ops::keychain).
pub fn run(command: Command, begun: Begun, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::Create(keychain) => create(keychain, world),
        Command::Import {
            file,
            keychain,
            password,
            ..
        } => import(file, keychain, password, world),
        Command::Unlock(arguments) => run::unlock(*arguments, begun.offer(), world),
        Command::Lock(keychain) => {
            let document = lock::lock(&keychain.into(), world)?;
            Ok(Answer::report(
                "countersign keychain lock",
                document,
                |document, out, _| changed(out, "locked", document),
            ))
        }
        Command::Status { keychain, .. } => {
            let document = status::status(&keychain.into(), begun.offer().as_ref(), world)?;
            let title = "countersign keychain status";
            let now = world.now;
            Ok(Answer::report(
                title,
                document,
                move |document, out, terminal| show_status(document, now, out, terminal),
            ))
        }
        Command::Destroy { keychain, .. } => {
            let document = destroy::destroy(&keychain.into(), world)?;
            Ok(Answer::report(
                "countersign keychain destroy",
                document,
                |document, out, _| changed(out, "destroyed", document),
            ))
        }
        Command::Recover => recover(world),
        Command::Serve(arguments) => serve(*arguments, begun, world),
    }
}

impl Command {
    /// What the command does with the right of a set-group-ID program.
    pub(super) fn role(&self) -> Role {
        match self {
            Self::Unlock(arguments) => arguments.role(),
            Self::Status { socket, .. } => socket.role(),
            Self::Serve(arguments) => Role::Serve {
                user: arguments.user.clone(),
                socket: arguments.socket.clone(),
            },
            _ => Role::None,
        }
    }
}

fn create(arguments: Keychain, world: &World) -> Result<Answer<'static>, Failure> {
    let request = CreateRequest {
        keychain: arguments.keychain.into(),
        password: arguments.password.source(),
    };
    let created = create::create(&request, world)?;
    let kept = created.kept_password;
    let form = move |document: &KeychainDocument, out: &mut dyn Write, _: &Terminal| {
        changed(out, "created", document)?;
        match &kept {
            Some(kept) => {
                let kept = plain(&kept.display().to_string());
                writeln!(out, "  its password is kept in {kept}")
            }
            None => Ok(()),
        }
    };
    let title = "countersign keychain create";
    Ok(Answer::report(title, created.document, form))
}

fn import(
    file: PathBuf,
    keychain: Keychain,
    password: PasswordArguments,
    world: &World,
) -> Result<Answer<'static>, Failure> {
    let file = input(file);
    let request = ImportRequest {
        file_password: password.source_of(&file.to_string()),
        file,
        keychain: keychain.keychain.into(),
        keychain_password: keychain.password.source(),
    };
    let imported = import::import(&request, world)?;
    let certificates = imported.certificates;
    let form = move |document: &KeychainDocument, out: &mut dyn Write, _: &Terminal| {
        changed(out, "imported into", document)?;
        certificates.iter().try_for_each(|certificate| {
            let sha1 = certificate.sha1.to_string().to_ascii_uppercase();
            writeln!(out, "  {sha1} {}", plain(&certificate.common_name))
        })
    };
    let title = "countersign keychain import";
    Ok(Answer::report(title, imported.document, form))
}

fn serve(arguments: Serve, begun: Begun, world: &World) -> Result<Answer<'static>, Failure> {
    let request = ServeRequest {
        listener: begun.listener()?,
        home: arguments.home,
        keychain: arguments.keychain.into(),
        run_state: arguments.run_state_dir,
        password: arguments.password.source_of("the keychain"),
    };
    serve::serve(request, world, &mut |serving| {
        let mut out = io::stdout().lock();
        let (socket, terms) = (serving.socket.display(), serving.terms);
        let keychain = terms.keychain.display();
        writeln!(out, "serving the password of {keychain} at {socket}")?;
        out.flush()
    })?;
    let title = "countersign keychain serve";
    Ok(Answer::artifact(title, Vec::new(), Vec::new()))
}

fn recover(world: &World) -> Result<Answer<'static>, Failure> {
    let recovery = recover::recover(world)?;
    let exit = exit_of(&recovery.unfinished);
    let unfinished = recovery.unfinished;
    let form = move |document: &RecoveryDocument, out: &mut dyn Write, terminal: &Terminal| {
        show_recovery(document, &unfinished, out, terminal)
    };
    let title = "countersign keychain recover";
    Ok(Answer::report(title, recovery.document, form).ending_in(exit))
}

/// A keychain that may be open weighs more than a record that is missing.
fn exit_of(unfinished: &[Error]) -> Exit {
    let exits = || unfinished.iter().map(|error| Exit::of_error(error.code()));
    let keychain = exits().find(|exit| *exit == Exit::Keychain);
    keychain.or(exits().next()).unwrap_or(Exit::Fine)
}

fn changed(out: &mut dyn Write, what: &str, document: &KeychainDocument) -> io::Result<()> {
    let keychain = plain(document.keychain.as_str());
    writeln!(out, "{GOOD}{what}{GOOD:#} {keychain}")
}

fn show_status(
    document: &KeychainDocument,
    now: Timestamp,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    let keychain = document.keychain.as_str();
    writeln!(out, "{}  {}", document.state, plain(keychain))?;
    for run in &document.open_for {
        writeln!(
            out,
            "  open for run {} until {} at the latest",
            run.run, run.until
        )?;
    }
    match (document.password_source, document.password_limits) {
        (Some(source), Some(limits)) => {
            writeln!(out, "  password {source}")?;
            report::paragraph(out, "  ", limits, terminal.width)?;
        }
        _ => writeln!(out, "  password not kept: each run is handed it")?,
    }
    match document.state {
        LockState::Missing => Ok(()),
        LockState::Locked | LockState::Unlocked => {
            let identities = &document.identities;
            identity::show(out, identities, keychain, &[], now, terminal)?;
            let canonical = source::canonical(identities.iter().map(|it| it.sha256));
            identity::show_canonical(out, identities, canonical)
        }
    }
}

fn show_recovery(
    document: &RecoveryDocument,
    unfinished: &[Error],
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    if document.recovered.is_empty() && unfinished.is_empty() {
        writeln!(out, "nothing to recover")?;
    }
    for recovered in &document.recovered {
        let was = match recovered.was_open {
            true => "was open",
            false => "was closed already",
        };
        let keychain = plain(recovered.keychain.as_str());
        writeln!(out, "recovered {}: {keychain} {was}", recovered.run)?;
    }
    for error in unfinished {
        writeln!(out, "not recovered: {}", plain(error.message()))?;
        if let Some(hint) = super::remedies::of_error(error) {
            report::paragraph(out, "do        ", &hint, terminal.width)?;
        }
    }
    Ok(())
}
