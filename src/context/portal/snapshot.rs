//! What App Store Connect holds of a team, as it was when it was asked.

use jiff::Timestamp;

use crate::apple::app_store_connect::resource::{
    PortalBundleId, PortalCertificate, PortalDevice, PortalProfile, ResourceId,
};

/// Everything that matters to signing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The profiles.
    pub profiles: Vec<PortalProfile>,
    /// The certificates: a revoked one is not among them.
    pub certificates: Vec<PortalCertificate>,
    /// The devices.
    pub devices: Vec<PortalDevice>,
    /// The bundle ids.
    pub bundle_ids: Vec<PortalBundleId>,
}

impl Snapshot {
    /// A certificate by its id.
    pub fn certificate(&self, id: &ResourceId) -> Option<&PortalCertificate> {
        self.certificates
            .iter()
            .find(|certificate| certificate.id == *id)
    }

    /// The bundle id that a profile is for.
    pub fn bundle_id_of(&self, profile: &PortalProfile) -> Option<&PortalBundleId> {
        let id = profile.bundle_id.as_ref()?;
        self.bundle_ids.iter().find(|bundle| bundle.id == *id)
    }

    /// The certificates of a profile that are still there and have not expired.
    pub fn valid_certificates<'s>(
        &'s self,
        profile: &'s PortalProfile,
        now: Timestamp,
    ) -> impl Iterator<Item = &'s PortalCertificate> {
        let ids = profile.certificates.ids.iter();
        ids.filter_map(|id| self.certificate(id))
            .filter(move |certificate| certificate.expires >= now)
    }
}
