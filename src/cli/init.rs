//! `countersign init`.

use std::io::{self, IsTerminal as _, Read as _, Write};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::answer::Answer;
use super::format::Format;
use super::projects::ProjectArguments;
use super::report::{self, FAINT, GOOD, STRONG};
use super::stream::Stream;
use super::table::{Cell, Rows};
use super::terminal::Terminal;
use super::typed::Typed;
use crate::base::finding;
use crate::base::plain::plain;
use crate::host::ci_system::CiSystem;
use crate::ops::error::{Error, Failure};
use crate::ops::init::document::{InitDocument, InitFile, InitTarget, Outcome, Purpose};
use crate::ops::init::selected::{Selected, SelectedValue};
use crate::ops::init::{self, InitRequest};
use crate::ops::world::World;

/// What is set up.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The Xcode project, and which of its targets [project: the one at hand].
    #[command(flatten)]
    projects: ProjectArguments,
    /// The CI system that a workflow is written for [default: the one whose files are in the repository].
    #[arg(long, value_enum, value_name = "SYSTEM")]
    ci: Option<Ci>,
    /// Show how things stand at this instant (RFC 3339), as in 2027-01-15T08:00:00Z. Nothing is written then.
    #[arg(long, value_name = "INSTANT", conflicts_with = "yes")]
    pub(super) at: Option<Timestamp>,
    /// Write the files without asking. A file that somebody changed is not replaced: a new version is written beside it.
    #[arg(long)]
    yes: bool,
}

/// CI systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ci {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
    /// Buildkite.
    Buildkite,
    /// CircleCI.
    Circleci,
    /// Azure Pipelines.
    Azure,
    /// Bitrise.
    Bitrise,
    /// Jenkins.
    Jenkins,
    /// Xcode Cloud.
    XcodeCloud,
}

impl From<Ci> for CiSystem {
    fn from(ci: Ci) -> Self {
        match ci {
            Ci::Github => Self::Github,
            Ci::Gitlab => Self::Gitlab,
            Ci::Buildkite => Self::Buildkite,
            Ci::Circleci => Self::Circleci,
            Ci::Azure => Self::Azure,
            Ci::Bitrise => Self::Bitrise,
            Ci::Jenkins => Self::Jenkins,
            Ci::XcodeCloud => Self::XcodeCloud,
        }
    }
}

/// Runs the command. It asks only where somebody sits who reads the answer in words.
///
/// # Errors
/// We could not look, or could not write.
pub fn run(
    arguments: Arguments,
    world: &World,
    terminal: &Terminal,
) -> Result<Answer<'static>, Failure> {
    let mut selected = arguments.projects.selecting();
    let profiles = world.places.profiles.iter();
    selected.extend(profiles.map(|directory| Selected {
        option: "--profiles",
        value: SelectedValue::Path(directory.clone()),
        names_profiles: true,
    }));
    let request = InitRequest {
        selected,
        targets: arguments.projects.into(),
        ci: arguments.ci.map(CiSystem::from),
    };
    let survey = init::survey(&request, world)?;
    let can_ask = arguments.at.is_none()
        && terminal.format == Format::Human
        && io::stdin().is_terminal()
        && io::stderr().is_terminal();
    let mut was_shown = false;
    let is_wanted = arguments.yes
        || (can_ask && survey.has_something_to_write() && {
            was_shown = true;
            asked(&survey.document, terminal).map_err(Error::unexpected)?
        });
    let document = match is_wanted {
        true => init::write(survey)?,
        false => survey.document,
    };
    let form = move |document: &InitDocument, out: &mut dyn Write, terminal: &Terminal| {
        if !was_shown {
            found(document, out, terminal)?;
        }
        files(document, out)?;
        notes(document, out, terminal)?;
        next(document, out, &terminal.typed)
    };
    Ok(Answer::report("countersign init", document, form))
}

