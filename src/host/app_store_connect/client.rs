//! Requests, and what comes back.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use ureq::config::Config;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, RETRY_AFTER};
use ureq::http::{HeaderMap, HeaderValue, Response};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::error::PortalError;
use super::key::ApiKey;
use super::origin::Origin;
use super::proxy;
use super::token::Token;
use crate::apple::app_store_connect::document::{self, DocumentError, Page};
use crate::apple::app_store_connect::link;
use crate::apple::app_store_connect::rate_limit::RateLimit;
use crate::apple::app_store_connect::request::{self, NewProfile};
use crate::apple::app_store_connect::resource::{
    PortalBundleId, PortalCertificate, PortalDevice, PortalProfile, ProfileContent, ResourceId,
};
use crate::apple::app_store_connect::signing_request::SigningRequest;
use crate::apple::app_store_connect::words::CertificateType;
use crate::base::clock::{CLOCK_CORRECTION, Clock};
use crate::base::plain::plain;

/// Asks App Store Connect in the name of a team.
pub struct Client<'a> {
    agent: Agent,
    origin: Origin,
    key: &'a ApiKey,
    clock: &'a dyn Clock,
    token: RefCell<Option<Token>>,
}

/// How long one request may take, from the look-up of the host to the last byte of the answer.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked of profiles: everything but their content, and what they are linked to.
const PROFILE_FIELDS: &str = "fields[profiles]=name,profileType,profileState,uuid,createdDate,expirationDate,bundleId,certificates,devices\
    &include=bundleId,certificates,devices&fields[bundleIds]=identifier&fields[certificates]=serialNumber&fields[devices]=status\
    &limit[certificates]=50&limit[devices]=50";

/// What is asked of certificates.
const CERTIFICATE_FIELDS: &str =
    "fields[certificates]=name,certificateType,serialNumber,expirationDate,certificateContent";

/// What is asked of devices: not their identifiers.
const DEVICE_FIELDS: &str = "fields[devices]=name,deviceClass,status,model,addedDate";

/// What is asked of bundle ids.
const BUNDLE_ID_FIELDS: &str = "fields[bundleIds]=name,identifier,seedId";

impl<'a> Client<'a> {
    /// One that asks `origin` with `key`, through the proxy of the environment, and waits for an answer at most for
    /// `patience`.
    ///
    /// # Errors
    /// The environment names something that is no proxy.
    pub fn new(
        origin: Origin,
        key: &'a ApiKey,
        clock: &'a dyn Clock,
        patience: Duration,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, PortalError> {
        let proxy = match origin.is_loopback() {
            true => None,
            false => proxy::of_environment(variable)?,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Config::builder()
            .https_only(!origin.is_loopback())
            .proxy(proxy)
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(patience))
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .build();
        Ok(Self {
            agent: config.new_agent(),
            origin,
            key,
            clock,
            token: RefCell::new(None),
        })
    }

    /// Every profile of the team.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub fn profiles(&self) -> Result<Vec<PortalProfile>, PortalError> {
        self.pages(
            &format!("/v1/profiles?{PROFILE_FIELDS}&limit={PAGE}"),
            document::page,
        )
    }

