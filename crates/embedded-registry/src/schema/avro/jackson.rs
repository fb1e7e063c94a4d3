//! Reads JSON as Jackson does for Java's Avro: comments are ignored, and the last value of a
//! repeated name wins.

use std::collections::HashMap;

use super::json::{Json, Object};

/// The maximum nesting of arrays and objects.
const MAX_DEPTH: usize = 1_000;

/// The maximum number of digits of a number.
const MAX_NUMBER: usize = 1_000;

impl Json {
    /// Reads one value, which must be the whole text.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader::new(text);
        let value = reader.value()?;
        match reader.rest().trim() {
            "" => Ok(value),
            rest => Err(format!("dangling content after end of schema: {rest}")),
        }
    }
}

/// A text, and the reader's position in it.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Returns the text that was not read yet.
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected(&self) -> String {
        match self.rest().chars().next() {
            Some(char) => format!("it is not JSON: unexpected {char:?} at byte {}", self.at),
            None => "it is not JSON: it ends too early".to_owned(),
        }
    }

    fn skip(&mut self) -> Result<(), String> {
        loop {
            let rest = self.rest();
            if let Some(comment) = rest.strip_prefix("//") {
                self.at += 2 + comment.find(['\n', '\r']).unwrap_or(comment.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let end = comment.find("*/").ok_or("it is not JSON: a comment does not end")?;
                self.at += 2 + end + 2;
            } else if matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                self.at += 1;
            } else {
                return Ok(());
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        self.skip()?;
        if self.peek() != Some(byte) {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the next value.
    fn value(&mut self) -> Result<Json, String> {
        self.skip()?;
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, String>) -> Result<Json, String> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn word(&mut self) -> Result<Json, String> {
        for (word, value) in
            [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))]
        {
            if let Some(rest) = self.rest().strip_prefix(word) {
                if rest.chars().next().is_some_and(|next| next.is_alphanumeric() || next == '_') {
                    break;
                }
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.unexpected())
    }

    /// Reads an object. A repeated name keeps its first place, with its last value.
    fn object(&mut self) -> Result<Json, String> {
        let (mut entries, mut places) = (Object::new(), HashMap::new());
        self.skip()?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(entries));
        }
        loop {
            self.skip()?;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected());
            }
            let name = self.string()?;
            self.expect(b':')?;
            let value = self.value()?;
            let place = *places.entry(name.clone()).or_insert(entries.len());
            match entries.get_mut(place) {
                Some(entry) => entry.1 = value,
                None => entries.push((name, value)),
            }
            self.skip()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(entries));
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn array(&mut self) -> Result<Json, String> {
        let mut items = Vec::new();
        self.skip()?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.skip()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(items));
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// Reads a string; serde_json resolves its escapes.
    fn string(&mut self) -> Result<String, String> {
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        loop {
            match bytes.get(end) {
                Some(b'\\') => end += 2,
                Some(b'"') => break,
                Some(_) => end += 1,
                None => return Err("it is not JSON: a string does not end".to_owned()),
            }
        }
        let quoted = self.text.get(self.at..=end).ok_or("it is not JSON: a string does not end")?;
        let text =
            serde_json::from_str(quoted).map_err(|error| format!("it is not JSON: {error}"))?;
        self.at = end + 1;
        Ok(text)
    }

    fn number(&mut self) -> Result<Json, String> {
        let digits = |byte: &u8| byte.is_ascii_digit();
        let rest = self.rest().as_bytes();
        let mut end = usize::from(rest[0] == b'-');
        let whole = rest[end..].iter().take_while(|byte| digits(byte)).count();
        if whole == 0 || (whole > 1 && rest[end] == b'0') {
            return Err(self.unexpected());
        }
        end += whole;
        let mut is_whole = true;
        if rest.get(end) == Some(&b'.') {
            is_whole = false;
            let fraction = rest[end + 1..].iter().take_while(|byte| digits(byte)).count();
            if fraction == 0 {
                return Err(self.unexpected());
            }
            end += 1 + fraction;
        }
        if matches!(rest.get(end), Some(b'e' | b'E')) {
            is_whole = false;
            end += 1 + usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            let exponent = rest[end..].iter().take_while(|byte| digits(byte)).count();
            if exponent == 0 {
                return Err(self.unexpected());
            }
            end += exponent;
        }
        if end > MAX_NUMBER {
            return Err(format!("a number has more than {MAX_NUMBER} digits"));
        }
        let text = &self.rest()[..end];
        let number = match (is_whole, text.parse::<i64>()) {
            (true, Ok(number)) => Json::Int(number),
            (true, Err(_)) => Json::Big(text.to_owned()),
            (false, _) => Json::Double(text.parse().map_err(|_| self.unexpected())?),
        };
        self.at += end;
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b']' | b'}' | b'/' | b':') => {
                Ok(number)
            }
            Some(_) => Err(self.unexpected()),
        }
    }
}
