//! `ExportOptions.plist`, which tells `xcodebuild -exportArchive` how to sign and package an archive.
//!
//! Profiles are named by UUID and certificates by SHA-1, never by name: two profiles may share a name, and two
//! certificates of one team always do. The method's name depends on the Xcode that reads the file (Xcode 15.3 renamed
//! three and warns about the old names), and keys that an older Xcode does not know are left out for it.
//!
//! The same options give the same bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::targets::SigningStyle;
use crate::base::error::{ErrorCode, Explain};
use crate::base::ids::{BundleId, CertSha1, ProfileUuid, TeamId};

/// A version of Xcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XcodeVersion {
    /// `16` of 16.2.1.
    pub major: u16,
    /// `2` of 16.2.1.
    pub minor: u16,
    /// `1` of 16.2.1.
    pub patch: u16,
}

impl XcodeVersion {
    /// The version `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self {
            major,
            minor,
            patch: 0,
        }
    }
}

impl fmt::Display for XcodeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.patch {
            0 => Ok(()),
            patch => write!(f, ".{patch}"),
        }
    }
}

/// A text is no version of Xcode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version of Xcode")]
pub struct VersionError(String);

impl Explain for VersionError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("write 16, 15.2 or 15.2.1".to_owned())
    }
}

impl FromStr for XcodeVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let refuse = || VersionError(text.chars().take(40).collect());
        let mut parts = text.split('.');
        let mut part = |required: bool| match parts.next() {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse::<u16>().map_err(|_| refuse())
            }
            None if !required => Ok(0),
            _ => Err(refuse()),
        };
        let version = Self {
            major: part(true)?,
            minor: part(false)?,
            patch: part(false)?,
        };
        match parts.next() {
            None => Ok(version),
            Some(_) => Err(refuse()),
        }
    }
}

/// How an archive is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportMethod {
    /// App Store and TestFlight.
    AppStore,
    /// Registered devices, release build.
    AdHoc,
    /// In-house.
    Enterprise,
    /// Registered devices, debuggable.
    Development,
    /// Notarized, outside of the Mac App Store.
    DeveloperId,
    /// A Mac application signed to run as it is.
    MacApplication,
    /// Only the App Store's checks.
    Validation,
}

impl ExportMethod {
    /// Every method.
    pub const ALL: [Self; 7] = [
        Self::AppStore,
        Self::AdHoc,
        Self::Enterprise,
        Self::Development,
        Self::DeveloperId,
        Self::MacApplication,
        Self::Validation,
    ];

    /// What `xcode` calls it.
    pub fn name(self, xcode: XcodeVersion) -> &'static str {
        let renamed = xcode >= RENAMED_METHODS;
        match self {
            Self::AppStore if renamed => "app-store-connect",
            Self::AppStore => "app-store",
            Self::AdHoc if renamed => "release-testing",
            Self::AdHoc => "ad-hoc",
            Self::Development if renamed => "debugging",
            Self::Development => "development",
            Self::Enterprise => "enterprise",
            Self::DeveloperId => "developer-id",
            Self::MacApplication => "mac-application",
            Self::Validation => "validation",
        }
    }
}

/// A text names no export method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an export method")]
pub struct UnknownMethod(String);

impl Explain for UnknownMethod {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(
            "write one of app-store-connect, release-testing, enterprise, debugging, developer-id, mac-application, \
             validation, or the old names app-store, ad-hoc, development"
                .to_owned(),
        )
    }
}

impl FromStr for ExportMethod {
    type Err = UnknownMethod;

    /// The names of either generation of Xcode.
    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        let before = XcodeVersion::new(0, 0);
        Self::ALL
            .into_iter()
            .find(|method| text == method.name(before) || text == method.name(RENAMED_METHODS))
            .ok_or_else(|| UnknownMethod(text.chars().take(40).collect()))
    }
}

/// Where the export goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Destination {
    /// To a directory.
    #[default]
    Export,
    /// To Apple.
    Upload,
}

/// Which certificate signs an installer package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallerCertificate {
    /// This one.
    Sha1(CertSha1),
    /// The newest one for the Mac App Store that has its key on the machine. No profile names installer certificates, so
    /// that is all that can be said without the machine (`xcodebuild -help`: automatic selectors).
    MacInstallerDistribution,
}

