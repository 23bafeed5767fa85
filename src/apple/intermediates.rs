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

/// An intermediate as Apple publishes it.
struct Published {
    /// Its common name and generation.
    name: &'static str,
    /// The file in which www.apple.com/certificateauthority offers it.
    file: &'static str,
    /// The day (UTC) of its notAfter.
    ends: Date,
}

/// From the certificates themselves: `tests/real_profiles.rs` compares them. Which of WWDR's generations issues developer certificates says
/// "WWDR intermediate certificates" (developer.apple.com/help/account/reference/wwdr-intermediate-certificates): G3 for software, G6 for
/// software with ECDSA; the others are for Apple Pay, notifications, passes and what Apple itself signs.
const PUBLISHED: &[Published] = &[
    Published {
        name: "Apple Worldwide Developer Relations Certification Authority",
        file: "AppleWWDRCA.cer",
        ends: date(2023, 2, 7),
    },
    Published {
        name: "Apple Worldwide Developer Relations Certification Authority G3",
        file: "AppleWWDRCAG3.cer",
        ends: date(2030, 2, 20),
    },
    Published {
        name: "Apple Worldwide Developer Relations Certification Authority G6",
        file: "AppleWWDRCAG6.cer",
        ends: date(2036, 3, 19),
    },
    Published {
        name: "Developer ID Certification Authority",
        file: "DeveloperIDCA.cer",
        ends: date(2027, 2, 1),
    },
    Published {
        name: "Developer ID Certification Authority G2",
        file: "DeveloperIDG2CA.cer",
        ends: date(2031, 9, 17),
    },
];

fn published(issuer: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|it| it.name == issuer)
}

/// When the intermediate with this name expires, to the day; `None` for one that Apple's pages do not date.
pub fn expiry(issuer: &str) -> Option<Timestamp> {
    let midnight = published(issuer)?.ends.to_zoned(TimeZone::UTC).ok()?;
    Some(midnight.timestamp())
}

/// The file in which Apple offers the intermediate with this name; `None` for one that is not a developer's issuer.
pub fn file(issuer: &str) -> Option<&'static str> {
    published(issuer).map(|it| it.file)
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
