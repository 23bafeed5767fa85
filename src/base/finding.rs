//! Findings: what countersign can report as not right, as a closed list of codes.
//!
//! A finding says that what was looked at is not right. It is not an error: an error says that we could not look. The
//! gate collects all findings before it answers, so that one run of a pipeline shows everything that must be
//! corrected.
//!
//! Codes are a public contract: pipelines match on them, `docs/findings.md` has a heading for each (a test holds that),
//! and none is ever renamed.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::remedy::Remedy;

/// How serious a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The build must not start, or the file is not proven.
    Block,
    /// It passes now, but not for long, or somebody should look at it.
    Warn,
    /// Worth knowing, nothing to do.
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Block => "block",
            Self::Warn => "warn",
            Self::Info => "info",
        })
    }
}

/// The part of the signing context that a finding is about. Reports are ordered by it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// The pinned manifest itself.
    Manifest,
    /// Provisioning profiles, pinned and installed.
    Profiles,
    /// Certificates that the profiles embed.
    Certificates,
    /// Private keys with their certificates, as a keychain or p12 shows them.
    Identities,
    /// Targets of Xcode projects.
    Targets,
    /// This machine: host, region, hour, keychain.
    Node,
    /// The signing policy.
    Policy,
    /// The renewal of profiles.
    Rotation,
    /// A built product.
    Product,
    /// The audit log of this machine.
    Audit,
    /// An envelope that was handed over.
    Envelope,
}

impl Group {
    /// The word of reports and of `--without`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Profiles => "profiles",
            Self::Certificates => "certificates",
            Self::Identities => "identities",
            Self::Targets => "targets",
            Self::Node => "node",
            Self::Policy => "policy",
            Self::Rotation => "rotation",
            Self::Product => "product",
            Self::Audit => "audit",
            Self::Envelope => "envelope",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Declares every code once: variant, kebab-case word, group, one-sentence meaning.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal in $group:ident;)*) => {
        /// A stable finding code. Its word never changes. `docs/findings.md` says what it means and what to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of reports.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The public word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The group that the code belongs to.
            pub fn group(self) -> Group {
                match self { $(Self::$variant => Group::$group),* }
            }
        }
    };
}

