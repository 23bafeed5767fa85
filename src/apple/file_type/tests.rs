use std::path::{Path, PathBuf};

use super::{FileType, Wanted};
use crate::apple::anchors::Anchors;
use crate::apple::pkcs12::algorithms::Algorithms;
use crate::apple::pkcs12::{self, Pkcs12Error};
use crate::apple::profile;
use crate::apple::signed_message::Verifier;
use crate::base::error::Explain as _;
use crate::base::secret::Password;

fn base64(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(bytes)
}

/// The beginning of a signed message, of a p12 and of a certificate, as far as they can be told apart.
const MESSAGE: &[u8] =
    b"\x30\x82\x17\x11\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x82\x17\x02";
const P12: &[u8] =
    b"\x30\x82\x0d\xf0\x02\x01\x03\x30\x82\x0d\xb6\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0";
const CERTIFICATE: &[u8] = b"\x30\x82\x03\xd0\x30\x82\x02\xb8\xa0\x03\x02\x01\x02\x02\x14";

#[test]
fn files_are_told_for_what_they_are() {
    let wrapped = base64(&[P12, &[7; 90]].concat())
        .as_bytes()
        .chunks(64)
        .map(|line| format!("{}\r\n", String::from_utf8_lossy(line)))
        .collect::<String>();
    let key = b"-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n";
    for (bytes, name) in [
        (&b""[..], "an empty file"),
        (b" \r\n\t", "an empty file"),
        (b"\xef\xbb\xbf", "an empty file"),
        (&[0; 5000], "a file of zeros"),
        (
            MESSAGE,
            "a signed message (CMS), which provisioning profiles are",
        ),
        (P12, "a PKCS#12 (.p12) file"),
        (CERTIFICATE, "a certificate (.cer)"),
        (
            b"\x30\x82\x04\xbd\x02\x01\x00\x30\x0d\x06\x09",
            "a private key without a certificate",
        ),
        (
            b"\x30\x82\x02\x5c\x02\x01\x00\x02\x81\x81",
            "a private key without a certificate",
        ),
        (
            b"\x30\x77\x02\x01\x01\x04\x20",
            "a private key without a certificate",
        ),
        (
            b"\x30\x82\x05\x0e\x30\x40\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d\x30",
            "a private key without a certificate",
        ),
        (
            b"\x30\x82\x02\x50\x30\x82\x01\x38\x02\x01\x00\x30\x0b",
            "a certificate signing request",
        ),
        (b"\x30\x03\x01\x01\xff", "some other DER"),
        (wrapped.as_bytes(), "base64 text of a PKCS#12 (.p12) file"),
        (
            base64(MESSAGE).as_bytes(),
            "base64 text of a signed message (CMS), which provisioning profiles are",
        ),
        (
            base64(base64(P12).as_bytes()).as_bytes(),
            "base64 text of base64 text of a PKCS#12 (.p12) file",
        ),
        (
            format!("\u{feff}{}\n", base64(P12)).as_bytes(),
            "base64 text of a PKCS#12 (.p12) file",
        ),
        (
            format!("data:application/x-pkcs12;base64,{}", base64(P12)).as_bytes(),
            "base64 text of a PKCS#12 (.p12) file",
        ),
        (&base64(&[0x9c; 300]).into_bytes(), "base64 text"),
        (
            b"-----BEGIN CERTIFICATE-----\nMII\n",
            "PEM text (CERTIFICATE)",
        ),
        (
            b"Bag Attributes\n    friendlyName: x\n-----BEGIN PKCS7-----\n",
            "PEM text (PKCS7)",
        ),
        (key, "PEM text (PRIVATE KEY)"),
        (
            b"-----BEGIN PGP MESSAGE-----\n",
            "a file encrypted by GnuPG",
        ),
        (b"<!doctype html><html><body>Sign in", "an HTML page"),
        (b"\n<HTML>\n", "an HTML page"),
        (b"<?xml version=\"1.0\"?><html xmlns=\"x\">", "an HTML page"),
        (b"<!-- page --><html>", "an HTML page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
            "a Git LFS pointer",
        ),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"\x1f\x8b\x08\0", "data compressed by gzip"),
        (
            b"Salted__12345678abc",
            "a file encrypted by `openssl enc`, as fastlane match does it",
        ),
        (
            base64(b"Salted__12345678abcdefgh").as_bytes(),
            "a file encrypted by fastlane match",
        ),
        (
            base64(b"match_encrypted_v2__12345678").as_bytes(),
            "a file encrypted by fastlane match",
        ),
        (b"\0GITCRYPT\0abc", "a file encrypted by git-crypt"),
        (b"age-encryption.org/v1\n", "a file encrypted by age"),
        (
            b"$ANSIBLE_VAULT;1.1;AES256\n6131",
            "a file encrypted by ansible-vault",
        ),
        (
            b"<?xml version=\"1.0\"?>\n<!DOCTYPE plist PUBLIC \"x\">\n<plist>",
            "an XML property list without a signature",
        ),
        (
            b"\xef\xbb\xbf<plist version=\"1.0\">",
            "an XML property list without a signature",
        ),
        (
            b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>",
            "XML",
        ),
        (b"bplist00", "a binary property list without a signature"),
        (
            b"junk <plist version=\"1.0\">",
            "a property list without a readable signature: it was copied as text or cut out",
        ),
        (b"{\"message\": \"Not Found\"}", "JSON text"),
        (b"\xff\xfeM\0I\0", "text in UTF-16"),
        (b"M\0I\0I\0N\0", "text in UTF-16"),
        (b"MIIxyz***", "a secret that a log masked (`***`)"),
        (b"***\n", "a secret that a log masked (`***`)"),
        (
            b"$P12_BASE64",
            "the name of a variable that nothing replaced",
        ),
        (
            b"${{ secrets.P12 }}",
            "the name of a variable that nothing replaced",
        ),
        (b"kych\0\x01\0\0", "a keychain"),
        (b"\xfe\xed\xfe\xed\0\0", "a Java keystore"),
        (b"xar!\0\x1c", "an installer package (.pkg)"),
        (b"\xcf\xfa\xed\xfe\x07", "a program"),
        (b"hello world", "some other text"),
        (b"     0 valid identities found\n", "some other text"),
        (b"M\xfcller\n", "some other text"),
        (
            b"0123456789012345678901234567890123456789",
            "some other text",
        ),
        (b"\x01\x02\x03\x80", "something else"),
    ] {
        assert_eq!(
            FileType::of(bytes).to_string(),
            name,
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_remedy_is_the_command_that_makes_what_was_wanted() {
    for (bytes, wanted, does) in [
        (
            base64(P12).into_bytes(),
            Wanted::Pkcs12,
            "base64 --decode < FILE > identity.p12",
        ),
        (
            base64(MESSAGE).into_bytes(),
            Wanted::Profile,
            "base64 --decode < FILE > app.mobileprovision",
        ),
        (
            base64(base64(P12).as_bytes()).into_bytes(),
            Wanted::Pkcs12,
            "base64 --decode < FILE | base64 --decode > identity.p12",
        ),
        // Decoding it would not help.
        (base64(P12).into_bytes(), Wanted::Profile, "name a profile"),
        (
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            Wanted::Profile,
            "git lfs pull",
        ),
        (b"<html>".to_vec(), Wanted::Profile, "while signed in"),
        (b"PK\x03\x04".to_vec(), Wanted::Pkcs12, "unzip FILE"),
        (b"\x1f\x8b\x08".to_vec(), Wanted::Profile, "gzip -dc FILE"),
        (b"Salted__1".to_vec(), Wanted::Profile, "openssl enc -d"),
        (
            b"match_encrypted_v2__1".to_vec(),
            Wanted::Profile,
            "fastlane match --readonly",
        ),
        (
            b"-----BEGIN PKCS7-----\n".to_vec(),
            Wanted::Profile,
            "openssl pkcs7 -in FILE -outform DER",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\n".to_vec(),
            Wanted::Profile,
            "are not profiles",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n".to_vec(),
            Wanted::Pkcs12,
            "openssl pkcs12 -export -in FILE -out identity.p12",
        ),
        (CERTIFICATE.to_vec(), Wanted::Pkcs12, "-inkey KEY.pem"),
        (MESSAGE.to_vec(), Wanted::Pkcs12, "name a .p12 here"),
        (
            P12.to_vec(),
            Wanted::Profile,
            ".p12 where identities are asked for",
        ),
        (b"<plist>".to_vec(), Wanted::Profile, "security cms -D"),
        (
            Vec::new(),
            Wanted::Pkcs12,
            "a secret that is not set is empty",
        ),
        (
            b"\xfe\xed\xfe\xed".to_vec(),
            Wanted::Pkcs12,
            "keytool -importkeystore",
        ),
    ] {
        let found = FileType::of(&bytes);
        let remedy = found.remedy(wanted);
        assert!(remedy.contains(does), "{found} as {wanted:?}: {remedy}");
        assert!(!found.may_be(wanted), "{found}");
    }
}

#[test]
fn a_binary_file_that_went_through_text_is_told_so_and_others_are_not() {
    let binary = [
        MESSAGE,
        b"<?xml?>\n<plist>\n<dict>\n</dict>\n</plist>\n\x80\xfe",
    ]
    .concat();
    assert_eq!(FileType::copied_as_text(&binary), None);
    let crlf = binary.iter().flat_map(|byte| match byte {
        b'\n' => vec![b'\r', b'\n'],
        byte => vec![*byte],
    });
    let latin1: String = binary.iter().map(|byte| char::from(*byte)).collect();
    let replaced = String::from_utf8_lossy(&binary).into_owned();
    for (bytes, how) in [
        (crlf.collect::<Vec<u8>>(), "CRLF"),
        (latin1.into_bytes(), "became UTF-8"),
        (replaced.into_bytes(), "were replaced"),
    ] {
        let found = FileType::copied_as_text(&bytes).unwrap().to_string();
        assert!(found.contains(how), "{found}");
        let unproven = profile::prove(&bytes, &Verifier::new(Anchors::apple())).unwrap_err();
        let said = &unproven.findings[0];
        assert!(said.message.contains(how), "{}", said.message);
        assert!(
            said.hint.as_ref().unwrap().contains("in binary form"),
            "{said:?}"
        );
    }
}

#[test]
fn no_beginning_of_a_file_is_too_odd_to_be_told() {
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            for length in [1, 2, 5, 40] {
                let mut bytes = vec![0x41; length];
                bytes[0] = first;
                if let Some(byte) = bytes.get_mut(1) {
                    *byte = second;
                }
                let _ = FileType::of(&bytes).remedy(Wanted::Profile);
            }
        }
    }
}

