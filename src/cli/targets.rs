//! `countersign targets`: show, check, export.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::document::VerdictWord;
use super::exit::{Exit, Failure};
use super::projects::{Planned, ProjectArguments, planned};
use super::report::{self, FAINT, Format, GOOD, STRONG};
use super::table::{plain, table};
use super::world::{World, exit_of};
use crate::base::error::Explain as _;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::{CertSha256, ConfigurationName, ProfileUuid, TargetName};
use crate::context::plan::export::{BuildSettings, export_options};
use crate::context::plan::{Plan, PlanDocument, Row, Why, plan};
use crate::host::files::{self, FileMode};
use crate::xcode::export_options::XcodeVersion;
use crate::xcode::platform::Platform;
use crate::xcode::settings::Origin;
use crate::xcode::targets::SigningTarget;

/// What to do with targets.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what each target asks for, where that is written, and what would sign it.
    Show(ProjectArguments),
    /// Check that every target gets the profile it asks for. Exit 10 if findings block.
    Check(ProjectArguments),
    /// Hand the plan to xcodebuild, by UUID, without editing the project.
    Export(ExportArguments),
}

/// What to export.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Which targets.
    #[command(flatten)]
    pub selection: ProjectArguments,
    /// The form.
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub form: Form,
    /// The Xcode that reads the export options: 15.3 renamed the methods.
    #[arg(long, value_name = "VERSION", default_value = "16.0")]
    pub xcode: XcodeVersion,
    /// Write to a file instead of standard output.
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
    /// ExportOptions.plist for `xcodebuild -exportArchive`.
    ExportOptions,
    /// The pinned targets as JSON.
    Json,
}

/// Runs the command.
pub fn run(command: Command, world: &World) -> Result<Exit, Failure> {
    match command {
        Command::Show(arguments) => show(&planned(&arguments, world)?, world),
        Command::Check(arguments) => check(&planned(&arguments, world)?, world),
        Command::Export(arguments) => {
            export(&arguments, &planned(&arguments.selection, world)?, world)
        }
    }
}

/// The `countersign.targets.v1` document: what `targets show` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TargetsDocument {
    /// Always `countersign.targets.v1`.
    #[schemars(extend("const" = "countersign.targets.v1"))]
    pub schema: &'static str,
    /// The targets that were asked for, one for each configuration and platform.
    pub targets: Vec<ShownTarget>,
    /// What is not right.
    pub findings: Vec<Finding>,
}

/// The `countersign.targets-check.v1` document: what `targets check` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckDocument {
    /// Always `countersign.targets-check.v1`.
    #[schemars(extend("const" = "countersign.targets-check.v1"))]
    pub schema: &'static str,
    /// Whether every target gets the profile that it asks for.
    pub verdict: VerdictWord,
    /// What is not right.
    pub findings: Vec<Finding>,
    /// Always empty: nothing can be waived here.
    pub waived: Vec<String>,
    /// What signs each target.
    pub targets: Vec<ShownTarget>,
}

/// One target in one configuration on one platform.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownTarget {
    /// The path of its `.xcodeproj`, as it was named or found.
    pub project: String,
    /// The target's name.
    pub target: TargetName,
    /// The build configuration's name.
    pub configuration: ConfigurationName,
    /// The platform.
    pub platform: Platform,
    /// What it builds, as people call it: `application`, `app extension`, `framework`, …
    pub product: &'static str,
    /// Whether it must be signed with a profile.
    pub needs_profile: bool,
    /// Its bundle id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<ShownSetting>,
    /// Its signing style: `Automatic` or `Manual`.
    pub style: ShownSetting,
    /// Its team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<ShownSetting>,
    /// The profile that it asks for, by name or UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specifier: Option<ShownSetting>,
    /// The signing identity that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<ShownSetting>,
    /// The target of the application that carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<TargetName>,
    /// What signs it; absent if it needs no profile or nothing fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    /// Profiles that cover its bundle id and do not sign it; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discarded: Vec<ShownDiscarded>,
}

/// A setting's value and where it is written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownSetting {
    /// The value, resolved.
    pub value: String,
    /// Where it is written, for people: file, line and layer.
    pub origin: String,
}

