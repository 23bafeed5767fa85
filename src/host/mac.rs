//! What only a Mac has: its Xcodes, and the session that this process is in.
//!
//! Both are told to people who look for the reason of a failure, and nothing is decided by them. On another system there is
//! nothing to look at.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::read_bounded;
use super::node::OsFamily;
use super::process::{self, Bounds, Exit, Tool};
use crate::apple::property_list;
use crate::apple::value::Value;

/// Where Xcodes are installed.
pub const APPLICATIONS: &str = "/Applications";

/// The link that `xcode-select --switch` sets (xcode-select(1), FILES).
pub const SELECTED: &str = "/var/db/xcode_select_link";

/// `version.plist` is a dozen short texts.
const MAX_VERSION: usize = 64 * 1024;

/// An Xcode that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xcode {
    /// Its application.
    pub path: PathBuf,
    /// Its version, as in `26.1`; `None` if it does not say.
    pub version: Option<String>,
    /// Its build, as in `17B55`; `None` if it does not say.
    pub build: Option<String>,
}

/// The Xcodes in a directory of applications, by path: what is called `Xcode….app`.
///
/// # Errors
/// The directory cannot be listed.
pub fn xcodes(applications: &Path) -> io::Result<Vec<Xcode>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(applications)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("Xcode") && name.ends_with(".app") {
            found.push(xcode(path));
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// An application, and what its `Contents/version.plist` says.
fn xcode(path: PathBuf) -> Xcode {
    let file = path.join("Contents/version.plist");
    let [version, build] = texts(&file, ["CFBundleShortVersionString", "ProductBuildVersion"]);
    Xcode {
        version,
        build,
        path,
    }
}

/// The texts that a small property list holds under these keys; none of them if it cannot be read.
fn texts<const N: usize>(file: &Path, keys: [&str; N]) -> [Option<String>; N] {
    let read = read_bounded(file, MAX_VERSION).ok();
    let value = read.and_then(|bytes| property_list::read(&bytes, MAX_VERSION).ok());
    keys.map(|key| match &value {
        Some(Value::Dictionary(dictionary)) => {
            let text = dictionary.get(key).and_then(Value::as_str);
            text.map(str::to_owned)
        }
        _ => None,
    })
}

/// Where macOS says which version it is.
pub const SYSTEM_VERSION: &str = "/System/Library/CoreServices/SystemVersion.plist";

/// The receipt of the Command Line Tools, as their installer writes it.
pub const COMMAND_LINE_TOOLS: &str = "/var/db/receipts/com.apple.pkg.CLTools_Executables.plist";

/// The version of macOS, as in `26.1`, and its build, as in `25B78`, as [`SYSTEM_VERSION`] says them.
pub fn system_version(file: &Path) -> [Option<String>; 2] {
    texts(file, ["ProductVersion", "ProductBuildVersion"])
}

/// The version of the Command Line Tools, as [`COMMAND_LINE_TOOLS`] says it; `None` if they are not installed.
pub fn command_line_tools(receipt: &Path) -> Option<String> {
    let [version] = texts(receipt, ["PackageVersion"]);
    version
}

/// The developer directory that a link selects; `None` if there is none.
pub fn selected(link: &Path) -> Option<PathBuf> {
    fs::read_link(link).ok()
}

/// The kind of session that this process is in, as launchd names it: `Aqua` for a login at the screen, `Background` for SSH
/// and most CI agents, `System` for a daemon (launchd.plist(5), `LimitLoadToSessionType`). A keychain dialog can appear in
/// `Aqua` only. `None` on another system, or if launchd does not say.
pub fn session() -> Option<String> {
    const BOUNDS: Bounds = Bounds {
        time: Duration::from_secs(5),
        output: 4_096,
    };
    if OsFamily::current() != OsFamily::MacOs {
        return None;
    }
    let tool = Tool::new("/bin/launchctl").arg("managername");
    let output = process::run(&tool, &[], BOUNDS).ok()?;
    let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.exit == Exit::Code(0) && !name.is_empty()).then_some(name)
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// A directory.
    Directory,
    /// Something else.
    NoDirectory,
    /// That cannot be told: a directory on the way is closed to this user.
    Unknown,
}

/// What stands at a path; links are followed.
pub fn look_at(path: &Path) -> Found {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Found::Directory,
        Ok(_) => Found::NoDirectory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Missing,
        Err(_) => Found::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version_plist(version: &str, build: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>\
             <key>CFBundleShortVersionString</key><string>{version}</string>\
             <key>ProductBuildVersion</key><string>{build}</string></dict></plist>"
        )
    }

    #[test]
    fn each_xcode_says_its_version() {
        let applications = tempfile::tempdir().unwrap();
        for (name, version) in [
            ("Xcode.app", Some(version_plist("26.1", "17B55"))),
            ("Xcode-beta.app", Some("<plist>".to_owned())),
            ("Xcode-old.app", None),
            ("Safari.app", Some(version_plist("26.0", "1"))),
        ] {
            let contents = applications.path().join(name).join("Contents");
            fs::create_dir_all(&contents).unwrap();
            if let Some(version) = version {
                fs::write(contents.join("version.plist"), version).unwrap();
            }
        }
        let found = xcodes(applications.path()).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|it| {
                (
                    it.path.file_name().unwrap().to_str().unwrap(),
                    it.version.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("Xcode-beta.app", None),
                ("Xcode-old.app", None),
                ("Xcode.app", Some("26.1")),
            ]
        );
        assert_eq!(found[2].build.as_deref(), Some("17B55"));
        assert!(xcodes(&applications.path().join("missing")).is_err());
    }

    #[test]
    fn a_version_file_too_large_is_not_read() {
        let applications = tempfile::tempdir().unwrap();
        let contents = applications.path().join("Xcode.app/Contents");
        fs::create_dir_all(&contents).unwrap();
        let mut text = version_plist("26.1", "17B55");
        let blanks = " ".repeat(MAX_VERSION + 1 - text.len());
        text.push_str(&blanks);
        fs::write(contents.join("version.plist"), text).unwrap();
        assert_eq!(xcodes(applications.path()).unwrap()[0].version, None);
    }

    #[test]
    fn the_versions_of_the_system_and_of_its_tools_are_read_where_they_stand() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("version.plist");
        let list = |entries: &str| {
            let plist = format!("<plist version=\"1.0\"><dict>{entries}</dict></plist>");
            fs::write(&file, plist).unwrap();
        };
        list(
            "<key>ProductVersion</key><string>26.1</string>\
             <key>ProductBuildVersion</key><string>25B78</string>",
        );
        let [version, build] = system_version(&file);
        assert_eq!(version.as_deref(), Some("26.1"));
        assert_eq!(build.as_deref(), Some("25B78"));
        assert_eq!(command_line_tools(&file), None);
        list("<key>PackageVersion</key><string>26.1.0.0.1</string>");
        assert_eq!(command_line_tools(&file).as_deref(), Some("26.1.0.0.1"));
        assert_eq!(
            system_version(&directory.path().join("missing")),
            [None, None]
        );
    }

    #[test]
    fn what_stands_at_a_path_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(look_at(directory.path()), Found::Directory);
        assert_eq!(look_at(&file), Found::NoDirectory);
        assert_eq!(look_at(&directory.path().join("missing")), Found::Missing);
        assert_eq!(look_at(&file.join("below")), Found::Unknown);
    }
}
