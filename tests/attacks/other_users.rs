//! Directories that look read-only and are not: tests drop to another user, for root may write everywhere.
//!
//! Each scene has Acme's profiles in a directory that belongs to root, and a policy that says `read_only`. The job is a user
//! of no rights (65534), whose home is its own. What the job could change after the gate has looked is found before.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use support::workshop::{Ran, Workshop, ran};
use support::{program, start};

/// The user who signs: `nobody`, as most systems call it.
const JOB: u32 = 65534;

const WRITABLE: &str = "profile-directory-writable";

/// What the policy says.
const READ_ONLY: &str = "true";
const STRICT: &str = "\"strict\"";

/// A machine on which root has installed profiles that the job may only read; `None`, with a word about it, where these tests
/// are not root's and cannot become somebody else.
struct Signer(Workshop);

impl Signer {
    fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root may become another user");
            return None;
        }
        let workshop = Workshop::frozen();
        mode(&workshop.path(""), 0o755);
        // Where the sources lie, others may not look.
        let copy = workshop.path("countersign");
        fs::hard_link(program(), &copy)
            .or_else(|_| fs::copy(program(), &copy).map(drop))
            .unwrap();
        mode(&workshop.path("profiles"), 0o755);
        let signer = Self(workshop);
        signer.give("home");
        Some(signer)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path(name)
    }

    /// Gives something to the job.
    fn give(&self, name: &str) {
        chown(self.path(name), Some(JOB), Some(JOB)).unwrap();
    }

    /// One of the installed profiles.
    fn profile(&self) -> String {
        format!("profiles/{}", self.0.list("profiles")[0])
    }

    /// A command that the job runs.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = start::command(program, &self.path("home"));
        command
            .current_dir(self.path(""))
            .env("PATH", start::PATH)
            .stdin(Stdio::null())
            .uid(JOB)
            .gid(JOB);
        command
    }

    /// The gate, asked by a user: with what the policy says of `read_only` and of directories.
    fn gate(&self, user: u32, read_only: &str, directories: &str) -> (Ran, Json) {
        self.0.write(
            "manifests/signing.toml",
            format!(
                "version = 1\n[profiles]\ndirectories = [{directories}]\ntrust_anchors = [\"../anchors.pem\"]\nread_only = {read_only}\n"
            ),
        );
        let mut command = self.command(self.path("countersign"));
        command.args(["gate", "--identities", "identities.txt"]);
        command.args(["--without", "targets", "--format", "json"]);
        if user == 0 {
            command.uid(0).gid(0);
        }
        let ran = ran(&mut command);
        let document = ran.json();
        (ran, document)
    }

    /// What the gate says of writing, where the profiles lie in their directory: severity and finding.
    fn told(&self, read_only: &str) -> Vec<(String, Json)> {
        self.told_of(read_only, "\"../profiles\"")
    }

    fn told_of(&self, read_only: &str, directories: &str) -> Vec<(String, Json)> {
        let (ran, document) = self.gate(JOB, read_only, directories);
        let findings = document["findings"].as_array().unwrap().iter();
        let told: Vec<(String, Json)> = findings
            .filter(|finding| finding["code"] == WRITABLE)
            .map(|finding| {
                (
                    finding["severity"].as_str().unwrap().to_owned(),
                    finding.clone(),
                )
            })
            .collect();
        let is_blocked = told.iter().any(|(severity, _)| severity == "block");
        ran.exits(if is_blocked { 10 } else { 0 });
        for (_, finding) in &told {
            let hint = finding["hint"].as_str().unwrap();
            assert!(!hint.contains("chmod"), "{hint}");
        }
        told
    }

    /// One finding of this severity that names this path.
    #[track_caller]
    fn only(&self, read_only: &str, severity: &str, named: &Path) {
        self.only_of(read_only, "\"../profiles\"", severity, named);
    }

    #[track_caller]
    fn only_of(&self, read_only: &str, directories: &str, severity: &str, named: &Path) {
        let told = self.told_of(read_only, directories);
        assert_eq!(told.len(), 1, "{told:#?}");
        let (found, finding) = &told[0];
        assert_eq!(found, severity, "{finding:#}");
        let named = fs::canonicalize(named).unwrap_or_else(|_| named.to_owned());
        let text = finding.to_string();
        assert!(text.contains(named.to_str().unwrap()), "{finding:#}");
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_belongs_to_another_user_is_read_only() {
    let Some(signer) = Signer::new() else { return };
    for read_only in ["false", READ_ONLY, STRICT] {
        assert_eq!(signer.told(read_only), []);
    }
}

#[test]
fn the_owner_of_a_directory_takes_back_the_permission_that_it_gave_up() {
    let Some(signer) = Signer::new() else { return };
    mode(&signer.path("profiles"), 0o555);
    signer.give("profiles");
    signer.only(READ_ONLY, "block", &signer.path("profiles"));
    // It can indeed.
    let changed = signer
        .command("sh")
        .args(["-c", "chmod u+w profiles && rm profiles/*"])
        .status()
        .unwrap();
    assert!(changed.success());
}

#[test]
fn the_owner_of_a_file_takes_back_the_permission_that_it_gave_up() {
    let Some(signer) = Signer::new() else { return };
    let profile = signer.profile();
    mode(&signer.path(&profile), 0o444);
    signer.give(&profile);
    signer.only(READ_ONLY, "block", &signer.path(&profile));
}

#[test]
fn a_file_or_directory_is_writable_for_the_group_or_for_everybody() {
    let Some(signer) = Signer::new() else { return };
    let profile = signer.profile();
    for name in ["profiles", &profile] {
        for (group, writable) in [(Some(JOB), 0o775), (None, 0o757), (None, 0o777)] {
            chown(signer.path(name), Some(0), group.or(Some(0))).unwrap();
            mode(&signer.path(name), writable);
            signer.only(READ_ONLY, "block", &signer.path(name));
        }
        chown(signer.path(name), Some(0), Some(0)).unwrap();
        mode(&signer.path(name), 0o755);
    }
    // With the sticky bit nobody removes what belongs to others, but adds what shadows it.
    mode(&signer.path("profiles"), 0o1777);
    signer.only(READ_ONLY, "block", &signer.path("profiles"));
}

#[test]
fn an_access_control_list_grants_what_the_mode_does_not_show() {
    let Some(signer) = Signer::new() else { return };
    let granted = Command::new("setfacl")
        .args(["-m", "u:65534:rwx"])
        .arg(signer.path("profiles"))
        .status();
    if !granted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no setfacl, or no access control lists on this disk");
        return;
    }
    signer.only(READ_ONLY, "block", &signer.path("profiles"));
}

