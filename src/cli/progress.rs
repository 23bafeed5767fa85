//! Notices for people: a progress bar on a terminal for work on many files, and sentences on standard error.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::format::Format;
use super::github;
use super::remedies;
use super::stream::Stream;
use super::terminal::Terminal;
use crate::base::clock::show_duration;
use crate::base::finding::{Place, Severity};
use crate::base::plain::plain;
use crate::host::process::Exit;
use crate::host::session::{Ending, Recovered};
use crate::ops::contract::document::StepResult;
use crate::ops::notice::{Listener, Notice};

/// Below this many files nobody waits long enough to look.
const WORTH_DRAWING: usize = 200;

/// Shows notices on standard error.
pub struct Progress {
    format: Format,
    draws: bool,
    is_quiet: bool,
    bar: Mutex<ProgressBar>,
}

impl Progress {
    /// For this terminal.
    pub fn new(terminal: &Terminal) -> Self {
        Self {
            format: terminal.format,
            draws: terminal.draws_progress,
            is_quiet: terminal.is_quiet,
            bar: Mutex::new(ProgressBar::hidden()),
        }
    }

    fn bar(&self) -> ProgressBar {
        // A bar is never half changed.
        self.bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Says what went as it should: no CI system marks it.
    fn write_unmarked(&self, sentence: &str) {
        let mut err = Vec::new();
        let line = format!("countersign: {}\n", plain(sentence));
        let made = match self.format {
            Format::Github => github::inert(&mut err, line.as_bytes()),
            _ => err.write_all(line.as_bytes()),
        };
        let written = made.and_then(|()| Stream::Error.write_text(&err));
        written.unwrap_or_default();
    }

    fn write(&self, severity: Severity, sentence: &str) {
        let mut err = Vec::new();
        let (title, place) = ("countersign", Place::default());
        let made = match self.format {
            Format::Github if severity == Severity::Block => {
                github::error(&mut err, title, &place, sentence)
            }
            Format::Github => github::warning(&mut err, title, &place, sentence),
            _ => writeln!(err, "{}", plain(sentence)),
        };
        // If nobody is there to hear it, the work goes on.
        let written = made.and_then(|()| Stream::Error.write_text(&err));
        written.unwrap_or_default();
    }
}

impl Listener for Progress {
    fn hear(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Begun { what, files } if self.draws && *files >= WORTH_DRAWING => {
                let count = u64::try_from(*files).unwrap_or(u64::MAX);
                let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
                if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
                    bar.set_style(style);
                }
                bar.set_message(*what);
                *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = bar;
            }
            Notice::Begun { .. } => {}
            Notice::NoPolicy { looked_for } => {
                if !self.is_quiet {
                    self.write(
                        Severity::Warn,
                        &format!(
                            "caution: there is no policy at {}, so the built-in defaults apply; write one (countersign init), or name it (--policy FILE)",
                            looked_for.display()
                        ),
                    );
                }
            }
            Notice::FileDone => {
                if self.draws {
                    self.bar().inc(1);
                }
            }
            Notice::Ended => self.bar().finish_and_clear(),
            Notice::WindowOpened {
                until,
                length,
                keychain,
                identities,
            } => {
                if !self.is_quiet {
                    let length = show_duration(*length);
                    let identities = match identities {
                        [] => String::new(),
                        some => format!(", with {}", some.join(", ")),
                    };
                    self.write_unmarked(&format!(
                        "open until {until:.0} ({length}): {keychain}{identities}"
                    ));
                }
            }
            Notice::WindowClosed {
                ending,
                is_held,
                after,
                is_locked,
                receipt,
            } => {
                // Somebody must know that a command was stopped, whoever wants to hear nothing.
                let was_stopped =
                    matches!(ending, Some(Ending::WindowEnded | Ending::WatchdogLost));
                if self.is_quiet && !was_stopped {
                    return;
                }
                let stopped = match is_held {
                    true => "",
                    false => ", and the command was stopped",
                };
                let how = match ending {
                    Some(Ending::Exited(Exit::Code(code))) => {
                        format!("the command ended with {code}")
                    }
                    Some(Ending::Exited(Exit::Signal(signal))) => {
                        format!("signal {signal} ended the command")
                    }
                    Some(Ending::WindowEnded) => format!("the window ended{stopped}"),
                    Some(Ending::WatchdogLost) => format!("the watchdog was lost{stopped}"),
                    Some(Ending::Interrupted(signal)) => format!("signal {signal} came"),
                    None => "the run failed".to_owned(),
                };
                let state = match is_locked {
                    true => "closed",
                    false => "left open for another run",
                };
                let after = show_duration(*after);
                let text = format!(
                    "{state} after {after}: {how}; receipt {}",
                    receipt.display()
                );
                match (was_stopped, self.format) {
                    (true, Format::Github) => self.write(Severity::Block, &text),
                    _ => self.write_unmarked(&text),
                }
            }
            Notice::Recovered(recovered) => {
                let Recovered {
                    run,
                    keychain,
                    overdue,
                    ..
                } = recovered;
                let why = match overdue {
                    true => "whose window ended long ago",
                    false => "which was killed",
                };
                self.write(
                    Severity::Warn,
                    &format!("recovered run {run}, {why}: {keychain} is closed"),
                );
            }
            Notice::Failed(error) => self.write(
                Severity::Warn,
                &match remedies::of_error(error) {
                    Some(hint) => format!("caution: {}; {hint}", error.message()),
                    None => format!("caution: {}", error.message()),
                },
            ),
            Notice::ContractStep { step, number, of } => {
                let is_wanted = !self.is_quiet || step.result != StepResult::Passed;
                if is_wanted {
                    let time = step.milliseconds.map_or(String::new(), |milliseconds| {
                        format!(" ({}.{:03} s)", milliseconds / 1000, milliseconds % 1000)
                    });
                    let why = match &step.why {
                        Some(why) => format!(": {why}"),
                        None => String::new(),
                    };
                    let (name, result) = (step.name.as_str(), step.result.as_str());
                    self.write_unmarked(&format!("{number}/{of} {name} {result}{time}{why}"));
                }
            }
            // The answer lists the files; most steps take a moment.
            Notice::StepOfRotation { .. } => {}
            Notice::Understood(sentence) => {
                if !self.is_quiet {
                    self.write(Severity::Info, sentence);
                }
            }
            Notice::Caution(sentence) => {
                self.write(Severity::Warn, &format!("caution: {sentence}"));
            }
        }
    }
}