impl InstallerCertificate {
    fn value(self) -> String {
        match self {
            Self::Sha1(sha1) => sha1.to_string().to_uppercase(),
            Self::MacInstallerDistribution => "Mac Installer Distribution".to_owned(),
        }
    }
}

/// Everything the file may say. What is `None` or empty is left to Xcode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportOptions {
    /// `method`.
    pub method: ExportMethod,
    /// `destination`.
    pub destination: Destination,
    /// `signingStyle`.
    pub signing_style: SigningStyle,
    /// `teamID`.
    pub team_id: Option<TeamId>,
    /// `provisioningProfiles`, for every bundle in the archive that carries one; manual signing only.
    pub provisioning_profiles: BTreeMap<BundleId, ProfileUuid>,
    /// `signingCertificate`; manual signing only.
    pub signing_certificate: Option<CertSha1>,
    /// `installerSigningCertificate`, for packages on the Mac; manual signing only.
    pub installer_signing_certificate: Option<InstallerCertificate>,
    /// `iCloudContainerEnvironment`: `Development` or `Production`.
    pub icloud_container_environment: Option<String>,
    /// `distributionBundleIdentifier`: the application to distribute, where an archive holds an App Clip besides.
    pub distribution_bundle_identifier: Option<BundleId>,
    /// `manageAppVersionAndBuildNumber`: whether Xcode may raise the build number on upload. Xcode's default is yes,
    /// which makes the product differ from what was archived.
    pub manage_app_version_and_build_number: Option<bool>,
    /// `testFlightInternalTestingOnly`.
    pub test_flight_internal_testing_only: Option<bool>,
    /// `uploadSymbols`.
    pub upload_symbols: Option<bool>,
    /// `stripSwiftSymbols`.
    pub strip_swift_symbols: Option<bool>,
    /// `thinning`: `<none>`, `<thin-for-all-variants>`, or a device model.
    pub thinning: Option<String>,
}

/// From here on the methods have their new names (release notes of Xcode 15.3; `xcodebuild -help`).
const RENAMED_METHODS: XcodeVersion = XcodeVersion::new(15, 3);
/// The first Xcode that knows `distributionBundleIdentifier` (App Clips).
const DISTRIBUTION_BUNDLE: XcodeVersion = XcodeVersion::new(12, 0);
/// The first Xcode that knows `manageAppVersionAndBuildNumber`.
const MANAGED_VERSION: XcodeVersion = XcodeVersion::new(13, 0);
/// The first Xcode that knows `testFlightInternalTestingOnly`.
const INTERNAL_TESTING: XcodeVersion = XcodeVersion::new(15, 0);

/// A value of the file.
enum Plist {
    Text(String),
    Flag(bool),
    Texts(BTreeMap<String, String>),
}

impl ExportOptions {
    /// Options for `method`, everything else left to Xcode.
    pub fn new(method: ExportMethod, signing_style: SigningStyle) -> Self {
        Self {
            method,
            destination: Destination::default(),
            signing_style,
            team_id: None,
            provisioning_profiles: BTreeMap::new(),
            signing_certificate: None,
            installer_signing_certificate: None,
            icloud_container_environment: None,
            distribution_bundle_identifier: None,
            manage_app_version_and_build_number: None,
            test_flight_internal_testing_only: None,
            upload_symbols: None,
            strip_swift_symbols: None,
            thinning: None,
        }
    }

    /// The file as `xcode` wants it: an XML property list, keys in alphabetical order.
    pub fn to_plist(&self, xcode: XcodeVersion) -> String {
        let mut out = String::from(HEAD);
        for (key, value) in self.entries(xcode) {
            element(&mut out, 1, "key", key);
            match value {
                Plist::Text(text) => element(&mut out, 1, "string", &text),
                Plist::Flag(flag) => {
                    out.push_str(if flag { "\t<true/>\n" } else { "\t<false/>\n" })
                }
                Plist::Texts(texts) => {
                    out.push_str("\t<dict>\n");
                    for (key, text) in &texts {
                        element(&mut out, 2, "key", key);
                        element(&mut out, 2, "string", text);
                    }
                    out.push_str("\t</dict>\n");
                }
            }
        }
        out.push_str(TAIL);
        out
    }

