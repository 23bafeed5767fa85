//! The policy's `on_closed` command: it tells somebody that a job was refused because the keychain stays closed.
//!
//! The result of this command changes neither the refusal of the job nor its reason.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use super::request::RunAnswer;
use crate::base::error::ErrorArea;
use crate::base::event::{Action, Event, Outcome, Witness as _};
use crate::base::finding::{Code, Severity};
use crate::context::policy::OnClosed;
use crate::host::process::{self, Bounds, Exit, Tool};
use crate::host::run_id::RunId;
use crate::host::session::Ending;
use crate::ledger::audit::AuditLog;
use crate::ops::error::Failure;
use crate::ops::gate::judge::FoundPolicy;
use crate::ops::notice::Notice;
use crate::ops::world::World;

/// Whether somebody is told: after every failure of the keychain, and when it is no hour for unattended unlocking.
pub fn is_due(ended: Result<&RunAnswer, &Failure>) -> bool {
    match ended {
        Ok(RunAnswer::Blocked(answer)) => answer.document.findings.iter().any(|finding| {
            finding.severity == Severity::Block && finding.code == Code::WindowNotAllowedNow
        }),
        Ok(RunAnswer::Ended { ending, .. }) => *ending == Ending::WatchdogLost,
        Err(Failure::Error(error)) => error.code().area() == ErrorArea::Keychain,
        Err(Failure::Blocked(_)) => false,
    }
}

/// What the policy says; nothing if there is none or it cannot be used.
pub(super) fn of(policy: &FoundPolicy) -> OnClosed {
    match policy {
        Ok(Some(loaded)) => loaded.policy.keychain.on_closed.clone(),
        Ok(None) | Err(_) => OnClosed::Refuse,
    }
}

/// Runs the command, if the policy names one.
pub(super) fn run_command(
    on_closed: &OnClosed,
    run: &RunId,
    log: &AuditLog,
    environment: &[(OsString, OsString)],
    world: &World,
) {
    let OnClosed::Command(command) = on_closed else {
        return;
    };
    let event = |outcome| {
        Event::new(Action::Notify, outcome)
            .of_run(run)
            .detail("command", command.program.display())
    };
    let caution = |cause: &dyn fmt::Display| {
        world.notify(&Notice::Caution(&format!(
            "the command keychain.on_closed failed: {cause}"
        )));
    };
    if let Err(error) = log.record(&event(Outcome::Intended)) {
        return caution(&error);
    }
    let tool = Tool::new(&command.program)
        .args(&command.arguments)
        .envs(environment)
        .env("COUNTERSIGN_RUN_ID", run.as_str());
    let outcome = match process::run(&tool, b"", BOUNDS) {
        Ok(output) if output.exit == Exit::Code(0) => Outcome::Done,
        Ok(output) => {
            caution(&output.exit);
            Outcome::Failed
        }
        Err(error) => {
            caution(&error);
            Outcome::Failed
        }
    };
    if let Err(error) = log.record(&event(outcome)) {
        caution(&error);
    }
}

/// What the command may use.
const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(30),
    output: 1 << 20,
};
