//! A scheme: what `xcodebuild archive -scheme NAME` builds, and in which configuration.
//!
//! An `.xcscheme` is a small XML file. Of its `BuildAction` each entry names a target and the actions that build it; of
//! its `ArchiveAction` the configuration counts. All else (testing, launching, scripts around the actions) has no part
//! in an archive. A target is named by the id that it has in its project, and by its name; its project by a location,
//! which counts from where the project or workspace lies that holds the scheme.
//!
//! Whoever proposes a change writes schemes too. So one is read in one pass, without entities and document types, up to
//! a size, a depth and a number of entries. What does not look like a scheme is told with its line.

use std::path::{Path, PathBuf};

use quick_xml::events::{BytesStart, Event};

use super::openstep::conflict_marker;
use super::shortened::shortened;
use super::sources::{self, normalized};
use crate::base::finding::{Code, Finding, line_of};

/// The largest scheme that is read, in bytes. The largest real ones have 100 KB.
pub const MAX_BYTES: usize = 1 << 20;

/// How deep elements of a scheme may nest. Xcode's nest 6 levels.
const MAX_DEPTH: usize = 64;

/// How many entries a scheme may build.
const MAX_ENTRIES: usize = 10_000;

/// The longest name, id or location of a scheme that is kept, in bytes.
const MAX_NAME: usize = 1024;

/// What an archive builds where a scheme does not say in which configuration: what Xcode writes into a new scheme.
pub const DEFAULT_CONFIGURATION: &str = "Release";

/// A scheme, as far as it says what is archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// Its name: the file's, without its extension.
    pub name: Box<str>,
    /// The file; none if Xcode makes the scheme itself, for a target.
    pub file: Option<PathBuf>,
    /// What it archives: entries that are built for archiving, in order.
    pub entries: Vec<Entry>,
    /// The configuration that is archived, if it says so.
    pub configuration: Option<Box<str>>,
    /// Whether products that others need are built although nobody declares them as dependencies.
    pub finds_implicit_dependencies: bool,
}

/// A target that a scheme builds for archiving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The target's id in its project (`BlueprintIdentifier`).
    pub id: Box<str>,
    /// The target's name (`BlueprintName`).
    pub target: Box<str>,
    /// Where its project lies, as the scheme says: `container:App.xcodeproj`.
    pub container: Box<str>,
    /// The line on which the reference ends, from 1.
    pub line: u64,
}

impl Entry {
    /// The `.xcodeproj` that the entry names, where the scheme lies in the project or workspace at `holder`; `None` for a
    /// package, which has no project.
    pub fn project(&self, holder: &Path) -> Option<PathBuf> {
        let (kind, path) = self.container.split_once(':')?;
        let beside = holder.parent().unwrap_or(Path::new(""));
        let project = match kind {
            "container" | "group" => normalized(&beside.join(path)),
            "absolute" => normalized(&Path::new("/").join(path)),
            "self" => normalized(holder),
            _ => return None,
        };
        let is_project = project
            .extension()
            .is_some_and(|found| found == "xcodeproj");
        is_project.then_some(project)
    }
}

/// Reads the scheme `file` from its bytes.
///
/// # Errors
/// They are no scheme: the finding says on which line. It warns; whoever needs this scheme lets it block.
pub fn parse(file: &Path, bytes: &[u8]) -> Result<Scheme, Box<Finding>> {
    let fault = |problem: &str, at: usize| {
        let finding = Finding::warn(
            Code::SchemeUnreadable,
            format!("the scheme cannot be read: {problem}"),
        )
        .hint(
            "restore the file from a revision that Xcode opens, or make the scheme again in Xcode",
        )
        .in_file(file)
        .at_line(line_of(bytes, at));
        Box::new(finding)
    };
    if bytes.len() > MAX_BYTES {
        return Err(fault(&format!("it is larger than {MAX_BYTES} bytes"), 0));
    }
    let text = sources::text(bytes);
    let mut scheme = Scheme {
        name: name_of(file),
        file: Some(file.to_owned()),
        entries: Vec::new(),
        configuration: None,
        finds_implicit_dependencies: true,
    };
    read(&text, &mut scheme).map_err(|(at, problem)| fault(&problem, at))?;
    Ok(scheme)
}

/// The name of the scheme that a file holds.
pub fn name_of(file: &Path) -> Box<str> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    cut(&name).into()
}

