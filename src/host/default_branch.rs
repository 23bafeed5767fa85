//! The branch that others work from, as the clone of a repository knows it.

use std::path::Path;

use super::files::read_bounded;

/// A reference that is longer is none that we can name.
const MAX_REFERENCE: usize = 4096;

/// The default branch of the repository at `root`: the one that `origin/HEAD` names since the repository was cloned (git-clone(1)
/// and gitrepository-layout(5)). None in a repository that was made here, and in a linked worktree.
pub fn of_repository(root: &Path) -> Option<String> {
    let bytes = read_bounded(&root.join(".git/refs/remotes/origin/HEAD"), MAX_REFERENCE).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let branch = text.trim_end().strip_prefix("ref: refs/remotes/origin/")?;
    Some(branch.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of(text: &str) -> Option<String> {
        let disk = tempfile::tempdir().unwrap();
        let folder = disk.path().join(".git/refs/remotes/origin");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("HEAD"), text).unwrap();
        of_repository(disk.path())
    }

    #[test]
    fn a_clone_knows_the_default_branch_of_its_origin() {
        assert_eq!(
            of("ref: refs/remotes/origin/trunk\n").as_deref(),
            Some("trunk")
        );
        assert_eq!(of("ref: refs/heads/main\n"), None);
        assert_eq!(of_repository(Path::new("/nowhere")), None);
    }

    #[test]
    fn a_reference_without_end_is_not_read() {
        let long = "x".repeat(MAX_REFERENCE);
        assert_eq!(of(&format!("ref: refs/remotes/origin/{long}")), None);
    }
}
