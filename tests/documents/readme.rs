//! Every block of the README is run as it stands, and every output that it shows is what was printed.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --test documents` writes the outputs anew.

use std::fs;

use support::root;

use crate::markdown::{Block, Document};
use crate::scene::{Scene, Shown};

/// How a block is run, and what must hold then.
struct Case {
    /// The heading above the block.
    heading: &'static str,
    /// Which of the blocks with commands below that heading it is.
    nth: usize,
    /// Runs it and holds what it says.
    holds: fn(&Block) -> Shown,
}

const CASES: &[Case] = &[
    Case {
        heading: "Install",
        nth: 0,
        holds: installing_names_this_repository_and_its_program,
    },
    Case {
        heading: "Three commands",
        nth: 0,
        holds: three_commands_lead_to_a_gate_in_ci,
    },
    Case {
        heading: "Three commands",
        nth: 1,
        holds: the_same_gate_clears_here,
    },
    Case {
        heading: "The example",
        nth: 0,
        holds: the_example_is_cleared,
    },
    Case {
        heading: "The example",
        nth: 1,
        holds: the_example_is_blocked_when_its_certificate_has_expired,
    },
    Case {
        heading: "The example",
        nth: 2,
        holds: the_tests_are_what_the_check_runs,
    },
    Case {
        heading: "By hand",
        nth: 0,
        holds: by_hand_an_archive_is_built_with_the_pinned_profiles,
    },
    Case {
        heading: "Run a job with the keychain open",
        nth: 0,
        holds: a_job_runs_with_the_keychain_open,
    },
];

#[test]
fn every_block_does_what_the_readme_says_and_every_output_is_what_is_printed() {
    let mut readme = Document::read("README.md");
    let blocks = readme.blocks.clone();
    let mut commands: Vec<(&str, usize)> = Vec::new();
    let mut shown: Option<Shown> = None;
    for block in &blocks {
        match block.language.as_str() {
            "console" => {
                let heading = block.heading.as_str();
                let nth = commands.iter().filter(|(it, _)| *it == heading).count();
                commands.push((heading, nth));
                let case = CASES
                    .iter()
                    .find(|case| case.heading == heading && case.nth == nth);
                let case =
                    case.unwrap_or_else(|| panic!("README.md:{}: no case runs this", block.line));
                shown = Some((case.holds)(block));
            }
            "text" => {
                let printed = shown.take().unwrap_or_else(|| {
                    panic!("README.md:{}: the output of no command", block.line)
                });
                held(&mut readme, block, &printed.text);
            }
            other => panic!(
                "README.md:{}: nothing holds a block of {other:?}",
                block.line
            ),
        }
    }
    let cases: Vec<(&str, usize)> = CASES.iter().map(|it| (it.heading, it.nth)).collect();
    assert_eq!(commands, cases, "each case has its block");
}

/// The output that the README shows is what was printed; or becomes it, if that is asked for.
fn held(readme: &mut Document, block: &Block, printed: &str) {
    if matches(&block.text, printed) {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_SNAPSHOTS").is_some() && !block.text.contains('…'),
        "README.md:{} shows\n{}\nand this was printed:\n{printed}",
        block.line,
        block.text
    );
    let old = format!("```text\n{}```", block.text);
    let new = format!("```text\n{printed}```");
    assert_eq!(readme.text.matches(&old).count(), 1);
    readme.text = readme.text.replace(&old, &new);
    fs::write(root().join("README.md"), &readme.text).unwrap();
}

/// Whether the lines are alike, where `…` stands for anything within a line.
fn matches(shown: &str, printed: &str) -> bool {
    let (shown, printed): (Vec<&str>, Vec<&str>) =
        (shown.lines().collect(), printed.lines().collect());
    shown.len() == printed.len()
        && shown.iter().zip(printed).all(|(shown, printed)| {
            let mut parts = shown.split('…');
            let first = parts.next().unwrap();
            let Some(mut rest) = printed.strip_prefix(first) else {
                return false;
            };
            let mut is_open = false;
            for part in parts {
                is_open = part.is_empty();
                match rest.find(part) {
                    Some(at) => rest = &rest[at + part.len()..],
                    None => return false,
                }
            }
            is_open || rest.is_empty()
        })
}

#[test]
fn an_output_that_differs_is_seen() {
    assert!(matches("a\nb … c\n", "a\nb 1 c\n"));
    assert!(matches("b …\n", "b 1 c\n"));
    for printed in [
        "a\n",
        "a\nb 1 d\n",
        "a\nb 1 c\nd\n",
        "a\nx b 1 c\n",
        "a\nb 1 c d\n",
    ] {
        assert!(!matches("a\nb … c\n", printed), "{printed}");
    }
}

