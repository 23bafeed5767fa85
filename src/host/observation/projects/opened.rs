//! Projects as somebody names them, opened: a workspace gives those that it holds.
//!
//! A name given on the command line is read wherever it lies. What a workspace names is the word of a file, and so is whatever
//! lies in a bundle: a project that files may not reach is a finding, and the others are looked at all the same.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{ProjectError, absent};
use crate::base::finding::{Code, Finding, Severity};
use crate::host::inputs::NotingSources;
use crate::xcode::archive::Archive;
use crate::xcode::project::{self, Project};
use crate::xcode::sources::{SourceError, normalized};
use crate::xcode::workspace::{self, ProjectReference, WorkspaceError};

/// How many projects out of reach are listed. Each of them blocks, so nothing passes because of those that are not.
const MAX_FINDINGS: usize = 1_000;

/// Projects, each with the files that it may reach.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// In the order in which they were named.
    pub(super) projects: Vec<(Project, NotingSources)>,
    /// Those that project files may not reach.
    pub(super) findings: Vec<Finding>,
    /// Projects and workspaces that hold schemes: all that were opened.
    pub(super) holders: Vec<(PathBuf, NotingSources)>,
    /// Projects that a workspace names and that are not there.
    pub(super) absent: BTreeSet<PathBuf>,
    /// What is told of each of them.
    absence: Vec<(PathBuf, Finding)>,
    /// The paths of both.
    known: HashSet<PathBuf>,
}

impl Opened {
    /// Opens what somebody names.
    ///
    /// # Errors
    /// It is neither a project nor a workspace, or it cannot be read, or one of its projects cannot.
    pub(super) fn open(
        &mut self,
        path: &Path,
        sources: &NotingSources,
    ) -> Result<(), ProjectError> {
        let path = without_trailing_slash(path);
        match path.extension().and_then(OsStr::to_str) {
            Some("xcworkspace") => self.workspace(&path, sources),
            Some("xcodeproj") => self.project(&path, None, sources),
            _ if path
                .file_name()
                .is_some_and(|name| name == "project.pbxproj") =>
            {
                self.project(path.parent().unwrap_or(Path::new(".")), None, sources)
            }
            _ => Err(ProjectError::Kind(path)),
        }
    }

    fn workspace(&mut self, path: &Path, sources: &NotingSources) -> Result<(), ProjectError> {
        let references = match workspace::projects(path, sources) {
            Ok(references) => references,
            Err(WorkspaceError::Source { problem, .. }) if problem.is_out_of_reach() => {
                let finding = out_of_reach(&problem, "the workspace").in_file(path);
                self.findings.push(finding);
                return Ok(());
            }
            Err(error) => {
                let path = path.to_owned();
                return Err(ProjectError::Workspace { path, error });
            }
        };
        self.holders.push((path.to_owned(), sources.clone()));
        let contents = workspace::contents(path);
        for reference in references {
            let from = (contents.as_path(), &reference);
            self.project(&reference.project, Some(from), sources)?;
        }
        Ok(())
    }

    /// Opens a project, which a workspace may have named.
    fn project(
        &mut self,
        path: &Path,
        from: Option<(&Path, &ProjectReference)>,
        sources: &NotingSources,
    ) -> Result<(), ProjectError> {
        if !self.known.insert(path.to_owned()) {
            return Ok(());
        }
        match Project::open(path, sources) {
            Ok(project) => {
                self.holders.push((path.to_owned(), sources.clone()));
                self.projects.push((project, sources.clone()));
            }
            Err(project::ProjectError::Source {
                problem: SourceError::Missing,
                ..
            }) if let Some((file, reference)) = from => {
                self.absent.insert(normalized(path));
                let finding = absent::finding(path, file, reference, sources);
                self.absence.push((normalized(path), finding));
                self.absence.truncate(MAX_FINDINGS);
            }
            Err(project::ProjectError::Source { problem, .. }) if problem.is_out_of_reach() => {
                let finding = out_of_reach(&problem, "a project");
                self.findings.push(match from {
                    Some((file, reference)) => finding
                        .found(&reference.location)
                        .in_file(file)
                        .at_line(reference.line),
                    None => finding.in_file(path),
                });
                self.findings.truncate(MAX_FINDINGS);
            }
            Err(error) => {
                let path = path.to_owned();
                return Err(ProjectError::Project { path, error });
            }
        }
        Ok(())
    }

    /// What is told of the absent projects: it blocks where the archive holds something of one, or nothing else is there.
    pub(super) fn absence(&self, archive: &Archive) -> Vec<Finding> {
        let told = self.absence.iter().map(|(path, finding)| Finding {
            severity: match archive.lacking.contains(path) || self.projects.is_empty() {
                true => Severity::Block,
                false => Severity::Warn,
            },
            ..finding.clone()
        });
        told.collect()
    }
}

fn out_of_reach(problem: &SourceError, what: &str) -> Finding {
    problem.finding(Code::ProjectFileOutsideRoot, what, problem.hint())
}

/// `X.xcodeproj/` as completion leaves it, without its slash.
fn without_trailing_slash(path: &Path) -> PathBuf {
    path.components().collect()
}
