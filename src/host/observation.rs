//! Looking at this machine for the gate.
//!
//! This is the only place that makes [`LiveFacts`], and therefore the only way to a clearance: the host name comes from
//! the system, the instant from the clock, profiles, identities and projects from what lies here. [`plan`] looks in the
//! same way and lets the caller say which host and which instant are meant; what comes of that is a rehearsal.
//!
//! A group that nobody asks for is not looked at, and the gate blocks unless it was waived.

pub mod products;
pub mod projects;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use self::projects::{ProjectError, ProjectRequest};
use super::access;
use super::directories;
use super::evidence;
use super::inputs::Inputs;
use super::node::{self, HostNameError};
use super::profile_store::{self, DirectoryError, KnownFiles, Pinned};
use super::proofs::Proofs;
use crate::apple::certificate::Certificate;
use crate::apple::signed_message::Verifier;
use crate::base::clock::Clock;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::ids::HostName;
use crate::base::remedy::Remedy;
use crate::context::gate::facts::{
    DirectoryAccess, Evidence, HostEvidence, Identities, InstalledProfiles, LiveFacts, Observation,
    Observed, ObservedTargets, PlannedFacts, ProfileDirectory, TrustAnchor,
};
use crate::context::manifest::Manifest;
use crate::context::policy::DeclaredProduct;

/// What to look at. The default is nothing but this machine's name and clock.
pub struct Request<'a, E> {
    /// The latest time that the audit log knows of, which the caller has read. The default is a log without records.
    pub last_record: Observation<Option<Timestamp>>,
    /// The manifest that is judged: files whose bytes it pins are proven, and what it pins of projects is read.
    pub manifest: Option<&'a Manifest>,
    /// Where profiles are installed.
    pub profiles: Option<ProfilePlaces<'a>>,
    /// Reads the identities of a keychain or of a file, if one is named.
    pub identities: Option<IdentityReader<'a, E>>,
    /// The projects.
    pub targets: Option<&'a ProjectRequest>,
    /// Why there are none, where somebody looked for one.
    pub no_project: Option<String>,
    /// The products that the policy declares.
    pub products: &'a [DeclaredProduct],
    /// Where the files of projects and products are noted, if somebody will look again.
    pub inputs: Option<&'a Arc<Inputs>>,
    /// The environment of this process.
    pub environment: &'a [(OsString, OsString)],
}

/// Reads identities; `None` if nobody named a place where they are.
pub type IdentityReader<'a, E> = &'a dyn Fn() -> Result<Option<Identities>, E>;

impl<E> Default for Request<'_, E> {
    fn default() -> Self {
        Self {
            last_record: Observation::Observed(None),
            manifest: None,
            profiles: None,
            identities: None,
            targets: None,
            no_project: None,
            products: &[],
            inputs: None,
            environment: &[],
        }
    }
}

/// Where profiles are installed.
pub struct ProfilePlaces<'a> {
    /// The directories, in their order.
    pub directories: &'a [ProfilePlace],
    /// Directories for temporary files, from the environment.
    pub temporary: &'a [PathBuf],
    /// Checkouts, from the environment.
    pub checkouts: &'a [PathBuf],
    /// Whether it matters what this user may change of them.
    pub with_access: bool,
    /// What believes the roots: every file whose bytes the manifest pins is proven.
    pub verifier: &'a Verifier,
    /// What earlier looks proved, if that counts.
    pub proofs: Option<&'a Proofs>,
}

/// A directory in which profiles are installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfilePlace {
    /// Where.
    pub path: PathBuf,
    /// Somebody named it: it is an error if it is not there.
    pub must_exist: bool,
}

/// Why this machine could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ObservationError {
    /// Its own name cannot be used.
    #[error(transparent)]
    HostName(#[from] HostNameError),
    /// A directory of profiles cannot be listed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A project cannot be read.
    #[error(transparent)]
    Project(#[from] ProjectError),
}

impl Explain for ObservationError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::HostName(error) => error.code(),
            Self::Directory(error) => error.code(),
            Self::Project(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::HostName(error) => error.hint(),
            Self::Directory(error) => error.hint(),
            Self::Project(error) => error.hint(),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::HostName(error) => error.remedy(),
            Self::Directory(error) => error.remedy(),
            Self::Project(error) => error.remedy(),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::HostName(error) => error.place(),
            Self::Directory(error) => error.place(),
            Self::Project(error) => error.place(),
        }
    }
}

/// Looks at this machine, now: the instant is the second of `clock` in which the looking begins.
///
/// # Errors
/// This machine's name cannot be used; a directory that somebody named cannot be listed; a project cannot be read; or
/// whatever `request.identities` fails with.
pub fn observe<E: From<ObservationError>>(
    request: &Request<'_, E>,
    clock: &dyn Clock,
) -> Result<LiveFacts, E> {
    let now = whole_second(clock.now());
    let host = node::host_name().map_err(ObservationError::from)?;
    let evidence = evidence::observe(HostEvidence::SelfDeclared, request.environment);
    look(request, host, evidence, now).map(LiveFacts::of_this_machine)
}

/// Looks at this machine as if it were `host`, or as if it were another instant.
///
/// # Errors
/// As [`observe`]; this machine's own name is needed only without a `host`.
pub fn plan<E: From<ObservationError>>(
    request: &Request<'_, E>,
    host: Option<&HostName>,
    now: Timestamp,
) -> Result<PlannedFacts, E> {
    let (host, known_by) = match host {
        Some(host) => (host.clone(), HostEvidence::Asked),
        None => {
            let own = node::host_name().map_err(ObservationError::from)?;
            (own, HostEvidence::SelfDeclared)
        }
    };
    let evidence = evidence::observe(known_by, request.environment);
    look(request, host, evidence, now).map(PlannedFacts::new)
}

