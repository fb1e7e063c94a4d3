//! Reads JSON as RFC 8259 has it, and says where it is none.
//!
//! A key that is there twice is an error: readers disagree on which of the two values counts.

use std::collections::HashSet;

use super::tree::{MAX_DEPTH, Step, Tree, field};
use crate::error::Violation;

/// Why bytes are not a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// They are no JSON, or too deep in itself.
    Corrupt,
    /// They are, and a field of it cannot be read.
    Field(Violation),
}

/// # Errors
///
/// [`Fault`].
pub(super) fn parse(bytes: &[u8]) -> Result<Tree, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::Corrupt)?;
    let mut parser = Parser { text, at: 0, path: Vec::new() };
    parser.space();
    let tree = parser.value()?;
    parser.space();
    if parser.at == text.len() { Ok(tree) } else { Err(Fault::Corrupt) }
}

struct Parser<'a> {
    text: &'a str,
    /// Where the next character is, in bytes.
    at: usize,
    path: Vec<Part>,
}

/// A step, with the key in hand.
enum Part {
    At(usize),
    Key(String),
}

impl Parser<'_> {
    fn value(&mut self) -> Result<Tree, Fault> {
        if self.path.len() >= MAX_DEPTH {
            return Err(Fault::Corrupt);
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
                let (word, tree) = word.ok_or(Fault::Corrupt)?;
                self.at += word.len();
                Ok(tree)
            }
        }
    }

    fn map(&mut self) -> Result<Tree, Fault> {
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
        if let Some(key) = twice(&entries) {
            let key = key.to_owned();
            self.path.push(Part::Key(key));
            return Err(self.fault("is there twice"));
        }
        Ok(Tree::Map(entries))
    }

    fn list(&mut self) -> Result<Tree, Fault> {
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

    fn number(&mut self) -> Result<Tree, Fault> {
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

    fn digits(&mut self) -> Result<(), Fault> {
        let digits = self.text.as_bytes()[self.at..].iter().take_while(|it| it.is_ascii_digit());
        let count = digits.count();
        self.at += count;
        if count == 0 { Err(Fault::Corrupt) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<String, Fault> {
        self.expect(b'"')?;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest.bytes().position(|it| it == b'"' || it == b'\\' || it < 0x20);
            let end = end.ok_or(Fault::Corrupt)?;
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
                _ => return Err(Fault::Corrupt),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let escaped = self.peek().ok_or(Fault::Corrupt)?;
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
                    _ => return Err(self.fault(lonely)),
                }
            }
            _ => return Err(Fault::Corrupt),
        })
    }

    fn hexadecimal(&mut self) -> Result<u16, Fault> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Fault::Corrupt)?;
        if !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err(Fault::Corrupt);
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| Fault::Corrupt)
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

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.take(byte) { Ok(()) } else { Err(Fault::Corrupt) }
    }

    fn fault(&self, problem: &str) -> Fault {
        let path: Vec<Step<'_>> = self
            .path
            .iter()
            .map(|part| match part {
                Part::At(at) => Step::At(*at),
                Part::Key(key) => Step::Key(key),
            })
            .collect();
        Fault::Field(Violation { field: field(&path), problem: problem.to_owned() })
    }
}

/// A key that is there twice.
pub(super) fn twice(entries: &[(String, Tree)]) -> Option<&str> {
    let mut seen = HashSet::with_capacity(entries.len());
    entries.iter().map(|(key, _)| key.as_str()).find(|key| !seen.insert(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_json_reads_is_read_alike_and_what_it_refuses_is_refused() {
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
        assert_eq!(parse(b"\"\xff\""), Err(Fault::Corrupt));
    }

    #[test]
    fn a_string_is_written_as_serde_json_writes_it() {
        let text: String = (0..0x250).filter_map(char::from_u32).chain(['✈', '😀']).collect();
        let expected = serde_json::to_string(&text).unwrap();
        assert_eq!(Tree::String(text).to_string(), expected);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let deep = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(deep(127).as_bytes()).is_ok());
        assert_eq!(parse(deep(128).as_bytes()), Err(Fault::Corrupt));
        assert_eq!(parse(deep(100_000).as_bytes()), Err(Fault::Corrupt));
        let rows = [
            (r#"{"a":1,"a":1}"#, "a is there twice"),
            (r#"{"legs":[{"to":1,"\u0074o":2}]}"#, "legs[0].to is there twice"),
            (r#"{"a":["\ud800"]}"#, "a[0] has half of a character"),
            (r#"{"a":"\ud800\u0041"}"#, "a has half of a character"),
            (r#"{"a":"\udc00"}"#, "a has half of a character"),
        ];
        for (text, expected) in rows {
            match parse(text.as_bytes()) {
                Err(Fault::Field(violation)) => {
                    assert!(violation.to_string().contains(expected), "{violation}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
