//! Inputs that change between the verdict and the end of the command.

use std::fs;
use std::process::{Command, Stdio};

use forge::profile::{Kind, ProfileSpec};
use serde_json::{Value as Json, json};
use support::workshop::{Ran, ran};
use support::{rocket, start};

use crate::signer::Signer;

/// A profile that the bundled manifest pins.
const PINNED: &str = "profiles/fb9bc804-ec8d-49a3-88b8-d88b55a879e5.mobileprovision";

impl Signer {
    /// Runs a script of a shell while the keychain is open.
    fn run(&self, script: &str) -> Ran {
        ran(self.run_with(&[]).args(["sh", "-ec", script]))
    }

    /// The verdict's inputs changed while the last run's command ran, and these are the files: in receipt and record. The
    /// keychain was closed before anybody looked.
    #[track_caller]
    fn changed(&self, files: &[&str]) {
        let inputs = self.receipt()["inputs"].clone();
        assert_eq!(inputs["state"], "changed");
        let changes = inputs["changes"].as_array().unwrap();
        let named: Vec<&str> = changes
            .iter()
            .map(|change| change["place"]["file"].as_str().unwrap())
            .collect();
        assert_eq!(named.len(), files.len(), "{named:?}");
        for (named, file) in named.iter().zip(files) {
            assert!(named.ends_with(file), "{named} is not {file}");
        }
        for change in changes {
            assert_eq!(change["code"], "inputs-changed");
            assert_ne!(change["expected"], change["found"]);
        }
        let record = self.records("inputs-check").pop().unwrap();
        assert_eq!(record["outcome"], "failed");
        assert_eq!(record["details"]["inputs"], "changed");
        assert_eq!(record["details"]["files"], named.join(","));
        self.closed_before(&record);
    }

    #[track_caller]
    fn unchanged(&self) {
        let inputs = self.receipt()["inputs"].clone();
        assert_eq!(inputs, json!({"state": "unchanged", "changes": []}));
        let record = self.records("inputs-check").pop().unwrap();
        assert_eq!(record["outcome"], "done");
        assert_eq!(record["details"], json!({"inputs": "unchanged"}));
        self.closed_before(&record);
    }

    #[track_caller]
    fn closed_before(&self, record: &Json) {
        let closed = self.records("keychain-lock").pop().unwrap();
        assert_eq!(closed["run"], record["run"]);
        assert!(closed["seq"].as_u64() < record["seq"].as_u64());
    }
}

#[test]
fn what_nobody_touched_is_unchanged_in_receipt_and_record() {
    let signer = Signer::new();
    signer.run("true").exits(0);
    signer.unchanged();
    // The same bytes once more, and a project's files that nobody judges.
    let script = "cp -p manifests/signing.toml copy && mv copy manifests/signing.toml
        mkdir Acme.xcodeproj/xcuserdata && touch Acme.xcodeproj/xcuserdata/state";
    signer.run(script).exits(0);
    signer.unchanged();
}

#[test]
fn every_file_that_was_judged_is_looked_at_again() {
    for (script, file) in [
        ("echo '# any host' >>", "manifests/signing.toml"),
        ("echo >>", "manifests/profiles.json"),
        ("echo >>", "anchors.pem"),
        ("echo >>", PINNED),
        ("echo '// a team' >>", "Acme.xcodeproj/project.pbxproj"),
        ("echo >>", "Share/Share.entitlements"),
        ("echo >>", "find-identity.txt"),
        ("rm", "manifests/signing.toml"),
        ("rm", "Share/Share.entitlements"),
        ("rm", PINNED),
    ] {
        let signer = Signer::new();
        let script = format!("{script} {file}");
        let mut run = signer.run_with(&["--identities", "find-identity.txt"]);
        ran(run.args(["sh", "-ec", &script])).exits(10).says(&[
            "inputs-changed",
            file,
            "do not release",
        ]);
        signer.changed(&[file]);
        let receipt = signer.receipt();
        assert_eq!(receipt["exit"], 10);
        assert_eq!(receipt["ending"], json!({"exited": {"code": 0}}));
        assert_eq!(receipt["verdict"], "cleared", "it was, when it began");
    }
}

