//! Tables: on a terminal they fit it, in a pipe each row is one whole line with tabs.
//!
//! A table that is cut to eighty columns is of no use to `cut`, `awk` or a log. So a pipe gets every cell whole, under
//! the same headings; `--columns` says which, and in which order.
//!
//! On a terminal that is too narrow for all columns, a row takes several lines: each column stands in the first of them that has
//! room. People search for names, bundle ids and fingerprints, and copy them, so no cell is broken within a word.

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use super::report;
use super::terminal::Terminal;
use crate::base::plain::plain;

/// A cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    shown: Option<String>,
    style: Style,
}

impl Cell {
    /// A text, without what a terminal would act on.
    pub fn new(text: &str) -> Self {
        Self {
            text: plain(text),
            ..Self::default()
        }
    }

    /// The same, of which a terminal shows only the beginning.
    pub fn beginning(text: &str, length: usize) -> Self {
        let text = plain(text);
        Self {
            shown: Some(text.chars().take(length).collect()),
            text,
            style: Style::new(),
        }
    }

    /// In this style.
    #[must_use]
    pub fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// What a terminal shows.
    fn shown(&self) -> &str {
        self.shown.as_ref().unwrap_or(&self.text)
    }

    /// The columns of a terminal that it takes.
    fn width(&self) -> usize {
        self.shown().width()
    }

    /// Whether it says nothing.
    fn is_empty(&self) -> bool {
        matches!(self.text.as_str(), "" | "-")
    }
}

/// The blanks between two columns.
const GAP: usize = 2;

/// How a table is laid out on a terminal.
struct Layout {
    /// The width of each column.
    widths: Vec<usize>,
    /// The columns that stand side by side, line by line.
    lines: Vec<Vec<usize>>,
    /// Where the second line and those after it begin.
    indent: usize,
    /// The width of the terminal.
    width: usize,
}

impl Layout {
    fn new(rows: &[Vec<Cell>], width: usize) -> Self {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let widest = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(Cell::width).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        let first = widths.first().map_or(0, |first| first + GAP);
        // What is below stands behind the first column, unless that one takes half of the line.
        let indent = if first * 2 <= width { first } else { GAP };
        // Each column stands in the first line that has room for it.
        let mut lines: Vec<(Vec<usize>, usize)> = Vec::new();
        for (column, wide) in widths.iter().enumerate() {
            match lines.iter_mut().find(|(_, taken)| taken + wide <= width) {
                Some((columns, taken)) => {
                    columns.push(column);
                    *taken += wide + GAP;
                }
                None => {
                    let taken = if lines.is_empty() { 0 } else { indent };
                    lines.push((vec![column], taken + wide + GAP));
                }
            }
        }
        let lines = lines.into_iter().map(|(columns, _)| columns).collect();
        Self {
            widths,
            lines,
            indent,
            width,
        }
    }

