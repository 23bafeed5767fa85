//! Which command takes which step: the only place where a remedy becomes words of the command line.

use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::base::shell;
use crate::ops::error::Error;

/// The command or the flags that take the step, as somebody types them.
pub fn command(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::FreezeManifest => "countersign manifest freeze",
        Remedy::FreezeTargets => "countersign manifest freeze --project X.xcodeproj",
        Remedy::ShowManifestDigest => "countersign manifest digest",
        Remedy::ShowPolicyDigest => "countersign policy digest",
        Remedy::NameManifest => "--manifest FILE",
        Remedy::NamePolicy => "--policy FILE",
        Remedy::NameProfileDirectory => "--profiles DIR",
        Remedy::InstallProfile => "countersign profile install FILE",
        Remedy::ListProfiles => "countersign profile list",
        Remedy::ShowProfile => "countersign profile show FILE",
        Remedy::PruneProfiles => "countersign profile prune --unpinned",
        Remedy::NameProject => "--project X.xcodeproj",
        Remedy::NameRoot => "--root DIR",
        Remedy::NameTarget => "--target NAME",
        Remedy::NameConfiguration => "--configuration NAME",
        Remedy::NameScheme => "--scheme NAME",
        Remedy::NamePlatform => "--sdk iphoneos",
        Remedy::NameSdk => "--sdk iphoneos18.2",
        Remedy::GiveSetting => "--setting NAME=value",
        Remedy::NameKind => "--kind KIND",
        Remedy::ShowTargets => "countersign targets show",
        Remedy::CheckTargets => "countersign targets check",
        Remedy::ExportTargets => "xcodebuild $(countersign targets export --as xcargs)",
        Remedy::NameIdentities => "--identities FILE or --keychain PATH",
        Remedy::ListIdentities => "countersign identity list",
        Remedy::JudgeKeychain => "leave --identities out",
        Remedy::CreateKeychain => "countersign keychain create",
        Remedy::ImportIdentities => "countersign keychain import FILE",
        Remedy::LockKeychain => "countersign keychain lock",
        Remedy::DestroyKeychain => "countersign keychain destroy --yes",
        Remedy::RemakeKeychain => "countersign keychain destroy --yes, then create and import",
        Remedy::NameKeychain => "--keychain PATH",
        Remedy::GiveKeychainPassword => {
            "--keychain-password-file, --keychain-password-fd or --keychain-password-env"
        }
        Remedy::ServePassword => "countersign keychain serve",
        Remedy::GivePassword => "--password-file, --password-fd or --password-env",
        Remedy::GiveMatchPassword => {
            "--match-password-file, --match-password-fd or --match-password-env"
        }
        Remedy::RecoverKeychains => "countersign keychain recover",
        Remedy::LengthenWindow => "--window DURATION",
        Remedy::VerifyAuditLog => "countersign audit verify",
        Remedy::ResumeAuditLog => "countersign audit resume",
        Remedy::ShowCheckpoint => "countersign audit checkpoint",
        Remedy::SignEnvelope => "countersign gate --envelope FILE --sign-with KEY",
        Remedy::NameEnvelope => "--envelope FILE",
        Remedy::NameStateDirectory => "--state-dir DIR",
        Remedy::NameOutput => "-o FILE",
        Remedy::ListCommands => "countersign --help",
    }
}

/// The advice as a person reads it: what to do, and in brackets the command that does it.
pub fn advice(hint: Option<&str>, remedy: Option<Remedy>) -> Option<String> {
    match (hint, remedy.map(command)) {
        (Some(hint), Some(command)) => Some(format!("{hint} ({command})")),
        (Some(hint), None) => Some(hint.to_owned()),
        (None, Some(command)) => Some(command.to_owned()),
        (None, None) => None,
    }
}

/// What to do about an error, as a person reads it. Commands that must name a keychain and a state directory can be pasted
/// into a shell as they stand.
pub fn of_error(error: &Error) -> Option<String> {
    let Some(target) = error.recovery() else {
        let (hint, remedy) = error.advice();
        return advice(hint, remedy);
    };
    let state = shell::word(&target.state);
    let recover = format!("`countersign --state-dir {state} keychain recover`");
    Some(match &target.keychain {
        None => format!("write it with {recover}"),
        Some((keychain, backend)) => format!(
            "close it with `countersign --state-dir {state} keychain lock --backend {backend} --keychain {}`, then run {recover}",
            shell::word(keychain.as_path())
        ),
    })
}

/// Adds the command of the finding's remedy to its hint.
pub fn complete(finding: &mut Finding) {
    let remedy = finding.remedy.take();
    finding.hint = advice(finding.hint.as_deref(), remedy);
}
