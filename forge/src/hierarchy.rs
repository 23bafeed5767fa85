//! A certificate hierarchy shaped like Apple's: two roots, their intermediates, the signers of profiles and the
//! developers' certificates, with the markers, extensions and encodings of the real ones.
//!
//! ```text
//! Root CA (RSA)             ── iPhone Certification Authority …6.2.18 ── iOS profile signer …6.58 (before 2025: …6.2.2.1)
//!                           ── WWDR G5 …6.2.1                         ── macOS profile signer …4.11
//!                           ── WWDR G3 …6.2.1                         ── developers' certificates …6.1.x
//!                           ── Developer ID CA …6.2.6                 ── Developer ID certificates …6.1.13, …6.1.14
//! Root CA - G3 (EC, P-384)  ── System Integration CA 4 …6.2.17 (P-256) ── inner profile signer …12.19 (P-256)
//! ```
//! (every marker stands below 1.2.840.113635.100). Names are a fictional maker's, unless Apple's own are asked for.

use std::sync::LazyLock;

use jiff::Timestamp;

use super::certificate::{
    CertificateSpec, Extension, Identity, Name, attribute, extension, serial,
};
use super::key::{Hash, Key};

/// What a hierarchy is called, which keys it has and how long it lasts.
#[derive(Clone, Debug)]
pub struct HierarchySpec {
    /// Its keys and serial numbers grow from this.
    pub seed: String,
    /// Stands in names where Apple's have `Apple`; `None` takes Apple's names letter for letter.
    pub maker: Option<String>,
    /// Validity of the roots.
    pub roots: (Timestamp, Timestamp),
    /// Validity of the intermediates.
    pub intermediates: (Timestamp, Timestamp),
    /// Validity of the profile signers.
    pub signers: (Timestamp, Timestamp),
}

impl HierarchySpec {
    /// Valid for decades, under a fictional maker's name.
    pub fn new(seed: &str, maker: &str) -> Self {
        Self {
            seed: seed.to_owned(),
            maker: Some(maker.to_owned()),
            roots: (at("2006-04-25T21:40:36Z"), at("2066-02-09T21:40:36Z")),
            intermediates: (at("2017-05-10T21:27:30Z"), at("2064-12-31T00:00:00Z")),
            signers: (at("2018-12-16T19:21:01Z"), at("2063-12-11T18:13:59Z")),
        }
    }

    /// The same with Apple's names: what an impostor would make.
    pub fn in_apples_name(mut self) -> Self {
        self.maker = None;
        self
    }

    fn name(&self, apples: &str) -> String {
        match &self.maker {
            None => apples.to_owned(),
            Some(maker) => format!(
                "{maker} {}",
                apples.strip_prefix("Apple ").unwrap_or(apples)
            ),
        }
    }

    /// CN, OU if any, O, C as UTF8String: how intermediates and signers are named.
    fn subject(&self, common_name: &str, unit: Option<&str>) -> Name {
        let mut name = Name::new().utf8(attribute::COMMON_NAME, &self.name(common_name));
        if let Some(unit) = unit {
            name = name.utf8(attribute::UNIT, unit);
        }
        name.utf8(attribute::ORGANIZATION, &self.name("Apple Inc."))
            .printable(attribute::COUNTRY, "US")
    }

    fn label(&self, role: &str) -> String {
        format!("{} {role}", self.seed)
    }

    fn root(&self) -> Identity {
        let subject = Name::new()
            .printable(attribute::COUNTRY, "US")
            .printable(attribute::ORGANIZATION, &self.name("Apple Inc."))
            .printable(attribute::UNIT, &self.name("Apple Certification Authority"))
            .printable(attribute::COMMON_NAME, &self.name("Apple Root CA"));
        let spec = CertificateSpec {
            subject,
            serial: vec![2],
            validity: self.roots,
            extensions: vec![
                extension::signs_certificates(),
                extension::authority(None),
                Extension::SubjectKey,
                Extension::AuthorityKey,
                extension::policy(NOTICE, "http://pki.acme.example/ca/"),
            ],
            hash: Hash::Sha1,
        };
        spec.self_sign(&Key::rsa(&self.label("root")))
    }

