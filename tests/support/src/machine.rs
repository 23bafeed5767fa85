//! What the tests of keychains and sessions share: a machine of their own, identities, a clearance.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use countersign::apple::pkcs12::{self, Form, Pkcs12, Pkcs12Identity};
use countersign::base::clock::FixedClock;
use countersign::base::digest::Digest;
use countersign::base::finding::Group;
use countersign::base::ids::HostName;
use countersign::base::secret::Password;
use countersign::context::gate::{Asked, Cleared, Purpose, judge};
use countersign::context::manifest::freeze::freeze;
use countersign::context::manifest::{Content, Manifest};
use countersign::context::policy::Policy;
use countersign::host::keychain::macos::{MacOsBackend, MacOsConfig};
use countersign::host::keychain::portable::PortableBackend;
use countersign::host::keychain::{KeychainBackend, KeychainPath};
use countersign::host::observation::{ObservationError, Request, observe};
use countersign::host::state_dir::StateDir;
use jiff::Timestamp;

/// A home directory with a stand-in for macOS's tools, a state directory and a keychain path.
pub struct Machine {
    /// Where it is; gone afterwards.
    pub directory: tempfile::TempDir,
}

impl Machine {
    /// A machine whose search list and default keychain are its login keychain.
    pub fn new() -> Self {
        crate::start::prepare();
        let directory = tempfile::tempdir().unwrap();
        for name in ["home", "state", "bin"] {
            countersign::host::owned_files::make_directory(&directory.path().join(name)).unwrap();
        }
        let machine = Self { directory };
        for tool in ["security", "codesign"] {
            std::os::unix::fs::symlink(
                example("stand_in_security"),
                machine.path("bin").join(tool),
            )
            .unwrap();
        }
        fs::write(
            machine.path("home").join("search-list"),
            LOGIN.to_owned() + "\n",
        )
        .unwrap();
        fs::write(machine.path("home").join("default-keychain"), LOGIN).unwrap();
        machine
    }

    /// A path below its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where its keychain is, once there is one.
    pub fn keychain(&self) -> KeychainPath {
        self.keychain_named("ci.keychain-db")
    }

    /// Where a keychain of this name is.
    pub fn keychain_named(&self, name: &str) -> KeychainPath {
        KeychainPath::new(&self.path(name)).unwrap()
    }

    /// Its state directory.
    pub fn state(&self) -> StateDir {
        StateDir::new(self.path("state")).unwrap()
    }

    /// What the backend for macOS needs to use the stand-in.
    pub fn macos_config(&self) -> MacOsConfig {
        MacOsConfig {
            security: self.path("bin/security"),
            codesign: self.path("bin/codesign"),
            environment: vec![("HOME".into(), self.path("home").into())],
            state: self.state(),
            time: Duration::from_secs(30),
        }
    }

    /// A backend that keeps its state here.
    pub fn backend(&self, kind: Kind) -> Box<dyn KeychainBackend> {
        match kind {
            Kind::Portable => Box::new(PortableBackend::new(&self.state())),
            Kind::MacOs => Box::new(MacOsBackend::new(self.macos_config())),
        }
    }

    /// Makes a command of the stand-in misbehave from now on; nothing makes it behave again.
    pub fn misbehave(&self, how: &str) {
        fs::write(self.path("home/stand-in-mode"), how).unwrap();
    }

    /// The search list, a line for each keychain.
    pub fn search_list(&self) -> String {
        fs::read_to_string(self.path("home/search-list")).unwrap()
    }

    /// The files whose names begin with the keychain's, itself included.
    pub fn beside(&self, keychain: &KeychainPath) -> Vec<String> {
        let name = keychain.as_path().file_name().unwrap().to_str().unwrap();
        fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|found| found.starts_with(name))
            .collect()
    }

    /// The private directories of the runs that have a portable keychain open.
    pub fn shown(&self) -> Vec<PathBuf> {
        let paths = |directory: &Path| {
            let entries = fs::read_dir(directory).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path()).collect()
        };
        let keychains: Vec<PathBuf> = paths(&self.path("state/open"));
        keychains.iter().flat_map(|path| paths(path)).collect()
    }

    /// Whether the search list is as it was and nothing of a moment or of a run is left.
    pub fn assert_clean(&self) {
        assert_eq!(self.search_list(), LOGIN.to_owned() + "\n");
        for place in ["state", "state/search-list", "."] {
            let Ok(entries) = fs::read_dir(self.path(place)) else {
                continue;
            };
            for entry in entries {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let left = name.starts_with(".countersign-") || name.ends_with(".attached");
                assert!(!left, "{place}/{name} is left");
            }
        }
        let shown = self.shown();
        assert!(shown.is_empty(), "{shown:?} are left");
    }
}

