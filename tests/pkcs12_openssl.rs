//! Our PKCS#12 against OpenSSL's, both ways. Skipped, and said so, where there is no `openssl` on the path or it cannot
//! make the form that a test needs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers may panic as its cases may"
)]

use std::path::Path;
use std::process::{Command, Output};

use countersign::apple::pkcs12::algorithms::{Algorithms, MacKind, ReadableBy, Scheme};
use countersign::apple::pkcs12::diagnosis::{Diagnosis, why_import_failed};
use countersign::apple::pkcs12::{Form, LoneKeyReason, Pkcs12, Pkcs12Error, read, write};
use countersign::base::secret::Password;
use support::machine::sole_identity;

const PASSWORD: &str = "correct horse";

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

/// A folder with keys and certificates of a small hierarchy, made by `openssl`.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// `None`, with a word about it, where there is no `openssl`.
    fn new() -> Option<Self> {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        if bench.run(&["version"]).is_none() {
            eprintln!("skipped: no openssl on the path");
            return None;
        }
        Some(bench)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a test drives openssl; the product spawns through host::process"
    )]
    fn run(&self, arguments: &[&str]) -> Option<Output> {
        Command::new("openssl")
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .output()
            .ok()
    }

    fn must(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments).unwrap();
        assert!(
            output.status.success(),
            "openssl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// A self-signed certificate with its key: `NAME.key`, `NAME.crt`.
    fn mint(&self, name: &str, key: &[&str]) {
        let (key_file, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        let mut arguments = vec!["req", "-x509", "-nodes", "-days", "3650", "-newkey"];
        arguments.extend(key);
        let subject = format!("/CN={name}/OU=TEAM");
        arguments.extend([
            "-subj",
            &subject,
            "-keyout",
            &key_file,
            "-out",
            &certificate,
        ]);
        self.must(&arguments);
    }

    /// A certificate below `issuer`.
    fn issue(&self, name: &str, issuer: &str, key: &[&str]) {
        let file = |suffix: &str| format!("{name}.{suffix}");
        let mut arguments = vec!["req", "-nodes", "-newkey"];
        arguments.extend(key);
        let subject = format!("/CN={name}/OU=TEAM");
        let (key_file, request) = (file("key"), file("csr"));
        arguments.extend(["-subj", &subject, "-keyout", &key_file, "-out", &request]);
        self.must(&arguments);
        self.must(&[
            "x509",
            "-req",
            "-days",
            "3650",
            "-in",
            &request,
            "-CA",
            &format!("{issuer}.crt"),
            "-CAkey",
            &format!("{issuer}.key"),
            "-CAcreateserial",
            "-out",
            &file("crt"),
        ]);
    }

    fn der(&self, name: &str) -> Vec<u8> {
        self.must(&["x509", "-in", &format!("{name}.crt"), "-outform", "DER"])
            .stdout
    }

    /// `openssl pkcs12 -export …`; `None`, with a word about it, where this openssl cannot.
    fn export(&self, arguments: &[&str], password: &str) -> Option<Vec<u8>> {
        let out = format!("pass:{password}");
        let mut all = vec!["pkcs12", "-export", "-passout", &out, "-out", "out.p12"];
        all.extend(arguments);
        let output = self.run(&all).unwrap();
        if !output.status.success() {
            eprintln!(
                "skipped: openssl pkcs12 {arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            return None;
        }
        Some(std::fs::read(self.file("out.p12")).unwrap())
    }

    fn file(&self, name: &str) -> impl AsRef<Path> {
        self.folder.path().join(name)
    }

    /// How many keys and certificates openssl finds in `bytes`.
    fn count(&self, bytes: &[u8]) -> (usize, usize) {
        std::fs::write(self.file("in.p12"), bytes).unwrap();
        let passin = format!("pass:{PASSWORD}");
        let output = self.must(&["pkcs12", "-in", "in.p12", "-nodes", "-passin", &passin]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let count = |mark: &str| text.matches(mark).count();
        (
            count("-----BEGIN PRIVATE KEY-----"),
            count("-----BEGIN CERTIFICATE-----"),
        )
    }
}

const RSA: &[&str] = &["rsa:2048"];
const P256: &[&str] = &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

fn open(bytes: &[u8]) -> Pkcs12 {
    read(bytes, &password(PASSWORD)).unwrap()
}

#[test]
fn every_form_that_openssl_writes_is_read_and_named() {
    let Some(bench) = Bench::new() else { return };
    bench.mint("leaf", RSA);
    let three = &["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"];
    let cases: [(&[&str], &str, ReadableBy); 6] = [
        (
            &[
                "-keypbe",
                "AES-256-CBC",
                "-certpbe",
                "AES-256-CBC",
                "-macalg",
                "sha256",
            ],
            "HMAC-SHA256",
            ReadableBy::MacOs15 {
                because: "HMAC-SHA256 as MAC".to_owned(),
            },
        ),
        (
            &[
                "-keypbe",
                "AES-128-CBC",
                "-certpbe",
                "AES-192-CBC",
                "-macalg",
                "sha1",
            ],
            "HMAC-SHA1",
            ReadableBy::MacOs15 {
                because: "PBES2 with PBKDF2-HMAC-SHA256 and AES-192-CBC".to_owned(),
            },
        ),
        (
            &[three[0], three[1], three[2], three[3], "-macalg", "sha1"],
            "HMAC-SHA1",
            ReadableBy::EveryMac,
        ),
        (
            &[three[0], three[1], three[2], three[3], "-macalg", "sha512"],
            "HMAC-SHA512",
            ReadableBy::NoMac {
                because: "HMAC-SHA512 as MAC".to_owned(),
            },
        ),
        // What OpenSSL 1 and Keychain Access write; version 3 needs its legacy provider for RC2.
        (&["-legacy"], "HMAC-SHA1", ReadableBy::EveryMac),
        (
            &["-keypbe", "NONE", "-certpbe", "NONE", "-macalg", "sha1"],
            "HMAC-SHA1",
            ReadableBy::EveryMac,
        ),
    ];
    for (options, mac, readable) in cases {
        let mut arguments = vec!["-inkey", "leaf.key", "-in", "leaf.crt", "-name", "my key"];
        arguments.extend(options);
        let Some(bytes) = bench.export(&arguments, PASSWORD) else {
            continue;
        };
        let algorithms = Algorithms::read(&bytes).unwrap();
        assert_eq!(algorithms.mac.as_ref().unwrap().kind.to_string(), mac);
        assert_eq!(algorithms.readable_by(), readable, "{options:?}");
        let contents = open(&bytes);
        assert_eq!(contents.algorithms, algorithms);
        let identity = sole_identity(&contents);
        assert_eq!(identity.certificate_der, bench.der("leaf"), "{options:?}");
        assert_eq!(identity.friendly_name.as_deref(), Some("my key"));
        assert_eq!(identity.label(), "leaf");
        if options == ["-legacy"] {
            assert!(
                algorithms
                    .encryption
                    .iter()
                    .any(|part| part.scheme == Scheme::PbeSha1Rc2Of40)
            );
        }
        assert_eq!(
            read(&bytes, &password("wrong")).unwrap_err(),
            Pkcs12Error::WrongPassword {
                algorithms: algorithms.to_string()
            }
        );

        // Whatever it was, it becomes what every Mac reads, and openssl agrees with what is in it.
        let converted = contents
            .convert(&password(PASSWORD), Form::EveryMac)
            .unwrap();
        assert_eq!(
            Algorithms::read(&converted).unwrap().readable_by(),
            ReadableBy::EveryMac
        );
        assert_eq!(bench.count(&converted), (1, 1), "{options:?}");
        assert_eq!(
            sole_identity(&open(&converted)).key.expose(),
            identity.key.expose()
        );
    }
}

#[test]
fn the_leaf_is_found_in_a_file_with_its_chain_in_any_order() {
    let Some(bench) = Bench::new() else { return };
    bench.mint("root", P256);
    bench.issue("middle", "root", P256);
    bench.issue("leaf", "middle", P256);
    let chain: Vec<u8> = ["root", "middle", "leaf"]
        .iter()
        .flat_map(|name| std::fs::read(bench.file(&format!("{name}.crt"))).unwrap())
        .collect();
    std::fs::write(bench.file("all.crt"), chain).unwrap();
    let Some(bytes) = bench.export(&["-inkey", "leaf.key", "-in", "all.crt"], PASSWORD) else {
        return;
    };
    let contents = open(&bytes);
    let identity = sole_identity(&contents);
    assert_eq!(identity.certificate_der, bench.der("leaf"));
    assert_eq!(identity.chain, [bench.der("middle"), bench.der("root")]);
    assert!(contents.other_certificates.is_empty());
}

#[test]
fn a_file_without_keys_is_listed_and_said_to_have_no_identity() {
    let Some(bench) = Bench::new() else { return };
    bench.mint("leaf", P256);
    let Some(bytes) = bench.export(&["-nokeys", "-in", "leaf.crt"], PASSWORD) else {
        return;
    };
    let contents = open(&bytes);
    assert_eq!(contents.other_certificates, [bench.der("leaf")]);
    assert!(contents.identities.is_empty());
    assert_eq!(
        why_import_failed(&bytes, &password(PASSWORD), 15),
        Diagnosis::NoKey
    );
}

#[test]
fn three_identities_that_we_write_are_three_for_openssl() {
    let Some(bench) = Bench::new() else { return };
    let mut identities = Vec::new();
    for (name, key) in [("one", RSA), ("two", P256), ("three", P256)] {
        bench.mint(name, key);
        let files = [format!("{name}.key"), format!("{name}.crt")];
        let Some(bytes) = bench.export(&["-inkey", &files[0], "-in", &files[1]], PASSWORD) else {
            return;
        };
        identities.extend(open(&bytes).identities);
    }
    for form in [Form::EveryMac, Form::Modern] {
        let bytes = write(&identities, &[], &password(PASSWORD), form).unwrap();
        assert_eq!(bench.count(&bytes), (3, 3), "{form:?}");
        let contents = open(&bytes);
        assert_eq!(contents.identities.len(), 3);
        for identity in &identities {
            let found = contents.identity(identity.sha256()).unwrap();
            assert_eq!(found.key.expose(), identity.key.expose());
        }
    }
}

#[test]
fn a_key_with_usage_attributes_is_read() {
    let Some(bench) = Bench::new() else { return };
    bench.mint("leaf", RSA);
    let Some(bytes) = bench.export(
        &["-keysig", "-inkey", "leaf.key", "-in", "leaf.crt"],
        PASSWORD,
    ) else {
        return;
    };
    let contents = open(&bytes);
    sole_identity(&contents);
    let converted = contents.convert(&password(PASSWORD), Form::Modern).unwrap();
    assert_eq!(bench.count(&converted), (1, 1));
}

#[test]
fn a_file_without_a_mac_still_tells_a_wrong_password() {
    let Some(bench) = Bench::new() else { return };
    bench.mint("leaf", P256);
    let Some(bytes) = bench.export(
        &["-nomac", "-inkey", "leaf.key", "-in", "leaf.crt"],
        PASSWORD,
    ) else {
        return;
    };
    let contents = open(&bytes);
    sole_identity(&contents);
    assert_eq!(contents.algorithms.mac, None);
    assert!(matches!(
        contents.algorithms.readable_by(),
        ReadableBy::NoMac { .. }
    ));
    assert!(matches!(
        read(&bytes, &password("wrong")).unwrap_err(),
        Pkcs12Error::WrongPassword { .. }
    ));
}

#[test]
fn an_empty_password_opens_but_is_diagnosed() {
    let Some(bench) = Bench::new() else { return };
    bench.mint("leaf", P256);
    let arguments = [
        "-keypbe",
        "PBE-SHA1-3DES",
        "-certpbe",
        "PBE-SHA1-3DES",
        "-macalg",
        "sha1",
        "-inkey",
        "leaf.key",
        "-in",
        "leaf.crt",
    ];
    let Some(bytes) = bench.export(&arguments, "") else {
        return;
    };
    read(&bytes, &password("")).unwrap();
    assert_eq!(
        why_import_failed(&bytes, &password(""), 14),
        Diagnosis::EmptyPassword
    );
}

#[test]
fn a_key_too_small_to_sign_code_stands_alone() {
    let Some(bench) = Bench::new() else { return };
    bench.mint("leaf", &["rsa:1024"]);
    let Some(bytes) = bench.export(&["-inkey", "leaf.key", "-in", "leaf.crt"], PASSWORD) else {
        return;
    };
    let contents = open(&bytes);
    assert!(contents.identities.is_empty());
    assert_eq!(contents.lone_keys[0].why, LoneKeyReason::NotUsable);
    assert_eq!(contents.lone_keys[0].algorithm, "1.2.840.113549.1.1.1");
}

#[test]
fn iterations_that_would_stall_are_refused_before_they_run() {
    let Some(bench) = Bench::new() else { return };
    bench.mint("leaf", P256);
    let Some(bytes) = bench.export(
        &["-iter", "1000001", "-inkey", "leaf.key", "-in", "leaf.crt"],
        PASSWORD,
    ) else {
        return;
    };
    assert!(matches!(
        read(&bytes, &password(PASSWORD)).unwrap_err(),
        Pkcs12Error::TooMuchWork { .. }
    ));
}

#[test]
fn a_single_iteration_is_the_default_that_the_structure_leaves_out() {
    let Some(bench) = Bench::new() else { return };
    bench.mint("leaf", P256);
    let Some(bytes) = bench.export(
        &[
            "-noiter",
            "-nomaciter",
            "-inkey",
            "leaf.key",
            "-in",
            "leaf.crt",
        ],
        PASSWORD,
    ) else {
        return;
    };
    let contents = open(&bytes);
    let mac = contents.algorithms.mac.as_ref().unwrap();
    assert_eq!(mac.iterations, 1);
    assert_ne!(mac.kind, MacKind::Pbmac1);
}