    fn entries(&self, xcode: XcodeVersion) -> BTreeMap<&'static str, Plist> {
        let mut entries = BTreeMap::new();
        let mut text = |key, value: Option<String>| {
            if let Some(value) = value {
                entries.insert(key, Plist::Text(value));
            }
        };
        let manual = self.signing_style == SigningStyle::Manual;
        // SHA-1 in capitals, as `security find-identity` prints it.
        let certificate = |certificate: &Option<CertSha1>| {
            certificate
                .filter(|_| manual)
                .map(|sha1| sha1.to_string().to_uppercase())
        };
        text("method", Some(self.method.name(xcode).to_owned()));
        text(
            "destination",
            Some(
                match self.destination {
                    Destination::Export => "export",
                    Destination::Upload => "upload",
                }
                .to_owned(),
            ),
        );
        text(
            "signingStyle",
            Some(if manual { "manual" } else { "automatic" }.to_owned()),
        );
        text("teamID", self.team_id.as_ref().map(ToString::to_string));
        text("signingCertificate", certificate(&self.signing_certificate));
        text(
            "installerSigningCertificate",
            self.installer_signing_certificate
                .filter(|_| manual)
                .map(InstallerCertificate::value),
        );
        text(
            "iCloudContainerEnvironment",
            self.icloud_container_environment.clone(),
        );
        text(
            "distributionBundleIdentifier",
            self.distribution_bundle_identifier
                .as_ref()
                .filter(|_| xcode >= DISTRIBUTION_BUNDLE)
                .map(ToString::to_string),
        );
        text("thinning", self.thinning.clone());
        for (key, value, since) in [
            (
                "manageAppVersionAndBuildNumber",
                self.manage_app_version_and_build_number,
                MANAGED_VERSION,
            ),
            (
                "testFlightInternalTestingOnly",
                self.test_flight_internal_testing_only,
                INTERNAL_TESTING,
            ),
            (
                "uploadSymbols",
                self.upload_symbols,
                XcodeVersion::new(0, 0),
            ),
            (
                "stripSwiftSymbols",
                self.strip_swift_symbols,
                XcodeVersion::new(0, 0),
            ),
        ] {
            if let Some(flag) = value.filter(|_| xcode >= since) {
                entries.insert(key, Plist::Flag(flag));
            }
        }
        if manual && !self.provisioning_profiles.is_empty() {
            let profiles = self
                .provisioning_profiles
                .iter()
                .map(|(id, uuid)| (id.to_string(), uuid.to_string()))
                .collect();
            entries.insert("provisioningProfiles", Plist::Texts(profiles));
        }
        entries
    }
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
                    \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n";
const TAIL: &str = "</dict>\n</plist>\n";

