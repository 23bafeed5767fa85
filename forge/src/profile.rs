//! Provisioning profiles of every kind: an XML plist in an outer CMS, and in it the inner CMS over the same facts in
//! DER.
//!
//! A [`ProfileSpec`] is plain data with the defaults of an honest profile; change what the test is about, add flaws
//! with [`ProfileSpec::with`], and [`ProfileSpec::mint`] it.

use jiff::Timestamp;
use plist::{Dictionary, Value};

use super::certificate::Identity;
use super::cms::{SignedData, Signer};
use super::flaw::{Flaw, Layer};
use super::hierarchy::{Hierarchy, LeafKind, LeafSpec, Role, at};
use super::key::Hash;
use super::{ber, der, stream, xml};

/// Acme's team id.
pub const ACME_TEAM: &str = "ACME4CI001";
/// Acme's name as a team.
pub const ACME_NAME: &str = "Acme Rockets, Inc";

/// What a profile is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Debugging on listed devices.
    Development,
    /// Release testing on listed devices.
    AdHoc,
    /// App Store and TestFlight.
    AppStore,
    /// In-house distribution to all devices of an enterprise.
    Enterprise,
    /// macOS, outside the store.
    DeveloperId,
}

/// Which signer, keys and entitlements a profile has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// iOS and all that is provisioned like it: `.mobileprovision`.
    Ios,
    /// macOS: `.provisionprofile`.
    Mac,
}

/// `ProfileDistributionType`, which only the inner layer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// As Apple writes it for the kind; nothing for enterprises, whose value nobody has shown.
    Usual,
    /// No such key.
    Absent,
    /// Any other value.
    Says(String),
}

/// A profile to be minted.
#[derive(Clone)]
pub struct ProfileSpec {
    /// `Name`.
    pub name: String,
    /// `AppIDName`.
    pub app_id_name: String,
    /// `UUID`.
    pub uuid: String,
    /// `TeamIdentifier`; the first also goes into the entitlements.
    pub teams: Vec<String>,
    /// `TeamName`.
    pub team_name: String,
    /// `ApplicationIdentifierPrefix`; the first also goes into the entitlements.
    pub prefixes: Vec<String>,
    /// What follows the prefix in the application identifier: a bundle id or a wildcard.
    pub bundle_pattern: String,
    /// What it is for.
    pub kind: Kind,
    /// Whose signer, and which keys.
    pub family: Family,
    /// `Platform`; none leaves the key out, as some old profiles do.
    pub platforms: Option<Vec<String>>,
    /// `CreationDate`, and the signing time of both layers.
    pub created: Timestamp,
    /// `ExpirationDate`.
    pub expires: Timestamp,
    /// `DeveloperCertificates`, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// `ProvisionedDevices`; left out when empty.
    pub devices: Vec<String>,
    /// `Entitlements`.
    pub entitlements: Dictionary,
    /// `IsXcodeManaged`; none leaves the key out, as some old profiles do.
    pub xcode_managed: Option<bool>,
    /// `ProfileDistributionType` of the inner layer.
    pub distribution: Distribution,
    /// Whether there is an inner layer.
    pub inner: bool,
    /// Further keys, for both layers (`LocalProvision`, …).
    pub extra: Vec<(String, Value)>,
    /// Who signs.
    pub hierarchy: Hierarchy,
    /// What is wrong with it.
    pub flaws: Vec<Flaw>,
}

impl ProfileSpec {
    /// An honest profile of the iOS family, of today's shape.
    pub fn ios(kind: Kind, bundle_pattern: &str) -> Self {
        Self::new(Family::Ios, kind, bundle_pattern)
    }

    /// An honest macOS profile.
    pub fn mac(kind: Kind, bundle_pattern: &str) -> Self {
        Self::new(Family::Mac, kind, bundle_pattern)
    }

