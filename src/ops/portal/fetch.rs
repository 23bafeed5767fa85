//! Profiles from App Store Connect, as files.
//!
//! A profile comes over a network, so it is proven like any other before it is written. Each file is written whole or not at
//! all, and is called as Xcode calls it. Nothing is installed.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{self, KeyRequest};
use crate::apple::app_store_connect::resource::PortalProfile;
use crate::apple::profile;
use crate::apple::signed_message::Verifier;
use crate::base::error::ErrorCode;
use crate::base::finding::{Code, Finding};
use crate::base::ids::ProfileUuid;
use crate::base::remedy::Remedy;
use crate::context::portal::selection;
use crate::context::portal::snapshot::Snapshot;
use crate::context::portal::standing::{self, PortalState};
use crate::host::app_store_connect::client::Client;
use crate::host::app_store_connect::renewal_journal::RenewalJournal;
use crate::host::files::{self, FileMode};
use crate::ops::error::{Error, Failure};
use crate::ops::prove;
use crate::ops::report::Report;
use crate::ops::world::World;

/// What is fetched.
#[derive(Debug, Clone, Default)]
pub struct FetchRequest {
    /// The key of the team.
    pub key: KeyRequest,
    /// The profiles, by name or UUID.
    pub profiles: Vec<String>,
    /// Those that the last renewal made, too.
    pub renewed: bool,
    /// Where they are written.
    pub into: PathBuf,
}

/// The `countersign.portal-fetch.v1` document: which profiles were fetched.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FetchDocument {
    /// Always `countersign.portal-fetch.v1`.
    #[schemars(extend("const" = "countersign.portal-fetch.v1"))]
    pub schema: &'static str,
    /// The files, in the order in which their profiles were named.
    pub files: Vec<FetchedFile>,
    /// The findings about profiles that are not there, not proven or of no use.
    pub findings: Vec<Finding>,
}

impl Report for FetchDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// A fetched profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FetchedFile {
    /// The file.
    pub file: String,
    /// The UUID of its profile.
    pub uuid: ProfileUuid,
    /// The name of its profile.
    pub name: String,
    /// Whether the file is new, existed with the same bytes, or had other bytes.
    #[schemars(extend("enum" = ["fetched", "already there", "replaced"]))]
    pub outcome: &'static str,
}

/// Fetches profiles, and writes those that are proven.
///
/// # Errors
/// The key or the policy cannot be used, there is no answer, or a file cannot be written. What was written by then is there.
pub fn fetch(request: &FetchRequest, world: &World) -> Result<FetchDocument, Failure> {
    let key = request.key.read()?;
    let mut names = request.profiles.clone();
    if request.renewed {
        let journal = RenewalJournal::new(world.state_directory()?, key.issuer().clone());
        let renewal = journal.read()?.filter(|it| it.finished.is_some());
        let renewal = renewal.ok_or_else(not_renewed)?;
        names.extend(renewal.made.iter().map(ToString::to_string));
    }
    let (_, verifier) = prove::verifier(world)?;
    let client = access::client(&key, world)?;
    let snapshot = Snapshot {
        profiles: client.profiles()?,
        ..Snapshot::default()
    };
    let selected = selection::named(&names, &snapshot);
    let mut document = FetchDocument {
        schema: "countersign.portal-fetch.v1",
        files: Vec::new(),
        findings: selected.findings,
    };
    for profile in selected.profiles {
        document.findings.extend(useless(profile, world));
        let file = fetched(
            profile,
            &client,
            &verifier,
            &request.into,
            &mut document.findings,
        )?;
        document.files.extend(file);
    }
    Ok(document)
}

fn not_renewed() -> Error {
    let message = "no renewal with this key and this state directory is finished";
    Error::new(ErrorCode::RenewalUnfinished, message)
        .hint("finish the renewal, or name the profiles")
        .remedy(Remedy::RenewAtPortal)
}

/// That a profile signs nothing, whatever its file says.
fn useless(profile: &PortalProfile, world: &World) -> Option<Finding> {
    match PortalState::of(profile, world.now, SignedDuration::ZERO) {
        PortalState::Invalid => Some(standing::invalid(profile)),
        PortalState::Expired => {
            let message = format!("profile {:?} ({}) has expired", profile.name, profile.uuid);
            Some(
                Finding::warn(Code::ProfileExpired, message)
                    .values("not expired", profile.expires)
                    .of_profile(&profile.uuid)
                    .hint("renew it, and fetch its successor")
                    .remedy(Remedy::RenewAtPortal),
            )
        }
        _ => None,
    }
}

/// Fetches one profile. One that is not proven is not written: the findings say why.
fn fetched(
    profile: &PortalProfile,
    client: &Client<'_>,
    verifier: &Verifier,
    into: &Path,
    findings: &mut Vec<Finding>,
) -> Result<Option<FetchedFile>, Error> {
    let bytes = client.content(&profile.id)?;
    let proven = match profile::prove(&bytes, verifier) {
        Ok(proven) => proven,
        Err(unproven) => {
            let of_it = unproven.findings.into_iter();
            findings.extend(of_it.map(|finding| finding.of_profile(&profile.uuid)));
            return Ok(None);
        }
    };
    let fields = proven.fields();
    if fields.uuid != profile.uuid {
        let message = format!(
            "App Store Connect gives profile {} as {}",
            fields.uuid, profile.uuid
        );
        return Err(Error::new(ErrorCode::PortalAnswerMalformed, message));
    }
    let remarks = proven.remarks().iter().cloned();
    findings.extend(remarks.map(|finding| finding.of_profile(&profile.uuid)));
    files::create_directories(into)?;
    let path = into.join(fields.file_name());
    let outcome = match files::read_bounded(&path, profile::MAX_BYTES) {
        Ok(there) if there == bytes => "already there",
        Ok(_) => "replaced",
        // Whatever is there that cannot be read, writing it says so.
        Err(_) => "fetched",
    };
    if outcome != "already there" {
        files::replace_atomically(&path, &bytes, FileMode::Keep)?;
    }
    Ok(Some(FetchedFile {
        file: path.display().to_string(),
        uuid: fields.uuid.clone(),
        name: fields.name.clone(),
        outcome,
    }))
}
