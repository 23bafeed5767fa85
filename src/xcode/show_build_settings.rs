//! What `xcodebuild -showBuildSettings` printed: Xcode's own answer, captured on a Mac.
//!
//! It is the authority where it is at hand: it knows the machine, the environment and Xcode's preferences. Both forms
//! are read, `-json` and the plain text. [`compare`] tells where our resolution and Xcode's part ways;
//! [`CapturedTarget::overrule`] takes Xcode's values instead of ours.
//!
//! The signing plan of `asc` ([`asc_signing_plan`]) is read as a capture, too: it says what the settings are going to be, of
//! every platform.
//!
//! Without a destination `xcodebuild` answers for the device SDK of the target's `SDKROOT`; a capture for a simulator
//! says nothing about how devices are signed for, and is passed over.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::asc_signing_plan::{self, PlannedSettings};
use super::assignment::{Layer, Origin};
use super::platform::Platform;
use super::settings::is_yes;
use super::targets::{ProfileRequest, Setting, SigningStyle, SigningTarget};
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::{Code, Finding, Place};

/// What a capture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureKind {
    /// What `xcodebuild -showBuildSettings` printed: how the settings are.
    Xcodebuild,
    /// What `asc xcode signing plan` wrote: how some of the settings are going to be, on every platform.
    AscSigningPlan,
}

/// The settings of one target as `xcodebuild` resolved them, or as asc plans them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedTarget {
    /// The file that holds the capture.
    pub file: Arc<Path>,
    /// What it is.
    pub kind: CaptureKind,
    /// The target.
    pub target: Box<str>,
    /// Every setting.
    pub settings: BTreeMap<Box<str>, Box<str>>,
}

/// The name of a target and, where a capture says it, of the configuration.
type TargetAndConfiguration = (Box<str>, Option<Box<str>>);

/// What one file holds: the settings of many targets, found by target and configuration.
#[derive(Debug, Clone, Default)]
pub struct Captured {
    targets: Vec<CapturedTarget>,
    /// Positions in `targets`, by target and, where it is named, configuration.
    by_target: HashMap<TargetAndConfiguration, Vec<usize>>,
}

impl Captured {
    fn new(targets: Vec<CapturedTarget>) -> Self {
        let mut by_target: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, captured) in targets.iter().enumerate() {
            let key = (
                captured.target.clone(),
                captured.get("CONFIGURATION").map(Into::into),
            );
            by_target.entry(key).or_default().push(at);
        }
        Self { targets, by_target }
    }

    /// Every target that was captured, in the order of the file.
    pub fn targets(&self) -> &[CapturedTarget] {
        &self.targets
    }

    /// Those that speak of `row`, in the order of the file.
    pub fn of(&self, row: &SigningTarget) -> Vec<&CapturedTarget> {
        let target = row.target.as_str();
        let configuration = row.configuration.as_str();
        let mut found: Vec<usize> = [Some(configuration), None]
            .into_iter()
            .filter_map(|configuration| {
                self.by_target
                    .get(&(target.into(), configuration.map(Into::into)))
            })
            .flatten()
            .copied()
            .collect();
        found.sort_unstable();
        found
            .into_iter()
            .filter_map(|at| self.targets.get(at))
            .filter(|captured| captured.speaks_of(row))
            .collect()
    }
}

/// Why a text is no such output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct CaptureError {
    /// The file that holds the capture.
    pub file: Arc<Path>,
    /// What it is.
    pub kind: CaptureKind,
    /// What is wrong with it.
    pub problem: String,
}

impl Explain for CaptureError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        Some(match self.kind {
            CaptureKind::Xcodebuild => {
                "capture what `xcodebuild -showBuildSettings -json` prints".to_owned()
            }
            CaptureKind::AscSigningPlan => {
                "make a plan that asc can apply with `asc xcode signing plan`, and name its plan.json".to_owned()
            }
        })
    }

    fn place(&self) -> Place {
        Place::file(&self.file)
    }
}

/// One element of the JSON form.
#[derive(Deserialize)]
struct JsonTarget {
    target: Box<str>,
    #[serde(rename = "buildSettings")]
    settings: BTreeMap<Box<str>, serde_json::Value>,
}