    /// The profiles of this name.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub fn profiles_named(&self, name: &str) -> Result<Vec<PortalProfile>, PortalError> {
        // A comma separates several values of a filter: then every profile is looked at.
        let mut found = match name.contains(',') {
            true => self.profiles()?,
            false => {
                let filter = encoded(name);
                let path =
                    format!("/v1/profiles?filter[name]={filter}&{PROFILE_FIELDS}&limit={PAGE}");
                self.pages(&path, document::page)?
            }
        };
        // The filter may find more than was asked for.
        found.retain(|profile: &PortalProfile| profile.name == name);
        Ok(found)
    }

    /// Every certificate of the team.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub fn certificates(&self) -> Result<Vec<PortalCertificate>, PortalError> {
        self.pages(
            &format!("/v1/certificates?{CERTIFICATE_FIELDS}&limit={PAGE}"),
            document::page,
        )
    }

    /// Every device of the team.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub fn devices(&self) -> Result<Vec<PortalDevice>, PortalError> {
        self.pages(
            &format!("/v1/devices?{DEVICE_FIELDS}&limit={PAGE}"),
            document::page,
        )
    }

    /// Every bundle id of the team.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub fn bundle_ids(&self) -> Result<Vec<PortalBundleId>, PortalError> {
        self.pages(
            &format!("/v1/bundleIds?{BUNDLE_ID_FIELDS}&limit={PAGE}"),
            document::page,
        )
    }

    /// The same profile with everything that it is linked to: one answer holds only the first fifty.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub fn completed(&self, mut profile: PortalProfile) -> Result<PortalProfile, PortalError> {
        let all = |kind: &str| {
            let id = &profile.id;
            let path = format!("/v1/profiles/{id}/relationships/{kind}?limit={PAGE}");
            self.pages(&path, document::linkages)
        };
        let certificates = match profile.certificates.is_complete() {
            true => None,
            false => Some(all("certificates")?),
        };
        let devices = match profile.devices.is_complete() {
            true => None,
            false => Some(all("devices")?),
        };
        for (linked, found) in [
            (&mut profile.certificates, certificates),
            (&mut profile.devices, devices),
        ] {
            if let Some(found) = found {
                linked.total = found.len();
                linked.ids = found;
            }
        }
        Ok(profile)
    }

    /// The bytes of a profile. Nothing of them is proven.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub fn content(&self, id: &ResourceId) -> Result<Vec<u8>, PortalError> {
        let path = format!("/v1/profiles/{id}?fields[profiles]=profileContent");
        let answer = self.get(&path)?;
        let content: ProfileContent = self.read(&path, "GET", document::single(&answer))?;
        Ok(content.0)
    }

    /// Creates a profile.
    ///
    /// # Errors
    /// It is refused; or nobody knows whether it was created.
    pub fn create_profile(&self, new: NewProfile<'_>) -> Result<PortalProfile, PortalError> {
        let answer = self.post("/v1/profiles", &new.to_bytes())?;
        self.read("/v1/profiles", "POST", document::single(&answer))
    }

    /// Creates a certificate.
    ///
    /// # Errors
    /// It is refused; or nobody knows whether it was created.
    pub fn create_certificate(
        &self,
        certificate_type: &CertificateType,
        signing_request: &SigningRequest,
    ) -> Result<PortalCertificate, PortalError> {
        let body = request::new_certificate(certificate_type, signing_request.pem());
        let answer = self.post("/v1/certificates", &body)?;
        self.read("/v1/certificates", "POST", document::single(&answer))
    }

    /// Every resource of a path, page by page.
    fn pages<T>(
        &self,
        path: &str,
        read: impl Fn(&[u8]) -> Result<Page<T>, DocumentError>,
    ) -> Result<Vec<T>, PortalError> {
        let mut found = Vec::new();
        let mut path = path.to_owned();
        for _ in 0..MOST_PAGES {
            let answer = self.get(&path)?;
            let page = self.read(&path, "GET", read(&answer))?;
            found.extend(page.data);
            let Some(next) = page.next else {
                return Ok(found);
            };
            path = link::path_of(&next, self.origin.base()).map_err(|error| PortalError::Link {
                request: told("GET", &path),
                error,
            })?;
        }
        Err(PortalError::Pages {
            request: told("GET", &path),
            limit: MOST_PAGES,
        })
    }

    fn read<T>(
        &self,
        path: &str,
        method: &str,
        read: Result<T, DocumentError>,
    ) -> Result<T, PortalError> {
        read.map_err(|error| PortalError::Document {
            request: told(method, path),
            error,
        })
    }

    fn get(&self, path: &str) -> Result<Vec<u8>, PortalError> {
        let request = self.agent.get(self.url(path));
        let request = request.header(AUTHORIZATION, self.authorization()?);
        self.answer(told("GET", path), request.call())
    }

    fn post(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, PortalError> {
        let request = self.agent.post(self.url(path));
        let request = request
            .header(AUTHORIZATION, self.authorization()?)
            .header(CONTENT_TYPE, "application/json");
        self.answer(told("POST", path), request.send(body))
    }

    /// The URL of a path. Brackets in the names of parameters are written as every URL must have them.
    fn url(&self, path: &str) -> String {
        let path = path.replace('[', "%5B").replace(']', "%5D");
        format!("{}{path}", self.origin.base())
    }

    /// The header that carries the token.
    fn authorization(&self) -> Result<HeaderValue, PortalError> {
        let now = self.clock.now();
        let mut kept = self.token.borrow_mut();
        let token = match kept.take() {
            Some(token) if token.is_fresh(now) => token,
            _ => Token::new(self.key, now)?,
        };
        let header = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        *kept = Some(token);
        let mut header = header.map_err(|_| PortalError::NotSigned)?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// What an answer holds, if it is one that can be used.
    fn answer(
        &self,
        request: String,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<Vec<u8>, PortalError> {
        let unreachable = |request: String, error: &ureq::Error| PortalError::Unreachable {
            request,
            why: cause(error),
        };
        let mut answer = answer.map_err(|error| unreachable(request.clone(), &error))?;
        let body = answer.body_mut().with_config().limit(MAX_ANSWER as u64);
        let body = body
            .read_to_vec()
            .map_err(|error| match is_too_large(&error) {
                true => PortalError::TooLarge {
                    request: request.clone(),
                    limit: MAX_ANSWER,
                },
                false => unreachable(request.clone(), &error),
            });
        let status = answer.status().as_u16();
        let headers = answer.headers();
        match status {
            200..300 => body,
            429 => Err(PortalError::Limited {
                request,
                limit: text(headers, RATE_LIMIT).and_then(RateLimit::parse),
                until: self.until(headers),
            }),
            300..400 => Err(PortalError::Redirected { request, status }),
            400..500 => Err(PortalError::Refused {
                request,
                status,
                errors: document::errors(&body.unwrap_or_default()),
                ahead: match status {
                    401 => self.ahead(headers),
                    _ => None,
                },
            }),
            _ => Err(PortalError::Failed {
                request,
                status,
                errors: document::errors(&body.unwrap_or_default()),
            }),
        }
    }

    /// When requests are answered again: what the answer says, or when the rolling hour is over at the latest.
    fn until(&self, headers: &HeaderMap) -> Timestamp {
        let seconds = text(headers, RETRY_AFTER.as_str()).and_then(|it| it.trim().parse().ok());
        let seconds: i64 = seconds.unwrap_or(HOUR).clamp(0, HOUR);
        let now = self.clock.now();
        let until = now.saturating_add(SignedDuration::from_secs(seconds));
        let until = until.unwrap_or(now);
        Timestamp::from_second(until.as_second()).unwrap_or(until)
    }

    /// How far our clock is ahead of that of the answer, if it is more than what time synchronisation corrects.
    fn ahead(&self, headers: &HeaderMap) -> Option<SignedDuration> {
        let theirs = text(headers, DATE.as_str())?;
        let theirs = rfc2822::DateTimeParser::new()
            .parse_timestamp(theirs)
            .ok()?;
        let ahead = self.clock.now().duration_since(theirs);
        (ahead.abs() > CLOCK_CORRECTION).then_some(ahead)
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// What was asked, as messages tell it: `GET /v1/profiles`. A query holds names.
fn told(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    format!("{method} {}", plain(path))
}

/// A text as a part of a query.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Whether an answer was cut off at its bound.
fn is_too_large(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::BodyExceedsLimit(_))
}

/// Why there is no answer, without any part of the request.
fn cause(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "it took too long to answer".to_owned(),
        ureq::Error::HostNotFound => "the name of the host is not known".to_owned(),
        ureq::Error::Rustls(error) => plain(&format!("TLS: {error}")),
        ureq::Error::ConnectProxyFailed(_) => "the proxy does not connect".to_owned(),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the connection ended before the answer".to_owned()
        }
        ureq::Error::Io(error) => plain(&error.to_string()),
        ureq::Error::Protocol(_) => "the answer is not HTTP".to_owned(),
        ureq::Error::LargeResponseHeader(..) => "the header of the answer is too long".to_owned(),
        _ => "the connection failed".to_owned(),
    }
}

/// The header that tells how many requests are left.
const RATE_LIMIT: &str = "x-rate-limit";

/// Requests are counted in a rolling hour.
const HOUR: i64 = 3_600;

/// How many resources a page has: as many as Apple gives.
const PAGE: usize = 200;

/// How many pages of one collection are read: forty thousand resources.
const MOST_PAGES: usize = 200;

/// The longest answer, in bytes: a page of two hundred profiles with fifty devices each is a third of it.
const MAX_ANSWER: usize = 16 << 20;
