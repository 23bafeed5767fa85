//! The world as one command sees it: the process's environment, clock and streams, read once.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::Global;
use super::exit::Failure;
use super::report::{self, Format};
use crate::apple::anchors::{Anchors, certificates_from_pem};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::error::Explain as _;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::context::manifest::{self, Manifest};
use crate::context::policy::{self, Policy};
use crate::host::files::{self, ReadErrorKind};
use crate::host::{directories, profile_store};

/// Where the policy lies unless somebody says otherwise.
const DEFAULT_POLICY: &str = "manifests/signing.toml";
/// Where the manifest lies unless somebody says otherwise.
const DEFAULT_MANIFEST: &str = "manifests/profiles.json";
/// What CI systems call a job: our own word first, then GitHub Actions, GitLab, Buildkite, Jenkins, CircleCI.
const JOB_VARIABLES: &[&str] = &[
    "COUNTERSIGN_JOB",
    "GITHUB_RUN_ID",
    "CI_JOB_ID",
    "BUILDKITE_JOB_ID",
    "BUILD_TAG",
    "CIRCLE_WORKFLOW_JOB_ID",
];

/// Anchors are a handful of certificates.
const MAX_ANCHORS: usize = 1024 * 1024;

/// What a command may know of the process around it.
pub struct World {
    /// The global options.
    pub global: Global,
    /// The instant at which the command started.
    pub now: Timestamp,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The columns of the terminal on stdout, or 80.
    pub width: usize,
    /// Whether progress may be drawn on stderr.
    pub draws_progress: bool,
    /// The user's login name, as the environment has it.
    pub login_name: Option<String>,
    /// What the CI system calls this job.
    pub job: Option<String>,
    /// `$XDG_STATE_HOME`.
    pub xdg_state_home: Option<PathBuf>,
    step_summary: Option<PathBuf>,
    temporary: Vec<PathBuf>,
    checkouts: Vec<PathBuf>,
}

/// A policy in force, and what to say about it.
pub struct LoadedPolicy {
    /// The policy.
    pub policy: Policy,
    /// That no file was there, or that nothing reads a part of it.
    pub remarks: Vec<Finding>,
}

