//! The process that the program runs in: the one place that reads its arguments and environment and knows its clock.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use super::global::Global;
use super::progress::Progress;
use super::terminal::Terminal;
use crate::base::clock::SystemClock;
use crate::host::directories::{CHECKOUT_VARIABLES, TEMPORARY_VARIABLES};
use crate::ops::world::{Places, Surroundings, World};

/// What CI systems call a job: our own word first, then GitHub Actions, GitLab, Buildkite, Jenkins, CircleCI.
const JOB_VARIABLES: &[&str] = &[
    "COUNTERSIGN_JOB",
    "GITHUB_RUN_ID",
    "CI_JOB_ID",
    "BUILDKITE_JOB_ID",
    "BUILD_TAG",
    "CIRCLE_WORKFLOW_JOB_ID",
];

/// The words that this process was started with, its own name first.
pub(super) fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// The world and the terminal of this process.
#[allow(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub(super) fn world(global: &Global) -> (World, Terminal) {
    let variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let variable = |name: &str| -> Option<OsString> {
        let mut known = variables.iter();
        let (_, value) = known.find(|(known, value)| known == name && !value.is_empty())?;
        Some(value.clone())
    };
    let path = |name: &str| variable(name).map(PathBuf::from);
    let paths = |names: &[&str]| names.iter().filter_map(|name| path(name)).collect();
    let terminal = Terminal::of_process(global, &variable);
    let surroundings = Surroundings {
        home: path("HOME"),
        login_name: variable("USER").and_then(|name| name.into_string().ok()),
        job: JOB_VARIABLES
            .iter()
            .find_map(|name| variable(name)?.into_string().ok()),
        xdg_state_home: path("XDG_STATE_HOME"),
        temporary: paths(TEMPORARY_VARIABLES),
        checkouts: paths(CHECKOUT_VARIABLES),
        // A program without a name can be started, and can start no watchdog: whoever needs one says so.
        program: std::env::current_exe().unwrap_or_default(),
        variables,
    };
    let places = Places {
        policy: global.policy.clone(),
        manifest: global.manifest.clone(),
        profiles: global.profiles.clone(),
        state_dir: global.state_dir.clone(),
    };
    let listener = Progress::new(&terminal);
    let world = World::new(
        places,
        surroundings,
        Arc::new(SystemClock),
        Box::new(listener),
    );
    (world, terminal)
}
