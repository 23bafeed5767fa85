//! No circle inside a room.
//!
//! A file depends on another when it uses an item that the other declares ([`super::paths`] says what that is), whatever
//! module it took the name from. A module and the files in its folder are one piece of work, so a child may use what its
//! parents declare: such a use ties nothing. All others do: of a parent to its child, of siblings, of files in different
//! folders, also where they go through somebody's parent. A parent whose child is used from outside, by a file that the
//! parent uses, is in a circle.

use std::collections::BTreeMap;

use super::hold;
use super::paths::mentions;
use super::source::sources;

/// What ties a file to another: the first line that does, and how many there are.
type Ties = BTreeMap<usize, (usize, String, usize)>;

fn ties(file: usize) -> Ties {
    let mut ties = Ties::new();
    for mention in mentions(file) {
        let Some(other) = mention.file else { continue };
        let (own, others) = (&sources()[file].module, &sources()[other].module);
        let is_parent = own.starts_with(others);
        if own.first() == others.first() && !is_parent {
            let name = mention.path.last().cloned().unwrap_or_default();
            ties.entry(other).or_insert((mention.line, name, 0)).2 += 1;
        }
    }
    ties
}

/// Groups of files of which each reaches every other (Tarjan).
fn circles(graph: &[Ties]) -> Vec<Vec<usize>> {
    struct Walk<'a> {
        graph: &'a [Ties],
        order: Vec<Option<usize>>,
        low: Vec<usize>,
        stack: Vec<usize>,
        next: usize,
        found: Vec<Vec<usize>>,
    }
    impl Walk<'_> {
        fn visit(&mut self, file: usize) {
            self.order[file] = Some(self.next);
            self.low[file] = self.next;
            self.next += 1;
            self.stack.push(file);
            for &other in self.graph[file].keys() {
                match self.order[other] {
                    None => {
                        self.visit(other);
                        self.low[file] = self.low[file].min(self.low[other]);
                    }
                    Some(order) if self.stack.contains(&other) => {
                        self.low[file] = self.low[file].min(order);
                    }
                    Some(_) => {}
                }
            }
            if self.order[file] == Some(self.low[file]) {
                let from = self.stack.iter().position(|member| *member == file);
                let mut members = self.stack.split_off(from.unwrap());
                if members.len() > 1 {
                    members.sort_unstable();
                    self.found.push(members);
                }
            }
        }
    }
    let mut walk = Walk {
        graph,
        order: vec![None; graph.len()],
        low: vec![0; graph.len()],
        stack: Vec::new(),
        next: 0,
        found: Vec::new(),
    };
    for file in 0..graph.len() {
        if walk.order[file].is_none() {
            walk.visit(file);
        }
    }
    walk.found
}

#[test]
fn inside_a_room_no_files_use_each_other_in_a_circle() {
    let graph: Vec<Ties> = (0..sources().len()).map(ties).collect();
    let mut offences = Vec::new();
    for circle in circles(&graph) {
        let room = sources()[circle[0]].room();
        let mut lines = vec![format!("a circle of {} files in {room}:", circle.len())];
        for file in &circle {
            for (other, (line, name, count)) in &graph[*file] {
                if circle.contains(other) {
                    let place = sources()[*file].line(*line);
                    let other = &sources()[*other].path;
                    lines.push(format!("  {place}: {name} of {other} ({count} uses)"));
                }
            }
        }
        offences.push(lines.join("\n  "));
    }
    hold(
        "inside_a_room_no_files_use_each_other_in_a_circle",
        &offences,
    );
}

#[test]
fn a_circle_is_found_and_a_chain_is_none() {
    let graph = |edges: &[(usize, usize)]| {
        let mut graph = vec![Ties::new(); 5];
        for (from, to) in edges {
            graph[*from].insert(*to, (1, String::new(), 1));
        }
        graph
    };
    assert!(circles(&graph(&[(0, 1), (1, 2), (0, 2), (3, 2)])).is_empty());
    let two = circles(&graph(&[(0, 1), (1, 2), (2, 0), (3, 4), (4, 3), (2, 3)]));
    assert_eq!(two, [vec![3, 4], vec![0, 1, 2]]);
}

#[test]
fn names_are_followed_to_the_files_that_declare_them() {
    let ties: usize = (0..sources().len()).map(|file| ties(file).len()).sum();
    assert!(
        ties > sources().len(),
        "{ties} ties among {} files",
        sources().len()
    );
}