impl World {
    /// Reads the process's environment and clock.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is where the environment is read"
    )]
    pub(super) fn of_process(global: Global) -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let path = |value: OsString| PathBuf::from(value);
        let is_ci = variable("CI").is_some();
        Self {
            now: whole_second(SystemClock.now()),
            home: variable("HOME").map(path),
            width: width(variable("COLUMNS")),
            draws_progress: io::stderr().is_terminal()
                && !is_ci
                && !global.quiet
                && global.format == Format::Human,
            login_name: variable("USER").and_then(|name| name.into_string().ok()),
            job: JOB_VARIABLES
                .iter()
                .find_map(|name| variable(name)?.into_string().ok()),
            xdg_state_home: variable("XDG_STATE_HOME").map(path),
            step_summary: variable("GITHUB_STEP_SUMMARY").map(path),
            temporary: directories::TEMPORARY_VARIABLES
                .iter()
                .filter_map(|name| variable(name).map(path))
                .collect(),
            checkouts: directories::CHECKOUT_VARIABLES
                .iter()
                .filter_map(|name| variable(name).map(path))
                .collect(),
            global,
        }
    }

    /// The environment that a command inherits, without the variables that hold a password.
    #[allow(
        clippy::disallowed_methods,
        reason = "a command gets the environment that we got"
    )]
    pub fn environment(&self, secrets: &[Option<&str>]) -> Vec<(OsString, OsString)> {
        std::env::vars_os()
            .filter(|(name, _)| !secrets.iter().flatten().any(|secret| name == secret))
            .collect()
    }

    /// How results are printed.
    pub fn format(&self) -> Format {
        self.global.format
    }

    /// The policy in force: the named file, the default one, or the built-in defaults.
    ///
    /// # Errors
    /// `Ok(Err(findings))` if the file is there but not usable; `Err` if it cannot be read, or was named and is not there.
    pub fn policy(&self) -> Result<Result<LoadedPolicy, Vec<Finding>>, Failure> {
        let named = self.global.policy.as_deref();
        let path = named.unwrap_or(Path::new(DEFAULT_POLICY));
        if named.is_none()
            && matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
        {
            let policy = Policy::builtin(self.home.as_deref());
            return Ok(Ok(LoadedPolicy {
                policy,
                remarks: vec![Policy::builtin_applies(path)],
            }));
        }
        let bytes = files::read_bounded(path, policy::MAX_BYTES).map_err(Failure::input)?;
        Ok(
            Policy::parse_bytes(&bytes, path, self.home.as_deref()).map(|policy| LoadedPolicy {
                remarks: policy.remarks(),
                policy,
            }),
        )
    }

    /// As [`World::policy`], where findings in it end the command.
    ///
    /// # Errors
    /// As there; findings are told in the error's text.
    pub fn usable_policy(&self) -> Result<LoadedPolicy, Failure> {
        self.policy()?.map_err(|findings| {
            let lines: Vec<String> = findings
                .iter()
                .map(|finding| {
                    let hint = finding.hint.as_deref().unwrap_or_default();
                    format!(
                        "{}: {} ({hint})",
                        report::place(&finding.place),
                        finding.message
                    )
                })
                .collect();
            Failure {
                exit: super::exit::Exit::Blocked,
                message: lines.join("\n"),
            }
        })
    }

    /// Where the manifest lies.
    pub fn manifest_path(&self) -> PathBuf {
        self.global
            .manifest
            .clone()
            .unwrap_or_else(|| DEFAULT_MANIFEST.into())
    }

    /// The manifest and its bytes.
    ///
    /// # Errors
    /// It cannot be read, or is no manifest.
    pub fn manifest(&self) -> Result<(Manifest, Vec<u8>), Failure> {
        self.manifest_at(&self.manifest_path())
    }

    /// A manifest and its bytes.
    ///
    /// # Errors
    /// It cannot be read, or is no manifest.
    pub fn manifest_at(&self, path: &Path) -> Result<(Manifest, Vec<u8>), Failure> {
        let bytes = files::read_bounded(path, manifest::MAX_BYTES).map_err(|error| {
            let hint =
                if self.global.manifest.is_none() && matches!(error.kind, ReadErrorKind::Missing) {
                    "; write one with `countersign manifest freeze`, or name one with --manifest"
                } else {
                    ""
                };
            Failure::input(format!("{error}{hint}"))
        })?;
        let manifest = Manifest::parse(&bytes).map_err(|error| {
            let hint = error
                .hint()
                .map_or(String::new(), |hint| format!("; {hint}"));
            Failure::input(format!("{}: {error}{hint}", path.display()))
        })?;
        Ok((manifest, bytes))
    }

    /// The manifest if there is one at its path.
    ///
    /// # Errors
    /// There is one, and it cannot be used; or one was named and is not there.
    pub fn manifest_if_any(&self) -> Result<Option<Manifest>, Failure> {
        let path = self.manifest_path();
        if self.global.manifest.is_none() && !path.exists() {
            return Ok(None);
        }
        self.manifest().map(|(manifest, _)| Some(manifest))
    }

    /// The roots that are believed: Apple's, and those that the policy names.
    ///
    /// # Errors
    /// An anchor file cannot be read or holds no certificates.
    pub fn anchors(&self, policy: &Policy) -> Result<Anchors, Failure> {
        let mut extra = Vec::new();
        for path in &policy.profiles.trust_anchors {
            let pem = files::read_bounded(path, MAX_ANCHORS).map_err(Failure::input)?;
            let certificates = certificates_from_pem(&pem).map_err(|error| {
                Failure::input(format!(
                    "{}: {error}; expected PEM certificates",
                    path.display()
                ))
            })?;
            extra.extend(certificates);
        }
        Ok(Anchors::with_extra(extra))
    }

    /// The directories of installed profiles: named on the command line, by the policy, or Xcode's own. With each,
    /// whether it must exist: what a person named must, Xcode's two need not.
    pub fn profile_directories(&self, policy: &Policy) -> Vec<(PathBuf, bool)> {
        let named = if self.global.profiles.is_empty() {
            &policy.profiles.directories
        } else {
            &self.global.profiles
        };
        if named.is_empty() {
            let home = self.home.as_deref().unwrap_or(Path::new("/"));
            directories::xcode_profiles(home)
                .into_iter()
                .map(|path| (path, false))
                .collect()
        } else {
            named.iter().map(|path| (path.clone(), true)).collect()
        }
    }

    /// The installed files that are named like profiles.
    ///
    /// # Errors
    /// A directory that somebody named cannot be listed.
    pub fn installed_files(&self, policy: &Policy) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for (directory, must_exist) in self.profile_directories(policy) {
            match profile_store::list(&directory) {
                Ok(found) => files.extend(found),
                Err(error) if !must_exist && error.error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Failure::input(error)),
            }
        }
        Ok(files)
    }

    /// Why what lies in `directory` may be wiped between two builds, if it may. A checkout does not count: a directory
    /// of profiles that a team commits is as durable as the manifest beside it.
    pub fn wipeable(&self, directory: &Path) -> Option<String> {
        let absolute = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let temporary: Vec<&Path> = self.temporary.iter().map(PathBuf::as_path).collect();
        let checkouts: Vec<&Path> = self.checkouts.iter().map(PathBuf::as_path).collect();
        let tree = directories::wipeable_tree(&absolute, &temporary, &checkouts)?;
        (tree.wiper != directories::Wiper::Checkout)
            .then(|| format!("{}: {}", tree.root.display(), tree.wiper))
    }

    /// Prints a JSON document on stdout.
    ///
    /// # Errors
    /// stdout is closed.
    pub fn print_json(&self, document: &impl Serialize) -> Result<(), Failure> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        serde_json::to_writer_pretty(&mut out, document).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        out.flush()?;
        Ok(())
    }

    /// Appends to the GitHub step summary, if there is one.
    ///
    /// # Errors
    /// The file that `GITHUB_STEP_SUMMARY` names cannot be written.
    pub fn summarize(&self, title: &str, findings: &[Finding]) -> Result<(), Failure> {
        let Some(path) = &self.step_summary else {
            return Ok(());
        };
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| Failure::input(format!("{}: {error}", path.display())))?;
        file.write_all(report::markdown(title, findings).as_bytes())?;
        Ok(())
    }

    /// The findings that a person asked to see: all, or with `--quiet` only those that block; infos need `--verbose`.
    pub fn visible<'a>(&self, findings: &'a [Finding]) -> Vec<&'a Finding> {
        let least = match (self.global.quiet, self.global.verbose) {
            (true, _) => Severity::Block,
            (false, false) => Severity::Warn,
            (false, true) => Severity::Info,
        };
        findings
            .iter()
            .filter(|finding| {
                finding.severity <= least
                    || finding.code == Code::PolicyDefault && !self.global.quiet
            })
            .collect()
    }
}

/// The second that `instant` is in: certificates, profiles and people know no finer time.
fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

/// Whether anything blocks, as an exit code.
pub fn exit_of(findings: &[Finding]) -> super::exit::Exit {
    if finding::any_blocks(findings) {
        super::exit::Exit::Blocked
    } else {
        super::exit::Exit::Fine
    }
}

/// The columns of the terminal on stdout; 80 where it is none.
fn width(columns: Option<OsString>) -> usize {
    let from_environment = columns.and_then(|columns| columns.to_str()?.parse().ok());
    let from_terminal = || {
        rustix::termios::tcgetwinsize(io::stdout())
            .ok()
            .map(|size| usize::from(size.ws_col))
    };
    from_environment
        .or_else(from_terminal)
        .filter(|columns| (40..=240).contains(columns))
        .unwrap_or(80)
}