/// Reads the output of `xcodebuild -showBuildSettings`, with or without `-json`; log lines before it do not matter. Reads a signing
/// plan of asc likewise.
///
/// # Errors
/// The text holds the settings of no target, or its JSON is damaged.
pub fn read(file: &Path, text: &str) -> Result<Captured, CaptureError> {
    let file: Arc<Path> = file.into();
    if let Some(planned) = asc_signing_plan::read(text) {
        let kind = CaptureKind::AscSigningPlan;
        return match planned {
            Ok(planned) => Ok(Captured::new(read_planned(&file, planned))),
            Err(problem) => Err(CaptureError {
                file,
                kind,
                problem,
            }),
        };
    }
    let refuse = |problem: String| CaptureError {
        file: Arc::clone(&file),
        kind: CaptureKind::Xcodebuild,
        problem,
    };
    let captured = match json_start(text) {
        Some(json) => read_json(&file, json)
            .map_err(|error| refuse(format!("its JSON is damaged: {error}")))?,
        None => read_text(&file, text),
    };
    if captured.is_empty() {
        return Err(refuse(
            "it holds build settings of no target; capture xcodebuild -showBuildSettings -json"
                .to_owned(),
        ));
    }
    Ok(Captured::new(captured))
}

fn read_planned(file: &Arc<Path>, planned: Vec<PlannedSettings>) -> Vec<CapturedTarget> {
    let planned = planned.into_iter().map(|planned| {
        let mut settings: BTreeMap<Box<str>, Box<str>> = planned.settings.into_iter().collect();
        settings.insert("CONFIGURATION".into(), planned.configuration);
        if let Some(project) = planned.project {
            settings.insert("PROJECT_NAME".into(), project);
        }
        CapturedTarget {
            file: Arc::clone(file),
            kind: CaptureKind::AscSigningPlan,
            target: planned.target,
            settings,
        }
    });
    planned.collect()
}

/// Where the JSON form begins, if this is one: a line that opens an array.
fn json_start(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let line = rest.lines().next()?.trim_end();
        if line == "[" || line.starts_with("[{") || line == "[]" {
            return Some(rest);
        }
        rest = rest.split_once('\n')?.1;
    }
}

fn read_json(file: &Arc<Path>, json: &str) -> Result<Vec<CapturedTarget>, serde_json::Error> {
    // Only the first value: xcodebuild may go on talking behind it.
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Vec<JsonTarget>>();
    let targets = values.next().transpose()?.unwrap_or_default();
    Ok(targets
        .into_iter()
        .map(|target| CapturedTarget {
            file: Arc::clone(file),
            kind: CaptureKind::Xcodebuild,
            target: target.target,
            settings: target
                .settings
                .into_iter()
                .map(|(name, value)| match value {
                    serde_json::Value::String(text) => (name, text.into()),
                    other => (name, other.to_string().into()),
                })
                .collect(),
        })
        .collect())
}

fn read_text(file: &Arc<Path>, text: &str) -> Vec<CapturedTarget> {
    let mut captured: Vec<CapturedTarget> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(header) = line.strip_prefix("Build settings ") {
            let target = header
                .strip_prefix("for action ")
                .and_then(|rest| rest.split_once(" and target "))
                .and_then(|(_, target)| target.trim_end().strip_suffix(':'));
            // "Build settings from command line:" is no target.
            inside = target.is_some();
            if let Some(target) = target {
                captured.push(CapturedTarget {
                    file: Arc::clone(file),
                    kind: CaptureKind::Xcodebuild,
                    target: target.trim_matches('"').into(),
                    settings: BTreeMap::new(),
                });
            }
            continue;
        }
        let is_indented = line.starts_with([' ', '\t']);
        if let (true, true, Some((name, value)), Some(last)) = (
            inside,
            is_indented,
            line.split_once('='),
            captured.last_mut(),
        ) {
            let name = name.trim();
            if !name.is_empty() && !name.contains(' ') {
                last.settings.insert(name.into(), value.trim().into());
            }
        }
    }
    captured
}

impl CapturedTarget {
    /// The setting `name`, if it is set to anything.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.settings
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The platform that it was captured for.
    pub fn platform(&self) -> Option<Platform> {
        let is_catalyst = self.get("IS_MACCATALYST").is_some_and(is_yes)
            || self.get("SDK_VARIANT") == Some("iosmac");
        let name = self
            .get("PLATFORM_NAME")
            .or_else(|| self.get("SDK_NAME"))
            .or_else(|| self.get("SDKROOT"))?;
        match Platform::of_sdk(name)? {
            Platform::Macos if is_catalyst => Some(Platform::MacCatalyst),
            platform => Some(platform),
        }
    }

