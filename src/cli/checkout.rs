//! Where findings lie for a CI system: each has a file of the checkout and a line.
//!
//! GitHub and GitLab show a finding beside a line, and want the path from the root of the repository. A finding that is about
//! no file, as about the host, is shown at the file that it is judged by: the policy or the manifest. One that is about a folder
//! is shown at the project's own file, or at the policy, which names the folders of profiles; a built product under its own name.

use std::path::{Component, Path, PathBuf};

use crate::base::finding::{Finding, Group, Place};
use crate::host::mac::{self, Found};

/// The checkout that a job works in.
#[derive(Debug, Clone, Default)]
pub struct Checkout {
    /// Its root, as the CI system names it.
    pub root: Option<PathBuf>,
    /// The working directory.
    pub here: Option<PathBuf>,
    /// Where the policy lies, or would lie.
    pub policy: PathBuf,
    /// Where the manifest lies, or would lie.
    pub manifest: PathBuf,
}

impl Checkout {
    /// Where a finding is shown: the file from the root of the checkout, and the line from 1.
    pub fn place(&self, finding: &Finding) -> Place {
        let place = &finding.place;
        let file = match &place.file {
            Some(file) => match (self.file_of(Path::new(file)), finding.code.group()) {
                (Some(file), _) => file,
                (None, Group::Profiles) => self.policy.clone(),
                // A built product is a folder, and has no file that speaks for it.
                (None, _) => file.into(),
            },
            None => self.judged_by(finding.code.group()).to_owned(),
        };
        Place {
            file: Some(self.relative(&file)),
            line: Some(place.line.unwrap_or(1)),
            ..place.clone()
        }
    }

    /// Where an error is shown: the file from the root of the checkout, and no file where it is about a folder.
    pub fn place_of_error(&self, place: &Place) -> Place {
        let file = place.file.as_ref().map(Path::new);
        let file = file.and_then(|file| self.file_of(file));
        Place {
            line: place.line.filter(|_| file.is_some()),
            file: file.map(|file| self.relative(&file)),
            ..place.clone()
        }
    }

    /// The file itself, or the file that speaks for a folder: that of a project or workspace. An annotation at a folder is
    /// shown nowhere.
    fn file_of(&self, file: &Path) -> Option<PathBuf> {
        let whole = match &self.here {
            Some(here) => here.join(file),
            None => file.to_owned(),
        };
        if mac::look_at(&whole) != Found::Directory {
            return Some(file.to_owned());
        }
        match file.extension()?.to_str()? {
            "xcodeproj" => Some(file.join("project.pbxproj")),
            "xcworkspace" => Some(file.join("contents.xcworkspacedata")),
            _ => None,
        }
    }

    fn judged_by(&self, group: Group) -> &Path {
        match group {
            Group::Node | Group::Policy | Group::Identities => &self.policy,
            _ => &self.manifest,
        }
    }

    /// A path from the root of the checkout; one that lies outside stays as it is.
    pub fn relative(&self, file: &Path) -> String {
        let whole = match &self.here {
            Some(here) => clean(&here.join(file)),
            None => clean(file),
        };
        let roots = [&self.root, &self.here].into_iter().flatten();
        let inside = roots
            .filter_map(|root| whole.strip_prefix(clean(root)).ok())
            .next();
        match inside {
            Some(inside) => inside.display().to_string(),
            None => file.display().to_string(),
        }
    }
}

/// A path without `.` and `..`, by its words alone.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Code;

    #[test]
    fn a_path_is_told_from_the_root_of_the_checkout() {
        let checkout = Checkout {
            root: Some("/b/app".into()),
            here: Some("/b/app/ios".into()),
            policy: "manifests/signing.toml".into(),
            manifest: "/b/app/manifests/profiles.json".into(),
        };
        for (file, shown) in [
            (
                "App.xcodeproj/project.pbxproj",
                "ios/App.xcodeproj/project.pbxproj",
            ),
            ("./a", "ios/a"),
            ("../shared/b.xcconfig", "shared/b.xcconfig"),
            ("/b/app/c", "c"),
            ("/elsewhere/d", "/elsewhere/d"),
        ] {
            assert_eq!(checkout.relative(file.as_ref()), shown);
        }
        let host = checkout.place(&Finding::block(Code::HostNotAllowed, "host"));
        assert_eq!(host.file.as_deref(), Some("ios/manifests/signing.toml"));
        assert_eq!(host.line, Some(1));
        let disk = tempfile::tempdir().unwrap();
        for folder in ["App.xcodeproj", "profiles"] {
            std::fs::create_dir(disk.path().join(folder)).unwrap();
        }
        let here = Checkout {
            root: Some(disk.path().to_owned()),
            here: Some(disk.path().to_owned()),
            policy: "signing.toml".into(),
            manifest: "profiles.json".into(),
        };
        for (folder, shown) in [
            ("App.xcodeproj", "App.xcodeproj/project.pbxproj"),
            ("profiles", "signing.toml"),
            ("profiles/gone", "profiles/gone"),
        ] {
            let finding = Finding::warn(Code::ProfileInWipeableTree, "w").in_file(folder.as_ref());
            assert_eq!(here.place(&finding).file.as_deref(), Some(shown));
        }
        let folder = Place {
            file: Some("profiles".to_owned()),
            ..Place::default()
        };
        assert_eq!(here.place_of_error(&folder).file, None);
        let missing = checkout.place(&Finding::block(Code::ProfileMissing, "missing").at_line(9));
        assert_eq!(missing.file.as_deref(), Some("manifests/profiles.json"));
        assert_eq!(missing.line, Some(9));
    }
}
