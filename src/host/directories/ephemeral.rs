//! Trees that do not keep what is put into them: temporary directories, caches, derived data, CI checkouts.
//!
//! A profile that was installed into such a tree is there when the gate looks and gone when Xcode does, or after the
//! next restart. Which trees these are is known by what the runner says in its environment, and by their shape.
//!
//! Pure, and by name only: nothing is looked up on the disk, so a rehearsal on Linux knows a Mac's trees.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// The environment variables whose values name directories that a CI runner empties for each job.
pub const TEMPORARY_VARIABLES: &[&str] = &[
    "TMPDIR",
    "RUNNER_TEMP",         // GitHub Actions: emptied at the start and end of each job
    "AGENT_TEMPDIRECTORY", // Azure Pipelines: emptied after each job
];

/// The environment variables whose values name a job's checkout.
pub const CHECKOUT_VARIABLES: &[&str] = &[
    "GITHUB_WORKSPACE",
    "CI_PROJECT_DIR",                // GitLab
    "BUILD_SOURCESDIRECTORY",        // Azure Pipelines
    "WORKSPACE",                     // Jenkins
    "BUILDKITE_BUILD_CHECKOUT_PATH", // Buildkite
    "CIRCLE_WORKING_DIRECTORY",      // CircleCI
    "BITRISE_SOURCE_DIR",            // Bitrise
    "CI_PRIMARY_REPOSITORY_PATH",    // Xcode Cloud
    "CM_BUILD_DIR",                  // Codemagic
];

/// Who wipes a tree, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cleaner {
    /// The system: macOS removes what lay three days unused in `/tmp` and in `/var/folders/…/T` (`tmp_cleaner`,
    /// `dirhelper`), caches at a safe boot; Linux keeps these in memory or runs `systemd-tmpfiles`.
    System,
    /// The system and clean-up tools, when the disk gets full.
    Caches,
    /// Xcode, `xcodebuild clean`, and everybody who "deletes derived data" to mend a build.
    Xcode,
    /// The user who empties the trash.
    Trash,
    /// The CI runner, at the start and end of each job.
    Job,
    /// The CI runner's next checkout (`git clean -ffdx`): only what is committed comes back.
    Checkout,
}

impl Cleaner {
    /// Who wipes it and when, for a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "the system clears it at a restart or after some days",
            Self::Caches => "the system and clean-up tools clear caches when the disk gets full",
            Self::Xcode => "Xcode and xcodebuild clean delete derived data",
            Self::Trash => "the system deletes it when the trash is emptied",
            Self::Job => "the CI runner empties it for each job",
            Self::Checkout => "the CI runner's next checkout cleans it",
        }
    }
}

impl fmt::Display for Cleaner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A tree that does not keep what is put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EphemeralTree {
    /// The top of the tree.
    pub root: PathBuf,
    /// Who wipes it.
    pub cleaner: Cleaner,
}

