use prost_reflect::DynamicMessage;

use super::*;
use crate::protobuf::compile::{compile, message_of};
use crate::protobuf::forms;

fn message(text: &str) -> MessageDescriptor {
    message_of(&compile(text, &[]).unwrap(), "A").unwrap()
}

/// Returns the error for a message of `writer` under `reader`; each is a file with a message A.
fn said(writer: &str, text: &str, reader: &str) -> String {
    let written = DynamicMessage::parse_text_format(message(writer), text).unwrap();
    let bytes = written.encode_to_vec();
    assert_eq!(super::written(&message(writer), &bytes, &Forms::new()), Ok(()), "{text}");
    match super::written(&message(reader), &bytes, &Forms::new()) {
        Ok(()) => String::new(),
        Err(CheckError::Corrupt) => "corrupt".to_owned(),
        Err(CheckError::Field(violation)) => violation.to_string(),
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
        ("bytes a = 1;", r#"a: "\xff""#, "string a = 1;", "a is not text in UTF-8"),
        ("repeated string a = 1;", r#"a: "1" a: "2""#, "string a = 1;", "a occurs several"),
        ("repeated int32 a = 1;", "a: 1 a: 2", "int32 a = 1;", "a is written as a different type"),
        ("repeated int64 a = 1;", "a: [1, 4294967301]", "repeated int32 a = 1;", "a[1] is larger"),
        ("double a = 1;", "a: 1", "float a = 1;", "a is written as a different type"),
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
            "b is set together with a, and o holds one of them",
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
fn proto2_has_required_fields_closed_enums_and_groups() {
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
            "g is written as a different",
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
fn well_known_messages_hold_only_valid_values() {
    let file = |kind: &str| {
        format!(
            "syntax = \"proto3\"; import \"google/protobuf/any.proto\";
            import \"google/protobuf/duration.proto\"; import \"google/protobuf/struct.proto\";
            import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/wrappers.proto\";
            message B {{ int32 c = 1; }} message A {{ google.protobuf.{kind} a = 1; }}"
        )
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
        ("Value", "a { number_value: nan }", "a is not a number"),
        ("Value", "a { }", "a is a Value without a value"),
        (
            "Struct",
            r#"a { fields { key: "k" value { list_value { values { } } } } }"#,
            "a.fields[*].list_value.values[0] is a Value without a value",
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
        (
            "Any",
            r#"a { type_url: "B" value: "" }"#,
            "a is an Any whose type_url does not name a type",
        ),
    ];
    for (kind, text, expected) in rows {
        let message = message(&file(kind));
        // The text format writes an Any by its content, so this one is assembled field by field.
        let plain = proto3("P a = 1; message P { string type_url = 1; bytes value = 2; }");
        let of = if kind == "Any" { self::message(&plain) } else { message.clone() };
        let bytes = DynamicMessage::parse_text_format(of, text).unwrap().encode_to_vec();
        let said = match super::written(&message, &bytes, &Forms::new()) {
            Ok(()) => String::new(),
            Err(CheckError::Field(violation)) => violation.to_string(),
            Err(CheckError::Corrupt) => "corrupt".to_owned(),
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
fn a_number_with_another_format_in_the_type_is_named() {
    let plain = |a, b, c, d: &[i32]| A { a, b, c, d: d.to_vec() };
    let rows = [
        ("sint32 a = 1;", plain(5, 0, 0.0, &[]), "a has a different number format"),
        ("uint32 a = 1;", plain(5, 0, 0.0, &[]), ""),
        ("uint64 a = 1;", plain(-5, 0, 0.0, &[]), "a has a sign in one"),
        ("int64 b = 2;", plain(0, 5, 0.0, &[]), ""),
        ("int64 b = 2;", plain(0, u64::MAX, 0.0, &[]), "b has a sign in one"),
        ("fixed32 c = 3;", plain(0, 0, 1.5, &[]), "c has a different number format"),
        ("float c = 3;", plain(0, 0, 1.5, &[]), ""),
        ("repeated int32 d = 4;", plain(0, 0, 0.0, &[0, 5]), "d[1] has a different number format"),
        ("repeated int32 d = 4;", plain(0, 0, 0.0, &[0, 0]), ""),
    ];
    for (field, value, expected) in rows {
        let message = message(&proto3(field));
        let forms = forms::of::<A>(&message);
        for (way, checked) in [
            ("written", written(&message, &value.encode_to_vec(), &forms)),
            ("received", received(&message, &value.encode_to_vec(), &forms)),
        ] {
            let said = match checked {
                Err(CheckError::Field(violation)) => violation.to_string(),
                other => format!("{other:?}").replace("Ok(())", ""),
            };
            assert!(said.starts_with(expected), "{field} {way}: {said}");
            assert_eq!(said.is_empty(), expected.is_empty(), "{field} {way}: {said}");
        }
    }
}

#[test]
fn damaged_bytes_are_an_error_and_never_panic() {
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
        assert!(received(&message, bytes, &Forms::new()).is_err());
    }
    // Every pair of bytes before the bytes of a valid message.
    for first in 0..=255_u8 {
        for second in 0..=255_u8 {
            let bytes = [first, second, 0x12, 0x02, 0x01, 0x02];
            let _ = written(&message, &bytes, &Forms::new());
            let checked = received(&message, &bytes, &Forms::new()).is_ok();
            let decoded = DynamicMessage::decode(message.clone(), bytes.as_slice()).is_ok();
            assert!(!checked || decoded, "{bytes:?}");
        }
    }
}
