//! `countersign targets`: show, check, export.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::answer::Answer;
use super::exit::Exit;
use super::input::input;
use super::password::PasswordArguments;
use super::projects::ProjectArguments;
use super::report::{self, FAINT, GOOD, STRONG};
use super::state;
use super::table::{Cell, Rows};
use super::terminal::Terminal;
use crate::base::plain::plain;
use crate::ops::error::Failure;
use crate::ops::identity::source::IdentityFile;
use crate::ops::target_selection::TargetSelection;
use crate::ops::targets::{
    self, CheckDocument, CheckVerdict, ExportForm, ExportRequest, ShownSetting, ShownTarget,
    TargetsDocument,
};
use crate::ops::world::World;
use crate::xcode::export_options::XcodeVersion;

/// The subcommands of `targets`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what each target asks for, on which line, and what would sign it.
    Show(LookArguments),
    /// Check that every target gets the profile that it asks for. Exit code 10 if findings block.
    Check {
        /// What is looked at, and when.
        #[command(flatten)]
        look: LookArguments,
        /// The columns of the table, in this order; the table comes first then.
        #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = COLUMNS)]
        columns: Vec<String>,
    },
    /// Export the plan for xcodebuild, by UUID, without a change to the project.
    Export(ExportArguments),
}

/// What is looked at, and when.
#[derive(Debug, Args)]
pub struct LookArguments {
    /// What is looked at.
    #[command(flatten)]
    pub targets: TargetsArguments,
    /// Show how things stand at this instant (RFC 3339), as in 2027-01-15T08:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<Timestamp>,
}

impl Command {
    /// The instant that is asked about.
    pub(super) fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Show(look) | Self::Check { look, .. } => look.at,
            Self::Export(_) => None,
        }
    }
}

/// Which targets, and what there is to sign them with.
#[derive(Debug, Args)]
pub struct TargetsArguments {
    /// Which targets.
    #[command(flatten)]
    pub projects: ProjectArguments,
    /// Plan certificates whose private keys are at hand: the output of `security find-identity -v -p codesigning`, or a p12;
    /// `-` reads standard input.
    #[arg(long, value_name = "FILE|-")]
    pub identities: Option<PathBuf>,
    /// Where the p12's password comes from.
    #[command(flatten)]
    pub password: PasswordArguments,
}

impl From<TargetsArguments> for TargetSelection {
    fn from(arguments: TargetsArguments) -> Self {
        let password = arguments.password;
        Self {
            identities: arguments.identities.map(input).map(|input| IdentityFile {
                password: password.source_of(&input.to_string()),
                input,
            }),
            ..arguments.projects.into()
        }
    }
}

/// What to export.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Which targets.
    #[command(flatten)]
    pub selection: TargetsArguments,
    /// The form of the export.
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub form: Form,
    /// The version of the Xcode that reads the export options. Xcode 15.3 renamed the methods.
    #[arg(long, value_name = "VERSION", default_value = "16.0")]
    pub xcode: XcodeVersion,
    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Forms of an exported plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A configuration file for `xcodebuild -xcconfig`.
    Xcconfig,
    /// Arguments: `xcodebuild archive … $(countersign targets export --as xcargs …)`.
    Xcargs,
    /// The same in one line, quoted for a shell: for `xcargs` of fastlane.
    Fastlane,
    /// ExportOptions.plist for `xcodebuild -exportArchive`.
    ExportOptions,
    /// The pinned targets as JSON.
    Json,
}

impl From<Form> for ExportForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Xcconfig => Self::Xcconfig,
            Form::Xcargs => Self::Xcargs,
            Form::Fastlane => Self::Fastlane,
            Form::ExportOptions => Self::ExportOptions,
            Form::Json => Self::Json,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// We could not look, or could not write.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::Show(arguments) => {
            let document = targets::show(&arguments.targets.into(), world)?;
            let (title, now) = ("countersign targets show", world.now);
            let answer = Answer::report(title, document, move |document, out, terminal| {
                show(document, now, out, terminal)
            });
            // What is shown is no verdict: `check` gives one.
            Ok(answer.ending_in(Exit::Fine))
        }
        Command::Check { look, columns } => {
            let document = targets::check(&look.targets.into(), world)?;
            let (title, now) = ("countersign targets check", world.now);
            Ok(Answer::report(
                title,
                document,
                move |document, out, terminal| check(document, &columns, now, out, terminal),
            ))
        }
        Command::Export(arguments) => export(arguments, world),
    }
}

/// Standard output is the exported text's alone: it stands on xcodebuild's command line, where a report must not.
fn export(arguments: ExportArguments, world: &World) -> Result<Answer<'static>, Failure> {
    const TITLE: &str = "countersign targets export";
    let request = ExportRequest {
        selection: arguments.selection.into(),
        form: arguments.form.into(),
        xcode: arguments.xcode,
        output: arguments.output,
    };
    match targets::export(&request, world) {
        Ok(export) => Ok(Answer::artifact(
            TITLE,
            export.text.unwrap_or_default(),
            export.findings,
        )),
        Err(Failure::Blocked(findings)) => Ok(Answer::artifact(TITLE, Vec::new(), findings)),
        Err(error) => Err(error),
    }
}

