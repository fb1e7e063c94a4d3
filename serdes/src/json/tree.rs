//! A tree of JSON as it is written: numbers keep all their digits, and fields keep their order.
//!
//! `serde_json::Value` does not preserve them: it turns a float that is not a number into `null`,
//! and an integer that is too long into a float.

use std::fmt::{self, Write};

use serde_json::{Number, Value};

use super::decimal::{Decimal, Representation};
use crate::error::Violation;

/// The maximum nesting of values, as in serde_json, because recursive functions follow them.
pub(super) const MAX_DEPTH: usize = 128;

/// A value of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    String(String),
    List(Vec<Tree>),
    /// A map without duplicate keys.
    Map(Vec<(String, Tree)>),
}

/// The float that represents a number that lies between two floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Below,
    Above,
}

impl Tree {
    /// Returns the values to validate. A number that no float represents becomes both of its
    /// neighbors: if both are valid, the number is.
    ///
    /// # Errors
    ///
    /// If a number is out of the range of a 64-bit float, or is a fraction between two whole
    /// floats.
    pub(super) fn values(&self) -> Result<Vec<Value>, Violation> {
        let mut is_rounded = false;
        let below = self.value(Side::Below, &mut is_rounded, &mut Vec::new())?;
        if !is_rounded {
            return Ok(vec![below]);
        }
        Ok(vec![below, self.value(Side::Above, &mut is_rounded, &mut Vec::new())?])
    }

    fn value<'a>(
        &'a self,
        side: Side,
        is_rounded: &mut bool,
        path: &mut Vec<Step<'a>>,
    ) -> Result<Value, Violation> {
        Ok(match self {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::String(text) => Value::String(text.clone()),
            Tree::Number(text) => Value::Number(
                number(text, side, is_rounded)
                    .map_err(|problem| Violation { field: field(path), problem })?,
            ),
            Tree::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    path.push(Step::At(at));
                    values.push(item.value(side, is_rounded, path)?);
                    path.pop();
                }
                Value::Array(values)
            }
            Tree::Map(entries) => {
                let mut values = serde_json::Map::new();
                for (key, item) in entries {
                    path.push(Step::Key(key));
                    values.insert(key.clone(), item.value(side, is_rounded, path)?);
                    path.pop();
                }
                Value::Object(values)
            }
        })
    }
}

fn number(text: &str, side: Side, is_rounded: &mut bool) -> Result<Number, String> {
    if let Ok(integer) = text.parse::<i64>()
        && text != "-0"
    {
        return Ok(integer.into());
    }
    if let Ok(integer) = text.parse::<u64>() {
        return Ok(integer.into());
    }
    let outside = || "is a number that is outside of a 64-bit float, and cannot be checked";
    let nearest: f64 = text.parse().map_err(|_| outside())?;
    let decimal = Decimal::new(text);
    let shown = match decimal.in_f64(nearest) {
        Representation::Exact => nearest,
        Representation::OutOfRange => return Err(outside().to_owned()),
        Representation::Rounded => {
            *is_rounded = true;
            let (below, above) = decimal.between(nearest);
            if !decimal.is_whole() && below.fract() == 0.0 && above.fract() == 0.0 {
                return Err("has more digits than can be checked".to_owned());
            }
            if side == Side::Below { below } else { above }
        }
    };
    Number::from_f64(shown).ok_or_else(|| outside().to_owned())
}

/// A step from a value to one inside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    At(usize),
    Key(&'a str),
}

/// Formats a path: `to.runways[2]`.
pub(super) fn field(path: &[Step<'_>]) -> String {
    let mut field = String::new();
    for step in path {
        match step {
            Step::At(at) => field.push_str(&format!("[{at}]")),
            Step::Key(key) => {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(key);
            }
        }
    }
    field
}

/// Formats the value as serde_json writes it, without spaces.
impl fmt::Display for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tree::Null => formatter.write_str("null"),
            Tree::Bool(value) => value.fmt(formatter),
            Tree::Number(text) => formatter.write_str(text),
            Tree::String(text) => quoted(text, formatter),
            Tree::List(items) => {
                formatter.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        formatter.write_char(',')?;
                    }
                    item.fmt(formatter)?;
                }
                formatter.write_char(']')
            }
            Tree::Map(entries) => {
                formatter.write_char('{')?;
                for (at, (key, item)) in entries.iter().enumerate() {
                    if at > 0 {
                        formatter.write_char(',')?;
                    }
                    quoted(key, formatter)?;
                    formatter.write_char(':')?;
                    item.fmt(formatter)?;
                }
                formatter.write_char('}')
            }
        }
    }
}

fn quoted(text: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    formatter.write_char('"')?;
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        formatter.write_str(&text[plain..at])?;
        plain = at + 1;
        match byte {
            b'"' | b'\\' => write!(formatter, "\\{}", char::from(byte))?,
            b'\n' => formatter.write_str("\\n")?,
            b'\r' => formatter.write_str("\\r")?,
            b'\t' => formatter.write_str("\\t")?,
            0x08 => formatter.write_str("\\b")?,
            0x0c => formatter.write_str("\\f")?,
            other => write!(formatter, "\\u{other:04x}")?,
        }
    }
    formatter.write_str(&text[plain..])?;
    formatter.write_char('"')
}
