//! Which command takes which step: the only place where a remedy becomes words of the command line.

use super::typed::Typed;
use crate::base::cause::{self, Cause};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::base::shell;
use crate::ops::error::Error;
use crate::ops::report::Head;

/// The command or the flags that take the step, as somebody types them.
pub fn command(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::SetUp => "countersign init",
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
        Remedy::NameApiKey => "--key-file AuthKey_ID.p8 and --issuer-id ID",
        Remedy::ListPortal => "countersign portal list",
        Remedy::RenewProfiles => "countersign portal renew",
        Remedy::NameSigningCertificate => "--certificate FINGERPRINT or --csr FILE",
        Remedy::NameCertificateType => "--certificate-type TYPE",
        Remedy::NameSuccessors => "--suffix TEXT",
        Remedy::AbandonRenewal => "countersign portal renew --abandon",
        Remedy::ListCommands => "countersign --help",
        Remedy::ListCodes => "countersign explain",
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

/// The command that says what a code means.
pub fn explain(code: &str) -> String {
    format!("countersign explain {code}")
}

/// Makes a finding ready to be shown: adds the command of its remedy to its hint, and says which command comes next and
/// which page tells more.
pub fn complete(finding: &mut Finding, typed: &Typed) {
    let remedy = finding.remedy.take();
    let command = remedy
        .and_then(|remedy| next(remedy, typed))
        .or_else(|| quoted_command(finding.hint.as_deref()?));
    finding.next = command.or(finding.next.take());
    finding.hint = advice(finding.hint.as_deref(), remedy);
    finding.page = Some(format!("docs/findings.md#{}", finding.code));
}

/// The remedy as one command that can be pasted, where it is one.
fn next(remedy: Remedy, typed: &Typed) -> Option<String> {
    let command = command(remedy);
    if command.starts_with("--") {
        let first = command.split([',', ' ']).next().unwrap_or_default();
        let value = command.split(" or ").next().unwrap_or(command);
        // Of several options the first; it stands alone where the others do too.
        let added = if value.contains(',') { first } else { value };
        return typed.with(added);
    }
    // Of several steps the first.
    let first = command.split(", then").next().unwrap_or(command);
    first
        .starts_with("countersign ")
        .then(|| typed.command(first))
}

/// A command of ours that stands between backquotes in a hint.
fn quoted_command(hint: &str) -> Option<String> {
    let mut parts = hint.split('`').skip(1).step_by(2);
    parts
        .find(|part| part.starts_with("countersign "))
        .map(ToOwned::to_owned)
}

/// What a report begins with: the problem that comes first, in words, and the command that is to be run next.
pub fn head(causes: &[Cause<'_>]) -> Head {
    match cause::blocking(causes).next() {
        None => Head::default(),
        Some(first) => Head {
            headline: Some(first.headline()),
            next: Some(next_of(first)),
        },
    }
}

/// The command that is to be run next about a cause.
pub fn next_of(cause: &Cause<'_>) -> String {
    match &cause.first.next {
        Some(next) => for_many(next, cause),
        None => explain(cause.first.code.as_str()),
    }
}

/// A step that takes a file, for a cause that takes it of many: a directory.
pub fn for_many(text: &str, cause: &Cause<'_>) -> String {
    let install = command(Remedy::InstallProfile);
    match (cause.alike.is_empty(), install.rsplit_once(' ')) {
        (false, Some((verb, _))) => {
            let (_, verb) = verb.split_once(' ').unwrap_or_default();
            text.replace(&format!("{verb} FILE"), &format!("{verb} DIR"))
        }
        _ => text.to_owned(),
    }
}
