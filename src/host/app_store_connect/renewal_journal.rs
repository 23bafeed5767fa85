//! The successors that are being made at App Store Connect, so that the same command goes on after whatever stopped it.
//!
//! The journal of a team holds the whole plan, and is written once before the first request and once after the last. Nothing
//! is noted between the two: what was made is recognised at App Store Connect itself, by its name, because that alone
//! knows what became of a request whose answer was lost. The finished journal stays, as the list of what was made last.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::apple::app_store_connect::resource::ResourceId;
use crate::apple::app_store_connect::words::CertificateType;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::ids::{IssuerId, ProfileUuid};
use crate::base::remedy::Remedy;
use crate::context::portal::request::RenewalRequest;
use crate::context::portal::successor::Successor;
use crate::host::owned_files::{self, Lock, OwnedFileError};
use crate::host::state_dir::StateDir;

/// What a journal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// When the work began: the names of the successors may hold its day.
    pub begun: Timestamp,
    /// What was asked for.
    pub request: RenewalRequest,
    /// The certificate that is made first, by what it is issued for.
    pub certificate: Option<CertificateType>,
    /// The certificates of the old profiles: none of them is what came of the signing request.
    pub replaced: Vec<ResourceId>,
    /// What is made.
    pub successors: Vec<Successor>,
    /// When all were made; none while some are missing.
    pub finished: Option<Timestamp>,
    /// The UUIDs of the successors, once all were made, in their order.
    pub made: Vec<ProfileUuid>,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RenewalJournalError {
    /// A file or directory.
    #[error(transparent)]
    File(#[from] OwnedFileError),
    /// Not what was written.
    #[error("the journal {path} of a renewal is damaged: {why}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Explain for RenewalJournalError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::File(error) => error.code(),
            Self::Damaged { .. } => ErrorCode::JournalUnusable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Damaged { .. } => {
                Some("forget it: what was made is recognised by its name".to_owned())
            }
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::File(error) => error.remedy(),
            Self::Damaged { .. } => Some(Remedy::AbandonRenewal),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::File(error) => error.place(),
            Self::Damaged { path, .. } => Place::file(path),
        }
    }
}

/// The journal of a team. While it is [locked](Self::lock), nobody else makes successors with this state directory.
#[derive(Debug, Clone)]
pub struct RenewalJournal {
    state: StateDir,
    issuer: IssuerId,
}

impl RenewalJournal {
    /// That of a team.
    pub fn new(state: StateDir, issuer: IssuerId) -> Self {
        Self { state, issuer }
    }

    /// Takes the lock; it ends with the value.
    ///
    /// # Errors
    /// Somebody else makes successors now, or the directory cannot be made.
    pub fn lock(&self) -> Result<Lock, RenewalJournalError> {
        self.state.make()?;
        owned_files::make_directory(&self.state.portal())?;
        let lock = Lock::acquire(&self.state.renewal_lock(&self.issuer), MOMENT)?;
        // A process that was killed while it wrote left these; nobody writes now.
        for file in owned_files::half_written(&self.path()) {
            owned_files::remove(&file)?;
        }
        Ok(lock)
    }

    /// What it says; none if there is none.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read(&self) -> Result<Option<Renewal>, RenewalJournalError> {
        let path = self.path();
        let bytes = match owned_files::read(&path, MAX_JOURNAL) {
            Err(error) if error.is_not_found() => return Ok(None),
            bytes => bytes?,
        };
        match serde_json::from_slice(&bytes) {
            Ok(renewal) => Ok(Some(renewal)),
            Err(error) => Err(RenewalJournalError::Damaged {
                path,
                why: error.to_string(),
            }),
        }
    }

    /// Writes it through to the disk. To be called under the [lock](Self::lock).
    ///
    /// # Errors
    /// It cannot be written; then the old one is as it was.
    pub fn write(&self, _lock: &Lock, renewal: &Renewal) -> Result<(), RenewalJournalError> {
        let path = self.path();
        let bytes = serde_json::to_vec(renewal).map_err(|error| RenewalJournalError::Damaged {
            path: path.clone(),
            why: error.to_string(),
        })?;
        Ok(owned_files::replace(&path, &bytes)?)
    }

    /// Forgets what is there. Nothing at App Store Connect changes. To be called under the [lock](Self::lock).
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self, _lock: &Lock) -> Result<(), RenewalJournalError> {
        Ok(owned_files::remove(&self.path())?)
    }

    fn path(&self) -> PathBuf {
        self.state.renewal(&self.issuer)
    }
}

/// How long the lock is waited for: a child that is about to become another program holds what its parent held. Whoever makes
/// successors holds it for longer.
const MOMENT: Duration = Duration::from_secs(1);

/// A journal, in bytes: a thousand successors with a thousand devices each.
const MAX_JOURNAL: usize = 64 << 20;
