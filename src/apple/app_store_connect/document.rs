//! Documents: one resource, a page of them, linkages, errors.

use std::fmt;

use serde::Deserialize;

use super::resource::{Linkage, Resource, ResourceId};
use crate::base::plain::plain;

/// A page of resources, and the link to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The resources.
    pub data: Vec<T>,
    /// `links.next`, as the answer has it.
    pub next: Option<String>,
}

/// An answer that is not what the API promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, or not of the form of its document.
    #[error("it is not such a document: {0}")]
    Form(String),
    /// A resource of another type.
    #[error("it holds a resource of the type {found:?} among {expected}")]
    Type {
        /// What was asked for.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A resource that lacks something or is not of its form.
    #[error("the resource {id} of the type {kind} {why}")]
    Resource {
        /// Which.
        id: ResourceId,
        /// Of which type.
        kind: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Deserialize)]
struct Document<D> {
    data: D,
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Links {
    next: Option<String>,
}

#[derive(Deserialize)]
struct Object<A, R> {
    #[serde(rename = "type")]
    kind: String,
    id: ResourceId,
    attributes: Option<A>,
    relationships: Option<R>,
}

type ObjectOf<T> = Object<<T as Resource>::Attributes, <T as Resource>::Relationships>;

fn parsed<'de, D: Deserialize<'de>>(bytes: &'de [u8]) -> Result<Document<D>, DocumentError> {
    serde_json::from_slice(bytes).map_err(|error| DocumentError::Form(shown(&error.to_string())))
}

fn resource<T: Resource>(object: ObjectOf<T>) -> Result<T, DocumentError> {
    if object.kind != T::TYPE {
        return Err(DocumentError::Type {
            expected: T::TYPE,
            found: shown(&object.kind),
        });
    }
    let id = object.id.clone();
    let attributes = object.attributes.unwrap_or_default();
    let relationships = object.relationships.unwrap_or_default();
    T::of(object.id, attributes, relationships).map_err(|why| DocumentError::Resource {
        id,
        kind: T::TYPE,
        why,
    })
}

/// Reads a page of resources.
///
/// # Errors
/// It is none.
pub fn page<T: Resource>(bytes: &[u8]) -> Result<Page<T>, DocumentError> {
    let document: Document<Vec<ObjectOf<T>>> = parsed(bytes)?;
    Ok(Page {
        data: document
            .data
            .into_iter()
            .map(resource)
            .collect::<Result<_, _>>()?,
        next: document.links.and_then(|links| links.next),
    })
}

/// Reads a document of one resource.
///
/// # Errors
/// It is none.
pub fn single<T: Resource>(bytes: &[u8]) -> Result<T, DocumentError> {
    let document: Document<ObjectOf<T>> = parsed(bytes)?;
    resource(document.data)
}

/// Reads a page of linkages: ids of what a resource is related to.
///
/// # Errors
/// It is none.
pub fn linkages(bytes: &[u8]) -> Result<Page<ResourceId>, DocumentError> {
    let document: Document<Vec<Linkage>> = parsed(bytes)?;
    Ok(Page {
        data: document.data.into_iter().map(|it| it.id).collect(),
        next: document.links.and_then(|links| links.next),
    })
}

/// One of the errors that an answer tells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ApiError {
    /// Its code, as in `ENTITY_ERROR.ATTRIBUTE.INVALID`.
    #[serde(default)]
    pub code: String,
    /// What happened, in a few words.
    #[serde(default)]
    pub title: String,
    /// What happened, in a sentence.
    #[serde(default)]
    pub detail: String,
}

#[derive(Deserialize)]
struct ErrorDocument {
    errors: Vec<ApiError>,
}

/// The errors that an answer tells; none if it is no document of errors. Their texts are fit to be shown: without what a
/// terminal would act on, and no longer than a few lines.
pub fn errors(bytes: &[u8]) -> Vec<ApiError> {
    let document: Result<ErrorDocument, _> = serde_json::from_slice(bytes);
    let errors = document.map(|document| document.errors).unwrap_or_default();
    let errors = errors.into_iter().take(MOST_ERRORS);
    errors
        .map(|error| ApiError {
            code: shown(&error.code),
            title: shown(&error.title),
            detail: shown(&error.detail),
        })
        .collect()
}

/// What Apple says, with its code: `There is a problem (ENTITY_ERROR)`.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match self.detail.is_empty() {
            true => &self.title,
            false => &self.detail,
        };
        match (said.is_empty(), self.code.is_empty()) {
            (_, true) => f.write_str(said),
            (true, false) => f.write_str(&self.code),
            (false, false) => write!(f, "{} ({})", said.trim_end_matches('.'), self.code),
        }
    }
}

