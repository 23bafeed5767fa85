//! The way to App Store Connect: the key of the team, and what its host is.

use std::path::{Path, PathBuf};

use crate::base::error::ErrorCode;
use crate::base::ids::{ApiKeyId, IssuerId};
use crate::base::remedy::Remedy;
use crate::context::portal::snapshot::Snapshot;
use crate::host::app_store_connect::client::{Client, PATIENCE};
use crate::host::app_store_connect::error::PortalError;
use crate::host::app_store_connect::key::{self, ApiKey};
use crate::host::app_store_connect::origin::Origin;
use crate::host::process;
use crate::ops::error::Error;
use crate::ops::world::World;

/// How somebody names the key.
#[derive(Debug, Clone, Default)]
pub struct KeyRequest {
    /// Its id; none: that in the name of its file.
    pub key_id: Option<ApiKeyId>,
    /// Its issuer.
    pub issuer_id: Option<IssuerId>,
    /// Its file.
    pub key_file: Option<PathBuf>,
}

impl KeyRequest {
    /// Reads the key. From here on nobody reads the memory of this process.
    ///
    /// # Errors
    /// Nothing names it, it is an individual one, or it cannot be used.
    pub fn read(&self) -> Result<ApiKey, Error> {
        let file = self.key_file.as_deref().ok_or_else(|| {
            unnamed("no API key of App Store Connect is named")
                .hint("name the .p8 file of a team key, and the id of its issuer")
        })?;
        let issuer = self.issuer_id.clone().ok_or_else(|| {
            unnamed("the issuer id is missing; an individual key has none, and Apple lets it neither list nor create profiles")
                .hint("make a team key in App Store Connect, Users and Access, Integrations, and say the issuer id that stands there")
        })?;
        let id = self.id(file)?;
        process::protect_memory().map_err(|error| {
            let message = format!("cannot protect the memory of this process: {error}");
            Error::new(ErrorCode::SessionUnguarded, message)
        })?;
        Ok(ApiKey::read(file, id, issuer)?)
    }

    fn id(&self, file: &Path) -> Result<ApiKeyId, Error> {
        let id = self.key_id.clone().or_else(|| key::id_in_name(file));
        id.ok_or_else(|| {
            let message = format!(
                "{}: the name of the file does not hold the key id",
                file.display()
            );
            unnamed(&message).hint("say the key id, or call the file AuthKey_ID.p8")
        })
    }
}

fn unnamed(message: &str) -> Error {
    Error::new(ErrorCode::Usage, message).remedy(Remedy::NameApiKey)
}

/// A client of App Store Connect, or of the stand-in that a program made for development has.
///
/// # Errors
/// The environment names something that is no proxy, or the stand-in is on another machine.
pub fn client<'a>(key: &'a ApiKey, world: &'a World) -> Result<Client<'a>, Error> {
    let origin = match world.surroundings.portal {
        None => Origin::apple(),
        Some(address) => Origin::loopback(address).ok_or_else(|| {
            let message = format!("the stand-in at {address} is not on this machine");
            Error::new(ErrorCode::Usage, message)
        })?,
    };
    let client = Client::new(origin, key, &*world.clock, PATIENCE, |name| {
        world.variable(name)
    })?;
    Ok(client)
}

/// Everything that App Store Connect holds of the team.
///
/// # Errors
/// There is no answer, or none that can be used.
pub fn snapshot(client: &Client<'_>) -> Result<Snapshot, PortalError> {
    Ok(Snapshot {
        profiles: client.profiles()?,
        certificates: client.certificates()?,
        devices: client.devices()?,
        bundle_ids: client.bundle_ids()?,
    })
}
