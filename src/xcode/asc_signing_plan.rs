//! The signing plan of `asc`, the command line of App Store Connect: what `asc xcode signing plan` writes.
//!
//! A plan says which signing settings asc is going to write into a project: per target and configuration, each with its value,
//! or null where the assignment is removed. It is one JSON object, version 1
//! [rorkai/App-Store-Connect-CLI, `internal/xcode/signing_plan.go`, `SigningPlan`]:
//!
//! ```json
//! {"schemaVersion": 1, "command": "asc xcode signing plan", "ready": true, "projectPath": "/…/App.xcodeproj",
//!  "desired": [{"target": "App", "configurations": [{"name": "Release",
//!    "settings": [{"key": "PROVISIONING_PROFILE_SPECIFIER", "value": "App Store"}, {"key": "CODE_SIGN_IDENTITY", "value": null}]}]}],
//!  "blockers": []}
//! ```
//!
//! Fields are added to it without a new version; those that are not named here do not matter. A plan that asc itself would not
//! apply (`ready` is false) is not read.

use std::path::Path;

use serde::Deserialize;

/// The version that is read.
const VERSION: u64 = 1;
/// How a plan names the command that made it.
const COMMAND: &str = "asc xcode signing plan";

/// What is planned for one target in one configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSettings {
    /// The name of the project, without `.xcodeproj`; `None` if the plan does not say.
    pub project: Option<Box<str>>,
    /// The target.
    pub target: Box<str>,
    /// The build configuration.
    pub configuration: Box<str>,
    /// The settings that get a value. Those that are removed are left out: what counts then stands elsewhere.
    pub settings: Vec<(Box<str>, Box<str>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    schema_version: Option<u64>,
    command: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    ready: bool,
    #[serde(default)]
    project_path: String,
    desired: Vec<Target>,
    #[serde(default)]
    blockers: Vec<String>,
}

#[derive(Deserialize)]
struct Target {
    target: Box<str>,
    configurations: Vec<Configuration>,
}

#[derive(Deserialize)]
struct Configuration {
    name: Box<str>,
    settings: Vec<Setting>,
}

#[derive(Deserialize)]
struct Setting {
    key: Box<str>,
    value: Option<Box<str>>,
}

/// Reads a plan. `None`: the text is none of asc's.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(text: &str) -> Option<Result<Vec<PlannedSettings>, String>> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('{') {
        return None;
    }
    let head: Head = serde_json::from_str(text).ok()?;
    let command = head.command?;
    match command.as_str() {
        COMMAND => Some(read_plan(text, head.schema_version)),
        // asc's other plan.
        "signing reconcile plan" => Some(Err(
            "it is asc's plan of devices and profiles to make at Apple, which holds no build settings"
                .to_owned(),
        )),
        _ => None,
    }
}

fn read_plan(text: &str, version: Option<u64>) -> Result<Vec<PlannedSettings>, String> {
    if version != Some(VERSION) {
        let found = version.map_or("none".to_owned(), |version| version.to_string());
        return Err(format!(
            "expected a signing plan of asc with schemaVersion {VERSION}, found {found}"
        ));
    }
    let plan: Plan =
        serde_json::from_str(text).map_err(|error| format!("its JSON is damaged: {error}"))?;
    if !plan.ready || !plan.blockers.is_empty() {
        let why = match plan.blockers.first() {
            Some(first) => format!(": {first}"),
            None => String::new(),
        };
        return Err(format!("asc would not apply the signing plan{why}"));
    }
    let project = Path::new(&plan.project_path).file_stem();
    let project: Option<Box<str>> = project.map(|stem| stem.to_string_lossy().as_ref().into());
    let mut planned = Vec::new();
    for target in plan.desired {
        for configuration in target.configurations {
            let settings = configuration.settings.into_iter();
            planned.push(PlannedSettings {
                project: project.clone(),
                target: target.target.clone(),
                configuration: configuration.name,
                settings: settings
                    .filter_map(|setting| Some((setting.key, setting.value?)))
                    .collect(),
            });
        }
    }
    Ok(planned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(fields: &str) -> String {
        format!("{{\"schemaVersion\": 1, \"command\": \"asc xcode signing plan\", {fields}}}")
    }

    #[test]
    fn a_plan_gives_the_settings_that_get_a_value() {
        let text = plan(
            r#""generatedAt": "2026-08-30T00:00:00Z", "ready": true, "projectPath": "/tmp/Demo.xcodeproj", "files": [],
            "desired": [{"target": "Demo", "configurations": [{"name": "Release", "settings": [
              {"key": "CODE_SIGN_STYLE", "value": "Manual"}, {"key": "CODE_SIGN_IDENTITY", "value": null}]}]}],
            "blockers": [], "warnings": ["warning"]"#,
        );
        let planned = read(&text).unwrap().unwrap();
        let [only] = planned.as_slice() else {
            panic!("{planned:?}");
        };
        assert_eq!(only.project.as_deref(), Some("Demo"));
        assert_eq!((&*only.target, &*only.configuration), ("Demo", "Release"));
        assert_eq!(only.settings, [("CODE_SIGN_STYLE".into(), "Manual".into())]);
    }

    #[test]
    fn what_asc_would_not_apply_and_what_is_no_plan_is_told_apart() {
        let error = |text: &str| read(text).unwrap().unwrap_err();
        let blocked = plan(r#""ready": false, "desired": [], "blockers": ["App/Release: shared"]"#);
        assert!(error(&blocked).ends_with("App/Release: shared"));
        assert!(error(&plan(r#""ready": true"#)).contains("damaged"));
        let later = plan(r#""ready": true, "desired": []"#).replace(": 1", ": 2");
        assert!(error(&later).contains("found 2"));
        let other = r#"{"schemaVersion": "x", "command": "signing reconcile plan"}"#;
        assert!(read(other).is_none());
        let other = r#"{"schemaVersion": 1, "command": "signing reconcile plan"}"#;
        assert!(error(other).contains("no build settings"));
        for text in [
            "",
            "[]",
            "{}",
            "{",
            "Build settings for action build and target App:",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