    fn new(family: Family, kind: Kind, bundle_pattern: &str) -> Self {
        let hierarchy = Hierarchy::acme();
        let certificate = hierarchy.developer(&LeafSpec::new(kind.certificate(family)));
        let platforms: &[&str] = match family {
            Family::Ios => &["iOS", "xrOS", "visionOS"],
            Family::Mac => &["OSX"],
        };
        let devices = match kind {
            Kind::Development | Kind::AdHoc => 3,
            _ => 0,
        };
        Self {
            name: format!("{} {bundle_pattern}", kind.title(family)),
            app_id_name: format!("XC {}", bundle_pattern.replace(['.', '*'], " ").trim_end()),
            uuid: stream::uuid(&format!("{family:?} {kind:?} {bundle_pattern}")),
            teams: vec![ACME_TEAM.to_owned()],
            team_name: ACME_NAME.to_owned(),
            prefixes: vec![ACME_TEAM.to_owned()],
            bundle_pattern: bundle_pattern.to_owned(),
            kind,
            family,
            platforms: Some(
                platforms
                    .iter()
                    .map(|&platform| platform.to_owned())
                    .collect(),
            ),
            created: at("2026-01-01T10:00:00Z"),
            expires: at("2046-01-01T00:00:00Z"),
            certificates: vec![certificate.der.to_vec()],
            devices: devices_numbered(devices),
            entitlements: entitlements(family, kind, ACME_TEAM, ACME_TEAM, bundle_pattern),
            xcode_managed: Some(false),
            distribution: Distribution::Usual,
            inner: true,
            extra: Vec::new(),
            hierarchy: hierarchy.clone(),
            flaws: Vec::new(),
        }
    }

