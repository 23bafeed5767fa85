//! Passwords that a verb is handed.

use super::error::Error;
use super::notice::Notice;
use super::world::World;
use crate::base::error::ErrorCode;
use crate::base::remedy::Remedy;
use crate::base::secret::Password;
use crate::host::secret_source::{self, Obtained, SecretSource};

/// Reads the password, or asks a person for it.
///
/// # Errors
/// It cannot be read, or there is no terminal to ask on.
pub fn read(source: &SecretSource, world: &World) -> Result<Password, Error> {
    Ok(told(source.read(|name| world.variable(name))?, world))
}

/// Reads the password of a p12, which may be empty: then the file says whether it is that.
///
/// # Errors
/// As [`read`].
pub fn read_for_file(source: &SecretSource, world: &World) -> Result<Password, Error> {
    Ok(told(
        source.read_or_empty(|name| world.variable(name))?,
        world,
    ))
}

/// Reads the password of the match repositories that the verb reads, and keeps it from whatever is started.
///
/// # Errors
/// As [`read`], or nothing is open at the descriptor.
pub fn give_match_password(source: &SecretSource, world: &mut World) -> Result<(), Error> {
    keep_from_commands(Some(source))?;
    let password = read(source, world);
    world.match_password = Some(password.map_err(|error| with(error, Remedy::GiveMatchPassword))?);
    world.match_password_variable = variable(Some(source)).map(str::to_owned);
    Ok(())
}

fn told(obtained: Obtained, world: &World) -> Password {
    if let Some(caution) = &obtained.caution {
        world.notify(&Notice::Caution(caution));
    }
    obtained.password
}

/// Reads the password of a keychain, or asks a person for it.
///
/// # Errors
/// As [`read`].
pub fn read_for_keychain(source: &SecretSource, world: &World) -> Result<Password, Error> {
    read(source, world).map_err(|error| with(error, Remedy::GiveKeychainPassword))
}

/// Where another way to hand the password in mends the error, that of this password.
fn with(error: Error, remedy: Remedy) -> Error {
    match error.advice() {
        (_, Some(Remedy::GivePassword)) => error.remedy(remedy),
        _ => error,
    }
}

/// Keeps the descriptor that the password comes in on from every process that is started, whether or not the password is
/// read. To be called before anything is opened: later the number may belong to a file of ours.
///
/// # Errors
/// Nothing is open there.
pub fn keep_from_commands(source: Option<&SecretSource>) -> Result<(), Error> {
    match source.and_then(descriptor) {
        Some(number) => secret_source::keep_from_commands(number)
            .map_err(|error| Error::from(error).with_code(ErrorCode::Usage)),
        None => Ok(()),
    }
}

/// Whether the password comes in on standard input, which nobody else may read then.
pub fn is_standard_input(source: Option<&SecretSource>) -> bool {
    source.and_then(descriptor) == Some(0)
}

/// The environment variable that the password comes in, which nothing that is started may inherit.
pub fn variable(source: Option<&SecretSource>) -> Option<&str> {
    match source {
        Some(SecretSource::Environment(name)) => Some(name),
        _ => None,
    }
}

fn descriptor(source: &SecretSource) -> Option<u32> {
    match source {
        SecretSource::File(path) => secret_source::descriptor_named(path),
        SecretSource::Descriptor(number) => Some(*number),
        SecretSource::Environment(_) | SecretSource::Prompt(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_that_is_not_open_is_told_with_how_to_open_it() {
        let source = SecretSource::Descriptor(1_000_003);
        let error = keep_from_commands(Some(&source)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Usage);
        let (hint, _) = error.advice();
        assert!(hint.unwrap().contains("1000003< FILE"), "{hint:?}");
    }
}
