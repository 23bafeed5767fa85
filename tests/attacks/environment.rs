//! A project that asks for a variable of the environment.
//!
//! The author of a pull request knows that the job which judges it holds a token, and writes `$(DEPLOY_TOKEN)` wherever a
//! project may refer to a setting. The value may decide, as it does in Xcode. It stands in no report of any format, in no
//! export, in no manifest, and neither does a part of it, nor what an operator makes of it.

use std::fs;

use forge::fixtures::{products, project};
use forge::project::ProjectSpec;
use support::workshop::{Workshop, ran};

/// What the job holds, by the names of its variables. Each value holds a word of [`WORDS`] in each of its parts.
const VARIABLES: [(&str, &str); 4] = [
    ("DEPLOY_TOKEN", "hunter2.Tr0mbone-x"),
    // Of the shape of a team id.
    ("DEPLOY_TEAM", "HUNTER2ABC"),
    // With a slash, and with what looks like references and operators.
    ("DEPLOY_PATH", "/hunter2/tr0mbone.d"),
    (
        "DEPLOY_PASSWORD",
        "hunter2$tr0mbone $(TR0MBONE:hunter2) $(hunter2) $(DEPLOY_PASSWORD)",
    ),
];

/// What no output may hold, in whatever case.
const WORDS: [&str; 2] = ["hunter2", "tr0mbone"];

/// What `expression` gives in every setting of the application that decides about signing, and in what those lead to.
fn asking(setting: &str, expression: &str) -> ProjectSpec {
    let project = project().change("Rocket", |target| {
        target.without(setting).with(setting, expression)
    });
    match setting {
        "INFOPLIST_FILE" => project.change("Rocket", |target| {
            target
                .without("PRODUCT_BUNDLE_IDENTIFIER")
                .with("PRODUCT_BUNDLE_IDENTIFIER", "")
        }),
        _ => project,
    }
}

