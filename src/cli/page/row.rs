//! Rows of tables, as pages show them.

use crate::base::plain::plain;

/// A row of a table: its class, and its cells.
#[derive(Debug)]
pub(in crate::cli) struct Row {
    pub(in crate::cli) class: &'static str,
    pub(in crate::cli) cells: Vec<String>,
}

impl Row {
    /// A row of texts, whoever wrote them.
    pub(in crate::cli) fn of<const N: usize>(class: &'static str, cells: [String; N]) -> Self {
        let cells = cells.iter().map(|cell| plain(cell)).collect();
        Self { class, cells }
    }
}