/// The lines of a block that are neither blank nor comments.
fn lines(block: &Block) -> Vec<&str> {
    let lines = block.text.lines();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[track_caller]
fn ends(shown: Shown, code: i32) -> Shown {
    assert_eq!(shown.code, code, "{}", shown.text);
    shown
}

/// Building takes minutes and a network, so cargo is a stand-in: its words are held against the package.
fn installing_names_this_repository_and_its_program(block: &Block) -> Shown {
    let scene = Scene::repository();
    let shown = ends(scene.run(&block.text), 0);
    let repository = env!("CARGO_PKG_REPOSITORY");
    let name = env!("CARGO_PKG_NAME");
    assert_eq!(
        scene.calls(),
        [
            format!("cargo install --locked --git {repository} --rev COMMIT {name}"),
            "cargo install --locked --path .".to_owned(),
        ]
    );
    shown
}

/// An app whose repository has the policy that init would write, but that it believes Acme's authority: no other can be made
/// here. Init keeps it, and writes the rest.
fn with_policy_of_acme() -> Scene {
    let scene = Scene::app();
    let written = ends(scene.run("countersign init --yes"), 10);
    assert!(
        written.text.contains("manifests/signing.toml"),
        "{}",
        written.text
    );
    let policy = scene.read("manifests/signing.toml");
    let anchored = policy.replace("trust_anchors = []", "trust_anchors = [\"../anchors.pem\"]");
    assert_ne!(policy, anchored);
    scene.git("clean -q -d -f");
    fs::create_dir(scene.checkout().join("manifests")).unwrap();
    fs::create_dir_all(scene.checkout().join(".github")).unwrap();
    fs::write(scene.checkout().join("manifests/signing.toml"), anchored).unwrap();
    scene
}

fn three_commands_lead_to_a_gate_in_ci(block: &Block) -> Shown {
    assert_eq!(lines(block).len(), 3, "three commands: {}", block.text);
    let scene = with_policy_of_acme();
    let shown = ends(scene.run(&block.text), 0);
    let pushed = scene.git("ls-tree -r --name-only origin/main");
    for file in [
        ".github/workflows/countersign.yml",
        "manifests/profiles.json",
        "manifests/signing.toml",
    ] {
        assert!(pushed.lines().any(|line| line == file), "{file}: {pushed}");
    }
    let workflow = scene.read(".github/workflows/countersign.yml");
    assert!(
        workflow.contains("pull_request") && workflow.contains("countersign gate"),
        "{workflow}"
    );
    shown
}

fn the_same_gate_clears_here(block: &Block) -> Shown {
    let scene = with_policy_of_acme();
    ends(scene.run("countersign init --yes"), 0);
    let shown = ends(scene.run(&block.text), 0);
    assert!(shown.text.contains("cleared"), "{}", shown.text);
    // What CI is there for: somebody changes the bundle id of a target.
    let project = scene.checkout().join("App.xcodeproj/project.pbxproj");
    let text = fs::read_to_string(&project).unwrap();
    fs::write(
        &project,
        text.replace("com.acme.rocket.share", "com.acme.stolen"),
    )
    .unwrap();
    let blocked = ends(scene.run(&block.text), 10);
    assert!(
        blocked.text.contains("target-bundle-mismatch"),
        "{}",
        blocked.text
    );
    shown
}

/// No output of the README begins with a caution about its own fixtures.
#[track_caller]
fn begins(shown: Shown, word: &str) -> Shown {
    assert!(shown.text.starts_with(word), "{}", shown.text);
    assert!(!shown.text.contains("caution"), "{}", shown.text);
    shown
}

fn the_example_is_cleared(block: &Block) -> Shown {
    begins(ends(Scene::repository().run(&block.text), 0), "cleared\n")
}

fn the_example_is_blocked_when_its_certificate_has_expired(block: &Block) -> Shown {
    let shown = ends(Scene::repository().run(&block.text), 10);
    assert!(shown.text.contains("certificate-expired"), "{}", shown.text);
    begins(shown, "BLOCKED")
}

/// These tests run now; what is held is that the README and the check name the same command.
fn the_tests_are_what_the_check_runs(block: &Block) -> Shown {
    let check = fs::read_to_string(root().join("scripts/check")).unwrap();
    let step = format!("\ntest() {{\n  {}}}\n", block.text);
    assert!(check.contains(&step), "scripts/check runs other tests");
    let scene = Scene::repository();
    let shown = ends(scene.run(&block.text), 0);
    assert_eq!(scene.calls(), ["cargo test"]);
    shown
}

fn by_hand_an_archive_is_built_with_the_pinned_profiles(block: &Block) -> Shown {
    let scene = Scene::app();
    // The shortest policy believes Apple alone, and Acme's authority is not Apple's.
    let shortest = "echo 'version = 1' >";
    let acme = "printf 'version = 1\\n[profiles]\\ntrust_anchors = [\"../anchors.pem\"]\\n' >";
    assert_eq!(block.text.matches(shortest).count(), 1);
    let shown = ends(scene.run(&block.text.replace(shortest, acme)), 0);
    let calls = scene.calls();
    assert_eq!(calls[0], "security find-identity -v -p codesigning");
    let archive =
        "xcodebuild archive -project App.xcodeproj -scheme App -archivePath App.xcarchive ";
    assert!(calls[1].starts_with(archive), "{calls:?}");
    let profile = "PROVISIONING_PROFILE_SPECIFIER";
    assert!(calls[1].contains(profile), "{calls:?}");
    assert!(
        calls[2].starts_with("xcodebuild -exportArchive"),
        "{calls:?}"
    );
    assert!(
        scene
            .read("ExportOptions.plist")
            .contains("provisioningProfiles")
    );
    shown
}

fn a_job_runs_with_the_keychain_open(block: &Block) -> Shown {
    let keychain = Document::read("docs/keychain.md");
    assert_eq!(
        keychain.blocks[0].text, block.text,
        "both pages show the same"
    );
    let scene = Scene::repository();
    let shown = begins(ends(scene.run(&block.text), 0), "created");
    let open = scene.checkout().join("target/rehearsal/open");
    for keychain in fs::read_dir(open).unwrap() {
        let left = fs::read_dir(keychain.unwrap().path()).unwrap();
        assert_eq!(left.count(), 0, "closed again");
    }
    shown
}