/// What signs a target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Chosen {
    /// The profile's UUID.
    pub profile: ProfileUuid,
    /// The profile's name.
    pub name: String,
    /// SHA-256 of the certificate's DER encoding, hex.
    pub certificate: CertSha256,
    /// Why this profile.
    pub why: Why,
}

/// A profile that was not chosen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownDiscarded {
    /// Its UUID.
    pub profile: ProfileUuid,
    /// Its name.
    pub name: String,
    /// Why not, for people.
    pub why: String,
}

fn setting(value: impl ToString, origin: &Origin) -> ShownSetting {
    ShownSetting {
        value: value.to_string(),
        origin: origin.to_string(),
    }
}

impl ShownTarget {
    fn of(target: &SigningTarget, row: Option<&Row<'_>>) -> Self {
        let choice = row.and_then(|row| row.choice);
        Self {
            project: target.project.display().to_string(),
            target: target.target.clone(),
            configuration: target.configuration.clone(),
            platform: target.platform,
            product: target.kind.as_str(),
            needs_profile: target.needs_profile(),
            bundle_id: target
                .bundle_id
                .as_ref()
                .map(|bundle_id| setting(&bundle_id.value, &bundle_id.origin)),
            style: setting(target.style.value, &target.style.origin),
            team: target
                .team
                .as_ref()
                .map(|team| setting(&team.value, &team.origin)),
            specifier: target
                .requested_profile()
                .map(|requested| setting(&requested.value, &requested.origin)),
            identity: target
                .identity
                .as_ref()
                .map(|identity| setting(&identity.value, &identity.origin)),
            host: target.host.clone(),
            chosen: choice.map(|choice| Chosen {
                profile: choice.profile.uuid.clone(),
                name: choice.profile.name.clone(),
                certificate: choice.certificate.sha256,
                why: choice.why,
            }),
            discarded: row
                .map(|row| row.discarded.as_slice())
                .unwrap_or_default()
                .iter()
                .map(|one| ShownDiscarded {
                    profile: one.profile.uuid.clone(),
                    name: one.profile.name.clone(),
                    why: one.why.clone(),
                })
                .collect(),
        }
    }
}

fn shown(planned: &Planned, plan: &Plan<'_>) -> Vec<ShownTarget> {
    plan.with_rows(&planned.targets)
        .map(|(target, row)| ShownTarget::of(target, row))
        .collect()
}

/// Findings of the projects and of the plan together. Without a manifest nobody has looked at dates yet.
pub(super) fn findings_of(
    planned: &Planned,
    plan: &Plan<'_>,
    now: jiff::Timestamp,
) -> Vec<Finding> {
    let mut findings = [planned.findings.clone(), plan.findings.clone()].concat();
    let chosen = plan.rows.iter().filter_map(|row| row.choice);
    let mut expired: Vec<String> = chosen
        .filter(|choice| choice.profile.expires < now)
        .map(|choice| choice.profile.title())
        .collect();
    expired.sort();
    expired.dedup();
    if let Some(first) = expired.first() {
        let others = match expired.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        findings.push(
            Finding::info(
                Code::ProfileExpired,
                format!("profile {first}{others} has expired: a build with it fails"),
            )
            .hint("renew it at Apple's developer site; `countersign gate` blocks until then"),
        );
    }
    finding::sort(&mut findings);
    finding::distinct(&mut findings);
    findings
}

fn show(planned: &Planned, world: &World) -> Result<Exit, Failure> {
    let request = planned.request();
    let plan = plan(&request);
    let findings = findings_of(planned, &plan, world.now);
    let targets = shown(planned, &plan);
    if world.format() == Format::Json {
        world.print_json(&TargetsDocument {
            schema: "countersign.targets.v1",
            targets,
            findings,
        })?;
        return Ok(Exit::Fine);
    }
    let mut out = anstream::stdout().lock();
    for target in &targets {
        if !target.needs_profile && !world.global.verbose {
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
            Some(chosen) => writeln!(
                out,
                "  {FAINT}{:<11}{FAINT:#}{GOOD}{}{GOOD:#}\n  {:<11}{}",
                "signed by",
                plain(&chosen.name),
                "",
                chosen.profile
            )?,
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
            report::paragraph(&mut out, "not ", &text, world.width)?;
        }
    }
    Ok(Exit::Fine)
}