codes! {
    /// The manifest is not the one that was expected (`--expect-manifest`).
    ManifestDigestMismatch = "manifest-digest-mismatch" in Manifest;
    /// The manifest's revision is older than one already seen or asked for.
    ManifestStaleRevision = "manifest-stale-revision" in Manifest;
    /// The manifest says something else of a profile than the profile's proven file: somebody edited the manifest.
    ManifestEntryDiffers = "manifest-entry-differs" in Manifest;

    /// The file cannot be read as a provisioning profile.
    ProfileUnreadable = "profile-unreadable" in Profiles;
    /// A layer's bytes are not the signed bytes, or a certificate in its chain was changed.
    ProfileSignatureInvalid = "profile-signature-invalid" in Profiles;
    /// The signature's chain is not valid: it is self-signed, incomplete, or was not valid when the signature was made.
    ProfileNotTrusted = "profile-not-trusted" in Profiles;
    /// The chain is complete but ends in a root that is not Apple's. A warning if the policy names that root.
    ProfileAnchorNotApple = "profile-anchor-not-apple" in Profiles;
    /// The signer's certificate is one that Apple issued for something else.
    ProfileSignerRole = "profile-signer-role" in Profiles;
    /// The outer plist and the inner DER layer differ.
    ProfileLayersDisagree = "profile-layers-disagree" in Profiles;
    /// Proven, but without the inner DER layer that the OS reads today.
    ProfileNoInnerLayer = "profile-no-inner-layer" in Profiles;
    /// A key stands twice with different values.
    ProfileDuplicateKey = "profile-duplicate-key" in Profiles;
    /// A pinned profile is not installed.
    ProfileMissing = "profile-missing" in Profiles;
    /// An installed profile has a pinned UUID but other bytes.
    ProfileBytesDiffer = "profile-bytes-differ" in Profiles;
    /// A pinned profile has expired.
    ProfileExpired = "profile-expired" in Profiles;
    /// A pinned profile expires within the policy's margins.
    ProfileExpiresSoon = "profile-expires-soon" in Profiles;
    /// Xcode could choose another installed profile instead of a pinned one.
    ProfileShadowed = "profile-shadowed" in Profiles;
    /// The profile is in a directory that Xcode or a clean-up clears.
    ProfileInWipeableTree = "profile-in-wipeable-tree" in Profiles;
    /// The user who signs may change the profile directory although the policy says read-only.
    ProfileDirectoryWritable = "profile-directory-writable" in Profiles;
    /// The profiles could not be looked at.
    ProfilesUnobserved = "profiles-unobserved" in Profiles;
    /// App Store Connect has no profile of the name or UUID that somebody gave.
    PortalProfileUnknown = "portal-profile-unknown" in Profiles;
    /// Apple holds a profile as invalid: it signs nothing that is distributed.
    PortalProfileInvalid = "portal-profile-invalid" in Profiles;
    /// A profile cannot be renewed as it is: something that a successor needs is not there.
    ProfileNotRenewable = "profile-not-renewable" in Profiles;
    /// Another profile at App Store Connect has the name that a successor was to have.
    SuccessorNameTaken = "successor-name-taken" in Profiles;
    /// App Store Connect refused to create a successor.
    SuccessorRefused = "successor-refused" in Profiles;

    /// A target's pinned certificate is not among its profile's certificates.
    CertificateNotInProfile = "certificate-not-in-profile" in Certificates;
    /// A certificate has expired.
    CertificateExpired = "certificate-expired" in Certificates;
    /// A certificate expires within the policy's margins.
    CertificateExpiresSoon = "certificate-expires-soon" in Certificates;
    /// The intermediate certificate that issued a signing certificate is missing on this machine.
    CertificateIssuerMissing = "certificate-issuer-missing" in Certificates;

    /// No identity here can sign for a pinned profile.
    IdentityMissing = "identity-missing" in Identities;
    /// A private key whose certificate is not pinned.
    IdentityUnexpected = "identity-unexpected" in Identities;
    /// Two identities have the same name.
    IdentityAmbiguous = "identity-ambiguous" in Identities;
    /// The identities are not the expected set (`--expect-signing`).
    IdentityDigestMismatch = "identity-digest-mismatch" in Identities;
    /// A product is for the Mac App Store, and no installer identity for its package was seen.
    InstallerIdentityUnobserved = "installer-identity-unobserved" in Identities;
    /// The identities could not be looked at.
    IdentitiesUnobserved = "identities-unobserved" in Identities;

    /// A target has no profile in the plan.
    TargetUnmapped = "target-unmapped" in Targets;
    /// A target still asks for the old profile, but its host app uses a new one.
    TargetProfileStale = "target-profile-stale" in Targets;
    /// A target's profile does not cover its bundle id.
    TargetBundleMismatch = "target-bundle-mismatch" in Targets;
    /// A target's team is not its profile's team.
    TargetTeamMismatch = "target-team-mismatch" in Targets;
    /// A target's profile is of another kind than the export asks for.
    TargetKindMismatch = "target-kind-mismatch" in Targets;
    /// A target asks for a profile of another platform.
    TargetPlatformMismatch = "target-platform-mismatch" in Targets;
    /// The build does not sign a target. Blocks if the manifest pins what signs it.
    TargetUnsigned = "target-unsigned" in Targets;
    /// A target that is signed with a certificate of Apple's has no development team.
    DevelopmentTeamMissing = "development-team-missing" in Targets;
    /// Automatic and manual signing are mixed.
    SigningStyleMixed = "signing-style-mixed" in Targets;
    /// A target is signed automatically, and its signing identity is for distribution.
    IdentityStyleConflict = "identity-style-conflict" in Targets;
    /// A target that must be signed with a certificate has an empty signing identity, or an ad hoc one.
    IdentityNotAllowed = "identity-not-allowed" in Targets;
    /// A target's signing identity contradicts its profile, or the certificate that the manifest pins for it.
    IdentityProfileConflict = "identity-profile-conflict" in Targets;
    /// A target is signed automatically, and nothing is at hand that automatic signing takes.
    AutomaticSigningUnusable = "automatic-signing-unusable" in Targets;
    /// A target is signed manually, with a profile that Xcode manages.
    ProfileXcodeManaged = "profile-xcode-managed" in Targets;
    /// A target is signed manually, and no profile is specified for it.
    SpecifierMissing = "specifier-missing" in Targets;
    /// A profile is specified for a target that takes none.
    SpecifierNotSupported = "specifier-not-supported" in Targets;
    /// One profile specifier is set for every target.
    SpecifierShared = "specifier-shared" in Targets;
    /// A target claims an entitlement that its profile does not grant.
    EntitlementNotGranted = "entitlement-not-granted" in Targets;
    /// A command-line tool claims an entitlement that only a profile can grant.
    EntitlementNeedsProfile = "entitlement-needs-profile" in Targets;
    /// A Mac product without a profile claims an app group that needs one.
    AppGroupNotProvisioned = "app-group-not-provisioned" in Targets;
    /// A Mac product that is signed for distribution lets debuggers attach.
    DebuggingAllowed = "debugging-allowed" in Targets;
    /// A product that is signed for distribution uses iCloud's development containers.
    EnvironmentForDevelopment = "environment-for-development" in Targets;
    /// The project contradicts itself: a reference leads nowhere, or an object occurs twice.
    ProjectInconsistent = "project-inconsistent" in Targets;
    /// The project names a file outside of the folder that project files may reach into.
    ProjectFileOutsideRoot = "project-file-outside-root" in Targets;
    /// A scheme cannot be read.
    SchemeUnreadable = "scheme-unreadable" in Targets;
    /// A scheme archives a target that no project has, or of a project that is not there.
    SchemeTargetMissing = "scheme-target-missing" in Targets;
    /// The policy declares a product otherwise than the manifest pins it.
    ProductDiffers = "product-differs" in Targets;
    /// The scheme that is judged is not the one that the manifest was frozen for.
    SchemeNotPinned = "scheme-not-pinned" in Targets;
    /// A project of a workspace is not there: the command that generates it was not run.
    ProjectMissing = "project-missing" in Targets;
    /// A target or product is not part of what is archived, so it is not judged.
    TargetNotArchived = "target-not-archived" in Targets;
    /// The files of the projects are more than is read of them.
    ProjectTooLarge = "project-too-large" in Targets;
    /// A configuration file that the project or another one names cannot be read.
    XcconfigMissing = "xcconfig-missing" in Targets;
    /// Configuration files include each other in a circle.
    XcconfigIncludeCycle = "xcconfig-include-cycle" in Targets;
    /// A line of a configuration file is neither an assignment nor an include.
    XcconfigSyntax = "xcconfig-syntax" in Targets;
    /// A signing setting refers to a build setting that nothing defines.
    SettingUndefined = "setting-undefined" in Targets;
    /// A signing setting has a value that only some versions of the SDK take, and which one builds is not known.
    SettingSdkVersion = "setting-sdk-version" in Targets;
    /// A value that would be stored or handed on comes from the environment.
    SettingFromEnvironment = "setting-from-environment" in Targets;
    /// The entitlements of a target are made by the build, so they are not judged.
    EntitlementsMadeAtBuild = "entitlements-made-at-build" in Targets;
    /// A signing setting refers to itself through others.
    SettingCycle = "setting-cycle" in Targets;
    /// A signing setting resolves to a value that is not allowed.
    SettingInvalid = "setting-invalid" in Targets;
    /// A target has no build configuration, or lacks the requested one.
    TargetNoConfiguration = "target-no-configuration" in Targets;
    /// A target's bundle id is empty or not valid.
    BundleIdUnresolved = "bundle-id-unresolved" in Targets;
    /// Two targets have the same bundle id.
    BundleIdShared = "bundle-id-shared" in Targets;
    /// The bundle id of an embedded product does not begin with the one of its host.
    BundleIdNotPrefixed = "bundle-id-not-prefixed" in Targets;
    /// An embedded product and the app that embeds it have no certificate in common.
    EmbeddedCertificateDiffers = "embedded-certificate-differs" in Targets;
    /// A target's entitlements file cannot be read.
    EntitlementsUnreadable = "entitlements-unreadable" in Targets;
    /// The output of `xcodebuild -showBuildSettings` differs from the project's files.
    SettingsDiffer = "settings-differ" in Targets;
    /// One `xcodebuild` call cannot sign the selected targets as planned.
    PlanNotExportable = "plan-not-exportable" in Targets;
    /// The targets could not be looked at.
    TargetsUnobserved = "targets-unobserved" in Targets;

    /// This host may not hold private keys.
    HostNotAllowed = "host-not-allowed" in Node;
    /// This host is not in the requested region.
    RegionMismatch = "region-mismatch" in Node;
    /// Unattended unlocking is not allowed at this hour.
    WindowNotAllowedNow = "window-not-allowed-now" in Node;
    /// Something that was judged is another when the command of a run has ended.
    InputsChanged = "inputs-changed" in Node;
    /// The clock is behind the last record of the audit log.
    ClockBehindRecord = "clock-behind-record" in Node;
    /// The audit log cannot be read, so the clock cannot be compared with it.
    RecordUnobserved = "record-unobserved" in Node;
    /// A run should have closed its keychain long ago, and did not.
    WindowOverdue = "window-overdue" in Node;
    /// A keychain is open, and no living run has it open.
    KeychainLeftOpen = "keychain-left-open" in Node;
    /// Somebody puts libraries into this process.
    LibraryPreloaded = "library-preloaded" in Node;
    /// This process is in a user or UTS namespace that is not the kernel's first.
    HostInNamespace = "host-in-namespace" in Node;

    /// There is no policy. A warning if it was waived for a verdict.
    PolicyMissing = "policy-missing" in Policy;
    /// The policy file cannot be used.
    PolicyInvalid = "policy-invalid" in Policy;
    /// The policy is not the one that was expected (`--expect-policy`).
    PolicyDigestMismatch = "policy-digest-mismatch" in Policy;
    /// Somebody waived a group that the policy does not allow to waive.
    WaiverNotAllowed = "waiver-not-allowed" in Policy;
    /// The policy file has a section that has no effect yet.
    PolicyUnused = "policy-unused" in Policy;

    /// A profile must be replaced, and nothing at hand replaces it.
    SuccessorMissing = "successor-missing" in Rotation;
    /// Several profiles could replace one.
    SuccessorAmbiguous = "successor-ambiguous" in Rotation;
    /// The profile at hand belongs to another team than the one that it would replace.
    SuccessorTeamMismatch = "successor-team-mismatch" in Rotation;
    /// A successor does not live longer than the profile that it replaces.
    SuccessorExpiresEarlier = "successor-expires-earlier" in Rotation;
    /// A successor does not grant what the profile grants that it replaces.
    SuccessorLacksEntitlement = "successor-lacks-entitlement" in Rotation;
    /// A successor embeds no valid certificate that could sign in the place of the one that signs now.
    SuccessorLacksCertificate = "successor-lacks-certificate" in Rotation;
    /// A successor names fewer devices than the profile that it replaces.
    SuccessorLacksDevices = "successor-lacks-devices" in Rotation;
    /// A rotation must be begun.
    RotationDue = "rotation-due" in Rotation;
    /// Something that the policy names must be replaced.
    CredentialDue = "credential-due" in Rotation;
    /// The steps of a rotation are out of order, or one is not finished.
    RotationUnfinished = "rotation-unfinished" in Rotation;
    /// A file was changed between two steps of a rotation.
    RotationFileChanged = "rotation-file-changed" in Rotation;
    /// A replaced profile is still in its time of grace.
    RotationGrace = "rotation-grace" in Rotation;
    /// A profile stays installed because another manifest on this machine pins it.
    ProfilePinnedElsewhere = "profile-pinned-elsewhere" in Rotation;
    /// A machine has not shown that it holds a successor.
    NodeLacksSuccessor = "node-lacks-successor" in Rotation;
    /// A machine lacks the intermediate that issued a certificate that signs.
    NodeLacksIntermediate = "node-lacks-intermediate" in Rotation;
    /// A build would pass the gate and fail.
    RotationGateMisses = "rotation-gate-misses" in Rotation;
    /// A step of a rotation would make the gate block.
    RotationStepBlocks = "rotation-step-blocks" in Rotation;
    /// Taking a step of a rotation back would not restore a state that passes.
    RotationNotUndone = "rotation-not-undone" in Rotation;
    /// A rotation would make the gate block another branch that is still released.
    RotationBreaksBranch = "rotation-breaks-branch" in Rotation;

    /// A part of the product cannot be read, or is nothing that a product holds.
    ProductUnreadable = "product-unreadable" in Product;
    /// Files or bytes lie where no seal covers them.
    ProductStructure = "product-structure" in Product;
    /// Code is not signed.
    CodeUnsigned = "code-unsigned" in Product;
    /// Code is signed ad hoc: no certificate says who made it.
    CodeAdHoc = "code-ad-hoc" in Product;
    /// The signature of code cannot be read.
    CodeSignatureMalformed = "code-signature-malformed" in Product;
    /// The CMS message of a signature does not hold.
    CodeSignatureInvalid = "code-signature-invalid" in Product;
    /// The chain of the certificate that signed code is not valid.
    CodeNotTrusted = "code-not-trusted" in Product;
    /// The chain ends in a root that is not Apple's. A warning if the policy names that root.
    CodeAnchorNotApple = "code-anchor-not-apple" in Product;
    /// The certificate that signed code is one that Apple issued for something else.
    CodeSignerRole = "code-signer-role" in Product;
    /// The certificate has expired, and the code may not outlive it.
    CodeSignerExpired = "code-signer-expired" in Product;
    /// Code names another team than its certificate, or its slices are of different teams.
    CodeTeamMismatch = "code-team-mismatch" in Product;
    /// The secure timestamp of a signature does not hold.
    CodeTimestampInvalid = "code-timestamp-invalid" in Product;
    /// A CodeDirectory is not the one that the signature names.
    CodeDirectoryUnbound = "code-directory-unbound" in Product;
    /// The signature of code is over SHA-1 alone.
    CodeHashWeak = "code-hash-weak" in Product;
    /// The slices of code have different certificates or entitlements.
    CodeSlicesDiffer = "code-slices-differ" in Product;
    /// A page of code was changed.
    CodePageChanged = "code-page-changed" in Product;
    /// Bytes of a program are not covered by its signature.
    CodeNotCovered = "code-not-covered" in Product;
    /// A component of a signature was changed.
    CodeComponentChanged = "code-component-changed" in Product;
    /// A component that was signed is missing.
    CodeComponentMissing = "code-component-missing" in Product;
    /// A component is there, and the signature does not cover it.
    CodeComponentUnsealed = "code-component-unsealed" in Product;
    /// A component of a signature cannot be read.
    CodeComponentUnreadable = "code-component-unreadable" in Product;
    /// The two encodings of the entitlements disagree.
    EntitlementsDisagree = "entitlements-disagree" in Product;
    /// Code does not meet its own designated requirement.
    CodeRequirementNotMet = "code-requirement-not-met" in Product;
    /// Nested code is not the code that the bundle around it was signed with.
    NestedCodeChanged = "nested-code-changed" in Product;
    /// Nested code was signed again after the bundle around it.
    NestedCdhashDiffers = "nested-cdhash-differs" in Product;
    /// The signature of a bundle does not seal its files.
    ResourceSealMissing = "resource-seal-missing" in Product;
    /// The seal over the files of a bundle cannot be read.
    ResourceSealUnreadable = "resource-seal-unreadable" in Product;
    /// The seal is of the first version, which covers neither links nor nested code.
    ResourceSealOld = "resource-seal-old" in Product;
    /// The rules of a seal leave out what must be sealed.
    ResourceRulesWeak = "resource-rules-weak" in Product;
    /// A sealed file or link was changed.
    ResourceChanged = "resource-changed" in Product;
    /// A sealed file is missing.
    ResourceMissing = "resource-missing" in Product;
    /// A file was added to a sealed bundle.
    ResourceAdded = "resource-added" in Product;
    /// Something else lies where a file was sealed.
    ResourceKindChanged = "resource-kind-changed" in Product;
    /// The seal names a path outside of the bundle.
    ResourcePathOutside = "resource-path-outside" in Product;
    /// A link leads to something that no seal covers.
    LinkLeavesProduct = "link-leaves-product" in Product;
    /// The stapled notarization ticket was made for other code.
    TicketOtherCode = "ticket-other-code" in Product;
    /// The manifest pins no targets and no products, so a product is held against its profiles alone.
    ProductPlanMissing = "product-plan-missing" in Product;
    /// Something that needs a profile has none in it.
    EmbeddedProfileMissing = "embedded-profile-missing" in Product;
    /// The profile in a product is no file that the manifest pins.
    EmbeddedProfileNotPinned = "embedded-profile-not-pinned" in Product;
    /// The profile in a product is pinned, but not planned for what it is in.
    EmbeddedProfileNotPlanned = "embedded-profile-not-planned" in Product;
    /// The profile in a product is for another destination.
    EmbeddedProfileKind = "embedded-profile-kind" in Product;
    /// Code is signed with a certificate that its profile does not hold.
    SignerNotInProfile = "signer-not-in-profile" in Product;
    /// Code is signed with another certificate than the planned one.
    SignerNotPlanned = "signer-not-planned" in Product;
    /// Code is signed with a kind of certificate that is for another destination.
    SignerKindMismatch = "signer-kind-mismatch" in Product;
    /// Code is signed by a team that neither manifest nor policy names.
    TeamNotPlanned = "team-not-planned" in Product;
    /// Code is signed under another identifier than its bundle id.
    SigningIdentifierMismatch = "signing-identifier-mismatch" in Product;
    /// Code claims no application identifier, or that of something else.
    ApplicationIdentifierMismatch = "application-identifier-mismatch" in Product;
    /// Code claims an entitlement that the profile in it does not grant.
    ClaimNotGranted = "claim-not-granted" in Product;
    /// A product for distribution lets a debugger attach.
    ProductDebuggable = "product-debuggable" in Product;
    /// A program for Developer ID lacks the hardened runtime.
    HardenedRuntimeMissing = "hardened-runtime-missing" in Product;
    /// Code for Developer ID lacks a secure timestamp.
    SecureTimestampMissing = "secure-timestamp-missing" in Product;
    /// Something in a product carries a profile or an application identifier, and nobody planned it.
    ItemNotPlanned = "item-not-planned" in Product;
    /// A planned target is not in the product.
    PlannedTargetMissing = "planned-target-missing" in Product;

    /// A record of the audit log was changed, removed, repeated or moved.
    AuditRecordAltered = "audit-record-altered" in Audit;
    /// The audit log does not have a record that a checkpoint tells of, or has another one.
    AuditRecordMissing = "audit-record-missing" in Audit;
    /// Time runs backwards between records of the audit log. A warning after somebody resumed the log.
    AuditTimeBackwards = "audit-time-backwards" in Audit;
    /// Records are lost, and somebody resumed the audit log.
    AuditLogResumed = "audit-log-resumed" in Audit;
    /// A receipt or an envelope cannot be used, so the audit log was not compared with it.
    AuditEvidenceUnusable = "audit-evidence-unusable" in Audit;

    /// The file is not an envelope, or is not written as the gate writes one.
    EnvelopeMalformed = "envelope-malformed" in Envelope;
    /// The envelope is not signed.
    EnvelopeUnsigned = "envelope-unsigned" in Envelope;
    /// The signature does not belong to the payload, or was made for something else.
    EnvelopeSignatureInvalid = "envelope-signature-invalid" in Envelope;
    /// The key that signed may not sign envelopes, or not at that time.
    EnvelopeSignerNotAllowed = "envelope-signer-not-allowed" in Envelope;
    /// What is signed is not a statement about a signing context.
    EnvelopeTypeMismatch = "envelope-type-mismatch" in Envelope;
    /// The verdict is older than asked for, or lies in the future.
    EnvelopeNotCurrent = "envelope-not-current" in Envelope;
    /// The envelope is not about the product that is at hand.
    ProductDigestMismatch = "product-digest-mismatch" in Envelope;
    /// The signed statement has a field that this version does not know.
    EnvelopeFieldUnknown = "envelope-field-unknown" in Envelope;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The place that a finding points to. Unknown parts are left out.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Place {
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    /// The line in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// JSON pointer (RFC 6901) or key path into it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pointer: Option<String>,
    /// The target of an Xcode project.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// The profile's UUID.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub profile: Option<String>,
}

impl Place {
    /// A place that is a whole file. A name that is not UTF-8 is shown with replacement characters.
    pub fn file(path: &Path) -> Self {
        Self {
            file: Some(path.display().to_string()),
            ..Self::default()
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A profile that a finding touches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct TouchedProfile {
    /// Its UUID.
    pub uuid: String,
    /// Its name.
    pub name: String,
}

/// One finding: what is not right, where, both values, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The stable code.
    pub code: Code,
    /// How serious it is.
    pub severity: Severity,
    /// One sentence for a person.
    pub message: String,
    /// The expected value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected: Option<String>,
    /// The value that was found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub found: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Place::is_empty", default)]
    pub place: Place,
    /// The profiles that it touches, where it is about something that several of them share.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub profiles: Vec<TouchedProfile>,
    /// What comes next, where that is known: a command that can be pasted as it stands, or what to do in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
    /// The section of the documentation that says what the code means: `docs/findings.md#CODE`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
    /// The step of countersign that mends it: whoever shows the finding adds its command to the hint.
    #[serde(skip)]
    pub remedy: Option<Remedy>,
}

impl Finding {
    /// A finding that blocks.
    pub fn block(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Block, message)
    }

    /// A finding that warns.
    pub fn warn(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warn, message)
    }

    /// A finding that informs.
    pub fn info(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Info, message)
    }

    /// A finding of the given severity.
    pub fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            expected: None,
            found: None,
            hint: None,
            place: Place::default(),
            profiles: Vec::new(),
            next: None,
            page: None,
            remedy: None,
        }
    }

    /// Both values: what should have been there and what was.
    #[must_use]
    pub fn values(mut self, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        self.expected = Some(expected.to_string());
        self.found = Some(found.to_string());
        self
    }

    /// The value that was found.
    #[must_use]
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = Some(found.to_string());
        self
    }

    /// The expected value.
    #[must_use]
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.expected = Some(expected.to_string());
        self
    }

    /// What to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The step of countersign that mends it.
    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }

    /// The file it points at.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        self.place.file = Some(path.display().to_string());
        self
    }

    /// The line it points at, from 1.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.place.line = Some(line);
        self
    }

    /// The JSON pointer or key path it points at.
    #[must_use]
    pub fn at_pointer(mut self, pointer: impl Into<String>) -> Self {
        self.place.pointer = Some(pointer.into());
        self
    }

    /// The profile it speaks of.
    #[must_use]
    pub fn of_profile(mut self, uuid: impl fmt::Display) -> Self {
        self.place.profile = Some(uuid.to_string());
        self
    }

    /// The profiles that it touches.
    #[must_use]
    pub fn touching(mut self, profiles: Vec<TouchedProfile>) -> Self {
        self.profiles = profiles;
        self
    }

    /// The target it speaks of.
    #[must_use]
    pub fn of_target(mut self, target: impl fmt::Display) -> Self {
        self.place.target = Some(target.to_string());
        self
    }
}

