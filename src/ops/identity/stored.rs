//! Identities as fastlane match stores them: a private key in a file called `.p12` beside its certificate, or a whole repository.
//!
//! Nothing that is decrypted touches the disk.

use std::path::Path;

use crate::apple::match_repository::identities::{
    Paired, StoredCertificate, StoredKey, of_key, pair,
};
use crate::apple::match_repository::{self, StoredKeyError};
use crate::apple::pkcs12::{self, Pkcs12Error, Pkcs12Identity};
use crate::base::error::{ErrorCode, Explain};
use crate::base::secret::Password;
use crate::host::files::{self, Input, ReadErrorKind};
use crate::host::inputs::Inputs;
use crate::host::match_tree::MatchTree;
use crate::host::secret_source::SecretSource;
use crate::ops::error::Error;
use crate::ops::notice::Notice;
use crate::ops::password;
use crate::ops::world::World;

/// What is read.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Reading<'a> {
    /// A file, or the directory of a match repository.
    pub(in crate::ops) input: &'a Input,
    /// Where the password comes from that a PKCS#12 file has of its own.
    pub(in crate::ops) password: &'a SecretSource,
    /// Where the files are noted that are read; standard input is not, as it can be read only once.
    pub(in crate::ops) inputs: Option<&'a Inputs>,
    /// Where the password of the repository is.
    pub(in crate::ops) world: &'a World,
}

/// What an input holds.
pub(in crate::ops) enum Content {
    /// Identities as match stores them.
    Stored(Vec<Pkcs12Identity>),
    /// The bytes of something else.
    Other(Vec<u8>),
}

