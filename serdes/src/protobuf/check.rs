//! Goes through the bytes of a message with its description, and names the field that does not
//! hold what the description says.
//!
//! A parser is lenient: it cuts a number to 32 bits, keeps the last of several values, and drops a
//! name that an enum of proto2 lacks. What it would change is found here instead.

use std::collections::HashMap;

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::prost_types::{Duration, Timestamp};
use prost_reflect::{EnumDescriptor, Kind, MessageDescriptor, Syntax};

use super::forms::{Form, Forms};
use crate::error::Violation;

/// So deep messages may lie in each other, as in every parser's default.
const DEEPEST: usize = 100;

/// What is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes are no message.
    Damaged,
    /// A field does not hold what it should.
    Field(Violation),
}

/// Checks what a type has written before it is sent.
///
/// # Errors
///
/// [`Fault`], where any reader would find less, or something else, than the type has.
pub(super) fn written(
    message: &MessageDescriptor,
    bytes: &[u8],
    forms: &Forms,
) -> Result<(), Fault> {
    Walk { forms, is_new: true }.whole(message, bytes, "", 0)
}

/// Checks what came before it is read into a type with these forms.
///
/// # Errors
///
/// [`Fault`], where the message lacks what its file requires, or the type would read a number as
/// another one.
pub(super) fn came(message: &MessageDescriptor, bytes: &[u8], forms: &Forms) -> Result<(), Fault> {
    Walk { forms, is_new: false }.whole(message, bytes, "", 0)
}

struct Walk<'a> {
    forms: &'a Forms,
    /// Whether the message is being written: then it must be as the file says, to the last field.
    is_new: bool,
}

/// A field or an extension.
struct Field {
    name: String,
    number: u32,
    kind: Kind,
    is_list: bool,
    is_map: bool,
    oneof: Option<String>,
}

impl Field {
    fn find(message: &MessageDescriptor, number: u32) -> Option<Self> {
        if let Some(field) = message.get_field(number) {
            let oneof = field.containing_oneof().map(|it| it.name().to_owned());
            let (name, kind) = (field.name().to_owned(), field.kind());
            let (is_list, is_map) = (field.is_list(), field.is_map());
            return Some(Field { name, number, kind, is_list, is_map, oneof });
        }
        let extension = message.get_extension(number)?;
        let (name, kind) = (format!("[{}]", extension.full_name()), extension.kind());
        Some(Field { name, number, kind, is_list: extension.is_list(), is_map: false, oneof: None })
    }

    fn wire_type(&self, of: &MessageDescriptor) -> WireType {
        let is_group = of.get_field(self.number).is_some_and(|it| it.is_group())
            || of.get_extension(self.number).is_some_and(|it| it.is_group());
        if is_group { WireType::StartGroup } else { self.kind.wire_type() }
    }
}

/// What was there of a message so far.
#[derive(Default)]
struct Seen {
    counts: HashMap<u32, usize>,
    oneofs: HashMap<String, String>,
}

fn field(path: &str, problem: &str) -> Fault {
    Fault::Field(Violation { field: path.to_owned(), problem: problem.to_owned() })
}

fn damaged<E>(_: E) -> Fault {
    Fault::Damaged
}

