//! A machine on which another user holds the keychain's password: root installs the program set-group-ID, the keeper serves,
//! and jobs run as a third user. Users are numbers that no system gives to anybody.

use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::machine::p12;
use crate::site::text;
use crate::start;
use countersign::apple::pkcs12::Form;

/// The user whose jobs sign.
pub const JOB: u32 = 61_001;
/// The user who holds the password.
pub const KEEPER: u32 = 61_002;
/// A user who has to do with neither.
pub const OTHER: u32 = 61_003;
/// The group of the program; nobody is in it.
pub const GROUP: u32 = 61_004;

/// The keychain's password.
pub const SECRET: &str = "correct-horse-battery-staple";

/// A machine with a keychain of the jobs' user, under a password that its keeper holds.
pub struct Keeper {
    directory: tempfile::TempDir,
}

/// A helper that serves; it ends with its value.
pub struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Keeper {
    /// A machine with a keychain; `None`, with a word, where this cannot be built: only root may become other users, and a
    /// file system or a container may forbid set-group-ID programs.
    pub fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: not root, so no test can become another user");
            return None;
        }
        start::prepare();
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let keeper = Self { directory };
        for (name, owner, mode) in [
            ("bin", 0, 0o755),
            ("etc", 0, 0o755),
            ("keeper", KEEPER, 0o700),
            ("run", KEEPER, 0o755),
            ("home", JOB, 0o700),
            ("other", OTHER, 0o700),
        ] {
            let path = keeper.path(name);
            fs::create_dir(&path).unwrap();
            chown(&path, Some(owner), Some(owner)).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        keeper.install(&PathBuf::from("/bin/cat"), "cat", 0o2755);
        let status = keeper
            .command(JOB, &keeper.path("bin/cat"))
            .arg("/proc/self/status")
            .output();
        let status = text(&status.unwrap().stdout);
        if !status.contains(&format!("\t{GROUP}\t")) {
            eprintln!("skipped: set-group-ID programs get no group here");
            return None;
        }
        keeper.install(&crate::program(), "countersign", 0o2755);
        // The same program without the right.
        keeper.install(&crate::program(), "plain", 0o755);
        keeper.write("etc/signing.toml", "version = 1\n", 0, 0o644);
        let manifest =
            r#"{"schema":"countersign.manifest.v1","revision":7,"profiles":[],"targets":[]}"#;
        keeper.write("etc/profiles.json", manifest, 0, 0o644);
        keeper.write("keeper/password", SECRET, KEEPER, 0o600);
        keeper.make_keychain();
        Some(keeper)
    }

    /// A path of the machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// All of it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file of `owner`.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>, owner: u32, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        chown(&path, Some(owner), Some(owner)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Installs a program for root, with the program's group.
    pub fn install(&self, program: &Path, name: &str, mode: u32) -> PathBuf {
        let path = self.path("bin").join(name);
        fs::copy(program, &path).unwrap();
        chown(&path, Some(0), Some(GROUP)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// `program`, started by `user` in the home directory of the jobs' user, with nothing else in its environment.
    pub fn command(&self, user: u32, program: &Path) -> Command {
        let mut command = start::command(program, &self.path("home"));
        command
            .uid(user)
            .gid(user)
            .env("PATH", start::PATH)
            .stdin(Stdio::null())
            .current_dir(match user {
                JOB => self.path("home"),
                _ => self.path("run"),
            });
        command
    }

    /// The installed program, started by `user`.
    pub fn countersign(&self, user: u32) -> Command {
        self.command(user, &self.path("bin/countersign"))
    }

    /// The socket.
    pub fn socket(&self) -> PathBuf {
        self.path("run/socket")
    }

    /// `keychain serve` with these words besides those that it needs.
    pub fn serve_with(&self, words: &[&str]) -> Command {
        let mut command = self.countersign(KEEPER);
        self.name_places(&mut command);
        command
            .arg("--state-dir")
            .arg(self.path("keeper/state"))
            .args(["keychain", "serve", "--keychain"])
            .arg(self.path("home/ci.p12"))
            .arg("--home")
            .arg(self.path("home"))
            .arg("--run-state-dir")
            .arg(self.path("home/state"))
            .arg("--socket")
            .arg(self.socket())
            .arg("--keychain-password-file")
            .arg(self.path("keeper/password"))
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Serves the password to the jobs' user.
    pub fn serve(&self) -> Served {
        let mut child = self
            .serve_with(&["--user", &JOB.to_string()])
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut said).unwrap();
        let served = Served(child);
        assert!(
            said.starts_with("serving"),
            "{said:?}: {}",
            self.complaint(served)
        );
        served
    }

    fn complaint(&self, mut served: Served) -> String {
        let mut said = String::new();
        let stderr = served.0.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut BufReader::new(stderr), &mut said).unwrap();
        said
    }

    /// What a run is asked that opens the keychain with the served password, up to the command.
    pub fn run_words(&self) -> Vec<String> {
        let words = ["run", "--without", "profiles,identities,targets"];
        let mut words = words.map(str::to_owned).to_vec();
        words.push("--keychain-password-socket".to_owned());
        words.push(self.socket().display().to_string());
        words
    }

    /// `run` by the jobs' user with the served password, up to and with `--`.
    pub fn run(&self) -> Command {
        let mut command = self.countersign(JOB);
        command.args(self.run_words()).arg("--");
        command
    }

    /// The helper's records, a line each.
    pub fn served(&self) -> Vec<serde_json::Value> {
        let log = fs::read_to_string(self.path("keeper/state/audit.jsonl")).unwrap_or_default();
        let records = log.lines().map(|line| serde_json::from_str(line).unwrap());
        records
            .filter(|record: &serde_json::Value| record["what"] == "password-serve")
            .collect()
    }

    /// How often the password was given away.
    pub fn given(&self) -> usize {
        let records = self.served().into_iter();
        records.filter(|record| record["outcome"] == "done").count()
    }

    /// The last receipt of the jobs' user.
    pub fn receipt(&self) -> serde_json::Value {
        let receipts = fs::read_dir(self.path("home/state/receipts")).unwrap();
        let mut paths: Vec<PathBuf> = receipts.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        crate::site::document(&fs::read(paths.last().unwrap()).unwrap())
    }

    /// Names the policy and the manifest.
    pub fn name_places(&self, command: &mut Command) {
        command
            .arg("--policy")
            .arg(self.path("etc/signing.toml"))
            .arg("--manifest")
            .arg(self.path("etc/profiles.json"));
    }

    fn make_keychain(&self) {
        self.write(
            "home/identity.p12",
            p12(&[1], "file", Form::Modern),
            JOB,
            0o600,
        );
        self.write("home/identity.password", "file", JOB, 0o600);
        for (words, more) in [
            (["keychain", "create"], &[][..]),
            (
                ["keychain", "import"],
                &["identity.p12", "--password-file", "identity.password"],
            ),
        ] {
            let mut command = self.countersign(JOB);
            self.name_places(&mut command);
            let output = command
                .arg("--state-dir")
                .arg(self.path("home/state"))
                .args(words)
                .args(more)
                .arg("--keychain")
                .arg(self.path("home/ci.p12"))
                .args(["--keychain-password-fd", "0"])
                // Root opens it, as an operator's shell does.
                .stdin(File::open(self.path("keeper/password")).unwrap())
                .output();
            succeeded(&output.unwrap());
        }
    }
}

/// Ended with exit code 0; shows everything if not.
#[track_caller]
pub fn succeeded(output: &Output) {
    assert!(
        output.status.success(),
        "{:?}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
}
