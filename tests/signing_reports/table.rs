//! What `targets check` must say of each report.

/// A finding that must come out.
pub(crate) struct Told {
    pub(crate) severity: &'static str,
    pub(crate) code: &'static str,
    /// The target; empty: none.
    pub(crate) target: &'static str,
    /// `file:line` below the report's folder; only a file: any line; empty: nowhere.
    pub(crate) place: &'static str,
    /// Words of its message, values or hint that matter.
    pub(crate) says: &'static [&'static str],
}

const fn told(
    severity: &'static str,
    code: &'static str,
    target: &'static str,
    place: &'static str,
    says: &'static [&'static str],
) -> Told {
    Told {
        severity,
        code,
        target,
        place,
        says,
    }
}

/// What `targets check` must say of a report.
pub(crate) struct Reported {
    pub(crate) folder: &'static str,
    /// The project or workspace and what is selected of it.
    pub(crate) words: &'static [&'static str],
    /// `cleared`, `blocked` or `unsigned`.
    pub(crate) verdict: &'static str,
    pub(crate) told: &'static [Told],
    /// Codes that do not block; `*`: none does but those of `told`.
    pub(crate) never: &'static [&'static str],
}

pub(crate) const RELEASE: &[&str] = &["App.xcodeproj", "--configuration", "Release"];
const A: &[&str] = &["A.xcodeproj", "--configuration", "Release"];
pub(crate) const ACME: &[&str] = &["Acme.xcodeproj", "--configuration", "Release"];

/// Blocks with this alone.
const fn blocks(
    folder: &'static str,
    words: &'static [&'static str],
    told: &'static [Told],
) -> Reported {
    Reported {
        folder,
        words,
        verdict: "blocked",
        told,
        never: &["*"],
    }
}

/// Clears, and says this.
const fn clears(
    folder: &'static str,
    words: &'static [&'static str],
    told: &'static [Told],
) -> Reported {
    Reported {
        verdict: "cleared",
        ..blocks(folder, words, told)
    }
}

