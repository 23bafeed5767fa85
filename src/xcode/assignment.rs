//! One `NAME[condition] = value`, where it stands, and tables of them.
//!
//! Assignments come from four kinds of places (project files, `.xcconfig` files, command lines, Xcode's defaults) and
//! are the same thing in all of them. A table keeps them in the order in which they were made, because among those
//! whose conditions hold **the last one wins**, conditional or not; a more specific condition has no precedence of
//! its own. That is how Xcode's build engine does it (swift-build, `MacroValueAssignmentTable.swift`), and it is why
//! `CODE_SIGN_STYLE = Manual` after an include overrides the `CODE_SIGN_STYLE[sdk=iphoneos*]` that was included.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::base::wildcard::matches;

/// The layers that settings come from, lowest first: what a higher one says hides what a lower one says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The environment of `xcodebuild`. What comes from here decides and is never shown.
    Environment,
    /// What Xcode sets when nobody else does.
    Default,
    /// The `TargetAttributes` of the project, which only some signing settings have.
    Attributes,
    /// The `.xcconfig` of the project's configuration, with its includes.
    ProjectXcconfig,
    /// The project's own build settings.
    Project,
    /// The `.xcconfig` of the target's configuration, with its includes.
    TargetXcconfig,
    /// The target's own build settings.
    Target,
    /// What Xcode derives from other settings and does not let anybody override in the project.
    Derived,
    /// `NAME=value` arguments of `xcodebuild`.
    CommandLine,
    /// The file of `xcodebuild -xcconfig`, which wins over the command line (man xcodebuild).
    OverrideXcconfig,
    /// The file of the variable `XCODE_XCCONFIG_FILE`, which wins over that one.
    EnvironmentXcconfig,
    /// What `xcodebuild -showBuildSettings` printed.
    Captured,
}

impl Layer {
    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Default => "Xcode's default",
            Self::Attributes => "target attributes",
            Self::ProjectXcconfig => "project xcconfig",
            Self::Project => "project settings",
            Self::TargetXcconfig => "target xcconfig",
            Self::Target => "target settings",
            Self::Derived => "derived by Xcode",
            Self::CommandLine => "command line",
            Self::OverrideXcconfig => "-xcconfig file",
            Self::EnvironmentXcconfig => "XCODE_XCCONFIG_FILE",
            Self::Captured => "xcodebuild -showBuildSettings",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The layer.
    pub layer: Layer,
    /// The file, if it came from one.
    pub file: Option<Arc<Path>>,
    /// The line in it, from 1, if the format keeps lines.
    pub line: Option<u64>,
}

impl Origin {
    /// A layer without a file.
    pub fn layer(layer: Layer) -> Self {
        Self {
            layer,
            file: None,
            line: None,
        }
    }
}

/// `file:line (layer)`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line} ({})", file.display(), self.layer),
            (Some(file), None) => write!(f, "{} ({})", file.display(), self.layer),
            (None, _) => fmt::Display::fmt(&self.layer, f),
        }
    }
}

impl Serialize for Origin {
    /// `{layer, file, line}`, the unknown left out; a file name that is not UTF-8 with replacement characters.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = 1 + usize::from(self.file.is_some()) + usize::from(self.line.is_some());
        let mut map = serializer.serialize_struct("Origin", known)?;
        map.serialize_field("layer", &self.layer)?;
        if let Some(file) = &self.file {
            map.serialize_field("file", &file.display().to_string())?;
        }
        if let Some(line) = self.line {
            map.serialize_field("line", &line)?;
        }
        map.end()
    }
}

/// One assignment of a build setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The setting.
    pub name: Box<str>,
    /// When it counts; all must hold.
    pub conditions: Box<[Condition]>,
    /// The value, unexpanded. A list of a project file is written with blanks between, as Xcode does.
    pub value: Box<str>,
    /// The file it stands in.
    pub file: Option<Arc<Path>>,
    /// The line in it, from 1.
    pub line: Option<u64>,
}

impl Assignment {
    /// An assignment without conditions and without a place.
    pub fn plain(name: &str, value: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            conditions: Box::default(),
            value: value.into(),
            file: None,
            line: None,
        }
    }

    /// An assignment whose left side is `key`, conditions included. What is no name with conditions is a name as a
    /// whole, as in Xcode.
    pub fn with_key(key: &str, value: impl Into<Box<str>>) -> Self {
        // Nearly all keys are plain names; they need no second look.
        let (name, conditions) = if key.contains(['[', '=']) {
            match LeftSide::parse(key) {
                // Xcode reads a key as the line of a configuration file that it begins.
                Ok((side, rest)) if rest.is_empty() || rest.starts_with('=') => {
                    (side.name, side.conditions.into())
                }
                _ => (key, Box::default()),
            }
        } else {
            (key, Box::default())
        };
        Self {
            conditions,
            ..Self::plain(name, value)
        }
    }

    /// Where it stands, as part of `layer`.
    pub fn origin(&self, layer: Layer) -> Origin {
        Origin {
            layer,
            file: self.file.clone(),
            line: self.line,
        }
    }
}

