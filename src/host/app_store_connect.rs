//! The API of App Store Connect: the only place of the program that uses the network.
//!
//! Requests go to one host, `Origin::apple`, over TLS whose roots are those of the platform, through the proxy that the
//! environment names. The token of a request lives for minutes and goes nowhere else: redirects are not followed, and a link
//! to a next page is used only if it names the same host. What comes back has a bound in bytes and in seconds.
//!
//! A program made for development can ask a stand-in on its own machine (`Origin::loopback`); nothing that the released
//! program reads can name one.
//!
//! - [`client`]: requests, and what comes back
//! - [`error`]: why there is no answer
//! - [`key`]: the API key of a team
//! - [`origin`]: which host is asked
//! - [`proxy`]: the proxy that the environment names
//! - [`renewal_journal`]: the successors that are being made

pub mod client;
pub mod error;
pub mod key;
pub mod origin;
pub mod proxy;
pub mod renewal_journal;
mod token;
