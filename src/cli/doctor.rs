//! `countersign doctor`: what this machine is to countersign, and what would fail next.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::answer::Answer;
use super::contract;
use super::exit::Exit;
use super::remedies;
use super::report::{self, FAINT, GOOD, STRONG};
use super::terminal::Terminal;
use super::typed::Typed;
use crate::base::finding::Severity;
use crate::base::plain::plain;
use crate::ops::doctor::document::{DirectoryState, DirectoryUse, DoctorDocument, MacDocument};
use crate::ops::doctor::{self as verb};
use crate::ops::error::Failure;
use crate::ops::output;
use crate::ops::report::Report as _;
use crate::ops::world::World;

/// What is looked at.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Try what countersign builds on, on this Mac: a throw-away keychain with a throw-away identity is made, filled, used by
    /// codesign, locked, left to a command that hangs, left by a run that is killed, and deleted. Takes about a minute; no
    /// other run of this user can open a keychain meanwhile. Exit code 10 if a step fails.
    #[arg(long)]
    pub contract: bool,
    /// Write the JSON report to this file, too; that of the suite after each step.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// What was named contradicts itself; the contract suite cannot be run; or the report cannot be written.
pub fn run(arguments: Arguments, world: &World) -> Result<Answer<'static>, Failure> {
    if arguments.contract {
        return contract::run(arguments.output, world);
    }
    let mut document = verb::doctor(world)?;
    for finding in document.findings_mut() {
        remedies::complete(finding, &Typed::default());
    }
    for part in &mut document.missing {
        part.hint = remedies::advice(part.hint.as_deref(), part.remedy.take());
    }
    if let Some(file) = &arguments.output {
        output::write_json(file, &document)?;
    }
    let exit = match document.would_block {
        true => Exit::Blocked,
        false => Exit::Fine,
    };
    let verdict = headline(&document).to_owned();
    Ok(Answer::report("countersign doctor", document, show)
        .with_verdict(verdict)
        .ending_in(exit))
}

/// How it stands, in one line.
fn headline(document: &DoctorDocument) -> &'static str {
    match document.would_block {
        true => "a gate would block on this machine",
        false => "nothing on this machine would make a gate block",
    }
}

fn show(document: &DoctorDocument, out: &mut dyn Write, terminal: &Terminal) -> io::Result<()> {
    let style = match document.would_block {
        true => report::style(Severity::Block),
        false => GOOD,
    };
    writeln!(out, "{style}{}{style:#}", headline(document))?;
    let mut row =
        |label: &str, value: &str| writeln!(out, "  {FAINT}{label:<10}{FAINT:#}{}", plain(value));
    let host = &document.host;
    let name = host
        .name
        .as_ref()
        .map_or("without a usable name", |it| it.as_str());
    let rights = match host.may_hold_keys {
        Some(true) if host.key_hosts.is_empty() => ", which may hold keys, as any host may",
        Some(true) => ", which may hold keys",
        Some(false) => ", which may NOT hold keys",
        None => "",
    };
    row("host", &format!("{name}{rights}"))?;
    row("user", &host.user)?;
    row("system", host.system)?;
    match &document.mac {
        Some(mac) => show_mac(mac, &mut row)?,
        None => row("xcode", "none: this is not a Mac")?,
    }
    let is_home_known = document
        .directories
        .iter()
        .any(|directory| directory.used_for == DirectoryUse::Home);
    if !is_home_known {
        row("home", "unknown: HOME is not set")?;
    }
    for directory in &document.directories {
        let state = match directory.state {
            DirectoryState::Directory => "",
            DirectoryState::Missing => ", which is not there",
            DirectoryState::NoDirectory => ", which is NO DIRECTORY",
            DirectoryState::Unknown => ", which cannot be looked at",
        };
        row(
            directory.used_for.as_str(),
            &format!("{}{state}", directory.path),
        )?;
    }
    if let Some(keychain) = &document.keychain {
        let identities = match keychain.identities {
            1 => "1 identity".to_owned(),
            count => format!("{count} identities"),
        };
        let path = keychain.keychain.as_str();
        row(
            "keychain",
            &format!("{path}, {}, {identities}", keychain.state),
        )?;
    }
    let now = document.at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let last = match document.clock.last_record {
        Some(last) => format!(
            "; the last record is of {}",
            last.strftime("%Y-%m-%d %H:%M:%S UTC")
        ),
        None => "; there is no record to compare it with".to_owned(),
    };
    row("clock", &format!("{now}{last}"))?;
    if let Some(next) = &document.next {
        let (what, name) = (next.expiry.what.as_str(), &next.expiry.name);
        let (expires, from) = (next.expiry.expires, next.blocks_from);
        let next = format!(
            "{what} {name} expires on {}; a gate blocks from {} on",
            expires.strftime("%Y-%m-%d"),
            from.strftime("%Y-%m-%d")
        );
        row("next", &next)?;
    }
    for part in &document.missing {
        writeln!(out, "\n  {STRONG}{}{STRONG:#}", part.part.as_str())?;
        report::paragraph(out, "", &part.why, terminal.width)?;
        if let Some(hint) = &part.hint {
            report::paragraph(out, "do        ", hint, terminal.width)?;
        }
    }
    Ok(())
}

fn show_mac(
    mac: &MacDocument,
    row: &mut dyn FnMut(&str, &str) -> io::Result<()>,
) -> io::Result<()> {
    if mac.xcodes.is_empty() {
        row("xcode", "none in /Applications")?;
    }
    for xcode in &mac.xcodes {
        let version = xcode.version.as_deref().unwrap_or("of an unknown version");
        let build = xcode
            .build
            .as_ref()
            .map_or(String::new(), |it| format!(" ({it})"));
        let selected = if xcode.is_selected { ", selected" } else { "" };
        row(
            "xcode",
            &format!("{version}{build} at {}{selected}", xcode.path),
        )?;
    }
    row("session", mac.session.as_deref().unwrap_or("unknown"))
}
