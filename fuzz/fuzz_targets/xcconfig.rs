//! A configuration file that may include itself: every setting in it is evaluated, and a project that is based on it is
//! resolved: no panic, no unbounded work, and complaints point at lines that exist.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use countersign::xcode::assignment::{Bindings, Layer, Table};
use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings, Scope};
use countersign::xcode::show_build_settings;
use countersign::xcode::sources::{self, InMemory};
use countersign::xcode::targets::{self, Selection};
use countersign::xcode::xcconfig::{self, Loader, Statement};
use libfuzzer_sys::fuzz_target;

/// A target that takes everything that signing asks for from the file.
const PROJECT: &str = r#"{ objects = {
    P = { isa = PBXProject; buildConfigurationList = L; mainGroup = G; targets = (T); };
    G = { isa = PBXGroup; children = (X); sourceTree = "<group>"; };
    X = { isa = PBXFileReference; path = "a.xcconfig"; sourceTree = "<group>"; };
    L = { isa = XCConfigurationList; buildConfigurations = (R); defaultConfigurationName = Release; };
    R = { isa = XCBuildConfiguration; name = Release; baseConfigurationReference = X; buildSettings = { SDKROOT = iphoneos; }; };
    T = { isa = PBXNativeTarget; name = App; productType = "com.apple.product-type.application"; buildConfigurationList = L; };
}; rootObject = P; }"#;

fuzz_target!(|bytes: &[u8]| {
    let text = sources::text(bytes);
    let lines = 1 + text.matches(['\n', '\r']).count() as u64;
    for (line, statement) in xcconfig::read(&text) {
        assert!((1..=lines).contains(&line));
        match statement {
            Ok(Statement::Include { .. }) => {}
            Ok(Statement::Assign { name, .. }) => assert!(!name.is_empty()),
            Err(complaint) => assert!(!complaint.is_empty()),
        }
    }
    // Two files of one text, so that an include may go in circles and need not.
    let [first, second] = ["/ci/a.xcconfig", "/ci/b.xcconfig"].map(Path::new);
    let files = InMemory::new().with(first, bytes).with(second, bytes);
    let mut loader = Loader::new(&files, Path::new("/ci"));
    let table = loader.load(first).expect("it is there");
    for finding in loader.take_findings() {
        let line = finding.place.line.unwrap_or(1);
        assert!((1..=lines).contains(&line), "{finding:?}");
    }
    let bindings = Bindings {
        sdk: "iphoneos18.2".into(),
        is_sdk_version_known: true,
        sdk_fallback: Some("embedded"),
        configuration: "Release".into(),
        target: "App".into(),
    };
    let layers: Vec<(Layer, Arc<Table>)> = vec![
        (Layer::Target, Arc::clone(&table)),
        (Layer::ProjectXcconfig, Arc::clone(&table)),
    ];
    let scope = Scope::new(layers, bindings);
    for assignment in table.assignments().iter().take(64) {
        let _ = scope.is_yes(&assignment.name);
        if let Some(resolved) = scope.evaluate(&assignment.name) {
            assert_eq!(
                scope.evaluate(&assignment.name).map(|again| again.value),
                Some(resolved.value)
            );
        }
    }
    let _ = scope.expand(&text);
    let project = Project::parse(Path::new("/ci/App.xcodeproj"), PROJECT).expect("a project");
    for overrides in [
        Overrides::default(),
        Overrides::default().with_xcconfig(first),
    ] {
        let settings = ProjectSettings::load(&project, &files, &overrides);
        let _ = targets::resolve(&settings, &files, &Selection::default());
    }
    // What `xcodebuild -showBuildSettings` prints has lines of the same shape.
    if let Ok(captured) = show_build_settings::read(first, &text) {
        assert!(!captured.targets().is_empty());
        for target in captured.targets() {
            let _ = (target.platform(), target.get("PRODUCT_BUNDLE_IDENTIFIER"));
        }
    }
});
