//! Reads JSON by RFC 8259, and reports the position of an error.
//!
//! A duplicate key is an error: readers disagree on which of the two values counts.

use std::collections::HashSet;

use super::tree::{MAX_DEPTH, Step, Tree, field};
use crate::error::Violation;

/// An error of parsing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ParseError {
    /// The bytes are not JSON, or are nested too deeply.
    Corrupt,
    /// They are JSON, but one of its fields cannot be read.
    Field(Violation),
}

/// Parses a value.
///
/// # Errors
///
/// [`ParseError`].
pub(super) fn parse(bytes: &[u8]) -> Result<Tree, ParseError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ParseError::Corrupt)?;
    let mut parser = Parser { text, at: 0, path: Vec::new() };
    parser.space();
    let tree = parser.value()?;
    parser.space();
    if parser.at == text.len() { Ok(tree) } else { Err(ParseError::Corrupt) }
}

struct Parser<'a> {
    text: &'a str,
    /// The position of the next character, in bytes.
    at: usize,
    path: Vec<Part>,
}

/// A step of a path that owns its key.
enum Part {
    At(usize),
    Key(String),
}

impl Parser<'_> {
    fn value(&mut self) -> Result<Tree, ParseError> {
        if self.path.len() >= MAX_DEPTH {
            return Err(ParseError::Corrupt);
        }
        match self.peek() {
            Some(b'{') => self.map(),
            Some(b'[') => self.list(),
            Some(b'"') => self.string().map(Tree::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let words = [
                    ("null", Tree::Null),
                    ("true", Tree::Bool(true)),
                    ("false", Tree::Bool(false)),
                ];
                let rest = &self.text[self.at..];
                let word = words.into_iter().find(|(word, _)| rest.starts_with(word));
                let (word, tree) = word.ok_or(ParseError::Corrupt)?;
                self.at += word.len();
                Ok(tree)
            }
        }
    }

    fn map(&mut self) -> Result<Tree, ParseError> {
        self.at += 1;
        let mut entries = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(Tree::Map(entries));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            self.space();
            self.path.push(Part::Key(key));
            let value = self.value()?;
            if let Some(Part::Key(key)) = self.path.pop() {
                entries.push((key, value));
            }
            self.space();
            if !self.take(b',') {
                break;
            }
        }
        self.expect(b'}')?;
        if let Some(key) = duplicate_key(&entries) {
            let key = key.to_owned();
            self.path.push(Part::Key(key));
            return Err(self.error("occurs twice"));
        }
        Ok(Tree::Map(entries))
    }

    fn list(&mut self) -> Result<Tree, ParseError> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Tree::List(items));
        }
        loop {
            self.space();
            self.path.push(Part::At(items.len()));
            items.push(self.value()?);
            self.path.pop();
            self.space();
            if !self.take(b',') {
                break;
            }
        }
        self.expect(b']')?;
        Ok(Tree::List(items))
    }

    fn number(&mut self) -> Result<Tree, ParseError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(Tree::Number(self.text[start..self.at].to_owned()))
    }

    fn digits(&mut self) -> Result<(), ParseError> {
        let digits = self.text.as_bytes()[self.at..].iter().take_while(|it| it.is_ascii_digit());
        let count = digits.count();
        self.at += count;
        if count == 0 { Err(ParseError::Corrupt) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<String, ParseError> {
        self.expect(b'"')?;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest.bytes().position(|it| it == b'"' || it == b'\\' || it < 0x20);
            let end = end.ok_or(ParseError::Corrupt)?;
            string.push_str(&rest[..end]);
            self.at += end;
            match rest.as_bytes()[end] {
                b'"' => {
                    self.at += 1;
                    return Ok(string);
                }
                b'\\' => {
                    self.at += 1;
                    string.push(self.escape()?);
                }
                _ => return Err(ParseError::Corrupt),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        let escaped = self.peek().ok_or(ParseError::Corrupt)?;
        self.at += 1;
        Ok(match escaped {
            b'"' | b'\\' | b'/' => char::from(escaped),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hexadecimal()?;
                let mut units = vec![first];
                if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    units.push(self.hexadecimal()?);
                }
                let lonely = "has half of a character: one \\u escape where it needs two";
                let mut characters = char::decode_utf16(units);
                match (characters.next(), characters.next()) {
                    (Some(Ok(character)), None) => character,
                    _ => return Err(self.error(lonely)),
                }
            }
            _ => return Err(ParseError::Corrupt),
        })
    }

    fn hexadecimal(&mut self) -> Result<u16, ParseError> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(ParseError::Corrupt)?;
        if !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err(ParseError::Corrupt);
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| ParseError::Corrupt)
    }

    fn space(&mut self) {
        let space = |it: &&u8| matches!(it, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.text.as_bytes()[self.at..].iter().take_while(space).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Result<(), ParseError> {
        if self.take(byte) { Ok(()) } else { Err(ParseError::Corrupt) }
    }

    fn error(&self, problem: &str) -> ParseError {
        let path: Vec<Step<'_>> = self
            .path
            .iter()
            .map(|part| match part {
                Part::At(at) => Step::At(*at),
                Part::Key(key) => Step::Key(key),
            })
            .collect();
        ParseError::Field(Violation { field: field(&path), problem: problem.to_owned() })
    }
}

/// Returns a duplicate key.
pub(super) fn duplicate_key(entries: &[(String, Tree)]) -> Option<&str> {
    let mut seen = HashSet::with_capacity(entries.len());
    entries.iter().map(|(key, _)| key.as_str()).find(|key| !seen.insert(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_accepts_and_rejects_the_same_as_serde_json() {
        let rows = [
            "null",
            " [1, -2.50, 1e5,\t1E-7, 0]\r\n",
            r#"{"a":{"b":[true,false,null]},"é":"\u00e9\/\b\f\n\r\t\"\\ \ud83d\ude00 ✈"}"#,
            "{}",
            "[]",
            "\"\"",
            "",
            " ",
            "nul",
            "nulll",
            "[1,]",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a"}"#,
            r#"{a:1}"#,
            "01",
            "-",
            "1.",
            ".5",
            "+1",
            "1e",
            "1e+",
            "NaN",
            "Infinity",
            "\"\t\"",
            r#""\x""#,
            r#""\u12""#,
            r#""\u+123""#,
            "\"",
            "[1 2]",
            "[",
            "{\"a\":1",
            "\u{feff}{}",
            "1 2",
        ];
        for text in rows {
            let theirs: Option<serde_json::Value> = serde_json::from_str(text).ok();
            let ours = parse(text.as_bytes()).ok();
            assert_eq!(ours.is_some(), theirs.is_some(), "{text}");
            let Some(ours) = ours else { continue };
            assert_eq!(Some(&ours.values().unwrap()[0]), theirs.as_ref(), "{text}");
            let printed = ours.to_string();
            assert_eq!(parse(printed.as_bytes()), Ok(ours), "{text}");
        }
        assert_eq!(parse(b"\"\xff\""), Err(ParseError::Corrupt));
    }

    #[test]
    fn strings_are_written_as_by_serde_json() {
        let text: String = (0..0x250).filter_map(char::from_u32).chain(['✈', '😀']).collect();
        let expected = serde_json::to_string(&text).unwrap();
        assert_eq!(Tree::String(text).to_string(), expected);
    }

    #[test]
    fn the_field_that_cannot_be_read_is_named() {
        let deep = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(deep(127).as_bytes()).is_ok());
        assert_eq!(parse(deep(128).as_bytes()), Err(ParseError::Corrupt));
        assert_eq!(parse(deep(100_000).as_bytes()), Err(ParseError::Corrupt));
        let rows = [
            (r#"{"a":1,"a":1}"#, "a occurs twice"),
            (r#"{"legs":[{"to":1,"\u0074o":2}]}"#, "legs[0].to occurs twice"),
            (r#"{"a":["\ud800"]}"#, "a[0] has half of a character"),
            (r#"{"a":"\ud800\u0041"}"#, "a has half of a character"),
            (r#"{"a":"\udc00"}"#, "a has half of a character"),
        ];
        for (text, expected) in rows {
            match parse(text.as_bytes()) {
                Err(ParseError::Field(violation)) => {
                    assert!(violation.to_string().contains(expected), "{violation}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
