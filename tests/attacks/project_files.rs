//! A project that reaches for files of the machine, or speaks to the terminal.
//!
//! Every scene is a checkout with Acme's project in it, and a file beside the checkout that the author of a pull request may
//! not see. The attacker writes whatever a repository can hold: project files, configuration files, symbolic links. What lies
//! outside is not read, so nothing of it can stand in a report; the report names the line that reaches for it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use forge::fixtures::{products, project};
use forge::project::ProjectSpec;
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop, codes, fifo, ran};

/// What only the machine knows: everything outside of the checkout holds it.
const SECRET: &str = "hunter2";

const OUTSIDE: &str = "project-file-outside-root";

/// A checkout with this project, and its profiles frozen in a manifest.
fn checkout(project: &ProjectSpec) -> Workshop {
    let workshop = Workshop::new();
    for folder in ["checkout", "checkout/.git", "checkout/Config"] {
        fs::create_dir(workshop.path(folder)).unwrap();
    }
    project.write(&workshop.path("checkout"));
    for spec in products() {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    // Every statement of it would be quoted in a finding: a directive, a line, an assignment.
    workshop.write(
        "secret",
        format!("#{SECRET}\n{SECRET}\nTOKEN = {SECRET}!\nPRODUCT_BUNDLE_IDENTIFIER = {SECRET}!\n"),
    );
    workshop.write("secret.xcconfig", workshop.read("secret"));
    workshop
}

/// A checkout whose project is based on a configuration file of this text.
fn configured(text: &str) -> Workshop {
    let text = format!("{text}\nPRODUCT_NAME = $(TOKEN)\n");
    let project = project()
        .file("Config/App.xcconfig", &text)
        .based_on("Config/App.xcconfig");
    checkout(&project)
}

/// `targets check` of the Release configuration, in every format: none says the secret. The document of the one in JSON.
#[track_caller]
fn check(workshop: &Workshop, project: &str, arguments: &[&str]) -> Json {
    let fixed = [
        "targets",
        "check",
        "--project",
        project,
        "--configuration",
        "Release",
        "--profiles",
        "profiles",
    ];
    let mut document = Json::Null;
    for format in ["human", "github", "json"] {
        let ran = workshop.run(&[&fixed, arguments, &["--verbose", "--format", format]].concat());
        says_nothing_secret(&ran);
        if format == "json" {
            document = ran.json();
        }
    }
    document
}

#[track_caller]
fn says_nothing_secret(ran: &Ran) {
    for stream in [&ran.out, &ran.err] {
        assert!(!stream.contains(SECRET), "{stream}");
    }
}

/// The one finding that reaches outside; it blocks.
#[track_caller]
fn reaching(document: &Json) -> &Json {
    assert_eq!(document["verdict"], "blocked", "{document:#}");
    let findings = document["findings"].as_array().unwrap();
    let mut found = findings.iter().filter(|finding| finding["code"] == OUTSIDE);
    let finding = found.next().unwrap_or_else(|| panic!("{document:#}"));
    assert!(found.next().is_none(), "{document:#}");
    assert_eq!(finding["severity"], "block");
    finding
}

/// Blocked because of one reach: from this line of this file of the checkout, of a path as the project wrote it.
#[track_caller]
fn reaches(document: &Json, file: &str, line: &str, written: &str) {
    let finding = reaching(document);
    assert_eq!(finding["found"], written, "{finding:#}");
    let place = &finding["place"];
    let path = place["file"].as_str().unwrap();
    assert!(path.ends_with(file), "{finding:#}");
    let number = usize::try_from(place["line"].as_u64().unwrap()).unwrap();
    let text = fs::read_to_string(path).unwrap();
    let said = text.lines().nth(number - 1).unwrap();
    assert!(said.contains(line), "{said}");
}

/// The absolute path of the project of a checkout.
fn acme(workshop: &Workshop) -> String {
    let path = workshop.path("checkout/Acme.xcodeproj");
    path.to_str().unwrap().to_owned()
}

/// Checks the project by its absolute path.
#[track_caller]
fn checked(workshop: &Workshop) -> Json {
    check(workshop, &acme(workshop), &[])
}

#[test]
fn an_include_of_an_absolute_path_reads_a_file_of_the_machine() {
    for directive in ["#include", "#include?"] {
        let workshop = configured("");
        let secret = workshop.path("secret").to_str().unwrap().to_owned();
        let include = format!("{directive} \"{secret}\"");
        let text = format!("A = 1\n{include}\n");
        workshop.write("checkout/Config/App.xcconfig", text);
        let document = checked(&workshop);
        reaches(&document, "Config/App.xcconfig", &include, &secret);
        let hint = reaching(&document)["hint"].as_str().unwrap();
        assert!(hint.contains("--root DIR"), "{hint}");
    }
}

#[test]
fn an_include_climbs_out_of_the_checkout() {
    for climb in ["../../secret", "../../secret.xcconfig", "x/../../../secret"] {
        let workshop = configured(&format!("#include? \"{climb}\""));
        reaches(&checked(&workshop), "Config/App.xcconfig", climb, climb);
    }
}

#[test]
fn an_include_climbs_out_from_a_folder_that_it_is_looked_for_in_besides() {
    // Beside the including file it stays inside; from the folder of the project, where Xcode looks next, it does not.
    let workshop = configured("#include? \"../secret\"");
    reaches(
        &checked(&workshop),
        "Config/App.xcconfig",
        "secret",
        "../secret",
    );
    // Whoever puts a file there could change what Xcode reads after the gate has looked. Where the first place has the file,
    // nobody looks further.
    workshop.write("checkout/secret", "A = 1\n");
    assert_eq!(checked(&workshop)["verdict"], "cleared");
}

#[test]
fn a_symbolic_link_that_is_included_leads_out_of_the_checkout() {
    let workshop = configured("#include? \"link.xcconfig\"");
    let link = workshop.path("checkout/Config/link.xcconfig");
    let absolute = workshop.path("secret");
    for target in [Path::new("../../secret"), &absolute] {
        let _ = fs::remove_file(&link);
        symlink(target, &link).unwrap();
        let document = checked(&workshop);
        reaches(&document, "Config/App.xcconfig", "link", "link.xcconfig");
    }
}

#[test]
fn a_linked_directory_leads_out_of_the_checkout() {
    let workshop = configured("#include? \"linked/secret\"");
    symlink("../..", workshop.path("checkout/Config/linked")).unwrap();
    reaches(
        &checked(&workshop),
        "Config/App.xcconfig",
        "linked",
        "linked/secret",
    );
    // A link that leads round to the inside again has left all the same.
    let workshop = configured("#include? \"linked\"");
    workshop.write("checkout/Config/inner", "A = 1\n");
    symlink(
        "../../checkout/Config/inner",
        workshop.path("checkout/Config/linked"),
    )
    .unwrap();
    reaching(&checked(&workshop));
}

#[test]
fn a_link_inside_of_the_checkout_is_followed() {
    let workshop = configured("#include \"a/b/link.xcconfig\"");
    fs::create_dir_all(workshop.path("checkout/shared/deep")).unwrap();
    workshop.write("checkout/shared/deep/real.xcconfig", "TOKEN = fine\n");
    symlink("..", workshop.path("checkout/Config/a")).unwrap();
    let absolute = workshop.path("checkout/shared");
    symlink(absolute, workshop.path("checkout/b")).unwrap();
    symlink(
        "deep/../deep/real.xcconfig",
        workshop.path("checkout/shared/link.xcconfig"),
    )
    .unwrap();
    assert_eq!(checked(&workshop)["verdict"], "cleared");
}

#[test]
fn links_that_lead_in_a_circle_end() {
    let workshop = configured("#include? \"one\"");
    symlink("two", workshop.path("checkout/Config/one")).unwrap();
    symlink("one", workshop.path("checkout/Config/two")).unwrap();
    let document = checked(&workshop);
    assert!(codes(&document).contains(&"xcconfig-missing".to_owned()));
}

#[test]
fn whether_a_file_exists_outside_is_not_told() {
    let workshop = configured("#include? \"../../secret\"");
    let there = checked(&workshop);
    fs::remove_file(workshop.path("secret")).unwrap();
    let absent = checked(&workshop);
    assert_eq!(reaching(&there), reaching(&absent));
}

#[test]
fn gits_own_files_are_not_project_files() {
    // A checkout's configuration of git holds the token that the runner fetched with.
    for (include, folder) in [
        (".git/config", "checkout/.git"),
        (".GIT/config", "checkout/.GIT"),
        ("vendor/.git/config", "checkout/vendor/.git"),
    ] {
        let workshop = configured(&format!("#include? \"../{include}\""));
        fs::create_dir_all(workshop.path(folder)).unwrap();
        workshop.write(format!("{folder}/config"), format!("TOKEN = {SECRET}!\n"));
        let document = checked(&workshop);
        reaches(
            &document,
            "Config/App.xcconfig",
            include,
            &format!("../{include}"),
        );
    }
    let workshop = configured("#include? \"link\"");
    workshop.write("checkout/.git/config", format!("TOKEN = {SECRET}!\n"));
    symlink("../.git/config", workshop.path("checkout/Config/link")).unwrap();
    reaching(&checked(&workshop));
}

#[test]
fn a_base_configuration_lies_outside() {
    let workshop = checkout(&project().based_on("../secret"));
    reaches(
        &checked(&workshop),
        "project.pbxproj",
        "baseConfigurationReference",
        workshop.path("secret").to_str().unwrap(),
    );
}

/// A property list that claims something which no profile grants: a finding would quote the value.
fn claims() -> String {
    format!(
        "<plist><dict><key>com.apple.developer.nfc.readersession.formats</key><string>{SECRET}</string></dict></plist>"
    )
}

#[test]
fn entitlements_lie_outside() {
    for path in [
        "../claims.plist",
        "$(SRCROOT)/../claims.plist",
        "$(UP:default=..)/claims.plist",
        "Rocket/link.entitlements",
    ] {
        let changed = project().change("Rocket", |target| {
            target.with("CODE_SIGN_ENTITLEMENTS", path)
        });
        let workshop = checkout(&changed);
        workshop.write("claims.plist", claims());
        symlink(
            "../../claims.plist",
            workshop.path("checkout/Rocket/link.entitlements"),
        )
        .unwrap();
        let document = checked(&workshop);
        let finding = reaching(&document);
        assert_eq!(finding["place"]["target"], "Rocket", "{path}");
        let found = finding["found"].as_str().unwrap().to_owned();
        reaches(
            &document,
            "project.pbxproj",
            "CODE_SIGN_ENTITLEMENTS",
            &found,
        );
    }
}

#[test]
fn a_path_that_only_xcode_knows_is_no_reach() {
    for (path, code) in [
        ("$(DEVELOPER_DIR)/x.plist", "entitlements-unreadable"),
        (
            "$(DERIVED_FILE_DIR)/App.entitlements",
            "entitlements-made-at-build",
        ),
    ] {
        let changed = project().change("Rocket", |target| {
            target.with("CODE_SIGN_ENTITLEMENTS", path)
        });
        let document = checked(&checkout(&changed));
        let codes = codes(&document);
        assert!(codes.contains(&code.to_owned()), "{codes:?}");
        assert!(!codes.contains(&OUTSIDE.to_owned()), "{codes:?}");
    }
}

#[test]
fn an_info_plist_lies_outside() {
    let changed = project().change("Rocket", |target| {
        target
            .without("PRODUCT_BUNDLE_IDENTIFIER")
            .with("INFOPLIST_FILE", "../Info.plist")
    });
    let workshop = checkout(&changed);
    let text = format!(
        "<plist><dict><key>CFBundleIdentifier</key><string>{SECRET}!</string></dict></plist>"
    );
    workshop.write("Info.plist", text);
    reaches(
        &checked(&workshop),
        "project.pbxproj",
        "INFOPLIST_FILE",
        "../Info.plist",
    );
}

/// A workspace in the checkout with these references, each on a line of its own from the second.
fn workspace(workshop: &Workshop, locations: &[&str]) -> String {
    let folder = workshop.path("checkout/Acme.xcworkspace");
    fs::create_dir(&folder).unwrap();
    let references: Vec<String> = locations
        .iter()
        .map(|location| format!("<FileRef location = \"{location}\"></FileRef>"))
        .collect();
    let text = format!("<Workspace>\n{}\n</Workspace>\n", references.join("\n"));
    fs::write(folder.join("contents.xcworkspacedata"), text).unwrap();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn a_workspace_names_a_project_outside() {
    let workshop = checkout(&project());
    let other = ProjectSpec::new(SECRET).write(&workshop.path(""));
    let other = other.to_str().unwrap();
    for location in [
        format!("group:../{SECRET}.xcodeproj").as_str(),
        format!("absolute:{other}").as_str(),
    ] {
        let named = workspace(&workshop, &["group:Acme.xcodeproj", location]);
        // The name is the project's own word.
        let fixed = ["targets", "check", "--profiles", "profiles"];
        let ran = workshop.run(&[&fixed[..], &["--project", &named, "--format", "json"]].concat());
        let document = ran.exits(10).json();
        reaches(
            &document,
            "contents.xcworkspacedata",
            &format!("location = \"{location}\""),
            location,
        );
        // The others are judged all the same.
        assert!(!document["targets"].as_array().unwrap().is_empty());
        fs::remove_dir_all(named).unwrap();
    }
}

#[test]
fn a_project_is_itself_a_link_to_the_outside() {
    for linked in [
        "Acme.xcodeproj",
        "Acme.xcodeproj/project.pbxproj",
        "Acme.xcworkspace",
        "Acme.xcworkspace/contents.xcworkspacedata",
    ] {
        let workshop = checkout(&project());
        let bundle = workspace(&workshop, &["group:Acme.xcodeproj"]);
        let moved = workshop.path("moved");
        let path = workshop.path("checkout").join(linked);
        fs::rename(&path, &moved).unwrap();
        if moved.is_file() {
            // What does not parse would be quoted.
            fs::write(&moved, format!("{{ {SECRET} {SECRET}\n")).unwrap();
        }
        symlink(&moved, &path).unwrap();
        let named = match linked.contains("xcworkspace") {
            true => bundle,
            false => acme(&workshop),
        };
        let document = check(&workshop, &named, &[]);
        let file = reaching(&document)["place"]["file"].as_str().unwrap();
        assert!(file.contains("checkout/Acme.xc"), "{file}");
        assert!(document["targets"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_folder_on_the_way_to_the_project_is_a_link_to_another_repository() {
    let workshop = checkout(&project());
    fs::create_dir_all(workshop.path("other/.git")).unwrap();
    fs::create_dir(workshop.path("other/ios")).unwrap();
    let there = ProjectSpec::new("Acme").with("TOKEN", SECRET);
    there.write(&workshop.path("other/ios"));
    symlink("../other/ios", workshop.path("checkout/ios")).unwrap();
    let named = workshop.path("checkout/ios/Acme.xcodeproj");
    let document = check(&workshop, named.to_str().unwrap(), &[]);
    reaching(&document);
}

#[test]
fn devices_and_pipes_are_neither_opened_nor_waited_for() {
    let workshop = configured("#include? \"/dev/zero\"");
    reaches(
        &checked(&workshop),
        "Config/App.xcconfig",
        "/dev/zero",
        "/dev/zero",
    );
    let workshop = configured("#include? \"pipe\"");
    fifo(&workshop.path("pipe"));
    symlink("../../pipe", workshop.path("checkout/Config/pipe")).unwrap();
    reaching(&checked(&workshop));
    // One inside is no file; it blocks as one that cannot be read.
    fs::remove_file(workshop.path("checkout/Config/pipe")).unwrap();
    fs::rename(workshop.path("pipe"), workshop.path("checkout/Config/pipe")).unwrap();
    let document = checked(&workshop);
    assert!(codes(&document).contains(&"xcconfig-missing".to_owned()));
}

#[test]
fn without_git_the_folder_of_the_project_is_the_limit() {
    let workshop = configured("#include? \"../../outer.xcconfig\"");
    workshop.write("outer.xcconfig", format!("TOKEN = {SECRET}!\n"));
    fs::remove_dir(workshop.path("checkout/.git")).unwrap();
    reaching(&checked(&workshop));
    workshop.write("checkout/Config/App.xcconfig", "#include \"../inner\"\n");
    workshop.write("checkout/inner", "A = 1\n");
    assert_eq!(checked(&workshop)["verdict"], "cleared");
    // A project in a folder of a repository reaches all of it, in a linked worktree and in a submodule too.
    let ios = workshop.path("checkout/ios");
    fs::create_dir(&ios).unwrap();
    for moved in [
        "Acme.xcodeproj",
        "Config",
        "Rocket",
        "Share",
        "Widgets",
        "Watch",
    ] {
        fs::rename(workshop.path("checkout").join(moved), ios.join(moved)).unwrap();
    }
    workshop.write(
        "checkout/ios/Config/App.xcconfig",
        "#include \"../../inner\"\n",
    );
    let moved = ios.join("Acme.xcodeproj");
    reaching(&check(&workshop, moved.to_str().unwrap(), &[]));
    workshop.write("checkout/.git", "gitdir: elsewhere\n");
    let document = check(&workshop, moved.to_str().unwrap(), &[]);
    assert_eq!(document["verdict"], "cleared", "{document:#}");
}

#[test]
fn the_repository_of_a_home_directory_holds_no_checkouts() {
    let workshop = configured("#include? \"../../.netrc\"");
    let home = workshop.path("home");
    fs::rename(workshop.path("checkout"), home.join("checkout")).unwrap();
    fs::remove_dir(home.join("checkout/.git")).unwrap();
    fs::create_dir(home.join(".git")).unwrap();
    fs::write(home.join(".netrc"), format!("TOKEN = {SECRET}!\n")).unwrap();
    let named = home.join("checkout/Acme.xcodeproj");
    reaching(&check(&workshop, named.to_str().unwrap(), &[]));
}

#[test]
fn the_operator_declares_what_may_be_reached() {
    let workshop = configured("#include? \"../../outer\"");
    workshop.write("outer.xcconfig", "A = 1\n");
    workshop.write("Info.plist", "");
    reaching(&checked(&workshop));
    let root = workshop.path("");
    let root = root.to_str().unwrap();
    for declared in [
        &["--root", root][..],
        &["--root", "."],
        &["--root", "checkout", "--root", root],
    ] {
        let document = check(&workshop, &acme(&workshop), declared);
        assert_eq!(document["verdict"], "cleared", "{document:#}");
    }
    // It replaces what would have been found.
    let document = check(&workshop, &acme(&workshop), &["--root", "checkout/Config"]);
    reaching(&document);
    let missing = [
        "targets",
        "check",
        "--project",
        "checkout/Acme.xcodeproj",
        "--root",
        "nowhere",
    ];
    workshop.run(&missing).exits(11).says(&["nowhere"]);
}

#[test]
fn what_the_operator_names_is_read_wherever_it_lies() {
    let workshop = checkout(&project());
    let captured = "Build settings for action build and target Rocket:\n    PRODUCT_BUNDLE_IDENTIFIER = com.acme.rocket\n";
    workshop.write("captured.txt", captured);
    let document = check(
        &workshop,
        &acme(&workshop),
        &["--build-settings", "captured.txt"],
    );
    assert_eq!(document["verdict"], "cleared", "{document:#}");
    // A project by way of a link: what lies beside it is read through the link.
    symlink(workshop.path("checkout"), workshop.path("current")).unwrap();
    let document = check(&workshop, "current/Acme.xcodeproj", &[]);
    assert_eq!(document["verdict"], "cleared", "{document:#}");
}

#[test]
fn a_gate_and_a_freeze_block_too() {
    let workshop = configured("#include? \"../../secret\"");
    workshop.run(&["manifest", "freeze"]).exits(0);
    let project = acme(&workshop);
    let gate = [
        "gate",
        "--without",
        "identities",
        "--project",
        &project,
        "--configuration",
        "Release",
        "--format",
        "json",
    ];
    let ran = workshop.run(&gate).exits(10);
    says_nothing_secret(&ran);
    reaching(&ran.json());
    let ran = workshop.run(&["manifest", "freeze", "--project", &project]);
    says_nothing_secret(&ran);
    ran.exits(10).says(&[OUTSIDE]);
    let export = ["targets", "export", "--as", "xcargs", "--project", &project];
    let ran = workshop.run(&export);
    says_nothing_secret(&ran);
    assert_eq!(ran.exits(10).out, "");
}

/// What a terminal acts on, and what turns the order of a text round.
const ACTIVE: &[char] = &[
    '\u{0}', '\u{7}', '\u{8}', '\u{b}', '\u{1b}', '\u{7f}', '\u{84}', '\u{9b}', '\u{9d}',
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}',
    '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// All of them but the one that no name of a file can hold.
fn active_name() -> String {
    let mut name: String = ACTIVE.iter().filter(|c| **c != '\0').collect();
    name.push_str("]0;title\u{7}\u{1b}[8mhidden");
    name
}

/// Whether a stream holds one. A line may end; colours of our own are not asked for here.
#[track_caller]
fn is_inert(what: &str, text: &str) {
    for active in ACTIVE {
        assert!(
            !text.contains(*active),
            "{what} holds {:?}: {}",
            active,
            text.escape_debug()
        );
    }
}

#[test]
fn names_of_a_project_do_not_speak_to_the_terminal() {
    let name = active_name();
    let target = format!("Rocket{}", name.replace(char::is_control, ""));
    let changed = project()
        .change("Rocket", |mut target| {
            target.name = format!("Rocket{}", name.replace(char::is_control, ""));
            target
                .with("CODE_SIGN_ENTITLEMENTS", &format!("{name}/x"))
                .with("DEVELOPMENT_TEAM", &name)
        })
        .file(
            &format!("{name}.xcconfig"),
            &format!("#include \"{name}\"\n{name}\n#{name}\n"),
        )
        .based_on(&format!("{name}.xcconfig"));
    let workshop = checkout(&changed);
    let project = acme(&workshop);
    let summary = workshop.path("summary.md");
    for command in [
        &["targets", "check"][..],
        &["targets", "show"],
        &["targets", "check", "--target", &name],
        &["targets", "check", "--target", &target],
        &["targets", "export", "--as", "xcargs"],
        &["targets", "export", "--as", "json"],
        &["manifest", "freeze"],
        &["gate", "--without", "identities"],
        &["gate", "--policy", &name],
        &["profile", "show", &name],
        &["help", &name],
        &["audit", "show"],
        &["audit", "show", &name],
        &[&name],
    ] {
        for format in ["human", "json", "github"] {
            for color in ["never", "auto"] {
                let mut words = command.to_vec();
                words.extend(["--verbose", "--format", format, "--color", color]);
                if ["targets", "manifest", "gate"].contains(&command[0]) {
                    words.extend(["--project", &project]);
                }
                let mut command = workshop.command(&words);
                command.env("GITHUB_STEP_SUMMARY", &summary);
                let ran = ran(&mut command);
                is_inert(&format!("{words:?}: out"), &ran.out);
                is_inert(&format!("{words:?}: err"), &ran.err);
            }
        }
    }
    is_inert("the summary", &fs::read_to_string(summary).unwrap());
}

#[test]
fn a_name_cannot_hide_text_where_colours_are_asked_for() {
    let name = active_name();
    let workshop = checkout(&project());
    workshop.write(format!("profiles/{name}.mobileprovision"), "nothing");
    for words in [
        &["profile", "show", "profiles", "--color", "always"][..],
        &[
            "profile",
            "list",
            "--profiles",
            "profiles",
            "--color",
            "always",
        ],
    ] {
        let ran = workshop.run(words);
        for stream in [&ran.out, &ran.err] {
            assert!(!stream.contains("\u{1b}[8m"), "{}", stream.escape_debug());
            assert!(!stream.contains("\u{1b}]"), "{}", stream.escape_debug());
            for active in ACTIVE.iter().filter(|c| **c != '\u{1b}') {
                assert!(!stream.contains(*active), "{}", stream.escape_debug());
            }
        }
    }
}
