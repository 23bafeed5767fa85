//! Any bytes as a `project.pbxproj`: read, resolved for every configuration and platform, and never a panic.
#![no_main]

use std::path::Path;

use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::sources::{self, InMemory};
use countersign::xcode::targets::{self, Selection};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = sources::text(data);
    let Ok(project) = Project::parse(Path::new("/src/App.xcodeproj"), &text) else {
        return;
    };
    // Whatever file the project names, it is not there: what is missing must be told, not tripped over.
    let sources = InMemory::new();
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    for selection in [
        Selection::default(),
        Selection {
            configuration: Some("Release"),
            ..Selection::default()
        },
    ] {
        let _ = targets::resolve(&settings, &sources, &selection);
    }
});
