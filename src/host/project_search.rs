//! The Xcode project that nobody named: the one that whoever stands in this folder means.
//!
//! Looked for is in the working directory and above it, up to the root of the repository: the nearest folder that holds a
//! project or workspace. Where none does, what lies below the working directory counts, and then what lies below the root
//! ([`folder_walk`]). A workspace counts before the projects that it holds, because its schemes and its other projects belong to the
//! build; and a project counts before those that it refers to. Where several are left, nobody guesses.
//!
//! A home directory is no place where all projects below are meant.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::folder_walk::{self, MAX_DEPTH};
use super::project_root;
use super::sources::DiskSources;
use crate::xcode::project::Project;
use crate::xcode::workspace;

/// So many projects and workspaces are compared with each other: each of them is read for that.
const MAX_COMPARED: usize = 64;

/// What was found. Paths go on from where the search began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Neither a project nor a workspace.
    None {
        /// Whether everything was looked at; if not, there may be one.
        is_complete: bool,
    },
    /// The one that is meant.
    One(PathBuf),
    /// Several, in order: which is meant, only a person can say.
    Several(Vec<PathBuf>),
}

/// The project or workspace that whoever stands at `start` means; `home` is the user's home directory.
pub fn find(start: &Path, home: Option<&Path>) -> Found {
    let folders = project_root::upward(start, home).folders;
    for (folder, from_start) in &folders {
        let found = folder_walk::walk(folder, 0).projects;
        if !found.is_empty() {
            return meant(found, folder, from_start, home);
        }
    }
    let mut is_complete = true;
    let below = match folders.as_slice() {
        [here, .., root] => vec![here, root],
        here => here.iter().collect(),
    };
    for (folder, from_start) in below {
        if is_home(folder, home) {
            continue;
        }
        let walked = folder_walk::walk(folder, MAX_DEPTH);
        is_complete &= walked.is_complete;
        if !walked.projects.is_empty() {
            return meant(walked.projects, folder, from_start, home);
        }
    }
    Found::None { is_complete }
}

/// Those that count of what was found in `folder`, to which `up` leads from where the search began.
fn meant(found: Vec<PathBuf>, folder: &Path, up: &Path, home: Option<&Path>) -> Found {
    let left = match found.len() {
        0..=1 => found,
        2..=MAX_COMPARED => without_projects_of_projects(without_held(found, home), home),
        _ => found,
    };
    let from_start = |path: PathBuf| {
        let below = path.strip_prefix(folder).map(Path::to_owned);
        up.join(below.unwrap_or(path))
    };
    let mut left: Vec<PathBuf> = left.into_iter().map(from_start).collect();
    match left.pop() {
        Some(only) if left.is_empty() => Found::One(only),
        Some(last) => {
            left.push(last);
            Found::Several(left)
        }
        None => Found::None { is_complete: true },
    }
}

fn is_workspace(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "xcworkspace")
}

/// The workspaces that hold projects, and the projects that none of them holds. A workspace that cannot be read counts for all
/// projects beside it: whoever opens it says what is wrong.
fn without_held(found: Vec<PathBuf>, home: Option<&Path>) -> Vec<PathBuf> {
    let mut held: HashSet<PathBuf> = HashSet::new();
    let mut empty: HashSet<PathBuf> = HashSet::new();
    let (workspaces, projects): (Vec<_>, Vec<_>) =
        found.iter().partition(|path| is_workspace(path));
    for workspace in workspaces {
        match workspace::projects(workspace, &DiskSources::of_project(workspace, home)) {
            // One of packages alone, as Xcode makes it: it says nothing about the projects.
            Ok(references) if references.is_empty() => {
                empty.insert(workspace.clone());
            }
            Ok(references) => {
                let references = references.into_iter();
                held.extend(references.map(|it| project_root::absolute(&it.project)));
            }
            Err(_) => {
                let beside = projects
                    .iter()
                    .filter(|it| it.parent() == workspace.parent());
                held.extend(beside.map(|project| (*project).clone()));
            }
        }
    }
    if found.len() > empty.len() {
        held.extend(empty);
    }
    found
        .into_iter()
        .filter(|path| !held.contains(path))
        .collect()
}

/// The projects that no other one of them refers to. One that cannot be read refers to none.
fn without_projects_of_projects(found: Vec<PathBuf>, home: Option<&Path>) -> Vec<PathBuf> {
    let projects: Vec<&PathBuf> = found.iter().filter(|path| !is_workspace(path)).collect();
    if projects.len() < 2 {
        return found;
    }
    let mut referred: HashSet<PathBuf> = HashSet::new();
    for path in projects {
        if let Ok(project) = Project::open(path, &DiskSources::of_project(path, home)) {
            let others = project.subprojects.iter();
            let others = others.map(|other| project_root::absolute(other));
            referred.extend(others.filter(|other| other != path));
        }
    }
    let is_left = |path: &PathBuf| !referred.contains(path);
    match found.iter().any(is_left) {
        true => found.into_iter().filter(is_left).collect(),
        // They refer to each other.
        false => found,
    }
}

