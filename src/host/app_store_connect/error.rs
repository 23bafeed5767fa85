//! Why App Store Connect gives no answer that can be used.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::apple::app_store_connect::document::{ApiError, DocumentError};
use crate::apple::app_store_connect::link::LinkError;
use crate::apple::app_store_connect::rate_limit::RateLimit;
use crate::base::clock::show_duration;
use crate::base::error::{ErrorCode, Explain};

/// Why there is no answer. No variant holds the token or the key.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// No connection, or none that lasted.
    #[error("{request}: App Store Connect cannot be reached: {why}")]
    Unreachable {
        /// What was asked, without its query.
        request: String,
        /// Why, in the words of the system or of the TLS library.
        why: String,
    },
    /// The environment names something that is no proxy.
    #[error("the environment variable {variable} is not the address of a proxy")]
    Proxy {
        /// The variable.
        variable: &'static str,
    },
    /// A status of 500 or more.
    #[error(
        "{request}: App Store Connect has failed (status {status}){}",
        Said(errors)
    )]
    Failed {
        /// What was asked, without its query.
        request: String,
        /// The status.
        status: u16,
        /// What the answer tells.
        errors: Vec<ApiError>,
    },
    /// A status from 400 on.
    #[error("{request}: App Store Connect refuses it (status {status}){}{}", Said(errors), Skew(*ahead))]
    Refused {
        /// What was asked, without its query.
        request: String,
        /// The status.
        status: u16,
        /// What the answer tells.
        errors: Vec<ApiError>,
        /// How far the clock of this machine is ahead of that of App Store Connect, where that is more than a minute.
        ahead: Option<SignedDuration>,
    },
    /// The status 429.
    #[error("{request}: App Store Connect answers no more requests of this key for now{}", Left(*limit))]
    Limited {
        /// What was asked, without its query.
        request: String,
        /// What the answer says of the limit.
        limit: Option<RateLimit>,
        /// When requests are answered again, at the latest.
        until: Timestamp,
    },
    /// An answer that is longer than any.
    #[error("{request}: the answer is longer than {limit} bytes")]
    TooLarge {
        /// What was asked, without its query.
        request: String,
        /// The bound.
        limit: usize,
    },
    /// A redirection, which no API of Apple's gives.
    #[error("{request}: the answer leads elsewhere (status {status}), and is not followed")]
    Redirected {
        /// What was asked, without its query.
        request: String,
        /// The status.
        status: u16,
    },
    /// An answer that is not what the API promises.
    #[error("{request}: the answer cannot be used: {error}")]
    Document {
        /// What was asked, without its query.
        request: String,
        /// Why.
        error: DocumentError,
    },
    /// A link to a next page that is not followed.
    #[error("{request}: {error}")]
    Link {
        /// What was asked, without its query.
        request: String,
        /// Why.
        error: LinkError,
    },
    /// More pages than any team has.
    #[error("{request}: the answer has more than {limit} pages")]
    Pages {
        /// What was asked, without its query.
        request: String,
        /// The bound.
        limit: usize,
    },
    /// A token cannot be signed.
    #[error("the system gives no random numbers, so no token can be signed")]
    NotSigned,
}

impl PortalError {
    /// Whether a request that was to create something may have done so: nobody knows what became of it.
    pub fn is_ambiguous(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Failed { .. }
                | Self::TooLarge { .. }
                | Self::Document { .. }
                | Self::Redirected { .. }
        )
    }

    /// What the answer tells, if it refuses this request and not every one: a conflict, or something about the resource.
    pub fn refusal(&self) -> Option<&[ApiError]> {
        match self {
            Self::Refused {
                status: 409 | 422,
                errors,
                ..
            } => Some(errors),
            _ => None,
        }
    }
}

impl Explain for PortalError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Unreachable { .. } | Self::Failed { .. } => ErrorCode::PortalUnreachable,
            Self::Proxy { .. } => ErrorCode::Usage,
            Self::Refused { .. } => ErrorCode::PortalRefused,
            Self::Limited { .. } => ErrorCode::PortalLimited,
            Self::TooLarge { .. }
            | Self::Redirected { .. }
            | Self::Document { .. }
            | Self::Link { .. }
            | Self::Pages { .. } => ErrorCode::PortalAnswerMalformed,
            Self::NotSigned => ErrorCode::SigningFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreachable { .. } => {
                "check the network of this machine and HTTPS_PROXY, and run the command again".into()
            }
            Self::Proxy { .. } => "set it to http://HOST:PORT, or unset it".into(),
            Self::Failed { .. } => {
                "look at https://developer.apple.com/system-status, and run the command again later".into()
            }
            Self::Refused { ahead: Some(_), .. } => {
                "set the clock of this machine: a token is valid for minutes".into()
            }
            Self::Refused { status: 401, .. } => {
                "check that the key id, the issuer id and the .p8 file belong together, and that the key is not revoked".into()
            }
            Self::Refused { status: 403, .. } => {
                "use a team key with the role Admin, and have the Account Holder accept new agreements".into()
            }
            Self::Refused { .. } => return None,
            Self::Limited { until, .. } => {
                format!("run the same command again from {until} on: it goes on where it stopped")
            }
            Self::TooLarge { .. } | Self::Redirected { .. } | Self::Document { .. } => {
                "check whether a proxy answers in the place of App Store Connect".into()
            }
            Self::Link { .. } | Self::Pages { .. } => {
                "check whether something answers in the place of App Store Connect, and report it if not".into()
            }
            Self::NotSigned => return None,
        })
    }
}

/// `: what Apple says; and more`
struct Said<'a>(&'a [ApiError]);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if number == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

/// `; the clock of this machine is 7m behind that of App Store Connect`
struct Skew(Option<SignedDuration>);

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ahead) = self.0 else {
            return Ok(());
        };
        let word = if ahead.is_negative() {
            "behind"
        } else {
            "ahead of"
        };
        let by = show_duration(ahead);
        write!(
            f,
            "; the clock of this machine is {by} {word} that of App Store Connect"
        )
    }
}

/// ` (0 of 3500 requests of this hour are left)`
struct Left(Option<RateLimit>);

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(RateLimit { limit, remaining }) => {
                write!(
                    f,
                    " ({remaining} of {limit} requests of this hour are left)"
                )
            }
            None => Ok(()),
        }
    }
}
