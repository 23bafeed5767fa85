//! What each step does, and what it looks at.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Deed;
use super::bench::{Bench, Ran};
use super::document::{StepDocument, StepResult};
use super::step::Step;
use super::verdict::Fault;
use crate::apple::certificate::Certificate;
use crate::apple::identity::IdentityListing;
use crate::apple::pkcs12;
use crate::host::contract::openssl::IdentityFiles;
use crate::host::files::{self, FileMode};
use crate::host::journal::FoundJournal;
use crate::host::keychain::macos::Preferences;
use crate::host::mac::{self, Found};
use crate::host::owned_files;
use crate::host::process::{Background, Exit, Presence};
use crate::host::random;

/// A suite that is under way.
pub(super) struct Suite<'a> {
    bench: &'a Bench<'a>,
    /// The search list and the default keychain before anything was done.
    before: Option<Preferences>,
    openssl: Option<String>,
    identity: Option<Certificate>,
    /// Why the import failed, where it failed only after the key was in the keychain.
    import: Option<ImportFault>,
    seen: Vec<String>,
    exit: Option<Exit>,
}

/// What an import does after it has imported.
enum ImportFault {
    /// Setting the partition list failed.
    PartitionList(String),
    /// Its own try of the key failed.
    Probe(String),
}

impl<'a> Suite<'a> {
    /// A suite that has done nothing yet.
    pub(super) fn new(bench: &'a Bench<'a>) -> Self {
        Self {
            bench,
            before: None,
            openssl: None,
            identity: None,
            import: None,
            seen: Vec::new(),
            exit: None,
        }
    }

    /// What `openssl` calls itself.
    pub(super) fn openssl(&self) -> Option<&str> {
        self.openssl.as_deref()
    }

    /// Takes a step, and says how it went.
    pub(super) fn take(&mut self, step: Step) -> StepDocument {
        let start = Instant::now();
        let done = match step {
            Step::Security => self.security(),
            Step::Identity => self.make_identity(),
            Step::Create => self.create(),
            Step::Import => self.import(),
            Step::PartitionList => self.partition_list(),
            Step::FindIdentity => self.find_identity(),
            Step::Sign => self.sign(),
            Step::Relock => self.check_closed(),
            Step::Hang => self.hang(),
            Step::Watchdog => self.lose_run(),
            Step::Recover => self.lose_both(),
            Step::Destroy => self.destroy(),
            Step::Restored => self.check_restored(),
        };
        let private = self.bench.private();
        let seen = std::mem::take(&mut self.seen);
        let exit = self.exit.take().map(Exit::shell_code);
        let (result, why) = match done {
            Ok(()) => (StepResult::Passed, None),
            Err(fault) => (fault.result, Some(private.text(&fault.why))),
        };
        let taken = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        StepDocument {
            result,
            why,
            exit,
            seen: seen.iter().map(|seen| private.text(seen)).collect(),
            milliseconds: Some(taken),
            ..StepDocument::ahead(step)
        }
    }

    fn saw(&mut self, what: impl Into<String>) {
        self.seen.push(what.into());
    }

    /// Runs a command of this program whose exit the step is about.
    fn ask(&mut self, deed: &Deed<'_>) -> Result<Ran, Fault> {
        let ran = self.bench.do_it(deed)?;
        self.exit = Some(ran.exit);
        Ok(ran)
    }

    fn security(&mut self) -> Result<(), Fault> {
        let before = self.bench.preferences()?;
        let default = match &before.default_keychain {
            Some(_) => "there is a default keychain",
            None => "there is no default keychain",
        };
        let keychains = before.search_list.len();
        self.saw(format!("keychains in the search list: {keychains}"));
        self.saw(default);
        self.before = Some(before);
        Ok(())
    }

    fn make_identity(&mut self) -> Result<(), Fault> {
        let (bench, openssl) = (self.bench, self.bench.openssl());
        let version = bench
            .run("openssl version", &bench.apples(openssl).arg("version"))?
            .fine()?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        self.saw(format!("openssl version: {version}"));
        self.openssl = Some(bench.private().text(&version));
        let password = random::password().map_err(Fault::failed)?;
        let files = IdentityFiles::prepare(bench.directory(), &password).map_err(Fault::failed)?;
        bench
            .run("openssl req", &files.certificate(openssl))?
            .fine()?;
        let exported = bench.run("openssl pkcs12", &files.export(openssl))?;
        self.exit = Some(exported.exit);
        exported.fine()?;
        files.forget_key().map_err(Fault::failed)?;
        let p12 = files::read_bounded(&files.p12(), pkcs12::MAX_FILE).map_err(Fault::failed)?;
        let contents = pkcs12::read(&p12, &password).map_err(Fault::failed)?;
        let [identity] = contents.identities.as_slice() else {
            let found = contents.identities.len();
            return Err(Fault::failed(format!(
                "the p12 holds {found} identities, not one"
            )));
        };
        let certificate =
            Certificate::from_der(&identity.certificate_der).map_err(Fault::failed)?;
        self.saw(format!("a certificate with the SHA-1 {}", certificate.sha1));
        self.identity = Some(certificate);
        Ok(())
    }