    /// Whether it speaks of what `row` speaks of: project, target, configuration and platform.
    pub fn speaks_of(&self, row: &SigningTarget) -> bool {
        let project = row.project.file_stem().map(|stem| stem.to_string_lossy());
        let same = |found: Option<&str>, expected: &str| found.is_none_or(|it| it == expected);
        *self.target == *row.target.as_str()
            && same(self.get("CONFIGURATION"), row.configuration.as_str())
            && same(self.get("PROJECT_NAME"), &project.unwrap_or_default())
            && (self.kind == CaptureKind::AscSigningPlan || self.platform() == Some(row.platform))
    }

    /// Puts Xcode's values in the place of ours. What the capture does not mention stays.
    pub fn overrule(&self, row: &mut SigningTarget) {
        fn put<T>(
            captured: &CapturedTarget,
            name: &str,
            slot: &mut Option<Setting<T>>,
            read: impl FnOnce(&str) -> Option<T>,
        ) {
            if captured.settings.contains_key(name) {
                *slot = captured
                    .get(name)
                    .and_then(read)
                    .map(|value| captured.setting(value));
            }
        }
        let runner = self.get("USES_XCTRUNNER").is_some_and(is_yes);
        put(
            self,
            "PRODUCT_BUNDLE_IDENTIFIER",
            &mut row.bundle_id,
            |id| match runner {
                true => format!("{id}.xctrunner").parse().ok(),
                false => id.parse().ok(),
            },
        );
        if let Some(style) = self.get("CODE_SIGN_STYLE").and_then(SigningStyle::of) {
            row.style = self.setting(style);
        }
        put(self, "DEVELOPMENT_TEAM", &mut row.team, |team| {
            team.parse().ok()
        });
        put(self, "CODE_SIGN_IDENTITY", &mut row.identity, |name| {
            Some(name.into())
        });
        put(
            self,
            "PROVISIONING_PROFILE_SPECIFIER",
            &mut row.specifier,
            ProfileRequest::parse,
        );
        put(
            self,
            "PROVISIONING_PROFILE",
            &mut row.legacy_profile,
            ProfileRequest::parse,
        );
        if let Some(allowed) = self.get("CODE_SIGNING_ALLOWED") {
            row.signing_allowed = is_yes(allowed);
        }
    }

    fn setting<T>(&self, value: T) -> Setting<T> {
        Setting {
            value,
            origin: Origin {
                layer: Layer::Captured,
                file: Some(Arc::clone(&self.file)),
                line: None,
            },
            trail: Vec::new(),
        }
    }
}

/// Where Xcode's resolution and ours part ways, for every row that a capture speaks of.
pub fn compare(captured: &Captured, rows: &[SigningTarget]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in rows {
        for capture in captured.of(row) {
            differences(capture, row, &mut findings);
        }
    }
    findings
}

