//! Where the files of a project may lie: below one folder, the root.
//!
//! Whoever proposes a change to a project writes its files, and these name others. A name may be absolute, climb with `..`,
//! or lead through symbolic links, which a repository can hold too. A project that is judged must not make the judge read
//! the rest of the machine, so each name is followed a step at a time, and whoever reads files asks here before each step.
//! Nothing outside of the root is asked for, not even whether it exists: asking alone can mount a disk or call another
//! machine, and the answer would be told in a report.
//!
//! Git's own files (`.git`) do not belong to a project either, wherever they lie: the configuration of a checkout often holds
//! the token that it was fetched with.
//!
//! Everything here is a function of names. `host::sources` opens what they name.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// How many symbolic links one path may lead through, as on Linux.
const MAX_LINKS: usize = 40;

/// A root, by all names that it is known by: as somebody spelled it, and as it is without symbolic links. Absolute paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    names: Vec<PathBuf>,
}

/// Why a path is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// It leads out of the root.
    #[error("it leads out of the root")]
    Outside,
    /// It leads to git's own files.
    #[error("it leads to git's own files")]
    Git,
    /// It leads through too many symbolic links.
    #[error("it leads through more than {MAX_LINKS} symbolic links")]
    Links,
}

/// The next step on the way to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Back to the root.
    ToRoot,
    /// To the folder that holds this one; never out of the root.
    Up,
    /// To what has this name here. Whoever takes the step says what is there: [`Walk::follow`] for a symbolic link,
    /// [`Walk::enter`] for a folder.
    To {
        /// The name.
        name: OsString,
        /// Nothing follows it: it is the file itself.
        is_last: bool,
    },
}

/// The way from the root to a file.
#[derive(Debug)]
pub struct Walk<'r> {
    reach: &'r Reach,
    left: VecDeque<Part>,
    depth: usize,
    links: usize,
}

#[derive(Debug)]
enum Part {
    Root,
    Up,
    Name(OsString),
}

impl Reach {
    /// The root that has these names.
    pub fn new(names: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            names: names.into_iter().collect(),
        }
    }

    /// The way to an absolute path; `None` if it does not begin with the root.
    pub fn walk(&self, path: &Path) -> Option<Walk<'_>> {
        Some(Walk {
            reach: self,
            left: parts(self.below(path)?).collect(),
            depth: 0,
            links: 0,
        })
    }

    /// `path` from the root on.
    fn below<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        let mut names = self.names.iter();
        names.find_map(|name| path.strip_prefix(name).ok())
    }
}

impl Walk<'_> {
    /// The next step; `None` at the end, in a folder.
    ///
    /// # Errors
    /// The step would lead out of the root, or to git's own files.
    pub fn step(&mut self) -> Result<Option<Step>, Stop> {
        let Some(part) = self.left.pop_front() else {
            return Ok(None);
        };
        Ok(Some(match part {
            Part::Root => {
                self.depth = 0;
                Step::ToRoot
            }
            Part::Up => {
                self.depth = self.depth.checked_sub(1).ok_or(Stop::Outside)?;
                Step::Up
            }
            Part::Name(name) if is_git(&name) => return Err(Stop::Git),
            Part::Name(name) => Step::To {
                name,
                is_last: self.left.is_empty(),
            },
        }))
    }

    /// The last step led into a folder.
    pub fn enter(&mut self) {
        self.depth += 1;
    }

    /// The last step led to a symbolic link: what it names comes next.
    ///
    /// # Errors
    /// It names something outside of the root, or there were too many of them.
    pub fn follow(&mut self, target: &Path) -> Result<(), Stop> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Stop::Links);
        }
        let mut ahead = VecDeque::new();
        let target = match target.is_absolute() {
            true => {
                ahead.push_back(Part::Root);
                self.reach.below(target).ok_or(Stop::Outside)?
            }
            false => target,
        };
        ahead.extend(parts(target));
        ahead.append(&mut self.left);
        self.left = ahead;
        Ok(())
    }
}

/// The steps of a relative path. `..` is taken where it stands, as the system takes it: behind a link it means another folder
/// than its words say.
fn parts(path: &Path) -> impl Iterator<Item = Part> {
    path.components().filter_map(|component| match component {
        Component::ParentDir => Some(Part::Up),
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    })
}

