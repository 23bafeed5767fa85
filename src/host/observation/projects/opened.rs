//! Projects as somebody names them, opened: a workspace gives those that it holds.
//!
//! A name given on the command line is read wherever it lies. What a workspace names is the word of a file, and so is whatever
//! lies in a bundle: a project that files may not reach is a finding, and the others are looked at all the same.
//!
//! A project may hold others (`projectReferences`), as Xcode makes them when somebody drags one in. What its targets need of
//! those is built and archived with them, so they are opened too, after all that somebody names.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ProjectError;
use super::absent::{self, Referrer};
use crate::base::finding::{Code, Finding, Severity};
use crate::host::inputs::NotingSources;
use crate::xcode::archive::Archive;
use crate::xcode::project::{self, Project, TargetLink};
use crate::xcode::sources::{SourceError, normalized};
use crate::xcode::workspace::{self, WorkspaceError};

/// How many projects out of reach are listed. Each of them blocks, so nothing passes because of those that are not.
const MAX_FINDINGS: usize = 1_000;

/// Projects, each with the files that it may reach.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// In the order in which they were named; then those that they refer to.
    pub(super) projects: Vec<(Project, NotingSources)>,
    /// How many of them somebody or a workspace named.
    pub(super) named: usize,
    /// Those that project files may not reach.
    pub(super) findings: Vec<Finding>,
    /// The workspaces, which hold schemes as projects do.
    pub(super) workspaces: Vec<(PathBuf, NotingSources)>,
    /// Projects that a workspace or a target needs and that are not there.
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
        self.workspaces.push((path.to_owned(), sources.clone()));
        let contents = workspace::contents(path);
        for reference in references {
            let from = Referrer {
                name: "the workspace".to_owned(),
                file: &contents,
                found: reference.location.to_string(),
                line: Some(reference.line),
            };
            self.project(&reference.project, Some(&from), sources)?;
        }
        Ok(())
    }

    /// Opens the projects that those refer to that are open, and what these refer to.
    ///
    /// # Errors
    /// One of them is damaged.
    pub(super) fn nested(&mut self) -> Result<(), ProjectError> {
        self.named = self.projects.len();
        let mut at = 0;
        while let Some((project, sources)) = self.projects.get(at) {
            let sources = sources.clone();
            let file = Arc::clone(&project.file);
            let name = project.bundle.file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            let needed: BTreeSet<Arc<Path>> = needed(project).cloned().collect();
            let all: BTreeSet<Arc<Path>> = &needed | &project.subprojects.iter().cloned().collect();
            for path in all {
                let from = Referrer {
                    name: name.clone(),
                    file: &file,
                    found: path.display().to_string(),
                    line: None,
                };
                if needed.contains(&path) {
                    self.project(&path, Some(&from), &sources)?;
                } else if self.opened(&path, &sources).is_err() {
                    // Nothing is needed of it by name: it may be missing, or lie anywhere.
                    continue;
                }
            }
            at += 1;
        }
        Ok(())
    }

    /// Opens a project, which a file may have named.
    fn project(
        &mut self,
        path: &Path,
        from: Option<&Referrer<'_>>,
        sources: &NotingSources,
    ) -> Result<(), ProjectError> {
        match self.opened(path, sources) {
            Ok(()) => {}
            Err(project::ProjectError::Source {
                problem: SourceError::Missing,
                ..
            }) if let Some(from) = from => {
                self.absent.insert(normalized(path));
                let finding = absent::finding(path, from, sources);
                self.absence.push((normalized(path), finding));
                self.absence.truncate(MAX_FINDINGS);
            }
            Err(project::ProjectError::Source { problem, .. }) if problem.is_out_of_reach() => {
                let finding = out_of_reach(&problem, "a project");
                self.findings.push(match from {
                    Some(from) => from.place(finding),
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

    /// Opens a project, unless it is open.
    fn opened(
        &mut self,
        path: &Path,
        sources: &NotingSources,
    ) -> Result<(), project::ProjectError> {
        if self.known.insert(normalized(path)) {
            let project = Project::open(path, sources)?;
            self.projects.push((project, sources.clone()));
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

/// The projects that a project's targets need something of.
fn needed(project: &Project) -> impl Iterator<Item = &Arc<Path>> {
    let links = project.targets.iter().flat_map(|target| {
        let embedded = target.embeds.iter().map(|embed| &embed.product);
        let links = target.dependencies.iter().chain(&target.links);
        links.chain(embedded)
    });
    links.filter_map(|link| match link {
        TargetLink::Foreign { project, .. } => project.as_ref(),
        TargetLink::Local(_) | TargetLink::Named(_) => None,
    })
}

fn out_of_reach(problem: &SourceError, what: &str) -> Finding {
    problem.finding(Code::ProjectFileOutsideRoot, what, problem.hint())
}

/// `X.xcodeproj/` as completion leaves it, without its slash.
fn without_trailing_slash(path: &Path) -> PathBuf {
    path.components().collect()
}