    fn root_ec(&self) -> Identity {
        let spec = CertificateSpec {
            subject: self.subject(
                "Apple Root CA - G3",
                Some(&self.name("Apple Certification Authority")),
            ),
            serial: serial(&self.label("root ec"), 8),
            validity: self.roots,
            extensions: vec![
                Extension::SubjectKey,
                extension::authority(None),
                extension::signs_certificates(),
            ],
            hash: Hash::Sha384,
        };
        spec.self_sign(&Key::p384(&self.label("root ec")))
    }

    /// An intermediate; `generation` is in its unit where Apple has one.
    fn intermediate(&self, which: Intermediate, issuer: &Identity) -> Identity {
        let Intermediate {
            common_name,
            unit,
            marker,
            path_length,
            elliptic,
        } = which;
        let label = self.label(&format!("{common_name} {unit}"));
        let unit = unit
            .strip_prefix('=')
            .map_or_else(|| unit.to_owned(), |unit| self.name(unit));
        let spec = CertificateSpec {
            subject: self.subject(common_name, Some(&unit)),
            serial: serial(&label, if path_length.is_some() { 20 } else { 8 }),
            validity: self.intermediates,
            extensions: vec![
                extension::authority(path_length),
                Extension::AuthorityKey,
                extension::access(None, "http://ocsp.acme.example/ocsp03-rootca"),
                extension::revocations("http://crl.acme.example/root.crl"),
                Extension::SubjectKey,
                extension::signs_certificates(),
                extension::marker(marker, false),
            ],
            hash: if elliptic { Hash::Sha384 } else { Hash::Sha256 },
        };
        let key = if elliptic {
            Key::p256(&label)
        } else {
            Key::rsa(&label)
        };
        spec.issue(&key, issuer)
    }

    fn signer(&self, role: Role, validity: (Timestamp, Timestamp)) -> (CertificateSpec, Key) {
        let label = self.label(role.common_name());
        let ocsp = extension::access(None, "http://ocsp.acme.example/ocsp03-signing");
        let mut extensions = vec![extension::leaf(), Extension::AuthorityKey, ocsp];
        match role {
            Role::IosProfiles | Role::IosProfilesBefore2025 => {
                extensions.push(extension::revocations(
                    "http://crl.acme.example/profiles.crl",
                ));
            }
            Role::MacProfiles => {
                extensions.push(extension::policy(NOTICE, "http://pki.acme.example/ca/"));
                extensions.push(extension::revocations("http://crl.acme.example/wwdrg5.crl"));
            }
            Role::InnerProfiles => {
                extensions.push(extension::policy(NOTICE, "http://pki.acme.example/ca/"))
            }
        }
        extensions.extend([
            Extension::SubjectKey,
            extension::signs_data(),
            extension::marker(role.marker(), false),
        ]);
        let spec = CertificateSpec {
            subject: self.subject(role.common_name(), None),
            serial: serial(
                &format!("{label} {}", validity.0),
                if role == Role::MacProfiles { 16 } else { 8 },
            ),
            validity,
            extensions,
            hash: Hash::Sha256,
        };
        let key = match role {
            Role::InnerProfiles => Key::p256(&label),
            _ => Key::rsa(&label),
        };
        (spec, key)
    }
}

struct Intermediate {
    common_name: &'static str,
    /// `=` says that the unit is a name of the maker's.
    unit: &'static str,
    marker: &'static str,
    path_length: Option<i64>,
    elliptic: bool,
}

const WWDR: &str = "Apple Worldwide Developer Relations Certification Authority";
const NOTICE: &str = "Reliance on this certificate is unwise: it is part of a rehearsal and proves nothing outside of it.";

/// What a profile's layer may be signed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Outer layers of the iOS family.
    IosProfiles,
    /// The same with the marker of older certificates.
    IosProfilesBefore2025,
    /// Outer layers of macOS.
    MacProfiles,
    /// Inner layers of both.
    InnerProfiles,
}

