//! What a plan lists beside its rotations, for people: certificates, credentials, intermediates.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::base::plain::plain;
use crate::cli::report::STRONG;
use crate::cli::state;
use crate::cli::table::{Cell, Rows};
use crate::cli::terminal::Terminal;
use crate::context::rotation::intermediate::Holds;
use crate::ops::rotate::{MachineOfIntermediate, PlanDocument, PlannedCertificate};

const CERTIFICATES: [&str; 6] = [
    "certificate",
    "kind",
    "serial",
    "expires",
    "profiles",
    "signs",
];
const CREDENTIALS: [&str; 4] = ["credential", "ends", "begin by", "certificate"];

/// Shows the certificates with their own days, what else the policy names, and the intermediates.
pub(super) fn show(
    document: &PlanDocument,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    show_certificates(&document.certificates, out, terminal)?;
    if !document.credentials.is_empty() {
        writeln!(out, "\n{STRONG}credentials{STRONG:#}")?;
        let mut rows = Rows::new(&CREDENTIALS);
        for credential in &document.credentials {
            let certificate = credential.certificate.as_ref();
            rows.add([
                Cell::new(&credential.name),
                state::day(Some(credential.ends)),
                state::day(Some(credential.begin_by)),
                Cell::new(certificate.map_or("-", |it| &it.name)),
            ]);
        }
        rows.write(out, &CREDENTIALS.map(str::to_owned), terminal)?;
    }
    if !document.intermediates.is_empty() {
        writeln!(out, "\n{STRONG}intermediates{STRONG:#}")?;
    }
    for intermediate in &document.intermediates {
        let day = |at: Timestamp| format!("on {}", at.to_string().get(..10).unwrap_or_default());
        let expires = intermediate.expires.map(day);
        let noun = match intermediate.certificates {
            1 => "certificate",
            _ => "certificates",
        };
        writeln!(
            out,
            "  {}, which issued {} {noun}, expires {}",
            plain(&intermediate.name),
            intermediate.certificates,
            expires
                .as_deref()
                .unwrap_or("at a time that is not known here")
        )?;
        show_machines(&intermediate.machines, out)?;
    }
    Ok(())
}

/// Which machines hold an intermediate, and of which nobody knows.
fn show_machines(machines: &[MachineOfIntermediate], out: &mut dyn Write) -> io::Result<()> {
    for holds in [Holds::Yes, Holds::Expired, Holds::No, Holds::Unknown] {
        let of = machines.iter().filter(|it| it.holds == holds);
        let hosts: Vec<String> = of.map(|it| plain(it.host.as_str())).collect();
        if !hosts.is_empty() {
            writeln!(out, "    {holds} on {}", hosts.join(", "))?;
        }
    }
    Ok(())
}

/// Of the dozens that a development profile embeds nobody reads every one: those that nothing signs with are counted where there are
/// others.
fn show_certificates(
    certificates: &[PlannedCertificate],
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    if certificates.is_empty() {
        return Ok(());
    }
    let signs = |it: &&PlannedCertificate| !it.signs.is_empty();
    let has_signing = certificates.iter().any(|it| signs(&it));
    let shown = certificates.iter().filter(|it| !has_signing || signs(it));
    writeln!(out, "{STRONG}certificates{STRONG:#}")?;
    let mut rows = Rows::new(&CERTIFICATES);
    let mut more = certificates.len();
    for certificate in shown {
        more -= 1;
        rows.add([
            Cell::new(&certificate.name),
            Cell::new(&certificate.kind.to_string()),
            Cell::new(&certificate.serial),
            state::day(Some(certificate.expires)),
            Cell::new(&certificate.profiles.to_string()),
            Cell::new(&match certificate.signs.is_empty() {
                true => "-".to_owned(),
                false => certificate.signs.join(", "),
            }),
        ]);
    }
    rows.write(out, &CERTIFICATES.map(str::to_owned), terminal)?;
    match more {
        0 => Ok(()),
        1 => writeln!(out, "  and 1 more, which nothing is pinned to"),
        more => writeln!(out, "  and {more} more, which nothing is pinned to"),
    }
}
