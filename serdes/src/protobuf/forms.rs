//! Finds out how a Rust type encodes its numbers.
//!
//! Protobuf has several forms for a number, and bytes do not show which one it is: a 5 that is
//! written as `int32` is read as −3 if the file says `sint32`, and a float as a large integer if it
//! says `fixed32`. A type of prost does not expose its forms either. So the type is probed: it
//! reads bytes that are a different number in each form, and shows which number it has read.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;

use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// The meaning of a number's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `int32`, `int64`, `sfixed32`, `sfixed64`.
    Signed,
    /// `uint32`, `uint64`, `fixed32`, `fixed64`.
    Unsigned,
    /// `sint32`, `sint64`: short for numbers near zero.
    Zigzag,
    /// `float`, `double`.
    Float,
}

impl Form {
    /// Returns the form in the file, if the field is a number.
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Int32 | Kind::Int64 | Kind::Sfixed32 | Kind::Sfixed64 => Form::Signed,
            Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => Form::Unsigned,
            Kind::Sint32 | Kind::Sint64 => Form::Zigzag,
            Kind::Float | Kind::Double => Form::Float,
            Kind::Bool | Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Message(_) => {
                return None;
            }
        })
    }

    /// Returns whether the same bytes are the same number in both forms, if the highest bit is not
    /// set.
    pub(super) fn is_like(self, other: Self) -> bool {
        let plain = |it| matches!(it, Form::Signed | Form::Unsigned);
        self == other || (plain(self) && plain(other))
    }
}

/// The forms of a type, by the full name of the message and the number of the field. Forms that the
/// type does not show are missing.
pub(super) type Forms = HashMap<(String, u32), Form>;

pub(super) fn of<T: prost::Message + Default + Debug>(message: &MessageDescriptor) -> Forms {
    let (mut forms, mut seen) = (Forms::new(), HashSet::new());
    ask::<T>(message, &mut Vec::new(), &mut seen, &mut forms);
    forms
}

fn ask<T: prost::Message + Default + Debug>(
    message: &MessageDescriptor,
    path: &mut Vec<FieldDescriptor>,
    seen: &mut HashSet<String>,
    forms: &mut Forms,
) {
    if !seen.insert(message.full_name().to_owned()) {
        return;
    }
    for field in message.fields() {
        if let Kind::Message(inner) = field.kind() {
            path.push(field.clone());
            ask::<T>(&inner, path, seen, forms);
            path.pop();
        } else if let Some(form) = shown::<T>(path, &field) {
            forms.insert((message.full_name().to_owned(), field.number()), form);
        }
    }
}

/// −12345 as 64 bits, which is also −12345 when truncated to 32 bits.
const VARINT: u64 = (-12_345_i64).cast_unsigned();
const SINGLE: f32 = -12_345.0;
const DOUBLE: f64 = -12_345.0;

/// A number as a type prints it, and the form that this means.
type Shown = (String, Form);

/// Returns bytes for a field of this wire type, and how each form prints them. Zigzag halves a
/// number and negates odd ones.
fn asked(wire_type: WireType) -> Option<(Vec<u8>, Vec<Shown>)> {
    let mut bytes = Vec::new();
    let rows = match wire_type {
        WireType::Varint => {
            encode_varint(VARINT, &mut bytes);
            vec![
                (VARINT.cast_signed().to_string(), Form::Signed),
                (VARINT.to_string(), Form::Unsigned),
                ((VARINT as u32).to_string(), Form::Unsigned),
                ((!(VARINT / 2)).cast_signed().to_string(), Form::Zigzag),
                ((!(VARINT as u32 / 2)).cast_signed().to_string(), Form::Zigzag),
            ]
        }
        WireType::ThirtyTwoBit => {
            bytes.extend_from_slice(&SINGLE.to_le_bytes());
            vec![
                (format!("{SINGLE:?}"), Form::Float),
                (SINGLE.to_bits().to_string(), Form::Unsigned),
                (SINGLE.to_bits().cast_signed().to_string(), Form::Signed),
            ]
        }
        WireType::SixtyFourBit => {
            bytes.extend_from_slice(&DOUBLE.to_le_bytes());
            vec![
                (format!("{DOUBLE:?}"), Form::Float),
                (DOUBLE.to_bits().to_string(), Form::Unsigned),
                (DOUBLE.to_bits().cast_signed().to_string(), Form::Signed),
            ]
        }
        _ => return None,
    };
    Some((bytes, rows))
}