impl Role {
    /// The common name of Apple's certificate in this role.
    pub fn common_name(self) -> &'static str {
        match self {
            Self::IosProfiles | Self::IosProfilesBefore2025 => {
                "Apple iPhone OS Provisioning Profile Signing"
            }
            Self::MacProfiles => "Mac OS X Provisioning Profile Signing",
            Self::InnerProfiles => "WWDR Provisioning Profile Signing",
        }
    }

    /// The marker extension that makes a certificate of Apple's this role's.
    pub fn marker(self) -> &'static str {
        match self {
            Self::IosProfiles => "1.2.840.113635.100.6.58",
            Self::IosProfilesBefore2025 => "1.2.840.113635.100.6.2.2.1",
            Self::MacProfiles => "1.2.840.113635.100.4.11",
            Self::InnerProfiles => "1.2.840.113635.100.12.19",
        }
    }
}

/// The kinds of developers' certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeafKind {
    /// `Apple Development`: iOS family and macOS.
    AppleDevelopment,
    /// `Apple Distribution`: iOS family and Mac App Store.
    AppleDistribution,
    /// `iPhone Developer`, before Xcode 11.
    IphoneDeveloper,
    /// `iPhone Distribution`; also what enterprises have.
    IphoneDistribution,
    /// `Mac Developer`, before Xcode 11.
    MacDeveloper,
    /// `3rd Party Mac Developer Application`.
    MacAppDistribution,
    /// `3rd Party Mac Developer Installer`.
    MacInstallerDistribution,
    /// `Developer ID Application`.
    DeveloperIdApplication,
    /// `Developer ID Installer`.
    DeveloperIdInstaller,
}

impl LeafKind {
    /// What stands before the colon of the common name.
    pub fn title(self) -> &'static str {
        match self {
            Self::AppleDevelopment => "Apple Development",
            Self::AppleDistribution => "Apple Distribution",
            Self::IphoneDeveloper => "iPhone Developer",
            Self::IphoneDistribution => "iPhone Distribution",
            Self::MacDeveloper => "Mac Developer",
            Self::MacAppDistribution => "3rd Party Mac Developer Application",
            Self::MacInstallerDistribution => "3rd Party Mac Developer Installer",
            Self::DeveloperIdApplication => "Developer ID Application",
            Self::DeveloperIdInstaller => "Developer ID Installer",
        }
    }

    /// The last arcs of its markers below 1.2.840.113635.100.6.1, in their order.
    pub fn markers(self) -> &'static [&'static str] {
        match self {
            Self::AppleDevelopment => &["1.2.840.113635.100.6.1.2", "1.2.840.113635.100.6.1.12"],
            Self::AppleDistribution => &["1.2.840.113635.100.6.1.7", "1.2.840.113635.100.6.1.4"],
            Self::IphoneDeveloper => &["1.2.840.113635.100.6.1.2"],
            Self::IphoneDistribution => &["1.2.840.113635.100.6.1.4"],
            Self::MacDeveloper => &["1.2.840.113635.100.6.1.12"],
            Self::MacAppDistribution => &["1.2.840.113635.100.6.1.7"],
            Self::MacInstallerDistribution => &["1.2.840.113635.100.6.1.8"],
            Self::DeveloperIdApplication => &["1.2.840.113635.100.6.1.13"],
            Self::DeveloperIdInstaller => &["1.2.840.113635.100.6.1.14"],
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Self::MacInstallerDistribution => "1.2.840.113635.100.4.9",
            Self::DeveloperIdInstaller => "1.2.840.113635.100.4.13",
            _ => "1.3.6.1.5.5.7.3.3",
        }
    }

    fn is_developer_id(self) -> bool {
        matches!(
            self,
            Self::DeveloperIdApplication | Self::DeveloperIdInstaller
        )
    }
}

/// Where Apple itself signs what a developer submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Store {
    /// The App Store of the iOS family.
    AppStore,
    /// TestFlight.
    TestFlight,
    /// The Mac App Store.
    MacAppStore,
}

