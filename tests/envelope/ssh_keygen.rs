//! This library and OpenSSH agree: what the one signs the other verifies, and lists of signers mean the same to both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign::context::ssh::allowed_signers::AllowedSigners;
use countersign::context::ssh::signature::Signature;
use forge::ssh::{NAMESPACE, SshKey, SshSignature};
use jiff::Timestamp;

use super::scene::{NOW, instant, signer};

/// `ssh-keygen`, if it is on this machine and can sign; says so if not.
pub(crate) fn ssh_keygen() -> Option<Command> {
    let path = Path::new("/usr/bin/ssh-keygen");
    if !path.exists() {
        eprintln!("skipped: there is no {}", path.display());
        return None;
    }
    Some(Command::new(path))
}

/// Makes a key without a passphrase; gives the path of its private half.
pub(crate) fn generate(directory: &Path, kind: &[&str]) -> Option<PathBuf> {
    let key = directory.join(kind.join("-"));
    let made = ssh_keygen()?
        .args(["-q", "-N", "", "-C", "ci", "-t"])
        .args(kind)
        .arg("-f")
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success());
    Some(key)
}

/// A line of a list of allowed signers for a key that was generated.
pub(crate) fn allowed(key: &Path, principals: &str, options: &str) -> String {
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    format!("{principals} {options} {public}")
}

