//! What `codesign --verify --strict --deep` is predicted to say.
//!
//! It throws the first fault that it comes upon, as a status of CSCommon.h. The prediction names that status and the function
//! of libsecurity_codesigning (Security-61901) that gives it. Nothing of it has been compared with a Mac's answer yet.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// A status of the code-signing library, or of what it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// `errSecCSUnsigned`
    Unsigned,
    /// `errSecCSSignatureFailed`
    SignatureFailed,
    /// `errSecCSSignatureNotVerifiable`
    NotVerifiable,
    /// `errSecCSSignatureUnsupported`
    SignatureUnsupported,
    /// `errSecCSBadDictionaryFormat`
    BadDictionaryFormat,
    /// `errSecCSResourcesNotFound`
    ResourcesNotFound,
    /// `errSecCSResourcesInvalid`
    ResourcesInvalid,
    /// `errSecCSBadResource`
    BadResource,
    /// `errSecCSResourceRulesInvalid`
    ResourceRulesInvalid,
    /// `errSecCSReqInvalid`
    RequirementInvalid,
    /// `errSecCSReqFailed`
    RequirementFailed,
    /// `errSecCSBadObjectFormat`
    BadObjectFormat,
    /// `errSecCSSignatureInvalid`
    SignatureInvalid,
    /// `errSecCSInfoPlistFailed`
    InfoPlistFailed,
    /// `errSecCSBadBundleFormat`
    BadBundleFormat,
    /// `errSecCSResourceDirectoryFailed`
    ResourceDirectoryFailed,
    /// `errSecCSBadNestedCode`
    BadNestedCode,
    /// `errSecCSResourceNotSupported`
    ResourceNotSupported,
    /// `errSecCSRegularFile`
    RegularFile,
    /// `errSecCSUnsealedAppRoot`
    UnsealedAppRoot,
    /// `errSecCSWeakResourceRules`
    WeakResourceRules,
    /// `errSecCSDSStoreSymlink`
    DsStoreLink,
    /// `errSecCSBadMainExecutable`
    BadMainExecutable,
    /// `errSecCSBadFrameworkVersion`
    BadFrameworkVersion,
    /// `errSecCSUnsealedFrameworkRoot`
    UnsealedFrameworkRoot,
    /// `errSecCSWeakResourceEnvelope`
    WeakResourceEnvelope,
    /// `errSecCSInvalidSymlink`
    InvalidLink,
    /// `errSecCSBadTeamIdentifier`
    BadTeamIdentifier,
    /// `errSecDecode`
    Decode,
    /// `CSSMERR_TP_NOT_TRUSTED`
    NotTrusted,
    /// `CSSMERR_TP_CERT_EXPIRED`
    CertificateExpired,
}

impl Status {
    /// The name in Apple's headers and its number.
    fn constant(self) -> (&'static str, i32) {
        match self {
            Self::Unsigned => ("errSecCSUnsigned", -67062),
            Self::SignatureFailed => ("errSecCSSignatureFailed", -67061),
            Self::NotVerifiable => ("errSecCSSignatureNotVerifiable", -67060),
            Self::SignatureUnsupported => ("errSecCSSignatureUnsupported", -67059),
            Self::BadDictionaryFormat => ("errSecCSBadDictionaryFormat", -67058),
            Self::ResourcesNotFound => ("errSecCSResourcesNotFound", -67056),
            Self::ResourcesInvalid => ("errSecCSResourcesInvalid", -67055),
            Self::BadResource => ("errSecCSBadResource", -67054),
            Self::ResourceRulesInvalid => ("errSecCSResourceRulesInvalid", -67053),
            Self::RequirementInvalid => ("errSecCSReqInvalid", -67052),
            Self::RequirementFailed => ("errSecCSReqFailed", -67050),
            Self::BadObjectFormat => ("errSecCSBadObjectFormat", -67049),
            Self::SignatureInvalid => ("errSecCSSignatureInvalid", -67045),
            Self::InfoPlistFailed => ("errSecCSInfoPlistFailed", -67030),
            Self::BadBundleFormat => ("errSecCSBadBundleFormat", -67028),
            Self::ResourceDirectoryFailed => ("errSecCSResourceDirectoryFailed", -67023),
            Self::BadNestedCode => ("errSecCSBadNestedCode", -67021),
            Self::ResourceNotSupported => ("errSecCSResourceNotSupported", -67016),
            Self::RegularFile => ("errSecCSRegularFile", -67015),
            Self::UnsealedAppRoot => ("errSecCSUnsealedAppRoot", -67014),
            Self::WeakResourceRules => ("errSecCSWeakResourceRules", -67013),
            Self::DsStoreLink => ("errSecCSDSStoreSymlink", -67012),
            Self::BadMainExecutable => ("errSecCSBadMainExecutable", -67010),
            Self::BadFrameworkVersion => ("errSecCSBadFrameworkVersion", -67009),
            Self::UnsealedFrameworkRoot => ("errSecCSUnsealedFrameworkRoot", -67008),
            Self::WeakResourceEnvelope => ("errSecCSWeakResourceEnvelope", -67007),
            Self::InvalidLink => ("errSecCSInvalidSymlink", -67003),
            Self::BadTeamIdentifier => ("errSecCSBadTeamIdentifier", -66997),
            Self::Decode => ("errSecDecode", -26275),
            Self::NotTrusted => ("CSSMERR_TP_NOT_TRUSTED", -2_147_409_622),
            Self::CertificateExpired => ("CSSMERR_TP_CERT_EXPIRED", -2_147_409_654),
        }
    }

