//! Where findings lie for a CI system: each has a file of the checkout and a line.
//!
//! GitHub and GitLab show a finding beside a line, and want the path from the root of the repository. A finding that is about
//! no file, as about the host, is shown at the file that it is judged by: the policy or the manifest.

use std::path::{Component, Path, PathBuf};

use crate::base::finding::{Finding, Group, Place};

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
            Some(file) => Path::new(file),
            None => self.judged_by(finding.code.group()),
        };
        Place {
            file: Some(self.relative(file)),
            line: Some(place.line.unwrap_or(1)),
            ..place.clone()
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
        let missing = checkout.place(&Finding::block(Code::ProfileMissing, "missing").at_line(9));
        assert_eq!(missing.file.as_deref(), Some("manifests/profiles.json"));
        assert_eq!(missing.line, Some(9));
    }
}
