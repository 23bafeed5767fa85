//! A project or a workspace, with every file that it names holding the same bytes: no panic, no unbounded work, and errors and
//! findings point at lines that exist.
#![no_main]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use countersign::base::error::Explain as _;
use countersign::base::finding::Finding;
use countersign::xcode::archive::Archive;
use countersign::xcode::budget::Budget;
use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::sources::{SourceError, Sources};
use countersign::xcode::targets::{self, Selection};
use countersign::xcode::workspace;
use libfuzzer_sys::fuzz_target;

/// Every file there is: a project's configuration files are then the project file, which xcconfig's reader must bear.
struct Everywhere(Arc<[u8]>, Budget);

impl Sources for Everywhere {
    fn read(&self, _: &Path) -> Result<Arc<[u8]>, SourceError> {
        Ok(Arc::clone(&self.0))
    }

    fn list(&self, _: &Path) -> Result<Vec<OsString>, SourceError> {
        Ok(vec!["App.xcscheme".into()])
    }

    fn budget(&self) -> &Budget {
        &self.1
    }
}

fuzz_target!(|bytes: &[u8]| {
    let sources = Everywhere(bytes.into(), Budget::default());
    let text = String::from_utf8_lossy(bytes);
    // Lines end in LF, CR LF or CR alone.
    let lines = 1 + text.matches(['\n', '\r']).count() as u64;
    let exists = |line: Option<u64>| line.is_none_or(|line| (1..=lines).contains(&line));
    if let Ok(projects) = workspace::projects(Path::new("/ci/App.xcworkspace"), &sources) {
        assert!(projects.len() <= bytes.len());
    }
    let project = match Project::open(Path::new("/ci/App.xcodeproj"), &sources) {
        Ok(project) => project,
        Err(error) => {
            return assert!(
                exists(error.place().line) && !error.to_string().is_empty(),
                "{error}"
            );
        }
    };
    // What it archives is told whether or not somebody means it.
    let archive = Archive::of(&[&project], 1, &[], None, &BTreeSet::new());
    for finding in archive.map(|archive| archive.findings).unwrap_or_default() {
        assert!(exists(finding.place.line), "{finding:?}");
    }
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    let resolved = targets::resolve(&settings, &sources, &Selection::default());
    for row in &resolved.rows {
        assert!(exists(row.line), "{row:?}");
        let _ = (row.needs_profile(), row.requested_profile());
    }
    let points_at_a_line =
        |finding: &Finding| exists(finding.place.line) && !finding.message.is_empty();
    for finding in &resolved.findings {
        assert!(points_at_a_line(finding), "{finding:?}");
    }
    let mut rows = resolved.rows;
    targets::link_projects(std::slice::from_ref(&project), &mut rows);
});
