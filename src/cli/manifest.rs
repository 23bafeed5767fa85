//! `countersign manifest`: freeze, show, digest, diff, verify, schema.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;

use super::answer::Answer;
use super::document::NamedDocument;
use super::exit::Exit;
use super::report::{self, FAINT, GOOD, STRONG};
use super::state;
use super::table::{Cell, Rows};
use super::targets::TargetsArguments;
use super::terminal::Terminal;
use crate::base::finding;
use crate::base::ids::TargetName;
use crate::base::plain::plain;
use crate::context::manifest::diff::{Change, ChangeKind};
use crate::context::manifest::used::LeftOut;
use crate::ops::error::{Error, Failure};
use crate::ops::manifest::{
    self, DiffDocument, FreezeDocument, FreezeRequest, ShowDocument, VerifyDocument,
};
use crate::ops::report::VerdictWord;
use crate::ops::schema;
use crate::ops::world::World;

/// The subcommands of `manifest`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prove profiles and write the manifest that pins them.
    Freeze {
        /// The profiles, directories of profiles, or fastlane match repositories [default: the installed profiles].
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The file to write [default: the file that --manifest names].
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The Xcode project whose targets are pinned too, and which of them [configuration: Release].
        #[command(flatten)]
        targets: Box<TargetsArguments>,
        /// This target may need a profile and have none: it is not pinned, and does not block; repeatable.
        #[arg(long, value_name = "NAME")]
        allow_unmapped: Vec<TargetName>,
        /// Pin all of these profiles, and not just those that the targets of the project and the policy's products are signed
        /// with.
        #[arg(long)]
        all: bool,
        /// Pin profiles that have expired, too.
        #[arg(long)]
        allow_expired: bool,
    },
    /// Show what the manifest pins: profiles, targets and products, each with how it stands now.
    Show {
        /// The columns of the profiles.
        #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = PROFILE_COLUMNS)]
        columns: Vec<String>,
    },
    /// Print the manifest's digest for --expect-manifest.
    Digest {
        /// Print the SHA-1 digest, which `shasum` prints.
        #[arg(long)]
        sha1: bool,
    },
    /// Show what changed between two manifests.
    Diff {
        /// The earlier manifest.
        old: PathBuf,
        /// The later manifest.
        new: PathBuf,
    },
    /// Check the manifest against the profiles it pins: bytes, signatures, every field.
    Verify {
        /// The profiles, directories of profiles, or fastlane match repositories [default: the installed profiles].
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Print the JSON Schema of the manifest, or of another document that countersign writes.
    Schema {
        /// The NAME of the document in its `schema` field: countersign.NAME.VERSION; of an earlier version NAME-VERSION.
        #[arg(value_enum, default_value = "manifest")]
        document: NamedDocument,
    },
}

