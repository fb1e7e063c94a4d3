//! The default values of fields: JSON in a schema, and bytes as a writer would have written them.

use serde_json::Value;

use super::schema::{Id, Kind, Schema};
use super::write::long;

/// How deep defaults may lie in each other: a record's default may take the defaults of its
/// fields, and so itself.
const DEEPEST: usize = 64;

/// The largest fixed value whose default may be shorter than it is.
const MOST_PADDED: usize = 1 << 16;

/// Writes a default value.
pub(super) fn encode(
    schema: &Schema,
    id: Id,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    write(schema, id, value, out, 0)
}

fn write(
    schema: &Schema,
    id: Id,
    value: &Value,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), String> {
    let unfit = || format!("has a default in the schema that is no {}", schema.label(id));
    if depth > DEEPEST {
        return Err("has a default in the schema that holds itself".to_owned());
    }
    match (&schema.get(id).kind, value) {
        (Kind::Null, Value::Null) => {}
        (Kind::Boolean, Value::Bool(it)) => out.push(u8::from(*it)),
        (Kind::Int, Value::Number(it)) => {
            let number = it.as_i64().and_then(|it| i32::try_from(it).ok());
            long(i64::from(number.ok_or_else(unfit)?), out);
        }
        (Kind::Long, Value::Number(it)) => long(it.as_i64().ok_or_else(unfit)?, out),
        (Kind::Float, Value::Number(it)) => {
            let number = it.as_f64().ok_or_else(unfit)? as f32;
            out.extend_from_slice(&number.to_le_bytes());
        }
        (Kind::Double, Value::Number(it)) => {
            out.extend_from_slice(&it.as_f64().ok_or_else(unfit)?.to_le_bytes());
        }
        (Kind::String, Value::String(text)) => bytes(text.as_bytes(), out),
        (Kind::Bytes, Value::String(text)) => bytes(&latin1(text).ok_or_else(unfit)?, out),
        (Kind::Fixed(_, size), Value::String(text)) => {
            let mut bytes = latin1(text).ok_or_else(unfit)?;
            if bytes.len() != *size {
                // As Java does: cut, or filled with zeros.
                let size = Some(*size).filter(|size| *size <= MOST_PADDED).ok_or_else(unfit)?;
                bytes.resize(size, 0);
            }
            out.extend_from_slice(&bytes);
        }
        (Kind::Enum(of), Value::String(symbol)) => {
            let at = of.symbols.iter().position(|it| it == symbol).ok_or_else(unfit)?;
            long(i64::try_from(at).unwrap_or(i64::MAX), out);
        }
        (Kind::Array(items), Value::Array(values)) => {
            count(values.len(), out);
            for value in values {
                write(schema, *items, value, out, depth + 1)?;
            }
            long(0, out);
        }
        (Kind::Map(values), Value::Object(entries)) => {
            count(entries.len(), out);
            for (key, value) in entries {
                bytes(key.as_bytes(), out);
                write(schema, *values, value, out, depth + 1)?;
            }
            long(0, out);
        }
        (Kind::Union(branches), _) => {
            // Any branch since Avro 1.12, and not only the first: the first that fits.
            let start = out.len();
            for (at, branch) in branches.iter().enumerate() {
                out.truncate(start);
                long(i64::try_from(at).unwrap_or(i64::MAX), out);
                if write(schema, *branch, value, out, depth + 1).is_ok() {
                    return Ok(());
                }
            }
            return Err(unfit());
        }
        (Kind::Record(record), Value::Object(entries)) => {
            for field in &record.fields {
                let value = entries.get(&field.name).or(field.default.as_ref());
                write(schema, field.schema, value.ok_or_else(unfit)?, out, depth + 1)?;
            }
        }
        _ => return Err(unfit()),
    }
    Ok(())
}

fn count(items: usize, out: &mut Vec<u8>) {
    if items > 0 {
        long(i64::try_from(items).unwrap_or(i64::MAX), out);
    }
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    long(i64::try_from(bytes.len()).unwrap_or(i64::MAX), out);
    out.extend_from_slice(bytes);
}

/// A character for each byte.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|it| u8::try_from(u32::from(it)).ok()).collect()
}
