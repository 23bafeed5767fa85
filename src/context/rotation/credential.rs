//! Credentials: what else ends, by the policy's word or by the date of a certificate that it names.
//!
//! A manifest pins what signs code. An installer certificate signs packages and is in no profile; the key of App Store Connect has no
//! date at all, and a team agrees on one. People who plan a rotation want to hear of both in time.

use jiff::{SignedDuration, Timestamp};

use crate::apple::certificate::CertificateKind;
use crate::apple::profile::ProfileKind;
use crate::base::clock::show_duration;
use crate::base::finding::{Code, Finding, Severity};
use crate::context::manifest::{Manifest, PinnedCertificate, ProfileState};
use crate::context::policy::{Credential, CredentialEnd, Policy};

/// A credential, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedCredential<'a> {
    /// Its place in the policy, from 0.
    pub place: usize,
    /// What the policy says.
    pub declared: &'a Credential,
    /// The certificate, if it is one.
    pub certificate: Option<PinnedCertificate>,
    /// When it ends.
    pub ends: Timestamp,
    /// When its replacement must have begun.
    pub begin_by: Timestamp,
}

impl<'a> DatedCredential<'a> {
    /// The credential at a place of the policy; `certificate` is what the file holds that it names.
    pub fn new(
        policy: &'a Policy,
        place: usize,
        certificate: Option<PinnedCertificate>,
    ) -> Option<Self> {
        let declared = policy.rotation.credentials.get(place)?;
        let ends = match (&declared.end, &certificate) {
            (CredentialEnd::Day(day), _) => *day,
            (CredentialEnd::Certificate(_), certificate) => certificate.as_ref()?.expires,
        };
        Some(Self {
            place,
            declared,
            certificate,
            ends,
            begin_by: ends
                .checked_sub(policy.rotation.lead)
                .unwrap_or(Timestamp::MIN),
        })
    }

    /// That it must be replaced, if its time has come by `horizon`.
    pub fn told(
        &self,
        policy: &Policy,
        severity: Severity,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Option<Finding> {
        if self.begin_by > horizon {
            return None;
        }
        let name = &self.declared.name;
        let (message, hint) = match &self.certificate {
            Some(certificate) => (
                format!(
                    "the credential {name:?} ends with its certificate {:?}",
                    certificate.common_name
                ),
                "renew the certificate, and name its new file in the policy",
            ),
            None => (
                format!("the credential {name:?} must be replaced"),
                "make a new one, put it in the place of the old one, and write the next day into the policy",
            ),
        };
        let late = now.duration_since(self.begin_by);
        let since = match late > SignedDuration::ZERO {
            true => format!(" (it should have begun {} ago)", show_duration(late)),
            false => String::new(),
        };
        let finding = Finding::new(Code::CredentialDue, severity, message)
            .values(
                format!("begun by {}", self.begin_by),
                format!("it ends on {}", self.ends),
            )
            .hint(format!("{hint}{since}"));
        let key = format!("rotation.credentials[{}]", self.place);
        Some(policy.at_rule(&key, finding))
    }
}

/// That the package of a pinned product needs an installer certificate whose end nobody can tell.
pub fn without_installer(
    manifest: &Manifest,
    credentials: &[DatedCredential<'_>],
) -> Option<Finding> {
    let mut active = manifest.in_state(ProfileState::Active);
    let profile = active.find(|it| it.is_mac() && it.kind == ProfileKind::AppStore)?;
    let mut named = credentials.iter().filter_map(|it| it.certificate.as_ref());
    if named.any(|it| it.kind == CertificateKind::MacInstallerDistribution) {
        return None;
    }
    Some(
        Finding::info(
            Code::InstallerIdentityUnobserved,
            "a profile for the Mac App Store is pinned, and nobody knows when the installer certificate ends",
        )
        .values("rotation.credentials with the file of the certificate", "none")
        .of_profile(&profile.uuid)
        .hint("name the installer certificate's file in the policy, under [[rotation.credentials]]"),
    )
}
