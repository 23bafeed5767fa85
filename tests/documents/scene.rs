//! Where the blocks of the README run: a home with a checkout of this repository, or with somebody's app; and what this machine
//! has not, or would take minutes for, as stand-ins that note how they were called.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use support::workshop::ran;
use support::{copy_folder, root, start};

/// A home and the folder in which commands run.
pub(crate) struct Scene {
    directory: tempfile::TempDir,
    folder: &'static str,
}

/// What a block came to.
pub(crate) struct Shown {
    /// The exit code.
    pub(crate) code: i32,
    /// Both streams, as a terminal shows them, with `~` for the home.
    pub(crate) text: String,
}

/// `cargo run` is the built program; nothing is installed or tested again.
const CARGO: &str =
    "case \"$1 $2 $3\" in\n\"run --release --\") shift 3; exec countersign \"$@\" ;;\nesac\n";

/// A Mac's answer.
const SECURITY: &str = "cat \"$HOME/find-identity.txt\"\n";

impl Scene {
    fn new(folder: &'static str) -> Self {
        // Not below /tmp: the gate warns of profiles that the system clears away.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let scene = Self { directory, folder };
        fs::create_dir_all(scene.checkout()).unwrap();
        fs::create_dir(scene.home().join("bin")).unwrap();
        symlink(support::program(), scene.home().join("bin/countersign")).unwrap();
        scene.stand_in("cargo", CARGO);
        scene.stand_in("security", SECURITY);
        scene.stand_in("xcodebuild", "");
        let git = "[user]\nname = ci\nemail = ci@acme.example\n[init]\ndefaultBranch = main\n[push]\nautoSetupRemote = true\n";
        fs::write(scene.home().join(".gitconfig"), git).unwrap();
        scene
    }

    /// What a reader has who cloned this repository.
    pub(crate) fn repository() -> Self {
        let scene = Self::new("countersign");
        for folder in ["manifests", "fixtures/acme"] {
            copy_folder(&root().join(folder), &scene.checkout().join(folder));
        }
        fs::create_dir(scene.checkout().join("target")).unwrap();
        scene.git("init -q");
        scene
    }

    /// What a user of the tool has: an app in a repository with a remote, and its profiles in Xcode's directory.
    pub(crate) fn app() -> Self {
        let scene = Self::new("app");
        let acme = root().join("fixtures/acme");
        for target in ["Rocket", "Share", "Watch", "Widgets"] {
            copy_folder(&acme.join(target), &scene.checkout().join(target));
        }
        copy_folder(
            &acme.join("Acme.xcodeproj"),
            &scene.checkout().join("App.xcodeproj"),
        );
        fs::create_dir(scene.checkout().join(".github")).unwrap();
        let anchors = fs::read(acme.join("anchors.pem")).unwrap();
        fs::write(scene.checkout().join("anchors.pem"), anchors).unwrap();
        let xcode = "Library/Developer/Xcode/UserData/Provisioning Profiles";
        copy_folder(&acme.join("profiles"), &scene.home().join(xcode));
        let identities = fs::read(acme.join("find-identity.txt")).unwrap();
        fs::write(scene.home().join("find-identity.txt"), identities).unwrap();
        scene.git("init -q");
        scene.git("add .");
        scene.git("commit -q -m app");
        scene.git("init -q --bare ../origin");
        scene.git("remote add origin ../origin");
        scene
    }

    /// The home directory.
    pub(crate) fn home(&self) -> &Path {
        self.directory.path()
    }

    /// The folder in which the commands run.
    pub(crate) fn checkout(&self) -> PathBuf {
        self.home().join(self.folder)
    }

    /// A file of the checkout, as text.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.checkout().join(name)).unwrap()
    }

    /// How the stand-ins were called, a line for each call.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.home().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// Runs git, which must succeed.
    pub(crate) fn git(&self, words: &str) -> String {
        let mut command = self.command("git");
        let ran = ran(command.args(words.split(' '))).exits(0);
        ran.out
    }

    /// Runs a block to its end, or to its first command that fails.
    pub(crate) fn run(&self, script: &str) -> Shown {
        self.run_with(script, &[])
    }

    /// The same with these variables.
    pub(crate) fn run_with(&self, script: &str, variables: &[(&str, &str)]) -> Shown {
        let mut command = self.command("bash");
        command.envs(variables.iter().copied());
        let script = format!("exec 2>&1\n{script}");
        let ran = ran(command.args(["-e", "-o", "pipefail", "-c", &script]));
        let home = fs::canonicalize(self.home()).unwrap();
        let text = ran.out.replace(home.to_str().unwrap(), "~");
        Shown {
            code: ran.code,
            text: without_warning_of_tmp(&text),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = start::command(program, self.home());
        let path = format!("{}/bin:{}", self.home().display(), start::PATH);
        command.env("PATH", path).current_dir(self.checkout());
        command
    }

    fn stand_in(&self, name: &str, body: &str) {
        let file = self.home().join("bin").join(name);
        let note = "echo \"${0##*/} $*\" >>\"$HOME/calls\"\n";
        fs::write(&file, format!("#!/bin/sh\n{note}{body}")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// A checkout of this repository may itself lie below `/tmp`, and then the gate rightly says so: that is not what the README is
/// about.
fn without_warning_of_tmp(text: &str) -> String {
    let mut kept = String::new();
    let mut is_dropped = false;
    for line in text.lines() {
        if line.contains("profile-in-wipeable-tree") {
            is_dropped = true;
        } else if !line.starts_with("        ") {
            is_dropped = false;
        }
        if !is_dropped {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
