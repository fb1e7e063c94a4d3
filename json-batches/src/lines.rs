//! Reads a file of JSON lines, of any length, in constant memory.
//!
//! One buffer is read ahead, and a line is held until it is sent. A line that is longer than any
//! record may be is skipped as it is read, and never held.
//!
//! Programs on Windows begin a file with a byte order mark, which is not JSON and not part of a
//! line.

use std::io::{self, BufRead};

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line that is not empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Its bytes, without the white space around them.
    Whole(Vec<u8>),
    /// More bytes than a record may have.
    TooLong {
        /// The most that a line may have.
        limit: usize,
    },
}

/// The lines of a reader, each with its number, from 1. Empty lines are counted and skipped.
pub(super) struct Lines<R> {
    reader: R,
    /// The maximum number of bytes of a line that is held.
    limit: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Lines { reader, limit, number: 0 }
    }

    /// Reads one line, whatever it holds; `None` at the end.
    fn read_line(&mut self) -> io::Result<Option<Line>> {
        let (mut line, mut any, mut too_long) = (Vec::new(), false, false);
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                filled => filled?,
            };
            if buffer.is_empty() {
                break;
            }
            any = true;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            too_long |= line.len() + part.len() > self.limit;
            if !too_long {
                line.extend_from_slice(part);
            }
            let read = part.len() + usize::from(end.is_some());
            self.reader.consume(read);
            if end.is_some() {
                break;
            }
        }
        if self.number == 0 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        let whole = || Line::Whole(trimmed(line));
        Ok(any.then(|| if too_long { Line::TooLong { limit: self.limit } } else { whole() }))
    }
}

fn trimmed(mut line: Vec<u8>) -> Vec<u8> {
    let length = line.trim_ascii_end().len();
    line.truncate(length);
    let start = line.len() - line.trim_ascii_start().len();
    if start > 0 {
        line.drain(..start);
    }
    line
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<(u64, Line)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.read_line().transpose()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            self.number += 1;
            if line != Line::Whole(Vec::new()) {
                return Some(Ok((self.number, line)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    fn lines(text: &str) -> Vec<(u64, Line)> {
        // A buffer that is shorter than the lines, so that they come in parts.
        let reader = BufReader::with_capacity(3, text.as_bytes());
        Lines::new(reader, 16).map(Result::unwrap).collect()
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_are_numbered_and_empty_ones_left_out() {
        let expected = [(1, whole("{\"id\":1}")), (4, whole("{\"id\":2}")), (5, whole("end"))];
        assert_eq!(lines("{\"id\":1}\n\n \t\r\n  {\"id\":2} \r\nend"), expected);
        assert_eq!(lines(""), []);
    }

    #[test]
    fn a_line_of_any_length_takes_no_more_memory_than_the_limit() {
        let endless = io::repeat(b'x').take(100_000_000).chain("\n{}\n".as_bytes());
        let mut lines = Lines::new(BufReader::new(endless), 16);
        assert_eq!(lines.next().unwrap().unwrap(), (1, Line::TooLong { limit: 16 }));
        assert_eq!(lines.next().unwrap().unwrap(), (2, whole("{}")));
        assert!(lines.next().is_none());
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert_eq!(lines("\u{feff}{}\n\u{feff}{}"), [(1, whole("{}")), (2, whole("\u{feff}{}"))]);
        assert_eq!(lines("\u{feff}\n{}"), [(2, whole("{}"))]);
        assert_eq!(lines("\u{feff}"), []);
    }

    #[test]
    fn a_line_may_have_as_many_bytes_as_the_limit() {
        let line = "x".repeat(16);
        assert_eq!(
            lines(&format!("{line}\n{line}x\n")),
            [(1, whole(&line)), (2, Line::TooLong { limit: 16 })]
        );
    }
}