/// Whether a disk might take this name for `.git`: those of macOS do not regard case, and older ones pass over some characters
/// that nobody sees (CVE-2014-9390).
fn is_git(name: &OsStr) -> bool {
    let seen: String = name
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii)
        .collect();
    seen.eq_ignore_ascii_case(".git")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Walks to `path` on a disk with these symbolic links: the names of the folders that the file is reached through.
    fn walked(root: &[&str], links: &[(&str, &str)], path: &str) -> Result<String, String> {
        let reach = Reach::new(root.iter().map(PathBuf::from));
        let links: BTreeMap<&str, &str> = links.iter().copied().collect();
        let mut here: Vec<String> = Vec::new();
        let Some(mut walk) = reach.walk(Path::new(path)) else {
            return Err("elsewhere".to_owned());
        };
        while let Some(step) = walk.step().map_err(|stop| format!("{stop:?}"))? {
            match step {
                Step::ToRoot => here.clear(),
                Step::Up => drop(here.pop()),
                Step::To { name, is_last } => {
                    here.push(name.into_string().unwrap());
                    let at = here.join("/");
                    if let Some(target) = links.get(&*at) {
                        here.pop();
                        walk.follow(Path::new(target))
                            .map_err(|stop| format!("{stop:?}"))?;
                    } else if is_last {
                        return Ok(at);
                    } else {
                        walk.enter();
                    }
                }
            }
        }
        Ok(format!("{}/", here.join("/")))
    }

    #[test]
    fn what_lies_below_the_root_is_reached_by_every_name_of_it() {
        let root = ["/tmp/r", "/private/tmp/r"];
        for path in ["/tmp/r/a/b", "/private/tmp/r/a/b", "/tmp/r/a/./b"] {
            assert_eq!(walked(&root, &[], path).unwrap(), "a/b", "{path}");
        }
        assert_eq!(walked(&root, &[], "/tmp/r/a/../b").unwrap(), "b");
        assert_eq!(walked(&root, &[], "/tmp/r").unwrap(), "/");
        for path in ["/tmp/rr/a", "/tmp", "/etc/passwd", "r/a", "/"] {
            assert_eq!(walked(&root, &[], path), Err("elsewhere".into()), "{path}");
        }
        for path in ["/tmp/r/../x", "/tmp/r/a/../../r/a"] {
            assert_eq!(walked(&root, &[], path), Err("Outside".into()), "{path}");
        }
    }

    #[test]
    fn links_are_followed_inside_and_nowhere_else() {
        let root = ["/r"];
        let links = [
            ("in", "a/b"),
            ("a/up", ".."),
            ("abs", "/r/a"),
            ("out", "/etc"),
            ("a/climb", "../../etc"),
            ("round", "/r/../r/a"),
            ("loop", "loop"),
        ];
        let walked = |path: &str| walked(&root, &links, path);
        assert_eq!(walked("/r/in/c").unwrap(), "a/b/c");
        assert_eq!(walked("/r/in").unwrap(), "a/b");
        assert_eq!(walked("/r/a/up/x").unwrap(), "x");
        assert_eq!(walked("/r/x/y/../../abs/z").unwrap(), "a/z");
        // `..` behind a link is that of the folder which the link names.
        assert_eq!(walked("/r/in/../c").unwrap(), "a/c");
        for path in [
            "/r/out",
            "/r/out/passwd",
            "/r/a/climb",
            "/r/a/up/../x",
            "/r/round",
        ] {
            assert_eq!(walked(path), Err("Outside".into()), "{path}");
        }
        assert_eq!(walked("/r/loop"), Err("Links".into()));
        assert_eq!(walked("/r/loop/x"), Err("Links".into()));
    }

    #[test]
    fn gits_own_files_are_never_reached() {
        let links = [("link", ".git"), ("a/link", "../.git/config")];
        for path in [
            "/r/.git/config",
            "/r/.GIT/config",
            "/r/.g\u{200c}it/config",
            "/r/vendor/x/.git/config",
            "/r/.git",
            "/r/link/config",
            "/r/a/link",
        ] {
            assert_eq!(walked(&["/r"], &links, path), Err("Git".into()), "{path}");
        }
        assert_eq!(
            walked(&["/r"], &links, "/r/.github/x").unwrap(),
            ".github/x"
        );
    }
}