impl Walk<'_> {
    fn whole(
        &self,
        message: &MessageDescriptor,
        mut bytes: &[u8],
        path: &str,
        depth: usize,
    ) -> Result<(), Fault> {
        let all = bytes;
        self.fields(message, &mut bytes, path, depth, None)?;
        if self.is_new { known(message, all, path) } else { Ok(()) }
    }

    /// The fields to the end of the bytes, or of the group with this number.
    fn fields(
        &self,
        message: &MessageDescriptor,
        bytes: &mut &[u8],
        path: &str,
        depth: usize,
        group: Option<u32>,
    ) -> Result<(), Fault> {
        if depth > DEEPEST {
            let problem = "has messages too deep in each other";
            return Err(if self.is_new { field("", problem) } else { Fault::Damaged });
        }
        let mut seen = Seen::default();
        loop {
            if bytes.is_empty() {
                if group.is_some() {
                    return Err(Fault::Damaged);
                }
                break;
            }
            let (number, wire_type) = decode_key(bytes).map_err(damaged)?;
            if wire_type == WireType::EndGroup {
                if group != Some(number) {
                    return Err(Fault::Damaged);
                }
                break;
            }
            match Field::find(message, number) {
                Some(found) => {
                    let path = self.note(message, &found, path, &mut seen)?;
                    self.field(message, &found, (wire_type, bytes), &path, depth)?;
                }
                None if self.is_new => {
                    let name = message.full_name();
                    let problem = format!("has a field with number {number}, and {name} has none");
                    return Err(field(path, &problem));
                }
                None => {
                    let context = DecodeContext::default();
                    skip_field(wire_type, number, bytes, context).map_err(damaged)?;
                }
            }
        }
        let lacks =
            message.fields().find(|it| it.is_required() && !seen.counts.contains_key(&it.number()));
        match lacks {
            Some(it) => Err(field(path, &format!("lacks the required field {}", it.name()))),
            None => Ok(()),
        }
    }

    /// Where the field is, unless it is there too often.
    fn note(
        &self,
        message: &MessageDescriptor,
        found: &Field,
        path: &str,
        seen: &mut Seen,
    ) -> Result<String, Fault> {
        let count = seen.counts.entry(found.number).or_default();
        let at = match path {
            _ if message.is_map_entry() && found.number == 2 => path.to_owned(),
            "" => found.name.clone(),
            path => format!("{path}.{}", found.name),
        };
        let full = match (found.is_map, found.is_list) {
            // The keys are data.
            (true, _) => format!("{at}[*]"),
            (_, true) => format!("{at}[{count}]"),
            _ => at.clone(),
        };
        *count += 1;
        if !self.is_new || found.is_list || found.is_map {
            return Ok(full);
        }
        if *count > 1 {
            return Err(field(&at, "is there several times, and the schema has it once"));
        }
        if let Some(oneof) = &found.oneof
            && let Some(other) = seen.oneofs.insert(oneof.clone(), found.name.clone())
        {
            let problem = format!("is set as well as {other}, and {oneof} holds one of them");
            return Err(field(&at, &problem));
        }
        Ok(full)
    }

    fn field(
        &self,
        message: &MessageDescriptor,
        found: &Field,
        (wire_type, bytes): (WireType, &mut &[u8]),
        path: &str,
        depth: usize,
    ) -> Result<(), Fault> {
        let expected = found.wire_type(message);
        if wire_type == expected {
            return self.value(message, found, bytes, path, depth);
        }
        let is_packed = found.is_list
            && wire_type == WireType::LengthDelimited
            && !matches!(expected, WireType::LengthDelimited | WireType::StartGroup);
        if !is_packed {
            return Err(field(path, "is written as another type than the schema has"));
        }
        let mut packed = slice(bytes)?;
        let list = path.strip_suffix("[0]").unwrap_or(path);
        let mut at = 0_usize;
        while !packed.is_empty() {
            let rest = packed;
            if self.value(message, found, &mut packed, list, depth).is_err() {
                // Again, to say which one it is: a path for each of many would cost more than they.
                packed = rest;
                self.value(message, found, &mut packed, &format!("{list}[{at}]"), depth)?;
            }
            at += 1;
        }
        Ok(())
    }

    fn value(
        &self,
        message: &MessageDescriptor,
        found: &Field,
        bytes: &mut &[u8],
        path: &str,
        depth: usize,
    ) -> Result<(), Fault> {
        match &found.kind {
            Kind::Message(inner) if found.wire_type(message) == WireType::StartGroup => {
                self.fields(inner, bytes, path, depth + 1, Some(found.number))
            }
            Kind::Message(inner) => self.whole(inner, slice(bytes)?, path, depth + 1),
            Kind::Bytes => slice(bytes).map(|_| ()),
            Kind::String => match std::str::from_utf8(slice(bytes)?) {
                Ok(_) => Ok(()),
                Err(_) => Err(field(path, "is no text in UTF-8")),
            },
            kind => {
                let (bits, is_highest_set) = number(kind, bytes)?;
                self.form(message, found, path, (bits, is_highest_set))?;
                if self.is_new { in_range(kind, bits, path) } else { Ok(()) }
            }
        }
    }

    /// Whether the type means the number that the file means.
    fn form(
        &self,
        message: &MessageDescriptor,
        found: &Field,
        path: &str,
        (bits, is_highest_set): (u64, bool),
    ) -> Result<(), Fault> {
        let key = (message.full_name().to_owned(), found.number);
        let (Some(in_type), Some(in_file)) = (self.forms.get(&key), Form::of(&found.kind)) else {
            return Ok(());
        };
        if *in_type == in_file || (bits == 0 && in_type.is_like(in_file)) {
            return Ok(());
        }
        if !in_type.is_like(in_file) && bits != 0 {
            let problem = "is a number of another form in the type than in the schema (such as \
                           int32 and sint32, or float and fixed32), and would be another number";
            return Err(field(path, problem));
        }
        if is_highest_set {
            let problem = "has a sign in one of type and schema and none in the other, and would be \
                           another number";
            return Err(field(path, problem));
        }
        Ok(())
    }
}

