//! Branches that are still released: their manifests are read through git, from a real repository.

use std::fs;
use std::path::Path;

use countersign::ops::rotate::{self, RehearsalDocument, RehearseRequest};
use countersign::ops::world::World;
use serde_json::Value as Json;
use support::start;
use support::workshop::ran;

use crate::site::{NOW, Site, git_in};

/// The manifest of `release/4.2` and of the tag `v4.2` has revision 1, that of `main` revision 2.
fn released() -> Site {
    let site = Site::new();
    fs::remove_dir(site.path(".git")).unwrap();
    site.git(&["init", "-q", "-b", "main"]);
    site.git(&["add", "-A"]);
    site.git(&["commit", "-q", "-m", "signing"]);
    site.git(&["branch", "release/4.2"]);
    site.git(&["tag", "-a", "-m", "released", "v4.2"]);
    revised(&site);
    site.git(&["commit", "-q", "-a", "-m", "frozen again"]);
    site
}

/// The manifest is frozen again.
fn revised(site: &Site) {
    let mut content = site.manifest().content().clone();
    content.revision += 1;
    site.write("manifests/profiles.json", content.to_bytes());
}

fn request(site: &Site, branches: &[&str]) -> RehearseRequest {
    RehearseRequest {
        successors: vec![site.path("successors")],
        branches: branches.iter().map(ToString::to_string).collect(),
        ..RehearseRequest::default()
    }
}

/// A world in which programs are found.
fn world(site: &Site) -> World {
    let mut world = site.world(NOW);
    world.surroundings.variables = vec![("PATH".into(), start::PATH.into())];
    world
}

fn rehearsed(site: &Site, branches: &[&str]) -> RehearsalDocument {
    rotate::rehearse(&request(site, branches), &world(site)).unwrap()
}

/// The revision of each branch's manifest.
fn revisions(document: &RehearsalDocument) -> Vec<(&str, u64)> {
    let branches = document.branches.iter();
    branches
        .map(|branch| (&*branch.name, branch.manifest.revision))
        .collect()
}

/// What is said of a branch that cannot be read, with what to do.
#[track_caller]
fn refused(site: &Site, branch: &str) -> String {
    let error = rotate::rehearse(&request(site, &[branch]), &world(site)).unwrap_err();
    let countersign::ops::error::Failure::Error(error) = error else {
        panic!("{error}");
    };
    let (hint, _) = error.advice();
    format!("{error}; {}", hint.unwrap_or_default())
}

#[test]
fn the_manifest_of_a_branch_a_tag_or_a_commit_is_the_one_that_was_committed_there() {
    let site = released();
    let document = rehearsed(&site, &["release/4.2", "v4.2", "main~1", "main"]);
    assert_eq!(
        revisions(&document),
        [
            ("this checkout", 2),
            ("release/4.2", 1),
            ("v4.2", 1),
            ("main~1", 1),
            ("main", 2),
        ]
    );
    // What nobody has committed is of this checkout alone.
    revised(&site);
    let document = rehearsed(&site, &["main"]);
    assert_eq!(revisions(&document), [("this checkout", 3), ("main", 2)]);
}

