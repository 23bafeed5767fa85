//! The grid of a branch: what is said of its builds on each machine, at each instant.
//!
//! Machines of which the same is said at every instant share a row. In a row, instants that follow each other and have one outcome are one
//! bar, whatever the cause; its title names the causes. So the drawing grows with what differs, and not with machines and instants. Each
//! outcome has a shape of its own beside its colour, and its sign and word where the bar has room for them.
//!
//! Rows in which a build passes though it would fail come first. Pure: the document in, shapes out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::axis::{Axis, BOTTOM, numbers, width_of};
use super::tally::{Tally, class, short, sign};
use crate::base::finding::Code;
use crate::base::plain::plain;
use crate::cli::page::shown::{count, cut, day, rounded};
use crate::context::rotation::rehearsal::{FailCause, Moment, Outcome, RehearsedNode};
use crate::ops::rotate::{RehearsalDocument, RehearsedBranch, ShownBuilds, ShownGroup};

/// So many bars are drawn on one page; the machines of further rows are counted.
const MOST_BARS: usize = 12_000;
/// So many rows stand in the first drawing of a branch; the others in one that is unfolded.
const FIRST: usize = 40;
/// A row is so high.
const ROW: f64 = 20.0;
/// A name has room for so many characters.
const ROOM: usize = 27;
/// So many names stand in the title of a row.
const NAMED: usize = 12;
/// The room before the word of a bar.
const MARGIN: f64 = 4.0;
/// What is looked for is at least this wide; what is narrower touches its neighbours.
const NARROWEST: f64 = 5.0;
/// The outline of a hollow bar, as in the style sheet.
const OUTLINE: f64 = 1.6;

/// The grid of a branch.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) branch: String,
    pub(super) manifest: String,
    pub(super) digest: String,
    pub(super) tally: Tally,
    /// What is drawn at once, and what is unfolded.
    pub(super) first: Drawing,
    pub(super) further: Option<Drawing>,
    /// The machines of each row that stands for several: the name of the row, and theirs.
    pub(super) shared: Vec<(String, String)>,
    /// How many machines are not drawn.
    pub(super) left_out: usize,
}

/// The shapes of some rows.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) height: f64,
    /// Where the columns end.
    pub(super) ground: f64,
    pub(super) rows: Vec<Machines>,
}

/// A row: machines of which the same is said.
#[derive(Debug)]
pub(super) struct Machines {
    pub(super) y: f64,
    pub(super) name: String,
    pub(super) title: String,
    /// Whether one of its builds passes though it would fail.
    pub(super) is_missed: bool,
    pub(super) bars: Vec<Bar>,
}

/// Instants of one outcome.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) path: String,
    pub(super) title: String,
    /// Its sign, and its word if there is room; where they stand.
    pub(super) word: Option<(f64, String)>,
}

/// What is said of one machine at each instant: the place of that in a list, if there is a build.
type Said = Vec<Option<usize>>;

/// Machines of which the same is said.
struct Same<'a> {
    names: Vec<&'a str>,
    /// The first of them, without the domain of all.
    first: &'a str,
    runs: Vec<Run>,
}

/// Instants that follow each other and have one outcome.
struct Run {
    places: Range<usize>,
    outcome: Outcome,
    causes: BTreeSet<FailCause>,
    codes: BTreeSet<Code>,
}

/// The grids of a rehearsal, one for each branch.
pub(super) fn grids(document: &RehearsalDocument, axis: &Axis) -> Vec<Grid> {
    let mut room = MOST_BARS;
    let mut branches_left = document.branches.len();
    let of_branches = document.branches.iter().zip(by_branch(document));
    let grids = of_branches.map(|(branch, builds)| {
        // What a branch does not need the later ones have.
        let share = room / branches_left.max(1);
        branches_left = branches_left.saturating_sub(1);
        let (grid, used) = grid(document, branch, &builds, axis, share);
        room = room.saturating_sub(used);
        grid
    });
    grids.collect()
}

/// The builds of each branch, with the place of their instant. Two branches may have one name; at each instant they stand in their order.
fn by_branch(document: &RehearsalDocument) -> Vec<Vec<(usize, &ShownBuilds)>> {
    let mut by_branch = vec![Vec::new(); document.branches.len()];
    let mut next = 0;
    let mut instant = None;
    for builds in &document.builds {
        let Some(place) = document.place_of(builds.at) else {
            continue;
        };
        if instant != Some(place) {
            (instant, next) = (Some(place), 0);
        }
        let mut branches = document.branches.iter().enumerate().skip(next);
        let Some((branch, _)) = branches.find(|(_, it)| it.name == builds.branch) else {
            continue;
        };
        next = branch + 1;
        if let Some(of_branch) = by_branch.get_mut(branch) {
            of_branch.push((place, builds));
        }
    }
    by_branch
}

