//! Tables that fit the terminal.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};

/// A table with these headings, no borders, at most `width` columns wide.
pub fn table(headings: &[&str], width: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::TableStyle::new())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(80))
        .set_header(headings.iter().map(|heading| heading.to_uppercase()));
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table
}

/// Keeps a column from being wrapped.
pub fn keep_whole(table: &mut Table, column: usize, columns_wide: u16) {
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(columns_wide)));
    }
}