fn shown<T: prost::Message + Default + Debug>(
    path: &[FieldDescriptor],
    field: &FieldDescriptor,
) -> Option<Form> {
    let wire_type = field.kind().wire_type();
    let (value, rows) = asked(wire_type)?;
    let mut bytes = Vec::new();
    encode_key(field.number(), wire_type, &mut bytes);
    bytes.extend_from_slice(&value);
    let told = format!("{:?}", T::decode(wrapped(path, bytes).as_slice()).ok()?);
    let is_part = |it: char| it.is_ascii_digit() || it == '-' || it == '.';
    let numbers: HashSet<&str> = told.split(|it| !is_part(it)).collect();
    rows.iter().find(|(number, _)| numbers.contains(number.as_str())).map(|(_, form)| *form)
}

/// Wraps the bytes of a field in the messages that lead to it.
fn wrapped(path: &[FieldDescriptor], mut bytes: Vec<u8>) -> Vec<u8> {
    for field in path.iter().rev() {
        let mut outer = Vec::new();
        if field.is_group() {
            encode_key(field.number(), WireType::StartGroup, &mut outer);
            outer.extend_from_slice(&bytes);
            encode_key(field.number(), WireType::EndGroup, &mut outer);
        } else {
            encode_key(field.number(), WireType::LengthDelimited, &mut outer);
            encode_varint(bytes.len() as u64, &mut outer);
            outer.extend_from_slice(&bytes);
        }
        bytes = outer;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::compile::{compile, message_of};

    #[derive(Clone, PartialEq, prost::Message)]
    struct Inner {
        #[prost(sint32, tag = "1")]
        a: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Numbers {
        #[prost(int32, tag = "1")]
        a: i32,
        #[prost(uint32, tag = "2")]
        b: u32,
        #[prost(sint32, repeated, tag = "3")]
        c: Vec<i32>,
        #[prost(int64, optional, tag = "4")]
        d: Option<i64>,
        #[prost(uint64, tag = "5")]
        e: u64,
        #[prost(sint64, tag = "6")]
        f: i64,
        #[prost(fixed32, tag = "7")]
        g: u32,
        #[prost(sfixed32, tag = "8")]
        h: i32,
        #[prost(float, tag = "9")]
        i: f32,
        #[prost(fixed64, tag = "10")]
        j: u64,
        #[prost(sfixed64, tag = "11")]
        k: i64,
        #[prost(double, tag = "12")]
        l: f64,
        #[prost(message, optional, tag = "13")]
        m: Option<Inner>,
        #[prost(hash_map = "string, sint64", tag = "14")]
        n: HashMap<String, i64>,
    }

    /// The forms in the file differ from the type's, so only the type can have shown them.
    const FILE: &str = r#"syntax = "proto3"; message Inner { int32 a = 1; }
        message Numbers { sint32 a = 1; sint64 b = 2; repeated uint32 c = 3; sint64 d = 4;
        sint64 e = 5; int64 f = 6; float g = 7; float h = 8; fixed32 i = 9; double j = 10;
        double k = 11; fixed64 l = 12; Inner m = 13; map<string, int64> n = 14; bool o = 15; }"#;

    #[test]
    fn the_forms_of_a_type_are_found() {
        let file = compile(FILE, &[]).unwrap();
        let forms = of::<Numbers>(&message_of(&file, "Numbers").unwrap());
        use Form::{Float, Signed, Unsigned, Zigzag};
        let expected = [
            Signed, Unsigned, Zigzag, Signed, Unsigned, Zigzag, Unsigned, Signed, Float, Unsigned,
            Signed, Float,
        ];
        for (number, form) in (1..).zip(expected) {
            assert_eq!(forms.get(&("Numbers".to_owned(), number)), Some(&form), "{number}");
        }
        assert_eq!(forms.get(&("Inner".to_owned(), 1)), Some(&Zigzag));
        assert_eq!(forms.get(&("Numbers.NEntry".to_owned(), 2)), Some(&Zigzag));
        assert_eq!(forms.len(), 14);
    }
}
