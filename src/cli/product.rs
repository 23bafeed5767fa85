//! `countersign product`: show, verify, check.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::answer::Answer;
use super::exit::Exit;
use super::projects::Kind;
use super::report::{self, FAINT, GOOD, STRONG};
use super::table::{Cell, Rows};
use super::terminal::Terminal;
use crate::apple::code_signature::codesign::Prediction;
use crate::apple::profile::ProfileKind;
use crate::base::finding::Severity;
use crate::base::ids::ConfigurationName;
use crate::base::plain::plain;
use crate::ops::error::Failure;
use crate::ops::product::{
    self, CheckRequest, ProductDocument, ShownItem, ShownProduct, ShownSlice,
};
use crate::ops::report::VerdictWord;
use crate::ops::target_selection::TargetSelection;
use crate::ops::world::World;

/// The subcommands of `product`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is signed in a product, and by whom: team, authority and sealed resources of every bundle and program in it.
    Show {
        /// The products: .app, .appex, .framework, .xpc, .systemextension, .bundle, .xcarchive, .ipa, or programs.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// A table with these columns, in this order.
        #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = COLUMNS)]
        columns: Vec<String>,
    },
    /// Verify that a product is what was signed, and that Apple knows who signed: every page, seal and signature. Exit code 10
    /// if it is not. Tells beside it what `codesign --verify --strict --deep` is predicted to say.
    Verify {
        /// The products: .app, .appex, .framework, .xpc, .systemextension, .bundle, .xcarchive, .ipa, or programs.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Check that a product is what was planned and pinned: profiles, certificates, team, entitlements, destination, and that
    /// every planned target is in it and nothing else. What `product verify` blocks is blocked here too. Exit code 10 if findings
    /// block.
    Check(CheckArguments),
}

/// What is checked, and against what.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The products: .app, .appex, .framework, .xpc, .systemextension, .bundle, .xcarchive, .ipa, or programs.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Where the product goes [default: where its planned profile leads]. An .xcarchive is held against its plan.
    #[arg(long = "for", value_enum, value_name = "DESTINATION")]
    pub destination: Option<Kind>,
    /// The Xcode project or workspace that plans the product; repeatable [default: the manifest's targets and products].
    #[arg(long, value_name = "X.xcodeproj")]
    pub project: Vec<PathBuf>,
    /// The scheme that was archived.
    #[arg(long, value_name = "NAME", requires = "project")]
    pub scheme: Option<String>,
    /// The build configuration that was built; repeatable.
    #[arg(long, value_name = "NAME")]
    pub configuration: Vec<ConfigurationName>,
}

impl From<CheckArguments> for CheckRequest {
    fn from(arguments: CheckArguments) -> Self {
        Self {
            paths: arguments.paths,
            destination: arguments.destination.map(ProfileKind::from),
            selection: TargetSelection {
                projects: arguments.project,
                scheme: arguments.scheme,
                configurations: arguments.configuration,
                ..TargetSelection::default()
            },
        }
    }
}

/// The columns of a table of signed items.
const COLUMNS: [&str; 9] = [
    "item",
    "identifier",
    "team",
    "authority",
    "role",
    "cdhash",
    "flags",
    "sealed",
    "profile",
];

/// Runs the command.
///
/// # Errors
/// We could not look.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::Show { paths, columns } => {
            let document = product::show(&paths, world)?;
            let exit = exit(&document);
            let answer = Answer::report(
                "countersign product show",
                document,
                move |document, out, terminal| {
                    if !columns.is_empty() {
                        return table(out, document, &columns, terminal);
                    }
                    let mut items = document.products.iter().flat_map(|product| &product.items);
                    items.try_for_each(|item| show(out, item))
                },
            );
            Ok(answer.ending_in(exit))
        }
        Command::Verify { paths } => {
            let document = product::verify(&paths, world)?;
            Ok(judged("countersign product verify", document))
        }
        Command::Check(arguments) => {
            let document = product::check(&arguments.into(), world)?;
            Ok(judged("countersign product check", document))
        }
    }
}

/// Findings that block, and the verdicts on each product.
fn judged(title: &'static str, document: ProductDocument) -> Answer<'static> {
    let exit = exit(&document);
    let answer = Answer::report(title, document, |document, out, terminal| {
        if document.verdict == VerdictWord::Blocked {
            report::blocked(out, &document.head, &document.findings, terminal)?;
            writeln!(out)?;
        }
        let mut products = document.products.iter();
        products.try_for_each(|product| verdicts(out, product))
    });
    answer.ending_in(exit)
}

fn exit(document: &ProductDocument) -> Exit {
    Exit::of_verdict(document.verdict == VerdictWord::Cleared, false)
}

/// Both verdicts on a product, ours first.
fn verdicts(out: &mut dyn Write, product: &ShownProduct) -> io::Result<()> {
    let slices: usize = product.items.iter().map(|item| item.slices.len()).sum();
    match product.verdict {
        VerdictWord::Cleared => write!(out, "{GOOD}cleared{GOOD:#}   ")?,
        VerdictWord::Blocked => {
            let style = report::style(Severity::Block);
            write!(out, "{style}BLOCKED{style:#}   ")?;
        }
    }
    let items = product.items.len();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    writeln!(
        out,
        "{STRONG}{}{STRONG:#}: {items} signed item{}, {slices} slice{}",
        plain(&product.path),
        plural(items),
        plural(slices),
    )?;
    if let Some(signer) = product
        .items
        .first()
        .and_then(|item| item.authority.first())
    {
        row(out, 0, "signed by", signer)?;
    }
    if let Some(destination) = product.destination {
        row(out, 0, "destination", destination.as_str())?;
    }
    if let Some(digest) = &product.digest {
        row(out, 0, "digest", &digest.to_string())?;
    }
    row(out, 0, "codesign", &predicted(&product.codesign))
}

fn predicted(prediction: &Prediction) -> String {
    let what = match (&prediction.status, prediction.number, &prediction.function) {
        (Some(status), Some(number), Some(function)) => {
            format!("{status} ({number}), from {function}")
        }
        _ => "valid".to_owned(),
    };
    format!("{what} (predicted for --verify --strict --deep, not run on a Mac)")
}

fn row(out: &mut dyn Write, depth: usize, label: &str, value: &str) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    writeln!(out, "{indent}  {FAINT}{label:<18}{FAINT:#}{}", plain(value))
}

