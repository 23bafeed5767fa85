//! Where a keychain lies.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::remedy::Remedy;

/// Where a keychain lies: an absolute path that every tool on the way takes for the same file, and that is the same
/// whichever links it was reached through, because journals tell keychains apart by it.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "PathBuf", into = "PathBuf")]
#[schemars(inline, with = "PathBuf")]
pub struct KeychainPath(PathBuf);

impl KeychainPath {
    /// Checks `path`, and resolves the links in it as far as it is there.
    ///
    /// # Errors
    /// It is not absolute or not plain UTF-8, goes through `..`, or is called after the login keychain or the system's:
    /// those are not ours and never touched.
    pub fn new(path: &Path) -> Result<Self, KeychainPathError> {
        let bad = |why| KeychainPathError {
            path: path.to_owned(),
            why,
        };
        if !path.is_absolute() {
            return Err(bad("is not absolute"));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(bad("goes through `..`"));
        }
        let resolved = resolved(path);
        let text = resolved.to_str().ok_or_else(|| bad("is not UTF-8"))?;
        let name = resolved
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| bad("names no file"))?;
        if text.chars().any(|c| c.is_control() || c == '"') {
            // `security` prints paths between quotes and does not escape them.
            return Err(bad("holds a quote or a control character"));
        }
        // macOS's disks ignore case, so `Login.keychain-db` is the person's own too.
        let name = name.to_lowercase();
        if name.contains("login.keychain") || name.contains("system.keychain") {
            return Err(bad("is called after a keychain that is not ours"));
        }
        // macOS keeps such a keychain in a file with `-db` at its end, whatever it is called by.
        if text.contains("/Library/Keychains/") && !text.ends_with("-db") {
            return Ok(Self(format!("{text}-db").into()));
        }
        Ok(Self(resolved))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The same path with `suffix` at its end: the files that lie beside a keychain.
    pub fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut path = self.0.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Whether `other`, as a tool printed it, names this keychain: macOS adds `-db` to some names, resolves links and
    /// ignores case. Two names of one file are one keychain; where there is no file, the names decide.
    pub fn is(&self, other: &Path) -> bool {
        fn plain(path: &Path) -> PathBuf {
            let path = resolved(path);
            match path.to_str().and_then(|text| text.strip_suffix("-db")) {
                Some(text) => PathBuf::from(text),
                None => path,
            }
        }
        // A file that is replaced between the two looks is another one by then, so that proves nothing against them.
        let file = |path: &Path| std::fs::metadata(path).ok().map(|at| (at.dev(), at.ino()));
        self.0 == other
            || plain(&self.0) == plain(other)
            || file(&self.0).is_some_and(|ours| file(other) == Some(ours))
    }
}

/// A path that was written down must be what [`KeychainPath::new`] makes of it: one that means another file by now is
/// refused, because whoever wrote it opened that other file.
impl TryFrom<PathBuf> for KeychainPath {
    type Error = KeychainPathError;

    fn try_from(written: PathBuf) -> Result<Self, KeychainPathError> {
        let path = Self::new(&written)?;
        if path.0 == written {
            Ok(path)
        } else {
            Err(KeychainPathError {
                path: written,
                why: "is not the keychain's own path",
            })
        }
    }
}

impl From<KeychainPath> for PathBuf {
    fn from(path: KeychainPath) -> Self {
        path.0
    }
}

/// The path without links, as far down as it is there; the rest, when it is made, is made without any. A link in the
/// file's own place stays one: it is not followed, and refused where the file is used.
fn resolved(path: &Path) -> PathBuf {
    path.ancestors()
        .skip(usize::from(path.is_symlink()))
        .find_map(|above| {
            let rest = path.strip_prefix(above).ok()?;
            let above = above.canonicalize().ok()?;
            // Joining nothing would put a slash at the end.
            match rest.as_os_str().is_empty() {
                true => Some(above),
                false => Some(above.join(rest)),
            }
        })
        .unwrap_or_else(|| path.to_owned())
}

/// The path cannot name a keychain of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the keychain path {path} {why}", path = path.display())]
pub struct KeychainPathError {
    /// The path.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Explain for KeychainPathError {
    fn code(&self) -> ErrorCode {
        ErrorCode::KeychainNotOurs
    }

