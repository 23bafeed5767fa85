//! A workspace: which projects it holds.
//!
//! `contents.xcworkspacedata` is a small XML file of `FileRef`s inside of nested `Group`s. A location has a kind and a
//! path: `group:` is relative to the group around it, `container:` to where the workspace lies, `absolute:` to
//! nothing, and `self:` stands for the project that the workspace is inside of. `developer:` lies inside of Xcode and
//! is skipped, as is everything that is no project.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use quick_xml::events::{BytesStart, Event};

use super::openstep::conflict_marker;
use super::sources::{self, SourceError, Sources, normalized};
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::{Place, line_of};

/// How deep groups may nest.
const MAX_DEPTH: usize = 64;

/// A reference of a workspace to a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectReference {
    /// The `.xcodeproj`.
    pub project: PathBuf,
    /// Where it lies, as the workspace says: `group:App.xcodeproj`.
    pub location: Box<str>,
    /// The line on which the reference ends, from 1.
    pub line: u64,
}

/// Why a workspace could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkspaceError {
    /// Its file could not be had.
    #[error("the workspace cannot be read: {problem}")]
    Source {
        /// The workspace's `contents.xcworkspacedata`.
        file: PathBuf,
        /// Why not.
        problem: SourceError,
    },
    /// Its file is damaged.
    #[error("{problem}")]
    Syntax {
        /// The workspace's `contents.xcworkspacedata`.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong there.
        problem: String,
    },
}

impl Explain for WorkspaceError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Source { problem, .. } => problem.code(),
            Self::Syntax { .. } => ErrorCode::FileMalformed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Source { problem, .. } => problem.hint(),
            Self::Syntax { .. } => "restore the file from a revision that Xcode opens",
        };
        Some(hint.to_owned())
    }

    fn place(&self) -> Place {
        match self {
            Self::Source { file, .. } => Place::file(file),
            Self::Syntax { file, line, .. } => Place {
                line: Some(*line),
                ..Place::file(file)
            },
        }
    }
}

/// The file that says what the workspace at `workspace` (an `.xcworkspace`) holds.
pub fn contents(workspace: &Path) -> PathBuf {
    workspace.join("contents.xcworkspacedata")
}

/// The `.xcodeproj`s of the workspace at `workspace`, in its order, each once.
///
/// # Errors
/// Its contents cannot be had, or are no workspace.
pub fn projects(
    workspace: &Path,
    sources: &dyn Sources,
) -> Result<Vec<ProjectReference>, WorkspaceError> {
    let file = contents(workspace);
    let bytes = sources
        .read(&file)
        .map_err(|problem| WorkspaceError::Source {
            file: file.clone(),
            problem,
        })?;
    parse(workspace, &sources::text(&bytes)).map_err(|(offset, problem)| {
        let line = line_of(&bytes, offset);
        WorkspaceError::Syntax {
            file,
            line,
            problem,
        }
    })
}

/// Reads the text of `workspace`'s contents; an error is a byte offset and what is wrong there.
fn parse(workspace: &Path, text: &str) -> Result<Vec<ProjectReference>, (usize, String)> {
    refuse_conflict_markers(text)?;
    let container = workspace.parent().unwrap_or(Path::new(""));
    // A workspace inside of a project counts from where the project lies.
    let inside_project = has_extension(container, "xcodeproj");
    let beside = match container.parent() {
        Some(parent) if inside_project => parent,
        _ => container,
    };
    let resolve = |location: &str, group: &Path| -> Option<PathBuf> {
        let (kind, path) = location.split_once(':')?;
        match kind {
            "group" => Some(group.join(path)),
            "container" => Some(beside.join(path)),
            "absolute" => Some(Path::new("/").join(path)),
            "self" if inside_project => Some(container.to_path_buf()),
            _ => None,
        }
    };

    let mut reader = quick_xml::Reader::from_str(text);
    let mut projects: Vec<ProjectReference> = Vec::new();
    let mut lines = Lines::of(text);
    let mut known: HashSet<PathBuf> = HashSet::new();
    // Directories of the groups around the cursor. A group whose place is unknown is one of the workspace's own.
    let mut groups: Vec<PathBuf> = Vec::new();
    let (mut is_workspace, mut is_closed) = (false, false);
    loop {
        let event = reader
            .read_event()
            .map_err(|error| (offset(reader.error_position()), error.to_string()))?;
        let group = groups.last().map_or(beside, PathBuf::as_path);
        match event {
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == "FileRef" => {
                let reference = location(&tag).and_then(|location| {
                    let project = normalized(&resolve(&location, group)?);
                    has_extension(&project, "xcodeproj").then_some((project, location))
                });
                if let Some((project, location)) = reference
                    && known.insert(project.clone())
                {
                    projects.push(ProjectReference {
                        project,
                        location: location.into(),
                        line: lines.line_at(offset(reader.buffer_position())),
                    });
                }
            }
            Event::Start(tag) if tag.name().as_ref() == "Group" => {
                if groups.len() >= MAX_DEPTH {
                    let problem = format!("groups nest deeper than {MAX_DEPTH} levels");
                    return Err((offset(reader.buffer_position()), problem));
                }
                let inside = location(&tag).and_then(|location| resolve(&location, group));
                let inside = inside.unwrap_or_else(|| group.to_path_buf());
                groups.push(inside);
            }
            Event::End(tag) if tag.name().as_ref() == "Group" => {
                groups.pop();
            }
            Event::Start(tag) if tag.name().as_ref() == "Workspace" => is_workspace = true,
            Event::Empty(tag) if tag.name().as_ref() == "Workspace" => {
                (is_workspace, is_closed) = (true, true);
            }
            Event::End(tag) if tag.name().as_ref() == "Workspace" => is_closed = true,
            Event::Eof if is_closed => return Ok(projects),
            Event::Eof => {
                let problem = match is_workspace {
                    true => "the file ends before </Workspace>",
                    false => "this is not a workspace: it has no <Workspace> element",
                };
                return Err((text.len(), problem.to_owned()));
            }
            _ => {}
        }
    }
}