/// The bits of a number, and whether the one is set that is the sign in signed forms.
fn number(kind: &Kind, bytes: &mut &[u8]) -> Result<(u64, bool), Fault> {
    match kind.wire_type() {
        WireType::Varint => {
            let bits = decode_varint(bytes).map_err(damaged)?;
            let narrow = matches!(kind, Kind::Uint32);
            Ok((bits, bits > i64::MAX as u64 || (narrow && bits > i32::MAX as u64)))
        }
        WireType::ThirtyTwoBit => {
            let (bits, rest) = bytes.split_first_chunk::<4>().ok_or(Fault::Damaged)?;
            *bytes = rest;
            let bits = u32::from_le_bytes(*bits);
            Ok((bits.into(), bits > i32::MAX as u32))
        }
        _ => {
            let (bits, rest) = bytes.split_first_chunk::<8>().ok_or(Fault::Damaged)?;
            *bytes = rest;
            let bits = u64::from_le_bytes(*bits);
            Ok((bits, bits > i64::MAX as u64))
        }
    }
}

/// What a reader of 32 bits would cut, and what an enum of proto2 would drop.
fn in_range(kind: &Kind, bits: u64, path: &str) -> Result<(), Fault> {
    let is_signed_32 = i32::try_from(bits.cast_signed()).is_ok();
    let (is_held, name) = match kind {
        Kind::Int32 => (is_signed_32, "an int32"),
        Kind::Uint32 => (u32::try_from(bits).is_ok(), "a uint32"),
        // Zigzag: the number is half of it.
        Kind::Sint32 => (u32::try_from(bits).is_ok(), "an sint32"),
        Kind::Bool => (bits <= 1, "a bool"),
        Kind::Enum(declared) => return in_enum(declared, bits, path),
        _ => (true, ""),
    };
    if is_held { Ok(()) } else { Err(field(path, &format!("is larger than {name} can be"))) }
}

fn in_enum(declared: &EnumDescriptor, bits: u64, path: &str) -> Result<(), Fault> {
    let Ok(value) = i32::try_from(bits.cast_signed()) else {
        return Err(field(path, "is larger than the number of an enum can be"));
    };
    // An enum of proto3 is open: every reader keeps a number that has no name.
    let is_closed = declared.parent_file().syntax() == Syntax::Proto2;
    if is_closed && declared.get_value(value).is_none() {
        let name = declared.full_name();
        let problem = format!("has no name in {name}, and readers of proto2 drop such a value");
        return Err(field(path, &problem));
    }
    Ok(())
}