/// Looks again at the directories of profiles that `first` saw: what of this machine would be judged then, if all else were
/// as it was. A file with the same bytes at the same path counts as it did; what is new is looked at as it was then. `places`
/// holds the same directories as absolute paths, and `absolute` makes a path of then absolute.
///
/// # Errors
/// A directory of profiles that somebody named cannot be listed any more.
pub fn look_again(
    first: &LiveFacts,
    manifest: &Manifest,
    places: &ProfilePlaces<'_>,
    absolute: impl Fn(&Path) -> PathBuf,
) -> Result<PlannedFacts, DirectoryError> {
    let mut observed = first.observed().clone();
    if let Observation::Observed(earlier) = &first.observed().profiles {
        let files = earlier.files.iter();
        let known = files.map(|file| (absolute(&file.path), file)).collect();
        let installed = installed_in(places, Some(manifest), &known)?;
        observed.profiles = Observation::Observed(installed);
    }
    Ok(PlannedFacts::new(observed))
}

fn look<E: From<ObservationError>>(
    request: &Request<'_, E>,
    host: HostName,
    evidence: Evidence,
    now: Timestamp,
) -> Result<Observed, E> {
    Ok(Observed {
        host,
        now,
        last_record: request.last_record.clone(),
        evidence,
        profiles: installed_profiles(request).map_err(ObservationError::from)?,
        identities: identities(request)?,
        targets: targets(request).map_err(ObservationError::from)?,
        products: products::read(request.products, request.inputs),
    })
}

fn installed_profiles<E>(
    request: &Request<'_, E>,
) -> Result<Observation<InstalledProfiles>, DirectoryError> {
    match &request.profiles {
        Some(places) => installed_in(places, request.manifest, &KnownFiles::default())
            .map(Observation::Observed),
        None => Ok(Observation::unobserved("nobody asked for them")),
    }
}

fn installed_in(
    places: &ProfilePlaces<'_>,
    manifest: Option<&Manifest>,
    known: &KnownFiles<'_>,
) -> Result<InstalledProfiles, DirectoryError> {
    let anchors = places.verifier.anchors().extra();
    let mut installed = InstalledProfiles {
        trust_anchors: anchors.map(trust_anchor).collect(),
        ..InstalledProfiles::default()
    };
    let mut files = Vec::new();
    for place in places.directories {
        let found = match profile_store::list(&place.path) {
            Ok(found) => Some(found),
            Err(error) if !place.must_exist && error.error.kind() == io::ErrorKind::NotFound => {
                None
            }
            Err(error) => return Err(error),
        };
        let access = places
            .with_access
            .then(|| access::of_directory(&place.path, found.as_deref().unwrap_or_default()));
        // One that is not there matters to nobody but who may make it.
        let may_make = |access: &DirectoryAccess| access.is_root || !access.changes.is_empty();
        let is_there = found.is_some() || access.as_ref().is_some_and(may_make);
        if is_there {
            installed.directories.push(ProfileDirectory {
                access,
                ephemeral: ephemeral(&place.path, places),
                resolved: resolved(&place.path),
                path: place.path.clone(),
            });
        }
        files.extend(found.unwrap_or_default());
    }
    let pinned = manifest.map(|manifest| Pinned {
        manifest,
        verifier: places.verifier,
        proofs: places.proofs,
    });
    installed.files = profile_store::observe_but(known, files, pinned);
    Ok(installed)
}

/// `path`, absolute and with its links resolved, as far as that can be told.
fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

fn trust_anchor(certificate: &Certificate) -> TrustAnchor {
    TrustAnchor {
        name: certificate.common_name.clone(),
        sha256: certificate.sha256,
    }
}

/// Why what lies in `directory` may be wiped between two builds, if it may. A checkout does not count: a directory of
/// profiles that a team commits is as durable as the manifest beside it.
fn ephemeral(directory: &Path, places: &ProfilePlaces<'_>) -> Option<String> {
    let absolute = resolved(directory);
    let temporary: Vec<&Path> = places.temporary.iter().map(PathBuf::as_path).collect();
    let checkouts: Vec<&Path> = places.checkouts.iter().map(PathBuf::as_path).collect();
    let tree = directories::ephemeral_tree(&absolute, &temporary, &checkouts)?;
    (tree.cleaner != directories::Cleaner::Checkout)
        .then(|| format!("{}: {}", tree.root.display(), tree.cleaner))
}

fn identities<E>(request: &Request<'_, E>) -> Result<Observation<Identities>, E> {
    let seen = request.identities.map_or(Ok(None), |read| read())?;
    Ok(seen.map_or_else(
        || Observation::unobserved("neither a keychain nor a file of identities is named"),
        Observation::Observed,
    ))
}

fn targets<E>(request: &Request<'_, E>) -> Result<Observation<Arc<ObservedTargets>>, ProjectError> {
    match request.targets {
        Some(wanted) => projects::read_noting(wanted, request.manifest, request.inputs)
            .map(|observed| Observation::Observed(Arc::new(observed))),
        None => Ok(Observation::unobserved(
            request
                .no_project
                .as_deref()
                .unwrap_or("no project is named"),
        )),
    }
}

/// The second that `instant` is in: certificates, profiles and people know no finer time.
fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}