/// `[sdk=iphoneos*]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `sdk`, `arch`, `config`, `target`, `variant`.
    pub parameter: Box<str>,
    /// What its value must match, in the manner of `fnmatch`.
    pub pattern: Box<str>,
}

/// What conditions are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bindings {
    /// The canonical name of the SDK, with its version: `iphoneos18.2`. Where the version is not known, `iphoneos0.0`, which
    /// no version is.
    pub sdk: Box<str>,
    /// Whether that version is the one that builds.
    pub is_sdk_version_known: bool,
    /// The name that the SDK also answers to where none of a setting's assignments matches the canonical one
    /// (`PropertyConditionFallbackNames` in its SDKSettings): `embedded`, `embeddedsimulator`.
    pub sdk_fallback: Option<&'static str>,
    /// The name of the build configuration.
    pub configuration: Box<str>,
    /// The name of the target; empty where there is none.
    pub target: Box<str>,
}

impl Bindings {
    /// Whether `pattern` does not match the SDK only because it asks for a version, and which one builds is not known.
    fn may_match_sdk(&self, pattern: &str) -> bool {
        if self.is_sdk_version_known || !pattern.contains(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let letters = |text: &'_ str| text.find(|c: char| !c.is_ascii_lowercase());
        let name = self.sdk.get(..letters(&self.sdk).unwrap_or(self.sdk.len()));
        let prefix = pattern.get(..letters(pattern).unwrap_or(pattern.len()));
        match (name, prefix) {
            (Some(name), Some(prefix)) => {
                let is_wild = pattern
                    .get(prefix.len()..)
                    .is_some_and(|rest| rest.starts_with(['*', '?', '[']));
                !name.is_empty() && (prefix == name || (is_wild && name.starts_with(prefix)))
            }
            _ => false,
        }
    }
}

/// Which names of the SDK the conditions of a table are held against (swift-build, `SettingsBuilder.bindConditionParameters`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdkNames {
    /// The first that any assignment of the setting asks for, and of an assignment's conditions the first on the SDK: the tables
    /// of projects and targets.
    FirstAskedFor,
    /// All of them: what comes from outside of the project.
    Any,
}

/// What was looked at on the way to an assignment.
#[derive(Debug, Default)]
pub struct Examined<'t> {
    /// How many assignments, and characters of their conditions.
    pub work: usize,
    /// The first assignment that was passed over only because it asks for a version of the SDK, and none is known.
    pub passed_over: Option<&'t Assignment>,
}

/// Assignments in the order in which they were made, with quick access by name.
#[derive(Debug, Clone, Default)]
pub struct Table {
    assignments: Vec<Assignment>,
    /// Indices of `assignments`, by name, then by order.
    by_name: Vec<u32>,
}

impl Table {
    /// A table of `assignments`, the later ones winning.
    pub fn new(assignments: Vec<Assignment>) -> Self {
        let name = |index: &u32| assignments.get(*index as usize).map(|a| &a.name);
        let mut by_name: Vec<u32> = (0..u32::try_from(assignments.len()).unwrap_or(0)).collect();
        // Stable, so that equal names keep their order.
        by_name.sort_by(|a, b| name(a).cmp(&name(b)));
        Self {
            assignments,
            by_name,
        }
    }

    /// A table of a project file's settings. They are a dictionary there, whose order means nothing: Xcode takes its
    /// keys in alphabetical order, so that of one setting the unconditional assignment comes first and the
    /// conditional ones win over it.
    pub fn of_dictionary(mut keyed: Vec<(&str, Assignment)>) -> Self {
        keyed.sort_by_key(|(key, _)| *key);
        Self::new(
            keyed
                .into_iter()
                .map(|(_, assignment)| assignment)
                .collect(),
        )
    }

    /// All assignments, in order.
    pub fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// Whether it assigns `name` at all, under whatever condition.
    pub fn defines(&self, name: &str) -> bool {
        !self.group(name).is_empty()
    }