/// Runs the command.
///
/// # Errors
/// We could not look, or could not write.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::Freeze {
            paths,
            output,
            targets,
            allow_unmapped,
            all,
            allow_expired,
            ..
        } => {
            let request = FreezeRequest {
                paths,
                output,
                targets: (*targets).into(),
                allow_unmapped,
                all,
                allow_expired,
            };
            let output = request.output.as_deref().unwrap_or(world.manifest_path());
            let output = output.display().to_string();
            let document = manifest::freeze(&request, world)?;
            let is_cleared = !finding::any_blocks(&document.findings);
            let exit = Exit::of_verdict(is_cleared, document.has_unread);
            let answer = Answer::report(
                "countersign manifest freeze",
                document,
                move |document, out, terminal| show_frozen(out, document, &output, terminal),
            );
            Ok(answer.ending_in(exit))
        }
        Command::Show { columns } => {
            let now = world.now;
            let title = "countersign manifest show";
            let document = manifest::show(world)?;
            Ok(Answer::report(
                title,
                document,
                move |document, out, terminal| show_pins(out, document, &columns, now, terminal),
            ))
        }
        Command::Digest { sha1 } => {
            let document = manifest::digest(sha1, world)?;
            let line = format!("{}\n", document.digest);
            Ok(Answer::data("countersign manifest digest", document, line))
        }
        Command::Diff { old, new } => {
            let document = manifest::diff(&old, &new, world)?;
            Ok(Answer::report(
                "countersign manifest diff",
                document,
                |document, out, _| show_changes(out, document),
            ))
        }
        Command::Verify { paths, .. } => {
            let document = manifest::verify(&paths, world)?;
            let is_cleared = document.verdict == VerdictWord::Cleared;
            let exit = Exit::of_verdict(is_cleared, document.has_unread);
            let answer = Answer::report(
                "countersign manifest verify",
                document,
                |document, out, terminal| show_verified(out, document, terminal),
            );
            Ok(answer.ending_in(exit))
        }
        Command::Schema { document } => {
            let schema = schema::schema(&document.0);
            let text = serde_json::to_string_pretty(&schema).map_err(Error::unexpected)?;
            Ok(Answer::data(
                "countersign manifest schema",
                schema,
                text + "\n",
            ))
        }
    }
}

fn show_frozen(
    out: &mut dyn Write,
    document: &FreezeDocument,
    output: &str,
    terminal: &Terminal,
) -> io::Result<()> {
    let Some(frozen) = &document.manifest else {
        report::blocked(out, &document.head, &document.findings, terminal)?;
        writeln!(out, "not frozen; {} is unchanged", plain(output))?;
        return show_left_out(out, &document.left_out);
    };
    let state = if frozen.changed {
        "frozen"
    } else {
        "unchanged"
    };
    writeln!(
        out,
        "{GOOD}{state}{GOOD:#}  {STRONG}{}{STRONG:#}",
        plain(&frozen.file)
    )?;
    let products = match frozen.products {
        0 => String::new(),
        count => format!(", {}", report::counted(count, "product")),
    };
    writeln!(
        out,
        "  revision {}, {}, {}{products}",
        frozen.revision,
        report::counted(frozen.profiles, "profile"),
        report::counted(frozen.targets, "target")
    )?;
    if let Some(archive) = &document.archive {
        let configurations = archive.configurations.iter();
        let configurations: Vec<String> = configurations.map(|it| plain(it.as_str())).collect();
        let of_scheme = archive.scheme.as_deref().map_or(String::new(), |scheme| {
            format!(", what scheme {} archives", plain(scheme))
        });
        let configurations = match configurations.as_slice() {
            [] => "all configurations".to_owned(),
            some => format!("configuration {}", some.join(", ")),
        };
        writeln!(out, "  {configurations}{of_scheme}")?;
    }
    writeln!(out, "  {}", frozen.digest)?;
    show_left_out(out, &document.left_out)
}

/// One line for each profile that is not pinned.
fn show_left_out(out: &mut dyn Write, left_out: &[LeftOut]) -> io::Result<()> {
    let mut left_out = left_out.iter();
    left_out.try_for_each(|LeftOut { profile, name, why }| {
        let (name, why) = (plain(name), plain(why));
        writeln!(out, "  {FAINT}left out{FAINT:#} {name} ({profile}): {why}")
    })
}

/// The columns of the profiles that are pinned.
const PROFILE_COLUMNS: [&str; 7] = [
    "state",
    "name",
    "bundle-id",
    "kind",
    "expires",
    "rotation",
    "uuid",
];

/// The columns of the targets that are pinned.
const TARGET_COLUMNS: [&str; 6] = [
    "state",
    "target",
    "configuration",
    "platform",
    "profile",
    "certificate",
];

