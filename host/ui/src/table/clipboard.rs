//! Tables as text: tab-separated for the clipboard, comma-separated for files.

/// Writes lines of cells as a spreadsheet copies them.
pub(super) fn tsv_from_cells(lines: &[Vec<String>]) -> String {
    let quoted = |cell: &String| {
        if cell.contains(['\t', '\n', '\r', '"']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    };
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.iter().map(quoted).collect::<Vec<_>>().join("\t"))
        .collect();
    lines.join("\n")
}

/// Reads what a spreadsheet copied.
pub(super) fn cells_from_tsv(text: &str) -> Vec<Vec<String>> {
    cells_from_text(text, '\t')
}

/// Reads a file of separated cells: what separates them is what its first line has most of.
pub(crate) fn cells_from_csv(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let separator = [',', ';', '\t']
        .into_iter()
        .max_by_key(|mark| (first.matches(*mark).count(), *mark == ','))
        .unwrap_or(',');
    cells_from_text(text, separator)
}

fn cells_from_text(text: &str, separator: char) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut cell = String::new();
    let mut is_quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                cell.push('"');
                letters.next();
            }
            '"' if is_quoted => is_quoted = false,
            '"' if cell.is_empty() => is_quoted = true,
            '\r' if !is_quoted && letters.peek() == Some(&'\n') => {}
            '\n' | '\r' if !is_quoted => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            letter if letter == separator && !is_quoted => line.push(std::mem::take(&mut cell)),
            letter => cell.push(letter),
        }
    }
    if !cell.is_empty() || !line.is_empty() {
        line.push(cell);
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_is_pasted_whole() {
        let cells = vec![
            vec!["sh010".to_owned(), "a \"b\"\tc".to_owned()],
            vec![String::new(), "two\nlines".to_owned()],
        ];
        assert_eq!(cells_from_tsv(&tsv_from_cells(&cells)), cells);
    }

    #[test]
    fn files_are_read_whatever_separates_their_cells() {
        let check = |text, expected: &[&[&str]]| {
            assert_eq!(cells_from_csv(text), expected, "{text:?}");
        };
        check("a,b\n1,\"2,3\"\n", &[&["a", "b"], &["1", "2,3"]]);
        check("\u{feff}a;b\r\n1;2", &[&["a", "b"], &["1", "2"]]);
        check("a\tb\n1\t2", &[&["a", "b"], &["1", "2"]]);
        check("", &[]);
        check("a,\n", &[&["a", ""]]);
        check("\"a\"\"b\"", &[&["a\"b"]]);
    }
}