/// One piece of code, as `codesign -dvvv` tells it.
fn show(out: &mut dyn Write, item: &ShownItem) -> io::Result<()> {
    let depth = item.depth;
    let indent = "  ".repeat(depth);
    writeln!(out, "{indent}{STRONG}{}{STRONG:#}", plain(item.name()))?;
    if let Some(identifier) = &item.identifier {
        row(out, depth, "Identifier", identifier)?;
    }
    row(out, depth, "Team", item.team.as_deref().unwrap_or("none"))?;
    match item.authority.as_slice() {
        [] => row(out, depth, "Authority", "none")?,
        [signer, issuers @ ..] => {
            let role = item
                .role
                .map_or("not proven".to_owned(), |role| role.to_string());
            row(out, depth, "Authority", &format!("{signer} ({role})"))?;
            for issuer in issuers {
                row(out, depth, "", issuer)?;
            }
        }
    }
    if let Some(time) = item.timestamp {
        row(out, depth, "Timestamp", &time.to_string())?;
    } else if let Some(time) = item.signed_time {
        row(
            out,
            depth,
            "Signed Time",
            &format!("{time} (by the signer's own account)"),
        )?;
    }
    match &item.sealed_resources {
        Some(seal) => {
            let said = format!(
                "version {}, {} rules, {} files",
                seal.version, seal.rules, seal.files
            );
            row(out, depth, "Sealed Resources", &said)?;
        }
        None => row(out, depth, "Sealed Resources", "none")?,
    }
    for slice in &item.slices {
        let name = slice.architecture.as_deref().unwrap_or("code");
        row(out, depth, name, &slice_line(slice))?;
    }
    if let Some(profile) = &item.embedded_profile {
        row(out, depth, "Profile", profile)?;
    }
    if let Some(ticket) = item.ticket {
        let said = format!(
            "names {} of the {} cdhashes of this code and of the code below it",
            ticket.names, ticket.of
        );
        row(out, depth, "Ticket", &said)?;
    }
    if let Some(requirement) = &item.designated_requirement {
        row(out, depth, "Requirement", requirement)?;
    }
    if let Some(serde_json::Value::Object(entitlements)) = &item.entitlements {
        for (key, value) in entitlements {
            row(out, depth, "Entitlement", &format!("{key} = {value}"))?;
        }
    }
    for unsealed in &item.unsealed {
        row(
            out,
            depth,
            "Unsealed",
            &format!("{}: {}", unsealed.path, unsealed.what),
        )?;
    }
    writeln!(out)
}

fn slice_line(slice: &ShownSlice) -> String {
    let (Some(cdhash), Some(flags)) = (&slice.cdhash, &slice.flags) else {
        return "not signed".to_owned();
    };
    let types: Vec<String> = slice.hash_types.iter().map(ToString::to_string).collect();
    format!(
        "cdhash {cdhash}, {}, flags {flags}, {} pages",
        types.join("+"),
        slice.code_slots
    )
}

fn table(
    out: &mut dyn Write,
    document: &ProductDocument,
    columns: &[String],
    terminal: &Terminal,
) -> io::Result<()> {
    let mut rows = Rows::new(&COLUMNS);
    for item in document.products.iter().flat_map(|product| &product.items) {
        let native = item.slices.last();
        let or_none = |value: Option<&str>| Cell::new(value.unwrap_or("-"));
        rows.add([
            Cell::new(&item.path),
            or_none(item.identifier.as_deref()),
            or_none(item.team.as_deref()),
            or_none(item.authority.first().map(String::as_str)),
            Cell::new(&item.role.map_or("-".to_owned(), |role| role.to_string())),
            or_none(native.and_then(|slice| slice.cdhash.as_deref())),
            or_none(native.and_then(|slice| slice.flags.as_deref())),
            Cell::new(
                &item
                    .sealed_resources
                    .as_ref()
                    .map_or("-".to_owned(), |seal| seal.files.to_string()),
            ),
            or_none(item.embedded_profile.as_deref()),
        ]);
    }
    rows.write(out, columns, terminal)
}