/// What `ssh-keygen -Y sign` writes about `message`.
fn sign(key: &Path, namespace: &str, message: &[u8]) -> Vec<u8> {
    let file = key.with_extension("message");
    fs::write(&file, message).unwrap();
    let output = ssh_keygen()
        .unwrap()
        .args(["-Y", "sign", "-n", namespace, "-f"])
        .arg(key)
        .stdin(fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Whether `ssh-keygen -Y verify` is content.
fn verifies(
    directory: &Path,
    allowed: &str,
    signature: &[u8],
    message: &[u8],
    at: Timestamp,
) -> bool {
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let at = at.strftime("verify-time=%Y%m%d%H%M%SZ").to_string();
    ssh_keygen()
        .unwrap()
        .args(["-Y", "verify", "-I", "ci", "-n", NAMESPACE, "-O", &at, "-f"])
        .arg(file("allowed", allowed.as_bytes()))
        .arg("-s")
        .arg(file("signature", signature))
        .stdin(fs::File::open(file("message", message)).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

#[test]
fn what_openssh_signs_holds_here() {
    let directory = tempfile::tempdir().unwrap();
    for kind in [
        &["ed25519"][..],
        &["ecdsa", "-b", "256"],
        &["ecdsa", "-b", "384"],
        &["ecdsa", "-b", "521"],
        &["rsa", "-b", "2048"],
        &["rsa", "-b", "3072"],
    ] {
        let Some(key) = generate(directory.path(), kind) else {
            return;
        };
        let list = allowed(&key, "ci", "");
        let list = AllowedSigners::parse(list.as_bytes()).unwrap();
        // The numbers of an ECDSA signature begin with a zero every few hundred times.
        for number in 0..if kind[0] == "ecdsa" { 40 } else { 3 } {
            let message = format!("message {number}");
            let armor = sign(&key, NAMESPACE, message.as_bytes());
            let signature = Signature::from_canonical_armor(&armor).unwrap();
            assert_eq!(signature.armor().as_bytes(), armor);
            assert_eq!(signature.namespace(), NAMESPACE);
            assert!(signature.holds_over(message.as_bytes()), "{kind:?}");
            assert!(!signature.holds_over(b"another"), "{kind:?}");
            let found = list.check(signature.key(), NAMESPACE, Some("ci"), &[instant(NOW)]);
            assert_eq!(found.unwrap().line, 1);
        }
        let listed = ssh_keygen().unwrap().arg("-lf").arg(&key).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let signature = Signature::from_armor(&sign(&key, "git", b"x")).unwrap();
        assert!(listed.contains(&signature.key().fingerprint()), "{listed}");
    }
}

#[test]
fn a_weak_rsa_key_signs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let Some(key) = generate(directory.path(), &["rsa", "-b", "1024"]) else {
        return;
    };
    let signature = Signature::from_armor(&sign(&key, NAMESPACE, b"x")).unwrap();
    assert!(!signature.holds_over(b"x"));
}

#[test]
fn what_the_forge_signs_openssh_takes_or_refuses_as_this_library_does() {
    if ssh_keygen().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let message = b"a message";
    let keys = || {
        [
            SshKey::ed25519("signer-01"),
            SshKey::p256("signer-01"),
            SshKey::ed25519("signer-01").in_security_key(),
            SshKey::p256("signer-01").in_security_key(),
        ]
    };
    let mut checked = 0;
    for key in keys() {
        let makes: [(&str, SshSignature); 5] = [
            ("honest", SshSignature::default()),
            (
                "sha256",
                SshSignature {
                    hash: "sha256".into(),
                    ..SshSignature::default()
                },
            ),
            ("git", SshSignature::in_namespace("git")),
            (
                "version",
                SshSignature {
                    version: 2,
                    ..SshSignature::default()
                },
            ),
            (
                "stranger",
                SshSignature {
                    key: Some(SshKey::ed25519("another").public()),
                    ..SshSignature::default()
                },
            ),
        ];
        for (name, make) in makes {
            let armored = make.armored(&key, message);
            let list = key.allowed("ci", "");
            let theirs = verifies(
                directory.path(),
                &list,
                armored.as_bytes(),
                message,
                instant(NOW),
            );
            let ours = Signature::from_armor(armored.as_bytes()).is_ok_and(|signature| {
                let list = AllowedSigners::parse(list.as_bytes()).unwrap();
                let now = [instant(NOW)];
                signature.namespace() == NAMESPACE
                    && signature.holds_over(message)
                    && list
                        .check(signature.key(), NAMESPACE, Some("ci"), &now)
                        .is_ok()
            });
            assert_eq!(ours, theirs, "{name} by {}", key.word());
            assert_eq!(ours, ["honest", "sha256"].contains(&name), "{name}");
            checked += 1;
        }
    }
    assert_eq!(checked, 20);
}

#[test]
fn a_list_of_signers_means_the_same_to_both() {
    if ssh_keygen().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let message = b"a message";
    let armored = SshSignature::default().armored(&signer(), message);
    let key = signer().allowed("", "");
    let key = key.trim();
    let mut allowed = 0;
    for line in [
        format!("ci {key}"),
        format!("*i {key}"),
        format!("CI {key}"),
        format!("other,ci {key}"),
        format!("*,!ci {key}"),
        format!("\"ci\" {key}"),
        format!("  ci\t{key}"),
        format!("# ci {key}"),
        format!("ci namespaces=\"*\" {key}"),
        format!("ci namespaces=\"git,countersign-envelope\" {key}"),
        format!("ci namespaces=\"git\" {key}"),
        format!("ci namespaces=\"*,!countersign-envelope\" {key}"),
        format!("ci namespaces=\"countersign-?nvelope\" {key}"),
        format!("ci NAMESPACES=\"*\" {key}"),
        format!("ci namespaces=* {key}"),
        format!("ci namespaces=\"*\",namespaces=\"*\" {key}"),
        format!("ci namespaces=\"*\", {key}"),
        format!("ci cert-authority {key}"),
        format!("ci cert-authority,namespaces=\"*\" {key}"),
        format!("ci touch-required {key}"),
        format!("ci valid-after=\"20260706144500Z\" {key}"),
        format!("ci valid-after=\"20260706144501Z\" {key}"),
        format!("ci valid-after=\"202607061446Z\" {key}"),
        format!("ci valid-before=\"20260706144500Z\" {key}"),
        format!("ci valid-before=\"20260706144459Z\" {key}"),
        format!("ci valid-before=\"20260706Z\" {key}"),
        format!("ci valid-before=\"20260707Z\",valid-after=\"20260706Z\" {key}"),
        format!("ci valid-before=\"20260706Z\",valid-after=\"20260707Z\" {key}"),
        format!("ci valid-before=\"soon\" {key}"),
        format!("ci valid-before=20270101Z {key}"),
        key.to_owned(),
        "ci".to_owned(),
        format!("ci ssh-ed25519 {}", key.split(' ').nth(1).unwrap()),
    ] {
        let theirs = verifies(
            directory.path(),
            &(line.clone() + "\n"),
            armored.as_bytes(),
            message,
            instant(NOW),
        );
        let signature = Signature::from_armor(armored.as_bytes()).unwrap();
        let ours = AllowedSigners::parse(line.as_bytes()).is_ok_and(|list| {
            let now = [instant(NOW)];
            list.check(signature.key(), NAMESPACE, Some("ci"), &now)
                .is_ok()
        });
        assert_eq!(ours, theirs, "{line}");
        allowed += u32::from(ours);
    }
    assert!((10..25).contains(&allowed), "{allowed}");
}
