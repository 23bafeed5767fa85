//! Any bytes as a configuration file that a project is based on and that includes itself: read, expanded, and never a
//! panic.
#![no_main]

use std::path::Path;

use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::sources::{self, InMemory};
use countersign::xcode::targets::{self, Selection};
use countersign::xcode::xcconfig;
use libfuzzer_sys::fuzz_target;

/// A target that takes everything that signing asks for from the file.
const PROJECT: &str = r#"{ objects = {
    P = { isa = PBXProject; buildConfigurationList = L; mainGroup = G; targets = (T); };
    G = { isa = PBXGroup; children = (X); sourceTree = "<group>"; };
    X = { isa = PBXFileReference; path = "base.xcconfig"; sourceTree = "<group>"; };
    L = { isa = XCConfigurationList; buildConfigurations = (R); defaultConfigurationName = Release; };
    R = { isa = XCBuildConfiguration; name = Release; baseConfigurationReference = X; buildSettings = { SDKROOT = iphoneos; }; };
    T = { isa = PBXNativeTarget; name = App; productType = "com.apple.product-type.application"; buildConfigurationList = L; };
}; rootObject = P; }"#;

fuzz_target!(|data: &[u8]| {
    let text = sources::text(data);
    let _ = xcconfig::read(&text);
    let Ok(project) = Project::parse(Path::new("/src/App.xcodeproj"), PROJECT) else {
        return;
    };
    let sources = InMemory::new().with("/src/base.xcconfig", data);
    let over_everything = Overrides::default().with_xcconfig("/src/base.xcconfig");
    for overrides in [Overrides::default(), over_everything] {
        let settings = ProjectSettings::load(&project, &sources, &overrides);
        let _ = targets::resolve(&settings, &sources, &Selection::default());
    }
});
