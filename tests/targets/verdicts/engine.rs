//! The build engine's rules, where their vectors are at hand: each is a small project.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use countersign::ops::target_selection::TargetSelection;
use forge::fixtures::distribution;
use forge::profile::{Kind, ProfileSpec};
use serde_json::Value as Json;

use super::{Input, agree};

/// As a property list of the old style has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for one in text.chars() {
        match one {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

type Settings = Vec<(String, Json)>;

fn entries(value: &Json) -> Settings {
    let entries = value.as_object().into_iter().flatten();
    entries
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn dictionary(settings: &Settings) -> String {
    let value = |value: &Json| match value {
        Json::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|it| quoted(it.as_str().unwrap()))
                .collect();
            format!("( {}, )", items.join(", "))
        }
        one => quoted(one.as_str().unwrap()),
    };
    let lines = settings.iter();
    let lines: Vec<String> = lines
        .map(|(name, it)| format!("{} = {};", quoted(name), value(it)))
        .collect();
    format!("{{ {} }}", lines.join("\n"))
}

fn words(value: &Json) -> Option<Vec<&str>> {
    let items = value.as_array()?;
    Some(items.iter().map(|it| it.as_str().unwrap()).collect())
}

/// The project of a vector, as its fields say.
fn pbxproj(vector: &Json) -> String {
    let platform = vector["platform"].as_str().unwrap();
    let sdk = match platform {
        "mac-catalyst" | "iphonesimulator" => "iphoneos",
        other => other,
    };
    let mut project = entries(&vector["project"]);
    project.extend(entries(&vector["defs"]));
    if !project.iter().any(|(name, _)| name == "SDKROOT") {
        let sdk = vector["sdkroot"].as_str().unwrap_or(sdk);
        project.push(("SDKROOT".to_owned(), sdk.into()));
    }
    let mut target = entries(&vector["target"]);
    let mut add = |name: &str, value: String| {
        if !target.iter().any(|(known, _)| known == name) {
            target.push((name.to_owned(), value.into()));
        }
    };
    if let Some(expression) = vector["expr"].as_str() {
        add("PROVISIONING_PROFILE_SPECIFIER", format!("<{expression}>"));
    } else if let Some(key) = vector["key"].as_str() {
        add("PROVISIONING_PROFILE_SPECIFIER", format!("<$({key})>"));
    }
    add("PRODUCT_BUNDLE_IDENTIFIER", "com.ex.app".to_owned());
    let configurations = words(&vector["configs"]).unwrap();
    let of_project = words(&vector["project_configs"]).unwrap_or_else(|| configurations.clone());
    let mut text = String::from(
        "// !$*UTF8*$!\n{ archiveVersion = 1; objectVersion = 77; classes = {}; objects = {\n\
         FP = {isa = PBXFileReference; path = Project.xcconfig; sourceTree = \"<group>\"; };\n\
         FT = {isa = PBXFileReference; path = Target.xcconfig; sourceTree = \"<group>\"; };\n\
         G = {isa = PBXGroup; children = (FP, FT, ); sourceTree = \"<group>\"; };\n",
    );
    for (level, names, file, settings) in [
        ("P", &of_project, "xcconfig", &project),
        ("T", &configurations, "target_xcconfig", &target),
    ] {
        let base = match vector[file].is_string() {
            true => format!("baseConfigurationReference = F{level};"),
            false => String::new(),
        };
        let mut ids = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let id = format!("C{level}{at}");
            writeln!(
                text,
                "{id} = {{isa = XCBuildConfiguration; {base} buildSettings = {}; name = {}; }};",
                dictionary(settings),
                quoted(name)
            )
            .unwrap();
            ids.push(id);
        }
        writeln!(
            text,
            "L{level} = {{isa = XCConfigurationList; buildConfigurations = ({}, ); defaultConfigurationName = {}; }};",
            ids.join(", "),
            quoted(names.last().unwrap())
        )
        .unwrap();
    }
    let name = quoted(vector["target_name"].as_str().unwrap());
    let product = vector["product_type"].as_str().unwrap();
    let attributes = match vector["attributes"].is_object() {
        true => format!(
            "attributes = {{ TargetAttributes = {{ T = {}; }}; }};",
            dictionary(&entries(&vector["attributes"]))
        ),
        false => String::new(),
    };
    writeln!(
        text,
        "T = {{isa = PBXNativeTarget; buildConfigurationList = LT; name = {name}; productName = {name}; \
         productType = \"com.apple.product-type.{product}\"; }};\n\
         PJ = {{isa = PBXProject; {attributes} buildConfigurationList = LP; mainGroup = G; targets = (T, ); }};\n\
         }}; rootObject = PJ; }}"
    )
    .unwrap();
    text
}

