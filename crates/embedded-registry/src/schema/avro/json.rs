//! JSON as Java's Avro reads and writes it, with Jackson: comments are ignored, names keep their
//! order, integers have any size, and no content may follow.

use std::fmt::Write;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number that does not fit into 64 bits, as digits.
    Big(String),
    Double(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Object),
}

/// Names and values, in the order of the text.
pub(super) type Object = Vec<(String, Json)>;

impl Json {
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

    /// Returns the same value with the names of all objects sorted, at every level.
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

    /// Returns whether it contains a whole number beyond 64 bits.
    pub(super) fn contains_big_number(&self) -> bool {
        match self {
            Self::Big(_) => true,
            Self::Array(items) => items.iter().any(Self::contains_big_number),
            Self::Object(entries) => entries.iter().any(|(_, value)| value.contains_big_number()),
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

/// Writes a number like Java's `Double.toString`: `100.0`, and `1.0E7` from ten million on. NaN and
/// infinity are written as text.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_printed_as_by_jackson() {
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
    fn invalid_json_is_an_error_not_a_panic() {
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