/// Shows what was found and asks whether the files are written.
fn asked(document: &InitDocument, terminal: &Terminal) -> io::Result<bool> {
    let mut text = Vec::new();
    found(document, &mut text, terminal)?;
    files(document, &mut text)?;
    notes(document, &mut text, terminal)?;
    write!(text, "\nwrite these files? [y/N] ")?;
    Stream::Error.write_text(&text)?;
    // A line of a terminal comes as one piece.
    let mut answer = [0; 16];
    let length = io::stdin().read(&mut answer)?;
    let answer = answer.get(..length).unwrap_or_default();
    Ok(answer.first().is_some_and(|first| b"yY".contains(first)))
}

/// Project, scheme, team and the table of targets.
fn found(document: &InitDocument, out: &mut dyn Write, terminal: &Terminal) -> io::Result<()> {
    if terminal.is_quiet {
        return Ok(());
    }
    let mut line = |label: &str, text: String| writeln!(out, "{FAINT}{label:<10}{FAINT:#}{text}");
    line("project", plain(&document.project))?;
    if let Some(scheme) = &document.scheme {
        line("scheme", plain(scheme))?;
    }
    let teams: Vec<String> = document
        .teams
        .iter()
        .map(|team| plain(team.as_str()))
        .collect();
    match teams.as_slice() {
        [] => {}
        teams => line("team", teams.join(", "))?,
    }
    line(
        "profiles",
        match document.profiles_at_hand {
            0 => "none at hand".to_owned(),
            1 => "1 at hand".to_owned(),
            count => format!("{count} at hand"),
        },
    )?;
    if document.targets.is_empty() {
        return line("targets", "none needs a profile".to_owned());
    }
    let headings = [
        "target",
        "profile",
        "kind",
        "days-left",
        "certificate",
        "missing",
    ];
    let mut rows = Rows::new(&headings);
    for target in &document.targets {
        rows.add(row(target, document, terminal).map(|text| Cell::new(&text)));
    }
    writeln!(out)?;
    rows.write(out, &[], terminal)?;
    for target in &document.targets {
        let missing = target.missing.as_deref();
        if let Some(missing) = missing.filter(|it| it.len() > IN_TABLE && terminal.draws_tables) {
            let text = format!("{}: {}", name(target, document), plain(missing));
            report::paragraph(out, "missing ", &text, terminal.width)?;
        }
    }
    for left_out in &document.left_out {
        writeln!(
            out,
            "{FAINT}left out{FAINT:#} {} ({}): {}",
            plain(&left_out.name),
            left_out.profile,
            plain(&left_out.why)
        )?;
    }
    Ok(())
}

/// A longer text about a target stands below the table.
const IN_TABLE: usize = 40;

fn row(target: &InitTarget, document: &InitDocument, terminal: &Terminal) -> [String; 6] {
    let missing = match target.missing.as_deref() {
        None => "-".to_owned(),
        Some(text) if text.len() <= IN_TABLE || !terminal.draws_tables => plain(text),
        Some(_) => "see below".to_owned(),
    };
    let nothing = || "-".to_owned();
    let name = name(target, document);
    match &target.profile {
        None => [name, nothing(), nothing(), nothing(), nothing(), missing],
        Some(profile) => [
            name,
            plain(&profile.name),
            profile.kind.to_string(),
            profile.days_left.to_string(),
            plain(&profile.certificate),
            missing,
        ],
    }
}

/// The target's name, with what tells its rows apart where it has several.
fn name(target: &InitTarget, document: &InitDocument) -> String {
    let of_it = |other: &&InitTarget| other.target == target.target;
    let mut platforms = document.targets.iter().filter(of_it);
    let mut parts = Vec::new();
    if platforms.any(|other| other.platform != target.platform) {
        parts.push(target.platform.to_string());
    }
    if document.configurations.len() != 1 {
        parts.push(plain(target.configuration.as_str()));
    }
    match parts.as_slice() {
        [] => plain(target.target.as_str()),
        parts => format!("{} ({})", plain(target.target.as_str()), parts.join(", ")),
    }
}

