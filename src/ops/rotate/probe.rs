//! `rotate probe`: what this machine holds, for the machine on which the rotation is led.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::scene::Scene;
use crate::base::ids::{CertSha1, FileSha256};
use crate::context::rotation::probe::{NodeProbe, SCHEMA};
use crate::host::files::{self, FileMode};
use crate::host::transaction;
use crate::host::{node, profile_store};
use crate::ops::error::{Error, Failure};
use crate::ops::identity::source::{self, IdentityFile};
use crate::ops::keychain::selected::Selection;
use crate::ops::report::{Report, shown_paths};
use crate::ops::world::World;

/// What is probed.
#[derive(Debug, Clone, Default)]
pub struct ProbeRequest {
    /// A file with what `find-identity` printed, or a p12.
    pub identities: Option<IdentityFile>,
    /// The keychain whose identities are noted, if no file is named.
    pub keychain: Option<Selection>,
    /// The file that is written.
    pub output: Option<PathBuf>,
}

impl Report for NodeProbe {}

/// Looks at this machine.
///
/// # Errors
/// It has no usable name, a directory or the identities cannot be read, or the file cannot be written.
pub fn probe(request: &ProbeRequest, world: &World) -> Result<NodeProbe, Failure> {
    let policy = world.policy_or_defaults()?;
    let directories = Scene::directories_of(&policy, world)?;
    let mut profiles: BTreeSet<FileSha256> = BTreeSet::new();
    for directory in &directories {
        // Xcode's two directories need not be there.
        for file in profile_store::list(directory).unwrap_or_default() {
            // What cannot be read is not held.
            let held = transaction::held(&file).ok().flatten();
            profiles.extend(held.map(|bytes| FileSha256::of(&bytes)));
        }
    }
    let seen = match (&request.identities, &request.keychain) {
        (Some(file), _) => Some(source::read_file(file, None, None, world)?),
        (None, Some(selection)) => Some(source::of_keychain(selection, world)?),
        (None, None) => None,
    };
    let identities = seen.map(|seen| {
        let sha1s: BTreeSet<CertSha1> = seen.usable().into_iter().collect();
        sha1s.into_iter().collect()
    });
    let probe = NodeProbe {
        schema: SCHEMA.to_owned(),
        host: node::host_name().map_err(Error::from)?,
        time: world.now,
        directories: shown_paths(&directories),
        profiles: profiles.into_iter().collect(),
        identities,
    };
    if let Some(output) = &request.output {
        let mut bytes = serde_json::to_vec_pretty(&probe).map_err(Error::unexpected)?;
        bytes.push(b'\n');
        files::replace_atomically(output, &bytes, FileMode::Keep).map_err(Error::from)?;
    }
    Ok(probe)
}