    fn create(&mut self) -> Result<(), Fault> {
        self.ask(&Deed::Create)?.fine()?;
        self.check_closed()
    }

    fn import(&mut self) -> Result<(), Fault> {
        let directory = self.bench.directory();
        let (file, password) = (
            directory.join("identity.p12"),
            directory.join("identity.p12.password"),
        );
        let ran = self.ask(&Deed::Import {
            file: &file,
            password: &password,
        })?;
        let document = match ran.exit {
            Exit::Code(0) => ran.json(),
            _ => {
                // One command does three things, and its error names the tool that failed.
                let said = ran.complaint();
                let codesign = self.bench.codesign().display().to_string();
                self.import = Some(match &said {
                    said if said.contains("`security set-key-partition-list") => {
                        ImportFault::PartitionList(said.clone())
                    }
                    said if said.contains("cannot sign") || said.contains(&codesign) => {
                        ImportFault::Probe(said.clone())
                    }
                    _ => return Err(Fault::failed(said)),
                });
                None
            }
        };
        // An import that failed has no document.
        let document = match document {
            Some(document) => document,
            None => self.bench.do_it(&Deed::Status)?.json().unwrap_or_default(),
        };
        let listed = holds(&document, &self.sha256()?);
        if !listed {
            return Err(Fault::failed(match ran.exit {
                Exit::Code(0) => "the identity is not in the keychain".to_owned(),
                _ => ran.complaint(),
            }));
        }
        self.saw("the identity is in the keychain");
        self.check_closed()
    }

    fn partition_list(&mut self) -> Result<(), Fault> {
        match &self.import {
            Some(ImportFault::PartitionList(why)) => Err(Fault::failed(why)),
            Some(ImportFault::Probe(_)) | None => {
                self.saw("security set it to apple-tool:,apple: as a part of the import");
                Ok(())
            }
        }
    }

    fn find_identity(&mut self) -> Result<(), Fault> {
        let tool = self
            .bench
            .security()
            .args(["find-identity", "-p", "codesigning"]);
        let ran = self.bench.run(
            "security find-identity",
            &tool.arg(self.bench.keychain().as_path()),
        )?;
        self.exit = Some(ran.exit);
        let ran = ran.fine()?;
        let listing = IdentityListing::parse(&ran.stdout).map_err(Fault::failed)?;
        let wanted = self.certificate()?.sha1;
        let rows = listing.matching.unwrap_or_default();
        match rows.iter().find(|row| row.sha1 == wanted) {
            Some(row) => {
                // A certificate that signs itself is trusted by nobody, and says so here.
                let problem = row.problem.as_deref().unwrap_or("no problem");
                self.saw(format!(
                    "one row with the certificate's SHA-1, and {problem}"
                ));
                Ok(())
            }
            None => Err(Fault::failed(format!(
                "the listing has {} rows, and none is the certificate's",
                rows.len()
            ))),
        }
    }

    fn sign(&mut self) -> Result<(), Fault> {
        let bench = self.bench;
        let program = bench.path("program");
        let bytes = files::read_bounded(Path::new(PROGRAM), MAX_PROGRAM).map_err(Fault::failed)?;
        files::replace_atomically(&program, &bytes, FileMode::Exactly(0o700))
            .map_err(Fault::failed)?;
        let sha1 = self.certificate()?.sha1.to_string().to_ascii_uppercase();
        let words: [OsString; 8] = [
            bench.codesign().into(),
            "--force".into(),
            "--timestamp=none".into(),
            "--sign".into(),
            sha1.into(),
            "--keychain".into(),
            bench.keychain().as_str().into(),
            program.clone().into(),
        ];
        // Shorter than a command may take: a dialog that nobody sees keeps codesign for ever, and the run ends it.
        let window = (bench.limit() / 2).min(SIGNING_WINDOW);
        let ran = self.ask(&Deed::Run {
            window,
            command: &words,
        })?;
        if ran.exit.shell_code() == bench.window_ended() {
            let seconds = window.as_secs();
            return Err(Fault::failed(format!(
                "codesign did not end within {seconds} s and was stopped"
            )));
        }
        ran.fine()?;
        self.saw("codesign ended with exit code 0");
        if let Some(ImportFault::Probe(why)) = &self.import {
            return Err(Fault::failed(format!(
                "the import's own try of the key failed: {why}"
            )));
        }
        self.check_signature(&program)
    }

