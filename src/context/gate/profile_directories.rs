//! Where installed profiles lie: whether the user who signs may change them, and whether something wipes them.

use std::path::Path;

use super::facts::{DirectoryAccess, InstalledProfiles, ProfileDirectory};
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::policy::{Policy, ReadOnly};

/// How many paths a finding names.
const NAMED: usize = 3;

/// Judges the directories.
pub(super) fn check(policy: &Policy, installed: &InstalledProfiles) -> Vec<Finding> {
    let mut findings = Vec::new();
    let asked = policy.profiles.read_only;
    let mut directories = installed.directories.iter();
    if asked != ReadOnly::No && directories.any(is_roots) {
        findings.push(
            Finding::block(
                Code::ProfileDirectoryWritable,
                "the policy says read_only, but this user is root, who may write everywhere",
            )
            .values("a user who may not change the profiles", "root")
            .hint("sign as another user than root, and than the one who installs profiles"),
        );
    } else if asked != ReadOnly::No {
        for directory in &installed.directories {
            findings.extend(writable(asked, directory));
        }
    }
    findings.extend(installed.directories.iter().filter_map(wipeable));
    findings
}

fn is_roots(directory: &ProfileDirectory) -> bool {
    directory
        .access
        .as_ref()
        .is_some_and(|access| access.is_root)
}

/// What the user who signs may change of a directory that should be read-only.
fn writable(asked: ReadOnly, directory: &ProfileDirectory) -> Vec<Finding> {
    let about = |finding: Finding| finding.in_file(&directory.path);
    let Some(access) = &directory.access else {
        return vec![about(changeable("unknown: nobody looked".to_owned()))];
    };
    let mut findings = Vec::new();
    if !access.changes.is_empty() {
        let changes = access.changes.iter();
        let changes = changes.map(|change| format!("{}: {}", change.path.display(), change.right));
        findings.push(about(changeable(listed(changes))));
    }
    findings.extend(replaceable(asked, access).map(about));
    findings
}

fn changeable(found: String) -> Finding {
    Finding::block(
        Code::ProfileDirectoryWritable,
        "the user who signs may change what lies in the profile directory, although the policy says read_only",
    )
    .values("what belongs to another user and this one may not write", found)
    .hint("give the directory and all files in it to another user, and install profiles as that user")
}

/// Who may rename a directory on the way puts another in its place, with other profiles in it.
fn replaceable(asked: ReadOnly, access: &DirectoryAccess) -> Option<Finding> {
    if access.replaceable.is_empty() {
        return None;
    }
    let severity = match asked {
        ReadOnly::Strict => Severity::Block,
        ReadOnly::Yes | ReadOnly::No => Severity::Warn,
    };
    let folders = access.replaceable.iter();
    let finding = Finding::new(
        Code::ProfileDirectoryWritable,
        severity,
        "the user who signs may rename a directory on the way to the profiles, and put another in its place",
    );
    Some(
        finding
            .values(
                "directories in which this user may rename nothing",
                listed(folders.map(|folder| folder.display().to_string())),
            )
            .hint(
                "keep the profiles where every directory above them belongs to another user, which no directory below this \
                 user's home does, and name that directory in profiles.directories",
            ),
    )
}

/// Texts in a row; of many, the first and how many more.
fn listed(texts: impl ExactSizeIterator<Item = String>) -> String {
    let more = texts.len().saturating_sub(NAMED);
    let named: Vec<String> = texts.take(NAMED).collect();
    match more {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

fn wipeable(directory: &ProfileDirectory) -> Option<Finding> {
    let why = directory.ephemeral.as_ref()?;
    let path: &Path = &directory.path;
    Some(
        Finding::warn(
            Code::ProfileInWipeableTree,
            "the profile directory can be wiped between two builds",
        )
        .found(why)
        .in_file(path)
        .hint("install into Xcode's own directory")
        .remedy(Remedy::InstallProfile),
    )
}
