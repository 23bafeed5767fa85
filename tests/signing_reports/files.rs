//! Files that are something else than their names say.

use support::start;
use support::workshop::ran;

#[test]
fn a_profile_that_is_something_else_is_named_for_what_it_is() {
    let Some(reports) = support::data("reports") else {
        return;
    };
    let folder = reports.join("32-profile-files");
    for (file, says) in [
        ("cer.mobileprovision", "certificate"),
        ("cert.mobileprovision", "certificate"),
        ("empty.mobileprovision", "empty file"),
        ("lfs.mobileprovision", "Git LFS pointer"),
        ("login.mobileprovision", "HTML page"),
        ("match.mobileprovision", "match"),
        ("oneline.mobileprovision", "base64"),
        ("wrapped.mobileprovision", "base64"),
        ("pem.mobileprovision", "PEM"),
        ("zip.mobileprovision", "ZIP archive"),
        ("z.zip", "ZIP archive"),
        ("crlf.mobileprovision", "text"),
        ("utf8.mobileprovision", "text"),
    ] {
        let home = tempfile::tempdir().unwrap();
        // Whoever takes a profile says the same.
        for words in [
            &["profile", "show"][..],
            &["manifest", "freeze", "-o", "frozen.json"],
        ] {
            let mut command = start::countersign(home.path());
            command
                .args(words)
                .arg(folder.join(file))
                .current_dir(home.path());
            let ran = ran(&mut command);
            assert_ne!(ran.code, 0, "{file}");
            ran.says(&[says]);
        }
        assert!(!home.path().join("frozen.json").exists(), "{file}");
    }
}

#[test]
fn a_p12_that_is_something_else_is_named_for_what_it_is() {
    let Some(reports) = support::data("reports") else {
        return;
    };
    let folder = reports.join("30-p12");
    let list = |file: &str, password: &str| {
        let home = tempfile::tempdir().unwrap();
        let mut command = start::countersign(home.path());
        command
            .args(["identity", "list", "--identities", file])
            .args(["--password-file", password]);
        ran(command.current_dir(&folder))
    };
    for (file, password, says) in [
        ("ai-cli.p12", "pw-nl", "empty file"),
        ("both.pem", "pw-nl", "PEM text"),
        ("cert.cer", "pw-nl", "certificate"),
        ("oneline.b64.p12", "pw-nl", "base64"),
        ("wrapped.b64.p12", "pw-nl", "base64"),
        ("nokey.p12", "pw-nl", "key"),
        ("nocert.p12", "pw-nl", "certificate"),
        ("legacy.p12", "pw-wrong", "password"),
        ("legacy.p12", "pw-space", "password"),
        ("legacy.p12", "pw-empty", "password is empty"),
    ] {
        list(file, password).exits(11).says(&[says]);
    }
    for (file, password) in [
        ("legacy.p12", "pw-nl"),
        ("legacy.p12", "pw-crlf"),
        ("openssl3.p12", "pw-nl"),
        ("empty.p12", "pw-empty"),
        ("unencrypted.p12", "pw-empty"),
    ] {
        list(file, password).exits(0).says(&["Apple Distribution"]);
    }
}