#[test]
fn every_change_is_named() {
    let signer = Signer::new();
    let script = format!("echo >> manifests/profiles.json; echo >> anchors.pem; rm {PINNED}");
    signer.run(&script).exits(10);
    signer.changed(&["anchors.pem", "manifests/profiles.json", PINNED]);
}

#[test]
fn a_command_that_fails_keeps_its_own_code() {
    let signer = Signer::new();
    signer
        .run("echo >> manifests/profiles.json; exit 7")
        .exits(7)
        .says(&["inputs-changed"]);
    signer.changed(&["manifests/profiles.json"]);
    assert_eq!(signer.receipt()["exit"], 7);
}

#[test]
fn every_format_says_it_beside_what_the_command_prints() {
    for (format, said) in [
        ("human", "block inputs-changed"),
        ("json", "\"code\":\"inputs-changed\""),
        ("github", "::error title=inputs-changed"),
    ] {
        let signer = Signer::new();
        let mut run = signer.run_with(&["--format", format]);
        let script = "echo out; echo >> manifests/profiles.json";
        let ran = ran(run.args(["sh", "-ec", script])).exits(10);
        assert_eq!(ran.out, "out\n", "standard output is the command's");
        assert!(ran.err.contains(said), "{format}: {}", ran.err);
    }
}

/// What a job leaves in the place of a file is neither waited for nor read to its end.
#[test]
fn a_pipe_a_directory_or_a_terabyte_in_the_place_of_an_input_is_a_change() {
    for script in [
        "rm F; mkfifo F",
        "rm F; mkdir F",
        "rm F; truncate -s 1T F",
        "rm F; ln -s /dev/zero F",
        "rm F; ln -s F F",
    ] {
        let signer = Signer::new();
        for file in [
            "manifests/profiles.json",
            PINNED,
            "Share/Share.entitlements",
        ] {
            let before = fs::read(signer.path(file)).unwrap();
            let script = script.replace('F', file);
            signer.run(&script).exits(10);
            signer.changed(&[file]);
            let path = signer.path(file);
            if path.is_dir() {
                fs::remove_dir(&path).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
            }
            fs::write(path, before).unwrap();
        }
        signer.run("true").exits(0);
        signer.unchanged();
    }
}

#[test]
fn a_profile_that_a_job_puts_beside_a_pinned_one_is_found() {
    let signer = Signer::new();
    // The app asks for its profile by name.
    let mut shadow = rocket().named("iOS App Store - App");
    shadow.uuid = "11111111-2222-4333-8444-555555555555".to_owned();
    let other = ProfileSpec::ios(Kind::AppStore, "com.acme.another").named("Another");
    fs::write(signer.path("shadow"), shadow.mint()).unwrap();
    fs::write(signer.path("other"), other.mint()).unwrap();
    // One that nothing of this manifest could be signed with is nobody's business: another job may have installed it.
    signer
        .run("cp other profiles/another.mobileprovision")
        .exits(0);
    signer.unchanged();
    signer
        .run("cp shadow profiles/shadow.mobileprovision")
        .exits(10)
        .says(&["inputs-changed", "profiles/shadow.mobileprovision"]);
    signer.changed(&["profiles/shadow.mobileprovision"]);
}

#[test]
fn the_directory_of_profiles_may_not_vanish() {
    let signer = Signer::new();
    signer.run("mv profiles gone").exits(10);
    signer.changed(&["profiles"]);
}