/// Puts findings in the order of reports: what blocks first, then by group and code; within one code they stay in the
/// order in which they were found, which is that of the manifest or the file.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| (finding.severity, finding.code));
}

/// Says everything once: of equal findings the first stays.
pub fn distinct(findings: &mut Vec<Finding>) {
    let mut seen = std::collections::HashSet::new();
    findings.retain(|finding| seen.insert(finding.clone()));
}

/// Whether any of them blocks.
pub fn any_blocks(findings: &[Finding]) -> bool {
    findings.iter().any(blocks)
}

/// Whether it blocks.
pub fn blocks(finding: &Finding) -> bool {
    finding.severity == Severity::Block
}

/// The 1-based line on which byte `offset` of `text` lies.
pub fn line_of(text: &[u8], offset: usize) -> u64 {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kebab_case_and_unique() {
        let mut words: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        for word in &words {
            assert!(
                word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{word}"
            );
        }
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }

    #[test]
    fn json_leaves_the_unknown_out() {
        let finding = Finding::block(Code::ProfileMissing, "gone").of_profile("u");
        let json = serde_json::to_string(&finding).unwrap();
        assert_eq!(
            json,
            r#"{"code":"profile-missing","severity":"block","message":"gone","place":{"profile":"u"}}"#
        );
    }

    #[test]
    fn reports_put_what_blocks_first_and_keep_the_order_of_groups() {
        let mut findings = vec![
            Finding::warn(Code::ProfileExpiresSoon, "soon"),
            Finding::block(Code::HostNotAllowed, "host"),
            Finding::block(Code::ManifestDigestMismatch, "digest"),
        ];
        sort(&mut findings);
        let order: Vec<_> = findings.iter().map(|f| f.message.as_str()).collect();
        assert_eq!(order, ["digest", "host", "soon"]);
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!(line_of(b"a\nb", 0), 1);
        assert_eq!(line_of(b"a\nb", 2), 2);
        assert_eq!(line_of(b"a\nb", 99), 2);
    }
}
