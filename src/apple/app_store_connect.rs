//! App Store Connect: what its API answers, as typed values; and the requests that create something.
//!
//! The API speaks JSON:API. A document has `data`, one resource or a page of them, and `links.next` where more follow. A
//! resource has a `type`, an `id`, `attributes` and `relationships`. Four kinds of resource matter to signing: profiles,
//! certificates, devices and bundle ids. What goes wrong is told in an `errors` document. Names, words and limits are those
//! of Apple's OpenAPI document of the API (version 4.4.1), which `tests/portal/openapi.json` keeps a part of.
//!
//! An answer comes over a network, so nothing of it is believed beyond its form: every id is checked before it becomes part
//! of a path, a link to the next page is followed on the same host alone, and a profile is proven like any other file before
//! it is written. A word that is not known (a new type of profile) is kept as it is, and nothing is decided by it.
//!
//! - [`document`]: documents of one resource, of a page, of linkages and of errors
//! - [`link`]: where the next page is
//! - [`rate_limit`]: how many requests are left in this hour
//! - [`request`]: what is sent to create a profile or a certificate
//! - [`resource`]: profiles, certificates, devices, bundle ids
//! - [`signing_request`]: the certificate signing request that somebody made
//! - [`words`]: types of profiles and certificates

pub mod document;
pub mod link;
pub mod rate_limit;
pub mod request;
pub mod resource;
pub mod signing_request;
pub mod words;