fn element(out: &mut String, depth: usize, tag: &str, text: &str) {
    out.extend(std::iter::repeat_n('\t', depth));
    out.push('<');
    out.push_str(tag);
    out.push('>');
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // XML 1.0 has no way to write these.
            control if control.is_control() && !matches!(control, '\t' | '\n' | '\r') => {}
            other => out.push(other),
        }
    }
    out.push_str("</");
    out.push_str(tag);
    out.push_str(">\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> ExportOptions {
        ExportOptions {
            team_id: Some("QMQYCKL255".parse().unwrap()),
            provisioning_profiles: BTreeMap::from([
                (
                    "com.example.app.share".parse().unwrap(),
                    "126760ef-f2cd-4ba8-bf44-a3697149965e".parse().unwrap(),
                ),
                (
                    "com.example.app".parse().unwrap(),
                    "026760ef-f2cd-4ba8-bf44-a3697149965e".parse().unwrap(),
                ),
            ]),
            signing_certificate: Some("aabbccddeeff00112233445566778899aabbccdd".parse().unwrap()),
            manage_app_version_and_build_number: Some(false),
            test_flight_internal_testing_only: Some(true),
            thinning: Some("<none>".to_owned()),
            ..ExportOptions::new(ExportMethod::AppStore, SigningStyle::Manual)
        }
    }

    fn parsed(options: &ExportOptions, xcode: &str) -> plist::Dictionary {
        let text = options.to_plist(xcode.parse().unwrap());
        plist::from_bytes::<plist::Value>(text.as_bytes())
            .unwrap()
            .into_dictionary()
            .unwrap()
    }

    #[test]
    fn methods_have_the_names_of_the_xcode_that_reads_them() {
        let name = |method: ExportMethod, xcode: &str| method.name(xcode.parse().unwrap());
        for (method, old, new) in [
            (ExportMethod::AppStore, "app-store", "app-store-connect"),
            (ExportMethod::AdHoc, "ad-hoc", "release-testing"),
            (ExportMethod::Development, "development", "debugging"),
            (ExportMethod::Enterprise, "enterprise", "enterprise"),
            (ExportMethod::DeveloperId, "developer-id", "developer-id"),
            (
                ExportMethod::MacApplication,
                "mac-application",
                "mac-application",
            ),
            (ExportMethod::Validation, "validation", "validation"),
        ] {
            assert_eq!(name(method, "15.2"), old);
            assert_eq!(name(method, "15.2.9"), old);
            assert_eq!(name(method, "15.3"), new);
            assert_eq!(name(method, "16"), new);
            assert_eq!(old.parse(), Ok(method));
            assert_eq!(new.parse(), Ok(method));
        }
        assert!("app store".parse::<ExportMethod>().is_err());
    }

    #[test]
    fn the_file_is_a_property_list_that_names_uuids_and_sha1s() {
        let file = parsed(&options(), "16.2");
        let text = |key: &str| file.get(key).and_then(|v| v.as_string()).unwrap();
        assert_eq!(text("method"), "app-store-connect");
        assert_eq!(text("destination"), "export");
        assert_eq!(text("signingStyle"), "manual");
        assert_eq!(text("teamID"), "QMQYCKL255");
        assert_eq!(
            text("signingCertificate"),
            "AABBCCDDEEFF00112233445566778899AABBCCDD"
        );
        assert_eq!(text("thinning"), "<none>");
        let profiles = file.get("provisioningProfiles").unwrap();
        let profiles = profiles.as_dictionary().unwrap();
        assert_eq!(profiles.len(), 2);
        assert_eq!(
            profiles.get("com.example.app").unwrap().as_string(),
            Some("026760ef-f2cd-4ba8-bf44-a3697149965e")
        );
        assert_eq!(
            file.get("testFlightInternalTestingOnly")
                .and_then(|v| v.as_boolean()),
            Some(true)
        );
        let keys: Vec<_> = file.keys().cloned().collect();
        let mut sorted = keys.clone();
        sorted.sort();
        assert_eq!(keys, sorted);
    }

    #[test]
    fn an_older_xcode_gets_no_keys_that_it_does_not_know() {
        let options = options();
        let file = parsed(&options, "14.3");
        assert!(!file.contains_key("testFlightInternalTestingOnly"));
        assert!(file.contains_key("manageAppVersionAndBuildNumber"));
        assert!(parsed(&options, "16").contains_key("testFlightInternalTestingOnly"));
    }

    #[test]
    fn automatic_signing_names_no_profile_and_no_certificate() {
        let automatic = ExportOptions {
            signing_style: SigningStyle::Automatic,
            ..options()
        };
        let file = parsed(&automatic, "16");
        assert!(!file.contains_key("provisioningProfiles"));
        assert!(!file.contains_key("signingCertificate"));
        assert_eq!(
            file.get("signingStyle").unwrap().as_string(),
            Some("automatic")
        );
    }

    #[test]
    fn the_same_options_give_the_same_bytes() {
        let xcode = XcodeVersion::new(16, 0);
        assert_eq!(options().to_plist(xcode), options().to_plist(xcode));
        let bare = ExportOptions::new(ExportMethod::AdHoc, SigningStyle::Automatic);
        assert_eq!(
            bare.to_plist(XcodeVersion::new(15, 2)),
            concat!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
                "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n",
                "<plist version=\"1.0\">\n<dict>\n",
                "\t<key>destination</key>\n\t<string>export</string>\n",
                "\t<key>method</key>\n\t<string>ad-hoc</string>\n",
                "\t<key>signingStyle</key>\n\t<string>automatic</string>\n",
                "</dict>\n</plist>\n"
            )
        );
    }

    #[test]
    fn versions_are_read_and_ordered() {
        let version = |text: &str| text.parse::<XcodeVersion>();
        assert!(version("15.2.1").unwrap() < version("15.3").unwrap());
        assert!(version("9").unwrap() < version("15").unwrap());
        assert_eq!(version("16").unwrap().to_string(), "16.0");
        for bad in ["", "16.", ".1", "16.x", "16.1.2.3", "-1", "99999"] {
            assert!(version(bad).is_err(), "{bad}");
        }
    }
}