    /// Whether what `codesign` wrote is a signature with the certificate.
    fn check_signature(&mut self, program: &Path) -> Result<(), Fault> {
        let bench = self.bench;
        let prefix = bench.path("signer-");
        let display = bench.apples(bench.codesign()).arg("--display");
        let display = display.arg(format!("--extract-certificates={}", prefix.display()));
        bench
            .run("codesign --display", &display.arg(program))?
            .fine()?;
        // The signer's own comes first (codesign(1), --extract-certificates).
        let leaf = bench.path("signer-0");
        let leaf = files::read_bounded(&leaf, crate::apple::certificate::MAX_BYTES)
            .map_err(Fault::failed)?;
        let leaf = Certificate::from_der(&leaf).map_err(Fault::failed)?;
        if leaf.sha256 != self.certificate()?.sha256 {
            return Err(Fault::failed(
                "the program is signed with another certificate",
            ));
        }
        self.saw("the signature holds the certificate");
        let verify = bench.apples(bench.codesign()).arg("--verify").arg(program);
        let verified = bench.run("codesign --verify", &verify)?;
        // The signature is verified before the trust in who signed, and nobody trusts a certificate that signs itself.
        let is_untrusted = String::from_utf8_lossy(&verified.stderr).contains(NOT_TRUSTED);
        match verified.exit {
            Exit::Code(0) => self.saw("codesign verifies the signature"),
            _ if is_untrusted => {
                self.saw("codesign verifies the signature, whose certificate nobody trusts")
            }
            _ => return Err(Fault::failed(verified.complaint())),
        }
        Ok(())
    }

    fn hang(&mut self) -> Result<(), Fault> {
        let ran = self.ask(&Deed::Run {
            window: SHORT_WINDOW,
            command: &SLEEP.map(OsString::from),
        })?;
        let code = ran.exit.shell_code();
        if code != self.bench.window_ended() {
            return Err(Fault::failed(format!(
                "a command that sleeps for ten minutes should end when the window of {} s does: {}",
                SHORT_WINDOW.as_secs(),
                ran.complaint()
            )));
        }
        self.saw("the command was stopped when the window ended");
        self.check_closed()
    }

    fn lose_run(&mut self) -> Result<(), Fault> {
        let (mut run, journal) = self.open_run("watchdog")?;
        self.killed(&mut run)?;
        self.until("the watchdog locks the keychain", |bench| {
            Ok(bench.state()? != UNLOCKED && bench.journals()?.is_empty())
        })?;
        self.check_job(&journal, "watchdog")?;
        self.saw("the watchdog locked it");
        self.check_closed()
    }

    fn lose_both(&mut self) -> Result<(), Fault> {
        let (mut run, journal) = self.open_run("recover")?;
        let Some(watchdog) = &journal.entry.watchdog else {
            return Err(Fault::failed(
                "the system does not tell when the watchdog started",
            ));
        };
        // A run that is stopped does not close when it loses its watchdog.
        run.pause();
        if !watchdog.end() {
            return Err(Fault::failed("the watchdog is not there"));
        }
        self.killed(&mut run)?;
        let left = self.bench.state()?;
        self.saw(format!("with both of them gone it is {left}"));
        if left != UNLOCKED {
            return Err(Fault::failed("something else locked the keychain"));
        }
        self.ask(&Deed::Recover)?.fine()?;
        self.saw("the recovery locked it");
        self.check_job(&journal, "recover")?;
        self.check_closed()
    }

    fn destroy(&mut self) -> Result<(), Fault> {
        self.ask(&Deed::Destroy)?.fine()?;
        match mac::look_at(self.bench.keychain().as_path()) {
            Found::Missing => Ok(()),
            _ => Err(Fault::failed("the file of the keychain is still there")),
        }
    }

    fn check_restored(&mut self) -> Result<(), Fault> {
        let now = self.bench.preferences()?;
        let before = self
            .before
            .as_ref()
            .ok_or_else(|| Fault::failed("nobody looked before"))?;
        if now.default_keychain != before.default_keychain {
            return Err(Fault::failed(
                "the default keychain is another one than before",
            ));
        }
        let is_ours = |path: &std::path::PathBuf| self.bench.keychain().is(path);
        if now.search_list.iter().any(is_ours) {
            return Err(Fault::failed("the keychain is in the search list"));
        }
        if now.search_list != before.search_list {
            return Err(Fault::failed(format!(
                "the search list had {} keychains before and has {} now",
                before.search_list.len(),
                now.search_list.len()
            )));
        }
        self.saw("search list and default keychain are as before");
        Ok(())
    }

