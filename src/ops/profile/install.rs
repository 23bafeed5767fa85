//! Installing proven profiles.
//!
//! Everything is proven before anything is written, and each file that is written stands in the audit log before.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::profile::{self, Profile};
use crate::base::error::ErrorCode;
use crate::base::event::{Action, Event};
use crate::base::finding::{self, Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::policy::Policy;
use crate::context::state::State;
use crate::host::files;
use crate::host::profile_store::{self, Installed};
use crate::ledger::audit::AuditLog;
use crate::ops::audit_log;
use crate::ops::error::{Error, Failure};
use crate::ops::prove;
use crate::ops::report::Report;
use crate::ops::world::World;

/// The `countersign.profile-install.v1` document: what `profile install` did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InstallDocument {
    /// Always `countersign.profile-install.v1`.
    #[schemars(extend("const" = "countersign.profile-install.v1"))]
    pub schema: &'static str,
    /// The installed profiles, in the order in which they were named; none if a finding blocks.
    pub files: Vec<InstalledFile>,
    /// The findings about the named profiles: what blocks, and what is worth knowing.
    pub findings: Vec<Finding>,
}

impl Report for InstallDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// An installed profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InstalledFile {
    /// The file's path now.
    pub file: String,
    /// Whether the file is new, existed with the same bytes, or had other bytes.
    #[schemars(extend("enum" = ["installed", "already installed", "replaced"]))]
    pub outcome: &'static str,
}

/// A proven profile and its bytes.
type Proven = (Profile, Vec<u8>);

/// Installs profiles under the names that Xcode gives them: all of them, or none if one is not proven.
///
/// # Errors
/// The policy cannot be used, a file cannot be read or written, or what is going to be done cannot be recorded.
pub fn install(paths: &[PathBuf], world: &World) -> Result<InstallDocument, Failure> {
    let (policy, verifier) = prove::verifier(world)?;
    let directory = destination(&policy, world)?;
    let mut proven: Vec<Proven> = Vec::new();
    let mut findings = Vec::new();
    for path in prove::named_files(paths)? {
        let bytes = files::read_bounded(&path, profile::MAX_BYTES)?;
        match profile::prove(&bytes, &verifier) {
            Ok(profile) => {
                findings.extend(prove::in_file(&path, profile.remarks()));
                findings.extend(expired(&profile, &path, world.now));
                proven.push((profile, bytes));
            }
            Err(unproven) => findings.extend(prove::in_file(&path, &unproven.findings)),
        }
    }
    let files = match finding::any_blocks(&findings) {
        true => Vec::new(),
        false => install_all(&proven, &directory, world)?,
    };
    Ok(InstallDocument {
        schema: "countersign.profile-install.v1",
        files,
        findings,
    })
}

/// That a profile has expired: it can be installed, and Xcode refuses to sign with it.
fn expired(profile: &Profile, path: &Path, now: Timestamp) -> Option<Finding> {
    let fields = profile.fields();
    if State::of_end(Some(fields.expires), now, SignedDuration::ZERO) != State::Expired {
        return None;
    }
    let message = format!("profile {:?} ({}) has expired", fields.name, fields.uuid);
    Some(
        Finding::warn(Code::ProfileExpired, message)
            .values("not expired", fields.expires)
            .in_file(path)
            .of_profile(&fields.uuid)
            .hint("renew it at Apple's developer site, and install the new file"),
    )
}

/// Where profiles are installed: of Xcode's two directories the one that Xcode 16 and later read, of named ones the first.
pub(in crate::ops) fn destination(policy: &Policy, world: &World) -> Result<PathBuf, Error> {
    world.check_home_of_profiles(policy)?;
    let directories = world.profile_directories(policy);
    let named = directories.iter().find(|place| place.must_exist);
    let place = named.or(directories.last()).ok_or_else(|| {
        Error::new(ErrorCode::Usage, "there is no directory to install into")
            .hint("name a directory of profiles")
            .remedy(Remedy::NameProfileDirectory)
    })?;
    Ok(place.path.clone())
}

fn install_all(
    proven: &[Proven],
    directory: &Path,
    world: &World,
) -> Result<Vec<InstalledFile>, Error> {
    let mut log: Option<AuditLog> = None;
    let mut files = Vec::new();
    for (profile, bytes) in proven {
        let (destination, installed) = profile_store::installation(profile, bytes, directory);
        let outcome = match installed {
            Installed::New => "installed",
            Installed::Already => "already installed",
            Installed::Replaced => "replaced",
        };
        // Where nothing changes there is nothing to remember.
        if installed != Installed::Already {
            let log = match &mut log {
                Some(log) => log,
                none => none.insert(audit_log::open(world, None)?),
            };
            let event = |reached| {
                Event::new(Action::ProfileInstall, reached)
                    .detail("profile", &profile.fields().uuid)
                    .detail("sha256", profile.sha256())
                    .detail("file", destination.display())
            };
            audit_log::recorded(log, event, || {
                Ok(profile_store::install(profile, bytes, directory)?)
            })?;
        }
        files.push(InstalledFile {
            file: destination.display().to_string(),
            outcome,
        });
    }
    Ok(files)
}
