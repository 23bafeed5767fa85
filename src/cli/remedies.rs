//! Which command takes which step: the only place where a remedy becomes words of the command line.

use std::borrow::Cow;

use super::typed::Typed;
use crate::base::cause::{self, Cause};
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::base::shell;
use crate::ops::error::Error;
use crate::ops::report::Head;

/// The step as the command line spells it, with a word in capitals for what only its reader knows.
pub fn usage(remedy: Remedy) -> Cow<'static, str> {
    match remedy {
        Remedy::NamePlatform { sdk } => format!("--sdk {sdk}").into(),
        Remedy::NameSdk { sdk } => format!("--sdk {sdk}VERSION").into(),
        other => step(other).0.into(),
    }
}

/// The step as one line: a command that can be pasted as it stands, or what to do in words. `None` where it is an option that
/// was typed already, or that stands beside what is not to be repeated.
fn next(remedy: Remedy, typed: &Typed) -> Option<String> {
    match (remedy, step(remedy)) {
        (Remedy::NamePlatform { .. }, _) if typed.names("--sdk") => None,
        (Remedy::NamePlatform { .. }, _) => typed.with(&usage(remedy)),
        (Remedy::FreezeTargets, (_, words)) => match typed.selection() {
            Some(targets) => Some(typed.command(&format!("countersign manifest freeze {targets}"))),
            None => words.map(str::to_owned),
        },
        // A command alone would freeze what has expired: first comes what only a person can do.
        (Remedy::RenewCertificate | Remedy::RenewProfile, (command, Some(words))) => {
            Some(format!("{words}, then: {}", typed.command(command)))
        }
        (_, (_, Some(words))) => Some(words.to_owned()),
        (_, (command, None)) => Some(typed.command(command)),
    }
}

