//! Reads the metadata that Confluent stores in the options of a descriptor: documentation,
//! parameters, and tags.
//!
//! It is an extension that the descriptor's own types do not contain, so it is read from the bytes.

use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::element::{Setting, Value};

/// The number of the extension, the same for files, messages, fields, enums, and their values.
const NUMBER: u32 = 1088;

#[derive(Clone, PartialEq, Message)]
struct Meta {
    #[prost(string, tag = "1")]
    doc: String,
    #[prost(message, repeated, tag = "2")]
    params: Vec<Param>,
    #[prost(string, repeated, tag = "3")]
    tags: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    rules: Vec<Rule>,
}

#[derive(Clone, PartialEq, Message)]
struct Param {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Rule {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    doc: String,
    #[prost(string, tag = "3")]
    expr: String,
    #[prost(string, tag = "4")]
    sql: String,
}

/// Returns the parts of a message with this field number, as bytes.
pub(super) fn parts(mut bytes: &[u8], number: u32) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let Ok((found, wire_type)) = decode_key(&mut bytes) else { break };
        if found != number || wire_type != WireType::LengthDelimited {
            let context = DecodeContext::default();
            if skip_field(wire_type, found, &mut bytes, context).is_err() {
                break;
            }
            continue;
        }
        let length = decode_varint(&mut bytes).ok().and_then(|it| usize::try_from(it).ok());
        let Some(part) = length.and_then(|length| bytes.get(..length)) else { break };
        parts.push(part);
        bytes.advance(part.len());
    }
    parts
}

/// Returns the option with the metadata of these options, if there is any.
pub(super) fn setting(name: &str, options: Option<&&[u8]>) -> Option<Setting> {
    let bytes = parts(options?, NUMBER).concat();
    let Meta { doc, params, tags, rules } = Meta::decode(bytes.as_slice()).ok()?;
    let mut entries = Vec::new();
    entries.extend(text("doc", &doc));
    if !params.is_empty() {
        entries.push(("params".to_owned(), Value::List(params.iter().map(param).collect())));
    }
    if !tags.is_empty() {
        let tags = tags.into_iter().map(Value::Text).collect();
        entries.push(("tags".to_owned(), Value::List(tags)));
    }
    if !rules.is_empty() {
        entries.push(("rules".to_owned(), Value::List(rules.iter().map(rule).collect())));
    }
    let name = format!("confluent.{name}");
    let value = Value::Map(entries);
    (value != Value::Map(Vec::new())).then_some(Setting { name, is_declared: true, value })
}

fn text(key: &str, value: &str) -> Option<(String, Value)> {
    (!value.is_empty()).then(|| (key.to_owned(), Value::Text(value.to_owned())))
}

/// Prints the value before the key for the names for which Confluent always has.
fn param(Param { key, value }: &Param) -> Value {
    let entry = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
    let (key_entry, value_entry) = (entry("key", key), entry("value", value));
    Value::Map(match key.as_str() {
        "precision" | "scale" => vec![value_entry, key_entry],
        _ => vec![key_entry, value_entry],
    })
}

fn rule(Rule { name, doc, expr, sql }: &Rule) -> Value {
    let all = [text("name", name), text("doc", doc), text("expr", expr), text("sql", sql)];
    Value::Map(all.into_iter().flatten().collect())
}
