//! What is sent to create a profile or a certificate: `ProfileCreateRequest` and `CertificateCreateRequest` of Apple's
//! OpenAPI document.

use serde_json::json;

use super::resource::ResourceId;
use super::words::{CertificateType, ProfileType};

/// What a new profile is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewProfile<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    pub profile_type: &'a ProfileType,
    /// The bundle id that it is for.
    pub bundle_id: &'a ResourceId,
    /// The certificates that it lets sign.
    pub certificates: &'a [ResourceId],
    /// The devices that it runs on; empty for profiles that list none.
    pub devices: &'a [ResourceId],
}

impl NewProfile<'_> {
    /// The body of the request.
    pub fn to_bytes(self) -> Vec<u8> {
        let linkages = |kind: &str, ids: &[ResourceId]| {
            let ids = ids.iter();
            let linked: Vec<_> = ids.map(|id| json!({ "type": kind, "id": id })).collect();
            json!({ "data": linked })
        };
        let mut relationships = json!({
            "bundleId": { "data": { "type": "bundleIds", "id": self.bundle_id } },
            "certificates": linkages("certificates", self.certificates),
        });
        if let (false, Some(object)) = (self.devices.is_empty(), relationships.as_object_mut()) {
            object.insert("devices".to_owned(), linkages("devices", self.devices));
        }
        let attributes = json!({ "name": self.name, "profileType": self.profile_type });
        let data = json!({
            "type": "profiles",
            "attributes": attributes,
            "relationships": relationships,
        });
        json!({ "data": data }).to_string().into_bytes()
    }
}

/// The body of the request for a new certificate: what it is for, and the PEM text of a certificate signing request.
pub fn new_certificate(certificate_type: &CertificateType, signing_request: &str) -> Vec<u8> {
    let attributes = json!({ "certificateType": certificate_type, "csrContent": signing_request });
    let data = json!({ "type": "certificates", "attributes": attributes });
    json!({ "data": data }).to_string().into_bytes()
}