/// The step as the command line spells it, and what to do in words where that is no whole command.
fn step(remedy: Remedy) -> (&'static str, Option<&'static str>) {
    let whole = |command| (command, None);
    let partial = |usage, words| (usage, Some(words));
    match remedy {
        Remedy::SetUp => whole("countersign init"),
        Remedy::FreezeManifest => whole("countersign manifest freeze"),
        Remedy::RenewCertificate => partial(
            "countersign manifest freeze",
            "renew the certificate and its profiles",
        ),
        Remedy::RenewProfile => partial("countersign manifest freeze", "renew the profile"),
        Remedy::FreezeTargets => partial(
            "countersign manifest freeze --project X.xcodeproj",
            "freeze the manifest again together with the targets of the Xcode project",
        ),
        Remedy::ShowManifestDigest => whole("countersign manifest digest"),
        Remedy::ShowPolicyDigest => whole("countersign policy digest"),
        Remedy::NameManifest => partial("--manifest FILE", "name the manifest"),
        Remedy::NamePolicy => partial("--policy FILE", "name the policy"),
        Remedy::NameProfileDirectory => partial(
            "--profiles DIR",
            "name the directory of the installed profiles",
        ),
        Remedy::InstallProfile => partial(
            "countersign profile install FILE",
            "install the pinned profiles on this machine",
        ),
        Remedy::ListProfiles => whole("countersign profile list"),
        Remedy::PruneProfiles => whole("countersign profile prune --unpinned"),
        Remedy::ChoosePrunedProfiles => partial(
            "--expired, --unpinned or both",
            "choose which installed profiles are removed",
        ),
        Remedy::FindPolicy => partial(
            "--policy FILE",
            "go to the folder of the app, or name its policy",
        ),
        Remedy::NameProject => partial(
            "--project X.xcodeproj",
            "name the Xcode project or workspace",
        ),
        Remedy::NameRoot => partial(
            "--root DIR",
            "name the folder that the project's files may reach into, if you trust them",
        ),
        Remedy::NameTarget => partial("--target NAME", "select the targets by name"),
        Remedy::NameConfiguration => {
            partial("--configuration NAME", "select one build configuration")
        }
        Remedy::NameScheme => partial("--scheme NAME", "name the scheme that is archived"),
        Remedy::NamePlatform { .. } | Remedy::NameSdk { .. } => {
            partial("--sdk SDK", "name the SDK with its version")
        }
        Remedy::GiveSetting => partial(
            "--setting NAME=value",
            "pass the value that the setting has in the build",
        ),
        Remedy::NameKind => partial("--kind KIND", "name the kind of distribution"),
        Remedy::ShowTargets => whole("countersign targets show"),
        Remedy::CheckTargets => whole("countersign targets check"),
        Remedy::ExportTargets => partial(
            "xcodebuild $(countersign targets export --as xcargs)",
            "correct the setting in the project, or build with the exported settings",
        ),
        Remedy::NameIdentities => partial(
            "--identities FILE or --keychain PATH",
            "name a keychain, a p12, or a file with what `security find-identity -v -p codesigning` prints",
        ),
        Remedy::ListIdentities => partial(
            "countersign identity list",
            "list the identities, and compare them with the reviewed set",
        ),
        Remedy::JudgeKeychain => partial(
            "leave --identities out",
            "leave --identities out, so that the keychain's own identities are judged",
        ),
        Remedy::CreateKeychain => whole("countersign keychain create"),
        Remedy::ImportIdentities => partial(
            "countersign keychain import FILE",
            "import the certificate with its private key into the keychain",
        ),
        Remedy::LockKeychain => whole("countersign keychain lock"),
        Remedy::DestroyKeychain => whole("countersign keychain destroy --yes"),
        Remedy::RemakeKeychain => partial(
            "countersign keychain destroy --yes, then create and import",
            "delete the keychain, make it again, and import its identities",
        ),
        Remedy::NameKeychain => partial("--keychain PATH", "name the keychain"),
        Remedy::GiveKeychainPassword => partial(
            "--keychain-password-file, --keychain-password-fd or --keychain-password-env",
            "pass the keychain's password in a file, a descriptor or an environment variable",
        ),
        Remedy::ServePassword => partial(
            "countersign keychain serve",
            "start the helper that holds the keychain's password",
        ),
        Remedy::GivePassword => partial(
            "--password-file, --password-fd or --password-env",
            "pass the password in a file, a descriptor or an environment variable",
        ),
        Remedy::GiveMatchPassword => partial(
            "--match-password-file, --match-password-fd or --match-password-env",
            "pass the password of the match repository in a file, a descriptor or an environment variable",
        ),
        Remedy::RecoverKeychains => whole("countersign keychain recover"),
        Remedy::LengthenWindow => partial("--window DURATION", "ask for a longer window"),
        Remedy::VerifyAuditLog => whole("countersign audit verify"),
        Remedy::ResumeAuditLog => whole("countersign audit resume"),
        Remedy::ShowCheckpoint => whole("countersign audit checkpoint"),
        Remedy::SignEnvelope => partial(
            "countersign gate --envelope FILE --sign-with KEY",
            "have the gate sign the envelope",
        ),
        Remedy::ProbeNode => partial(
            "countersign rotate probe -o FILE",
            "write down on that machine what it holds, and name the file with --probe",
        ),
        Remedy::RollBack => whole("countersign rotate rollback"),
        Remedy::NameStateDirectory => partial("--state-dir DIR", "name a state directory"),
        Remedy::NameOutput => partial("-o FILE", "name the file that is written"),
        Remedy::NameApiKey => partial(
            "--key-file AuthKey_ID.p8 and --issuer-id ID",
            "name the .p8 file of a team key, and the id of its issuer",
        ),
        Remedy::ListPortal => whole("countersign portal list"),
        Remedy::RenewAtPortal => whole("countersign portal renew"),
        Remedy::NameSigningCertificate => partial(
            "--certificate FINGERPRINT or --csr FILE",
            "name a valid certificate, or have one made",
        ),
        Remedy::NameCertificateType => partial(
            "--certificate-type TYPE",
            "say of which type the new certificate is",
        ),
        Remedy::NameSuccessors => partial(
            "--suffix TEXT",
            "say what is added to the names of successors",
        ),
        Remedy::AbandonRenewal => whole("countersign portal renew --abandon"),
        Remedy::ListCommands => whole("countersign --help"),
        Remedy::ListCodes => whole("countersign explain"),
    }
}

