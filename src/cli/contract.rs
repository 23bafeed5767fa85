//! `countersign doctor --contract`: the contract suite, and how this program is told what to do in it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use super::answer::Answer;
use super::exit::Exit;
use super::report::{self, FAINT, GOOD, STRONG};
use super::table::{Cell, Rows};
use super::terminal::Terminal;
use crate::base::finding::Severity;
use crate::base::plain::plain;
use crate::ops::contract::document::{ContractDocument, StepResult};
use crate::ops::contract::{self as verb, ContractPlaces, ContractRequest, Deed, Speech};
use crate::ops::error::Failure;
use crate::ops::world::World;

/// How this program is told what to do in a contract suite.
pub fn speech() -> Speech<'static> {
    Speech {
        words: &words,
        window_ended: Exit::WindowEnded.code(),
    }
}

/// Runs the suite.
///
/// # Errors
/// See [`verb::contract`].
pub fn run(output: Option<PathBuf>, world: &World) -> Result<Answer<'static>, Failure> {
    let request = ContractRequest {
        speech: speech(),
        output: output.as_deref(),
        limit: verb::STEP_TIME,
    };
    let document = verb::contract(&request, world)?;
    let exit = match document.passed {
        true => Exit::Fine,
        false => Exit::Blocked,
    };
    let title = "countersign doctor --contract";
    let form = move |document: &ContractDocument, out: &mut dyn Write, terminal: &Terminal| {
        show(document, output.as_deref(), out, terminal)
    };
    Ok(Answer::report(title, document, form).ending_in(exit))
}

/// The words of a deed, after the program's own.
fn words(places: &ContractPlaces, deed: &Deed<'_>) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    let mut add =
        |more: &[&std::ffi::OsStr]| words.extend(more.iter().map(|word| (*word).to_owned()));
    let text = std::ffi::OsStr::new;
    add(&[text("--state-dir"), places.state.as_os_str()]);
    add(&[text("--policy"), places.policy.as_os_str()]);
    add(&[text("--manifest"), places.manifest.as_os_str()]);
    add(&[text("--format"), text("json")]);
    let verb: &[&str] = match deed {
        Deed::Create => &["keychain", "create"],
        Deed::Import { .. } => &["keychain", "import"],
        Deed::Run { .. } => &["run", "--without", "profiles,identities,targets"],
        Deed::Status => &["keychain", "status"],
        Deed::Recover => &["keychain", "recover"],
        Deed::Destroy => &["keychain", "destroy", "--yes"],
    };
    verb.iter().for_each(|word| add(&[text(word)]));
    if !matches!(deed, Deed::Recover) {
        add(&[text("--keychain"), places.keychain.as_os_str()]);
        add(&[text("--backend"), text("macos")]);
    }
    match deed {
        Deed::Import { file, password } => {
            add(&[
                text("--password-file"),
                password.as_os_str(),
                file.as_os_str(),
            ]);
        }
        Deed::Run { window, command } => {
            let window = format!("{}s", window.as_secs());
            add(&[text("--window"), text(&window), text("--")]);
            command.iter().for_each(|word| add(&[word]));
        }
        Deed::Create | Deed::Status | Deed::Recover | Deed::Destroy => {}
    }
    words
}

fn show(
    document: &ContractDocument,
    written: Option<&std::path::Path>,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    let bad = report::style(Severity::Block);
    let passed = |result| {
        document
            .steps
            .iter()
            .filter(|step| step.result == result)
            .count()
    };
    let count = passed(StepResult::Passed);
    let of = document.steps.len();
    match document.passed {
        true => writeln!(out, "{GOOD}all {of} steps of the contract passed{GOOD:#}")?,
        false => writeln!(
            out,
            "{bad}{count} of {of} steps of the contract passed{bad:#}"
        )?,
    }
    let mut row =
        |label: &str, value: &str| writeln!(out, "  {FAINT}{label:<10}{FAINT:#}{}", plain(value));
    let machine = &document.machine;
    let version = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    row(
        "system",
        &format!(
            "{} {} ({}), {}",
            machine.system,
            version(&machine.version),
            version(&machine.build),
            machine.architecture
        ),
    )?;
    row("session", &version(&machine.session))?;
    row("openssl", &version(&machine.openssl))?;
    if machine.stand_in {
        row("tools", "stand-ins: this says nothing of a Mac")?;
    }
    if let Some(file) = written {
        row("report", &file.display().to_string())?;
    }
    writeln!(out)?;
    let mut rows = Rows::new(&["step", "result", "seconds", "claim"]);
    for step in &document.steps {
        let style = match step.result {
            StepResult::Passed => GOOD,
            StepResult::Failed | StepResult::Hung => bad,
            StepResult::NotRun => FAINT,
        };
        let seconds = step.milliseconds.map_or(String::new(), |milliseconds| {
            format!("{}.{:01}", milliseconds / 1000, milliseconds % 1000 / 100)
        });
        rows.add([
            Cell::new(step.name.as_str()),
            Cell::new(step.result.as_str()).styled(style),
            Cell::new(&seconds),
            Cell::new(step.claim),
        ]);
    }
    rows.write(out, &[], terminal)?;
    for step in &document.steps {
        let is_bad = matches!(step.result, StepResult::Failed | StepResult::Hung);
        if let Some(why) = step.why.as_ref().filter(|_| is_bad) {
            writeln!(out, "\n  {STRONG}{}{STRONG:#}", step.name.as_str())?;
            report::paragraph(out, "", why, terminal.width)?;
        }
    }
    for left in &document.left {
        writeln!(out, "\n  {STRONG}left{STRONG:#}")?;
        report::paragraph(out, "", left, terminal.width)?;
    }
    Ok(())
}
