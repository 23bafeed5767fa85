//! A machine with a keychain, and the program that runs on it.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{
    Kind, Machine, WAIVING, cleared_at, example, host, manifest_bytes, now, p12, password,
    plan_digest,
};
use crate::start;
use countersign::apple::pkcs12::Form;
use countersign::base::clock::SystemClock;
use countersign::base::event::{Actor, Witness};
use countersign::host::keychain::{Backends, KeychainBackend, KeychainPath, LockState, Settings};
use countersign::host::owned_files::Lock;
use countersign::host::permit::OpenPermit;
use countersign::host::process::Tool;
use countersign::host::run_id::RunId;
use countersign::host::session::{KeychainWork, SessionRequest};
use countersign::host::state_dir::StateDir;
use countersign::ledger::audit;
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};

/// The password of every site's keychain.
pub const SECRET: &str = "correct-horse-battery-staple";

/// A machine with a keychain that holds one identity, a policy that allows everything, and a manifest that pins nothing.
pub struct Site {
    /// Where its files are.
    pub machine: Machine,
    /// Which keychain it has.
    pub kind: Kind,
}

impl Site {
    /// A site with a fresh keychain.
    pub fn new(kind: Kind) -> Self {
        let machine = Machine::new();
        let site = Self { machine, kind };
        site.make_keychain(&site.machine.keychain());
        site.policy("");
        fs::write(site.path("profiles.json"), manifest_bytes()).unwrap();
        countersign::host::owned_files::create(&site.path("password"), SECRET.as_bytes()).unwrap();
        site
    }

    /// Writes the policy: a run may waive everything that can be waived, and these sections besides.
    pub fn policy(&self, sections: &str) {
        fs::write(self.path("signing.toml"), format!("{WAIVING}{sections}")).unwrap();
    }

    /// Makes a keychain at `keychain` and imports one identity.
    pub fn make_keychain(&self, keychain: &KeychainPath) {
        let backend = self.machine.backend(self.kind);
        let settings = Settings {
            idle_timeout: Duration::from_secs(900),
        };
        backend
            .create(keychain, &password(SECRET), settings)
            .unwrap();
        let file = p12(&[1], "file", Form::Modern);
        backend
            .import(keychain, &password(SECRET), &file, &password("file"))
            .unwrap();
    }

