//! The token of a request: a JSON Web Token, signed with the key of the team (Apple's "Generating Tokens for API
//! Requests").

use base64ct::{Base64UrlUnpadded, Encoding as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::error::PortalError;
use super::key::ApiKey;
use crate::base::secret::Password;

/// For whom tokens are.
const AUDIENCE: &str = "appstoreconnect-v1";

/// How long a token lives from now on. Apple takes none of more than twenty minutes.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// How long before now a token says that it was made: a clock that is a little ahead of Apple's must not make it one of the
/// future.
const BEFORE: SignedDuration = SignedDuration::from_mins(1);

/// How much of its life must be left when it is used.
const LEFT: SignedDuration = SignedDuration::from_mins(2);

/// A token.
pub(super) struct Token {
    text: Password,
    until: Timestamp,
}

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no randomness to sign with.
    pub(super) fn new(key: &ApiKey, now: Timestamp) -> Result<Self, PortalError> {
        let until = now.saturating_add(LIFE).unwrap_or(now);
        let from = now.saturating_sub(BEFORE).unwrap_or(now);
        let header = json!({ "alg": "ES256", "kid": key.id(), "typ": "JWT" });
        let claims = json!({
            "iss": key.issuer(),
            "iat": from.as_second(),
            "exp": until.as_second(),
            "aud": AUDIENCE,
        });
        let encode = |part: &[u8]| Base64UrlUnpadded::encode_string(part);
        let signed = [header, claims]
            .map(|part| encode(part.to_string().as_bytes()))
            .join(".");
        let signature = key.signature(signed.as_bytes());
        let signature = signature.ok_or(PortalError::NotSigned)?;
        Ok(Self {
            text: Password::new(format!("{signed}.{}", encode(&signature))),
            until,
        })
    }

    /// Whether a request that is sent now arrives before it ends.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.until.duration_since(now) > LEFT && self.until.duration_since(now) <= LIFE
    }

    /// The text. Every call is a place where a secret leaves its box.
    pub(super) fn expose(&self) -> &str {
        self.text.expose()
    }
}