/// Runs everything that reads the project, in every format, and looks for the words.
#[track_caller]
fn says_nothing(what: &str, project: &ProjectSpec) -> String {
    let workshop = Workshop::new();
    project.write(&workshop.path(""));
    for spec in products() {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    let of_project = ["--project", "Acme.xcodeproj", "--configuration", "Release"];
    let mut all = String::new();
    for words in [
        &["targets", "show", "--format", "human"][..],
        &["targets", "show", "--format", "json"],
        &["targets", "check", "--format", "human"],
        &["targets", "check", "--format", "json"],
        &["targets", "check", "--format", "github"],
        &["targets", "export", "--as", "xcargs"],
        &["targets", "export", "--as", "xcconfig"],
        &["targets", "export", "--as", "export-options"],
        &["targets", "export", "--as", "json"],
        &["manifest", "freeze", "-o", "frozen.json"],
        &[
            "manifest",
            "freeze",
            "-o",
            "frozen.json",
            "--format",
            "json",
        ],
        &["gate", "--without", "identities", "--format", "json"],
    ] {
        let mut command = workshop.command(&[words, &of_project, &["--verbose"]].concat());
        command.envs(VARIABLES);
        let ran = ran(&mut command);
        let frozen = fs::read_to_string(workshop.path("frozen.json")).unwrap_or_default();
        let said = format!("{}\n{}\n{frozen}", ran.out, ran.err);
        let folded = said.to_lowercase();
        for word in WORDS {
            assert!(
                !folded.contains(word),
                "{what}: {words:?} says {word}:\n{said}"
            );
        }
        assert!(!folded.contains("panicked"), "{what}: {words:?}:\n{said}");
        all += &said;
    }
    all
}

#[test]
fn no_setting_that_signs_shows_a_variable() {
    for setting in [
        "PRODUCT_BUNDLE_IDENTIFIER",
        "PROVISIONING_PROFILE_SPECIFIER",
        "PROVISIONING_PROFILE",
        "DEVELOPMENT_TEAM",
        "CODE_SIGN_IDENTITY",
        "CODE_SIGN_STYLE",
        "CODE_SIGN_ENTITLEMENTS",
        "INFOPLIST_FILE",
        "SDKROOT",
        "SUPPORTED_PLATFORMS",
        "CODE_SIGNING_ALLOWED",
        "USES_XCTRUNNER",
    ] {
        for name in VARIABLES.map(|(name, _)| name) {
            let expression = format!("$({name})");
            says_nothing(
                &format!("{setting} = {expression}"),
                &asking(setting, &expression),
            );
        }
    }
}

#[test]
fn no_operator_and_no_detour_shows_a_variable() {
    for expression in [
        "com.acme.$(DEPLOY_TOKEN)",
        "$DEPLOY_TOKEN",
        "${DEPLOY_TOKEN:upper}",
        "$(DEPLOY_TOKEN:base)",
        "$(DEPLOY_TOKEN:suffix)",
        "$(DEPLOY_PATH:dir)",
        "$(DEPLOY_PATH:file)",
        "$(DEPLOY_PATH:relativeto=/hunter)",
        "$(NOTHING:default=$(DEPLOY_TOKEN))",
        "$(DEPLOY_TOKEN:c99extidentifier)",
        "$(DEPLOY_TOKEN:quote)",
        "$(DEPLOY_TOKEN:$(DEPLOY_TOKEN))",
        "$(DEPLOY_TOKEN:loud)",
        "$(NAMED_$(DEPLOY_TOKEN:c99extidentifier))",
        "$($(DEPLOY_TOKEN:c99extidentifier))",
        "$(DETOUR)",
        "$(OTHER_DETOUR)",
    ] {
        for setting in [
            "PRODUCT_BUNDLE_IDENTIFIER",
            "PROVISIONING_PROFILE_SPECIFIER",
        ] {
            let project = asking(setting, expression)
                .file("Detour.xcconfig", "DETOUR = a$(DEPLOY_PASSWORD)b\n")
                .based_on("Detour.xcconfig")
                .with("OTHER_DETOUR", "$(DETOUR:lower) $(DEPLOY_PATH)");
            says_nothing(&format!("{setting} = {expression}"), &project);
        }
    }
}

#[test]
fn no_claim_shows_a_variable() {
    let contents = |key: &str, value: &str| {
        format!(
            "<plist version=\"1.0\"><dict><key>{key}</key><string>{value}</string></dict></plist>"
        )
    };
    for project in [
        project().change("Rocket", |target| {
            target.claiming(
                "com.apple.developer.default-data-protection",
                "$(DEPLOY_TOKEN)",
            )
        }),
        project().change("Rocket", |target| {
            target.claiming(
                "keychain-access-groups",
                "$(AppIdentifierPrefix)$(DEPLOY_TOKEN)",
            )
        }),
        project().change("Rocket", |target| {
            target
                .without("PRODUCT_BUNDLE_IDENTIFIER")
                .with("PRODUCT_BUNDLE_IDENTIFIER", "com.acme.$(DEPLOY_TOKEN)")
                .claiming("keychain-access-groups", "$(CFBundleIdentifier)")
        }),
        asking(
            "CODE_SIGN_ENTITLEMENTS_CONTENTS",
            &contents("$(DEPLOY_TOKEN)", "x"),
        ),
        asking(
            "CODE_SIGN_ENTITLEMENTS_CONTENTS",
            &contents("aps-environment", "$(DEPLOY_TOKEN)"),
        ),
        asking("CODE_SIGN_ENTITLEMENTS_CONTENTS", "$(DEPLOY_PASSWORD)"),
    ] {
        says_nothing("a claim", &project);
    }
}

#[test]
fn reports_say_which_variable_decides_instead_of_its_value() {
    let project = asking("PROVISIONING_PROFILE_SPECIFIER", "$(DEPLOY_TOKEN)");
    let said = says_nothing("a specifier", &project);
    assert!(
        said.contains("$(DEPLOY_TOKEN) from the environment"),
        "{said}"
    );
    // What would be stored or handed on is refused, and says what to do.
    let project = asking("PRODUCT_BUNDLE_IDENTIFIER", "com.acme.$(DEPLOY_TOKEN)");
    let said = says_nothing("a bundle id", &project);
    assert!(said.contains("setting-from-environment"), "{said}");
    assert!(said.contains("--setting NAME=value"), "{said}");
}
