//! Encodes the default values of fields: from JSON in a schema to the bytes of a writer.

use serde_json::Value;

use super::schema::{Id, Kind, Schema};
use super::varint;

/// The maximum nesting of defaults: a record's default can use the defaults of its fields, and so
/// refer to itself.
const MAX_DEPTH: usize = 64;

/// The maximum size of a fixed value whose default is padded.
const MAX_PADDED: usize = 1 << 16;

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
    let invalid =
        || format!("has a default in the schema that is not a valid {}", schema.label(id));
    if depth > MAX_DEPTH {
        return Err("has a default in the schema that contains itself".to_owned());
    }
    let depth = depth + 1;
    match (&schema.get(id).kind, value) {
        (Kind::Array(items), Value::Array(values)) => {
            count(values.len(), out);
            for value in values {
                write(schema, *items, value, out, depth)?;
            }
            varint::write(0, out);
        }
        (Kind::Map(values), Value::Object(entries)) => {
            count(entries.len(), out);
            for (key, value) in entries {
                bytes(key.as_bytes(), out);
                write(schema, *values, value, out, depth)?;
            }
            varint::write(0, out);
        }
        (Kind::Union(branches), _) => {
            // The first branch that fits: since Avro 1.12, a default can belong to any branch.
            let start = out.len();
            let fits = branches.iter().enumerate().any(|(at, branch)| {
                out.truncate(start);
                varint::write(i64::try_from(at).unwrap_or(i64::MAX), out);
                write(schema, *branch, value, out, depth).is_ok()
            });
            return fits.then_some(()).ok_or_else(invalid);
        }
        (Kind::Record(record), Value::Object(entries)) => {
            for field in &record.fields {
                let value = entries.get(&field.name).or(field.default.as_ref());
                write(schema, field.schema, value.ok_or_else(invalid)?, out, depth)?;
            }
        }
        (kind, value) => scalar(kind, value, out).ok_or_else(invalid)?,
    }
    Ok(())
}

/// Writes a value that contains no other values.
fn scalar(kind: &Kind, value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match (kind, value) {
        (Kind::Null, Value::Null) => {}
        (Kind::Boolean, Value::Bool(it)) => out.push(u8::from(*it)),
        (Kind::Int, Value::Number(it)) => {
            varint::write(i64::from(i32::try_from(it.as_i64()?).ok()?), out);
        }
        (Kind::Long, Value::Number(it)) => varint::write(it.as_i64()?, out),
        (Kind::Float, Value::Number(it)) => {
            out.extend_from_slice(&(it.as_f64()? as f32).to_le_bytes());
        }
        (Kind::Double, Value::Number(it)) => out.extend_from_slice(&it.as_f64()?.to_le_bytes()),
        (Kind::String, Value::String(text)) => bytes(text.as_bytes(), out),
        (Kind::Bytes, Value::String(text)) => bytes(&latin1(text)?, out),
        (Kind::Fixed(_, size), Value::String(text)) => {
            let mut bytes = latin1(text)?;
            if bytes.len() != *size {
                // Like Java: truncated, or padded with zeros.
                bytes.resize(Some(*size).filter(|size| *size <= MAX_PADDED)?, 0);
            }
            out.extend_from_slice(&bytes);
        }
        (Kind::Enum(of), Value::String(symbol)) => {
            let at = of.symbols.iter().position(|it| it == symbol)?;
            varint::write(i64::try_from(at).ok()?, out);
        }
        _ => return None,
    }
    Some(())
}

fn count(items: usize, out: &mut Vec<u8>) {
    if items > 0 {
        varint::write(i64::try_from(items).unwrap_or(i64::MAX), out);
    }
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(i64::try_from(bytes.len()).unwrap_or(i64::MAX), out);
    out.extend_from_slice(bytes);
}

/// Returns a byte for each character.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|it| u8::try_from(u32::from(it)).ok()).collect()
}
