//! Tables: on a terminal they fit it, in a pipe each row is one whole line with tabs.
//!
//! A table that is cut to eighty columns is of no use to `cut`, `awk` or a log. So a pipe gets every cell whole, under
//! the same headings; `--columns` says which, and in which order.

use std::io::{self, Write};

use anstyle::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};

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

    fn on_terminal(&self) -> String {
        let text = self.shown.as_ref().unwrap_or(&self.text);
        let style = self.style;
        match style.is_plain() {
            true => text.clone(),
            false => format!("{style}{text}{style:#}"),
        }
    }
}

/// A table of named columns.
#[derive(Debug)]
pub struct Rows {
    headings: Vec<&'static str>,
    whole: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Rows {
    /// Without rows. The columns in `whole` are never wrapped.
    pub fn new(headings: &[&'static str], whole: &[&'static str]) -> Self {
        Self {
            headings: headings.to_vec(),
            whole: whole.to_vec(),
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
        let mut table = Table::new();
        table
            .load_style(comfy_table::TableStyle::new())
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(terminal.width).unwrap_or(80))
            .set_header(pick(&headings).iter().map(Cell::on_terminal));
        for row in &self.rows {
            table.add_row(pick(row).iter().map(Cell::on_terminal));
        }
        if let Some(first) = table.column_mut(0) {
            first.set_padding((0, 1));
        }
        for (position, index) in chosen.iter().enumerate() {
            let is_whole = self
                .headings
                .get(*index)
                .is_some_and(|it| self.whole.contains(it));
            if let Some(column) = table.column_mut(position).filter(|_| is_whole) {
                let cells = self.rows.iter().filter_map(|row| row.get(*index));
                let widths =
                    cells.map(|cell| cell.shown.as_ref().unwrap_or(&cell.text).chars().count());
                let widest = widths.max().unwrap_or_default() + 2;
                let widest = u16::try_from(widest).unwrap_or(80);
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(widest)));
            }
        }
        writeln!(out, "{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(columns: &[&str], draws_tables: bool) -> String {
        let mut rows = Rows::new(&["state", "name", "uuid"], &["state"]);
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
        assert!(table.contains("expires in 12 d "), "{table}");
        assert!(!table.contains("-89ab"), "{table}");
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
