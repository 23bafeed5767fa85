//! What a test of App Store Connect has at hand: the stand-in, a repository with a policy and a manifest, and the team's key.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use countersign::base::clock::FixedClock;
use countersign::ops::error::{Error, Failure};
use countersign::ops::notice::Deaf;
use countersign::ops::portal::access::KeyRequest;
use countersign::ops::portal::document::RenewDocument;
use countersign::ops::portal::fetch::{self, FetchDocument, FetchRequest};
use countersign::ops::portal::list::{self, PortalListDocument};
use countersign::ops::portal::renew::{self, RenewRequest};
use countersign::ops::world::{Places, Surroundings, World};
use forge::certificate::pem;
use forge::der;
use forge::key::Hash;
use jiff::Timestamp;
use support::machine::example;
use support::workshop::Workshop;

use super::apple::{Apple, FakeProfile, ISSUER, KEY_ID, distribution, key, leaf_key, profile};

/// When the tests happen.
pub(crate) const NOW: &str = "2040-03-01T12:00:00Z";

pub(crate) struct Bench {
    pub(crate) workshop: Workshop,
    pub(crate) apple: Apple,
}

impl Bench {
    /// A team without anything, at [`NOW`].
    pub(crate) fn empty() -> Self {
        Self::at(Some(NOW.parse().unwrap()))
    }

    pub(crate) fn at(now: Option<Timestamp>) -> Self {
        let workshop = Workshop::new();
        let file = workshop.write(format!("AuthKey_{KEY_ID}.p8"), key_file());
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        Self {
            workshop,
            apple: Apple::new(now),
        }
    }

    /// A team with one distribution certificate, two devices and a bundle id, and these profiles, of which the manifest pins
    /// those of the App Store.
    pub(crate) fn with(profiles: Vec<FakeProfile>) -> Self {
        let bench = Self::empty();
        {
            let mut holding = bench.apple.holding();
            holding.certificates = vec![distribution("C1", "leaf 1", "2041-01-01T00:00:00Z")];
            holding.bundles = vec![("B1".to_owned(), "com.acme.rocket".to_owned())];
            holding.devices = vec![
                ("D1".to_owned(), "Anna".to_owned(), "IPHONE", "ENABLED"),
                ("D2".to_owned(), "Ben".to_owned(), "IPHONE", "DISABLED"),
                ("D3".to_owned(), "Mac".to_owned(), "MAC", "ENABLED"),
            ];
            holding.profiles = profiles;
        }
        bench.freeze();
        bench
    }

    /// A team with so many profiles for bundle ids of their own, pinned and due.
    pub(crate) fn with_due(count: usize) -> Self {
        let bench = Self::with(Vec::new());
        {
            let mut holding = bench.apple.holding();
            holding.bundles = (0..count)
                .map(|n| (format!("B{n}"), format!("com.acme.app{n}")))
                .collect();
            holding.profiles = (0..count)
                .map(|n| {
                    let (id, name, bundle) =
                        (format!("P{n}"), format!("App {n} Store"), format!("B{n}"));
                    profile(&id, &name, "IOS_APP_STORE", &bundle, "2040-03-20T00:00:00Z")
                })
                .collect();
        }
        bench.freeze();
        bench
    }

    /// Pins what the team has for the App Store and has not expired, and installs it.
    pub(crate) fn freeze(&self) {
        let holding = self.apple.holding();
        let pinned = holding
            .profiles
            .iter()
            .filter(|it| it.kind.ends_with("STORE"));
        let specs: Vec<_> = pinned.map(|it| holding.spec(it)).collect();
        drop(holding);
        if specs.is_empty() {
            return;
        }
        for spec in specs {
            self.workshop
                .write(format!("profiles/{}", spec.file_name()), spec.mint());
        }
        self.workshop.run(&["manifest", "freeze"]).exits(0);
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.workshop.path(name)
    }