/// The advice as a person reads it: what to do, and in brackets the command that does it.
pub fn advice(hint: Option<&str>, remedy: Option<Remedy>) -> Option<String> {
    match (hint, remedy.map(usage)) {
        (Some(hint), Some(usage)) => Some(format!("{hint} ({usage})")),
        (Some(hint), None) => Some(hint.to_owned()),
        (None, Some(usage)) => Some(usage.into_owned()),
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

/// Makes a finding ready to be shown: adds the remedy to its hint as the command line spells it, and says what comes next and
/// which page tells more.
pub fn complete(finding: &mut Finding, typed: &Typed) {
    let remedy = finding.remedy.take();
    let next = remedy.and_then(|remedy| next(remedy, typed));
    finding.next = next.or(finding.next.take());
    finding.hint = advice(finding.hint.as_deref(), remedy);
    finding.page = Some(format!("docs/findings.md#{}", finding.code));
}

/// What a report begins with: the problem that comes first, in words, and what comes next.
pub fn head(causes: &[Cause<'_>]) -> Head {
    match cause::blocking(causes).next() {
        None => Head::default(),
        Some(first) => Head {
            headline: Some(first.headline()),
            next: Some(next_of(first)),
        },
    }
}

/// What comes next about a cause: a command that can be pasted as it stands, or what to do in words.
pub fn next_of(cause: &Cause<'_>) -> String {
    match &cause.first.next {
        Some(next) => next.clone(),
        None => explain(cause.first.code.as_str()),
    }
}

/// Whether what comes next is a command. An instruction begins with a verb.
pub fn is_command(next: &str) -> bool {
    next.starts_with("countersign ")
}

/// A step that takes a file, for a cause that takes it of many: a directory.
pub fn for_many(text: &str, cause: &Cause<'_>) -> String {
    let install = usage(Remedy::InstallProfile);
    match (cause.alike.is_empty(), install.rsplit_once(' ')) {
        (false, Some((verb, _))) => {
            let (_, verb) = verb.split_once(' ').unwrap_or_default();
            text.replace(&format!("{verb} FILE"), &format!("{verb} DIR"))
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsString;

    use clap::Parser as _;
    use clap::error::ErrorKind;

    use super::*;
    use crate::cli::Cli;

    const ALL: [Remedy; 59] = [
        Remedy::SetUp,
        Remedy::FreezeManifest,
        Remedy::RenewCertificate,
        Remedy::RenewProfile,
        Remedy::FreezeTargets,
        Remedy::ShowManifestDigest,
        Remedy::ShowPolicyDigest,
        Remedy::NameManifest,
        Remedy::NamePolicy,
        Remedy::NameProfileDirectory,
        Remedy::InstallProfile,
        Remedy::ListProfiles,
        Remedy::PruneProfiles,
        Remedy::ChoosePrunedProfiles,
        Remedy::FindPolicy,
        Remedy::NameProject,
        Remedy::NameRoot,
        Remedy::NameTarget,
        Remedy::NameConfiguration,
        Remedy::NameScheme,
        Remedy::NamePlatform { sdk: "macosx" },
        Remedy::NameSdk { sdk: "macosx" },
        Remedy::GiveSetting,
        Remedy::NameKind,
        Remedy::ShowTargets,
        Remedy::CheckTargets,
        Remedy::ExportTargets,
        Remedy::NameIdentities,
        Remedy::ListIdentities,
        Remedy::JudgeKeychain,
        Remedy::CreateKeychain,
        Remedy::ImportIdentities,
        Remedy::LockKeychain,
        Remedy::DestroyKeychain,
        Remedy::RemakeKeychain,
        Remedy::NameKeychain,
        Remedy::GiveKeychainPassword,
        Remedy::ServePassword,
        Remedy::GivePassword,
        Remedy::GiveMatchPassword,
        Remedy::RecoverKeychains,
        Remedy::LengthenWindow,
        Remedy::VerifyAuditLog,
        Remedy::ResumeAuditLog,
        Remedy::ShowCheckpoint,
        Remedy::SignEnvelope,
        Remedy::ProbeNode,
        Remedy::RollBack,
        Remedy::NameStateDirectory,
        Remedy::NameOutput,
        Remedy::NameApiKey,
        Remedy::ListPortal,
        Remedy::RenewAtPortal,
        Remedy::NameSigningCertificate,
        Remedy::NameCertificateType,
        Remedy::NameSuccessors,
        Remedy::AbandonRenewal,
        Remedy::ListCommands,
        Remedy::ListCodes,
    ];

    fn typed(words: &str) -> Typed {
        let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        Typed::new(&words)
    }

    #[test]
    fn these_are_all_remedies() {
        let list = include_str!("../base/remedy.rs").lines();
        let variants = list.filter(|line| {
            let name = line.strip_prefix("    ").unwrap_or_default();
            name.starts_with(char::is_uppercase) && name.ends_with([',', '{'])
        });
        assert_eq!(variants.count(), ALL.len());
        assert_eq!(ALL.into_iter().collect::<BTreeSet<_>>().len(), ALL.len());
    }

    /// Holds a command against the command line itself.
    fn is_accepted(command: &str) -> bool {
        match Cli::try_parse_from(command.split(' ')) {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::DisplayHelp,
        }
    }

    #[test]
    fn what_comes_next_is_a_whole_command_or_an_instruction_in_words() {
        let stands_for_another = |word: &&str| {
            let stem = word.trim_end_matches(".xcodeproj");
            !stem.is_empty() && stem.chars().all(|c| c.is_ascii_uppercase())
        };
        for line in [
            "countersign gate",
            "countersign --policy p.toml gate --project App.xcodeproj --scheme App",
            "countersign targets check --project App.xcodeproj --sdk iphoneos",
        ] {
            for remedy in ALL {
                let Some(next) = next(remedy, &typed(line)) else {
                    continue;
                };
                // What only a person can do may stand before a command.
                let (next, command) = next.split_once(", then: ").unwrap_or((&next, ""));
                assert!(
                    command.is_empty() || is_accepted(command),
                    "{next}: {command}"
                );
                let words: Vec<&str> = next.split(' ').collect();
                if is_command(next) {
                    assert!(is_accepted(next), "{remedy:?}: {next}");
                    assert_eq!(
                        words.iter().find(|it| stands_for_another(it)),
                        None,
                        "{next}"
                    );
                } else {
                    assert!(words.len() > 2, "{remedy:?}: {next}");
                    assert!(next.starts_with(char::is_lowercase), "{remedy:?}: {next}");
                    let placeholders = [
                        "FILE",
                        "DIR",
                        "NAME",
                        "PATH",
                        "KIND",
                        "KEY",
                        "VERSION",
                        "countersign",
                    ];
                    let found = placeholders.iter().find(|it| next.contains(**it));
                    assert_eq!(found, None, "{remedy:?}: {next}");
                }
                assert!(!next.contains(['<', '>', '$']), "{remedy:?}: {next}");
            }
        }
    }

    #[test]
    fn the_sdk_is_that_of_the_platform_and_is_named_once() {
        let platform = Remedy::NamePlatform { sdk: "xros" };
        assert_eq!(usage(platform), "--sdk xros");
        let gate = next(platform, &typed("countersign gate"));
        assert_eq!(gate.as_deref(), Some("countersign gate --sdk xros"));
        assert_eq!(
            next(platform, &typed("countersign gate --sdk=macosx")),
            None
        );
        let version = Remedy::NameSdk { sdk: "appletvos" };
        assert_eq!(usage(version), "--sdk appletvosVERSION");
    }

    #[test]
    fn freezing_again_repeats_the_targets_that_were_selected() {
        let next = |line| next(Remedy::FreezeTargets, &typed(line)).unwrap();
        assert_eq!(
            next(
                "countersign --policy=p.toml gate --project App.xcodeproj --scheme App --without identities"
            ),
            "countersign --policy=p.toml manifest freeze --project App.xcodeproj --scheme App"
        );
        // A value that may be a secret is not repeated, and without it something else would be frozen.
        for line in [
            "countersign gate",
            "countersign gate --project App.xcodeproj --setting KEY=secret",
        ] {
            assert!(!is_command(&next(line)), "{}", next(line));
        }
    }
}