/// The grid of a branch with at most so many bars, and how many it has.
fn grid(
    document: &RehearsalDocument,
    branch: &RehearsedBranch,
    builds: &[(usize, &ShownBuilds)],
    axis: &Axis,
    share: usize,
) -> (Grid, usize) {
    let mut rows = same(document, builds);
    rows.sort_by_key(|row| !row.is_missed());
    let mut used = 0;
    let drawn = rows.iter().take_while(|row| {
        used += row.runs.len();
        used <= share
    });
    let drawn = drawn.count();
    let (drawn, left_out) = rows.split_at_checked(drawn).unwrap_or((&rows, &[]));
    let (first, further) = drawn.split_at_checked(FIRST).unwrap_or((drawn, &[]));
    let shared = drawn.iter().filter(|row| row.names.len() > 1);
    let tallies = builds.iter().map(|(_, builds)| Tally::of(builds));
    let grid = Grid {
        branch: plain(&branch.name),
        manifest: format!("Manifest revision {}", branch.manifest.revision),
        digest: branch.manifest.digest.to_string(),
        tally: tallies.fold(Tally::default(), Tally::with),
        first: drawing(first, &document.calendar, axis),
        further: (!further.is_empty()).then(|| drawing(further, &document.calendar, axis)),
        shared: shared
            .map(|row| (row.name(), row.names.join(", ")))
            .collect(),
        left_out: left_out.iter().map(|row| row.names.len()).sum(),
    };
    (grid, drawn.iter().map(|row| row.runs.len()).sum())
}

