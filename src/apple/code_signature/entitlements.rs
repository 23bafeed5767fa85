//! The entitlements in a signature: an XML property list, and the same in DER, which the system reads.
//!
//! Apple's verifier never compares the two. A program whose XML says less than its DER looks harmless to every tool that
//! prints the XML, so they are compared here.

use super::super_blob::{self, BlobError};
use crate::apple::der_profile::{self, DerProfileError};
use crate::apple::entitlements::{Entitlements, EntitlementsError};

/// Why a component holds no entitlements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// Not the blob that it must be.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Not a property list of entitlements.
    #[error(transparent)]
    Xml(#[from] EntitlementsError),
    /// Not entitlements in DER.
    #[error("the DER entitlements cannot be read: {0}")]
    Der(#[from] DerProfileError),
}

/// The entitlements of the XML component; `None` if it is empty, as `codesign` writes it for none.
///
/// # Errors
/// It holds none.
pub fn of_xml(component: &[u8]) -> Result<Option<Entitlements>, ComponentError> {
    let payload = super_blob::payload(component, super_blob::ENTITLEMENTS)?;
    if payload.is_empty() {
        return Ok(None);
    }
    Ok(Some(Entitlements::from_plist(payload)?))
}

/// The entitlements of the DER component.
///
/// # Errors
/// It holds none.
pub fn of_der(component: &[u8]) -> Result<Entitlements, ComponentError> {
    let payload = super_blob::payload(component, super_blob::ENTITLEMENTS_DER)?;
    Ok(der_profile::parse_entitlements(payload)?.into())
}

/// The first key that one of them has otherwise than the other, and both values in JSON; `None` if they say the same.
pub fn difference(xml: &Entitlements, der: &Entitlements) -> Option<(String, String, String)> {
    let keys = xml.iter().chain(der.iter()).map(|(key, _)| key);
    let key = keys.filter(|key| xml.get(key) != der.get(key)).min()?;
    let shown = |entitlements: &Entitlements| match entitlements.get(key) {
        Some(value) => serde_json::to_string(value).unwrap_or_default(),
        None => "not there".to_owned(),
    };
    Some((key.to_owned(), shown(xml), shown(der)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_told_with_both_values() {
        let plist = |body: &str| {
            Entitlements::from_plist(format!("<plist><dict>{body}</dict></plist>").as_bytes())
                .unwrap()
        };
        let one = plist("<key>a</key><true/><key>b</key><string>x</string>");
        assert_eq!(difference(&one, &one), None);
        let other = plist("<key>b</key><string>y</string><key>a</key><true/>");
        let told = difference(&one, &other).unwrap();
        assert_eq!(
            told,
            ("b".to_owned(), "\"x\"".to_owned(), "\"y\"".to_owned())
        );
        let told = difference(&plist(""), &one).unwrap();
        assert_eq!(
            told,
            ("a".to_owned(), "not there".to_owned(), "true".to_owned())
        );
    }
}