    /// Its name in Apple's headers.
    pub fn name(self) -> &'static str {
        self.constant().0
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.constant().1
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, number) = self.constant();
        write!(f, "{name} ({number})")
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// When `codesign` comes upon a fault (`SecStaticCode::staticValidate`): each stage begins when the one before found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The signature, its slots and the pages (`staticValidateCore`).
    Core,
    /// What ends the walk through the files at once; nested code is looked at in this stage too.
    Thrown,
    /// What the walk collects, and tells at its end (`CollectingContext`).
    Collected,
    /// The folders of the bundle, and where its signature ends (`strictValidate`).
    Strict,
    /// What the code says of itself, which the tool asks of the product alone and not of the code in it: that has to meet what the seal
    /// around it says.
    Designated,
}

/// A fault that `codesign` is predicted to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Predicted {
    /// The status.
    pub status: Status,
    /// The function that gives it.
    pub function: &'static str,
}

impl Predicted {
    /// A fault with the function that gives it.
    pub const fn new(status: Status, function: &'static str) -> Self {
        Self { status, function }
    }

    /// When it comes upon it.
    pub fn stage(self) -> Stage {
        match self.function {
            "SecStaticCode::validateResource"
            | "SecStaticCode::validateSymlinkResource"
            | "SecStaticCode::checkOptionalResource" => Stage::Collected,
            "SecStaticCode::validateNestedCode" if self.status == Status::BadNestedCode => {
                Stage::Collected
            }
            // The seal is a component that is loaded with the files.
            _ if self.status == Status::ResourceDirectoryFailed => Stage::Thrown,
            "DiskRep::bestGuess"
            | "ResourceBuilder::scan"
            | "ResourceSeal::ResourceSeal"
            | "SecStaticCode::hasWeakResourceRules"
            | "SecStaticCode::loadResources"
            | "SecStaticCode::validateNestedCode"
            | "SecStaticCode::validateOtherVersions"
            | "SecStaticCode::validateResources" => Stage::Thrown,
            "BundleDiskRep::checkPlainFile"
            | "BundleDiskRep::setup"
            | "BundleDiskRep::validateFrameworkRoot"
            | "BundleDiskRep::validateMetaDirectory"
            | "MachO::validateStructure"
            | "MachORep::strictValidate"
            | "SingleDiskRep::strictValidate" => Stage::Strict,
            // The entitlements are read when a requirement is asked.
            "SecStaticCode::entitlements"
            | "SecStaticCode::internalRequirements"
            | "SecStaticCode::validateRequirement" => Stage::Designated,
            _ => Stage::Core,
        }
    }
}

/// What `codesign` is predicted to say of a product, for people and JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Prediction {
    /// Whether it finds nothing.
    pub valid: bool,
    /// The status in Apple's words, if it finds something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The number of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    /// The function of libsecurity_codesigning that gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

impl From<Option<Predicted>> for Prediction {
    fn from(fault: Option<Predicted>) -> Self {
        Self {
            valid: fault.is_none(),
            status: fault.map(|fault| fault.status.name().to_owned()),
            number: fault.map(|fault| fault.status.number()),
            function: fault.map(|fault| fault.function.to_owned()),
        }
    }
}