fn differences(capture: &CapturedTarget, row: &SigningTarget, findings: &mut Vec<Finding>) {
    let mut differ = |name: &str, ours: Option<String>, origin: Option<&Origin>| {
        let theirs = capture.get(name);
        if theirs == ours.as_deref() || !capture.settings.contains_key(name) {
            return;
        }
        let or_nothing = |value: Option<&str>| value.unwrap_or("nothing").to_owned();
        let (who, hint) = match capture.kind {
            CaptureKind::Xcodebuild => (
                "xcodebuild resolves",
                "Xcode's value counts: look for settings from the environment, XCODE_XCCONFIG_FILE or its preferences",
            ),
            CaptureKind::AscSigningPlan => (
                "asc's signing plan changes",
                "the plan's value counts here: apply the plan with `asc xcode signing apply --confirm` before you build",
            ),
        };
        let target = &row.target;
        let mut finding = Finding::warn(
            Code::SettingsDiffer,
            format!("{who} {name} of target {target} to another value than the project's files do"),
        )
        .values(or_nothing(theirs), or_nothing(ours.as_deref()))
        .hint(hint)
        .in_file(&capture.file)
        .of_target(&row.target);
        if let Some(origin) = origin
            && let Some(file) = &origin.file
        {
            finding = finding.in_file(file);
            finding.place.line = origin.line;
        }
        findings.push(finding);
    };
    let bundle_id = row.bundle_id.as_ref();
    differ(
        "PRODUCT_BUNDLE_IDENTIFIER",
        bundle_id.map(|setting| {
            let id = setting.value.as_str();
            // Xcode adds the runner's suffix only when it signs.
            id.strip_suffix(".xctrunner").unwrap_or(id).to_owned()
        }),
        bundle_id.map(|setting| &setting.origin),
    );
    if row.style.origin.layer != Layer::Attributes {
        let said = (row.style.origin.layer != Layer::Default).then_some(row.style.value);
        differ(
            "CODE_SIGN_STYLE",
            said.map(|style| style.as_str().to_owned()),
            Some(&row.style.origin),
        );
    }
    let team = row.team.as_ref();
    differ(
        "DEVELOPMENT_TEAM",
        team.map(|setting| setting.value.to_string()),
        team.map(|setting| &setting.origin),
    );
    // Unset, it is the platform's default, which only Xcode knows.
    let identity = row.identity.as_ref();
    if let Some(identity) = identity.filter(|it| it.origin.layer != Layer::Default) {
        differ(
            "CODE_SIGN_IDENTITY",
            Some(identity.value.to_string()),
            Some(&identity.origin),
        );
    }
    for (name, ours) in [
        ("PROVISIONING_PROFILE_SPECIFIER", &row.specifier),
        ("PROVISIONING_PROFILE", &row.legacy_profile),
    ] {
        // Compared as requests, so that a team in front of a name makes no difference.
        let theirs = capture
            .get(name)
            .and_then(ProfileRequest::parse)
            .map(|request| request.to_string());
        let said = ours.as_ref().map(|setting| setting.value.to_string());
        if theirs != said {
            differ(name, said, ours.as_ref().map(|setting| &setting.origin));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xcode::project::Project;
    use crate::xcode::settings::{Overrides, ProjectSettings};
    use crate::xcode::sources::InMemory;
    use crate::xcode::targets::{self, Selection};

    const JSON: &str = r#"Command line invocation:
    /Applications/Xcode.app/Contents/Developer/usr/bin/xcodebuild -showBuildSettings -json

[
  {
    "action" : "build",
    "buildSettings" : {
      "CODE_SIGN_IDENTITY" : "Apple Distribution",
      "CODE_SIGN_STYLE" : "Manual",
      "CONFIGURATION" : "Release",
      "DEVELOPMENT_TEAM" : "ABCDE12345",
      "PLATFORM_NAME" : "iphoneos",
      "PRODUCT_BUNDLE_IDENTIFIER" : "com.example.app",
      "PROJECT_NAME" : "App",
      "PROVISIONING_PROFILE_SPECIFIER" : "ABCDE12345/Store",
      "UID" : 501
    },
    "target" : "App"
  }
]
note: done
"#;

    fn rows(settings: &str) -> Vec<SigningTarget> {
        let text = format!(
            "{{ objects = {{ P = {{isa = PBXProject; targets = (T); }}; T = {{isa = PBXNativeTarget; name = App; \
             productType = \"com.apple.product-type.application\"; buildConfigurationList = L; }}; L = {{isa = \
             XCConfigurationList; buildConfigurations = (R); }};\nR = {{isa = XCBuildConfiguration; name = Release; \
             buildSettings = {{ SDKROOT = iphoneos;\n{settings}\n}}; }}; }}; rootObject = P; }}"
        );
        let sources = InMemory::new();
        let project = Project::parse(Path::new("/src/App.xcodeproj"), &text).unwrap();
        let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
        targets::resolve(&settings, &sources, &Selection::default()).rows
    }

    fn capture(text: &str) -> Captured {
        read(Path::new("capture.txt"), text).unwrap()
    }

    const SAME: &str = "PRODUCT_BUNDLE_IDENTIFIER = com.example.app; CODE_SIGN_STYLE = Manual; DEVELOPMENT_TEAM = ABCDE12345; \
         CODE_SIGN_IDENTITY = \"Apple Distribution\"; PROVISIONING_PROFILE_SPECIFIER = Store;";

    #[test]
    fn both_forms_are_read_and_noise_around_them_is_not() {
        let captured = capture(JSON);
        let [app] = captured.targets() else { panic!() };
        assert_eq!(app.get("UID"), Some("501"));
        assert_eq!(app.platform(), Some(Platform::Ios));
        let text = "2017-07-28 xcodebuild[8023:63576] noise = 1\nBuild settings from command line:\n    TOOLCHAINS = x\n\n\
                    Build settings for action build and target App:\n    CONFIGURATION = Release\n    PATH = /a:/b = c\n\
                    \tEMPTY =\n\nBuild settings for action build and target \"My App\":\n    SDK_VARIANT = iosmac\n    PLATFORM_NAME = macosx\n";
        let captured = capture(text);
        let [app, mine] = captured.targets() else {
            panic!()
        };
        assert_eq!(app.get("PATH"), Some("/a:/b = c"));
        assert_eq!(app.get("EMPTY"), None);
        assert_eq!(app.settings.len(), 3);
        assert_eq!(&*mine.target, "My App");
        assert_eq!(mine.platform(), Some(Platform::MacCatalyst));
    }

    #[test]
    fn what_holds_no_settings_is_refused() {
        for text in [
            "",
            "xcodebuild: error: The project does not contain a scheme.",
            "[]",
            "[{\"target\": \"App\"}]",
            "[\n{",
        ] {
            assert!(read(Path::new("x"), text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn agreement_is_silent_and_differences_point_at_our_line() {
        let captured = capture(JSON);
        assert_eq!(compare(&captured, &rows(SAME)), []);
        let ours = rows(
            "PRODUCT_BUNDLE_IDENTIFIER = com.example.app.dev;\nCODE_SIGN_STYLE = Manual; DEVELOPMENT_TEAM = ABCDE12345;",
        );
        let differences = compare(&captured, &ours);
        let told: Vec<_> = differences
            .iter()
            .map(|f| {
                assert_eq!(f.code, Code::SettingsDiffer);
                (
                    f.expected.as_deref().unwrap(),
                    f.found.as_deref().unwrap(),
                    f.place.line,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("com.example.app", "com.example.app.dev", Some(3)),
                ("ABCDE12345/Store", "nothing", None),
            ]
        );
    }

    #[test]
    fn other_configurations_and_platforms_are_passed_over() {
        let rows = rows("PRODUCT_BUNDLE_IDENTIFIER = com.example.other;");
        for (from, to) in [
            ("\"Release\"", "\"Debug\""),
            ("\"iphoneos\"", "\"iphonesimulator\""),
            ("\"PROJECT_NAME\" : \"App\"", "\"PROJECT_NAME\" : \"Pods\""),
            ("\"target\" : \"App\"", "\"target\" : \"Share\""),
        ] {
            assert!(JSON.contains(from));
            assert_eq!(compare(&capture(&JSON.replace(from, to)), &rows), []);
        }
    }

    #[test]
    fn xcodes_values_can_take_the_place_of_ours() {
        let mut rows =
            rows("PRODUCT_BUNDLE_IDENTIFIER = com.example.other; PROVISIONING_PROFILE = old;");
        let captured = capture(JSON);
        let found = captured.of(&rows[0])[0];
        found.overrule(&mut rows[0]);
        let row = &rows[0];
        let id = row.bundle_id.as_ref().unwrap();
        assert_eq!(id.value.as_str(), "com.example.app");
        assert_eq!(id.origin.layer, Layer::Captured);
        assert_eq!(row.style.value, SigningStyle::Manual);
        assert_eq!(row.requested_profile().unwrap().value.to_string(), "Store");
        // Not mentioned, so ours stays.
        assert!(row.legacy_profile.is_some());
        assert_eq!(compare(&captured, &rows), []);
    }

    #[test]
    fn the_settings_that_asc_plans_take_the_place_of_ours_on_every_platform() {
        let plan = r#"{"schemaVersion": 1, "command": "asc xcode signing plan", "ready": true,
            "projectPath": "/src/App.xcodeproj", "desired": [{"target": "App", "configurations": [{"name": "Release", "settings": [
            {"key": "CODE_SIGN_STYLE", "value": "Manual"}, {"key": "PROVISIONING_PROFILE_SPECIFIER", "value": "Store"},
            {"key": "DEVELOPMENT_TEAM", "value": null}]}]}]}"#;
        let captured = capture(plan);
        assert_eq!(compare(&captured, &rows(SAME)), []);
        let mut ours = rows("PRODUCT_BUNDLE_IDENTIFIER = a.b; DEVELOPMENT_TEAM = ABCDE12345;");
        let differences = compare(&captured, &ours);
        assert!(
            differences
                .iter()
                .all(|it| it.message.contains("asc's signing plan"))
        );
        captured.of(&ours[0])[0].overrule(&mut ours[0]);
        assert_eq!(ours[0].style.value, SigningStyle::Manual);
        assert_eq!(
            ours[0].requested_profile().unwrap().value.to_string(),
            "Store"
        );
        // What is removed stands elsewhere, or nowhere: the plan does not say.
        assert!(ours[0].team.is_some());
        for (from, to) in [("App.xcodeproj", "Other.xcodeproj"), ("Release", "Debug")] {
            let other = capture(&plan.replace(from, to));
            assert!(other.of(&ours[0]).is_empty(), "{to}");
        }
        let blocked = plan.replace("\"ready\": true", "\"ready\": false");
        let error = read(Path::new("plan.json"), &blocked).unwrap_err();
        assert!(error.hint().unwrap().contains("asc xcode signing plan"));
    }
}