pub(crate) const REPORTED: &[Reported] = &[
    blocks(
        "01-framework-gets-specifier",
        RELEASE,
        &[told(
            "block",
            "specifier-not-supported",
            "Kit",
            "App.xcodeproj/project.pbxproj:25",
            &["Kit", "PROVISIONING_PROFILE_SPECIFIER", "targets that need"],
        )],
    ),
    Reported {
        never: &["signing-style-mixed", "target-unmapped"],
        ..blocks(
            "02-automatic-with-distribution-identity",
            RELEASE,
            &[told(
                "block",
                "identity-style-conflict",
                "App",
                "App.xcodeproj/project.pbxproj:45",
                &["CODE_SIGN_IDENTITY", "distribution", "Manual"],
            )],
        )
    },
    blocks(
        "03-no-development-team",
        RELEASE,
        &[told(
            "block",
            "development-team-missing",
            "Share",
            "App.xcodeproj/project.pbxproj:117",
            &["set DEVELOPMENT_TEAM to ABCDE12345"],
        )],
    ),
    clears("04-export-options-icloud", RELEASE, &[]),
    blocks(
        "05-xcode-managed-profile",
        RELEASE,
        &[told(
            "block",
            "profile-xcode-managed",
            "App",
            "App.xcodeproj/project.pbxproj:50",
            &["managed by Xcode", "profile of your own"],
        )],
    ),
    blocks(
        "06-extension-id-not-prefixed",
        RELEASE,
        &[told(
            "block",
            "bundle-id-not-prefixed",
            "OneSignalNotificationServiceExtension",
            "App.xcodeproj/project.pbxproj:100",
            &["Runner", "begins with com.customer.app."],
        )],
    ),
    // The names of the profiles come from the pipeline: said in no way, said as settings, said as what Xcode resolved.
    clears(
        "08-profile-name-from-command-line",
        RELEASE,
        &[told(
            "warn",
            "setting-undefined",
            "",
            "App.xcodeproj/project.pbxproj:101",
            &["FUNPUT_KEYBOARD_PROFILE", "--setting NAME=value"],
        )],
    ),
    clears(
        "08-profile-name-from-command-line",
        &[
            "App.xcodeproj",
            "--configuration",
            "Release",
            "--setting",
            "FUNPUT_APP_PROFILE=App Store App",
            "--setting",
            "FUNPUT_KEYBOARD_PROFILE=App Store Keyboard",
        ],
        &[],
    ),
    blocks(
        "08-profile-name-from-command-line",
        &[
            "App.xcodeproj",
            "--configuration",
            "Release",
            "--setting",
            "FUNPUT_APP_PROFILE=App Store App",
            "--setting",
            "FUNPUT_KEYBOARD_PROFILE=App Store App",
        ],
        &[told(
            "block",
            "target-bundle-mismatch",
            "Keyboard",
            "App.xcodeproj/project.pbxproj:101",
            &["App Store App", "use \"App Store Keyboard\""],
        )],
    ),
    blocks(
        "08-profile-name-from-command-line",
        &[
            "App.xcodeproj",
            "--configuration",
            "Release",
            "--build-settings",
            "cap.json",
        ],
        &[told(
            "block",
            "specifier-shared",
            "App",
            "cap.json",
            &["App, Keyboard", "its own PROVISIONING_PROFILE_SPECIFIER"],
        )],
    ),
    // The commit whose archive failed, and its fix; with the profiles of a later failure too.
    Reported {
        never: &[],
        ..blocks(
            "11-convos-917",
            &["before/Convos.xcodeproj"],
            &[told(
                "block",
                "development-team-missing",
                "NotificationService",
                "before/Convos.xcodeproj/project.pbxproj",
                &["DEVELOPMENT_TEAM"],
            )],
        )
    },
    Reported {
        never: &[],
        ..blocks(
            "11-convos-917",
            &["before/Convos.xcodeproj", "--scheme", "Convos (Prod)"],
            &[],
        )
    },
    clears("11-convos-917", &["after/Convos.xcodeproj"], &[]),
    clears(
        "11-convos-917",
        &["after/Convos.xcodeproj", "--configuration", "Release"],
        &[],
    ),
    clears(
        "11-convos-917",
        &["after/Convos.xcodeproj", "--scheme", "Convos (Prod)"],
        &[],
    ),
    blocks(
        "11-convos-917",
        &["after/Convos.xcodeproj", "--profiles", "profiles919"],
        &[told(
            "block",
            "target-profile-stale",
            "NotificationService",
            "after/Convos.xcodeproj/project.pbxproj",
            &["PROVISIONING_PROFILE_SPECIFIER"],
        )],
    ),
    Reported {
        verdict: "unsigned",
        ..blocks(
            "17-unsigned-ci-build",
            RELEASE,
            &[told(
                "info",
                "target-unsigned",
                "App",
                "App.xcodeproj/project.pbxproj:46",
                &["not signed", "CODE_SIGNING_REQUIRED is NO"],
            )],
        )
    },
    clears(
        "18-expired-profile-exported",
        RELEASE,
        &[told(
            "warn",
            "profile-expired",
            "",
            "",
            &["has expired", "renew"],
        )],
    ),
    clears("22-two-certificates", RELEASE, &[]),
    blocks(
        "23-get-task-allow-release",
        RELEASE,
        &[told(
            "block",
            "entitlement-not-granted",
            "App",
            "App.entitlements:7",
            &["get-task-allow", "debuggers"],
        )],
    ),
    blocks(
        "24-tvos-with-ios-profile",
        RELEASE,
        &[told(
            "block",
            "target-platform-mismatch",
            "TV",
            "App.xcodeproj/project.pbxproj:49",
            &["which is for iOS", "profile for tvos"],
        )],
    ),
    blocks(
        "26-developer-id-keychain-group-no-profile",
        RELEASE,
        &[told(
            "block",
            "target-unmapped",
            "App",
            "App.entitlements:7",
            &["because it claims keychain-access-groups"],
        )],
    ),
    clears(
        "27-workspace-pods-not-installed",
        &["Runner.xcworkspace", "--configuration", "Release-prod"],
        &[told(
            "warn",
            "project-missing",
            "",
            "Runner.xcworkspace/contents.xcworkspacedata:8",
            &["Pods.xcodeproj", "pod install"],
        )],
    ),
    clears(
        "29-mac-group-without-profile",
        RELEASE,
        &[told(
            "warn",
            "app-group-not-provisioned",
            "App",
            "App.entitlements:7",
            &["group.com.example.app", "$(TeamIdentifierPrefix)"],
        )],
    ),
    clears("33-specifier-without-style", RELEASE, &[]),
    clears("36-bundle-id-begins-with-a-digit", RELEASE, &[]),
    // Only the claim that the Mac does not know.
    blocks(
        "37-multiplatform",
        RELEASE,
        &[told(
            "block",
            "entitlement-not-granted",
            "App",
            "App.entitlements:9",
            &["macos", "com.apple.developer.networking.wifi-info"],
        )],
    ),
    clears("42-missing-xcconfig-of-another-configuration", RELEASE, &[]),
    blocks(
        "42-missing-xcconfig-of-another-configuration",
        &["App.xcodeproj", "--configuration", "Debug"],
        &[told(
            "block",
            "xcconfig-missing",
            "App",
            "App.xcodeproj/project.pbxproj:32",
            &["Local.xcconfig"],
        )],
    ),
    blocks(
        "43-quotes-in-xcconfig",
        RELEASE,
        &[
            told(
                "block",
                "setting-invalid",
                "",
                "Signing.xcconfig:2",
                &["CODE_SIGN_IDENTITY has quotes", "remove the quotes"],
            ),
            told(
                "block",
                "setting-invalid",
                "",
                "Signing.xcconfig:3",
                &["DEVELOPMENT_TEAM has quotes"],
            ),
            told(
                "block",
                "setting-invalid",
                "",
                "Signing.xcconfig:4",
                &["PROVISIONING_PROFILE_SPECIFIER has quotes"],
            ),
        ],
    ),
    clears("45-mac-store-installer", RELEASE, &[]),
    clears("R-E2-bundle-id-from-info-plist", ACME, &[]),
    clears("R-E5-style-unset-specifier-set", ACME, &[]),
    blocks(
        "R-E6-all-automatic-no-identity",
        ACME,
        &[told(
            "block",
            "automatic-signing-unusable",
            "Rocket",
            "Acme.xcodeproj/project.pbxproj:460",
            &["automatically", "CODE_SIGN_STYLE to Manual"],
        )],
    ),
    clears(
        "R-M1-mac-ios-style-app-group",
        A,
        &[told(
            "warn",
            "app-group-not-provisioned",
            "Mac",
            "a.entitlements:1",
            &["group.com.x"],
        )],
    ),
    // There are no profiles for these, which is told at the line of what they ask for.
    blocks(
        "R-S1-sdk-version-condition",
        A,
        &[
            told(
                "block",
                "target-unmapped",
                "App",
                "A.xcodeproj/project.pbxproj:3",
                &["\"Old\""],
            ),
            told(
                "warn",
                "setting-sdk-version",
                "",
                "A.xcodeproj/project.pbxproj:3",
                &["PROVISIONING_PROFILE_SPECIFIER", "--sdk iphoneosVERSION"],
            ),
        ],
    ),
    blocks(
        "R-S1-sdk-version-condition",
        &["A.xcodeproj", "--sdk", "iphoneos18.2"],
        &[told(
            "block",
            "target-unmapped",
            "App",
            "A.xcodeproj/project.pbxproj:3",
            &["\"New\""],
        )],
    ),
    Reported {
        never: &["setting-invalid"],
        ..blocks(
            "R-S4-env-variable",
            &[
                "A.xcodeproj",
                "--setting",
                "CI_PROFILE=foo",
                "--setting",
                "CI_BUNDLE_SUFFIX=app",
            ],
            &[told(
                "block",
                "target-unmapped",
                "App",
                "A.xcodeproj/project.pbxproj:3",
                &["asks for profile", "foo", "com.x.app"],
            )],
        )
    },
    blocks(
        "R-T02-attribute-holds-reference",
        A,
        &[told(
            "block",
            "target-unmapped",
            "App",
            "A.xcodeproj/project.pbxproj:3",
            &["com.x.app"],
        )],
    ),
    blocks(
        "R-T06-entitlements-generated-at-build",
        A,
        &[
            told(
                "block",
                "target-unmapped",
                "App",
                "A.xcodeproj/project.pbxproj:3",
                &["com.x.app"],
            ),
            told(
                "warn",
                "entitlements-made-at-build",
                "App",
                "A.xcodeproj/project.pbxproj:3",
                &["$(DERIVED_FILE_DIR)", "made by the build"],
            ),
        ],
    ),
    blocks(
        "R-T07-entitlements-contents",
        A,
        &[told(
            "block",
            "target-unmapped",
            "App",
            "A.xcodeproj/project.pbxproj:3",
            &["because it claims com.apple.developer.associated-domains"],
        )],
    ),
    blocks(
        "R-W1-workspace-with-absent-pods",
        &["A.xcworkspace"],
        &[
            told(
                "block",
                "target-unmapped",
                "App",
                "A.xcodeproj/project.pbxproj:3",
                &["com.x.app"],
            ),
            told(
                "warn",
                "project-missing",
                "",
                "A.xcworkspace/contents.xcworkspacedata:4",
                &["Pods.xcodeproj", "pod install"],
            ),
        ],
    ),
];
