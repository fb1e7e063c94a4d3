//! Checks whether a default fits its field's type, as Java's `Schema.isValidDefault` does.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::json::{self, Json};
use super::tree::{Names, Node};

/// The named types that are known so far.
pub(super) struct Known<'a> {
    pub(super) names: &'a Names,
    /// Records whose fields are still being read.
    pub(super) open: &'a HashSet<String>,
}

/// Returns whether a default fits a type.
///
/// # Errors
///
/// If that depends on the fields of a record that is still being read.
pub(super) fn is_valid(node: &Node, default: &Json, known: &Known<'_>) -> Result<bool, String> {
    match node {
        Node::Primitive(name, _) => Ok(is_primitive(name, default)),
        Node::Fixed(_) | Node::Enum(_) => Ok(matches!(default, Json::Text(_))),
        Node::Array(inner, _) => match default {
            Json::Array(items) => all(items.iter().map(|item| is_valid(inner, item, known))),
            _ => Ok(false),
        },
        Node::Map(inner, _) => match default {
            Json::Object(entries) => {
                all(entries.iter().map(|(_, value)| is_valid(inner, value, known)))
            }
            _ => Ok(false),
        },
        // Any branch counts since Avro 1.12.
        Node::Union(branches) => {
            for branch in branches.iter() {
                if is_valid(branch, default, known)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Node::Record(record) => match default {
            Json::Object(entries) => all(record.fields.iter().map(|field| {
                match json::get(entries, &field.name).or(field.default.as_ref()) {
                    Some(value) => is_valid(&field.node, value, known),
                    None => Ok(false),
                }
            })),
            _ => Ok(false),
        },
        Node::Named(name) => match (known.names.get(name), default) {
            (Some(node), default) => is_valid(node, default, known),
            (None, Json::Object(_)) if known.open.contains(name) => {
                Err("Schema fields not set yet".to_owned())
            }
            // A type that is defined later counts as a record without fields until then.
            (None, default) => Ok(matches!(default, Json::Object(_)) && !known.open.contains(name)),
        },
    }
}

fn all(checks: impl Iterator<Item = Result<bool, String>>) -> Result<bool, String> {
    for check in checks {
        if !check? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_primitive(name: &str, default: &Json) -> bool {
    match name {
        "string" | "bytes" => matches!(default, Json::Text(_)),
        "int" => matches!(default, Json::Int(number) if i32::try_from(*number).is_ok()),
        "long" => matches!(default, Json::Int(_)),
        "float" | "double" => matches!(default, Json::Int(_) | Json::Big(_) | Json::Double(_)),
        "boolean" => matches!(default, Json::Bool(_)),
        _ => matches!(default, Json::Null),
    }
}

static DECIMAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([+-]?)(NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$")
        .expect("the pattern is a constant")
});

/// Parses a text as `Double.parseDouble` does, except for its hexadecimal notation.
pub(super) fn java_double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|char: char| char <= ' ');
    let parts = DECIMAL.captures(text)?;
    let number = match &parts[2] {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        digits => digits.trim_end_matches(['f', 'F', 'd', 'D']).parse().ok()?,
    };
    Some(if &parts[1] == "-" { -number } else { number })
}