/// Whether `path` lies in a tree that Xcode, a CI runner or a clean-up wipes, and so would lose an installed profile
/// between the gate and the build. `temporary` and `checkouts` are the values of [`TEMPORARY_VARIABLES`] and
/// [`CHECKOUT_VARIABLES`]; what they do not name is known by its shape.
///
/// The path should be absolute; `.` and `..` in it are resolved by name. Letters' case does not count, as on a Mac's
/// usual file system. Symlinks are not followed: ask again with the resolved path if there may be any.
///
/// Of several trees the result is the innermost one that is not a checkout: a job's temporary directory inside its checkout
/// is a [`Cleaner::Job`].
pub fn ephemeral_tree(
    path: &Path,
    temporary: &[&Path],
    checkouts: &[&Path],
) -> Option<EphemeralTree> {
    let path = plain(path);
    let parts: Vec<Part<'_>> = path.components().map(Part::of).collect();
    let tree = |length: usize, cleaner: Cleaner| EphemeralTree {
        root: path.components().take(length).collect(),
        cleaner,
    };
    let named = |trees: &[&Path], cleaner: Cleaner| {
        trees.iter().find_map(|root| {
            let root = plain(root);
            let parts_of_root: Vec<Part<'_>> = root.components().map(Part::of).collect();
            // An unset variable, `/` or a relative value says nothing about this path.
            let says_something = root.is_absolute() && parts_of_root.len() > 1;
            (says_something && starts_with(&parts, &parts_of_root))
                .then(|| tree(parts_of_root.len(), cleaner))
        })
    };
    let shaped = |wanted: fn(Cleaner) -> bool| {
        SHAPES
            .iter()
            .filter(|shape| wanted(shape.cleaner))
            .find_map(|shape| Some(tree(shape.end_in(&parts)?, shape.cleaner)))
    };
    named(temporary, Cleaner::Job)
        .or_else(|| shaped(|cleaner| cleaner != Cleaner::Checkout))
        .or_else(|| named(checkouts, Cleaner::Checkout))
        .or_else(|| shaped(|cleaner| cleaner == Cleaner::Checkout))
}

/// A tree known by the names along its path.
struct Shape {
    /// Whether the names start at the root; else they may stand anywhere.
    absolute: bool,
    names: &'static [Name],
    cleaner: Cleaner,
}

/// One name along a path.
enum Name {
    /// This one.
    Is(&'static str),
    /// Any but these.
    AnyBut(&'static [&'static str]),
    /// 8 to 20 of A-Z a-z 0-9 - _: the short token of a GitLab runner.
    Token,
    /// A number.
    Number,
}

use Name::{AnyBut, Is, Number, Token};

const SHAPES: &[Shape] = &[
    // macOS; /tmp and /var are links into /private.
    at_root(&[Is("tmp")], Cleaner::System),
    at_root(&[Is("private"), Is("tmp")], Cleaner::System),
    at_root(&[Is("var"), Is("tmp")], Cleaner::System),
    at_root(&[Is("private"), Is("var"), Is("tmp")], Cleaner::System),
    at_root(&[Is("var"), Is("folders")], Cleaner::System),
    at_root(&[Is("private"), Is("var"), Is("folders")], Cleaner::System),
    // Linux: in memory.
    at_root(&[Is("dev"), Is("shm")], Cleaner::System),
    at_root(&[Is("run")], Cleaner::System),
    // `-derivedDataPath DerivedData` puts it anywhere.
    anywhere(&[Is("DerivedData")], Cleaner::Xcode),
    anywhere(&[Is("Library"), Is("Caches")], Cleaner::Caches),
    anywhere(&[Is(".cache")], Cleaner::Caches),
    anywhere(&[Is(".Trash")], Cleaner::Trash),
    // GitHub Actions and Azure Pipelines: _work/_temp, _work/1/a; _work/_tool is kept.
    anywhere(&[Is("_work"), Is("_temp")], Cleaner::Job),
    anywhere(&[Is("runner"), Is("work"), Is("_temp")], Cleaner::Job),
    anywhere(
        &[Is("_work"), AnyBut(&["_tool", "_tasks", "_actions"])],
        Cleaner::Checkout,
    ),
    anywhere(
        &[
            Is("runner"),
            Is("work"),
            AnyBut(&["_tool", "_tasks", "_actions"]),
        ],
        Cleaner::Checkout,
    ),
    // GitLab: builds/<short token>/<concurrent id>/<group>/<project>.
    anywhere(&[Is("builds"), Token, Number], Cleaner::Checkout),
    // Jenkins: its home is /var/lib/jenkins, /Users/jenkins or ~/.jenkins.
    anywhere(&[Is("jenkins"), Is("workspace")], Cleaner::Checkout),
    anywhere(&[Is(".jenkins"), Is("workspace")], Cleaner::Checkout),
    anywhere(&[Is("buildkite-agent"), Is("builds")], Cleaner::Checkout),
    // Xcode Cloud.
    at_root(&[Is("Volumes"), Is("workspace")], Cleaner::Checkout),
];