fn slice<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Fault> {
    let length = decode_varint(bytes).map_err(damaged)?;
    let length = usize::try_from(length).map_err(damaged)?;
    let (slice, rest) = bytes.split_at_checked(length).ok_or(Fault::Damaged)?;
    *bytes = rest;
    Ok(slice)
}

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds from 1970.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// 10,000 years, in seconds.
const LONGEST: i64 = 315_576_000_000;

const BILLION: i32 = 1_000_000_000;

/// What Protobuf's own messages ask for beyond their fields.
fn known(message: &MessageDescriptor, bytes: &[u8], path: &str) -> Result<(), Fault> {
    match message.full_name() {
        "google.protobuf.Timestamp" => {
            let Timestamp { seconds, nanos } = Timestamp::decode(bytes).map_err(damaged)?;
            if !TIMES.contains(&seconds) {
                return Err(field(path, "is a time outside of the years 1 to 9999"));
            }
            if !(0..BILLION).contains(&nanos) {
                return Err(field(path, "has nanos outside of 0 to 999,999,999"));
            }
        }
        "google.protobuf.Duration" => {
            let Duration { seconds, nanos } = Duration::decode(bytes).map_err(damaged)?;
            if seconds.unsigned_abs() > LONGEST.unsigned_abs() {
                return Err(field(path, "is a duration of more than 10,000 years"));
            }
            let has_two_signs = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
            if nanos.unsigned_abs() >= BILLION.unsigned_abs() || has_two_signs {
                let problem = "has nanos of another sign than its seconds, or a second of them";
                return Err(field(path, problem));
            }
        }
        "google.protobuf.Value" => {
            let value = prost_reflect::prost_types::Value::decode(bytes).map_err(damaged)?;
            match value.kind {
                None => return Err(field(path, "is a Value without one: null is null_value")),
                Some(prost_reflect::prost_types::value::Kind::NumberValue(it))
                    if !it.is_finite() =>
                {
                    let problem = "is no number (NaN or infinite), and a Value holds none such";
                    return Err(field(path, problem));
                }
                Some(_) => {}
            }
        }
        "google.protobuf.Any" => return in_any(message, bytes, path),
        _ => {}
    }
    Ok(())
}

