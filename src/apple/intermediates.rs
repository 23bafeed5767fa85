//! The intermediates that issue developer certificates, and when each expires.
//!
//! A developer certificate names its issuer and does not hold it, so a manifest tells of an intermediate by name alone. Apple
//! publishes its intermediates and their dates. When one expires, no certificate that it issued can sign any more, whatever
//! its own date.
//!
//! The names are those that [`Certificate::issuer_name`](super::certificate::Certificate::issuer_name) gives. A name proves
//! nothing: these dates are for reports that look ahead, and no verdict rests on them.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

/// Issuer and the day (UTC) of its notAfter. Sources: "Apple Worldwide Developer Relations Intermediate Certificate
/// Expiration" (developer.apple.com/support/certificates/expiration), "Developer ID Intermediate Certificate Updates"
/// (developer.apple.com/support/developer-id-intermediate-certificate), and the certificates of
/// www.apple.com/certificateauthority themselves (`DeveloperIDCA.cer`, `DeveloperIDG2CA.cer`).
const PUBLISHED: &[(&str, Date)] = &[
    (
        "Apple Worldwide Developer Relations Certification Authority",
        date(2023, 2, 7),
    ),
    (
        "Apple Worldwide Developer Relations Certification Authority G3",
        date(2030, 2, 20),
    ),
    ("Developer ID Certification Authority", date(2027, 2, 1)),
    ("Developer ID Certification Authority G2", date(2031, 9, 17)),
];

/// When the intermediate with this name expires, to the day; `None` for one that Apple's pages do not date.
pub fn expiry(issuer: &str) -> Option<Timestamp> {
    let (_, day) = PUBLISHED.iter().find(|(name, _)| *name == issuer)?;
    let midnight = day.to_zoned(TimeZone::UTC).ok()?;
    Some(midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generations_of_one_intermediate_are_told_apart() {
        let shown = |issuer: &str| expiry(issuer).map(|at| at.to_string());
        let wwdr = "Apple Worldwide Developer Relations Certification Authority";
        assert_eq!(shown(wwdr).unwrap(), "2023-02-07T00:00:00Z");
        let third = format!("{wwdr} G3");
        assert_eq!(shown(&third).unwrap(), "2030-02-20T00:00:00Z");
        assert_eq!(shown("Acme Certification Authority"), None);
    }
}
