//! `rotate probe`: what this machine holds, for the machine on which the rotation is led.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::scene::{Scene, installed};
use crate::apple::certificate::Certificate;
use crate::base::error::ErrorCode;
use crate::base::ids::CertSha1;
use crate::context::policy::Policy;
use crate::context::rotation::probe::{NodeProbe, SCHEMA, held};
use crate::host::files::Input;
use crate::host::node;
use crate::ops::certificate;
use crate::ops::error::{Error, Failure};
use crate::ops::identity::source::{self, IdentityFile};
use crate::ops::output;
use crate::ops::report::{Report, shown_paths};
use crate::ops::world::World;

/// What is probed.
#[derive(Debug, Clone, Default)]
pub struct ProbeRequest {
    /// A file with what `find-identity` printed, or a p12.
    pub identities: Option<IdentityFile>,
    /// Files with the certificates of its keychains; none: nobody knows which intermediates it holds.
    pub certificates: Vec<Input>,
    /// The file that is written.
    pub output: Option<PathBuf>,
}

impl Report for NodeProbe {}

/// Looks at this machine.
///
/// # Errors
/// It has no usable name, a directory, the identities or the certificates cannot be read, or the file cannot be written.
pub fn probe(request: &ProbeRequest, world: &World) -> Result<NodeProbe, Failure> {
    let policy = world.policy_or_defaults()?;
    let seen = request.identities.as_ref();
    let seen = seen
        .map(|file| source::read_file(file, None, None, world))
        .transpose()?;
    let identities = seen.map(|seen| {
        let sha1s: BTreeSet<CertSha1> = seen.usable().into_iter().collect();
        sha1s.into_iter().collect()
    });
    let intermediates = match request.certificates.is_empty() {
        true => None,
        false => {
            let read = request.certificates.iter().map(certificates_in);
            let certificates: Vec<Vec<_>> = read.collect::<Result<_, Error>>()?;
            Some(held(&certificates.concat()))
        }
    };
    let probe = NodeProbe {
        identities,
        intermediates,
        ..looked_at(&policy, world)?
    };
    if let Some(file) = &request.output {
        output::write_json(file, &probe)?;
    }
    Ok(probe)
}

fn certificates_in(input: &Input) -> Result<Vec<Certificate>, Error> {
    certificate::read_all(input).map_err(|error| match error.code() {
        ErrorCode::FileMalformed => error.hint(
            "name what `security find-certificate -a -p` printed, or the .cer file of a certificate",
        ),
        _ => error,
    })
}

/// What this machine tells without being handed anything.
///
/// # Errors
/// It has no usable name, or a directory cannot be read.
pub(super) fn looked_at(policy: &Policy, world: &World) -> Result<NodeProbe, Failure> {
    let directories = Scene::directories_of(policy, world)?;
    Ok(NodeProbe {
        schema: SCHEMA.to_owned(),
        host: node::host_name().map_err(Error::from)?,
        time: world.now,
        directories: shown_paths(&directories),
        profiles: installed(&directories).into_keys().collect(),
        identities: None,
        intermediates: None,
    })
}