    /// Another name, and with it another UUID: what a portal gives when a profile is made anew.
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self.uuid = stream::uuid(&format!("{} {name}", self.uuid));
        self
    }

    /// Another team and prefix, in the entitlements too.
    pub fn team(mut self, team: &str, prefix: &str) -> Self {
        self.teams = vec![team.to_owned()];
        self.prefixes = vec![prefix.to_owned()];
        self.entitlements =
            entitlements(self.family, self.kind, team, prefix, &self.bundle_pattern);
        self
    }

    /// Created and expiring then.
    pub fn valid(mut self, created: &str, expires: &str) -> Self {
        self.created = at(created);
        self.expires = at(expires);
        self
    }

    /// For those certificates instead.
    pub fn certificates(mut self, identities: &[Identity]) -> Self {
        self.certificates = identities
            .iter()
            .map(|identity| identity.der.to_vec())
            .collect();
        self
    }

    /// For so many devices.
    pub fn devices(mut self, count: usize) -> Self {
        self.devices = devices_numbered(count);
        self
    }

    /// With one entitlement more, or changed.
    pub fn entitled(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.entitlements.insert(key.to_owned(), value.into());
        self
    }

    /// Signed by another hierarchy.
    pub fn signed_by(mut self, hierarchy: &Hierarchy) -> Self {
        self.hierarchy = hierarchy.clone();
        self
    }

    /// With a flaw more.
    pub fn with(mut self, flaw: Flaw) -> Self {
        self.flaws.push(flaw);
        self
    }

    /// The name that Xcode gives the file.
    pub fn file_name(&self) -> String {
        let extension = match self.family {
            Family::Ios => "mobileprovision",
            Family::Mac => "provisionprofile",
        };
        format!("{}.{extension}", self.uuid)
    }

    /// The file.
    pub fn mint(&self) -> Vec<u8> {
        let mut file = self.sign(Layer::Outer, self.plist().into_bytes());
        for flaw in &self.flaws {
            flaw.damage(Layer::Outer, &mut file);
        }
        file
    }

    /// The XML that the outer layer signs.
    pub fn plist(&self) -> String {
        let mut entries: Vec<xml::Entry> = Vec::new();
        for (key, value) in self.fields() {
            entries.push((key.clone(), xml::value(&value, 1)));
            if key == "DeveloperCertificates" && self.inner {
                let inner = Value::Data(self.inner_layer());
                entries.push(("DER-Encoded-Profile".to_owned(), xml::value(&inner, 1)));
            }
        }
        for flaw in &self.flaws {
            flaw.rewrite(&mut entries);
        }
        xml::document(&entries)
    }

    /// The inner CMS, whether or not the profile has it.
    pub fn inner_layer(&self) -> Vec<u8> {
        let lent = self.flaws.iter().find_map(|flaw| match flaw {
            Flaw::InnerOf(other) => Some(other.inner_layer()),
            _ => None,
        });
        lent.unwrap_or_else(|| {
            let mut layer = self.sign(Layer::Inner, self.inner_payload());
            for flaw in &self.flaws {
                flaw.damage(Layer::Inner, &mut layer);
            }
            layer
        })
    }

    /// The DER that the inner layer signs: a SET of pairs.
    pub fn inner_payload(&self) -> Vec<u8> {
        let mut pairs: Vec<(String, Vec<u8>)> = self
            .fields()
            .into_iter()
            .map(|(key, value)| (key.clone(), inner_value(&key, &value)))
            .collect();
        let distribution = match &self.distribution {
            Distribution::Usual => self.kind.distribution_type(),
            Distribution::Absent => None,
            Distribution::Says(text) => Some(text.as_str()),
        };
        if let Some(text) = distribution {
            pairs.push(("ProfileDistributionType".to_owned(), der::utf8(text)));
        }
        for flaw in &self.flaws {
            flaw.falsify(&mut pairs);
        }
        der::set_of(
            pairs
                .iter()
                .map(|(key, value)| der::sequence([&der::utf8(key), value])),
        )
    }

    /// The facts in the order of the outer plist, without the inner layer.
    pub fn fields(&self) -> Vec<(String, Value)> {
        let strings = |texts: &[String]| {
            Value::Array(
                texts
                    .iter()
                    .map(|text| Value::String(text.clone()))
                    .collect(),
            )
        };
        let mut fields = vec![
            ("AppIDName", Value::String(self.app_id_name.clone())),
            ("ApplicationIdentifierPrefix", strings(&self.prefixes)),
            ("CreationDate", date(self.created)),
        ];
        if let Some(platforms) = &self.platforms {
            fields.push(("Platform", strings(platforms)));
        }
        if let Some(managed) = self.xcode_managed {
            fields.push(("IsXcodeManaged", Value::Boolean(managed)));
        }
        let certificates = self
            .certificates
            .iter()
            .map(|der| Value::Data(der.clone()))
            .collect();
        fields.push(("DeveloperCertificates", Value::Array(certificates)));
        fields.push(("Entitlements", Value::Dictionary(self.entitlements.clone())));
        fields.push(("ExpirationDate", date(self.expires)));
        fields.push(("Name", Value::String(self.name.clone())));
        if !self.devices.is_empty() {
            fields.push(("ProvisionedDevices", strings(&self.devices)));
        }
        if matches!(self.kind, Kind::Enterprise | Kind::DeveloperId) {
            fields.push(("ProvisionsAllDevices", Value::Boolean(true)));
        }
        let days = (self.expires.as_second() - self.created.as_second()).div_euclid(24 * 60 * 60);
        fields.extend([
            ("TeamIdentifier", strings(&self.teams)),
            ("TeamName", Value::String(self.team_name.clone())),
            ("TimeToLive", Value::Integer(days.into())),
            ("UUID", Value::String(self.uuid.clone())),
            ("Version", Value::Integer(1.into())),
        ]);
        let fields = fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        fields.chain(self.extra.iter().cloned()).collect()
    }

    /// The role that an honest layer's signer has.
    pub fn role(&self, layer: Layer) -> Role {
        match (layer, self.family) {
            (Layer::Outer, Family::Ios) => Role::IosProfiles,
            (Layer::Outer, Family::Mac) => Role::MacProfiles,
            (Layer::Inner, _) => Role::InnerProfiles,
        }
    }

    fn sign(&self, layer: Layer, content: Vec<u8>) -> Vec<u8> {
        let role = self.role(layer);
        let hash = match layer {
            Layer::Outer => Hash::Sha1,
            Layer::Inner => Hash::Sha256,
        };
        let signer = Signer::new(self.hierarchy.signer(role), hash, self.created);
        let mut signed = SignedData::new(content, signer, &self.hierarchy.issuers(role));
        for flaw in &self.flaws {
            flaw.taint(layer, self, &mut signed);
        }
        let cms = signed.to_der();
        match self.flaws.iter().find_map(|flaw| flaw.chunk(layer)) {
            Some((chunk, false)) => ber::indefinite(&cms, chunk),
            Some((chunk, true)) => ber::indefinite_throughout(&cms, chunk),
            None => cms,
        }
    }
}