#[test]
fn a_link_leads_to_what_the_job_may_change() {
    let Some(signer) = Signer::new() else { return };
    let profile = signer.profile();
    let (installed, moved) = (signer.path(&profile), signer.path("home/x"));
    fs::rename(&installed, &moved).unwrap();
    // The file is root's. Its folder is the job's, who puts another one there.
    symlink(&moved, &installed).unwrap();
    signer.only(READ_ONLY, "block", &signer.path("home"));
    // A link to a link, and the first of them is the job's to change.
    fs::rename(&moved, signer.path("real")).unwrap();
    symlink("../real", &moved).unwrap();
    signer.only(READ_ONLY, "block", &signer.path("home"));
    // Nothing on the way is the job's.
    fs::remove_file(&installed).unwrap();
    symlink("../real", &installed).unwrap();
    assert_eq!(signer.told(STRICT), []);
    // The directory itself by way of the job's folder.
    symlink("../profiles", signer.path("home/link")).unwrap();
    signer.only_of(READ_ONLY, "\"../home/link\"", "warn", &signer.path("home"));
    signer.only_of(STRICT, "\"../home/link\"", "block", &signer.path("home"));
}

#[test]
fn a_directory_on_the_way_is_renamed() {
    let Some(signer) = Signer::new() else { return };
    for folder in ["home/a", "home/a/b"] {
        fs::create_dir(signer.path(folder)).unwrap();
        mode(&signer.path(folder), 0o755);
    }
    fs::rename(signer.path("profiles"), signer.path("home/a/b/profiles")).unwrap();
    let directories = "\"../home/a/b/profiles\"";
    signer.only_of(READ_ONLY, directories, "warn", &signer.path("home"));
    signer.only_of(STRICT, directories, "block", &signer.path("home"));
    // It can indeed be put in the place of all that root has installed.
    let changed = signer
        .command("sh")
        .args(["-c", "mv home/a home/old && mkdir -p home/a/b/profiles"])
        .status()
        .unwrap();
    assert!(changed.success());
}

#[test]
fn a_shared_directory_keeps_what_is_not_the_jobs() {
    let Some(signer) = Signer::new() else { return };
    fs::create_dir(signer.path("shared")).unwrap();
    fs::rename(signer.path("profiles"), signer.path("shared/profiles")).unwrap();
    let directories = "\"../shared/profiles\"";
    mode(&signer.path("shared"), 0o777);
    signer.only_of(READ_ONLY, directories, "warn", &signer.path("shared"));
    signer.only_of(STRICT, directories, "block", &signer.path("shared"));
    // As in /tmp: only the owner of what lies there renames it.
    mode(&signer.path("shared"), 0o1777);
    assert_eq!(signer.told_of(STRICT, directories), []);
}

#[test]
fn a_directory_that_is_not_there_is_made_by_the_job() {
    let Some(signer) = Signer::new() else { return };
    // Both of Xcode's lie below the home, and neither is there.
    let (ran, document) = signer.gate(JOB, READ_ONLY, "");
    ran.exits(10);
    let findings = document["findings"].as_array().unwrap().iter();
    let told: Vec<&Json> = findings
        .filter(|finding| finding["code"] == WRITABLE && finding["severity"] == "block")
        .collect();
    assert_eq!(told.len(), 2, "{document:#}");
    for (finding, place) in told.iter().zip(["MobileDevice", "UserData"]) {
        let file = finding["place"]["file"].as_str().unwrap();
        assert!(file.contains(place), "{finding:#}");
    }
}

#[test]
fn root_may_write_everywhere() {
    let Some(signer) = Signer::new() else { return };
    for read_only in [READ_ONLY, STRICT] {
        let (ran, document) = signer.gate(0, read_only, "\"../profiles\"");
        ran.exits(10).says(&[WRITABLE, "root"]);
        let findings = document["findings"].as_array().unwrap().iter();
        assert_eq!(findings.filter(|it| it["code"] == WRITABLE).count(), 1);
    }
}

#[test]
fn what_the_job_may_not_look_at_is_not_passed() {
    let Some(signer) = Signer::new() else { return };
    let profile = signer.profile();
    fs::create_dir(signer.path("hidden")).unwrap();
    mode(&signer.path("hidden"), 0o700);
    fs::rename(signer.path(&profile), signer.path("hidden/x")).unwrap();
    symlink("../hidden/x", signer.path(&profile)).unwrap();
    let (ran, document) = signer.gate(JOB, READ_ONLY, "\"../profiles\"");
    ran.exits(10);
    assert!(document.to_string().contains("hidden"), "{document:#}");
}