/// Lays the vector into a folder.
fn input(vector: &Json, folder: &Path, policy: &Path, profiles: &Path) -> Input {
    let project = folder.join("P.xcodeproj");
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join("project.pbxproj"), pbxproj(vector)).unwrap();
    let write = |name: &str, text: &Json| {
        let path = folder.join(name);
        if let Some(text) = text.as_str() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        text.is_string().then_some(path)
    };
    write("Project.xcconfig", &vector["xcconfig"]);
    write("Target.xcconfig", &vector["target_xcconfig"]);
    for (name, text) in entries(&vector["files"]) {
        write(&name, &text);
    }
    let mut environment: Vec<(String, String)> = entries(&vector["env"])
        .into_iter()
        .map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
        .collect();
    if let Some(file) = write("environment.xcconfig", &vector["environment_xcconfig"]) {
        let file = file.to_str().unwrap().to_owned();
        environment.push(("XCODE_XCCONFIG_FILE".to_owned(), file));
    }
    let said = entries(&vector["overrides"]).into_iter();
    let is_simulator = vector["platform"] == "iphonesimulator";
    let configuration = vector["config"].as_str().unwrap();
    Input {
        name: vector["id"].as_str().unwrap().to_owned(),
        selection: TargetSelection {
            projects: vec![project],
            configurations: vec![configuration.parse().unwrap()],
            sdk: is_simulator.then(|| "iphonesimulator".to_owned()),
            settings: said
                .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
                .collect(),
            xcconfig: write("argument.xcconfig", &vector["argument_xcconfig"]),
            ..TargetSelection::default()
        },
        policy: policy.to_owned(),
        profiles: profiles.to_owned(),
        environment,
    }
}

#[test]
fn every_rule_of_the_engine_gets_one_verdict() {
    let Some(folder) = support::data("engine") else {
        return;
    };
    let vectors = fs::read(folder.join("vectors.json")).unwrap();
    let vectors: Json = serde_json::from_slice(&vectors).unwrap();
    let place = tempfile::tempdir().unwrap();
    let policy = place.path().join("signing.toml");
    fs::write(
        &policy,
        "version = 1\n[profiles]\ntrust_anchors = [\"anchors.pem\"]\n",
    )
    .unwrap();
    let anchors = forge::hierarchy::Hierarchy::acme().anchors_pem();
    fs::write(place.path().join("anchors.pem"), anchors).unwrap();
    let profiles = place.path().join("profiles");
    fs::create_dir(&profiles).unwrap();
    let profile = ProfileSpec::ios(Kind::AppStore, "com.ex.app").certificates(&[distribution()]);
    fs::write(profiles.join(profile.file_name()), profile.mint()).unwrap();
    let none = place.path().join("none");
    fs::create_dir(&none).unwrap();
    let vectors = vectors.as_array().unwrap();
    let inputs: Vec<Input> = vectors
        .iter()
        .enumerate()
        .map(|(at, vector)| {
            let folder = place.path().join(format!("at-{at}"));
            // As they are, no profile is for them; every second gets one that fits some of them.
            let profiles = if at % 2 == 0 { &none } else { &profiles };
            input(vector, &folder, &policy, profiles)
        })
        .collect();
    assert!(inputs.len() > 300);
    agree(&inputs);
}