impl Store {
    /// The common name of Apple's certificate.
    pub fn common_name(self) -> &'static str {
        match self {
            Self::AppStore => "Apple iPhone OS Application Signing",
            Self::TestFlight => "TestFlight Beta Distribution",
            Self::MacAppStore => "Apple Mac OS Application Signing",
        }
    }

    /// The marker of its certificate.
    pub fn marker(self) -> &'static str {
        match self {
            Self::AppStore => "1.2.840.113635.100.6.1.3",
            Self::TestFlight => "1.2.840.113635.100.6.1.25.1",
            Self::MacAppStore => "1.2.840.113635.100.6.1.9",
        }
    }
}

/// A developer's certificate to be issued.
#[derive(Clone, Debug)]
pub struct LeafSpec {
    /// What it is for.
    pub kind: LeafKind,
    /// The team id: the subject's OU, and its UID unless told otherwise.
    pub team: String,
    /// The team's name: the subject's O.
    pub organization: String,
    /// Who or what stands between the title and the parentheses; the organization unless told otherwise.
    pub holder: Option<String>,
    /// What stands in the parentheses and as UID; the team id unless told otherwise (a person's id in development).
    pub holder_id: Option<String>,
    /// First and last instant of validity.
    pub validity: (Timestamp, Timestamp),
    /// Renewals of one subject differ in this: key and serial number grow from it.
    pub label: String,
}

impl LeafSpec {
    /// Acme's certificate of that kind, valid from 2026 to 2056.
    pub fn new(kind: LeafKind) -> Self {
        Self {
            kind,
            team: super::profile::ACME_TEAM.to_owned(),
            organization: super::profile::ACME_NAME.to_owned(),
            holder: None,
            holder_id: None,
            validity: (at("2026-01-01T00:00:00Z"), at("2056-01-01T00:00:00Z")),
            label: "leaf 1".to_owned(),
        }
    }

    /// Valid in that time instead.
    pub fn valid(mut self, from: &str, to: &str) -> Self {
        self.validity = (at(from), at(to));
        self
    }

    /// Another certificate of the same subject, with another serial number and key.
    pub fn labelled(mut self, label: &str) -> Self {
        self.label = label.to_owned();
        self
    }
}

/// A hierarchy with its standing members; developers' certificates are issued on demand.
#[derive(Clone)]
pub struct Hierarchy {
    /// What it was made of.
    pub spec: HierarchySpec,
    /// Stands for Apple Root CA.
    pub root: Identity,
    /// Stands for Apple iPhone Certification Authority.
    pub iphone_authority: Identity,
    /// Stands for the WWDR intermediate that issues developers' certificates.
    pub wwdr_g3: Identity,
    /// Stands for the WWDR intermediate above the macOS profile signer.
    pub wwdr_g5: Identity,
    /// Stands for Developer ID Certification Authority.
    pub developer_id_authority: Identity,
    /// Stands for Apple Root CA - G3.
    pub root_ec: Identity,
    /// Stands for Apple System Integration CA 4.
    pub system_integration_authority: Identity,
}

impl Hierarchy {
    /// The hierarchy that a description gives: the same on every call.
    pub fn new(spec: HierarchySpec) -> Self {
        let root = spec.root();
        let root_ec = spec.root_ec();
        let rsa = |common_name, unit, marker, path_length| {
            let which = Intermediate {
                common_name,
                unit,
                marker,
                path_length,
                elliptic: false,
            };
            spec.intermediate(which, &root)
        };
        Self {
            iphone_authority: rsa(
                "Apple iPhone Certification Authority",
                "Certification Authority",
                "1.2.840.113635.100.6.2.18",
                None,
            ),
            wwdr_g3: rsa(WWDR, "G3", "1.2.840.113635.100.6.2.1", Some(0)),
            wwdr_g5: rsa(WWDR, "G5", "1.2.840.113635.100.6.2.1", Some(0)),
            developer_id_authority: rsa(
                "Developer ID Certification Authority",
                "G2",
                "1.2.840.113635.100.6.2.6",
                Some(0),
            ),
            system_integration_authority: spec.intermediate(
                Intermediate {
                    common_name: "Apple System Integration CA 4",
                    unit: "=Apple Certification Authority",
                    marker: "1.2.840.113635.100.6.2.17",
                    path_length: None,
                    elliptic: true,
                },
                &root_ec,
            ),
            root,
            root_ec,
            spec,
        }
    }

