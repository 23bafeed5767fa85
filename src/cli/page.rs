//! `countersign report`: the whole signing context on one page.
//!
//! The answer is a document like any other. With `-o` it also becomes a page of HTML ([`html`]): one file that needs no
//! network and no script, with charts as inline SVG (`timeline`, `graph`). What every page is made of has its own files: how it begins and
//! ends (`frame`), what is wrong (`fact`), rows of tables (`row`), dates and names (`shown`), and where it goes (`written`).

pub(super) mod fact;
pub(super) mod frame;
mod graph;
pub mod html;
pub(super) mod row;
pub(super) mod shown;
mod timeline;
pub(super) mod written;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use self::written::written;
use super::answer::Answer;
use super::exit::Exit;
use super::projects::ProjectArguments;
use super::remedies;
use super::report::{self, FAINT, GOOD, STRONG};
use super::selection::{IdentitiesArguments, KeychainArguments};
use super::table::{Cell, Rows};
use super::terminal::Terminal;
use super::typed::Typed;
use crate::base::finding::Severity;
use crate::base::ids::RegionName;
use crate::base::plain::plain;
use crate::ops::error::{Error, Failure};
use crate::ops::page::document::ReportDocument;
use crate::ops::page::expiries::Standing;
use crate::ops::page::{self as verb, ReportRequest};
use crate::ops::report::{Report as _, VerdictWord};
use crate::ops::world::World;

const TITLE: &str = "countersign report";

/// So many of what expires next are shown to people; the page and JSON hold all.
const NEXT: usize = 10;

/// What the page is about.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Write the page, one self-contained HTML file, to this file; `-` prints it, and nothing else, on standard output.
    #[arg(short, long, value_name = "FILE.html|-")]
    pub output: Option<PathBuf>,
    /// The identities.
    #[command(flatten)]
    pub identities: IdentitiesArguments,
    /// The Xcode project whose targets are shown, and which of them [default: the targets that the manifest pins].
    #[command(flatten)]
    pub targets: ProjectArguments,
    /// The region that is asked about.
    #[arg(long, value_name = "REGION")]
    pub region: Option<RegionName>,
    /// Show how things stand at this instant (RFC 3339), as in 2027-01-15T08:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<Timestamp>,
    /// Look at the identities of this keychain, which may be closed.
    #[command(flatten)]
    pub keychain: KeychainArguments,
}

/// Runs the command.
///
/// # Errors
/// What was named contradicts itself, or the page cannot be written.
pub fn run(arguments: Arguments, world: &World) -> Result<Answer<'static>, Failure> {
    let (identities, identities_password) = arguments.identities.parts();
    let request = ReportRequest {
        targets: arguments.targets.into(),
        identities_password,
        identities,
        keychain: arguments.keychain.named(),
        region: arguments.region,
    };
    let mut document = verb::report(&request, world)?;
    for finding in document.findings_mut() {
        remedies::complete(finding, &Typed::default());
    }
    for part in &mut document.missing {
        part.hint = remedies::advice(part.hint.as_deref(), part.remedy.take());
    }
    if let Some(file) = &arguments.output {
        let page = html::page(&document).map_err(Error::unexpected)?;
        if let Some(page) = written(file, page)? {
            return Ok(Answer::artifact(TITLE, page, Vec::new()));
        }
    }
    let form = move |document: &ReportDocument, out: &mut dyn Write, terminal: &Terminal| {
        show(document, arguments.output.as_deref(), out, terminal)
    };
    let verdict = html::headline(&document);
    // What is shown is no verdict: `gate` gives one.
    Ok(Answer::report(TITLE, document, form)
        .with_verdict(verdict)
        .ending_in(Exit::Fine))
}

fn show(
    document: &ReportDocument,
    written: Option<&std::path::Path>,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    let style = match document.verdict {
        Some(VerdictWord::Cleared) => GOOD,
        Some(VerdictWord::Blocked) => report::style(Severity::Block),
        None => STRONG,
    };
    writeln!(out, "{style}{}{style:#}", html::headline(document))?;
    if let Some(file) = written {
        let file = plain(&file.display().to_string());
        writeln!(out, "  {FAINT}{:<10}{FAINT:#}{file}", "page")?;
    }
    for part in &document.missing {
        let label = format!("{:<10}", part.part.as_str());
        writeln!(out, "  {FAINT}{label}{FAINT:#}{}", plain(&part.why))?;
        if let Some(hint) = &part.hint {
            report::paragraph(out, "do    ", hint, terminal.width)?;
        }
    }
    if !document.expiries.is_empty() {
        writeln!(out, "\n{STRONG}expires next{STRONG:#}")?;
        let mut rows = Rows::new(&["expires", "left", "what", "name"]);
        for expiry in document.expiries.iter().take(NEXT) {
            rows.add([
                Cell::new(&shown::day(expiry.expires)),
                Cell::new(&shown::left(
                    expiry.days_left,
                    expiry.standing == Standing::Expired,
                )),
                Cell::new(expiry.what.as_str()),
                Cell::new(&expiry.name),
            ]);
        }
        rows.write(out, &[], terminal)?;
        let more = document.expiries.len().saturating_sub(NEXT);
        if more > 0 {
            writeln!(out, "{FAINT}{more} more on the page{FAINT:#}")?;
        }
    }
    Ok(())
}
