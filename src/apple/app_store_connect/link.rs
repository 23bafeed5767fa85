//! Where the next page is. A link is part of an answer, and the request that follows it carries the token: so only the path
//! and the query of a link are used, and only if it names the host that was asked.

/// A link that is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// To another host, or in another scheme.
    #[error("the link to the next page leads to another host than {0}")]
    Elsewhere(String),
    /// Not to a resource of the API.
    #[error("the link to the next page does not lead below /v1/")]
    Path,
    /// Characters that no link has.
    #[error("the link to the next page is not a URL")]
    Form,
}

/// The path and query of a link to the next page of what `base` (`https://HOST`) answered.
///
/// # Errors
/// It leads to another host, or is no link to a resource of the API.
pub fn path_of(link: &str, base: &str) -> Result<String, LinkError> {
    if link.len() > LONGEST_LINK || link.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(LinkError::Form);
    }
    let path = match link.starts_with('/') && !link.starts_with("//") {
        true => link,
        false => {
            let rest = link.strip_prefix(base);
            // `https://HOST.example` and `https://HOST@example` begin with the host too.
            let rest = rest.filter(|rest| rest.starts_with('/'));
            rest.ok_or_else(|| LinkError::Elsewhere(base.to_owned()))?
        }
    };
    let is_plain = path.starts_with("/v1/") && !path.contains("/..") && !path.contains(['\\', '#']);
    match is_plain {
        true => Ok(path.to_owned()),
        false => Err(LinkError::Path),
    }
}

/// The longest link, in bytes.
const LONGEST_LINK: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://api.appstoreconnect.apple.com";

    #[test]
    fn a_link_to_another_host_is_not_followed() {
        for link in [
            "https://example.com/v1/profiles?cursor=2",
            "https://api.appstoreconnect.apple.com.example.com/v1/profiles",
            "https://api.appstoreconnect.apple.com@example.com/v1/profiles",
            "https://api.appstoreconnect.apple.com:8443/v1/profiles",
            "http://api.appstoreconnect.apple.com/v1/profiles",
            "//example.com/v1/profiles",
        ] {
            assert_eq!(
                path_of(link, BASE),
                Err(LinkError::Elsewhere(BASE.to_owned())),
                "{link}"
            );
        }
    }

    #[test]
    fn a_link_to_the_same_host_is_followed() {
        let link = format!("{BASE}/v1/profiles?cursor=Mg.AB&limit=200");
        assert_eq!(
            path_of(&link, BASE).unwrap(),
            "/v1/profiles?cursor=Mg.AB&limit=200"
        );
        assert_eq!(
            path_of("/v1/devices?cursor=2", BASE).unwrap(),
            "/v1/devices?cursor=2"
        );
    }

    #[test]
    fn a_link_that_leaves_the_api_or_is_none_is_refused() {
        for link in ["/v2/apps", "/v1/../iris", "/v1/profiles#x"] {
            assert_eq!(path_of(link, BASE), Err(LinkError::Path), "{link}");
        }
        for link in [
            "/v1/profiles\r\nHost: x",
            "/v1/\u{fc}",
            &"/v1/".repeat(2_000),
        ] {
            assert_eq!(path_of(link, BASE), Err(LinkError::Form), "{link}");
        }
    }
}