    /// Acme's hierarchy, whose roots the fixtures pin.
    pub fn acme() -> &'static Hierarchy {
        static ACME: LazyLock<Hierarchy> =
            LazyLock::new(|| Hierarchy::new(HierarchySpec::new("acme", "Acme Rehearsal")));
        &ACME
    }

    /// A hierarchy of the same shape that nobody pins.
    pub fn rival() -> &'static Hierarchy {
        static RIVAL: LazyLock<Hierarchy> =
            LazyLock::new(|| Hierarchy::new(HierarchySpec::new("rival", "Rival Rehearsal")));
        &RIVAL
    }

    /// The rival's keys under Apple's names, letter for letter.
    pub fn impostor() -> &'static Hierarchy {
        static IMPOSTOR: LazyLock<Hierarchy> =
            LazyLock::new(|| Hierarchy::new(HierarchySpec::new("rival", "").in_apples_name()));
        &IMPOSTOR
    }

    /// Stands for Apple Timestamp Certification Authority.
    pub fn timestamp_authority(&self) -> Identity {
        let which = Intermediate {
            common_name: "Apple Timestamp Certification Authority",
            unit: "=Apple Certification Authority",
            marker: "1.2.840.113635.100.6.2.9",
            path_length: Some(0),
            elliptic: false,
        };
        self.spec.intermediate(which, &self.root)
    }

    /// Who signs timestamps below [`Hierarchy::timestamp_authority`], valid in that time.
    pub fn timestamp_signer(&self, validity: (Timestamp, Timestamp)) -> Identity {
        let label = self.spec.label("timestamp signer");
        let spec = CertificateSpec {
            subject: self.spec.subject("Timestamp Signer RNO1", None),
            serial: serial(&format!("{label} {}", validity.0), 8),
            validity,
            extensions: vec![
                extension::leaf(),
                Extension::AuthorityKey,
                extension::policy(NOTICE, "http://pki.acme.example/ca/"),
                extension::revocations("http://crl.acme.example/timestamp.crl"),
                extension::purpose("1.3.6.1.5.5.7.3.8"),
                Extension::SubjectKey,
                extension::signs_data(),
            ],
            hash: Hash::Sha256,
        };
        spec.issue(&Key::rsa(&label), &self.timestamp_authority())
    }

    /// Stands for the certificate that signs notarization tickets.
    pub fn ticket_signer(&self) -> Identity {
        let label = self.spec.label("ticket signer");
        let spec = CertificateSpec {
            subject: self.spec.subject("Software Ticket Signing", None),
            serial: serial(&label, 8),
            validity: self.spec.signers,
            extensions: vec![
                extension::leaf(),
                Extension::AuthorityKey,
                extension::policy(NOTICE, "http://pki.acme.example/ca/"),
                Extension::SubjectKey,
                extension::signs_data(),
                extension::marker("1.2.840.113635.100.6.1.30", false),
            ],
            hash: Hash::Sha256,
        };
        spec.issue(&Key::p256(&label), &self.system_integration_authority)
    }

    /// The certificate with which a store signs what it hands out: its subject has no team.
    pub fn store_signer(&self, store: Store) -> Identity {
        let label = self.spec.label(store.common_name());
        let spec = CertificateSpec {
            subject: self.spec.subject(store.common_name(), None),
            serial: serial(&label, 16),
            validity: self.spec.signers,
            extensions: vec![
                extension::leaf(),
                Extension::AuthorityKey,
                extension::policy(NOTICE, "http://pki.acme.example/ca/"),
                extension::purpose("1.3.6.1.5.5.7.3.3"),
                Extension::SubjectKey,
                extension::signs_data(),
                extension::marker(store.marker(), true),
            ],
            hash: Hash::Sha256,
        };
        spec.issue(
            &Key::rsa(&self.spec.label("stores")),
            self.store_issuer(store),
        )
    }

    /// Who issues a store's certificate.
    pub fn store_issuer(&self, store: Store) -> &Identity {
        match store {
            Store::AppStore => &self.iphone_authority,
            // SecPolicyCreateiPhoneProfileApplicationSigning names …6.2.1 for TestFlight.
            Store::TestFlight | Store::MacAppStore => &self.wwdr_g3,
        }
    }

    /// The trust anchors as DER: the RSA root, the EC root.
    pub fn anchors(&self) -> [Vec<u8>; 2] {
        [self.root.der.to_vec(), self.root_ec.der.to_vec()]
    }

    /// The trust anchors as PEM, one after the other.
    pub fn anchors_pem(&self) -> String {
        self.root.pem() + &self.root_ec.pem()
    }

    /// The profile signer in a role, valid as the hierarchy's signers are.
    pub fn signer(&self, role: Role) -> Identity {
        self.signer_valid(role, self.spec.signers)
    }

    /// The profile signer in a role, valid in that time.
    pub fn signer_valid(&self, role: Role, validity: (Timestamp, Timestamp)) -> Identity {
        let (spec, key) = self.spec.signer(role, validity);
        spec.issue(&key, &self.issuers(role)[0])
    }

    /// The intermediate and the root above a role, in that order.
    pub fn issuers(&self, role: Role) -> [Identity; 2] {
        match role {
            Role::IosProfiles | Role::IosProfilesBefore2025 => {
                [self.iphone_authority.clone(), self.root.clone()]
            }
            Role::MacProfiles => [self.wwdr_g5.clone(), self.root.clone()],
            Role::InnerProfiles => [
                self.system_integration_authority.clone(),
                self.root_ec.clone(),
            ],
        }
    }

    /// A certificate with the marker, the name and the shape of a role's signer that signed itself.
    pub fn self_signed(&self, role: Role) -> Identity {
        let (spec, key) = self.spec.signer(role, self.spec.signers);
        spec.self_sign(&key)
    }

    /// A developer's certificate.
    pub fn developer(&self, leaf: &LeafSpec) -> Identity {
        let holder = leaf.holder.as_deref().unwrap_or(&leaf.organization);
        let holder_id = leaf.holder_id.as_deref().unwrap_or(&leaf.team);
        let common_name = format!("{}: {holder} ({holder_id})", leaf.kind.title());
        let label = self
            .spec
            .label(&format!("developer {} {}", leaf.kind.title(), leaf.label));
        let mut extensions = vec![
            extension::leaf(),
            Extension::AuthorityKey,
            extension::access(
                Some("http://certs.acme.example/wwdrg3.der"),
                "http://ocsp.acme.example/ocsp03-wwdrg305",
            ),
            extension::policy(NOTICE, "http://pki.acme.example/ca/"),
            extension::purpose(leaf.kind.purpose()),
            Extension::SubjectKey,
            extension::signs_data(),
        ];
        if leaf.kind.is_developer_id() {
            extensions.push(extension::developer_id_date("20200823000000Z"));
        }
        extensions.extend(
            leaf.kind
                .markers()
                .iter()
                .map(|oid| extension::marker(oid, true)),
        );
        let spec = CertificateSpec {
            subject: Name::new()
                .utf8(attribute::USER_ID, holder_id)
                .utf8(attribute::COMMON_NAME, &common_name)
                .utf8(attribute::UNIT, &leaf.team)
                .utf8(attribute::ORGANIZATION, &leaf.organization)
                .printable(attribute::COUNTRY, "US"),
            serial: serial(&format!("{label} {} {}", leaf.team, leaf.validity.0), 16),
            validity: leaf.validity,
            extensions,
            hash: Hash::Sha256,
        };
        // One key per label, whatever the kind: searching primes is what takes time, and renewals share keys in reality
        // too.
        let key = Key::rsa(&format!("{} {}", self.spec.seed, leaf.label));
        spec.issue(&key, self.developer_issuer(leaf.kind))
    }

    /// Who issues certificates of that kind.
    pub fn developer_issuer(&self, kind: LeafKind) -> &Identity {
        if kind.is_developer_id() {
            &self.developer_id_authority
        } else {
            &self.wwdr_g3
        }
    }
}

/// An instant from its RFC 3339 text.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
