//! The graph: which targets each profile signs, and which profiles each certificate carries.
//!
//! Three columns of boxes, with lines from left to right: targets and products, profiles, certificates. Boxes are in the
//! order of what they hang on, so that lines cross as little as can be. Pure: the document in, shapes out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::shown::{class, count, cut, left, rounded};
use crate::base::plain::plain;
use crate::ops::page::document::{ReportDocument, ReportedProfile};
use crate::ops::page::expiries::Standing;

/// The drawing is this wide, in units of its own.
pub(super) const WIDTH: f64 = 1000.0;
/// A box is this wide and high, and boxes stand so far apart.
pub(super) const BOX_WIDTH: f64 = 290.0;
pub(super) const BOX_HEIGHT: f64 = 26.0;
const ROW: f64 = 32.0;
/// Where the columns stand.
const COLUMNS: [f64; 3] = [0.0, 355.0, 710.0];
/// Below the headings.
const TOP: f64 = 28.0;
/// A profile that signs nothing is tied to so many of its certificates: development profiles name dozens.
const TIED: usize = 4;
/// So many characters of a name fit into a box, beside what stands at its right.
const ROOM: usize = 42;

/// The shapes of a graph.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Graph {
    pub(super) height: f64,
    pub(super) boxes: Vec<Node>,
    pub(super) lines: Vec<Line>,
}

/// A target, a product, a profile or a certificate.
#[derive(Debug, PartialEq)]
pub(super) struct Node {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) class: &'static str,
    /// Its name, as far as it fits.
    pub(super) name: String,
    /// What stands at its right.
    pub(super) note: String,
    /// All of it.
    pub(super) title: String,
}

/// What ties two boxes.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    /// The path of SVG.
    pub(super) path: String,
    /// `signs`, or `may` for what only could.
    pub(super) class: &'static str,
}

/// What one target or product is signed with, over its configurations.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Signed {
    /// The profile's place in its column; the largest number for none.
    profile: usize,
    name: String,
    note: String,
    certificate: Option<usize>,
}

/// Draws the graph of a report.
pub(super) fn draw(document: &ReportDocument) -> Graph {
    let standing: HashMap<&str, (Standing, i64)> = document
        .expiries
        .iter()
        .map(|it| (it.id.as_str(), (it.standing, it.days_left)))
        .collect();
    let certificates: HashMap<String, usize> = document
        .certificates
        .iter()
        .enumerate()
        .map(|(at, it)| (it.sha256.to_string(), at))
        .collect();
    let signers = signers(document, &certificates);
    let mut profiles: Vec<(usize, &ReportedProfile)> = document
        .profiles
        .iter()
        .map(|profile| {
            let ties = ties(profile, &signers, &certificates);
            (ties.first().copied().unwrap_or(usize::MAX), profile)
        })
        .collect();
    profiles.sort_by(|(a, left), (b, right)| {
        (a, &left.name, &left.uuid).cmp(&(b, &right.name, &right.uuid))
    });
    let place: HashMap<String, usize> = profiles
        .iter()
        .enumerate()
        .map(|(at, (_, profile))| (profile.uuid.to_string(), at))
        .collect();
    let signed = signed(document, &place, &certificates);

    let mut graph = Graph::default();
    let targets_y: Vec<f64> = (0..signed.len()).map(|at| TOP + ROW * count(at)).collect();
    let wishes = |of: &dyn Fn(usize) -> Vec<f64>, many: usize| -> Vec<Option<f64>> {
        (0..many).map(|at| mean(&of(at))).collect()
    };
    let of_profile = |at: usize| -> Vec<f64> {
        let rows = signed.iter().zip(&targets_y);
        rows.filter(|(it, _)| it.profile == at)
            .map(|(_, y)| *y)
            .collect()
    };
    let profiles_y = spread(&wishes(&of_profile, profiles.len()));
    let tied: Vec<Vec<usize>> = profiles
        .iter()
        .map(|(_, profile)| ties(profile, &signers, &certificates))
        .collect();
    let of_certificate = |at: usize| -> Vec<f64> {
        let rows = tied.iter().zip(&profiles_y);
        rows.filter(|(ties, _)| ties.contains(&at))
            .map(|(_, y)| *y)
            .collect()
    };
    let certificates_y = spread(&wishes(&of_certificate, document.certificates.len()));

    for (row, y) in signed.iter().zip(&targets_y) {
        let profile = profiles.get(row.profile).map(|(_, profile)| *profile);
        let worst = profile.and_then(|it| standing.get(it.uuid.as_str()));
        let note = match profile {
            Some(_) => row.note.clone(),
            None => "no profile".to_owned(),
        };
        graph.boxes.push(Node {
            x: COLUMNS[0],
            y: *y,
            class: worst.map_or("block", |(standing, _)| class(*standing)),
            title: format!("{}, {}", row.name, row.note),
            name: cut(&row.name, ROOM.saturating_sub(note.chars().count())),
            note,
        });
        if let Some(to) = profiles_y.get(row.profile) {
            graph
                .lines
                .push(line(COLUMNS[0], *y, COLUMNS[1], *to, "signs"));
        }
    }
    for (((_, profile), y), ties) in profiles.iter().zip(&profiles_y).zip(&tied) {
        let known = standing.get(profile.uuid.as_str()).copied();
        graph.boxes.push(node(
            COLUMNS[1],
            *y,
            &profile.name,
            known,
            profile.uuid.as_str(),
        ));
        let signs = signers.contains_key(profile.uuid.as_str());
        for to in ties.iter().filter_map(|at| certificates_y.get(*at)) {
            let class = if signs { "signs" } else { "may" };
            graph
                .lines
                .push(line(COLUMNS[1], *y, COLUMNS[2], *to, class));
        }
    }
    for (certificate, y) in document.certificates.iter().zip(&certificates_y) {
        let sha256 = certificate.sha256.to_string();
        let known = standing.get(sha256.as_str()).copied();
        graph
            .boxes
            .push(node(COLUMNS[2], *y, &certificate.name, known, &sha256));
    }
    let lowest = graph.boxes.iter().map(|it| it.y).fold(TOP, f64::max);
    graph.height = lowest + ROW;
    graph
}