    fn hint(&self) -> Option<String> {
        Some("give CI a keychain with an absolute path and a name of its own".into())
    }

    fn remedy(&self) -> Option<Remedy> {
        Some(Remedy::NameKeychain)
    }

    fn place(&self) -> Place {
        Place::file(&self.path)
    }
}

impl fmt::Display for KeychainPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_tools_would_misread_or_that_are_not_ours_are_refused() {
        for bad in [
            "relative.keychain",
            "/",
            "/tmp/../etc/x",
            "/tmp/a\nb.keychain",
            "/tmp/a\"b.keychain",
            "/Users/ci/Library/Keychains/login.keychain-db",
            "/Users/ci/Library/Keychains/Login.Keychain-db",
            "/Library/Keychains/System.keychain",
            "/Library/Keychains/system.KEYCHAIN",
        ] {
            let error = KeychainPath::new(Path::new(bad)).unwrap_err();
            assert_eq!(error.path, Path::new(bad));
        }
        let path = |text: &str| KeychainPath::new(Path::new(text)).unwrap().to_string();
        assert_eq!(
            path("/k/my keychains/ci.keychain"),
            "/k/my keychains/ci.keychain"
        );
        assert_eq!(
            path("/Users/ci/Library/Keychains/ci.keychain"),
            "/Users/ci/Library/Keychains/ci.keychain-db"
        );
    }

    #[test]
    fn a_keychain_is_recognised_under_the_names_that_macos_gives_it() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        let real = directory.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let keychain = KeychainPath::new(&link.join("ci.keychain")).unwrap();
        assert!(keychain.is(&link.join("ci.keychain")));
        assert!(keychain.is(&real.join("ci.keychain-db")));
        assert!(!keychain.is(&real.join("other.keychain-db")));
        // A disk that ignores case shows one file under several names, as a hard link does.
        let (name, other) = (real.join("ci.keychain"), real.join("CI.keychain"));
        std::fs::write(&name, b"").unwrap();
        assert!(!keychain.is(&other));
        std::fs::hard_link(&name, &other).unwrap();
        assert!(keychain.is(&other));
        let elsewhere = directory.path().join("elsewhere");
        std::os::unix::fs::symlink(&name, &elsewhere).unwrap();
        assert!(keychain.is(&elsewhere));
    }

    #[test]
    fn a_keychain_has_one_path_through_whichever_links_and_before_it_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let (link, real) = (directory.path().join("link"), directory.path().join("real"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let path = |below: &Path| KeychainPath::new(&below.join("new/ci.p12")).unwrap();
        assert_eq!(path(&link), path(&real));
        let before = path(&link);
        std::fs::create_dir(real.join("new")).unwrap();
        assert_eq!(path(&link), before);
        std::fs::write(before.as_path(), b"").unwrap();
        assert_eq!(path(&link), before);
        let real = real.canonicalize().unwrap();
        assert_eq!(before.as_path(), real.join("new/ci.p12"));
        // A link in the keychain's place is not taken for what it leads to.
        let stray = real.join("stray.p12");
        std::os::unix::fs::symlink(before.as_path(), &stray).unwrap();
        assert_eq!(KeychainPath::new(&stray).unwrap().as_path(), stray);
    }

    #[test]
    fn a_path_that_was_written_down_must_be_the_keychains_own() {
        let read = |path: &Path| serde_json::from_value::<KeychainPath>(serde_json::json!(path));
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().canonicalize().unwrap();
        let link = real.join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let keychain = KeychainPath::new(&link.join("ci.p12")).unwrap();
        let written = serde_json::to_value(&keychain).unwrap();
        assert_eq!(
            serde_json::from_value::<KeychainPath>(written).unwrap(),
            keychain
        );
        for other in [
            link.join("ci.p12"),
            real.join("login.keychain-db"),
            real.join("../ci.p12"),
            PathBuf::from("ci.p12"),
            PathBuf::from("/Users/ci/Library/Keychains/ci.keychain"),
        ] {
            assert!(read(&other).is_err(), "{}", other.display());
        }
    }
}