fn check(planned: &Planned, world: &World) -> Result<Exit, Failure> {
    let request = planned.request();
    let plan = plan(&request);
    let findings = findings_of(planned, &plan, world.now);
    let blocks = finding::any_blocks(&findings);
    match world.format() {
        Format::Json => world.print_json(&CheckDocument {
            schema: "countersign.targets-check.v1",
            verdict: VerdictWord::of(!blocks),
            findings: findings.clone(),
            waived: Vec::new(),
            targets: shown(planned, &plan),
        })?,
        Format::Github => {
            report::github(&mut std::io::stdout().lock(), &findings)?;
            world.summarize("countersign targets check", &findings)?;
        }
        Format::Human => {
            let mut out = anstream::stdout().lock();
            let count = findings
                .iter()
                .filter(|finding| finding.severity == Severity::Block)
                .count();
            if blocks {
                let style = report::style(Severity::Block);
                let noun = if count == 1 { "finding" } else { "findings" };
                writeln!(out, "{style}BLOCKED{style:#}  {count} {noun}")?;
            } else {
                writeln!(out, "{GOOD}cleared{GOOD:#}")?;
            }
            if !plan.rows.is_empty() && !world.global.quiet {
                writeln!(out, "\n{}", overview(&plan, world.width))?;
            }
            let visible: Vec<Finding> = world.visible(&findings).into_iter().cloned().collect();
            report::human(&mut out, &visible, world.width)?;
        }
    }
    Ok(exit_of(&findings))
}

fn overview(plan: &Plan<'_>, width: usize) -> comfy_table::Table {
    let mut rows = table(&["target", "configuration", "platform", "profile"], width);
    for row in &plan.rows {
        rows.add_row([
            plain(row.target.target.as_str()),
            plain(row.target.configuration.as_str()),
            row.target.platform.to_string(),
            row.choice
                .map_or("-".to_owned(), |choice| plain(&choice.profile.name)),
        ]);
    }
    rows
}

/// Whether a finding is about settings that an export replaces on the command line: style, identity, specifier. An
/// export made in spite of the others would fail in the build, or sign with something else.
fn is_healed_by_export(finding: &Finding) -> bool {
    finding.severity != Severity::Block
        || matches!(
            finding.code,
            Code::SigningStyleMixed | Code::SpecifierShared | Code::TargetProfileStale
        )
}

fn export(arguments: &ExportArguments, planned: &Planned, world: &World) -> Result<Exit, Failure> {
    let request = planned.request();
    let plan = plan(&request);
    let blocked = |error: crate::context::plan::export::ExportError| Failure {
        exit: Exit::Blocked,
        message: match error.hint() {
            Some(hint) => format!("{error}: {hint}"),
            None => error.to_string(),
        },
    };
    let findings = findings_of(planned, &plan, world.now);
    let visible: Vec<Finding> = world.visible(&findings).into_iter().cloned().collect();
    if !visible.is_empty() {
        report::human(&mut anstream::stderr().lock(), &visible, world.width)?;
    }
    if let Some(finding) = findings
        .iter()
        .find(|finding| !is_healed_by_export(finding))
    {
        return Err(Failure {
            exit: Exit::Blocked,
            message: format!("nothing is exported: {}", finding.message),
        });
    }
    let text = match arguments.form {
        Form::Xcargs => BuildSettings::of(&plan).map_err(blocked)?.as_arguments(),
        Form::Xcconfig => BuildSettings::of(&plan).map_err(blocked)?.as_xcconfig(),
        Form::ExportOptions => export_options(&plan)
            .map_err(blocked)?
            .to_plist(arguments.xcode),
        Form::Json => {
            let targets = plan.pinned_targets();
            let mut text = serde_json::to_string_pretty(&PlanDocument::of(&targets))
                .map_err(Failure::unexpected)?;
            text.push('\n');
            text
        }
    };
    match &arguments.output {
        Some(path) => files::replace_atomically(path, text.as_bytes(), FileMode::Keep)
            .map_err(Failure::input)?,
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(Exit::Fine)
}