/// The certificates that sign through each profile, by its UUID.
fn signers(
    document: &ReportDocument,
    certificates: &HashMap<String, usize>,
) -> BTreeMap<String, BTreeSet<usize>> {
    let targets = document.targets.iter();
    let targets = targets.filter_map(|it| Some((it.profile.as_ref()?, it.certificate?)));
    let products = document.products.iter();
    let products = products.filter_map(|it| Some((&it.profile, it.certificate?)));
    let mut signers: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (profile, certificate) in targets.chain(products) {
        if let Some(at) = certificates.get(&certificate.to_string()) {
            signers.entry(profile.to_string()).or_default().insert(*at);
        }
    }
    signers
}

/// The certificates that a profile is tied to: those that sign through it, else some of those that it names.
fn ties(
    profile: &ReportedProfile,
    signers: &BTreeMap<String, BTreeSet<usize>>,
    certificates: &HashMap<String, usize>,
) -> Vec<usize> {
    if let Some(signers) = signers.get(profile.uuid.as_str()) {
        return signers.iter().copied().collect();
    }
    let named = profile.certificates.iter();
    let mut named: Vec<usize> = named
        .filter_map(|it| certificates.get(&it.to_string()).copied())
        .collect();
    named.sort_unstable();
    named.truncate(TIED);
    named
}

/// Targets and products, each with its configurations together, in the order of their profiles.
fn signed(
    document: &ReportDocument,
    profiles: &HashMap<String, usize>,
    certificates: &HashMap<String, usize>,
) -> Vec<Signed> {
    let place = |uuid: &str| profiles.get(uuid).copied().unwrap_or(usize::MAX);
    let mut together: BTreeMap<(usize, String, Option<usize>), BTreeSet<String>> = BTreeMap::new();
    for target in &document.targets {
        let profile = target
            .profile
            .as_ref()
            .map_or(usize::MAX, |it| place(it.as_str()));
        let certificate = target
            .certificate
            .and_then(|it| certificates.get(&it.to_string()));
        together
            .entry((profile, target.target.to_string(), certificate.copied()))
            .or_default()
            .insert(target.configuration.to_string());
    }
    for product in &document.products {
        let profile = place(product.profile.as_str());
        let certificate = product
            .certificate
            .and_then(|it| certificates.get(&it.to_string()));
        together
            .entry((profile, product.name.to_string(), certificate.copied()))
            .or_default()
            .insert("product".to_owned());
    }
    let mut signed: Vec<Signed> = together
        .into_iter()
        .map(|((profile, name, certificate), notes)| {
            let notes: Vec<String> = notes.into_iter().map(|note| plain(&note)).collect();
            Signed {
                profile,
                name: plain(&name),
                note: cut(&notes.join(", "), ROOM / 2),
                certificate,
            }
        })
        .collect();
    signed.sort();
    signed
}

fn node(x: f64, y: f64, name: &str, known: Option<(Standing, i64)>, id: &str) -> Node {
    let name = plain(name);
    let note = known.map_or(String::new(), |(standing, days)| {
        left(days, standing == Standing::Expired)
    });
    Node {
        x,
        y,
        class: known.map_or("ok", |(standing, _)| class(standing)),
        title: format!("{name}, {note}\n{}", plain(id)),
        name: cut(&name, ROOM.saturating_sub(note.chars().count())),
        note,
    }
}

/// A curve from the right side of a box to the left side of another.
fn line(from_x: f64, from_y: f64, to_x: f64, to_y: f64, class: &'static str) -> Line {
    let half = BOX_HEIGHT / 2.0;
    let (begin, end) = (from_x + BOX_WIDTH, to_x);
    let middle = rounded((begin + end) / 2.0);
    let (from, to) = (rounded(from_y + half), rounded(to_y + half));
    Line {
        path: format!("M{begin} {from}C{middle} {from} {middle} {to} {end} {to}"),
        class,
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count(values.len()))
}

/// Places for boxes, in their order: each as near to where it wishes to be as the ones above it let it.
fn spread(wishes: &[Option<f64>]) -> Vec<f64> {
    let mut next = TOP;
    let mut places = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let place = wish.unwrap_or(next).max(next);
        places.push(rounded(place));
        next = place + ROW;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_never_cover_each_other() {
        let wishes = [Some(300.0), Some(10.0), None, Some(310.0), None];
        let places = spread(&wishes);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= ROW));
        assert_eq!(places[0], 300.0);
    }
}
