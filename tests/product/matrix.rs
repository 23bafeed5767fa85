//! The matrix: every kind of damage, what we say of it, and what `codesign` is predicted to say.
//!
//! The page `docs/evidence.md` holds it, and `UPDATE_SNAPSHOTS=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use forge::bundle::{ios_app_with_everything, mac_app_with_everything, mac_tool};
use forge::bundle_flaw::{Flaw, Means, Seen, tolerated_by_codesign};

use crate::{codes, developer_id, distribution, judged};

/// What is a flaw to the forge, and none to the product itself; why.
const ACCEPTED: &[(&str, &str)] = &[
    (
        "rule-takes-for-ever",
        "the rule is odd and seals all that the others do; it is matched in no time",
    ),
    (
        "signing-time-missing",
        "a secure timestamp says when; without one it is refused",
    ),
];

/// Where the forge expects `codesign` to object and we predict that it does not; why.
const TOLERATED_TOO: &[(&str, &str)] = &[
    (
        "alternate-with-other-flags",
        "SecStaticCode::flag asks the chosen CodeDirectory, so its word that nobody signed is believed",
    ),
    (
        "directory-twice",
        "SuperBlobCore::find takes the first; the strict check is for disk images alone",
    ),
    (
        "fat-processor-lies",
        "Universal::make compares the kinds of the slices, and no processors",
    ),
    ("fat-processor-twice", "Universal::findArch takes the first"),
    (
        "framework-version-added",
        "the byte that it changes lies in the padding behind the signature",
    ),
    (
        "rule-takes-for-ever",
        "regexec takes its time, and then matches",
    ),
];

/// Whether a byte in a file was changed that nothing seals: Apple's own rules leave it out.
fn is_unsealed(name: &str) -> bool {
    name.starts_with("file:") && name.ends_with("PkgInfo")
}

#[test]
fn every_kind_of_damage_is_refused_and_the_page_says_how() {
    let mut rows: BTreeMap<String, String> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (family, item) in [
        ("macOS", mac_app_with_everything(&developer_id())),
        ("iOS", ios_app_with_everything(&distribution())),
        ("tool", mac_tool(&developer_id())),
    ] {
        let honest = item.sign();
        for flaw in Flaw::all().into_iter().chain(Flaw::every_byte(&honest)) {
            let Some(product) = flaw.apply(&honest) else {
                continue;
            };
            count += 1;
            let report = judged(&product);
            let found = codes(&report);
            let predicted = report.codesign();
            let is_accepted =
                is_unsealed(&flaw.name) || ACCEPTED.iter().any(|(name, _)| *name == flaw.name);
            if flaw.seen == Seen::InItself && found.is_empty() && !is_accepted {
                wrong.push(format!("{family}: {} is not refused", flaw.name));
            }
            if flaw.seen == Seen::InContext && !found.is_empty() {
                wrong.push(format!(
                    "{family}: {} is intact, and found {found:?}",
                    flaw.name
                ));
            }
            // The forge's opinion is of deep bundles; bytes are counted out and have no row.
            let is_counted = flaw.name.contains(':');
            let is_tolerated = tolerated_by_codesign(&flaw.name).is_some()
                || flaw.seen == Seen::InContext
                || TOLERATED_TOO.iter().any(|(name, _)| *name == flaw.name);
            if family == "macOS" && !is_counted && is_tolerated != predicted.is_none() {
                wrong.push(format!(
                    "{}: the forge expects codesign to {} it, predicted {predicted:?}",
                    flaw.name,
                    if is_tolerated { "pass" } else { "refuse" },
                ));
            }
            if !is_counted && flaw.seen == Seen::InItself {
                let means = match flaw.means {
                    Means::Edit => "who may write files",
                    Means::OtherKey => "whoever has any key",
                    Means::Key => "who has the product's key",
                };
                let codesign = predicted.map_or("valid".to_owned(), |fault| {
                    format!("{} from `{}`", fault.status.name(), fault.function)
                });
                let ours = match found.as_slice() {
                    [] => "cleared".to_owned(),
                    found => format!("`{}`", found.join("`, `")),
                };
                rows.entry(flaw.name.clone()).or_insert(format!(
                    "| {} | {means} | {codesign} | {ours} |\n",
                    flaw.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 120, "only {count} kinds of damage");
    page(&rows);
}

/// Holds the table in the page, or writes it anew.
fn page(rows: &BTreeMap<String, String>) {
    const START: &str =
        "| damage | made by | `codesign` (predicted) | countersign |\n|---|---|---|---|\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/evidence.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(START).unwrap();
    let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
    let mut table = String::new();
    for row in rows.values() {
        write!(table, "{row}").unwrap();
    }
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let after = rest.get(end..).unwrap_or_default();
        fs::write(&path, format!("{before}{START}{table}{after}")).unwrap();
        return;
    }
    let stands: Vec<&str> = rest[..end].lines().collect();
    let made: Vec<&str> = table.lines().collect();
    assert_eq!(stands, made, "UPDATE_SNAPSHOTS=1 writes the table anew");
}
