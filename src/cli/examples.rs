//! Examples of every command: one table. `--help` shows them below the options, and the man pages have a section of them.

use clap::Command;

/// A call, and what it does.
pub struct Example {
    /// What the call does, in a few words.
    pub what: &'static str,
    /// The call.
    pub call: &'static str,
}

const fn example(what: &'static str, call: &'static str) -> Example {
    Example { what, call }
}

/// The words of each command behind `countersign`, and its examples.
const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "",
        &[
            example("set up the repository of an app", "countersign init --yes"),
            example(
                "pin the profiles that the app is signed with",
                "countersign manifest freeze --project App.xcodeproj --scheme App",
            ),
            example(
                "may this machine sign the app now?",
                "countersign gate --project App.xcodeproj --scheme App",
            ),
            example(
                "archive with the keychain open for no longer than that takes",
                "countersign run --project App.xcodeproj -- xcodebuild archive -scheme App",
            ),
        ],
    ),
    (
        "init",
        &[
            example("show what would be written", "countersign init"),
            example("write it", "countersign init --yes"),
            example(
                "with profiles that lie elsewhere",
                "countersign init --yes --profiles ~/Downloads/profiles",
            ),
        ],
    ),
    (
        "portal",
        &[example(
            "what does App Store Connect hold, and what of it ends?",
            "countersign portal list",
        )],
    ),
    (
        "portal list",
        &[
            example(
                "with the key that COUNTERSIGN_KEY_FILE and COUNTERSIGN_ISSUER_ID name",
                "countersign portal list",
            ),
            example(
                "only certificates, for a program",
                "countersign portal list certificates --format json",
            ),
        ],
    ),
    (
        "portal renew",
        &[
            example("show what is due", "countersign portal renew"),
            example(
                "create successors of what ends within 60 days",
                "countersign portal renew --due 60d --yes",
            ),
            example(
                "with a new certificate, whose key stays on this machine",
                "countersign portal renew --csr request.pem --yes",
            ),
        ],
    ),
    (
        "portal fetch",
        &[
            example(
                "fetch what the last renewal created",
                "countersign portal fetch --renewed --into successors",
            ),
            example(
                "fetch a profile by its name",
                "countersign portal fetch \"Rocket Store\" --into successors",
            ),
        ],
    ),
    (
        "rotate",
        &[
            example(
                "what must be renewed within a month?",
                "countersign rotate plan --due 30d",
            ),
            example(
                "the successors come in beside the old profiles",
                "countersign rotate stage --successors ~/Downloads/profiles",
            ),
            example("they sign from now on", "countersign rotate promote"),
        ],
    ),
    (
        "rotate plan",
        &[
            example(
                "what do these new profiles replace?",
                "countersign rotate plan --successors ~/Downloads/profiles",
            ),
            example(
                "in a scheduled job: fail when something must begin",
                "countersign rotate plan --due 30d",
            ),
            example(
                "which machine lacks an intermediate?",
                "countersign rotate plan --probe signer-02.json",
            ),
        ],
    ),
    (
        "rotate rehearse",
        &[
            example(
                "what would the gate say until the old profiles are gone?",
                "countersign rotate rehearse --successors ~/Downloads/profiles",
            ),
            example(
                "with another machine and a branch that is still released",
                "countersign rotate rehearse --probe signer-02.json --branch release/4.2 --project App.xcodeproj",
            ),
            example(
                "as a page to look at",
                "countersign rotate rehearse --successors ~/Downloads/profiles -o rehearsal.html",
            ),
        ],
    ),
    (
        "rotate stage",
        &[example(
            "install and pin the new profiles as incoming",
            "countersign rotate stage --successors ~/Downloads/profiles",
        )],
    ),
    (
        "rotate promote",
        &[
            example(
                "what would change?",
                "countersign rotate promote --dry-run --probe signer-02.json",
            ),
            example(
                "one product first",
                "countersign rotate promote --product com.acme.rocket",
            ),
        ],
    ),
    (
        "rotate retire",
        &[example(
            "the old profiles go",
            "countersign rotate retire --probe signer-02.json",
        )],
    ),
    (
        "rotate rollback",
        &[
            example("undo the last step", "countersign rotate rollback"),
            example(
                "undo all since revision 4",
                "countersign rotate rollback --to 4",
            ),
        ],
    ),
    (
        "rotate status",
        &[example("what comes next?", "countersign rotate status")],
    ),
    (
        "rotate probe",
        &[
            example(
                "on another machine",
                "countersign rotate probe -o signer-02.json",
            ),
            example(
                "with the intermediates in its keychains",
                "countersign rotate probe --certificates certificates.pem -o signer-02.json",
            ),
        ],
    ),
    (
        "product",
        &[example(
            "is this app what was signed, and by whom?",
            "countersign product verify App.ipa",
        )],
    ),
    (
        "product show",
        &[
            example(
                "what does an app hold, and who signed it?",
                "countersign product show App.app",
            ),
            example(
                "one line for each bundle and program",
                "countersign product show App.ipa --columns item,team,role",
            ),
        ],
    ),
    (
        "product verify",
        &[example(
            "is this app what was signed?",
            "countersign product verify App.xcarchive",
        )],
    ),
    (
        "product check",
        &[
            example(
                "is this app what was planned and pinned?",
                "countersign product check App.ipa --for app-store",
            ),
            example(
                "with the project's plan",
                "countersign product check App.xcarchive --project App.xcodeproj",
            ),
        ],
    ),
    (
        "certificate",
        &[example(
            "what is this certificate?",
            "countersign certificate show distribution.cer",
        )],
    ),
    (
        "certificate show",
        &[
            example(
                "what is this certificate?",
                "countersign certificate show distribution.cer",
            ),
            example(
                "what stops working if it is revoked?",
                "countersign certificate show distribution.cer --uses App.ipa",
            ),
        ],
    ),
    (
        "profile",
        &[example(
            "which profiles are installed, and until when?",
            "countersign profile list",
        )],
    ),
    (
        "profile show",
        &[
            example(
                "is this file what Apple signed?",
                "countersign profile show App.mobileprovision",
            ),
            example(
                "for a program",
                "countersign profile show App.mobileprovision --format json",
            ),
        ],
    ),
    (
        "profile list",
        &[
            example("what is installed here", "countersign profile list"),
            example(
                "some columns, for a script",
                "countersign profile list --columns state,name,expires",
            ),
        ],
    ),
    (
        "profile install",
        &[
            example(
                "one file",
                "countersign profile install App.mobileprovision",
            ),
            example(
                "all of a directory",
                "countersign profile install profiles/",
            ),
        ],
    ),
    (
        "profile prune",
        &[
            example(
                "what would be removed?",
                "countersign profile prune --expired --dry-run",
            ),
            example(
                "remove what the manifest does not pin",
                "countersign profile prune --unpinned",
            ),
        ],
    ),
    (
        "profile check",
        &[example(
            "does the profile let an Electron app run?",
            "countersign profile check App.provisionprofile --entitlements App.entitlements --kind developer-id",
        )],
    ),
    (
        "manifest",
        &[example(
            "what is pinned, and how does it stand?",
            "countersign manifest show",
        )],
    ),
    (
        "manifest freeze",
        &[
            example(
                "pin what the project uses",
                "countersign manifest freeze --project App.xcodeproj --scheme App",
            ),
            example(
                "from a directory, into another file",
                "countersign manifest freeze profiles/ --project App.xcodeproj -o signing/profiles.json",
            ),
        ],
    ),
    (
        "manifest show",
        &[example(
            "what is pinned, and how does it stand?",
            "countersign manifest show",
        )],
    ),
    (
        "manifest digest",
        &[example(
            "for --expect-manifest",
            "countersign manifest digest",
        )],
    ),
    (
        "manifest diff",
        &[example(
            "what does a change of the manifest mean?",
            "countersign manifest diff old.json manifests/profiles.json",
        )],
    ),
    (
        "manifest verify",
        &[example(
            "are the installed files the pinned ones?",
            "countersign manifest verify",
        )],
    ),
    (
        "manifest schema",
        &[
            example("the manifest's", "countersign manifest schema"),
            example(
                "that of the gate's answer",
                "countersign manifest schema gate",
            ),
        ],
    ),
    (
        "policy",
        &[example(
            "check the policy, and print its digest",
            "countersign policy digest",
        )],
    ),
    (
        "policy digest",
        &[example("for --expect-policy", "countersign policy digest")],
    ),
    (
        "targets",
        &[example(
            "which profile signs which target?",
            "countersign targets show --project App.xcodeproj",
        )],
    ),
    (
        "targets show",
        &[
            example(
                "all targets of a project",
                "countersign targets show --project App.xcodeproj",
            ),
            example(
                "what a scheme archives",
                "countersign targets show --project App.xcworkspace --scheme App",
            ),
        ],
    ),
    (
        "targets check",
        &[example(
            "is all of it right? Exit code 10 if not",
            "countersign targets check --project App.xcodeproj --scheme App",
        )],
    ),
    (
        "targets export",
        &[
            example(
                "settings for xcodebuild archive",
                "countersign targets export --as xcargs --project App.xcodeproj --configuration Release",
            ),
            example(
                "options for xcodebuild -exportArchive",
                "countersign targets export --as export-options --project App.xcodeproj -o ExportOptions.plist",
            ),
        ],
    ),
    (
        "identity",
        &[example(
            "which private keys are in the keychain?",
            "countersign identity list --keychain ~/Library/Keychains/countersign-ci.keychain-db",
        )],
    ),
    (
        "identity list",
        &[
            example(
                "what the CI keychain holds",
                "countersign identity list --keychain ~/Library/Keychains/countersign-ci.keychain-db",
            ),
            example(
                "what a file holds",
                "countersign identity list --identities distribution.p12 --password-file password.txt",
            ),
        ],
    ),
    (
        "identity digest",
        &[example(
            "for --expect-signing",
            "countersign identity digest --identities identities.txt",
        )],
    ),
    (
        "gate",
        &[
            example(
                "with what the reviewed branch says",
                "countersign gate --expect-policy \"$policy\" --expect-manifest \"$manifest\" --project App.xcodeproj",
            ),
            example(
                "a pull request, on a machine without keys",
                "countersign gate --without identities",
            ),
            example(
                "with captured identities",
                "countersign gate --identities identities.txt --scheme App",
            ),
            example(
                "rehearse another host, at another time",
                "countersign gate --host signer-01.acme.example --at 2027-01-15T08:00:00Z",
            ),
        ],
    ),
    (
        "run",
        &[
            example(
                "archive with the keychain open",
                "countersign run --project App.xcodeproj -- xcodebuild archive -scheme App",
            ),
            example(
                "for ten minutes at most, with a receipt to keep",
                "countersign run --window 10m --receipt receipt.json -- fastlane beta",
            ),
        ],
    ),
    (
        "report",
        &[example(
            "one page for people",
            "countersign report -o signing.html --project App.xcodeproj",
        )],
    ),
    (
        "doctor",
        &[
            example("what would fail next here?", "countersign doctor"),
            example("for a program", "countersign doctor --format json"),
        ],
    ),
    (
        "keychain",
        &[example(
            "is the CI keychain locked?",
            "countersign keychain status",
        )],
    ),
    (
        "keychain create",
        &[
            example(
                "with a password that countersign makes and keeps",
                "countersign keychain create",
            ),
            example(
                "at a place of your own",
                "countersign keychain create --keychain ~/Library/Keychains/ci.keychain-db",
            ),
        ],
    ),
    (
        "keychain import",
        &[
            example(
                "a p12",
                "countersign keychain import distribution.p12 --password-file password.txt",
            ),
            example(
                "from a fastlane match repository",
                "countersign keychain import match --match-password-env MATCH_PASSWORD",
            ),
        ],
    ),
    (
        "keychain unlock",
        &[example(
            "for a quarter of an hour, behind the gate",
            "countersign keychain unlock --window 15m",
        )],
    ),
    (
        "keychain lock",
        &[example("now", "countersign keychain lock")],
    ),
    (
        "keychain status",
        &[example("is it locked?", "countersign keychain status")],
    ),
    (
        "keychain destroy",
        &[example(
            "the keychain and its password",
            "countersign keychain destroy --yes",
        )],
    ),
    (
        "keychain recover",
        &[example(
            "close what a killed run left open",
            "countersign keychain recover",
        )],
    ),
    (
        "keychain serve",
        &[example(
            "hold the password for the runs of the user ci",
            "countersign keychain serve --user ci --keychain /home/ci/ci.p12",
        )],
    ),
    (
        "envelope",
        &[example(
            "who signed this verdict?",
            "countersign envelope verify gate.json --allowed-signers signers",
        )],
    ),
    (
        "envelope verify",
        &[example(
            "signed by a signer of the list, in the last two hours",
            "countersign envelope verify gate.json --allowed-signers signers --maximum-age 2h",
        )],
    ),
    (
        "explain",
        &[
            example("what a code means", "countersign explain profile-missing"),
            example("all codes", "countersign explain"),
        ],
    ),
    (
        "audit",
        &[example(
            "has anybody edited the record?",
            "countersign audit verify",
        )],
    ),
    (
        "audit show",
        &[example(
            "the last five records",
            "countersign audit show --last 5",
        )],
    ),
    (
        "audit verify",
        &[
            example("the whole log", "countersign audit verify"),
            example(
                "with sealed segments that were moved away",
                "countersign audit verify --archive /mnt/audit",
            ),
        ],
    ),
    (
        "audit export",
        &[example(
            "a day for an index of logs",
            "countersign audit export --since 24h",
        )],
    ),
    (
        "audit checkpoint",
        &[example(
            "what another machine should keep",
            "countersign audit checkpoint",
        )],
    ),
    (
        "audit resume",
        &[example(
            "go on after a loss, with the receipts of jobs",
            "countersign audit resume receipts/",
        )],
    ),
    (
        "completions",
        &[
            example(
                "bash",
                "countersign completions bash > ~/.local/share/bash-completion/completions/countersign",
            ),
            example(
                "fish",
                "countersign completions fish > ~/.config/fish/completions/countersign.fish",
            ),
            example(
                "zsh, into a folder of $fpath",
                "countersign completions zsh > ~/.zfunc/_countersign",
            ),
        ],
    ),
    (
        "man",
        &[example(
            "for `man countersign-gate`",
            "countersign man ~/.local/share/man/man1",
        )],
    ),
    (
        "help",
        &[
            example("on a command", "countersign help manifest freeze"),
            example("on exit codes", "countersign help exit-codes"),
        ],
    ),
];

/// The examples of a command, by its words behind `countersign`.
pub fn examples(words: &str) -> &'static [Example] {
    let found = EXAMPLES.iter().find(|(command, _)| *command == words);
    found.map_or(&[], |(_, examples)| examples)
}

/// The command, which is called by these words, with its examples in its help.
pub(super) fn shown(command: Command, words: &str) -> Command {
    let examples = examples(words);
    if examples.is_empty() {
        return command;
    }
    let mut text = String::from("Examples:");
    for Example { what, call } in examples {
        text.push_str("\n  # ");
        text.push_str(what);
        text.push_str("\n  ");
        text.push_str(call);
    }
    command.after_long_help(text)
}

/// The command, whose commands are called by these words and their own names, with their examples in their help.
pub(super) fn shown_below(command: Command, words: &str) -> Command {
    command.mut_subcommands(|below| {
        let words = format!("{words} {}", below.get_name());
        shown(below, words.trim_start())
    })
}