/// The run's working directory is still the old checkout then, whatever its name.
#[test]
fn another_checkout_in_the_place_of_the_judged_one_is_found() {
    for file in [
        "manifests/signing.toml",
        "Acme.xcodeproj/project.pbxproj",
        PINNED,
    ] {
        let signer = Signer::new();
        let checkout = signer.path("checkout");
        fs::create_dir(&checkout).unwrap();
        for name in ["manifests", "profiles", "Acme.xcodeproj"] {
            fs::rename(signer.path(name), checkout.join(name)).unwrap();
        }
        for name in ["Rocket", "Share", "Watch", "Widgets", "anchors.pem"] {
            fs::rename(signer.path(name), checkout.join(name)).unwrap();
        }
        let run = |script: &str| {
            let mut run = start::countersign(&signer.path("home"));
            run.arg("--state-dir")
                .arg(signer.path("state"))
                .args(["run", "--project", "Acme.xcodeproj", "--keychain"])
                .arg(signer.path("ci.p12"))
                .args(["--", "sh", "-ec", script])
                .current_dir(&checkout)
                .env("PATH", start::PATH);
            ran(&mut run)
        };
        run("true").exits(0);
        signer.unchanged();
        let script =
            format!("cd ..; mv checkout aside; cp -R aside checkout; echo >> checkout/{file}");
        run(&script).exits(10).says(&["inputs-changed"]);
        signer.changed(&[file]);
    }
}

/// The project's base configuration includes a file that need not be there.
fn with_optional_include(signer: &Signer) {
    forge::fixtures::project()
        .based_on("Base.xcconfig")
        .file("Base.xcconfig", "#include? \"Local.xcconfig\"\n")
        .write(&signer.path(""));
}

#[test]
fn a_configuration_file_that_appears_is_a_change() {
    let signer = Signer::new();
    with_optional_include(&signer);
    signer.run("true").exits(0);
    signer.unchanged();
    signer
        .run("echo 'CODE_SIGN_STYLE = Automatic' > Local.xcconfig")
        .exits(10)
        .says(&["there is no such file", "Local.xcconfig"]);
    signer.changed(&["Local.xcconfig"]);
}

/// Many builds write their number into the Info.plist. The gate asks it for nothing but the bundle id.
#[test]
fn of_an_info_plist_the_bundle_id_counts_and_the_build_number_does_not() {
    let signer = Signer::new();
    forge::fixtures::project()
        .change("Rocket", |target| {
            target
                .without("PRODUCT_BUNDLE_IDENTIFIER")
                .without("GENERATE_INFOPLIST_FILE")
                .with("INFOPLIST_FILE", "Rocket/Info.plist")
        })
        .write(&signer.path(""));
    let plist = "<plist><dict><key>CFBundleIdentifier</key><string>com.acme.rocket</string>\
         <key>CFBundleVersion</key><string>1</string></dict></plist>";
    signer.write("Rocket/Info.plist", plist);
    signer
        .run("sed -i.bak 's|>1<|>2<|' Rocket/Info.plist && ! cmp -s Rocket/Info.plist Rocket/Info.plist.bak")
        .exits(0);
    signer.unchanged();
    signer
        .run("sed -i.bak 's|acme.rocket|acme.other|' Rocket/Info.plist")
        .exits(10)
        .says(&[
            "the bundle id com.acme.rocket",
            "the bundle id com.acme.other",
        ]);
    signer.changed(&["Rocket/Info.plist"]);
}

#[test]
fn a_keychain_that_is_held_open_for_others_is_no_exception() {
    let signer = Signer::new();
    let unlock = ["keychain", "unlock", "--project", "Acme.xcodeproj"];
    let mut held = signer
        .command(&unlock)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while signer.records_if_any("keychain-unlock").is_empty() {
        assert_eq!(held.try_wait().unwrap(), None, "it ended before it opened");
        std::thread::yield_now();
    }
    signer.write("manifests/profiles.json", "{}");
    let id = held.id().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status();
    assert!(told.unwrap().success());
    assert_eq!(held.wait().unwrap().code(), Some(143));
    signer.changed(&["manifests/profiles.json"]);
}

#[test]
fn what_was_never_opened_is_not_looked_at_again() {
    let signer = Signer::new();
    let mut run = signer.run_with(&["--minimum-revision", "9"]);
    ran(run.arg("true")).exits(10);
    assert!(signer.receipt().get("inputs").is_none());
    assert!(signer.records("inputs-check").is_empty());
}
