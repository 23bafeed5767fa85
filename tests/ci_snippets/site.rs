//! A place where the steps of a pipeline run: a shallow clone of one branch, as CI services make it, and stand-ins for what
//! is not here: cargo's network, Xcode, Homebrew and the storage of a p12.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::workshop::{Ran, ran};
use support::{copy_folder, program, root, start};

use crate::snippet::Step;

/// The project of the repository.
const PROJECT: &str = "fixtures/acme/Acme.xcodeproj";

/// A secret of the service, to be looked for where it must not be.
pub(crate) const SECRET: &str = "https://storage.example/signing.p12?signature=2fd4e1c6";

pub(crate) struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    /// A protected branch with Acme's product, its pins and its policy; and a shallow clone of another branch.
    pub(crate) fn new() -> Self {
        let site = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let origin = site.path("origin");
        copy_folder(&root().join("fixtures/acme"), &origin.join("fixtures/acme"));
        fs::create_dir(origin.join("manifests")).unwrap();
        let policy = root().join("manifests/rehearsal.toml");
        fs::copy(policy, origin.join("manifests/signing.toml")).unwrap();
        let schemes = origin.join(PROJECT).join("xcshareddata/xcschemes");
        fs::create_dir_all(&schemes).unwrap();
        fs::write(schemes.join("Acme.xcscheme"), scheme(&origin)).unwrap();
        fs::create_dir(site.path("home")).unwrap();
        let mut freeze = start::countersign(&site.path("home"));
        freeze
            .current_dir(&origin)
            .args(["manifest", "freeze", "fixtures/acme/profiles"])
            .args(["--project", PROJECT])
            .args(["--scheme", "Acme"]);
        let ran = ran(&mut freeze);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        for (name, body) in STAND_INS {
            site.stand_in(name, body);
        }
        site.git(&origin, "init -q -b main");
        site.git(&origin, "add -A");
        site.git(&origin, "commit -q -m pins");
        site.git(&origin, "checkout -q -b feature");
        site.git(&origin, "commit -q --allow-empty -m feature");
        let url = format!("file://{}", origin.display());
        let clone = format!("clone -q --depth=1 --single-branch --branch=feature {url} clone");
        site.git(site.directory.path(), &clone);
        site
    }

    /// With the keychain that the policy names, and Acme's identity in it.
    pub(crate) fn with_keychain() -> Self {
        let site = Self::new();
        let p12 = "fixtures/acme/distribution.p12";
        for words in [
            "keychain create".to_owned(),
            format!("keychain import {p12} --password-file {p12}.password"),
        ] {
            let mut command = site.command(&program());
            let ran = ran(command.args(words.split(' ')));
            assert_eq!(ran.code, 0, "{words}: {ran:?}");
        }
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file of the clone.
    pub(crate) fn checkout(&self, name: &str) -> PathBuf {
        self.path("clone").join(name)
    }

    /// Changes a file of the clone wherever it says this, as a pull request does.
    pub(crate) fn change(&self, name: &str, from: &str, to: &str) {
        let path = self.checkout(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// What the stand-ins were called with.
    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(self.path("calls")).unwrap_or_default()
    }

    /// Runs a step as its service does.
    pub(crate) fn run(&self, step: &Step) -> Ran {
        let file = self.path("step");
        fs::write(&file, &step.script).unwrap();
        let mut command = self.command(Path::new("bash"));
        ran(command.arg(&file))
    }

    pub(crate) fn git(&self, folder: &Path, words: &str) {
        let mut command = start::command("git", &self.path("home"));
        command
            .current_dir(folder)
            .env("PATH", start::PATH)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(["-c", "user.name=ci", "-c", "user.email=ci@acme.example"])
            .args(words.split(' '));
        let ran = ran(&mut command);
        assert_eq!(ran.code, 0, "git {words}: {}{}", ran.out, ran.err);
    }

    /// A program about to run in the clone, with what the service tells its jobs.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let home = self.path("home");
        let mut command = start::command(program, &home);
        let path = format!("{}:{}", self.path("bin").display(), start::PATH);
        let password = fs::read_to_string(root().join("fixtures/acme/distribution.p12.password"));
        command
            .current_dir(self.path("clone"))
            .env("PATH", path)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("PROJECT", PROJECT)
            .env("SCHEME", "Acme")
            .env("CI_XCODEBUILD_ACTION", "archive")
            .env("CI_PRIMARY_REPOSITORY_PATH", self.path("clone"))
            .env("BITRISEIO_SIGNING_P12_URL", SECRET)
            .env("SIGNING_P12_PASSWORD", password.unwrap().trim_end())
            .env("STAND_IN_CALLS", self.path("calls"))
            .env("STAND_IN_COUNTERSIGN", support::program())
            .env(
                "STAND_IN_P12",
                root().join("fixtures/acme/distribution.p12"),
            );
        command
    }

    fn stand_in(&self, name: &str, body: &str) {
        fs::create_dir_all(self.path("bin")).unwrap();
        fs::create_dir_all(self.path("home")).unwrap();
        let file = self.path("bin").join(name);
        let log = "printf '%s' \"${0##*/}\" >>\"$STAND_IN_CALLS\"\nprintf ' %s' \"$@\" >>\"$STAND_IN_CALLS\"\necho >>\"$STAND_IN_CALLS\"\n";
        fs::write(&file, format!("#!/bin/sh\n{log}{body}")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// A scheme that archives Acme's app, as Xcode writes it.
fn scheme(origin: &Path) -> String {
    let project = fs::read_to_string(origin.join(PROJECT).join("project.pbxproj")).unwrap();
    let (before, _) = project
        .split_once(" /* Rocket */ = {\n\t\t\tisa = PBXNativeTarget;")
        .unwrap();
    let id = before.split_whitespace().next_back().unwrap();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Scheme LastUpgradeVersion = "1600" version = "1.7">
   <BuildAction parallelizeBuildables = "YES" buildImplicitDependencies = "YES">
      <BuildActionEntries>
         <BuildActionEntry buildForArchiving = "YES">
            <BuildableReference BuildableIdentifier = "primary" BlueprintIdentifier = "{id}"
               BuildableName = "Rocket.app" BlueprintName = "Rocket" ReferencedContainer = "container:Acme.xcodeproj">
            </BuildableReference>
         </BuildActionEntry>
      </BuildActionEntries>
   </BuildAction>
   <ArchiveAction buildConfiguration = "Release" revealArchiveInOrganizer = "YES">
   </ArchiveAction>
</Scheme>
"#
    )
}

/// What the service or the Mac has and this machine has not.
const STAND_INS: &[(&str, &str)] = &[
    (
        "cargo",
        "mkdir -p \"$HOME/.cargo/bin\"\nln -sf \"$STAND_IN_COUNTERSIGN\" \"$HOME/.cargo/bin/countersign\"\n",
    ),
    ("brew", ""),
    ("xcodebuild", "echo archived\n"),
    (
        "curl",
        "cat >/dev/null\nwhile [ $# -gt 1 ]; do [ \"$1\" = --output ] && cp \"$STAND_IN_P12\" \"$2\"; shift; done\n",
    ),
];