#[test]
fn the_manifest_may_lie_deep_in_its_repository() {
    let disk = tempfile::tempdir().unwrap();
    let root = disk.path().canonicalize().unwrap();
    let site = Site::new();
    fs::remove_dir(site.path(".git")).unwrap();
    let deep = root.join("apps/rocket");
    for (path, bytes) in site.snapshot() {
        let path = deep.join(path.strip_prefix(site.path("")).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let deep = Site::at(deep);
    git_in(&root, &["init", "-q", "-b", "main"]);
    git_in(&root, &["add", "-A"]);
    git_in(&root, &["commit", "-q", "-m", "signing"]);
    revised(&deep);
    let document = rehearsed(&deep, &["main"]);
    assert_eq!(revisions(&document), [("this checkout", 2), ("main", 1)]);
}

#[test]
fn a_worktree_knows_the_branches_of_its_repository() {
    let site = released();
    let disk = tempfile::tempdir().unwrap();
    let root = disk.path().canonicalize().unwrap();
    // One of a repository with a checkout, and one of a repository without.
    let linked = root.join("linked");
    site.git(&[
        "worktree",
        "add",
        "-q",
        linked.to_str().unwrap(),
        "-b",
        "next",
    ]);
    git_in(
        &root,
        &[
            "clone",
            "-q",
            "--bare",
            site.path("").to_str().unwrap(),
            "bare.git",
        ],
    );
    git_in(
        &root.join("bare.git"),
        &["worktree", "add", "-q", "../of-bare", "main"],
    );
    for folder in [linked, root.join("of-bare")] {
        assert!(folder.join(".git").is_file());
        let worktree = Site::at(folder);
        let document = rehearsed(&worktree, &["release/4.2"]);
        assert_eq!(
            revisions(&document),
            [("this checkout", 2), ("release/4.2", 1)]
        );
    }
}

#[test]
fn what_git_does_not_find_is_told_in_its_words_with_what_to_do() {
    let site = released();
    let told = refused(&site, "release/9.9");
    assert!(told.contains("git does not find"), "{told}");
    assert!(told.contains("invalid object name 'release/9.9'"), "{told}");
    assert!(told.contains("fetch release/9.9"), "{told}");
    // The branch is there, and the manifest is younger than it.
    site.git(&["checkout", "-q", "--orphan", "early"]);
    site.git(&["rm", "-q", "-r", "--cached", "."]);
    site.git(&["add", "anchors.pem"]);
    site.git(&["commit", "-q", "-m", "before the manifest"]);
    let told = refused(&site, "early");
    assert!(told.contains("not in 'early'"), "{told}");
    // It is no repository at all.
    fs::remove_dir_all(site.path(".git")).unwrap();
    let told = refused(&site, "main");
    assert!(told.contains("not a git repository"), "{told}");
}

#[test]
fn an_option_or_a_path_is_no_branch() {
    let site = released();
    for name in ["-p", "--batch", "main:manifests/profiles.json", ""] {
        let told = refused(&site, name);
        assert!(told.contains("is no name of a branch"), "{told}");
        assert!(told.contains("as in release/4.2"), "{told}");
    }
    // The program takes such a name as it is meant, and says the same.
    fs::create_dir(site.path("home")).unwrap();
    let mut command = start::countersign(&site.path("home"));
    command
        .current_dir(site.path(""))
        .env("PATH", start::PATH)
        .args([
            "--state-dir",
            "state",
            "rotate",
            "rehearse",
            "--branch=--output=x",
        ]);
    ran(&mut command)
        .exits(11)
        .says(&["\"--output=x\" is no name of a branch"]);
}

#[test]
fn a_manifest_that_a_branch_holds_in_pieces_is_an_error_that_names_the_branch() {
    let site = released();
    site.git(&["checkout", "-q", "-b", "torn"]);
    site.write("manifests/profiles.json", "<<<<<<< ours\n");
    site.git(&["commit", "-q", "-a", "-m", "torn"]);
    site.git(&["checkout", "-q", "main"]);
    let told = refused(&site, "torn");
    assert!(told.contains("the manifest of torn"), "{told}");
}

/// Git itself asks its environment where the repository is and what its configuration says. None of that reaches it.
#[test]
fn what_the_environment_says_of_git_does_not_count() {
    let site = released();
    let other = Site::new();
    fs::create_dir(site.path("home")).unwrap();
    let elsewhere = other.path(".git");
    let mut command = start::countersign(&site.path("home"));
    command
        .current_dir(site.path(""))
        .env("PATH", start::PATH)
        .env("GIT_DIR", &elsewhere)
        .env("GIT_WORK_TREE", other.path(""))
        .env("GIT_OBJECT_DIRECTORY", &elsewhere)
        .env("GIT_INDEX_FILE", "/nowhere")
        .env("GIT_CONFIG_GLOBAL", "/nowhere")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "core.repositoryFormatVersion")
        .env("GIT_CONFIG_VALUE_0", "99")
        .env("GIT_TRACE", site.path("trace"))
        .args(["--state-dir", "state", "rotate", "rehearse"])
        .args(["--successors", "successors", "--branch", "release/4.2"])
        .args(["--at", NOW, "--format", "json"]);
    let document: Json = ran(&mut command).exits(0).json();
    assert_eq!(document["branches"][1]["name"], "release/4.2");
    assert_eq!(document["branches"][1]["manifest"]["revision"], 1);
    assert!(!site.path("trace").exists());
}

#[test]
fn nothing_runs_that_the_repository_names_and_no_object_stands_in_for_another() {
    let site = released();
    let script = site.path("run.sh");
    fs::write(
        &script,
        format!("#!/bin/sh\ntouch {}\ncat\n", site.path("ran").display()),
    )
    .unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap().to_owned();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "diff.external",
        "filter.acme.smudge",
        "diff.acme.textconv",
    ] {
        site.git(&["config", key, &script]);
    }
    site.git(&["config", "alias.cat-file", &format!("!{script}")]);
    site.write(".gitattributes", "*.json filter=acme diff=acme\n");
    site.git(&[
        "replace",
        "release/4.2:manifests/profiles.json",
        "main:manifests/profiles.json",
    ]);
    let document = rehearsed(&site, &["release/4.2"]);
    assert_eq!(revisions(&document)[1], ("release/4.2", 1));
    assert!(!site.path("ran").exists());
}

#[test]
fn a_clone_without_all_objects_fetches_none() {
    let site = released();
    site.git(&["config", "uploadpack.allowFilter", "true"]);
    let disk = tempfile::tempdir().unwrap();
    let root = disk.path().canonicalize().unwrap();
    let url = format!("file://{}", site.path("").display());
    git_in(&root, &["clone", "-q", "--filter=blob:none", &url, "clone"]);
    let clone = Site::at(root.join("clone"));
    let objects = || objects(&root.join("clone/.git/objects"));
    let before = objects();
    let told = refused(&clone, "origin/release/4.2");
    assert!(told.contains("fetch origin/release/4.2"), "{told}");
    assert_eq!(objects(), before);
}

fn objects(folder: &Path) -> usize {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { objects(&path) } else { 1 })
        .sum()
}

#[test]
fn a_folder_of_the_checkout_that_looks_like_a_repository_is_not_asked() {
    let site = released();
    site.git(&["init", "-q", "--bare", "manifests"]);
    let told = refused(&site, "main");
    assert!(told.contains("bare repository"), "{told}");
}
