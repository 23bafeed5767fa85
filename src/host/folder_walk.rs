//! What lies in a folder and below it that countersign looks for: Xcode projects, workspaces and profiles.
//!
//! The walk is for finding what nobody named, so it must be quick everywhere and stay among what people wrote. It skips
//! folders that tools fill ([`SKIPPED`], and whatever begins with a dot) and bundles, follows no links, goes level by level,
//! and ends at a bound. Whoever uses it hears whether it saw everything.

use std::fs;
use std::path::{Path, PathBuf};

use super::profile_store::is_named_like_a_profile;

/// How many levels below the folder are looked at. Real repositories hold their projects within four.
pub const MAX_DEPTH: usize = 8;

/// How many names are read: some ten times what a large application's repository holds outside of [`SKIPPED`]. Reading them
/// takes less than a tenth of a second.
pub const MAX_ENTRIES: usize = 50_000;

/// Folders that tools fill: dependencies, and what is built. What lies there belongs to others, or is a copy.
pub const SKIPPED: &[&str] = &[
    "Pods",
    "node_modules",
    "DerivedData",
    "Carthage",
    "build",
    "vendor",
    "SourcePackages",
];

/// How the names of bundles end, in which no project lies that people mean.
const BUNDLES: &[&str] = &[
    "app",
    "appex",
    "bundle",
    "framework",
    "lproj",
    "playground",
    "xcarchive",
    "xcassets",
    "xcdatamodeld",
    "xcframework",
];

/// What was found. The paths go on from the folder, level by level, by name in each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Xcode projects and workspaces.
    pub projects: Vec<PathBuf>,
    /// Files that are named like profiles.
    pub profiles: Vec<PathBuf>,
    /// Whether all of it was looked at.
    pub is_complete: bool,
}

/// Walks through `folder` and at most `depth` levels below it. A folder that cannot be listed is passed over.
pub fn walk(folder: &Path, depth: usize) -> Walked {
    let mut walked = Walked {
        is_complete: true,
        ..Walked::default()
    };
    let mut left = MAX_ENTRIES;
    let mut level = vec![folder.to_owned()];
    for _ in 0..=depth.min(MAX_DEPTH) {
        let mut below = Vec::new();
        for folder in level {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            let mut named = Vec::new();
            for entry in entries.flatten() {
                if left == 0 {
                    walked.is_complete = false;
                    return walked;
                }
                left -= 1;
                // The kind comes with the name, without asking the disk again.
                if let Ok(kind) = entry.file_type() {
                    named.push((entry.path(), kind));
                }
            }
            named.sort_unstable_by(|a, b| a.0.as_os_str().cmp(b.0.as_os_str()));
            for (path, kind) in named {
                if kind.is_dir() && is_project(&path) {
                    walked.projects.push(path);
                } else if kind.is_dir() && !is_skipped(&path) {
                    below.push(path);
                } else if kind.is_file() && is_named_like_a_profile(&path) {
                    walked.profiles.push(path);
                }
            }
        }
        level = below;
    }
    // Deeper folders were only left out where somebody asked for all of them.
    walked.is_complete = level.is_empty() || depth < MAX_DEPTH;
    walked
}

/// Whether a path ends as those of projects and workspaces do.
fn is_project(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    let has_name = path.file_stem().is_some();
    has_name && (extension == "xcodeproj" || extension == "xcworkspace")
}

fn is_skipped(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default();
    name.starts_with('.')
        || SKIPPED.iter().any(|skipped| name == *skipped)
        || BUNDLES.iter().any(|bundle| extension == *bundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(folders: &[&str]) -> tempfile::TempDir {
        let disk = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(disk.path().join(folder)).unwrap();
        }
        disk
    }

    fn projects(disk: &tempfile::TempDir) -> Vec<String> {
        let walked = walk(disk.path(), MAX_DEPTH);
        let projects = walked.projects.iter();
        let below = |path: &PathBuf| path.strip_prefix(disk.path()).unwrap().to_owned();
        projects.map(|it| below(it).display().to_string()).collect()
    }

    #[test]
    fn what_tools_fill_and_what_lies_in_bundles_is_passed_over() {
        let disk = disk(&[
            ".build/checkouts/Tool.xcodeproj",
            ".git/modules/Other.xcodeproj",
            "App.app/Inner.xcodeproj",
            "Carthage/Checkouts/Lib.xcodeproj",
            "DerivedData/Some.xcodeproj",
            "ios/App.xcodeproj/project.xcworkspace",
            "ios/App.xcworkspace",
            "ios/Pods/Pods.xcodeproj",
            "node_modules/react-native/React.xcodeproj",
            "vendor/Lib.xcodeproj",
        ]);
        assert_eq!(
            projects(&disk),
            ["ios/App.xcodeproj", "ios/App.xcworkspace"]
        );
    }

    #[test]
    fn profiles_are_found_beside_projects() {
        let disk = disk(&["App.xcodeproj", "signing/ios"]);
        for file in ["signing/ios/a.mobileprovision", "signing/notes.txt"] {
            fs::write(disk.path().join(file), "").unwrap();
        }
        let walked = walk(disk.path(), MAX_DEPTH);
        let profile = disk.path().join("signing/ios/a.mobileprovision");
        assert_eq!(walked.profiles, [profile]);
        assert!(walked.is_complete);
    }

    #[test]
    fn a_folder_without_end_is_left_after_a_while() {
        let deep = "d/".repeat(MAX_DEPTH + 1);
        let disk = disk(&[&format!("{deep}Far.xcodeproj"), "Near.xcodeproj"]);
        assert_eq!(projects(&disk), ["Near.xcodeproj"]);
        assert!(!walk(disk.path(), MAX_DEPTH).is_complete);
        // Links lead nowhere.
        std::os::unix::fs::symlink(disk.path(), disk.path().join("again")).unwrap();
        assert_eq!(projects(&disk), ["Near.xcodeproj"]);
    }

    #[test]
    fn no_more_names_are_read_than_there_is_time_for() {
        let disk = disk(&["many", "many/below/Far.xcodeproj"]);
        for at in 0..=MAX_ENTRIES {
            fs::write(disk.path().join(format!("many/{at}")), "").unwrap();
        }
        let walked = walk(disk.path(), MAX_DEPTH);
        assert!(walked.projects.is_empty() && !walked.is_complete);
    }
}