/// A folder of the collection beside the checkout, where it is there.
fn collected(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/reports");
    path.is_dir().then(|| path.join(folder))
}

#[test]
fn files_of_public_reports_are_told_for_what_they_are() {
    let Some(folder) = collected("32-profile-files") else {
        return;
    };
    let verifier = Verifier::new(Anchors::apple());
    for (name, is, does) in [
        ("match", "fastlane match", "fastlane match"),
        ("plain", "without a signature", "security cms -D"),
        (
            "wrapped",
            "base64 text of a signed message",
            "base64 --decode",
        ),
        (
            "oneline",
            "base64 text of a signed message",
            "base64 --decode",
        ),
        ("crlf", "copied as text", "in binary form"),
        ("utf8", "copied as text", "in binary form"),
        ("lfs", "Git LFS pointer", "git lfs pull"),
        ("cer", "a certificate", "download the profile"),
        ("cert", "PEM text (CERTIFICATE)", "are not profiles"),
        ("pem", "PEM text (PKCS7)", "openssl pkcs7"),
        ("zip", "a ZIP archive", "unzip"),
        ("masked", "masked", "where it is stored"),
        ("empty", "an empty file", "secret"),
        ("login", "an HTML page", "signed in"),
    ] {
        let bytes = std::fs::read(folder.join(format!("{name}.mobileprovision"))).unwrap();
        let unproven = profile::prove(&bytes, &verifier).unwrap_err();
        let said = &unproven.findings[0];
        assert!(said.message.contains(is), "{name}: {}", said.message);
        assert!(
            said.hint.as_ref().unwrap().contains(does),
            "{name}: {said:?}"
        );
    }
}