/// The backends that every platform has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A p12 that every platform can hold.
    Portable,
    /// macOS's keychain, through the stand-in.
    MacOs,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Portable, Self::MacOs];
}

/// A password.
pub fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

/// The one identity of a p12.
pub fn sole_identity(contents: &Pkcs12) -> &Pkcs12Identity {
    let [identity] = contents.identities.as_slice() else {
        panic!("{} identities", contents.identities.len());
    };
    identity
}

/// The `n`th test identity, 1 to 3.
pub fn identity(n: usize) -> Pkcs12Identity {
    let path = crate::root().join(format!("fixtures/keychain/identity-{n}.p12"));
    let contents = pkcs12::read(&fs::read(path).unwrap(), &password("fixture")).unwrap();
    sole_identity(&contents).clone()
}

/// A file with the given test identities.
pub fn p12(which: &[usize], secret: &str, form: Form) -> Vec<u8> {
    let identities: Vec<_> = which.iter().map(|n| identity(*n)).collect();
    pkcs12::write(&identities, &[], &password(secret), form).unwrap()
}

/// This machine: a clearance is given to no other.
pub fn host() -> HostName {
    countersign::host::node::host_name().unwrap()
}

/// The present.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A manifest that pins nothing, as freezing writes it.
pub fn manifest_bytes() -> Vec<u8> {
    let content = Content {
        revision: 7,
        ..freeze(Vec::new(), None, Vec::new(), None)
    };
    content.to_bytes()
}

/// The same, read.
pub fn manifest() -> Manifest {
    Manifest::parse(&manifest_bytes()).unwrap()
}

/// The plan of that manifest.
pub fn plan_digest() -> Digest {
    manifest().plan_digest()
}

/// What the gate says at `now` of a manifest that pins nothing, on this machine, with everything waived that can be.
pub fn cleared_at(now: Timestamp) -> Cleared {
    let facts = observe::<ObservationError>(&Request::default(), &FixedClock(now)).unwrap();
    let asked = Asked {
        purpose: Purpose::Run,
        waived: BTreeSet::from([Group::Profiles, Group::Identities, Group::Targets]),
        ..Asked::default()
    };
    let (judgement, cleared) = judge(&policy(), &manifest(), &facts, &asked).into_parts();
    cleared.unwrap_or_else(|| panic!("{:?}", judgement.findings))
}

/// A policy under which everything can be waived that can ever be, also for a run.
pub const WAIVING: &str = "version = 1
[gate]
waivable = [\"profiles\", \"identities\", \"targets\"]
run_waivable = [\"profiles\", \"identities\", \"targets\"]
";

fn policy() -> Policy {
    let home = Path::new("/nonexistent");
    Policy::parse(WAIVING, Path::new("signing.toml"), Some(home)).unwrap()
}

/// An example of the root package; built if need be (`cargo test --test NAME` builds none).
pub fn example(name: &str) -> PathBuf {
    let directory = crate::built();
    let path = directory.join("examples").join(name);
    static BUILD: std::sync::Once = std::sync::Once::new();
    BUILD.call_once(|| {
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--quiet", "--examples", "--target-dir"]);
        command.arg(directory.parent().unwrap());
        command.current_dir(crate::root());
        if directory.ends_with("release") {
            command.arg("--release");
        }
        assert!(command.status().unwrap().success(), "the examples build");
    });
    assert!(path.exists(), "{} is built", path.display());
    path
}

/// The login keychain of the test's person; nothing may ever touch it.
pub const LOGIN: &str = "/Users/person/Library/Keychains/login.keychain-db";
