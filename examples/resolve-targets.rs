//! Resolves the signing settings of a project's every target, configuration and platform, and tells the CPU time that it
//! took: what `scripts/bench-targets` compares.

use std::path::PathBuf;
use std::process::ExitCode;

use countersign::host::sources::DiskSources;
use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::targets::{Selection, resolve};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("resolve-targets: name an .xcodeproj");
        return ExitCode::FAILURE;
    };
    let start = cpu_milliseconds();
    let sources = DiskSources::of_project(&path, None);
    let project = match Project::open(&path, &sources) {
        Ok(project) => project,
        Err(error) => {
            eprintln!("resolve-targets: {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    let resolved = resolve(&settings, &sources, &Selection::default());
    let spent = cpu_milliseconds() - start;
    println!(
        "{spent:.3} reading and resolving {} targets in {} rows",
        project.targets.len(),
        resolved.rows.len()
    );
    ExitCode::SUCCESS
}

/// CPU time of this process so far.
fn cpu_milliseconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