impl Kind {
    /// The words that begin the names of its profiles.
    pub fn title(self, family: Family) -> &'static str {
        match (family, self) {
            (Family::Ios, Self::Development) => "iOS Development",
            (Family::Ios, Self::AdHoc) => "iOS Ad Hoc",
            (Family::Ios, Self::AppStore) => "iOS App Store",
            (_, Self::Enterprise) => "iOS In House",
            (Family::Mac, Self::Development) => "Mac Development",
            (Family::Mac, Self::AdHoc) => "Mac Ad Hoc",
            (Family::Mac, Self::AppStore) => "Mac App Store",
            (_, Self::DeveloperId) => "Mac Dev ID",
        }
    }

    /// The certificate that such profiles are for.
    pub fn certificate(self, family: Family) -> LeafKind {
        match (self, family) {
            (Self::Development, _) => LeafKind::AppleDevelopment,
            (Self::AdHoc | Self::AppStore, _) => LeafKind::AppleDistribution,
            (Self::Enterprise, _) => LeafKind::IphoneDistribution,
            (Self::DeveloperId, _) => LeafKind::DeveloperIdApplication,
        }
    }

    fn distribution_type(self) -> Option<&'static str> {
        match self {
            Self::Development => Some("LIMITED"),
            Self::AdHoc => Some("ADHOC"),
            Self::AppStore => Some("STORE"),
            Self::DeveloperId => Some("DIRECT"),
            Self::Enterprise => None,
        }
    }
}

/// The entitlements that every profile of a kind grants.
pub fn entitlements(
    family: Family,
    kind: Kind,
    team: &str,
    prefix: &str,
    pattern: &str,
) -> Dictionary {
    let application = Value::String(format!("{prefix}.{pattern}"));
    let mut groups = vec![Value::String(format!("{prefix}.*"))];
    let mut out = Dictionary::new();
    match family {
        Family::Ios => {
            if kind == Kind::AppStore {
                out.insert("beta-reports-active".to_owned(), true.into());
            }
            out.insert("application-identifier".to_owned(), application);
            groups.push("com.apple.token".into());
            out.insert("keychain-access-groups".to_owned(), Value::Array(groups));
            out.insert(
                "get-task-allow".to_owned(),
                (kind == Kind::Development).into(),
            );
        }
        Family::Mac => {
            out.insert("com.apple.application-identifier".to_owned(), application);
            out.insert("keychain-access-groups".to_owned(), Value::Array(groups));
        }
    }
    out.insert(
        "com.apple.developer.team-identifier".to_owned(),
        team.into(),
    );
    out
}

/// So many device ids, in the form that devices have had since 2018.
pub fn devices_numbered(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| {
            let hex: String = stream::bytes(&format!("device {number}"), 8)
                .iter()
                .map(|byte| format!("{byte:02X}"))
                .collect();
            format!("00008030-{hex}")
        })
        .collect()
}

/// A fact of the outer plist in the inner layer's encoding.
pub fn inner_value(key: &str, value: &Value) -> Vec<u8> {
    match (key, value) {
        ("DeveloperCertificates", Value::Array(certificates)) => {
            der::sequence(certificates.iter().map(|certificate| {
                der::octets(Hash::Sha256.digest(certificate.as_data().unwrap()))
            }))
        }
        // Version 1 of the encoding that the system's entitlement library reads.
        ("Entitlements", value) => der::application(16, [der::integer(1), plain(value)].concat()),
        (_, value) => plain(value),
    }
}

fn plain(value: &Value) -> Vec<u8> {
    match value {
        Value::Boolean(value) => der::boolean(*value),
        Value::Integer(number) => der::integer(number.as_signed().unwrap()),
        Value::String(text) => der::utf8(text),
        Value::Data(bytes) => der::octets(bytes),
        Value::Date(date) => der::time(date.to_xml_format().parse().unwrap()),
        Value::Array(values) => der::sequence(values.iter().map(plain)),
        Value::Dictionary(values) => {
            let mut pairs: Vec<(&String, &Value)> = values.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            let pairs = pairs
                .into_iter()
                .map(|(key, value)| der::sequence([der::utf8(key), plain(value)]));
            der::context(16, pairs.collect::<Vec<_>>().concat())
        }
        other => panic!("profiles hold no {other:?}"),
    }
}

/// A `<date>` of a whole second.
pub fn date(at: Timestamp) -> Value {
    let whole = Timestamp::from_second(at.as_second()).unwrap();
    Value::Date(plist::Date::from_xml_format(&whole.to_string()).unwrap())
}