/// What a file can say of what an `Any` holds: its messages are known by their names.
fn in_any(message: &MessageDescriptor, bytes: &[u8], path: &str) -> Result<(), Fault> {
    let any = prost_reflect::prost_types::Any::decode(bytes).map_err(damaged)?;
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    if any.type_url.is_empty() && any.value.is_empty() {
        return Ok(());
    }
    if !any.type_url.contains('/') || name.is_empty() {
        return Err(field(path, "is an Any whose type_url names no type, as in host/package.Name"));
    }
    let Some(inner) = message.parent_pool().get_message_by_name(name) else {
        return Ok(());
    };
    let forms = Forms::new();
    let walk = Walk { forms: &forms, is_new: true };
    walk.whole(&inner, &any.value, &format!("{path}.value"), 0).map_err(|fault| match fault {
        Fault::Damaged => field(path, "is an Any whose bytes are not of the type that it names"),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use prost_reflect::DynamicMessage;

    use super::*;
    use crate::protobuf::{compile, forms, message_of};

    fn message(text: &str) -> MessageDescriptor {
        message_of(&compile::compile(text, &[]).unwrap(), "A").unwrap()
    }

    /// What is wrong with a message of `writer` under `reader`, each a file with a message A.
    fn said(writer: &str, text: &str, reader: &str) -> String {
        let written = DynamicMessage::parse_text_format(message(writer), text).unwrap();
        let bytes = written.encode_to_vec();
        assert_eq!(super::written(&message(writer), &bytes, &Forms::new()), Ok(()), "{text}");
        match super::written(&message(reader), &bytes, &Forms::new()) {
            Ok(()) => String::new(),
            Err(Fault::Damaged) => "damaged".to_owned(),
            Err(Fault::Field(violation)) => violation.to_string(),
        }
    }

    fn proto3(fields: &str) -> String {
        format!("syntax = \"proto3\"; message A {{ {fields} }} message B {{ int64 c = 1; }}")
    }

    #[test]
    fn a_field_that_the_schema_lacks_is_named_by_its_number() {
        let wide = "repeated Leg legs = 2; message Leg { string to = 1; int32 gate = 7; }";
        let narrow = "repeated Leg legs = 2; message Leg { string to = 1; }";
        let text = r#"legs { to: "JFK" } legs { to: "LGA" gate: 5 }"#;
        let said = said(&proto3(wide), text, &proto3(narrow));
        assert_eq!(said, "legs[1] has a field with number 7, and A.Leg has none");
    }

    #[test]
    fn a_value_that_the_schema_cannot_hold_is_named() {
        let rows = [
            ("int64 a = 1;", "a: 4294967301", "int32 a = 1;", "a is larger than an int32"),
            ("int64 a = 1;", "a: 2147483648", "int32 a = 1;", "a is larger than an int32"),
            ("int64 a = 1;", "a: -2147483648", "int32 a = 1;", ""),
            ("uint64 a = 1;", "a: 4294967296", "uint32 a = 1;", "a is larger than a uint32"),
            ("sint64 a = 1;", "a: -2147483649", "sint32 a = 1;", "a is larger than an sint32"),
            ("sint64 a = 1;", "a: -2147483648", "sint32 a = 1;", ""),
            ("int64 a = 1;", "a: 2", "bool a = 1;", "a is larger than a bool"),
            ("bytes a = 1;", r#"a: "\xff""#, "string a = 1;", "a is no text in UTF-8"),
            ("repeated string a = 1;", r#"a: "1" a: "2""#, "string a = 1;", "a is there several"),
            ("repeated int32 a = 1;", "a: 1 a: 2", "int32 a = 1;", "a is written as another type"),
            (
                "repeated int64 a = 1;",
                "a: [1, 4294967301]",
                "repeated int32 a = 1;",
                "a[1] is larger",
            ),
            ("double a = 1;", "a: 1", "float a = 1;", "a is written as another type"),
            (
                "map<string, int64> a = 1;",
                r#"a { key: "k" value: 4294967301 }"#,
                "map<string, int32> a = 1;",
                "a[*] is larger than an int32",
            ),
            (
                "map<int64, B> a = 1;",
                "a { key: 4294967301 }",
                "map<int32, B> a = 1;",
                "a[*].key is larger than an int32",
            ),
            ("B a = 1;", "a { c: 1 }", "string a = 1;", ""),
            (
                "int32 a = 1; int32 b = 2;",
                "a: 1 b: 2",
                "oneof o { int32 a = 1; int32 b = 2; }",
                "b is set as well as a, and o holds one of them",
            ),
            ("int32 a = 1; int32 b = 2;", "b: 2", "oneof o { int32 a = 1; int32 b = 2; }", ""),
            ("optional int32 a = 1;", "a: 0", "int32 a = 1;", ""),
        ];
        for (writer, text, reader, expected) in rows {
            let said = said(&proto3(writer), text, &proto3(reader));
            assert!(said.starts_with(expected), "{writer} as {reader}: {said}");
            assert_eq!(said.is_empty(), expected.is_empty(), "{writer} as {reader}: {said}");
            assert!(!said.contains("4294967"), "{said}");
        }
    }

    #[test]
    fn proto2_requires_and_closes_and_has_groups() {
        let file = |fields: &str| {
            format!("syntax = \"proto2\"; enum E {{ X = 0; Y = 1; }} message A {{ {fields} }}")
        };
        let rows = [
            ("optional int32 a = 1;", "", "required int32 a = 1;", "lacks the required field a"),
            ("optional int32 a = 1;", "a: 0", "required int32 a = 1;", ""),
            (
                "optional group G = 1 { optional int64 c = 1; }",
                "G { c: 4294967301 }",
                "optional group G = 1 { optional int32 c = 1; }",
                "g.c is larger than an int32",
            ),
            (
                "repeated group G = 1 { optional int32 d = 2; }",
                "G { } G { d: 1 }",
                "repeated group G = 1 { optional int32 c = 1; }",
                "g[1] has a field with number 2",
            ),
            (
                "optional group G = 1 { optional int32 c = 1; }",
                "G { c: 1 }",
                "optional G g = 1; message G { optional int32 c = 1; }",
                "g is written as another",
            ),
            ("optional int32 e = 1;", "e: 7", "optional E e = 1;", "e has no name in E"),
            ("optional int32 e = 1;", "e: 1", "optional E e = 1;", ""),
            (
                "repeated int32 e = 1;",
                "e: 1 e: 7",
                "repeated E e = 1 [packed = true];",
                "e[1] has no name in E",
            ),
        ];
        for (writer, text, reader, expected) in rows {
            let said = said(&file(writer), text, &file(reader));
            assert!(said.contains(expected), "{writer} as {reader}: {said}");
            assert_eq!(said.is_empty(), expected.is_empty(), "{writer} as {reader}: {said}");
        }
        // An enum of proto3 is open.
        let open = "syntax = \"proto3\"; enum E { X = 0; } message A { E e = 1; }";
        assert_eq!(said(&proto3("int32 e = 1;"), "e: 7", open), "");
        let large = said(&proto3("int64 e = 1;"), "e: 4294967301", open);
        assert!(large.contains("e is larger than the number of an enum"), "{large}");
    }

    #[test]
    fn the_well_known_messages_hold_what_they_are_for() {
        let file = |kind: &str| {
            format!("syntax = \"proto3\"; import \"google/protobuf/any.proto\";
                import \"google/protobuf/duration.proto\"; import \"google/protobuf/struct.proto\";
                import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/wrappers.proto\";
                message B {{ int32 c = 1; }} message A {{ google.protobuf.{kind} a = 1; }}")
        };
        let rows = [
            ("Timestamp", "a { seconds: 253402300799 nanos: 999999999 }", ""),
            ("Timestamp", "a { seconds: -62135596800 }", ""),
            ("Timestamp", "a { seconds: 253402300800 }", "a is a time outside of the years"),
            ("Timestamp", "a { nanos: 1000000000 }", "a has nanos outside"),
            ("Timestamp", "a { nanos: -1 }", "a has nanos outside"),
            ("Duration", "a { seconds: -1 nanos: -999999999 }", ""),
            ("Duration", "a { seconds: 315576000001 }", "a is a duration of more than"),
            ("Duration", "a { seconds: 1 nanos: -1 }", "a has nanos of another sign"),
            ("Duration", "a { nanos: 1000000000 }", "a has nanos of another sign"),
            ("Int64Value", "a { value: 5 }", ""),
            ("Value", "a { number_value: 1.5 }", ""),
            ("Value", "a { number_value: nan }", "a is no number"),
            ("Value", "a { }", "a is a Value without one"),
            (
                "Struct",
                r#"a { fields { key: "k" value { list_value { values { } } } } }"#,
                "a.fields[*].list_value.values[0] is a Value without one",
            ),
            ("Any", "a { }", ""),
            ("Any", r#"a { type_url: "example.org/elsewhere.C" value: "\xff" }"#, ""),
            ("Any", r#"a { type_url: "type.googleapis.com/B" value: "\x08\x05" }"#, ""),
            (
                "Any",
                r#"a { type_url: "type.googleapis.com/B" value: "\x08" }"#,
                "a is an Any whose bytes are not of the type",
            ),
            (
                "Any",
                r#"a { type_url: "type.googleapis.com/B" value: "\x10\x05" }"#,
                "a.value has a field with number 2, and B has none",
            ),
            ("Any", r#"a { type_url: "B" value: "" }"#, "a is an Any whose type_url names no type"),
        ];
        for (kind, text, expected) in rows {
            let message = message(&file(kind));
            // The text format writes an Any by its content, so it is put together field by field.
            let plain = proto3("P a = 1; message P { string type_url = 1; bytes value = 2; }");
            let of = if kind == "Any" { self::message(&plain) } else { message.clone() };
            let bytes = DynamicMessage::parse_text_format(of, text).unwrap().encode_to_vec();
            let said = match super::written(&message, &bytes, &Forms::new()) {
                Ok(()) => String::new(),
                Err(Fault::Field(violation)) => violation.to_string(),
                Err(Fault::Damaged) => "damaged".to_owned(),
            };
            assert!(said.starts_with(expected), "{kind} {text}: {said}");
            assert_eq!(said.is_empty(), expected.is_empty(), "{kind} {text}: {said}");
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct A {
        #[prost(int32, tag = "1")]
        a: i32,
        #[prost(uint64, tag = "2")]
        b: u64,
        #[prost(float, tag = "3")]
        c: f32,
        #[prost(sint32, repeated, tag = "4")]
        d: Vec<i32>,
    }

    #[test]
    fn a_number_of_another_form_in_the_type_is_named() {
        let plain = |a, b, c, d: &[i32]| A { a, b, c, d: d.to_vec() };
        let rows = [
            ("sint32 a = 1;", plain(5, 0, 0.0, &[]), "a is a number of another form"),
            ("uint32 a = 1;", plain(5, 0, 0.0, &[]), ""),
            ("uint64 a = 1;", plain(-5, 0, 0.0, &[]), "a has a sign in one"),
            ("int64 b = 2;", plain(0, 5, 0.0, &[]), ""),
            ("int64 b = 2;", plain(0, u64::MAX, 0.0, &[]), "b has a sign in one"),
            ("fixed32 c = 3;", plain(0, 0, 1.5, &[]), "c is a number of another form"),
            ("float c = 3;", plain(0, 0, 1.5, &[]), ""),
            (
                "repeated int32 d = 4;",
                plain(0, 0, 0.0, &[0, 5]),
                "d[1] is a number of another form",
            ),
            ("repeated int32 d = 4;", plain(0, 0, 0.0, &[0, 0]), ""),
        ];
        for (field, value, expected) in rows {
            let message = message(&proto3(field));
            let forms = forms::of::<A>(&message);
            for (way, checked) in [
                ("written", written(&message, &value.encode_to_vec(), &forms)),
                ("came", came(&message, &value.encode_to_vec(), &forms)),
            ] {
                let said = match checked {
                    Err(Fault::Field(violation)) => violation.to_string(),
                    other => format!("{other:?}").replace("Ok(())", ""),
                };
                assert!(said.starts_with(expected), "{field} {way}: {said}");
                assert_eq!(said.is_empty(), expected.is_empty(), "{field} {way}: {said}");
            }
        }
    }

    #[test]
    fn bytes_that_claim_more_than_they_are_end_and_never_panic() {
        let message = message(
            "syntax = \"proto2\"; message A { optional A a = 1; repeated int32 b = 2; \
             repeated group G = 3 { optional A a = 1; } optional string s = 4; optional fixed64 f = 5; }",
        );
        let hostile: &[&[u8]] = &[
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"\x12\xff\xff\xff\xff\x0f",
            b"\x1b",
            b"\x1c",
            b"\x1b\x24",
            b"\x29\x01",
            b"\x22\x05a",
            b"\x00",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            &[0x1b; 100_000],
        ];
        for bytes in hostile {
            assert!(written(&message, bytes, &Forms::new()).is_err());
            assert!(came(&message, bytes, &Forms::new()).is_err());
        }
        // Every pair of bytes in front of some that are a message.
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let bytes = [first, second, 0x12, 0x02, 0x01, 0x02];
                let _ = written(&message, &bytes, &Forms::new());
                let checked = came(&message, &bytes, &Forms::new()).is_ok();
                let decoded = DynamicMessage::decode(message.clone(), bytes.as_slice()).is_ok();
                assert!(!checked || decoded, "{bytes:?}");
            }
        }
    }
}