    /// The assignment of `name` that counts under `bindings`, and its place among the assignments of that name; of
    /// those only the first `before` are looked at, which is how `$(inherited)` goes on below a value. What is looked at
    /// is added to `examined`.
    pub fn effective<'t>(
        &'t self,
        name: &str,
        bindings: &Bindings,
        names: SdkNames,
        before: usize,
        examined: &mut Examined<'t>,
    ) -> Option<(usize, &'t Assignment)> {
        let group = self.group(name);
        let candidates = group.get(..before.min(group.len())).unwrap_or(group);
        let mut sdk = None;
        candidates.iter().enumerate().rev().find_map(|(at, index)| {
            let assignment = self.assignments.get(*index as usize)?;
            examined.work += 1;
            let mut depends_on_version = false;
            let mut asks_for_sdk = false;
            for condition in &assignment.conditions {
                examined.work = examined.work.saturating_add(condition.pattern.len());
                let holds = match &*condition.parameter {
                    "sdk" if names == SdkNames::FirstAskedFor && asks_for_sdk => true,
                    "sdk" => {
                        asks_for_sdk = true;
                        let matches = |sdk: &str| matches(&condition.pattern, sdk);
                        let holds = match names {
                            // Which of its names the SDK answers to is decided over all assignments of the setting.
                            SdkNames::FirstAskedFor => sdk
                                .get_or_insert_with(|| self.sdk_name(group, bindings))
                                .is_some_and(matches),
                            SdkNames::Any => {
                                matches(&bindings.sdk) || bindings.sdk_fallback.is_some_and(matches)
                            }
                        };
                        let may_hold = !holds && bindings.may_match_sdk(&condition.pattern);
                        depends_on_version |= may_hold;
                        holds || may_hold
                    }
                    "config" => matches(&condition.pattern, &bindings.configuration),
                    "target" if !bindings.target.is_empty() => {
                        matches(&condition.pattern, &bindings.target)
                    }
                    // Signing has no architecture or variant; what is unbound is matched by "*" alone.
                    _ => &*condition.pattern == "*",
                };
                if !holds {
                    return None;
                }
            }
            if depends_on_version {
                examined.passed_over.get_or_insert(assignment);
                return None;
            }
            Some((at, assignment))
        })
    }

    fn sdk_name<'b>(&self, group: &[u32], bindings: &'b Bindings) -> Option<&'b str> {
        let matched = |name: &str| {
            group
                .iter()
                .filter_map(|index| self.assignments.get(*index as usize))
                .filter_map(|assignment| {
                    let mut conditions = assignment.conditions.iter();
                    conditions.find(|condition| &*condition.parameter == "sdk")
                })
                .any(|condition| matches(&condition.pattern, name))
        };
        [Some(&*bindings.sdk), bindings.sdk_fallback]
            .into_iter()
            .flatten()
            .find(|name| matched(name))
    }

    fn group(&self, name: &str) -> &[u32] {
        let compare = |index: &u32| {
            self.assignments
                .get(*index as usize)
                .map_or("", |assignment| &assignment.name)
        };
        let from = self.by_name.partition_point(|index| compare(index) < name);
        let to = self.by_name.partition_point(|index| compare(index) <= name);
        self.by_name.get(from..to).unwrap_or_default()
    }
}

/// The left side of an assignment: a name and its conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftSide<'a> {
    pub(crate) name: &'a str,
    pub(crate) conditions: Vec<Condition>,
}

impl<'a> LeftSide<'a> {
    /// Reads a name and conditions from the start of `text`; gives them and the rest, blanks skipped.
    pub(crate) fn parse(text: &'a str) -> Result<(Self, &'a str), &'static str> {
        let length = text
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
            .unwrap_or(text.len());
        let (name, mut rest) = text.split_at_checked(length).unwrap_or((text, ""));
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("expected the name of a build setting");
        }
        let mut conditions = Vec::new();
        rest = skip_blanks(rest);
        while let Some(inside) = rest.strip_prefix('[') {
            let (condition, after) = inside
                .split_once(']')
                .ok_or("a condition is not closed with \"]\"")?;
            let (parameter, pattern) = condition
                .split_once('=')
                .ok_or("a condition is written [parameter=pattern]")?;
            conditions.push(Condition {
                parameter: parameter.into(),
                pattern: pattern.into(),
            });
            rest = skip_blanks(after);
        }
        Ok((Self { name, conditions }, rest))
    }
}