/// Whether `folder` is the home directory.
fn is_home(folder: &Path, home: Option<&Path>) -> bool {
    let home = home.and_then(|home| fs::canonicalize(home).ok());
    home.is_some() && home == fs::canonicalize(folder).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with these folders and these workspaces, each of which holds these projects.
    fn disk(folders: &[&str], workspaces: &[(&str, &[&str])]) -> tempfile::TempDir {
        let disk = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(disk.path().join(folder)).unwrap();
        }
        for (path, projects) in workspaces {
            let path = disk.path().join(path);
            fs::create_dir_all(&path).unwrap();
            let reference = |it: &&str| format!("<FileRef location=\"group:{it}\"></FileRef>");
            let references: String = projects.iter().map(reference).collect();
            let text = format!("<Workspace version=\"1.0\">{references}</Workspace>");
            fs::write(path.join("contents.xcworkspacedata"), text).unwrap();
        }
        disk
    }

    fn found(disk: &tempfile::TempDir, start: &str) -> Found {
        let start = disk.path().join(start);
        fs::create_dir_all(&start).unwrap();
        find(&start, None)
    }

    fn one(path: &str) -> Found {
        Found::One(path.into())
    }

    #[test]
    fn the_nearest_project_up_to_the_root_of_the_repository_is_meant() {
        let disk = disk(
            &[
                "r/.git",
                "r/ios/App.xcodeproj",
                "r/mac/Mac.xcodeproj",
                "Out.xcodeproj",
            ],
            &[],
        );
        assert_eq!(found(&disk, "r/ios"), one("App.xcodeproj"));
        assert_eq!(
            found(&disk, "r/ios/App/Sources"),
            one("../../App.xcodeproj")
        );
        let several = ["ios/App.xcodeproj", "mac/Mac.xcodeproj"].map(PathBuf::from);
        assert_eq!(found(&disk, "r"), Found::Several(several.to_vec()));
        let several = several.map(|it| Path::new("..").join(it));
        assert_eq!(found(&disk, "r/docs"), Found::Several(several.to_vec()));
    }

    #[test]
    fn what_lies_below_is_found_from_the_root_and_from_beside_it() {
        let disk = disk(&["r/.git", "r/apps/ios/App.xcodeproj"], &[]);
        assert_eq!(found(&disk, "r"), one("apps/ios/App.xcodeproj"));
        assert_eq!(found(&disk, "r/docs"), one("../apps/ios/App.xcodeproj"));
        assert_eq!(found(&disk, "r/apps/ios/App"), one("../App.xcodeproj"));
    }

    #[test]
    fn without_a_repository_only_the_folder_itself_and_what_is_below_counts() {
        let disk = disk(&["a/b", "App.xcodeproj"], &[]);
        assert_eq!(found(&disk, "a/b"), Found::None { is_complete: true });
        assert_eq!(found(&disk, ""), one("App.xcodeproj"));
    }

    #[test]
    fn a_workspace_counts_before_the_projects_that_it_holds() {
        let held: &[&str] = &["App.xcodeproj", "Pods/Pods.xcodeproj"];
        let disk = disk(
            &["r/.git", "r/App.xcodeproj"],
            &[("r/App.xcworkspace", held)],
        );
        assert_eq!(found(&disk, "r"), one("App.xcworkspace"));
        // One that it does not hold is another one.
        fs::create_dir(disk.path().join("r/Tool.xcodeproj")).unwrap();
        let several = ["App.xcworkspace", "Tool.xcodeproj"].map(PathBuf::from);
        assert_eq!(found(&disk, "r"), Found::Several(several.to_vec()));
    }

    #[test]
    fn a_workspace_of_packages_alone_counts_only_alone() {
        let packages: &[(&str, &[&str])] = &[("r/Package.xcworkspace", &[])];
        let disk = disk(&["r/.git"], packages);
        assert_eq!(found(&disk, "r"), one("Package.xcworkspace"));
        fs::create_dir(disk.path().join("r/App.xcodeproj")).unwrap();
        assert_eq!(found(&disk, "r"), one("App.xcodeproj"));
    }

    #[test]
    fn a_broken_workspace_counts_for_the_projects_beside_it() {
        let disk = disk(
            &["r/.git", "r/App.xcodeproj"],
            &[("r/App.xcworkspace", &[])],
        );
        let contents = disk
            .path()
            .join("r/App.xcworkspace/contents.xcworkspacedata");
        fs::write(contents, "<<<<<<< ours").unwrap();
        assert_eq!(found(&disk, "r"), one("App.xcworkspace"));
    }

    #[test]
    fn a_project_counts_before_those_that_it_refers_to() {
        let disk = disk(&["r/.git", "r/App.xcodeproj", "r/Lib.xcodeproj"], &[]);
        let text = "{ objects = { P = {isa = PBXProject; projectReferences = ({ProductGroup = G; ProjectRef = S;}); \
             buildConfigurationList = L; targets = (); }; G = {isa = PBXGroup; children = (); sourceTree = \"<group>\"; }; \
             S = {isa = PBXFileReference; path = Lib.xcodeproj; sourceTree = SOURCE_ROOT; }; \
             L = {isa = XCConfigurationList; buildConfigurations = (); }; }; rootObject = P; }";
        fs::write(disk.path().join("r/App.xcodeproj/project.pbxproj"), text).unwrap();
        assert_eq!(found(&disk, "r"), one("App.xcodeproj"));
    }

    #[test]
    fn what_lies_below_a_home_directory_is_not_meant_by_who_stands_there() {
        let disk = disk(&["home/code/App.xcodeproj"], &[]);
        let home = disk.path().join("home");
        let none = Found::None { is_complete: true };
        assert_eq!(find(&home, Some(&home)), none);
        assert_eq!(find(&home.join("code"), Some(&home)), one("App.xcodeproj"));
    }
}
