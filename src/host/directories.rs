//! Where things lie by default, and which trees do not keep what is put into them ([`ephemeral_tree`]).
//!
//! Pure: home directory and environment come in as arguments, and nothing is looked up on the disk.

use std::path::{Path, PathBuf};

use super::node::OsFamily;

mod ephemeral;

pub use self::ephemeral::{
    CHECKOUT_VARIABLES, Cleaner, EphemeralTree, TEMPORARY_VARIABLES, ephemeral_tree,
};

/// Where Xcode before 16 keeps installed profiles, below the home directory.
const LEGACY_PROFILES: &str = "Library/MobileDevice/Provisioning Profiles";

/// Where Xcode 16 and later keeps them.
const XCODE_16_PROFILES: &str = "Library/Developer/Xcode/UserData/Provisioning Profiles";

/// Both directories that Xcode reads profiles from, the older first. Xcode 16 and later still reads the older, so a
/// profile in either can be chosen.
pub fn xcode_profiles(home: &Path) -> [PathBuf; 2] {
    [home.join(LEGACY_PROFILES), home.join(XCODE_16_PROFILES)]
}

/// Where journals, the audit log and locks lie unless `--state-dir` says otherwise: `~/Library/Application
/// Support/countersign` on macOS, elsewhere `$XDG_STATE_HOME/countersign` or `~/.local/state/countersign`. A relative
/// `$XDG_STATE_HOME` is ignored, as its specification demands. `None` without a home directory.
pub fn state(os: OsFamily, home: Option<&Path>, xdg_state_home: Option<&Path>) -> Option<PathBuf> {
    let base = match os {
        OsFamily::MacOs => home?.join("Library/Application Support"),
        OsFamily::Linux | OsFamily::Other => match xdg_state_home {
            Some(xdg) if xdg.is_absolute() => xdg.to_owned(),
            _ => home?.join(".local/state"),
        },
    };
    Some(base.join("countersign"))
}

/// Where the helper listens that holds the keychain password of the user with this id, unless somebody says otherwise. The
/// directory is made for the helper when the system starts.
pub fn password_socket(user: u32) -> PathBuf {
    PathBuf::from(format!("/run/countersign/{user}.sock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_xcodes_and_the_systems() {
        let home = Path::new("/Users/ci");
        let [older, newer] = xcode_profiles(home);
        assert_eq!(
            older,
            Path::new("/Users/ci/Library/MobileDevice/Provisioning Profiles")
        );
        assert_eq!(
            newer,
            Path::new("/Users/ci/Library/Developer/Xcode/UserData/Provisioning Profiles")
        );
        let state = |os, home: Option<&str>, xdg: Option<&str>| {
            state(os, home.map(Path::new), xdg.map(Path::new))
                .map(|path| path.display().to_string())
        };
        assert_eq!(
            state(OsFamily::MacOs, Some("/Users/ci"), Some("/x")).unwrap(),
            "/Users/ci/Library/Application Support/countersign"
        );
        assert_eq!(
            state(OsFamily::Linux, Some("/home/ci"), Some("/x")).unwrap(),
            "/x/countersign"
        );
        assert_eq!(
            state(OsFamily::Linux, None, Some("/x")).unwrap(),
            "/x/countersign"
        );
        for ignored in [None, Some("relative"), Some("")] {
            assert_eq!(
                state(OsFamily::Linux, Some("/home/ci"), ignored).unwrap(),
                "/home/ci/.local/state/countersign"
            );
        }
        assert_eq!(state(OsFamily::MacOs, None, None), None);
        assert_eq!(state(OsFamily::Linux, None, None), None);
    }
}