    fn write(&self, out: &mut (impl Write + ?Sized), row: &[Cell]) -> io::Result<()> {
        for (number, columns) in self.lines.iter().enumerate() {
            let cells = || columns.iter().filter_map(|column| row.get(*column));
            if number > 0 && cells().all(Cell::is_empty) {
                continue;
            }
            let indent = if number > 0 { self.indent } else { 0 };
            let mut line = " ".repeat(indent);
            // Behind the last text of a line stand no blanks.
            let mut blanks = 0;
            let widths = columns.iter().filter_map(|column| self.widths.get(*column));
            for (cell, width) in cells().zip(widths) {
                line.push_str(&" ".repeat(blanks));
                let style = cell.style;
                let room = self.width.saturating_sub(indent);
                match cell.width() > room {
                    true => {
                        let next = format!("\n{}", " ".repeat(indent));
                        let text = report::wrapped(cell.shown(), room).join(&next);
                        line.push_str(&format!("{style}{text}{style:#}"));
                    }
                    false => line.push_str(&format!("{style}{}{style:#}", cell.shown())),
                }
                blanks = width.saturating_sub(cell.width()) + GAP;
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A table of named columns.
#[derive(Debug)]
pub struct Rows {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Rows {
    /// Without rows.
    pub fn new(headings: &[&'static str]) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, a cell for each heading.
    pub fn add(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.rows.push(row.into_iter().collect());
    }

    /// Writes it with these columns; with all if none is named.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(
        &self,
        out: &mut (impl Write + ?Sized),
        columns: &[String],
        terminal: &Terminal,
    ) -> io::Result<()> {
        let named = columns.iter();
        let index = |name: &String| self.headings.iter().position(|heading| heading == name);
        let mut chosen: Vec<usize> = named.filter_map(index).collect();
        if columns.is_empty() {
            chosen = (0..self.headings.len()).collect();
        }
        let pick = |row: &[Cell]| -> Vec<Cell> {
            let cells = chosen.iter().map(|index| row.get(*index).cloned());
            cells.map(Option::unwrap_or_default).collect()
        };
        let headings: Vec<Cell> = self
            .headings
            .iter()
            .map(|heading| Cell::new(&heading.to_uppercase()))
            .collect();
        if !terminal.draws_tables {
            for row in [&headings].into_iter().chain(&self.rows) {
                let cells: Vec<String> = pick(row).into_iter().map(|cell| cell.text).collect();
                writeln!(out, "{}", cells.join("\t"))?;
            }
            return Ok(());
        }
        let rows = [&headings].into_iter().chain(&self.rows);
        let rows: Vec<Vec<Cell>> = rows.map(|row| pick(row)).collect();
        let layout = Layout::new(&rows, terminal.width);
        rows.iter().try_for_each(|row| layout.write(out, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(columns: &[&str], draws_tables: bool) -> String {
        let mut rows = Rows::new(&["state", "name", "uuid"]);
        let name =
            "A name that is longer than most, with more words than fit into one line of a terminal";
        rows.add([
            Cell::new("expires in 12 d"),
            Cell::new(name),
            Cell::beginning("01234567-89ab", 8),
        ]);
        let terminal = Terminal {
            draws_tables,
            width: 80,
            ..Terminal::default()
        };
        let columns: Vec<String> = columns.iter().map(|it| (*it).to_owned()).collect();
        let mut out = Vec::new();
        rows.write(&mut out, &columns, &terminal).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn on_a_terminal_it_fits_and_states_stay_whole() {
        let table = text(&[], true);
        for line in table.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert!(table.contains("\nexpires in 12 d  01234567\n"), "{table}");
        assert!(!table.contains("-89ab"), "{table}");
    }

    /// As [`text`], of a fleet whose names and bundle ids do not fit side by side.
    fn fleet(width: usize) -> String {
        let mut rows = Rows::new(&["state", "name", "bundle-id", "kind", "note"]);
        for (state, target, note) in [
            ("ok", "Share", "-"),
            ("EXPIRED", "Notification", "renew it"),
        ] {
            rows.add([
                Cell::new(state),
                Cell::new(&format!("iOS App Store - Extensions-{target}Content")),
                Cell::new(&format!("com.acme.rocket.{target}ContentExtension")),
                Cell::new("app-store"),
                Cell::new(note),
            ]);
        }
        let terminal = Terminal {
            draws_tables: true,
            width,
            ..Terminal::default()
        };
        let mut out = Vec::new();
        rows.write(&mut out, &[], &terminal).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_that_do_not_fit_stand_below_and_no_word_is_broken() {
        assert_eq!(
            fleet(80),
            "\
STATE    NAME                                            KIND       NOTE
         BUNDLE-ID
ok       iOS App Store - Extensions-ShareContent         app-store  -
         com.acme.rocket.ShareContentExtension
EXPIRED  iOS App Store - Extensions-NotificationContent  app-store  renew it
         com.acme.rocket.NotificationContentExtension
"
        );
        assert_eq!(
            fleet(64),
            "\
STATE    NAME
         BUNDLE-ID                                     KIND
         NOTE
ok       iOS App Store - Extensions-ShareContent
         com.acme.rocket.ShareContentExtension         app-store
EXPIRED  iOS App Store - Extensions-NotificationContent
         com.acme.rocket.NotificationContentExtension  app-store
         renew it
"
        );
        let lines = fleet(200);
        assert_eq!(lines.lines().count(), 3, "{lines}");
    }

    #[test]
    fn in_a_pipe_every_row_is_one_whole_line() {
        let table = text(&[], false);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "STATE\tNAME\tUUID");
        assert!(
            lines[1].starts_with("expires in 12 d\tA name that"),
            "{table}"
        );
        assert!(lines[1].ends_with("\t01234567-89ab"), "{table}");
    }

    #[test]
    fn columns_are_those_that_were_named_in_their_order() {
        let table = text(&["uuid", "state"], false);
        assert_eq!(table, "UUID\tSTATE\n01234567-89ab\texpires in 12 d\n");
    }
}
