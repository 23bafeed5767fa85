//! Remedies: the steps of countersign that correct a finding or an error.
//!
//! The library does not know the command line: a daemon has no flags. So a hint says in plain words what to do, and a
//! [`Remedy`] names the step. `cli` adds the command for the step. The vocabulary is closed, and `cli` matches it
//! exhaustively, so that no remedy is without a command.

/// A step that mends something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remedy {
    /// Find the project and its profiles, and write the first policy, manifest and workflow.
    SetUp,
    /// Freeze the profiles into the manifest.
    FreezeManifest,
    /// Renew a certificate, regenerate its profiles, and freeze them.
    RenewCertificate,
    /// Renew a profile, and freeze it.
    RenewProfile,
    /// Freeze the manifest together with the targets of the Xcode project.
    FreezeTargets,
    /// Print the manifest's digest.
    ShowManifestDigest,
    /// Show the digest of the policy that is read.
    ShowPolicyDigest,
    /// Name the manifest's file.
    NameManifest,
    /// Name the policy's file.
    NamePolicy,
    /// Name the directory of the installed profiles.
    NameProfileDirectory,
    /// Install a profile.
    InstallProfile,
    /// List the installed profiles.
    ListProfiles,
    /// Remove installed profiles that the manifest does not pin.
    PruneProfiles,
    /// Choose which installed profiles are removed.
    ChoosePrunedProfiles,
    /// Go to the folder of the app, or name its policy.
    FindPolicy,
    /// Name the Xcode project.
    NameProject,
    /// Declare the folder that project files may reach into.
    NameRoot,
    /// Name the target.
    NameTarget,
    /// Name the build configuration.
    NameConfiguration,
    /// Name the scheme.
    NameScheme,
    /// Name the SDK of the platform that is archived for.
    NamePlatform {
        /// Its name as Xcode has it: `iphoneos`, `macosx`, `appletvos`, `watchos`, `xros`.
        sdk: &'static str,
    },
    /// Name the SDK with its version.
    NameSdk {
        /// Its name without a version.
        sdk: &'static str,
    },
    /// Pass a build setting from outside of the project.
    GiveSetting,
    /// Name the kind of product.
    NameKind,
    /// List the targets and what each asks for.
    ShowTargets,
    /// Check the targets against the profiles.
    CheckTargets,
    /// Hand the planned profiles to Xcode on its command line.
    ExportTargets,
    /// Name the source of the identities.
    NameIdentities,
    /// List the identities.
    ListIdentities,
    /// Judge the identities of the keychain itself.
    JudgeKeychain,
    /// Make a keychain.
    CreateKeychain,
    /// Import identities into the keychain.
    ImportIdentities,
    /// Lock the keychain.
    LockKeychain,
    /// Delete the keychain.
    DestroyKeychain,
    /// Delete the keychain, make it again and import its identities.
    RemakeKeychain,
    /// Name the keychain.
    NameKeychain,
    /// Hand the keychain's password in.
    GiveKeychainPassword,
    /// Start the helper that holds the keychain's password.
    ServePassword,
    /// Hand the password of a file in.
    GivePassword,
    /// Hand the password of a match repository in.
    GiveMatchPassword,
    /// Finish what killed runs left.
    RecoverKeychains,
    /// Ask for a longer window.
    LengthenWindow,
    /// Verify the audit log.
    VerifyAuditLog,
    /// Go on with an audit log that was lost, or whose clock was set back.
    ResumeAuditLog,
    /// Print a checkpoint of the audit log.
    ShowCheckpoint,
    /// Have the gate sign its envelope.
    SignEnvelope,
    /// Write down what a machine holds, on that machine.
    ProbeNode,
    /// Put back what a step of a rotation changed.
    RollBack,
    /// Choose another state directory.
    NameStateDirectory,
    /// Write to another file.
    NameOutput,
    /// Name the API key of App Store Connect.
    NameApiKey,
    /// List what App Store Connect holds.
    ListPortal,
    /// Make successors of profiles at App Store Connect.
    RenewAtPortal,
    /// Name the certificate that successors are made with.
    NameSigningCertificate,
    /// Say of which type a new certificate is.
    NameCertificateType,
    /// Say what is added to the names of successors.
    NameSuccessors,
    /// Forget successors that were to be made and are not all made.
    AbandonRenewal,
    /// List the commands.
    ListCommands,
    /// List the codes of findings and errors.
    ListCodes,
}