#[test]
fn p12s_of_public_reports_are_told_for_what_they_are() {
    let Some(folder) = collected("30-p12") else {
        return;
    };
    let read = |name: &str, password: &str| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        pkcs12::read(&bytes, &Password::new(password.to_owned()))
    };
    for (name, is, does) in [
        ("ai-cli.p12", "an empty file", "secret"),
        ("both.pem", "PEM text", "openssl pkcs12 -export -in FILE"),
        ("cert.cer", "a certificate", "openssl pkcs12 -export"),
        (
            "oneline.b64.p12",
            "base64 text of a PKCS#12",
            "base64 --decode",
        ),
        (
            "wrapped.b64.p12",
            "base64 text of a PKCS#12",
            "base64 --decode",
        ),
    ] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let error = Algorithms::read(&bytes).unwrap_err();
        assert!(error.to_string().contains(is), "{name}: {error}");
        assert!(
            error.hint().unwrap().contains(does),
            "{name}: {:?}",
            error.hint()
        );
    }
    for name in ["legacy.p12", "openssl3.p12"] {
        assert_eq!(read(name, "pw").unwrap().identities.len(), 1, "{name}");
    }
    assert_eq!(read("empty.p12", "").unwrap().identities.len(), 1);
    let error = read("openssl3.p12", "").unwrap_err();
    assert!(
        matches!(error, Pkcs12Error::EmptyDoesNotOpen { .. }),
        "{error}"
    );
    let lone = |name: &str| {
        let held = read(name, "pw").or_else(|_| read(name, "")).unwrap();
        assert!(held.identities.is_empty());
        held.no_identity().to_string()
    };
    assert!(lone("nocert.p12").contains("1 private key and no certificate"));
    assert!(lone("nokey.p12").contains("1 certificate and no private key"));
}