    pub(crate) fn world_at(&self, now: &str) -> World {
        let manifest = Some(self.path("manifests/profiles.json"));
        let places = Places {
            policy: Some(self.path("manifests/signing.toml")),
            manifest: manifest.filter(|path| path.exists()),
            state_dir: Some(self.path("home/state")),
            ..Places::default()
        };
        let surroundings = Surroundings {
            home: Some(self.path("home")),
            portal: Some(self.apple.server.address),
            ..Surroundings::default()
        };
        let clock = FixedClock(now.parse().unwrap());
        World::new(places, surroundings, Arc::new(clock), Box::new(Deaf))
    }

    pub(crate) fn key(&self) -> KeyRequest {
        KeyRequest {
            key_id: None,
            issuer_id: Some(ISSUER.parse().unwrap()),
            key_file: Some(self.path(format!("AuthKey_{KEY_ID}.p8"))),
        }
    }

    pub(crate) fn list(&self) -> Result<PortalListDocument, Error> {
        list::list(&self.key(), &self.world_at(NOW)).map_err(error)
    }

    /// What a renewal asks for; it is done, not planned.
    pub(crate) fn request(&self) -> RenewRequest {
        RenewRequest {
            key: self.key(),
            yes: true,
            ..RenewRequest::default()
        }
    }

    pub(crate) fn renew(&self, request: &RenewRequest) -> Result<RenewDocument, Error> {
        self.renew_at(request, NOW)
    }

    pub(crate) fn renew_at(
        &self,
        request: &RenewRequest,
        now: &str,
    ) -> Result<RenewDocument, Error> {
        self.apple.holding().now = Some(now.parse().unwrap());
        renew::renew(request, &self.world_at(now)).map_err(error)
    }

    pub(crate) fn fetch(&self, profiles: &[&str], renewed: bool) -> Result<FetchDocument, Error> {
        let request = FetchRequest {
            key: self.key(),
            profiles: profiles.iter().map(|it| (*it).to_owned()).collect(),
            renewed,
            into: self.path("fetched"),
        };
        fetch::fetch(&request, &self.world_at(NOW)).map_err(error)
    }

    /// The program that knows the stand-in, about to run here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command =
            support::start::command(example("countersign_with_tools"), &self.path("home"));
        command
            .arg("--portal")
            .arg(self.apple.server.address.to_string());
        command.args(arguments);
        command.args(["--key-file", &format!("AuthKey_{KEY_ID}.p8")]);
        command.args(["--issuer-id", ISSUER]);
        command.current_dir(self.path(""));
        command
    }

    /// How many profiles of each name the team has.
    pub(crate) fn names(&self) -> BTreeMap<String, usize> {
        let mut names = BTreeMap::new();
        for profile in &self.apple.holding().profiles {
            *names.entry(profile.name.clone()).or_default() += 1;
        }
        names
    }

    /// The audit records of an action, with their outcomes.
    pub(crate) fn records(&self, action: &str) -> Vec<String> {
        let log = fs::read_to_string(self.path("home/state/audit.jsonl")).unwrap_or_default();
        let records = log.lines().map(|line| serde_json::from_str(line).unwrap());
        let records = records.filter(|record: &serde_json::Value| record["what"] == action);
        records
            .map(|record| record["outcome"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn error(failure: Failure) -> Error {
    match failure {
        Failure::Error(error) => error,
        Failure::Blocked(findings) => panic!("{findings:#?}"),
    }
}

/// The `.p8` of the team.
pub(crate) fn key_file() -> String {
    pem("PRIVATE KEY", &key().pkcs8())
}

/// A certificate signing request for the key of the certificate of this label.
pub(crate) fn signing_request(label: &str) -> String {
    let key = leaf_key(label);
    let subject = forge::certificate::Name::new()
        .utf8("2.5.4.3", "Acme Rockets")
        .to_der();
    let info = der::sequence([
        der::integer(0),
        subject,
        key.public_key_info(),
        der::context(0, []),
    ]);
    let request = der::sequence([
        info.clone(),
        key.certificate_algorithm(Hash::Sha256),
        der::bits(key.sign(Hash::Sha256, &info)),
    ]);
    pem("CERTIFICATE REQUEST", &request)
}