impl Reading<'_> {
    /// Reads the input.
    ///
    /// # Errors
    /// It cannot be read or decrypted, or a key has no certificate.
    pub(in crate::ops) fn read(self) -> Result<Content, Error> {
        if let Input::File(path) = self.input
            && let Some(tree) = MatchTree::find(path)?
        {
            return self.tree(path, &tree).map(Content::Stored);
        }
        let bytes = self.input.read(pkcs12::MAX_FILE)?;
        if let Input::File(path) = self.input {
            self.note(path, &bytes);
        }
        let key = match_repository::Content::Key;
        let opened = match_repository::decrypt(&bytes, key, self.world.match_password.as_ref());
        let opened = opened.map_err(|error| Error::of_input(error, self.input))?;
        let clear = opened.as_ref().map_or(&*bytes, |opened| opened.expose());
        let pem = pkcs12::read_pem(clear);
        match pem.map_err(|error| Error::of_input(error, self.input))? {
            // Whoever encrypts a PKCS#12 file gave it no other password, or one that is asked for.
            None if opened.is_some() => self.container(clear).map(Content::Stored),
            None => Ok(Content::Other(bytes)),
            // Match stores the certificate beside the key. Both in one text is what other tools make of a container, and no
            // `security import` takes it under this name: it is told as that.
            Some(pem) if opened.is_none() && !pem.certificates.is_empty() => {
                Ok(Content::Other(bytes))
            }
            Some(pem) => {
                let key = StoredKey {
                    file: self.input.to_string(),
                    keys: pem.keys,
                    certificates: pem.certificates,
                };
                self.with_certificate(&key).map(Content::Stored)
            }
        }
    }

    fn note(&self, path: &Path, bytes: &[u8]) {
        if let Some(inputs) = self.inputs {
            inputs.note(path, bytes);
        }
    }

    /// The identities of a PKCS#12 file that was decrypted.
    fn container(&self, clear: &[u8]) -> Result<Vec<Pkcs12Identity>, Error> {
        let malformed = |error: Pkcs12Error| Error::of_input(error, self.input);
        let empty = Password::new(String::new());
        let content = match pkcs12::read(clear, &empty) {
            Err(Pkcs12Error::EmptyDoesNotOpen { .. }) => {
                let password = password::read_for_file(self.password, self.world)?;
                pkcs12::read(clear, &password).map_err(malformed)?
            }
            read => read.map_err(malformed)?,
        };
        match content.identities.is_empty() {
            true => Err(malformed(content.no_identity())),
            false => Ok(content.identities),
        }
    }

    /// The identities of a key in PEM and the certificate in the same file, or in the one beside it.
    fn with_certificate(&self, key: &StoredKey) -> Result<Vec<Pkcs12Identity>, Error> {
        let malformed = |error: StoredKeyError| Error::of_input(error, self.input);
        let Input::File(path) = self.input else {
            return of_key(key, None, "beside standard input").map_err(malformed);
        };
        let beside = path.with_extension("cer");
        let name = beside.display().to_string();
        let certificate = match key.certificates.is_empty() && beside != *path {
            true => self.certificate(&beside)?,
            false => None,
        };
        of_key(key, certificate.as_ref(), &name).map_err(malformed)
    }

    /// The certificate in a file; `None` if there is no such file.
    fn certificate(&self, path: &Path) -> Result<Option<StoredCertificate>, Error> {
        let Some(bytes) = missing_is_none(path)? else {
            return Ok(None);
        };
        self.note(path, &bytes);
        let file = path.display().to_string();
        let stated = match_repository::Content::Certificate;
        let opened = match_repository::decrypt(&bytes, stated, self.world.match_password.as_ref());
        let opened = opened.map_err(|error| in_file(error, path))?;
        let clear = opened.as_ref().map_or(&*bytes, |opened| opened.expose());
        let certificate = match_repository::certificate(clear).ok_or_else(|| {
            let certificate = file.clone();
            in_file(StoredKeyError::NotCertificate { certificate }, path)
        })?;
        Ok(Some(StoredCertificate {
            file,
            der: certificate.der.into_vec(),
        }))
    }

    /// Every identity of a repository. Keys without a certificate are told.
    fn tree(&self, directory: &Path, tree: &MatchTree) -> Result<Vec<Pkcs12Identity>, Error> {
        let own = match self.password {
            // Nobody is asked for the password of each file of a repository.
            SecretSource::Prompt(_) => None,
            given => Some(password::read_for_file(given, self.world)?),
        };
        let mut keys = Vec::new();
        for path in &tree.keys {
            let bytes = files::read_bounded(path, pkcs12::MAX_FILE)?;
            self.note(path, &bytes);
            let stated = match_repository::Content::Key;
            let repository = self.world.match_password.as_ref();
            let opened = match_repository::decrypt(&bytes, stated, repository);
            let opened = opened.map_err(|error| in_file(error, path))?;
            let clear = opened.as_ref().map_or(&*bytes, |opened| opened.expose());
            let key = StoredKey::read(path.display().to_string(), clear, own.as_ref());
            keys.push(key.map_err(|error| in_file(error, path))?);
        }
        let mut certificates = Vec::new();
        for path in &tree.certificates {
            certificates.extend(self.certificate(path)?);
        }
        let Paired {
            identities,
            without_certificate,
            ..
        } = pair(&keys, &certificates);
        for file in without_certificate {
            let caution = format!("{file}: no certificate of the repository belongs to this key");
            self.world.notify(&Notice::Caution(&caution));
        }
        if identities.is_empty() {
            let message = format!(
                "{}: the match repository holds no private key with its certificate",
                directory.display()
            );
            return Err(Error::new(ErrorCode::FileMissing, message)
                .hint("check out the branch of the team and the kind of certificate that you need")
                .in_file(directory));
        }
        Ok(identities)
    }
}

fn missing_is_none(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match files::read_bounded(path, pkcs12::MAX_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind, ReadErrorKind::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with a file, named with it.
fn in_file(cause: impl Explain + Send + Sync + 'static, path: &Path) -> Error {
    Error::from(cause)
        .preceded_by(&path.display().to_string())
        .in_file(path)
}
