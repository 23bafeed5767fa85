//! The workbench of a suite: its directory, its keychain, and how commands are run on them.

use std::cell::Cell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;

use super::private::Private;
use super::verdict::Fault;
use super::{ContractPlaces, ContractRequest, Deed, Speech};
use crate::context::manifest::Content;
use crate::context::manifest::freeze::freeze;
use crate::host::contract::Throwaway;
use crate::host::journal::{FoundJournal, Journals};
use crate::host::keychain::macos::{MacOsConfig, Preferences};
use crate::host::keychain::{KeychainError, KeychainPath};
use crate::host::mac::{self, Found};
use crate::host::owned_files;
use crate::host::process::{Background, Exit, StopFlag, Tool, Waited};
use crate::host::random;
use crate::host::state_dir::StateDir;
use crate::ops::error::Error;
use crate::ops::keychain::selected;
use crate::ops::world::World;

/// The policy of the suite: it is about a keychain alone, so all that can be waived may be.
const POLICY: &str = "\
version = 1

[keychain]
path = \"contract.keychain-db\"
build_p95 = \"1m\"
unlock_ceiling = \"5m\"

[gate]
waivable = [\"profiles\", \"identities\", \"targets\"]
run_waivable = [\"profiles\", \"identities\", \"targets\"]
";

/// The directory of a suite, and how commands are run on what is in it.
pub(super) struct Bench<'a> {
    directory: Throwaway,
    places: ContractPlaces,
    keychain: KeychainPath,
    config: MacOsConfig,
    openssl: PathBuf,
    private: Private,
    speech: Speech<'a>,
    limit: Duration,
    stop: &'a StopFlag,
    world: &'a World,
    /// From here on a signal stops nothing any more.
    tidies: Cell<bool>,
    /// How the files are called that commands of this bench print into: a directory may see two.
    name: String,
    /// How many commands there were.
    count: Cell<u32>,
}

/// A command that was run to its end.
pub(super) struct Ran {
    /// How it ended.
    pub(super) exit: Exit,
    /// What it printed on standard output.
    pub(super) stdout: Vec<u8>,
    /// What it printed on standard error.
    pub(super) stderr: Vec<u8>,
}

impl<'a> Bench<'a> {
    /// The bench in this directory.
    ///
    /// # Errors
    /// The user's home or name cannot be used.
    pub(super) fn new(
        directory: Throwaway,
        request: &ContractRequest<'a>,
        stop: &'a StopFlag,
        world: &'a World,
    ) -> Result<Self, Error> {
        let path = directory.path();
        let places = ContractPlaces {
            state: path.join("state"),
            policy: path.join("signing.toml"),
            manifest: path.join("profiles.json"),
            keychain: path.join("contract.keychain-db"),
        };
        let tools = world.surroundings.tools.clone();
        let config = selected::backends(world)?.macos_config(&StateDir::new(&places.state)?);
        Ok(Self {
            keychain: KeychainPath::new(&places.keychain)?,
            private: Private::new(world.home(), path),
            openssl: tools.unwrap_or_else(|| "/usr/bin".into()).join("openssl"),
            config,
            places,
            directory,
            speech: request.speech,
            limit: request.limit,
            stop,
            world,
            tidies: Cell::new(false),
            name: random::hex::<4>().map_err(KeychainError::Random)?,
            count: Cell::new(0),
        })
    }

    /// Writes the policy and the manifest, which pins nothing.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn furnish(&self) -> Result<(), Error> {
        let manifest = Content {
            revision: 1,
            ..freeze(Vec::new(), None, Vec::new(), None)
        };
        owned_files::create_unsynced(&self.places.policy, POLICY.as_bytes())?;
        owned_files::create_unsynced(&self.places.manifest, &manifest.to_bytes())?;
        Ok(())
    }

    /// From here on a signal stops nothing any more: what is done now tidies up.
    pub(super) fn tidy(&self) {
        self.tidies.set(true);
    }

    /// A path in the directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The keychain.
    pub(super) fn keychain(&self) -> &KeychainPath {
        &self.keychain
    }

    /// What takes names and places out of texts.
    pub(super) fn private(&self) -> &Private {
        &self.private
    }

    /// `openssl`.
    pub(super) fn openssl(&self) -> &Path {
        &self.openssl
    }

    /// `security` or `codesign`, with the environment in which countersign runs them.
    pub(super) fn apples(&self, tool: &Path) -> Tool {
        Tool::new(tool).envs(&self.config.environment)
    }

    /// `security`.
    pub(super) fn security(&self) -> Tool {
        self.apples(&self.config.security)
    }

    /// `codesign`.
    pub(super) fn codesign(&self) -> &Path {
        &self.config.codesign
    }

    /// The exit code of a run whose window ended.
    pub(super) fn window_ended(&self) -> u8 {
        self.speech.window_ended
    }

    /// How long one command may take.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Whether somebody asked to stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_set() && !self.tidies.get()
    }

    /// The search list and the default keychain now.
    pub(super) fn preferences(&self) -> Result<Preferences, Fault> {
        Preferences::look(&self.config).map_err(Fault::failed)
    }

    /// Runs a tool to its end; `name` is what it is called if it does not end.
    pub(super) fn run(&self, name: &str, tool: &Tool) -> Result<Ran, Fault> {
        let (mut running, stdout, stderr) = self.started(tool)?;
        match running.wait(self.limit, &|| self.is_stopped()) {
            Ok(Waited::Ended(exit)) => {
                let read =
                    |path: &Path| owned_files::read(path, MAX_PRINTED).map_err(Fault::failed);
                Ok(Ran {
                    exit,
                    stdout: read(&stdout)?,
                    stderr: read(&stderr)?,
                })
            }
            Ok(Waited::TimedOut) => {
                // Whatever it had open is its watchdog's now.
                let _ = running.kill();
                let seconds = self.limit.as_secs();
                Err(Fault::failed(format!(
                    "{name} did not end within {seconds} s and was stopped"
                )))
            }
            Ok(Waited::Stopped) => {
                let _ = running.kill();
                Err(Fault::stopped())
            }
            Err(error) => Err(Fault::failed(format!("lost {name} while it ran: {error}"))),
        }
    }

    /// Starts a command of this program and leaves it running.
    pub(super) fn start(&self, deed: &Deed<'_>) -> Result<Background, Fault> {
        Ok(self.started(&self.told(deed)?)?.0)
    }

    /// Runs a command of this program to its end, whatever its exit code.
    pub(super) fn do_it(&self, deed: &Deed<'_>) -> Result<Ran, Fault> {
        self.run(deed.name(), &self.told(deed)?)
    }

    /// Whether the keychain is open, as this program says: `locked`, `unlocked` or `missing`.
    pub(super) fn state(&self) -> Result<String, Fault> {
        let ran = self.do_it(&Deed::Status)?;
        let state = ran
            .json()
            .and_then(|json| Some(json.get("state")?.as_str()?.to_owned()));
        state.ok_or_else(|| Fault::failed(ran.complaint()))
    }

    /// The journals of the suite.
    pub(super) fn journals(&self) -> Result<Vec<FoundJournal>, Fault> {
        let all = self
            .with_journals(|journals| journals.all())?
            .map_err(Fault::failed)?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Asks the journals of the suite.
    pub(super) fn with_journals<T>(
        &self,
        ask: impl FnOnce(&Journals<'_>) -> T,
    ) -> Result<T, Fault> {
        let state = StateDir::new(&self.places.state).map_err(Fault::failed)?;
        Ok(ask(&Journals::new(&state, self.world.clock.as_ref())))
    }

    /// Clears all away, and says what is left, as reports may. A directory whose keychain is still there stays: whoever finds
    /// it tries again.
    pub(super) fn clear(self) -> Vec<String> {
        let mut left = Vec::new();
        let is_there = mac::look_at(&self.places.keychain) != Found::Missing;
        if mac::look_at(&self.places.state) != Found::Missing {
            left.extend(self.complaint_of(&Deed::Recover));
        }
        if is_there {
            left.extend(self.complaint_of(&Deed::Destroy));
        }
        let private = self.private;
        if left.is_empty()
            && let Err(error) = self.directory.remove()
        {
            left.push(error.to_string());
        }
        left.iter().map(|what| private.text(what)).collect()
    }

    fn complaint_of(&self, deed: &Deed<'_>) -> Option<String> {
        match self.do_it(deed) {
            Ok(ran) if ran.exit == Exit::Code(0) => None,
            Ok(ran) => Some(ran.complaint()),
            Err(fault) => Some(fault.why),
        }
    }

    /// A command of this program, as a job starts it: with an environment in which nothing else stands.
    fn told(&self, deed: &Deed<'_>) -> Result<Tool, Fault> {
        let [program, words @ ..] = self.world.surroundings.program.as_slice() else {
            return Err(Fault::failed(
                "the path of this program is unknown, so it cannot be started",
            ));
        };
        let words_of_deed: Vec<OsString> = (self.speech.words)(&self.places, deed);
        Ok(Tool::new(program)
            .args(words)
            .args(words_of_deed)
            .envs(&self.config.environment)
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"))
    }

    fn started(&self, tool: &Tool) -> Result<(Background, PathBuf, PathBuf), Fault> {
        let number = self.count.get();
        self.count.set(number + 1);
        let file = |kind| self.path(&format!("{}-{number}.{kind}", self.name));
        let (stdout, stderr) = (file("stdout"), file("stderr"));
        let open = |path: &Path| owned_files::create_empty(path).map_err(Fault::failed);
        let running = Background::start(tool, open(&stdout)?, open(&stderr)?);
        Ok((running.map_err(Fault::failed)?, stdout, stderr))
    }
}

impl Ran {
    /// The document that it printed, if it is one.
    pub(super) fn json(&self) -> Option<Json> {
        serde_json::from_slice(&self.stdout).ok()
    }

    /// Fails unless it ended with 0.
    pub(super) fn fine(self) -> Result<Self, Fault> {
        match self.exit {
            Exit::Code(0) => Ok(self),
            _ => Err(Fault::failed(self.complaint())),
        }
    }

    /// What it says about why it failed: the message of its error, or the end of what it printed.
    pub(super) fn complaint(&self) -> String {
        let stderr = String::from_utf8_lossy(&self.stderr);
        let error = stderr.lines().rev().find_map(|line| {
            let json: Json = serde_json::from_str(line).ok()?;
            Some(json.get("message")?.as_str()?.to_owned())
        });
        let headline = || Some(self.json()?.get("headline")?.as_str()?.to_owned());
        let printed = || match stderr.trim().is_empty() {
            true => String::from_utf8_lossy(&self.stdout).trim().to_owned(),
            false => stderr.trim().to_owned(),
        };
        let said = error.or_else(headline).unwrap_or_else(printed);
        match said.is_empty() {
            true => format!("it ended with {} and said nothing", self.exit),
            false => format!("{said} ({})", self.exit),
        }
    }
}

/// What a command prints is a document of a few kilobytes.
const MAX_PRINTED: usize = 1 << 20;