fn show_pins(
    out: &mut dyn Write,
    document: &ShowDocument,
    columns: &[String],
    now: Timestamp,
    terminal: &Terminal,
) -> io::Result<()> {
    let mut profiles = Rows::new(&PROFILE_COLUMNS);
    for pin in &document.profiles {
        profiles.add([
            state::cell(pin.state, Some(pin.expires), now),
            Cell::new(&pin.name),
            Cell::new(&pin.bundle_id),
            Cell::new(&pin.kind.to_string()),
            state::day(Some(pin.expires)),
            Cell::new(&pin.rotation.to_string()),
            Cell::beginning(pin.uuid.as_str(), 8),
        ]);
    }
    if !columns.is_empty() {
        return profiles.write(out, columns, terminal);
    }
    let file = plain(&document.file);
    writeln!(
        out,
        "{STRONG}{file}{STRONG:#}  revision {}",
        document.revision
    )?;
    writeln!(out, "{}\n", document.digest)?;
    profiles.write(out, &[], terminal)?;
    if !document.targets.is_empty() {
        let mut targets = Rows::new(&TARGET_COLUMNS);
        for pin in &document.targets {
            let certificate = pin.certificate_name.as_deref().unwrap_or("-");
            targets.add([
                state::cell(pin.state, Some(pin.expires), now),
                Cell::new(pin.target.as_str()),
                Cell::new(pin.configuration.as_str()),
                Cell::new(&pin.platform.to_string()),
                Cell::new(&pin.profile_name),
                Cell::new(certificate),
            ]);
        }
        writeln!(out)?;
        targets.write(out, &[], terminal)?;
    }
    if !document.products.is_empty() {
        let mut products = Rows::new(&["product", "bundle-id", "profile"]);
        for pin in &document.products {
            products.add([
                Cell::new(pin.name.as_str()),
                Cell::new(&pin.bundle_id),
                Cell::new(pin.profile.as_str()),
            ]);
        }
        writeln!(out)?;
        products.write(out, &[], terminal)?;
    }
    let Some(archive) = &document.archive else {
        return Ok(());
    };
    let scheme = archive.scheme.as_deref().unwrap_or("none");
    let names = archive.configurations.iter().map(|it| it.as_str());
    let configurations: Vec<&str> = names.collect();
    let configurations = match configurations.as_slice() {
        [] => "all configurations".to_owned(),
        some => format!("configuration {}", some.join(", ")),
    };
    writeln!(
        out,
        "\njudged for scheme {}, {}",
        plain(scheme),
        plain(&configurations)
    )
}

fn show_verified(
    out: &mut dyn Write,
    document: &VerifyDocument,
    terminal: &Terminal,
) -> io::Result<()> {
    match document.verdict {
        VerdictWord::Cleared => writeln!(
            out,
            "{GOOD}verified{GOOD:#}  revision {}, {}",
            document.manifest.revision,
            report::counted(document.profile_count, "profile")
        ),
        VerdictWord::Blocked => report::begin(
            out,
            "NOT VERIFIED",
            &document.head,
            &document.findings,
            terminal,
        ),
    }
}

fn show_changes(out: &mut dyn Write, document: &DiffDocument) -> io::Result<()> {
    let count = match document.changes.len() {
        0 => "nothing changed".to_owned(),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    writeln!(
        out,
        "revision {} → {}: {count}",
        document.old.revision, document.new.revision
    )?;
    let mut changes = document.changes.iter();
    changes.try_for_each(|change| show_change(out, change))
}

fn show_change(out: &mut dyn Write, change: &Change) -> io::Result<()> {
    let sign = match change.change {
        ChangeKind::Added => '+',
        ChangeKind::Removed => '-',
        ChangeKind::Changed => '~',
    };
    writeln!(
        out,
        "{sign} {} {STRONG}{}{STRONG:#} {}",
        change.what,
        plain(&change.name),
        plain(&change.id)
    )?;
    for field in &change.fields {
        writeln!(
            out,
            "    {}: {} → {}",
            plain(&field.pointer),
            plain(&field.old.to_string()),
            plain(&field.new.to_string())
        )?;
    }
    Ok(())
}
