//! Checks whether a Rust type keeps everything in a message.
//!
//! A parser fits the message into the type: it truncates a number to 32 bits, and keeps the last of
//! several values. So the value that was read is encoded again and compared with the message. A
//! field that the type lacks entirely is left out, as in every parser.

use std::collections::HashMap;

use parking_lot::Mutex;
use prost::Message;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};

use crate::error::Violation;

/// The fields that a type has, by the numbers that lead to them; each is probed once.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<Vec<u32>, bool>>);

/// Returns a field of `sent` that has changed in `read`, which was decoded from it.
pub(super) fn changed<T: Message + Default>(
    sent: &DynamicMessage,
    read: &T,
    known: &Known,
) -> Option<Violation> {
    let again = read.encode_to_vec();
    let kept = DynamicMessage::decode(sent.descriptor(), again.as_slice()).ok()?;
    Comparison { known, root: sent.descriptor(), has: has::<T> }.messages(
        sent,
        &kept,
        &mut Vec::new(),
    )
}

struct Comparison<'a> {
    known: &'a Known,
    root: MessageDescriptor,
    has: fn(&MessageDescriptor, &[FieldDescriptor]) -> bool,
}

/// A field of a path, and its text in an error message.
type Step = (FieldDescriptor, String);

impl Comparison<'_> {
    fn messages(
        &self,
        sent: &DynamicMessage,
        kept: &DynamicMessage,
        path: &mut Vec<Step>,
    ) -> Option<Violation> {
        for (field, value) in sent.fields() {
            path.push((field.clone(), field.name().to_owned()));
            let found = if kept.has_field(&field) {
                self.values(value, &kept.get_field(&field), path)
            } else if is_default(&field, value) || !self.is_known(path) {
                None
            } else {
                Some(violation(path))
            };
            if found.is_some() {
                return found;
            }
            path.pop();
        }
        None
    }

    fn values(&self, sent: &Value, kept: &Value, path: &mut Vec<Step>) -> Option<Violation> {
        match (sent, kept) {
            (Value::Message(sent), Value::Message(kept)) => self.messages(sent, kept, path),
            (Value::List(sent), Value::List(kept)) if sent.len() == kept.len() => {
                let name = path.last().map(|(_, name)| name.clone()).unwrap_or_default();
                for (at, (sent, kept)) in sent.iter().zip(kept).enumerate() {
                    rename(path, format!("{name}[{at}]"));
                    let found = self.values(sent, kept, path);
                    if found.is_some() {
                        return found;
                    }
                }
                rename(path, name);
                None
            }
            (Value::Map(sent), Value::Map(kept)) if sent.len() == kept.len() => {
                let name = path.last().map(|(_, name)| name.clone()).unwrap_or_default();
                // The keys are data.
                rename(path, format!("{name}[*]"));
                for (key, sent) in sent {
                    let Some(kept) = kept.get(key) else { return Some(violation(path)) };
                    let found = self.values(sent, kept, path);
                    if found.is_some() {
                        return found;
                    }
                }
                rename(path, name);
                None
            }
            (Value::F32(sent), Value::F32(kept)) if sent.to_bits() == kept.to_bits() => None,
            (Value::F64(sent), Value::F64(kept)) if sent.to_bits() == kept.to_bits() => None,
            (sent, kept) if sent == kept => None,
            _ => Some(violation(path)),
        }
    }

    fn is_known(&self, path: &[Step]) -> bool {
        let numbers: Vec<u32> = path.iter().map(|(field, _)| field.number()).collect();
        if let Some(is_known) = self.known.0.lock().get(&numbers) {
            return *is_known;
        }
        let fields: Vec<FieldDescriptor> = path.iter().map(|(field, _)| field.clone()).collect();
        let is_known = (self.has)(&self.root, &fields);
        self.known.0.lock().insert(numbers, is_known);
        is_known
    }
}

/// Returns whether the type has this value by default: 0, false, or the default in the file.
fn is_default(field: &FieldDescriptor, value: &Value) -> bool {
    let is_empty = matches!(value, Value::Message(_) | Value::List(_) | Value::Map(_));
    !is_empty && (value.is_default(&field.kind()) || value.is_default_for_field(field))
}

fn rename(path: &mut [Step], name: String) {
    if let Some(last) = path.last_mut() {
        last.1 = name;
    }
}

fn violation(path: &[Step]) -> Violation {
    let names: Vec<&str> = path.iter().map(|(_, name)| name.as_str()).collect();
    let problem = "holds what the type cannot keep: a larger number, several values, or two \
                   fields where it has one of them";
    Violation { field: names.join("."), problem: problem.to_owned() }
}

/// Returns whether a type has the field at this path, by decoding and encoding an example.
fn has<T: Message + Default>(root: &MessageDescriptor, path: &[FieldDescriptor]) -> bool {
    let asked = example(root, path).encode_to_vec();
    // A field of a different type counts.
    let Ok(read) = T::decode(asked.as_slice()) else { return true };
    let again = read.encode_to_vec();
    let Ok(kept) = DynamicMessage::decode(root.clone(), again.as_slice()) else { return true };
    leads(&kept, path)
}

