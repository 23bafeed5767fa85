//! The process that the program runs in: the one place that reads its arguments and environment and knows its clock.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::format::Format;
use super::global::Global;
use super::progress::Progress;
use super::terminal::Terminal;
use super::typed::Typed;
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

/// Where CI systems say that the root of the checkout is: GitHub Actions, GitLab, Buildkite, Jenkins, Xcode Cloud, Bitrise.
const CHECKOUT_ROOTS: &[&str] = &[
    "GITHUB_WORKSPACE",
    "CI_PROJECT_DIR",
    "BUILDKITE_BUILD_CHECKOUT_PATH",
    "WORKSPACE",
    "CI_PRIMARY_REPOSITORY_PATH",
    "BITRISE_SOURCE_DIR",
];

/// How the program is started.
#[derive(Debug)]
pub struct Start {
    /// The words, the program's own name first.
    pub arguments: Vec<OsString>,
    /// The words before its own arguments with which it must be started again.
    pub words: Vec<OsString>,
    /// A directory with another `security` and `codesign` than Apple's. The released program has none, and nothing that it
    /// reads can name one; a program made for development says so here.
    pub tools: Option<PathBuf>,
    /// Where a stand-in for App Store Connect listens on this machine. The released program has none, likewise.
    pub portal: Option<SocketAddr>,
}

impl Start {
    /// As this process was started.
    pub fn of_process() -> Self {
        Self {
            arguments: std::env::args_os().collect(),
            words: Vec::new(),
            tools: None,
            portal: None,
        }
    }
}

/// The environment of this process.
#[allow(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub(super) fn variables() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// The world and the terminal of this process, whose environment has these variables.
pub(super) fn world(
    global: &Global,
    is_verdict: bool,
    start: &Start,
    variables: Vec<(OsString, OsString)>,
) -> (World, Terminal) {
    let variable = |name: &str| -> Option<OsString> {
        let mut known = variables.iter();
        let (_, value) = known.find(|(known, value)| known == name && !value.is_empty())?;
        Some(value.clone())
    };
    let path = |name: &str| variable(name).map(PathBuf::from);
    let paths = |names: &[&str]| names.iter().filter_map(|name| path(name)).collect();
    let mut terminal = Terminal::of_process(global, is_verdict, &variable);
    terminal.typed = Typed::new(&start.arguments);
    terminal.checkout.root = CHECKOUT_ROOTS.iter().find_map(|name| path(name));
    terminal.checkout.here = std::env::current_dir().ok();
    let surroundings = Surroundings {
        home: path("HOME"),
        login_name: variable("USER").and_then(|name| name.into_string().ok()),
        job: JOB_VARIABLES
            .iter()
            .find_map(|name| variable(name)?.into_string().ok()),
        xdg_state_home: path("XDG_STATE_HOME"),
        temporary: paths(TEMPORARY_VARIABLES),
        checkouts: paths(CHECKOUT_VARIABLES),
        program: own_program(start),
        tools: start.tools.clone(),
        portal: start.portal,
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
    if !matches!(terminal.format, Format::Human | Format::Json) {
        terminal.checkout.policy = world.policy_path().to_owned();
        terminal.checkout.manifest = world.manifest_path().to_owned();
    }
    (world, terminal)
}

/// What starts this program again. A program without a path can be started, and can start no watchdog: whoever needs one
/// says so.
fn own_program(start: &Start) -> Vec<OsString> {
    match std::env::current_exe() {
        Ok(path) => [vec![path.into()], start.words.clone()].concat(),
        Err(_) => Vec::new(),
    }
}