/// The machines of which the same is said at every instant, in the order of the first of each.
fn same<'a>(document: &'a RehearsalDocument, builds: &[(usize, &'a ShownBuilds)]) -> Vec<Same<'a>> {
    let machines = document.nodes.iter().enumerate();
    let machines: HashMap<&str, usize> = machines
        .map(|(at, node)| (node.host.as_str(), at))
        .collect();
    let mut groups: Vec<&ShownGroup> = Vec::new();
    let mut known: BTreeMap<(Outcome, Option<FailCause>, &[Code]), usize> = BTreeMap::new();
    let nothing: Said = vec![None; document.calendar.len()];
    let mut said: Vec<Said> = vec![nothing; document.nodes.len()];
    for (place, builds) in builds {
        for group in &builds.groups {
            let key = (group.outcome, group.fails, &*group.blocked_by);
            let number = *known.entry(key).or_insert_with(|| {
                groups.push(group);
                groups.len() - 1
            });
            let members = group.hosts.iter();
            for machine in members.filter_map(|host| machines.get(host.as_str())) {
                let cell = said.get_mut(*machine).and_then(|it| it.get_mut(*place));
                if let Some(cell) = cell {
                    *cell = Some(number);
                }
            }
        }
    }
    let domain = domain(&document.nodes);
    let mut together: HashMap<&Said, usize> = HashMap::new();
    let mut rows: Vec<Same<'a>> = Vec::new();
    for (node, said) in document.nodes.iter().zip(&said) {
        let at = *together.entry(said).or_insert(rows.len());
        match rows.get_mut(at) {
            Some(row) => row.names.push(node.host.as_str()),
            None => rows.push(Same {
                names: vec![node.host.as_str()],
                first: node
                    .host
                    .as_str()
                    .strip_suffix(domain)
                    .unwrap_or(node.host.as_str()),
                runs: runs(said, &groups),
            }),
        }
    }
    rows
}

/// The domain in which all machines are, if there are several: what follows the first dot of each name.
fn domain(nodes: &[RehearsedNode]) -> &str {
    let mut domains = nodes.iter().map(|node| {
        let name = node.host.as_str();
        name.find('.')
            .and_then(|dot| name.get(dot..))
            .unwrap_or_default()
    });
    let first = domains.next().unwrap_or_default();
    match nodes.len() > 1 && domains.all(|domain| domain == first) {
        true => first,
        false => "",
    }
}

fn runs(said: &Said, groups: &[&ShownGroup]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (place, number) in said.iter().enumerate() {
        let Some(group) = number.and_then(|number| groups.get(number)) else {
            continue;
        };
        let is_alike = |run: &&mut Run| run.places.end == place && run.outcome == group.outcome;
        match runs.last_mut().filter(is_alike) {
            Some(run) => {
                run.places.end += 1;
                run.causes.extend(group.fails);
                run.codes.extend(&group.blocked_by);
            }
            None => runs.push(Run {
                places: place..place + 1,
                outcome: group.outcome,
                causes: group.fails.into_iter().collect(),
                codes: group.blocked_by.iter().copied().collect(),
            }),
        }
    }
    runs
}

impl Same<'_> {
    fn is_missed(&self) -> bool {
        let mut runs = self.runs.iter();
        runs.any(|run| run.outcome == Outcome::PassesThoughItWouldFail)
    }

    /// `signer-01`, or `signer-01 and 24 more`.
    fn name(&self) -> String {
        let more = match self.names.len() {
            0 | 1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        let room = ROOM.saturating_sub(more.chars().count());
        format!("{}{more}", cut(&plain(self.first), room))
    }

    /// Its machines, as many as one can read.
    fn title(&self) -> String {
        let names = self.names.iter().take(NAMED).map(|name| plain(name));
        let mut names: Vec<String> = names.collect();
        if self.names.len() > NAMED {
            names.push(format!("and {} more", self.names.len() - NAMED));
        }
        names.join("\n")
    }
}

fn drawing(rows: &[Same<'_>], calendar: &[Moment], axis: &Axis) -> Drawing {
    let ground = axis.top + ROW * count(rows.len());
    let rows = rows.iter().enumerate().map(|(at, row)| {
        let mut bars: Vec<(bool, Bar)> = row
            .runs
            .iter()
            .map(|run| {
                (
                    run.outcome == Outcome::PassesThoughItWouldFail,
                    bar(run, calendar, axis),
                )
            })
            .collect();
        // What is looked for covers its neighbours, and not they it.
        bars.sort_by_key(|(is_missed, _)| *is_missed);
        Machines {
            y: axis.top + ROW * count(at),
            name: row.name(),
            title: row.title(),
            is_missed: row.is_missed(),
            bars: bars.into_iter().map(|(_, bar)| bar).collect(),
        }
    });
    Drawing {
        height: ground + BOTTOM,
        ground,
        rows: rows.collect(),
    }
}

fn bar(run: &Run, calendar: &[Moment], axis: &Axis) -> Bar {
    let width = axis.width * count(run.places.len());
    let (top, height) = match run.outcome {
        Outcome::PassesThoughItWouldFail => (1.0, 18.0),
        _ => (3.0, 14.0),
    };
    let drawn = match run.outcome {
        Outcome::PassesThoughItWouldFail => width.max(NARROWEST),
        // Neighbours stand apart where there is room for that.
        _ if width > NARROWEST => width - 1.0,
        _ => width,
    };
    // The outline of a hollow bar is drawn to both of its sides.
    let inset = match run.outcome {
        Outcome::BlockedThoughItWouldBuild if width > NARROWEST => OUTLINE / 2.0,
        _ => 0.0,
    };
    let left = rounded(axis.left(run.places.start) + inset);
    let drawn = rounded(drawn - 2.0 * inset);
    let (top, height) = (rounded(top + inset), rounded(height - 2.0 * inset));
    Bar {
        class: class(run.outcome),
        path: format!("M{left} {top}h{drawn}v{height}h-{drawn}z"),
        title: title(run, calendar),
        word: word(run, axis),
    }
}

/// What an outcome is called, as long as there is room for between two steps, and where that stands.
fn word(run: &Run, axis: &Axis) -> Option<(f64, String)> {
    let (from, to) = (axis.left(run.places.start), axis.left(run.places.end));
    let lines = axis.marks.iter().map(|mark| mark.x);
    let lines = lines.filter(|x| (from..to).contains(x));
    let begins: Vec<f64> = [from].into_iter().chain(lines).collect();
    let ends = begins.iter().skip(1).copied().chain([to]);
    let rooms: Vec<(f64, f64)> = begins.iter().copied().zip(ends).collect();
    let (sign, outcome) = (sign(run.outcome), run.outcome);
    let words = [
        format!("{sign} {}", outcome.as_str()),
        format!("{sign} {}", short(outcome)),
        sign.to_owned(),
    ];
    words.into_iter().find_map(|word| {
        let width = width_of(&word) + MARGIN;
        let room = rooms.iter().find(|(from, to)| to - from >= width)?;
        Some((rounded(room.0 + MARGIN), word))
    })
}

/// What is said, of which instants, and why.
fn title(run: &Run, calendar: &[Moment]) -> String {
    let at = |place: usize| calendar.get(place).map_or(String::new(), |it| day(it.at));
    let (first, last) = (run.places.start, run.places.end.saturating_sub(1));
    let days = match first == last {
        true => at(first),
        false => format!("{} to {}", at(first), at(last)),
    };
    let mut title = format!("{}\n{}: {days}", run.outcome.as_str(), numbers(&run.places));
    if !run.codes.is_empty() {
        let codes: Vec<&str> = run.codes.iter().map(|code| code.as_str()).collect();
        title.push_str(&format!("\nthe gate blocks: {}", codes.join(", ")));
    }
    if !run.causes.is_empty() {
        let causes: Vec<&str> = run.causes.iter().map(|cause| cause.as_str()).collect();
        title.push_str(&format!("\nthe build fails: {}", causes.join(", ")));
    }
    title
}