/// A text of an answer, as a message can show it.
fn shown(text: &str) -> String {
    plain(text).chars().take(LONGEST_TEXT).collect()
}

/// How many errors of one answer are told: more say the same again.
const MOST_ERRORS: usize = 3;

/// The longest text of an answer that a message holds, in characters.
const LONGEST_TEXT: usize = 300;

#[cfg(test)]
mod tests {
    use super::super::resource::{PortalBundleId, PortalDevice, PortalProfile, ProfileStanding};
    use super::*;

    const PROFILE: &str = r#"{"data":[{"type":"profiles","id":"ABC","attributes":{"name":"Rocket","uuid":
        "0b2e5a1c-0000-4000-8000-000000000001","profileType":"IOS_APP_STORE","profileState":"INVALID",
        "createdDate":"2025-03-01T10:00:00.000+00:00","expirationDate":"2026-03-01T10:00:00.000+00:00"},
        "relationships":{"bundleId":{"data":{"type":"bundleIds","id":"B1"}},
        "certificates":{"data":[{"type":"certificates","id":"C1"}],"meta":{"paging":{"total":3,"limit":1}}}}}],
        "links":{"self":"x","next":"https://api.appstoreconnect.apple.com/v1/profiles?cursor=2"}}"#;

    #[test]
    fn a_page_of_profiles_is_read() {
        let page: Page<PortalProfile> = page(PROFILE.as_bytes()).unwrap();
        let profile = &page.data[0];
        assert_eq!(profile.standing, ProfileStanding::Invalid);
        assert_eq!(profile.bundle_id.as_ref().unwrap().as_str(), "B1");
        assert_eq!(profile.certificates.total, 3);
        assert!(!profile.certificates.is_complete());
        assert!(
            profile.devices.is_complete(),
            "no linkage is a complete one"
        );
        assert!(page.next.unwrap().ends_with("cursor=2"));
    }

    #[test]
    fn an_answer_that_lacks_or_twists_something_is_malformed() {
        let bad = |text: &str| {
            page::<PortalProfile>(text.as_bytes())
                .unwrap_err()
                .to_string()
        };
        let lacks = PROFILE.replace("\"name\":\"Rocket\",", "");
        assert!(bad(&lacks).contains("ABC of the type profiles has no name"));
        let other = PROFILE.replace("\"type\":\"profiles\"", "\"type\":\"apps\"");
        assert!(bad(&other).contains("type \"apps\" among profiles"));
        // An id that would leave its place in a path.
        let id = PROFILE.replace("\"id\":\"ABC\"", "\"id\":\"../users\"");
        assert!(bad(&id).contains("letters, digits"));
        let long = PROFILE.replace("\"id\":\"ABC\"", &format!("\"id\":\"{}\"", "A".repeat(129)));
        assert!(bad(&long).contains("1 to 128"));
        assert!(bad("<html>").contains("not such a document"));
        assert!(bad("").contains("not such a document"));
        let deep = "[".repeat(10_000);
        assert!(bad(&deep).contains("not such a document"));
    }

    #[test]
    fn a_device_that_is_disabled_is_told_from_an_enabled_one() {
        let device = |status| {
            let text = format!(
                r#"{{"data":{{"type":"devices","id":"D","attributes":{{"name":"n","status":"{status}"}}}}}}"#
            );
            single::<PortalDevice>(text.as_bytes()).unwrap().is_enabled
        };
        assert!(device("ENABLED"));
        assert!(!device("DISABLED"));
        let none = single::<PortalBundleId>(br#"{"data":{"type":"bundleIds","id":"B"}}"#);
        assert!(none.unwrap_err().to_string().contains("has no identifier"));
    }

    #[test]
    fn errors_are_told_in_few_words_and_without_what_a_terminal_acts_on() {
        let text = format!(
            r#"{{"errors":[{{"status":"409","code":"ENTITY_ERROR","title":"t","detail":"\u001b[31mno{}."}},
            {{"code":"A"}},{{"title":"b"}},{{}},{{}}]}}"#,
            "x".repeat(5_000)
        );
        let errors = errors(text.as_bytes());
        assert_eq!(errors.len(), 3);
        let said = errors[0].to_string();
        assert!(!said.contains('\u{1b}') && said.len() < 400, "{said}");
        assert!(said.ends_with("(ENTITY_ERROR)"), "{said}");
        assert_eq!(errors[1].to_string(), "A");
        assert_eq!(errors[2].to_string(), "b");
        assert!(super::errors(b"<html>").is_empty());
    }
}
