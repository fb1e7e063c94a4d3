//! JSON as Java's Avro reads and writes it, with Jackson: comments are passed over, names keep their
//! order, whole numbers have any size, and nothing may follow.

use std::collections::HashMap;
use std::fmt::Write;

/// How deep arrays and objects may lie in each other.
const DEEPEST: usize = 1_000;

/// How many digits a number may have.
const LONGEST_NUMBER: usize = 1_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number that 64 bits do not hold, in digits.
    Big(String),
    Double(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Object),
}

/// Names and values, in the order of the text.
pub(super) type Object = Vec<(String, Json)>;

impl Json {
    /// Reads one value, which must be all of the text.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let value = reader.value()?;
        match text[reader.at..].trim() {
            "" => Ok(value),
            rest => Err(format!("dangling content after end of schema: {rest}")),
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The same with the names of objects in order, all the way down.
    pub(super) fn sorted(&self) -> Self {
        match self {
            Self::Array(items) => Self::Array(items.iter().map(Self::sorted).collect()),
            Self::Object(entries) => {
                let mut entries: Object =
                    entries.iter().map(|(name, value)| (name.clone(), value.sorted())).collect();
                entries.sort_by(|one, other| one.0.cmp(&other.0));
                Self::Object(entries)
            }
            other => other.clone(),
        }
    }

    /// Whether a whole number beyond 64 bits is somewhere in it.
    pub(super) fn holds_big_number(&self) -> bool {
        match self {
            Self::Big(_) => true,
            Self::Array(items) => items.iter().any(Self::holds_big_number),
            Self::Object(entries) => entries.iter().any(|(_, value)| value.holds_big_number()),
            _ => false,
        }
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => write_display(value, out),
            Self::Int(number) => write_display(number, out),
            Self::Big(digits) => out.push_str(digits),
            Self::Double(number) => write_fraction(*number, out),
            Self::Text(text) => write_text(text, out),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (index, (name, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        formatter.write_str(&text)
    }
}

pub(super) fn get<'a>(entries: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    entries.iter().find(|entry| entry.0 == name).map(|entry| &entry.1)
}

fn write_display(value: &impl std::fmt::Display, out: &mut String) {
    let _ = write!(out, "{value}");
}

/// As Java's `Double.toString` has it: `100.0`, and `1.0E7` from ten million on. What is no number
/// is written as text.
fn write_fraction(number: f64, out: &mut String) {
    if number.is_nan() {
        return out.push_str("\"NaN\"");
    }
    if number.is_infinite() {
        return out.push_str(if number > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    }
    if number == 0.0 || (1e-3..1e7).contains(&number.abs()) {
        return out.push_str(&format!("{number:?}"));
    }
    let scientific = format!("{number:E}");
    match scientific.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => {
            let _ = write!(out, "{digits}.0E{exponent}");
        }
        _ => out.push_str(&scientific),
    }
}

pub(super) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected(&self) -> String {
        match self.rest().chars().next() {
            Some(char) => format!("it is no JSON: unexpected {char:?} at byte {}", self.at),
            None => "it is no JSON: it ends too early".to_owned(),
        }
    }

    fn skip(&mut self) -> Result<(), String> {
        loop {
            let rest = self.rest();
            if let Some(comment) = rest.strip_prefix("//") {
                self.at += 2 + comment.find(['\n', '\r']).unwrap_or(comment.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let end = comment.find("*/").ok_or("it is no JSON: a comment does not end")?;
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
        if self.depth > DEEPEST {
            return Err(format!("it lies deeper than {DEEPEST} levels"));
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

    /// A name that comes again has its last value, at its first place.
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

    /// The escapes are serde_json's to read.
    fn string(&mut self) -> Result<String, String> {
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        loop {
            match bytes.get(end) {
                Some(b'\\') => end += 2,
                Some(b'"') => break,
                Some(_) => end += 1,
                None => return Err("it is no JSON: a text does not end".to_owned()),
            }
        }
        let quoted = self.text.get(self.at..=end).ok_or("it is no JSON: a text does not end")?;
        let text =
            serde_json::from_str(quoted).map_err(|error| format!("it is no JSON: {error}"))?;
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
        if end > LONGEST_NUMBER {
            return Err(format!("a number has more than {LONGEST_NUMBER} digits"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_printed_as_jackson_prints_it() {
        let rows = [
            ("[1, -0, 1e2, 1E-9, 12345678.9, 0.001]", "[1,0,100.0,1.0E-9,1.23456789E7,0.001]"),
            ("12345678901234567890", "12345678901234567890"),
            ("1e999", "\"Infinity\""),
            (r#"{"b":1,"a":{"é":"\u00e9\/\u001f"},"b":2}"#, r#"{"b":2,"a":{"é":"é/\u001F"}}"#),
            ("// one\n[ /* two */ true, null]", "[true,null]"),
        ];
        for (given, printed) in rows {
            assert_eq!(Json::read(given).unwrap().to_string(), printed, "{given}");
        }
    }

    #[test]
    fn what_is_no_json_is_an_error_and_no_panic() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "nul",
            "nulls",
            "\"",
            "\"\\",
            "\"\\u12\"",
            "{\"a\"}",
            "{a:1}",
            "[1 2]",
            "1x",
            "/*",
            "\"a\" b",
            "é",
            "-",
            "\"\\ud800\"",
        ] {
            assert!(Json::read(text).is_err(), "{text}");
        }
        assert!(Json::read(&"[".repeat(100_000)).is_err());
    }
}
