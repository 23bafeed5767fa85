//! What is not right with configuration files, and whom it touches.
//!
//! One missing file can take the settings of every target. That is one fault, told once, with how many targets it touches. And
//! it is one only where somebody looks: a file that only Debug is based on keeps nobody from archiving Release.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use crate::base::finding::{Code, Finding, Severity};
use crate::xcode::project::{Project, TargetIndex};
use crate::xcode::xcconfig::Loader;

/// What is not right, by the configuration files that configurations are based on.
#[derive(Debug, Default)]
pub(super) struct Faults {
    bases: Vec<Base>,
    /// Each with the file that is itself missing, if one is.
    findings: Vec<(Finding, Option<usize>)>,
}

/// A configuration file that configurations are based on.
#[derive(Debug)]
struct Base {
    path: Arc<Path>,
    /// It and all that it includes, by the names that findings have for them.
    files: HashSet<String>,
    /// Whose configurations are based on it: a target's, or the project's.
    users: Vec<(Option<TargetIndex>, Box<str>)>,
}

impl Faults {
    /// Notes that `owner`'s configuration of this name is based on the file at `path`; gives the position of the file.
    pub(super) fn based(
        &mut self,
        owner: Option<TargetIndex>,
        configuration: &str,
        path: &Arc<Path>,
        known: Option<usize>,
    ) -> usize {
        let at = known.unwrap_or(self.bases.len());
        if at == self.bases.len() {
            self.bases.push(Base {
                path: Arc::clone(path),
                files: HashSet::new(),
                users: Vec::new(),
            });
        }
        if let Some(base) = self.bases.get_mut(at) {
            base.users.push((owner, configuration.into()));
        }
        at
    }

    /// Notes that the file at the position `base` cannot be read.
    pub(super) fn missing(&mut self, finding: Finding, base: usize) {
        self.findings.push((finding, Some(base)));
    }

    /// Takes what the loader found in the files, and what they include.
    pub(super) fn take(&mut self, loader: &mut Loader<'_>) {
        for base in &mut self.bases {
            let reached = loader.reached(&base.path);
            base.files = reached.map(|file| file.display().to_string()).collect();
        }
        let found = loader.take_findings().into_iter();
        self.findings.extend(found.map(|finding| (finding, None)));
    }

    /// All of it, whatever is looked at.
    pub(super) fn all(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().map(|(finding, _)| finding)
    }

    /// What is not right where the configuration of this name is looked at; without a name all of it. What is missing says how
    /// many targets it touches.
    pub(super) fn of(&self, project: &Project, configuration: Option<&str>) -> Vec<Finding> {
        let live = self.live(project, configuration);
        let told = self.findings.iter().filter_map(|(finding, missing)| {
            let bases = self.of_finding(finding, *missing);
            if !bases.iter().any(|at| live.contains(at)) {
                return None;
            }
            let mut finding = finding.clone();
            let touched = self.targets(project, &bases).len();
            if finding.code == Code::XcconfigMissing && touched > 1 {
                finding.message = format!("{} ({touched} targets need it)", finding.message);
            }
            Some(finding)
        });
        told.collect()
    }

    /// The names of the targets that miss settings because of a missing file.
    pub(super) fn lacking<'p>(
        &self,
        project: &'p Project,
        configuration: Option<&str>,
    ) -> HashSet<&'p str> {
        let live = self.live(project, configuration);
        let missing = self.findings.iter().filter(|(finding, _)| {
            finding.code == Code::XcconfigMissing && finding.severity == Severity::Block
        });
        let bases: BTreeSet<usize> = missing
            .flat_map(|(finding, missing)| self.of_finding(finding, *missing))
            .filter(|at| live.contains(at))
            .collect();
        let targets = self.targets(project, &bases).into_iter();
        let names = targets.filter_map(|index| Some(&*project.target(index)?.name));
        names.collect()
    }

    /// The files that something is based on where this configuration is looked at.
    fn live(&self, project: &Project, configuration: Option<&str>) -> BTreeSet<usize> {
        let is_live = |owner: Option<TargetIndex>, name: &str| {
            let list = match owner {
                Some(index) => project.target(index).map(|target| &target.configurations),
                None => Some(&project.configurations),
            };
            configuration.is_none_or(|asked| {
                let taken = list.and_then(|list| list.effective(asked));
                taken.is_some_and(|taken| &*taken.name == name)
            })
        };
        let numbered = self.bases.iter().enumerate();
        numbered
            .filter(|(_, base)| {
                let mut users = base.users.iter();
                users.any(|(owner, name)| is_live(*owner, name))
            })
            .map(|(at, _)| at)
            .collect()
    }

    /// The files through which a finding is reached.
    fn of_finding(&self, finding: &Finding, missing: Option<usize>) -> BTreeSet<usize> {
        if let Some(missing) = missing {
            return [missing].into();
        }
        let file = finding.place.file.as_deref().unwrap_or_default();
        let numbered = self.bases.iter().enumerate();
        numbered
            .filter(|(_, base)| base.files.contains(file))
            .map(|(at, _)| at)
            .collect()
    }

    /// The targets that are built with one of these files.
    fn targets(&self, project: &Project, bases: &BTreeSet<usize>) -> BTreeSet<TargetIndex> {
        let used = bases.iter().filter_map(|at| self.bases.get(*at));
        let mut targets = BTreeSet::new();
        for (owner, _) in used.flat_map(|base| &base.users) {
            match owner {
                Some(index) => {
                    targets.insert(*index);
                }
                None => return (0..project.targets.len()).map(TargetIndex).collect(),
            }
        }
        targets
    }
}
