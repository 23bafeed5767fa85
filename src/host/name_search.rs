//! Where the files of a repository name something: old digests, UUIDs and profile names after a rotation.
//!
//! The search is for telling people what is left to change, so it looks at what people write: text files of moderate size, among
//! them those of CI systems, whose folders begin with a dot. It skips what tools fill, follows no links, and ends at a bound.

use std::fs;
use std::path::{Path, PathBuf};

use aho_corasick::{AhoCorasick, MatchKind};

use super::files;
use super::folder_walk::{MAX_DEPTH, MAX_ENTRIES, SKIPPED};
use super::profile_store::is_named_like_a_profile;

/// Larger files are not read, in bytes: a project file of ten thousand sources is smaller.
pub const MAX_FILE: usize = 8 * 1024 * 1024;

/// So many bytes are read in all.
pub const MAX_TOTAL: usize = 256 * 1024 * 1024;

/// So many places are told.
pub const MAX_PLACES: usize = 1_000;

/// How the documents begin that this program writes, as the manifest of another product, or the probe of a machine: nobody edits them.
const OURS: &[u8] = b"{\n  \"schema\": \"countersign.";

/// A place that names something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPlace {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// Which of the names stands there.
    pub name: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub struct NamedPlaces {
    /// The places, by file and line.
    pub places: Vec<NamedPlace>,
    /// Whether everything was looked at.
    pub is_complete: bool,
}

/// Searches the files below `root` for `names`, but not where one is the beginning of a name that is `right` where it stands; `without`
/// are files that may name them, and folders of such. Letters of either case count: Xcode writes UUIDs in both.
pub fn find(root: &Path, names: &[String], right: &[String], without: &[PathBuf]) -> NamedPlaces {
    let mut found = NamedPlaces {
        is_complete: true,
        ..NamedPlaces::default()
    };
    let searcher = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(names.iter().chain(right));
    let Ok(searcher) = searcher else {
        found.is_complete = false;
        return found;
    };
    let (files, is_complete) = text_files(root);
    found.is_complete = is_complete;
    let mut left = MAX_TOTAL;
    for file in files {
        if without.iter().any(|it| file.starts_with(it)) {
            continue;
        }
        // What cannot be read, or is too large, names nothing that somebody would look for there.
        let Ok(bytes) = files::read_bounded(&file, MAX_FILE) else {
            continue;
        };
        let Some(rest) = left.checked_sub(bytes.len()) else {
            found.is_complete = false;
            break;
        };
        left = rest;
        if is_binary(&bytes) || bytes.starts_with(OURS) {
            continue;
        }
        let (mut line, mut counted) = (1_u64, 0);
        let hits = searcher.find_iter(&bytes);
        for hit in hits.filter(|hit| hit.pattern().as_usize() < names.len()) {
            if found.places.len() == MAX_PLACES {
                found.is_complete = false;
                return found;
            }
            let between = bytes.get(counted..hit.start()).unwrap_or_default();
            line += between.iter().filter(|byte| **byte == b'\n').count() as u64;
            counted = hit.start();
            let place = NamedPlace {
                file: file.clone(),
                line,
                name: hit.pattern().as_usize(),
            };
            if found.places.last() != Some(&place) {
                found.places.push(place);
            }
        }
    }
    found
}

/// Whether a file is none that people write: it holds a zero byte near its beginning, as git judges it.
fn is_binary(bytes: &[u8]) -> bool {
    let beginning = bytes.get(..8_000).unwrap_or(bytes);
    beginning.contains(&0)
}

/// The regular files below `root`, by path, and whether these are all.
fn text_files(root: &Path) -> (Vec<PathBuf>, bool) {
    let mut files = Vec::new();
    let mut left = MAX_ENTRIES;
    let mut level = vec![root.to_owned()];
    for _ in 0..=MAX_DEPTH {
        let mut below = Vec::new();
        for folder in level {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let Some(rest) = left.checked_sub(1) else {
                    return (files, false);
                };
                left = rest;
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let path = entry.path();
                let name = entry.file_name();
                if kind.is_dir() && name != ".git" && !SKIPPED.iter().any(|it| name == **it) {
                    below.push(path);
                } else if kind.is_file() && !is_named_like_a_profile(&path) {
                    files.push(path);
                }
            }
        }
        level = below;
    }
    files.sort();
    (files, level.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_by_file_and_line_in_text_files_alone() {
        let disk = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = disk.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            path
        };
        let workflow = write(".github/workflows/ci.yml", b"a\nexpect OLD-digest\n");
        let project = write(
            "App.xcodeproj/project.pbxproj",
            b"x = old-uuid; y = OLD-UUID;\n\nold-uuid",
        );
        write("image.png", b"\0old-uuid");
        write(
            "other.json",
            b"{\n  \"schema\": \"countersign.manifest.v2\",\n  old-uuid",
        );
        write("Pods/x.yml", b"old-uuid");
        write(".git/config", b"old-uuid");
        let manifest = write("profiles.json", b"old-uuid");
        let longer = write("Fastfile", b"old-uuid-2\nold-uuid");
        let names = ["old-uuid".to_owned(), "old-digest".to_owned()];
        let found = find(disk.path(), &names, &["old-uuid-2".to_owned()], &[manifest]);
        assert!(found.is_complete);
        let place = |file: &Path, line, name| NamedPlace {
            file: file.to_owned(),
            line,
            name,
        };
        assert_eq!(
            found.places,
            [
                place(&workflow, 2, 1),
                place(&project, 1, 0),
                place(&project, 3, 0),
                place(&longer, 2, 0),
            ]
        );
    }
}