    /// A path below the machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.machine.path(name)
    }

    /// The program that knows the site's tools: the released one, or the one made for development.
    pub fn program(&self) -> Command {
        let home = self.path("home");
        match self.kind {
            Kind::Portable => start::countersign(&home),
            Kind::MacOs => {
                let mut command = start::command(example("countersign_with_tools"), &home);
                command.arg("--tools").arg(self.path("bin"));
                command
            }
        }
    }

    /// What makes the site's backends in this process.
    pub fn backends(&self) -> Backends {
        let tools = (self.kind == Kind::MacOs).then(|| self.path("bin"));
        Backends::new(&self.path("home"), "ci", tools).unwrap()
    }

    /// The program with `words`, the state directory and the policy of the site.
    pub fn base(&self, words: &[&str]) -> Command {
        self.base_in(&self.path("state"), words)
    }

    /// As [`Site::base`], with another state directory.
    pub fn base_in(&self, state: &Path, words: &[&str]) -> Command {
        let mut command = self.program();
        command
            .arg("--state-dir")
            .arg(state)
            .arg("--policy")
            .arg(self.path("signing.toml"))
            .arg("--manifest")
            .arg(self.path("profiles.json"))
            .args(words)
            .env("PATH", start::PATH)
            .stdin(Stdio::null());
        command
    }

    /// Names the site's keychain and its password.
    pub fn keychain_flags(&self, command: &mut Command) {
        let backend = match self.kind {
            Kind::Portable => "portable",
            Kind::MacOs => "macos",
        };
        command
            .arg("--keychain")
            .arg(self.machine.keychain().as_path())
            .args(["--backend", backend]);
    }

    /// `run`, up to and with `--`.
    pub fn run_with(&self, flags: &[&str]) -> Command {
        let mut command = self.base(&["run", "--without", "profiles,identities,targets"]);
        self.keychain_flags(&mut command);
        command
            .arg("--keychain-password-file")
            .arg(self.path("password"))
            .args(flags)
            .arg("--");
        command
    }

    /// `run`, up to and with `--`, without further flags.
    pub fn run(&self) -> Command {
        self.run_with(&[])
    }

    /// `keychain recover`.
    pub fn recover(&self) -> Output {
        let words = ["keychain", "recover", "--format", "json"];
        let output = self.base(&words).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        document(&output.stdout);
        output
    }

    /// The same by `user`, to whom the site belongs.
    pub fn recover_as(&self, user: &crate::user::User) {
        let recover = self.base(&["keychain", "recover"]);
        let output = user.starts(self, &[], &recover).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// Whether the keychain is open, as the backend says.
    pub fn status(&self) -> LockState {
        let owner = fs::metadata(self.path("state")).unwrap().uid();
        if owner != rustix::process::geteuid().as_raw() {
            return self.status_by_files();
        }
        let backend = self.machine.backend(self.kind);
        backend.status(&self.machine.keychain()).unwrap()
    }

    /// The same, as the files say: a backend believes no files of another user.
    fn status_by_files(&self) -> LockState {
        let is_open = match self.kind {
            Kind::Portable => !self.machine.shown().is_empty(),
            Kind::MacOs => {
                let bytes = fs::read(self.machine.keychain().as_path()).unwrap();
                document(&bytes)["locked"] == false
            }
        };
        match is_open {
            true => LockState::Unlocked,
            false => LockState::Locked,
        }
    }

    /// The files that runs keep in the state directory.
    pub fn runs(&self) -> Vec<PathBuf> {
        match fs::read_dir(self.path("state/runs")) {
            Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Whether a run keeps a file that ends so.
    pub fn has(&self, suffix: &str) -> bool {
        self.runs()
            .iter()
            .any(|path| path.extension().is_some_and(|found| found == suffix))
    }

    /// Changes what the journals say of the runs that have a keychain open, or are closing it.
    pub fn rewrite_journals(&self, change: impl Fn(&mut serde_json::Value)) {
        for path in self.runs() {
            if path
                .extension()
                .is_some_and(|suffix| suffix == "json" || suffix == "closing")
            {
                let mut journal = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                change(&mut journal);
                let bytes = serde_json::to_vec(&journal).unwrap();
                countersign::host::owned_files::replace(&path, &bytes).unwrap();
            }
        }
    }

    /// Lets the windows of the runs that have a keychain open end an hour ago.
    pub fn let_windows_end(&self) {
        let end = (Timestamp::now() - jiff::SignedDuration::from_hours(1)).to_string();
        self.rewrite_journals(|journal| journal["deadline"]["until"] = end.as_str().into());
    }

    /// Every receipt, oldest first.
    pub fn receipts(&self) -> Vec<serde_json::Value> {
        let mut paths: Vec<PathBuf> = fs::read_dir(self.path("state/receipts"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
            .iter()
            .map(|path| document(&fs::read(path).unwrap()))
            .collect()
    }

    /// The audit log, held to be whole.
    pub fn log(&self) -> audit::AuditLog {
        let actor = Actor {
            who: "ci".into(),
            host: host(),
            region: None,
            job: None,
        };
        let path = self.path("state/audit.jsonl");
        audit::AuditLog::new(path, actor, Box::new(SystemClock))
    }

    /// A command about this site's keychain.
    pub fn keychain(&self, words: &[&str]) -> Output {
        let mut command = self.base(words);
        self.keychain_flags(&mut command);
        command.output().unwrap()
    }

    /// Lets `on_closed` leave a mark.
    pub fn page_into(&self, mark: &Path) {
        let script = self.path("page.sh");
        fs::write(&script, format!("#!/bin/sh\ntouch '{}'\n", mark.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        self.policy(&format!(
            "[keychain]\non_closed = [\"{}\"]\n",
            script.display()
        ));
    }

    /// The bytes of the audit log.
    pub fn audit(&self) -> String {
        fs::read_to_string(self.path("state/audit.jsonl")).unwrap_or_default()
    }

    /// Nobody who could still close anything is left: every lease is free or gone.
    pub fn settle(&self) {
        until("every lease is free", || {
            self.runs()
                .iter()
                .filter(|path| path.extension().is_some_and(|suffix| suffix == "lease"))
                .all(|path| File::open(path).map_or(true, |file| file.try_lock().is_ok()))
        });
    }

    /// Nothing is open, nothing is left, and the record is whole.
    pub fn assert_all_is_well(&self, when: &str) {
        assert_eq!(self.status(), LockState::Locked, "{when}");
        self.machine.assert_clean();
        assert_eq!(self.runs(), Vec::<PathBuf>::new(), "{when}");
        let verification = audit::verify(&self.path("state/audit.jsonl"), &[]).unwrap();
        assert!(verification.holds(), "{when}: {:?}", verification.flaws);
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits for something that must come; the bound only ends a test that has failed.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "never: {what}");
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Sends a signal to a process that may be gone.
pub fn kill(id: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    let _ = kill_process(pid, signal);
}

/// Parent and command line of every process.
pub fn processes() -> Vec<(u32, u32, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if let Some((_, fields)) = stat.rsplit_once(')')
            && let Some(parent) = fields.split_whitespace().nth(1)
        {
            all.push((id, parent.parse().unwrap(), text(&words)));
        }
    }
    all
}

/// The children of a process, with their command lines.
pub fn children(of: u32) -> Vec<(u32, String)> {
    processes()
        .into_iter()
        .filter(|(_, parent, _)| *parent == of)
        .map(|(id, _, words)| (id, words))
        .collect()
}

/// Whether a process runs: one that has ended has no command line any more.
pub fn lives(id: u32) -> bool {
    fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|words| !words.is_empty())
}

/// Whether a process has a handler for `signal`.
pub fn minds(id: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// The watchdog of a run.
pub fn watchdog_of(run: u32) -> Option<u32> {
    children(run)
        .into_iter()
        .find(|(_, words)| words.ends_with("\0watchdog\0"))
        .map(|(id, _)| id)
}

/// The tools that a run and its watchdog have started to lock a keychain, and that wait.
pub fn waiting_tools(run: u32) -> Vec<u32> {
    let parents = [Some(run), watchdog_of(run)];
    let below = parents.into_iter().flatten().flat_map(children);
    below
        .filter(|(_, words)| words.ends_with("/security\0-i\0"))
        .map(|(id, _)| id)
        .collect()
}

/// A document of ours, which keeps to its schema.
pub fn document(bytes: &[u8]) -> serde_json::Value {
    let document = serde_json::from_slice(bytes).unwrap();
    crate::schema::holds_if_ours(&document);
    document
}

/// The command that a run started.
pub fn job_of(run: u32) -> Option<u32> {
    children(run)
        .into_iter()
        .find(|(_, words)| words.contains("/sleep\0") || words.contains("/sh\0"))
        .map(|(id, _)| id)
}

/// Holds a claim over the portable keychain and over the stand-in for macOS.
pub fn over_both(claim: impl Fn(Site) + Sync) {
    for kind in Kind::ALL {
        claim(Site::new(kind));
    }
}

/// Whether `bytes` hold `secret`.
pub fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

/// `command`, started by a shell that does `words`, in which it is `"$@"`.
pub fn through_shell(site: &Site, words: &str, command: &Command) -> Command {
    let mut shell = start::command("sh", &site.path("home"));
    shell
        .args(["-c", words, "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .env("PATH", start::PATH);
    shell
}

/// Does something while it is another's turn.
pub fn while_it_is_anothers_turn(site: &Site, deed: impl FnOnce(&Site)) {
    let path = site.path("state/windows.lock");
    let _turn = Lock::acquire(&path, Duration::from_secs(9)).unwrap();
    deed(site);
}

/// A request for the portable keychain of a site, with a permit from `then`.
pub fn request<'a>(
    site: &Site,
    state: &'a StateDir,
    backend: &'a dyn KeychainBackend,
    witness: &'a dyn Witness,
    then: Timestamp,
) -> SessionRequest<'a> {
    SessionRequest {
        permit: OpenPermit::from_clearance(cleared_at(then), &host(), plan_digest(), then).unwrap(),
        work: KeychainWork {
            run: RunId::new(now()).unwrap(),
            keychain: site.machine.keychain(),
            backend,
            state,
            actor: Actor {
                who: "ci".into(),
                host: host(),
                region: None,
                job: None,
            },
            watchdog: Tool::new(crate::program())
                .arg("watchdog")
                .env("HOME", site.path("home"))
                .env("USER", "ci"),
            witness,
            clock: &SystemClock,
        },
        password: password(SECRET),
        window: Duration::from_secs(60),
        // Tests run beside each other in one process, and the children of all are its children.
        on_stragglers: None,
        closes: None,
    }
}

/// `keychain import` of an identity that is not in the keychain yet.
pub fn import(site: &Site) -> Command {
    let file = site.path("second.p12");
    if !file.exists() {
        fs::write(&file, p12(&[2], "file", Form::Modern)).unwrap();
        fs::write(site.path("file-password"), "file").unwrap();
    }
    let mut command = site.base(&["keychain", "import"]);
    command.arg(file);
    site.keychain_flags(&mut command);
    command
        .arg("--keychain-password-file")
        .arg(site.path("password"))
        .arg("--password-file")
        .arg(site.path("file-password"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}