/// `text` without leading blanks, as Xcode's `.xcconfig` parser counts them (not line ends).
pub(crate) fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\u{b}', '\u{c}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings(sdk: &str) -> Bindings {
        Bindings {
            sdk: sdk.into(),
            is_sdk_version_known: true,
            sdk_fallback: sdk.starts_with("iphoneos").then_some("embedded"),
            configuration: "Release".into(),
            target: "App".into(),
        }
    }

    fn value(table: &Table, name: &str, sdk: &str) -> Option<String> {
        table
            .effective(
                name,
                &bindings(sdk),
                SdkNames::FirstAskedFor,
                usize::MAX,
                &mut Examined::default(),
            )
            .map(|(_, assignment)| assignment.value.to_string())
    }

    fn table(lines: &[(&str, &str)]) -> Table {
        Table::new(
            lines
                .iter()
                .map(|(key, value)| Assignment::with_key(key, *value))
                .collect(),
        )
    }

    #[test]
    fn the_last_assignment_that_applies_wins_conditional_or_not() {
        let settings = table(&[
            ("STYLE", "Automatic"),
            ("STYLE[sdk=iphoneos*]", "Special"),
            ("STYLE", "Manual"),
            ("STYLE[sdk=watchos*]", "Watch"),
        ]);
        assert_eq!(
            value(&settings, "STYLE", "iphoneos18.0").as_deref(),
            Some("Manual")
        );
        assert_eq!(
            value(&settings, "STYLE", "watchos11.0").as_deref(),
            Some("Watch")
        );
        assert_eq!(value(&settings, "OTHER", "watchos11.0"), None);
    }

    #[test]
    fn in_a_project_file_conditions_win_over_the_plain_key() {
        let keyed = |key: &'static str, value: &str| (key, Assignment::with_key(key, value));
        let settings = Table::of_dictionary(vec![
            keyed("ID[sdk=macosx*]", "mac"),
            keyed("ID", "any"),
            keyed("ID[sdk=*]", "star"),
        ]);
        assert_eq!(value(&settings, "ID", "macosx15.0").as_deref(), Some("mac"));
        assert_eq!(
            value(&settings, "ID", "iphoneos18.0").as_deref(),
            Some("star")
        );
    }

    #[test]
    fn every_condition_must_hold_and_the_unbound_match_only_a_star() {
        let settings = table(&[
            ("A[config=Release][sdk=iphoneos*]", "both"),
            ("B[config=Debug][sdk=iphoneos*]", "one"),
            ("C[arch=arm64]", "arch"),
            ("D[arch=*]", "any"),
            ("E[sdk=iphoneos]", "exact"),
        ]);
        let at = |name| value(&settings, name, "iphoneos18.0");
        assert_eq!(at("A").as_deref(), Some("both"));
        assert_eq!(at("B"), None);
        assert_eq!(at("C"), None);
        assert_eq!(at("D").as_deref(), Some("any"));
        // The canonical name carries the version, so the bare name never matches in Xcode either.
        assert_eq!(at("E"), None);
    }

    #[test]
    fn an_sdk_answers_to_its_second_name_only_where_the_first_is_not_mentioned() {
        let settings = table(&[
            ("A[sdk=iphoneos*]", "first"),
            ("A[sdk=embedded*]", "second"),
            ("B[sdk=embedded*]", "second"),
        ]);
        assert_eq!(
            value(&settings, "A", "iphoneos18.0").as_deref(),
            Some("first")
        );
        assert_eq!(
            value(&settings, "B", "iphoneos18.0").as_deref(),
            Some("second")
        );
        assert_eq!(value(&settings, "B", "macosx15.0"), None);
    }

    #[test]
    fn keys_that_are_no_names_stay_whole() {
        let odd = Assignment::with_key("com.example[oops", "1");
        assert_eq!(&*odd.name, "com.example[oops");
        assert!(odd.conditions.is_empty());
        let two = Assignment::with_key("A[sdk=a*] [arch=b]", "1");
        assert_eq!(two.conditions.len(), 2);
        // MacroConfigFileParser.parseMacroNameAndConditionSet reads "A = 3=".
        let with_value = Assignment::with_key("A = 3", "1");
        assert_eq!((&*with_value.name, &*with_value.value), ("A", "1"));
    }

    #[test]
    fn origins_read_well() {
        let origin = Origin {
            layer: Layer::Target,
            file: Some(Path::new("A.xcodeproj/project.pbxproj").into()),
            line: Some(7),
        };
        assert_eq!(
            origin.to_string(),
            "A.xcodeproj/project.pbxproj:7 (target settings)"
        );
        assert_eq!(
            serde_json::to_string(&origin).unwrap(),
            r#"{"layer":"target","file":"A.xcodeproj/project.pbxproj","line":7}"#
        );
        assert_eq!(Origin::layer(Layer::Default).to_string(), "Xcode's default");
    }
}