fn show(
    document: &TargetsDocument,
    now: Timestamp,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    let without = document
        .targets
        .iter()
        .filter(|target| !target.needs_profile)
        .count();
    if without == document.targets.len() && document.products.is_empty() && !terminal.is_verbose {
        return match without {
            0 => writeln!(out, "no targets"),
            1 => writeln!(out, "the target needs no profile: --verbose shows it"),
            count => writeln!(
                out,
                "none of the {count} targets needs a profile: --verbose shows them"
            ),
        };
    }
    for target in &document.targets {
        if !target.needs_profile && !terminal.is_verbose {
            continue;
        }
        writeln!(
            out,
            "{STRONG}{}{STRONG:#}  {FAINT}{}, {}, {}{FAINT:#}",
            plain(target.target.as_str()),
            target.product,
            plain(target.configuration.as_str()),
            target.platform
        )?;
        let mut row = |label: &str, shown: &ShownSetting| {
            writeln!(
                out,
                "  {FAINT}{label:<11}{FAINT:#}{}\n  {:<11}{FAINT}{}{FAINT:#}",
                plain(&shown.value),
                "",
                plain(&shown.origin)
            )
        };
        if let Some(bundle_id) = &target.bundle_id {
            row("bundle id", bundle_id)?;
        }
        row("style", &target.style)?;
        if let Some(team) = &target.team {
            row("team", team)?;
        }
        if let Some(specifier) = &target.specifier {
            row("asks for", specifier)?;
        }
        match &target.chosen {
            Some(chosen) => {
                let style = state::style(chosen.state);
                writeln!(
                    out,
                    "  {FAINT}{:<11}{FAINT:#}{style}{}{style:#}\n  {:<11}{}  {style}{}{style:#}",
                    "signed by",
                    plain(&chosen.name),
                    "",
                    chosen.profile,
                    state::words(chosen.state, Some(chosen.expires), now)
                )?;
            }
            None if target.needs_profile => {
                writeln!(out, "  {FAINT}{:<11}{FAINT:#}nothing fits", "signed by")?
            }
            None => {}
        }
        for discarded in &target.discarded {
            let text = format!(
                "{} ({}): {}",
                discarded.name, discarded.profile, discarded.why
            );
            report::paragraph(out, "not ", &text, terminal.width)?;
        }
    }
    for product in &document.products {
        let name = plain(product.name.as_str());
        writeln!(
            out,
            "{STRONG}{name}{STRONG:#}  {FAINT}product without an Xcode project{FAINT:#}"
        )?;
        for (label, value) in [
            ("bundle id", product.bundle_id.to_string()),
            ("claims", plain(&product.entitlements)),
            ("signed by", product.profile.to_string()),
        ] {
            writeln!(out, "  {FAINT}{label:<11}{FAINT:#}{value}")?;
        }
    }
    Ok(())
}

/// The columns of a table of targets.
const COLUMNS: [&str; 7] = [
    "target",
    "configuration",
    "platform",
    "profile",
    "state",
    "bundle-id",
    "uuid",
];

/// Those that are shown unless somebody says which.
const SHOWN: [&str; 5] = ["target", "configuration", "platform", "profile", "state"];

fn check(
    document: &CheckDocument,
    columns: &[String],
    now: Timestamp,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    if !columns.is_empty() {
        return table(document, columns, now, out, terminal);
    }
    match document.verdict {
        CheckVerdict::Blocked => {
            report::blocked(out, &document.head, &document.findings, terminal)?;
        }
        CheckVerdict::Cleared => writeln!(out, "{GOOD}cleared{GOOD:#}")?,
        CheckVerdict::Unsigned => writeln!(
            out,
            "unsigned: the settings say that this build signs nothing"
        )?,
    }
    if terminal.is_quiet {
        return Ok(());
    }
    if shown_targets(document, terminal).next().is_none() && document.products.is_empty() {
        return writeln!(
            out,
            "no target that is judged needs a profile: targets show lists them"
        );
    }
    writeln!(out)?;
    table(document, &SHOWN.map(str::to_owned), now, out, terminal)
}

/// The targets of the table.
fn shown_targets<'d>(
    document: &'d CheckDocument,
    terminal: &Terminal,
) -> impl Iterator<Item = &'d ShownTarget> {
    let shows_all = terminal.is_verbose;
    let targets = document.targets.iter();
    targets.filter(move |target| target.needs_profile && (target.judged || shows_all))
}

fn table(
    document: &CheckDocument,
    columns: &[String],
    now: Timestamp,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    let mut rows = Rows::new(&COLUMNS);
    for target in shown_targets(document, terminal) {
        rows.add(row(target, now));
    }
    for product in &document.products {
        rows.add([
            Cell::new(product.name.as_str()),
            Cell::new("-"),
            Cell::new("-"),
            Cell::new(product.profile.as_str()),
            Cell::new("-"),
            Cell::new(&product.bundle_id.to_string()),
            Cell::new(product.profile.as_str()),
        ]);
    }
    rows.write(out, columns, terminal)
}

fn row(target: &ShownTarget, now: Timestamp) -> [Cell; 7] {
    let bundle_id = target.bundle_id.as_ref().map_or("-", |it| &it.value);
    let chosen = target.chosen.as_ref();
    let state = chosen.map(|chosen| state::cell(chosen.state, Some(chosen.expires), now));
    [
        Cell::new(target.target.as_str()),
        Cell::new(target.configuration.as_str()),
        Cell::new(&target.platform.to_string()),
        Cell::new(chosen.map_or("-", |chosen| &chosen.name)),
        state.unwrap_or_else(|| Cell::new("-")),
        Cell::new(bundle_id),
        Cell::beginning(chosen.map_or("-", |chosen| chosen.profile.as_str()), 8),
    ]
}
