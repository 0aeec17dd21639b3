//! Tables as Markdown, printed row by row, so that a page can take them as they are.

/// The head of a table.
pub(crate) fn head(columns: &[&str]) {
    println!();
    row(columns);
    println!("|{}", "---|".repeat(columns.len()));
}

/// A row. An empty first cell stands for the one above.
pub(crate) fn row(cells: &[&str]) {
    println!("{}", line(cells));
}

fn line(cells: &[&str]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |", cells.join(" | ")).replace("|  |", "| |")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_whatever_its_cells_hold() {
        assert_eq!(line(&["a", "", "b|c"]), "| a | | b\\|c |");
    }
}