const fn at_root(names: &'static [Name], cleaner: Cleaner) -> Shape {
    Shape {
        absolute: true,
        names,
        cleaner,
    }
}

const fn anywhere(names: &'static [Name], cleaner: Cleaner) -> Shape {
    Shape {
        absolute: false,
        names,
        cleaner,
    }
}

impl Shape {
    /// The number of parts up to the end of the shape, if the path has it.
    fn end_in(&self, parts: &[Part<'_>]) -> Option<usize> {
        let starts = if self.absolute {
            // The first part is the root itself.
            matches!(parts.first(), Some(Part::Root)).then_some(1..2)?
        } else {
            0..parts.len()
        };
        starts.into_iter().find_map(|start| {
            let end = start + self.names.len();
            let run = parts.get(start..end)?;
            let fits = run
                .iter()
                .zip(self.names)
                .all(|(part, name)| name.fits(part));
            fits.then_some(end)
        })
    }
}

impl Name {
    fn fits(&self, part: &Part<'_>) -> bool {
        let Part::Name(text) = part else {
            return false;
        };
        match self {
            Is(name) => text.eq_ignore_ascii_case(name),
            AnyBut(names) => !names.iter().any(|name| text.eq_ignore_ascii_case(name)),
            Token => text.to_str().is_some_and(|text| {
                let shaped = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
                (8..=20).contains(&text.len()) && text.bytes().all(shaped)
            }),
            Number => text
                .to_str()
                .is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())),
        }
    }
}

/// A part of a path.
#[derive(Clone, Copy)]
enum Part<'p> {
    Root,
    Name(&'p OsStr),
    Other,
}

impl<'p> Part<'p> {
    fn of(component: Component<'p>) -> Self {
        match component {
            Component::RootDir => Self::Root,
            Component::Normal(name) => Self::Name(name),
            Component::Prefix(_) | Component::CurDir | Component::ParentDir => Self::Other,
        }
    }

    fn same_as(&self, other: &Part<'_>) -> bool {
        match (self, other) {
            (Self::Root, Part::Root) => true,
            (Self::Name(own), Part::Name(other)) => own.eq_ignore_ascii_case(other),
            _ => false,
        }
    }
}

fn starts_with(parts: &[Part<'_>], root: &[Part<'_>]) -> bool {
    parts.len() >= root.len()
        && parts
            .iter()
            .zip(root)
            .all(|(part, other)| part.same_as(other))
}