/// Reads a scheme's text; an error is a byte offset and what is wrong there.
fn read(text: &str, scheme: &mut Scheme) -> Result<(), (usize, String)> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if let Some(marker) = conflict_marker(line.as_bytes()) {
            return Err((start, format!("unresolved merge conflict ({marker})")));
        }
        start += line.len();
    }
    let mut reader = quick_xml::Reader::from_str(text);
    let mut position = Position::default();
    let mut lines = Lines::default();
    loop {
        let event = reader
            .read_event()
            .map_err(|error| (offset(reader.error_position()), error.to_string()))?;
        let here = offset(reader.buffer_position());
        match event {
            Event::Start(tag) => {
                position.enter(&tag, scheme, lines.line_at(text, here), here)?;
            }
            Event::Empty(tag) => {
                position.enter(&tag, scheme, lines.line_at(text, here), here)?;
                position.leave();
            }
            Event::End(_) => position.leave(),
            Event::DocType(_) => {
                return Err((
                    here,
                    "it has a document type, which no scheme has".to_owned(),
                ));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match position {
        Position {
            is_scheme: false, ..
        } => Err((text.len(), "it has no <Scheme> element".to_owned())),
        Position { depth: 1.., .. } => {
            Err((text.len(), "the file ends before </Scheme>".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Where the reading is.
#[derive(Default)]
struct Position {
    depth: usize,
    is_scheme: bool,
    /// The depth of the entry that it is inside of, and whether that is built for archiving and not referred to yet.
    entry: Option<(usize, bool)>,
}

impl Position {
    fn enter(
        &mut self,
        tag: &BytesStart<'_>,
        scheme: &mut Scheme,
        line: u64,
        here: usize,
    ) -> Result<(), (usize, String)> {
        if self.depth >= MAX_DEPTH {
            return Err((
                here,
                format!("elements nest deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.depth += 1;
        let name = tag.name();
        match (name.as_ref(), self.depth) {
            ("Scheme", 1) => self.is_scheme = true,
            (_, 1) => return Err((here, "its first element is not <Scheme>".to_owned())),
            ("BuildAction", 2) => {
                scheme.finds_implicit_dependencies = !is_no(tag, "buildImplicitDependencies");
            }
            ("ArchiveAction", 2) => {
                scheme.configuration =
                    attribute(tag, "buildConfiguration").filter(|name| !name.is_empty());
            }
            ("BuildActionEntry", depth) => {
                // An entry that says nothing is built for every action.
                self.entry = Some((depth, !is_no(tag, "buildForArchiving")));
            }
            ("BuildableReference", _) => {
                if let Some((_, is_archived @ true)) = &mut self.entry {
                    *is_archived = false;
                    if scheme.entries.len() >= MAX_ENTRIES {
                        return Err((here, format!("it builds more than {MAX_ENTRIES} targets")));
                    }
                    let text = |key| attribute(tag, key).unwrap_or_default();
                    scheme.entries.push(Entry {
                        id: text("BlueprintIdentifier"),
                        target: text("BlueprintName"),
                        container: text("ReferencedContainer"),
                        line,
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self) {
        if self.entry.is_some_and(|(depth, _)| depth == self.depth) {
            self.entry = None;
        }
        self.depth = self.depth.saturating_sub(1);
    }
}

/// The lines of a text, asked for from its beginning to its end.
#[derive(Default)]
struct Lines {
    offset: usize,
    breaks: u64,
}

impl Lines {
    /// The line on which the byte at `offset` lies, from 1.
    fn line_at(&mut self, text: &str, offset: usize) -> u64 {
        let between = text.as_bytes().get(self.offset..offset).unwrap_or_default();
        self.breaks += line_of(between, between.len()) - 1;
        self.offset = self.offset.max(offset);
        self.breaks + 1
    }
}

/// An attribute's text: the entities that XML itself has, and no others.
fn attribute(tag: &BytesStart<'_>, key: &str) -> Option<Box<str>> {
    let attribute = tag.try_get_attribute(key).ok()??;
    let value = quick_xml::escape::unescape(&attribute.value).ok()?;
    Some(cut(&value).into())
}

fn is_no(tag: &BytesStart<'_>, key: &str) -> bool {
    attribute(tag, key).is_some_and(|value| &*value == "NO")
}

fn cut(text: &str) -> &str {
    shortened(text, MAX_NAME)
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Scheme, Box<Finding>> {
        parse(
            Path::new("App.xcodeproj/xcshareddata/xcschemes/App.xcscheme"),
            text.as_bytes(),
        )
    }

    const ENTRY: &str = r#"<BuildActionEntry buildForTesting = "YES" buildForArchiving = "YES">
            <BuildableReference
               BlueprintIdentifier = "A1"
               BlueprintName = "App &amp; Co"
               ReferencedContainer = "container:App.xcodeproj">
            </BuildableReference>
         </BuildActionEntry>"#;

    #[test]
    fn what_is_built_for_archiving_is_what_is_archived() {
        let text = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<Scheme LastUpgradeVersion = "2600" version = "1.7">
   <BuildAction buildImplicitDependencies = "NO">
      <PreActions><ExecutionAction><ActionContent><EnvironmentBuildable>
         <BuildableReference BlueprintIdentifier = "X" BlueprintName = "Script"/>
      </EnvironmentBuildable></ActionContent></ExecutionAction></PreActions>
      <BuildActionEntries>
         {ENTRY}
         <BuildActionEntry buildForArchiving = "NO">
            <BuildableReference BlueprintIdentifier = "A2" BlueprintName = "Tests" ReferencedContainer = "container:"/>
         </BuildActionEntry>
      </BuildActionEntries>
   </BuildAction>
   <TestAction buildConfiguration = "Debug"/>
   <ArchiveAction buildConfiguration = "Production" revealArchiveInOrganizer = "YES"/>
</Scheme>"#
        );
        let scheme = of(&text).unwrap();
        assert_eq!(&*scheme.name, "App");
        assert_eq!(scheme.configuration.as_deref(), Some("Production"));
        assert!(!scheme.finds_implicit_dependencies);
        let [entry] = scheme.entries.as_slice() else {
            panic!("{:?}", scheme.entries);
        };
        assert_eq!((&*entry.id, &*entry.target), ("A1", "App & Co"));
        assert_eq!(entry.line, 12);
        let project = |holder: &str| entry.project(Path::new(holder)).unwrap();
        assert_eq!(project("ios/App.xcodeproj"), Path::new("ios/App.xcodeproj"));
        assert_eq!(project("All.xcworkspace"), Path::new("App.xcodeproj"));
    }

    #[test]
    fn a_reference_to_a_package_has_no_project() {
        for container in ["container:", "container:Packages/Kit", "", "group"] {
            let entry = Entry {
                id: "Kit".into(),
                target: "Kit".into(),
                container: container.into(),
                line: 1,
            };
            assert_eq!(
                entry.project(Path::new("App.xcodeproj")),
                None,
                "{container}"
            );
        }
    }

    #[test]
    fn what_is_no_scheme_is_told_with_its_line() {
        let deep = format!("<Scheme>{}", "<a>".repeat(MAX_DEPTH + 1));
        let long = format!("<Scheme>{}</Scheme>", " ".repeat(MAX_BYTES));
        let many = format!("<Scheme>{}</Scheme>", ENTRY.repeat(3));
        assert_eq!(of(&many).unwrap().entries.len(), 3);
        for (text, line, problem) in [
            ("", 1, "it has no <Scheme> element"),
            ("<Scheme>\n<BuildAction>\n", 3, "ends before"),
            ("\n<plist/>", 2, "its first element is not <Scheme>"),
            ("<Scheme>\n<<<<<<< HEAD\n</Scheme>", 2, "merge conflict"),
            ("<Scheme>\n</Other>", 2, ""),
            (
                "<!DOCTYPE Scheme [<!ENTITY a \"b\">]>\n<Scheme/>",
                1,
                "document type",
            ),
            (deep.as_str(), 1, "64 levels"),
            (long.as_str(), 1, "1048576 bytes"),
        ] {
            let finding = of(text).unwrap_err();
            assert_eq!(
                finding.place.line,
                Some(line),
                "{text:.40}: {}",
                finding.message
            );
            assert!(finding.message.contains(problem), "{}", finding.message);
        }
    }

    #[test]
    fn a_scheme_builds_only_so_many_targets() {
        let entry = "<BuildActionEntry><BuildableReference/></BuildActionEntry>";
        let of_count = |count: usize| of(&format!("<Scheme>{}</Scheme>", entry.repeat(count)));
        assert_eq!(of_count(MAX_ENTRIES).unwrap().entries.len(), MAX_ENTRIES);
        let finding = of_count(MAX_ENTRIES + 1).unwrap_err();
        assert!(
            finding.message.contains("10000 targets"),
            "{}",
            finding.message
        );
    }
}
