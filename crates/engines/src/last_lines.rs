//! The end of a log, for an error message.

/// Returns the last lines of a text, indented.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(count)..];
    last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_shown_without_empty_ones() {
        assert_eq!(last_lines("one\n\ntwo\nthree\n", 2), "    two\n    three");
        assert_eq!(last_lines("", 2), "");
    }
}