    /// Whether the keychain is locked, and nothing else than before is in the search list.
    fn check_closed(&mut self) -> Result<(), Fault> {
        let state = self.bench.state()?;
        self.saw(format!("the keychain is {state}"));
        if state != LOCKED {
            return Err(Fault::failed(format!(
                "the keychain is {state}, and should be locked"
            )));
        }
        self.check_restored()
    }

    /// A run that has the keychain open, and its journal.
    fn open_run(&mut self, name: &str) -> Result<(Background, FoundJournal), Fault> {
        let ready = self.bench.path(name);
        // The job says that it runs: then the keychain is open.
        let words: [OsString; 4] = [
            "/bin/sh".into(),
            "-c".into(),
            "echo > \"$0\"; exec /bin/sleep 600".into(),
            ready.clone().into(),
        ];
        let mut run = self.bench.start(&Deed::Run {
            window: WINDOW,
            command: &words,
        })?;
        let waited = self.until("the command runs", |_| {
            if let Some(exit) = run.ended().map_err(Fault::failed)? {
                return Err(Fault::failed(format!(
                    "the run ended before its command began ({exit})"
                )));
            }
            Ok(mac::look_at(&ready) != Found::Missing)
        });
        waited?;
        let state = self.bench.state()?;
        self.saw(format!("while the command runs, the keychain is {state}"));
        if state != UNLOCKED {
            return Err(Fault::failed("the keychain is not open for the command"));
        }
        let journal = self.bench.journals()?.into_iter().next();
        let journal = journal.ok_or_else(|| Fault::failed("the run has no journal"))?;
        Ok((run, journal))
    }

    fn killed(&mut self, run: &mut Background) -> Result<(), Fault> {
        let exit = run.kill().map_err(Fault::failed)?;
        self.exit = Some(exit);
        match exit {
            Exit::Signal(9) => Ok(()),
            _ => Err(Fault::failed(format!(
                "the run had ended before it was killed ({exit})"
            ))),
        }
    }

    /// Whether the command of a run has ended too: what was left of it was closed and ended by whoever closed the keychain.
    fn check_job(&mut self, journal: &FoundJournal, marker: &str) -> Result<(), Fault> {
        let job = self
            .bench
            .with_journals(|journals| journals.job(&journal.entry.run))?;
        let runs = job.is_some_and(|job| job.presence() == Presence::There);
        owned_files::remove(&self.bench.path(marker)).map_err(Fault::failed)?;
        match runs {
            true => Err(Fault::failed("the command runs on")),
            false => Ok(()),
        }
    }

    /// Waits until something is so, but not for ever.
    fn until(
        &self,
        what: &str,
        mut is_so: impl FnMut(&Bench<'_>) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let time = self.bench.limit().min(PATIENCE);
        let start = Instant::now();
        loop {
            if self.bench.is_stopped() {
                return Err(Fault::stopped());
            }
            if is_so(self.bench)? {
                return Ok(());
            }
            if start.elapsed() >= time {
                let seconds = time.as_secs();
                return Err(Fault::failed(format!("not within {seconds} s: {what}")));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn certificate(&self) -> Result<&Certificate, Fault> {
        self.identity
            .as_ref()
            .ok_or_else(|| Fault::failed("there is no identity"))
    }

    fn sha256(&self) -> Result<String, Fault> {
        Ok(self.certificate()?.sha256.to_string())
    }
}

/// Whether the identities of a keychain's document are those of this certificate among others.
fn holds(document: &serde_json::Value, sha256: &str) -> bool {
    let identities = document.get("identities").and_then(|it| it.as_array());
    let mut identities = identities.into_iter().flatten();
    identities.any(|identity| identity.get("sha256").is_some_and(|it| it == sha256))
}

/// What the status says of an open keychain.
const UNLOCKED: &str = "unlocked";
/// What it says of a locked one.
const LOCKED: &str = "locked";
/// What `codesign` says of a signature whose certificate leads to no trusted root.
const NOT_TRUSTED: &str = "CSSMERR_TP_NOT_TRUSTED";
/// The program whose copy is signed: small, and on every Mac.
const PROGRAM: &str = "/usr/bin/true";
/// A program of the system is some hundred kilobytes.
const MAX_PROGRAM: usize = 16 << 20;
/// A command that does nothing for ten minutes.
const SLEEP: [&str; 2] = ["/bin/sleep", "600"];
/// How long the keychain may be open for a command that ends by itself, or with its run.
const WINDOW: Duration = Duration::from_secs(240);
/// How long for codesign.
const SIGNING_WINDOW: Duration = Duration::from_secs(60);
/// How long for one that does not.
const SHORT_WINDOW: Duration = Duration::from_secs(2);
/// How long a watchdog may take to close.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);