/// The lines of a text, asked for from its beginning to its end.
struct Lines<'t> {
    text: &'t [u8],
    offset: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            text: text.as_bytes(),
            offset: 0,
            line: 1,
        }
    }

    /// The line on which the byte at `offset` lies, from 1.
    fn line_at(&mut self, offset: usize) -> u64 {
        let between = self.text.get(self.offset..offset).unwrap_or_default();
        self.line += line_of(between, between.len()) - 1;
        self.offset = self.offset.max(offset);
        self.line
    }
}

fn location(tag: &BytesStart<'_>) -> Option<String> {
    let attribute = tag.try_get_attribute("location").ok()??;

    Some(
        quick_xml::escape::unescape(&attribute.value)
            .ok()?
            .into_owned(),
    )
}

fn refuse_conflict_markers(text: &str) -> Result<(), (usize, String)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(marker) = conflict_marker(line.as_bytes()) {
            return Err((at, format!("unresolved merge conflict ({marker})")));
        }
        at += line.len();
    }
    Ok(())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xcode::sources::InMemory;

    fn of(path: &str, text: &str) -> Result<Vec<String>, WorkspaceError> {
        let workspace = Path::new(path);
        let sources = InMemory::new().with(workspace.join("contents.xcworkspacedata"), text);
        projects(workspace, &sources).map(|all| {
            all.iter()
                .map(|it| it.project.display().to_string())
                .collect()
        })
    }

    #[test]
    fn every_kind_of_location_is_resolved() {
        let found = of(
            "/src/App.xcworkspace",
            r#"<?xml version="1.0" encoding="UTF-8"?>
<Workspace version = "1.0">
   <FileRef location = "group:App.xcodeproj"></FileRef>
   <FileRef location = "container:Pods/Pods.xcodeproj"/>
   <FileRef location = "absolute:/opt/A &amp; B/C.xcodeproj"/>
   <FileRef location = "group:README.md"/>
   <FileRef location = "developer:x.xcodeproj"/>
   <Group location = "group:Libraries" name = "Libraries">
      <Group location = "container:" name = "Loose">
         <FileRef location = "group:Loose.xcodeproj"/>
      </Group>
      <Group name = "Nameless">
         <FileRef location = "group:../Up.xcodeproj"/>
      </Group>
      <FileRef location = "group:One/One.xcodeproj"/>
   </Group>
   <FileRef location = "group:App.xcodeproj"/>
</Workspace>"#,
        )
        .unwrap();
        assert_eq!(
            found,
            [
                "/src/App.xcodeproj",
                "/src/Pods/Pods.xcodeproj",
                "/opt/A & B/C.xcodeproj",
                "/src/Loose.xcodeproj",
                "/src/Up.xcodeproj",
                "/src/Libraries/One/One.xcodeproj",
            ]
        );
    }

    #[test]
    fn a_workspace_inside_of_a_project_means_that_project() {
        for location in [
            "self:",
            "self:/Users/someone/App.xcodeproj",
            "group:App.xcodeproj",
        ] {
            let text = format!("<Workspace><FileRef location=\"{location}\"/></Workspace>");
            let found = of("/src/App.xcodeproj/project.xcworkspace", &text).unwrap();
            assert_eq!(found, ["/src/App.xcodeproj"], "{location}");
        }
        let outside = of(
            "/src/A.xcworkspace",
            "<Workspace><FileRef location='self:'/></Workspace>",
        );
        assert!(outside.unwrap().is_empty());
    }

    #[test]
    fn damage_is_an_error_with_its_line() {
        let line = |text: &str| match of("/A.xcworkspace", text).unwrap_err() {
            WorkspaceError::Syntax { line, .. } => line,
            other => panic!("{other}"),
        };
        assert_eq!(line("<Workspace>\n<<<<<<< HEAD\n</Workspace>"), 2);
        assert_eq!(line("<Workspace>\n<Group>\n</Workspace>"), 3);
        assert_eq!(line("<plist/>"), 1);
        assert_eq!(
            line("<Workspace>\n<FileRef location='group:A.xcodeproj'/>\n"),
            3
        );
        assert_eq!(line(""), 1);
        let deep = format!("<Workspace>{}", "<Group>".repeat(1000));
        assert_eq!(line(&deep), 1);
        assert!(matches!(
            projects(Path::new("/none.xcworkspace"), &InMemory::new()),
            Err(WorkspaceError::Source { .. })
        ));
    }
}