/// Returns a message with one value, at this path.
fn example(message: &MessageDescriptor, path: &[FieldDescriptor]) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    let Some((field, rest)) = path.split_first() else { return made };
    let value = |kind: &Kind| match kind {
        Kind::Message(inner) => Value::Message(example(inner, rest)),
        kind => one(kind),
    };
    let value = match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let key = one(&entry.map_entry_key_field().kind()).into_map_key();
            let key = key.unwrap_or(MapKey::Bool(true));
            Value::Map(HashMap::from([(key, value(&entry.map_entry_value_field().kind()))]))
        }
        kind if field.is_list() => Value::List(vec![value(&kind)]),
        kind => value(&kind),
    };
    made.set_field(field, value);
    made
}

fn one(kind: &Kind) -> Value {
    match kind {
        Kind::Double => Value::F64(1.0),
        Kind::Float => Value::F32(1.0),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(1),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(1),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(1),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(1),
        Kind::Bool => Value::Bool(true),
        Kind::String => Value::String("1".to_owned()),
        Kind::Bytes => Value::Bytes(b"1".as_slice().into()),
        Kind::Enum(_) => Value::EnumNumber(1),
        Kind::Message(inner) => Value::Message(DynamicMessage::new(inner.clone())),
    }
}

fn leads(message: &DynamicMessage, path: &[FieldDescriptor]) -> bool {
    let Some((field, rest)) = path.split_first() else { return true };
    if !message.has_field(field) {
        return false;
    }
    let inner = message.get_field(field);
    let inside = |value: &Value| match value {
        Value::Message(inner) => leads(inner, rest),
        _ => true,
    };
    match &*inner {
        Value::List(items) => items.iter().any(inside),
        Value::Map(entries) => entries.values().any(inside),
        value => inside(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::compile::{compile, message_of};

    #[derive(Clone, PartialEq, prost::Message)]
    struct Inner {
        #[prost(int32, tag = "1")]
        c: i32,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    enum Choice {
        #[prost(int32, tag = "5")]
        E(i32),
        #[prost(int32, tag = "6")]
        F(i32),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct A {
        #[prost(int32, tag = "1")]
        a: i32,
        #[prost(string, tag = "2")]
        b: String,
        #[prost(message, repeated, tag = "3")]
        c: Vec<Inner>,
        #[prost(map = "string, int32", tag = "4")]
        d: HashMap<String, i32>,
        #[prost(oneof = "Choice", tags = "5, 6")]
        choice: Option<Choice>,
        #[prost(bool, tag = "7")]
        g: bool,
    }

    const FILE: &str = r#"syntax = "proto3"; message Inner { int64 c = 1; }
        message A { int64 a = 1; repeated string b = 2; repeated Inner c = 3;
        map<string, int64> d = 4; int32 e = 5; int32 f = 6; int32 g = 7; double h = 8; Inner i = 9; }
        message Optional { optional int32 a = 1; oneof o { string b = 2; } optional bool g = 7; }"#;

    #[test]
    fn lost_values_are_named_and_missing_fields_are_left_out() {
        let file = compile(FILE, &[]).unwrap();
        let message = message_of(&file, "A").unwrap();
        let rows = [
            (r#"a: 5 b: "1" c { c: -1 } d { key: "k" value: 7 } e: 1 g: 1"#, ""),
            ("h: nan i { c: 4294967301 }", ""),
            ("a: 4294967301", "a holds"),
            // Truncated to 32 bits, it is 0, which is not sent at all.
            ("a: 4294967296", "a holds"),
            (r#"b: "1" b: "2""#, "b holds"),
            ("c { c: 1 } c { c: 4294967296 }", "c[1].c holds"),
            (r#"d { key: "k" value: 4294967301 }"#, "d[*] holds"),
            ("e: 1 f: 2", "e holds"),
            ("g: 2", "g holds"),
        ];
        let known = Known::default();
        for (text, expected) in rows {
            let sent = DynamicMessage::parse_text_format(message.clone(), text).unwrap();
            let read = A::decode(sent.encode_to_vec().as_slice()).unwrap();
            let said = changed(&sent, &read, &known).map(|it| it.to_string()).unwrap_or_default();
            assert!(said.starts_with(expected), "{text}: {said}");
            assert_eq!(said.is_empty(), expected.is_empty(), "{text}: {said}");
        }
    }

    #[test]
    fn a_default_that_was_sent_equals_a_missing_field() {
        let file = compile(FILE, &[]).unwrap();
        let message = message_of(&file, "Optional").unwrap();
        let known = Known::default();
        for text in [r#"a: 0 b: "" g: false"#, "a: 1", ""] {
            let sent = DynamicMessage::parse_text_format(message.clone(), text).unwrap();
            let read = A::decode(sent.encode_to_vec().as_slice()).unwrap();
            assert_eq!(changed(&sent, &read, &known), None, "{text}");
        }
    }
}
