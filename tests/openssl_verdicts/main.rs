//! Where OpenSSL refuses, so do we: `openssl cms -verify` and `openssl verify` judge thousands of damaged messages and
//! certificates beside us.
//!
//! A damaged file that OpenSSL refuses and we take fails a test. What we refuse and OpenSSL takes is counted by our own
//! reason, and each reason stands in a list with what it is good for; one that is missing from the list or no longer occurs
//! fails the test. The lists are those of OpenSSL 3.0. Skipped, and said so, where there is no OpenSSL 3.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and openssl is the second opinion"
)]

mod certificates;
mod chain;
mod constraints;
mod damage;
mod messages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use jiff::Timestamp;

/// A folder in which OpenSSL is asked.
struct Openssl(tempfile::TempDir);

impl Openssl {
    /// None, with a word about it, where there is no OpenSSL 3.
    fn new() -> Option<Self> {
        let version = Command::new("openssl").arg("version").output().ok();
        if !version.is_some_and(|version| version.stdout.starts_with(b"OpenSSL 3")) {
            eprintln!("skipped: no OpenSSL 3 on this machine");
            return None;
        }
        Some(Self(tempfile::tempdir().unwrap()))
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Whether `openssl cms -verify` takes a message at an instant, under these roots in PEM.
    fn takes_message(&self, message: &[u8], roots: &str, at: Timestamp) -> bool {
        let message = self.put("message", message);
        let mut openssl = self.verification("cms", roots, at);
        openssl
            .args(["-verify", "-binary", "-inform", "DER", "-in"])
            .arg(message)
            .args(["-out", "/dev/null"]);
        openssl.status().unwrap().success()
    }

    /// Whether `openssl verify` takes a signer's certificate at an instant, issued by another one under a root.
    fn takes_chain(&self, chain: &[Vec<u8>; 3], at: Timestamp) -> bool {
        let [signer, issuer, root] = chain.each_ref().map(|der| pem(der));
        let (signer, issuer) = (
            self.put("signer.pem", signer),
            self.put("issuer.pem", issuer),
        );
        let mut openssl = self.verification("verify", &root, at);
        openssl.arg("-untrusted").arg(issuer).arg(signer);
        openssl.status().unwrap().success()
    }

    /// A verification for any purpose, with the digests that Apple's signers use.
    fn verification(&self, command: &str, roots: &str, at: Timestamp) -> Command {
        let roots = self.put("roots.pem", roots);
        let mut openssl = Command::new("openssl");
        openssl
            .arg(command)
            .args(["-purpose", "any", "-auth_level", "0"])
            .args(["-no-CApath", "-no-CAstore", "-attime"])
            .arg(at.as_second().to_string())
            .arg("-CAfile")
            .arg(roots)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        openssl
    }
}

fn pem(der: &[u8]) -> String {
    forge::certificate::pem("CERTIFICATE", der)
}

/// What both said of a family of damaged files.
#[derive(Default)]
struct Verdicts {
    both_take: usize,
    both_refuse: usize,
    /// OpenSSL refuses, we take: what was done to the file.
    only_ours: BTreeSet<String>,
    /// OpenSSL takes, we refuse: our reasons, and one example of each.
    only_theirs: BTreeMap<String, String>,
}

impl Verdicts {
    fn count(&mut self, damage: &str, ours: Result<(), String>, theirs: bool) {
        match (ours, theirs) {
            (Ok(()), true) => self.both_take += 1,
            (Err(_), false) => self.both_refuse += 1,
            (Ok(()), false) => {
                self.only_ours.insert(damage.to_owned());
            }
            (Err(reason), true) => {
                let example = self.only_theirs.entry(reason);
                example.or_insert_with(|| damage.to_owned());
            }
        }
    }

    /// Nothing passes us that OpenSSL stops, and we are stricter for these reasons alone.
    #[track_caller]
    fn hold(&self, stricter: &[(&str, &str)]) {
        assert!(
            self.only_ours.is_empty(),
            "only ours take: {:#?}",
            self.only_ours
        );
        let listed: BTreeSet<&str> = stricter.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(listed.len(), stricter.len(), "a reason stands twice");
        let unlisted: Vec<_> = self
            .only_theirs
            .iter()
            .filter(|(reason, _)| !listed.contains(reason.as_str()))
            .collect();
        assert!(
            unlisted.is_empty(),
            "only theirs take, unlisted: {unlisted:#?}"
        );
        let gone: Vec<_> = listed
            .iter()
            .filter(|reason| !self.only_theirs.contains_key(**reason))
            .collect();
        assert!(gone.is_empty(), "listed and gone: {gone:#?}");
    }
}

/// The kind of a reason: the name of a fault, or what is said of an encoding without the place and the number.
fn kind(reason: &str) -> String {
    let reason = match reason.split_once(": at byte ") {
        Some((_, place)) => place.split_once(": ").map_or(place, |(_, problem)| problem),
        None => reason,
    };
    match reason.split_once([' ', '(']) {
        // A fault, as Debug writes it.
        Some((name, _)) if name.starts_with(char::is_uppercase) => name.to_owned(),
        _ => {
            let end = reason.find(", found").or_else(|| reason.find(" version "));
            reason[..end.unwrap_or(reason.len())].to_owned()
        }
    }
}
