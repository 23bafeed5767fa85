//! The schemes that projects and workspaces hold: those that are shared, and those of users.
//!
//! Both lie in folders of the bundle. That a folder is not there is the usual case: Xcode makes schemes itself then.

use std::ffi::OsString;
use std::path::Path;

use crate::base::finding::{Code, Finding, Severity};
use crate::host::inputs::NotingSources;
use crate::xcode::archive::HeldScheme;
use crate::xcode::scheme;
use crate::xcode::sources::{SourceError, Sources};

/// What schemes there are, and what is not right with those that cannot be read.
#[derive(Debug, Default)]
pub(super) struct Schemes {
    /// Those that can be read: of each project or workspace the shared ones first, each group by name.
    pub(super) readable: Vec<HeldScheme>,
    /// The others, by name.
    pub(super) faults: Vec<(Box<str>, Finding)>,
    /// Folders that cannot be looked into.
    pub(super) findings: Vec<Finding>,
}

impl Schemes {
    /// Those of the project or workspace at `holder`.
    pub(super) fn add(&mut self, holder: &Path, sources: &NotingSources) {
        let folder = |beside: &Path| beside.join("xcschemes");
        self.folder(holder, &folder(&holder.join("xcshareddata")), sources);
        let users = holder.join("xcuserdata");
        for user in self.names(&users, sources) {
            self.folder(holder, &folder(&users.join(user)), sources);
        }
    }

    fn folder(&mut self, holder: &Path, folder: &Path, sources: &NotingSources) {
        for name in self.names(folder, sources) {
            let file = folder.join(name);
            if file.extension().is_some_and(|found| found == "xcscheme") {
                self.scheme(holder, &file, sources);
            }
        }
    }

    fn scheme(&mut self, holder: &Path, file: &Path, sources: &NotingSources) {
        let read = sources.read(file).map_err(|problem| {
            Box::new(Finding {
                severity: Severity::Warn,
                ..unreadable(&problem, "a scheme", file)
            })
        });
        match read.and_then(|bytes| scheme::parse(file, &bytes)) {
            Ok(scheme) => self.readable.push(HeldScheme {
                holder: holder.to_owned(),
                scheme,
            }),
            Err(finding) => self.faults.push((scheme::name_of(file), *finding)),
        }
    }

    fn names(&mut self, folder: &Path, sources: &NotingSources) -> Vec<OsString> {
        match sources.list(folder) {
            Ok(names) => names,
            Err(SourceError::Missing) => Vec::new(),
            Err(problem) => {
                self.findings
                    .push(unreadable(&problem, "the folder of schemes", folder));
                Vec::new()
            }
        }
    }
}

fn unreadable(problem: &SourceError, what: &str, path: &Path) -> Finding {
    let hint = "check its permissions, and that it is what Xcode writes there";
    problem
        .finding(Code::SchemeUnreadable, what, hint)
        .in_file(path)
}