#[test]
fn what_scripts_and_services_leave_is_told() {
    let p12 = base64(&[P12, &[7; 4000]].concat());
    let hex: String = [P12, &[7; 90]]
        .concat()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tar = [&[b'a'; 257][..], b"ustar\0", &[0; 300]].concat();
    let ipa = [
        b"PK\x03\x04".as_slice(),
        &[0; 26],
        b"Payload/App.app/Info.plist",
    ]
    .concat();
    let service_key = "-----BEGIN PRIVATE KEY-----\nMIGTAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBHkwdwIB\n-----END PRIVATE KEY-----\n";
    let reply = format!("{{\"data\":{{\"attributes\":{{\"profileContent\":\"{p12}\"}}}}}}");
    for (bytes, name, remedy) in [
        // However long it is, the quotes of a shell or of JSON are around it.
        (
            format!("\"{p12}\"").as_bytes(),
            "base64 text of a PKCS#12 (.p12) file",
            "base64 --decode",
        ),
        (
            p12.replace("AcH", "\\nAcH").as_bytes(),
            "base64 text of a PKCS#12 (.p12) file",
            "base64 --decode",
        ),
        (
            format!("P12_BASE64={p12}\n").as_bytes(),
            "an assignment (NAME=…) of base64 text of a PKCS#12 (.p12) file",
            "cut -d= -f2-",
        ),
        (
            hex.as_bytes(),
            "hexadecimal text of a PKCS#12 (.p12) file",
            "xxd -r -p FILE > identity.p12",
        ),
        (
            format!("-----BEGIN CERTIFICATE-----\n{p12}\n-----END CERTIFICATE-----\n").as_bytes(),
            "lines of PEM around a PKCS#12 (.p12) file",
            "certutil -decode",
        ),
        (
            base64(&ipa).as_bytes(),
            "base64 text of an application archive (.ipa)",
            "base64 --decode < FILE > DECODED`, then",
        ),
        (
            service_key.as_bytes(),
            "a key for Apple's services (.p8)",
            "no code",
        ),
        (
            b"-----BEGIN CERTIFICATE REQUEST-----\n",
            "PEM text (CERTIFICATE REQUEST)",
            "download the certificate",
        ),
        (
            b"-----BEGIN PKCS7-----\n",
            "PEM text (PKCS7)",
            "no private key",
        ),
        (reply.as_bytes(), "JSON text of App Store Connect's API", ""),
        (
            b"{\"errors\": []}",
            "JSON text",
            "an error that a service answered",
        ),
        (
            b"404: Not Found",
            "the text of a server's error",
            "download the file again",
        ),
        (&tar, "a tar archive", "tar -xf FILE"),
        (b"BZh91AY&SY", "data compressed by bzip2", "bzip2 -dc FILE"),
        (b"\xfd7zXZ\0\0", "data compressed by xz", "xz -dc FILE"),
        (b"7z\xbc\xaf\x27\x1c\0", "an archive of 7-Zip", "unpack it"),
        (
            b"\x85\x01\x0c\x03\x9a",
            "a file encrypted by GnuPG",
            "GnuPG",
        ),
        (
            b"\x8c\x0d\x04\x09\x03\x02",
            "a file encrypted by GnuPG",
            "GnuPG",
        ),
        (
            b"{\"data\":\"ENC[AES256_GCM,data:x]\"}",
            "a file encrypted by sops",
            "sops -d",
        ),
        (
            b"data=ENC[AES256_GCM,data:x]",
            "a file encrypted by sops",
            "sops -d",
        ),
        (
            b"\0\x05\x16\x07\0\x02\0\0Mac OS X",
            "an AppleDouble file (`._…`), which holds no content",
            "`._`",
        ),
        (
            &[b"\xef\xbb\xbf", P12].concat(),
            "a binary file that was copied as text (a byte order mark was put before it)",
            "binary form",
        ),
        (
            b"undefined\n",
            "the word that a script writes where there is no value",
            "the name of its secret",
        ),
        (
            b"[object Object]",
            "the word that a script writes where there is no value",
            "",
        ),
        (
            b"\"\"",
            "the word that a script writes where there is no value",
            "",
        ),
        (b"../shared/App.P12", "the path of a file", "symbolic link"),
        (
            b"\"$P12\"",
            "the name of a variable that nothing replaced",
            "",
        ),
        (
            b"{{ p12 }}",
            "the name of a variable that nothing replaced",
            "",
        ),
        (
            b"<< parameters.p12 >>",
            "the name of a variable that nothing replaced",
            "",
        ),
        (b"[MASKED]", "a secret that a log masked (`***`)", ""),
        // What looks like one of these, and is something else.
        (b"no value is undefined here", "some other text", ""),
        (b"see App.p12 in the vault", "some other text", ""),
        (b"404 lines of notes", "some other text", ""),
        (b"name=value", "some other text", ""),
        (b"deadbeef", "some other text", ""),
    ] {
        let found = FileType::of(bytes);
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(found.to_string(), name, "{shown:.60}");
        let told = found.remedy(Wanted::Pkcs12);
        assert!(told.contains(remedy), "{shown:.60}: {told}");
    }
}