/// What became of the files, or would become of them.
fn files(document: &InitDocument, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    for InitFile {
        file,
        purpose,
        outcome,
        difference,
        ..
    } in &document.files
    {
        let state = match outcome {
            Outcome::Written => "written",
            Outcome::Replaced => "replaced: nobody had changed it",
            Outcome::ToReplace => "not replaced yet: nobody has changed it",
            Outcome::WrittenBeside => "written beside the one that is there",
            Outcome::Unchanged => "unchanged",
            Outcome::ToWrite => "not written yet",
            Outcome::ToWriteBeside => "not written yet, beside the one that is there",
        };
        let what = match purpose {
            Purpose::Policy => "policy",
            Purpose::Manifest => "manifest",
            Purpose::Workflow => "workflow",
        };
        writeln!(
            out,
            "{FAINT}{what:<10}{FAINT:#}{STRONG}{}{STRONG:#}  {state}",
            plain(file)
        )?;
        if let Some(difference) = difference {
            for line in difference.lines() {
                writeln!(out, "  {}", plain(line))?;
            }
        }
        if *purpose == Purpose::Policy && !document.has_policy {
            writeln!(
                out,
                "{:<10}any runner may sign (per-runner), because hosted runners cannot be named",
                ""
            )?;
        }
    }
    let is_of = |purpose| document.files.iter().any(|file| file.purpose == purpose);
    if !is_of(Purpose::Manifest) {
        writeln!(
            out,
            "{FAINT}{:<10}{FAINT:#}none: something blocks, and the findings say what",
            "manifest"
        )?;
    }
    match document.ci {
        Some(ci) if !is_of(Purpose::Workflow) => writeln!(
            out,
            "{FAINT}{:<10}{FAINT:#}none: a name of this repository cannot stand in a file of {} (docs/ci shows the file)",
            "workflow",
            ci.name()
        )?,
        None => writeln!(
            out,
            "{FAINT}{:<10}{FAINT:#}none: no file here tells of a CI system (--ci SYSTEM names one)",
            "workflow"
        )?,
        _ => {}
    }
    Ok(())
}

/// What is to be done besides.
fn notes(document: &InitDocument, out: &mut dyn Write, terminal: &Terminal) -> io::Result<()> {
    for note in &document.notes {
        report::paragraph(out, "note  ", &plain(note), terminal.width)?;
    }
    Ok(())
}

/// What is to be done next.
fn next(document: &InitDocument, out: &mut dyn Write, typed: &Typed) -> io::Result<()> {
    let mut outcomes = document.files.iter().map(|file| file.outcome);
    let is_open = outcomes.any(|it| {
        let open = [Outcome::ToWrite, Outcome::ToReplace, Outcome::ToWriteBeside];
        open.contains(&it)
    });
    let mut purposes = document.files.iter().map(|file| file.purpose);
    if is_open {
        return writeln!(out, "\nnothing is written without --yes");
    }
    if !purposes.any(|it| it == Purpose::Manifest) {
        return Ok(());
    }
    write!(out, "\n{GOOD}next{GOOD:#}: ")?;
    let again = typed.command_about_the_same("countersign init");
    let beside = |purpose| {
        let mut files = document.files.iter().filter(|it| it.purpose == purpose);
        files.find_map(|it| Some((plain(&it.file), plain(it.beside.as_ref()?))))
    };
    if let Some((new, old)) = beside(Purpose::Manifest) {
        return writeln!(
            out,
            "compare {new} with {old}, keep what you want in the second and remove the first, then `{again}`"
        );
    }
    if finding::any_blocks(&document.findings) {
        // Whoever has a policy of their own may keep it, but perhaps it is what blocks.
        let or = beside(Purpose::Policy)
            .map(|(new, old)| format!(", or take over what you want of {new} into {old}"));
        let or = or.unwrap_or_default();
        return writeln!(out, "mend what blocks, below{or}, then `{again}`");
    }
    let (waiving, keys) = match document.allows_waiver {
        true => (" --without identities", ""),
        false => ("", " where the keys are"),
    };
    let gate = typed.command_about_the_same(&format!("countersign gate{waiving}"));
    let settings = match typed.names("--setting") {
        true => ", with the same settings",
        false => "",
    };
    writeln!(
        out,
        "review and commit these files, then `{gate}`{keys}{settings}"
    )
}