/// The path with `.` and `..` resolved by name.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(plain.components().next_back(), Some(Component::Normal(_))) =>
            {
                plain.pop();
            }
            Component::ParentDir if plain.has_root() => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wiped(path: &str) -> Option<(String, Cleaner)> {
        ephemeral_tree(Path::new(path), &[], &[])
            .map(|tree| (tree.root.display().to_string(), tree.cleaner))
    }

    #[test]
    fn trees_that_are_wiped_are_known_with_their_top_and_who_does_it() {
        for (path, root, cleaner) in [
            ("/tmp/p", "/tmp", Cleaner::System),
            ("/private/tmp/p/x", "/private/tmp", Cleaner::System),
            ("/private/var/tmp/p", "/private/var/tmp", Cleaner::System),
            ("/var/folders/zz/x/T/p", "/var/folders", Cleaner::System),
            (
                "/private/var/folders/zz/x/T",
                "/private/var/folders",
                Cleaner::System,
            ),
            ("/dev/shm/p", "/dev/shm", Cleaner::System),
            (
                "/Users/ci/Library/Developer/Xcode/DerivedData/App-x/p",
                "/Users/ci/Library/Developer/Xcode/DerivedData",
                Cleaner::Xcode,
            ),
            (
                "/opt/build/deriveddata/p",
                "/opt/build/deriveddata",
                Cleaner::Xcode,
            ),
            (
                "/Users/ci/Library/Caches/p",
                "/Users/ci/Library/Caches",
                Cleaner::Caches,
            ),
            ("/Users/ci/.Trash/p", "/Users/ci/.Trash", Cleaner::Trash),
            (
                "/Users/ci/actions-runner/_work/_temp/p",
                "/Users/ci/actions-runner/_work/_temp",
                Cleaner::Job,
            ),
            (
                "/Users/ci/actions-runner/_work/app/app/profiles",
                "/Users/ci/actions-runner/_work/app",
                Cleaner::Checkout,
            ),
            (
                "/Users/runner/work/_temp/p",
                "/Users/runner/work/_temp",
                Cleaner::Job,
            ),
            (
                "/Users/runner/work/app/app/p",
                "/Users/runner/work/app",
                Cleaner::Checkout,
            ),
            (
                "/Users/ci/builds/t1_a-BCdef/0/group/app/p",
                "/Users/ci/builds/t1_a-BCdef/0",
                Cleaner::Checkout,
            ),
            (
                "/Users/jenkins/workspace/app/p",
                "/Users/jenkins/workspace",
                Cleaner::Checkout,
            ),
            (
                "/opt/homebrew/var/buildkite-agent/builds/mac-1/acme/app",
                "/opt/homebrew/var/buildkite-agent/builds",
                Cleaner::Checkout,
            ),
            (
                "/Volumes/workspace/repository/p",
                "/Volumes/workspace",
                Cleaner::Checkout,
            ),
            // What is temporary inside a checkout goes sooner than the checkout.
            ("/tmp/_work/app/app/DerivedData/p", "/tmp", Cleaner::System),
            (
                "/x/_work/app/app/DerivedData/p",
                "/x/_work/app/app/DerivedData",
                Cleaner::Xcode,
            ),
            ("/opt/x/../../tmp/./p", "/tmp", Cleaner::System),
            ("DerivedData/p", "DerivedData", Cleaner::Xcode),
        ] {
            assert_eq!(wiped(path), Some((root.to_owned(), cleaner)), "{path}");
        }
    }

    #[test]
    fn trees_that_stay_are_not_called_wipeable() {
        for path in [
            "/",
            "",
            "p",
            "/Users/ci/Library/MobileDevice/Provisioning Profiles",
            "/Users/ci/Library/Developer/Xcode/UserData/Provisioning Profiles",
            "/opt/profiles",
            "/opt/tmp/profiles",
            "/var/lib/profiles",
            "/tmpfiles/p",
            "/Users/ci/workspace/p",
            "/Users/ci/builds/2026/0",
            "/Users/ci/actions-runner/_work",
            "/Users/ci/actions-runner/_work/_tool/p",
            "/tmp/../opt/p",
            "/../opt/p",
        ] {
            assert_eq!(wiped(path), None, "{path}");
        }
    }

    #[test]
    fn what_the_runner_names_counts() {
        let temporary = [Path::new("/mnt/fast/tmp"), Path::new("/"), Path::new("")];
        let checkouts = [Path::new("/srv/co"), Path::new("relative")];
        let wiped = |path: &str| {
            ephemeral_tree(Path::new(path), &temporary, &checkouts)
                .map(|tree| (tree.root.display().to_string(), tree.cleaner))
        };
        assert_eq!(
            wiped("/mnt/fast/TMP/p"),
            Some(("/mnt/fast/TMP".to_owned(), Cleaner::Job))
        );
        assert_eq!(
            wiped("/srv/co"),
            Some(("/srv/co".to_owned(), Cleaner::Checkout))
        );
        assert_eq!(wiped("/srv/cousin/p"), None);
        assert_eq!(wiped("relative/p"), None);
        assert_eq!(wiped("/opt/p"), None);
    }
}
