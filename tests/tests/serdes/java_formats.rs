//! Java reads what is written here in Protobuf and JSON Schema, and what Java writes is read here:
//! values at the edge of what each type holds, and everything that a Protobuf file can have.
//!
//! The program is tests/java-schemas: Google's protobuf-java and its JSON, Jackson and networknt's
//! validator. Where there is no Java, or Maven cannot fetch it, the tests say so; what it answered
//! stands in them, and the bytes are compared either way.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use prost::Message as _;
use serde::Serialize;
use serde_json::{Value, json};
use serdes::{
    JsonDeserializer, JsonSerializer, Part, ProtobufDeserializer, ProtobufSerializer, Schema,
    SchemaId, prefix,
};

use workshop_tests::JavaSchemas;

use crate::place::{Place, name};

/// Java's readers and writers, where they can be built.
struct Java(&'static JavaSchemas);

impl Java {
    fn build() -> Option<Self> {
        JavaSchemas::build(env!("CARGO_TARGET_TMPDIR")).map(Self)
    }

    /// Returns its answer to each line.
    fn answers(&self, lines: &[Value]) -> Vec<Value> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let answers = self.0.answers("Formats", &text);
        assert_eq!(answers.len(), lines.len(), "{answers:?}");
        answers
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = |at: usize| hexadecimal.get(at..at + 2).expect("there are two");
    let byte = |at| u8::from_str_radix(digits(at), 16).expect("they are hexadecimal");
    (0..hexadecimal.len()).step_by(2).map(byte).collect()
}

/// The descriptor of a schema, as the registry gives it to clients in other languages.
fn descriptor(place: &Place, id: SchemaId) -> Value {
    let address = place.registry.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).expect("the registry listens");
    let path = format!("/schemas/ids/{id}?format=serialized");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (_, body) = answer.split_once("\r\n\r\n").expect("there is a body");
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    body["schema"].clone()
}

/// What a file of proto3 can have.
const MODERN: &str = r#"syntax = "proto3"; package p;
    import "google/protobuf/any.proto"; import "google/protobuf/duration.proto";
    import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto";
    import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
    enum Kind { UNKNOWN = 0; LARGE = 5; LOW = -1; }
    message First { }
    message Outer {
      message Before { }
      message Modern {
        int32 int32 = 1; int64 int64 = 2; uint32 uint32 = 3; uint64 uint64 = 4;
        sint32 sint32 = 5; sint64 sint64 = 6; fixed32 fixed32 = 7; fixed64 fixed64 = 8;
        sfixed32 sfixed32 = 9; sfixed64 sfixed64 = 10; float float = 11; double double = 12;
        bool bool = 13; string string = 14; bytes bytes = 15; Kind kind = 16;
        optional int32 maybe = 17; repeated sint64 packed = 18;
        repeated int32 unpacked = 19 [packed = false]; repeated Kind kinds = 20;
        map<string, Inner> inners = 21; map<int64, double> numbers = 22;
        oneof choice { string left = 23; Inner right = 24; bool neither = 25; }
        google.protobuf.Any any = 26; google.protobuf.Timestamp at = 27;
        google.protobuf.Duration takes = 28; google.protobuf.Int64Value wrapped = 29;
        google.protobuf.Struct struct = 30; google.protobuf.FieldMask mask = 31; Modern inside = 32;
      }
      message Inner { uint64 number = 1; }
    }"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum Kind {
    Unknown = 0,
    Large = 5,
    Low = -1,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Inner {
    #[prost(uint64, tag = "1")]
    number: u64,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Choice {
    #[prost(string, tag = "23")]
    Left(String),
    #[prost(message, tag = "24")]
    Right(Inner),
    #[prost(bool, tag = "25")]
    Neither(bool),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// A timestamp, and a duration.
#[derive(Clone, PartialEq, prost::Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Wrapped {
    #[prost(int64, tag = "1")]
    value: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Number {
    #[prost(double, optional, tag = "2")]
    number: Option<f64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Struct {
    #[prost(map = "string, message", tag = "1")]
    fields: HashMap<String, Number>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Mask {
    #[prost(string, repeated, tag = "1")]
    paths: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Modern {
    #[prost(int32, tag = "1")]
    int32: i32,
    #[prost(int64, tag = "2")]
    int64: i64,
    #[prost(uint32, tag = "3")]
    uint32: u32,
    #[prost(uint64, tag = "4")]
    uint64: u64,
    #[prost(sint32, tag = "5")]
    sint32: i32,
    #[prost(sint64, tag = "6")]
    sint64: i64,
    #[prost(fixed32, tag = "7")]
    fixed32: u32,
    #[prost(fixed64, tag = "8")]
    fixed64: u64,
    #[prost(sfixed32, tag = "9")]
    sfixed32: i32,
    #[prost(sfixed64, tag = "10")]
    sfixed64: i64,
    #[prost(float, tag = "11")]
    float: f32,
    #[prost(double, tag = "12")]
    double: f64,
    #[prost(bool, tag = "13")]
    bool: bool,
    #[prost(string, tag = "14")]
    string: String,
    #[prost(bytes = "vec", tag = "15")]
    bytes: Vec<u8>,
    #[prost(enumeration = "Kind", tag = "16")]
    kind: i32,
    #[prost(int32, optional, tag = "17")]
    maybe: Option<i32>,
    #[prost(sint64, repeated, tag = "18")]
    packed: Vec<i64>,
    #[prost(int32, repeated, packed = "false", tag = "19")]
    unpacked: Vec<i32>,
    #[prost(enumeration = "Kind", repeated, tag = "20")]
    kinds: Vec<i32>,
    #[prost(map = "string, message", tag = "21")]
    inners: HashMap<String, Inner>,
    #[prost(map = "int64, double", tag = "22")]
    numbers: HashMap<i64, f64>,
    #[prost(oneof = "Choice", tags = "23, 24, 25")]
    choice: Option<Choice>,
    #[prost(message, optional, tag = "26")]
    any: Option<Any>,
    #[prost(message, optional, tag = "27")]
    at: Option<Time>,
    #[prost(message, optional, tag = "28")]
    takes: Option<Time>,
    #[prost(message, optional, tag = "29")]
    wrapped: Option<Wrapped>,
    #[prost(message, optional, tag = "30")]
    r#struct: Option<Struct>,
    #[prost(message, optional, tag = "31")]
    mask: Option<Mask>,
    #[prost(message, optional, boxed, tag = "32")]
    inside: Option<Box<Modern>>,
}

impl prost::Name for Modern {
    const PACKAGE: &'static str = "p";
    const NAME: &'static str = "Modern";

    fn full_name() -> String {
        "p.Outer.Modern".to_owned()
    }
}

/// Values, and how Java writes them in Protobuf's JSON.
fn modern() -> Vec<(Modern, Value)> {
    let inner = |number| Inner { number };
    let least = Modern {
        int32: i32::MIN,
        int64: i64::MIN,
        sint32: i32::MIN,
        sint64: i64::MIN,
        sfixed32: i32::MIN,
        sfixed64: i64::MIN,
        float: f32::NEG_INFINITY,
        double: 5e-324,
        kind: Kind::Low as i32,
        choice: Some(Choice::Neither(false)),
        takes: Some(Time { seconds: -315_576_000_000, nanos: -999_999_999 }),
        at: Some(Time { seconds: -62_135_596_800, nanos: 1 }),
        ..Modern::default()
    };
    let most = Modern {
        int32: i32::MAX,
        int64: i64::MAX,
        uint32: u32::MAX,
        uint64: u64::MAX,
        sint32: i32::MAX,
        sint64: i64::MAX,
        fixed32: u32::MAX,
        fixed64: u64::MAX,
        sfixed32: i32::MAX,
        sfixed64: i64::MAX,
        float: f32::MAX,
        double: f64::MAX,
        bool: true,
        string: "✈\0\"😀".to_owned(),
        bytes: vec![0, 255],
        // A number that no name stands for, which proto3 keeps.
        kind: 7,
        maybe: Some(0),
        packed: vec![0, -1, i64::MIN],
        unpacked: vec![1, -1],
        kinds: vec![5, 7],
        inners: HashMap::from([("k".to_owned(), inner(u64::MAX))]),
        numbers: HashMap::from([(i64::MIN, 1.5)]),
        choice: Some(Choice::Right(inner(0))),
        at: Some(Time { seconds: 253_402_300_799, nanos: 999_999_999 }),
        takes: Some(Time { seconds: 1, nanos: 500_000_000 }),
        wrapped: Some(Wrapped { value: i64::MAX }),
        mask: Some(Mask { paths: vec!["int32".to_owned(), "inside.bool".to_owned()] }),
        inside: Some(Box::new(Modern {
            choice: Some(Choice::Left(String::new())),
            ..Modern::default()
        })),
        any: Some(Any {
            type_url: "type.googleapis.com/google.protobuf.Timestamp".to_owned(),
            value: Time { seconds: 1, nanos: 0 }.encode_to_vec(),
        }),
        r#struct: Some(Struct {
            fields: HashMap::from([("n".to_owned(), Number { number: Some(1.5) })]),
        }),
    };
    vec![
        (Modern::default(), json!({})),
        (
            least,
            json!({
                "int32": i32::MIN, "int64": i64::MIN.to_string(), "sint32": i32::MIN,
                "sint64": i64::MIN.to_string(), "sfixed32": i32::MIN,
                "sfixed64": i64::MIN.to_string(), "float": "-Infinity", "double": 5e-324,
                "kind": "LOW", "neither": false, "takes": "-315576000000.999999999s",
                "at": "0001-01-01T00:00:00.000000001Z",
            }),
        ),
        (
            most,
            json!({
                "int32": i32::MAX, "int64": i64::MAX.to_string(), "uint32": u32::MAX,
                "uint64": u64::MAX.to_string(), "sint32": i32::MAX,
                "sint64": i64::MAX.to_string(), "fixed32": u32::MAX,
                "fixed64": u64::MAX.to_string(), "sfixed32": i32::MAX,
                "sfixed64": i64::MAX.to_string(), "float": 3.402_823_5e38, "double": f64::MAX,
                "bool": true, "string": "✈\0\"😀", "bytes": "AP8=", "kind": 7, "maybe": 0,
                "packed": ["0", "-1", i64::MIN.to_string()], "unpacked": [1, -1],
                "kinds": ["LARGE", 7], "inners": {"k": {"number": u64::MAX.to_string()}},
                "numbers": {i64::MIN.to_string(): 1.5}, "right": {},
                "at": "9999-12-31T23:59:59.999999999Z", "takes": "1.500s",
                "wrapped": i64::MAX.to_string(), "mask": "int32,inside.bool",
                "inside": {"left": ""}, "struct": {"n": 1.5},
                "any": {"@type": "type.googleapis.com/google.protobuf.Timestamp",
                        "value": "1970-01-01T00:00:01Z"},
            }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn java_reads_every_kind_of_protobuf_field_and_is_read() {
    let place = Place::shared().await;
    let topic = name();
    let serializer = ProtobufSerializer::new(&place.registry, Schema::protobuf(MODERN)).unwrap();
    let deserializer = ProtobufDeserializer::new(&place.registry);
    let (mut lines, mut written) = (Vec::new(), Vec::new());
    for (value, expected) in modern() {
        let message = serializer.serialize(&topic, Part::Value, &value).await.unwrap();
        let (id, body) = prefix::split(&message).unwrap();
        // The second message inside the second of the file.
        assert_eq!(body[..3], [4, 2, 2]);
        assert_eq!(deserializer.deserialize::<Modern>(&message).await.unwrap(), value);
        let descriptor = descriptor(&place, id);
        lines.push(json!({ "descriptor": descriptor, "bytes": hexadecimal(body) }));
        written.push((id, value, expected));
    }
    let Some(java) = Java::build() else { return };
    for (answer, (_, _, expected)) in java.answers(&lines).into_iter().zip(&written) {
        assert_eq!(answer["value"], *expected, "{answer}");
        assert_eq!((&answer["message"], &answer["unknown"]), (&json!("p.Outer.Modern"), &json!(0)));
    }
    let (id, _, _) = written[0];
    let descriptor = descriptor(&place, id);
    let asked = |expected: &Value| json!({ "descriptor": descriptor, "message": "Outer.Modern", "value": expected });
    let lines: Vec<Value> = written.iter().map(|(_, _, expected)| asked(expected)).collect();
    for (answer, (_, value, _)) in java.answers(&lines).into_iter().zip(&written) {
        let body = bytes(answer["bytes"].as_str().unwrap_or_else(|| panic!("{answer}")));
        let message = prefix::join(id, &body);
        assert_eq!(deserializer.deserialize::<Modern>(&message).await.unwrap(), *value);
    }
}

/// What only proto2 has.
const OLD: &str = r#"syntax = "proto2"; package p;
    enum Class { FIRST = 1; SECOND = 2; }
    message Old {
      required int32 id = 1; optional string name = 2 [default = "none"];
      optional group Seat = 3 { required int32 row = 4; optional string letter = 5; }
      repeated int32 packed = 6 [packed = true]; repeated int32 plain = 7; optional Class class = 8;
    }"#;

#[derive(Clone, PartialEq, prost::Message)]
struct Seat {
    #[prost(int32, required, tag = "4")]
    row: i32,
    #[prost(string, optional, tag = "5")]
    letter: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Old {
    #[prost(int32, required, tag = "1")]
    id: i32,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(group, optional, tag = "3")]
    seat: Option<Seat>,
    #[prost(int32, repeated, packed = "true", tag = "6")]
    packed: Vec<i32>,
    #[prost(int32, repeated, packed = "false", tag = "7")]
    plain: Vec<i32>,
    #[prost(int32, optional, tag = "8")]
    class: Option<i32>,
}

impl prost::Name for Old {
    const PACKAGE: &'static str = "p";
    const NAME: &'static str = "Old";
}

/// The same without what is required.
#[derive(Clone, PartialEq, prost::Message)]
struct Lacking {
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
}

impl prost::Name for Lacking {
    const PACKAGE: &'static str = "p";
    const NAME: &'static str = "Old";
}

#[tokio::test(flavor = "multi_thread")]
async fn java_reads_what_only_proto2_has() {
    let place = Place::shared().await;
    let topic = name();
    let serializer = ProtobufSerializer::new(&place.registry, Schema::protobuf(OLD)).unwrap();
    let deserializer = ProtobufDeserializer::new(&place.registry);
    let old = Old {
        id: 0,
        name: Some(String::new()),
        seat: Some(Seat { row: -3, letter: Some("A".to_owned()) }),
        packed: vec![1, -1],
        plain: vec![2, 3],
        class: Some(2),
    };
    let message = serializer.serialize(&topic, Part::Value, &old).await.unwrap();
    let (id, body) = prefix::split(&message).unwrap();
    assert_eq!(deserializer.deserialize::<Old>(&message).await.unwrap(), old);

    let unnamed = Old { class: Some(7), ..old.clone() };
    let error = serializer.serialize(&topic, Part::Value, &unnamed).await.unwrap_err().to_string();
    assert!(error.contains("class has no name in p.Class"), "{error}");
    let lacking = Lacking { name: None };
    let error = serializer.serialize(&topic, Part::Value, &lacking).await.unwrap_err().to_string();
    assert!(error.contains("lacks the required field id"), "{error}");
    // From elsewhere: a message without what it requires, which Java refuses as well.
    let came = prefix::join(id, b"\0");
    let error = deserializer.dynamic(&came).await.unwrap_err().to_string();
    assert!(error.contains("lacks the required field id"), "{error}");

    let Some(java) = Java::build() else { return };
    let descriptor = descriptor(&place, id);
    let lines = [
        json!({ "descriptor": descriptor, "bytes": hexadecimal(body) }),
        json!({ "descriptor": descriptor, "bytes": "00" }),
    ];
    let answers = java.answers(&lines);
    let expected = json!({ "id": 0, "name": "", "seat": {"row": -3, "letter": "A"},
        "packed": [1, -1], "plain": [2, 3], "class": "SECOND" });
    assert_eq!(answers[0]["value"], expected, "{answers:?}");
    assert!(answers[1]["error"].to_string().contains("missing required fields"), "{answers:?}");
}

#[derive(Serialize)]
struct Measured {
    small: i64,
    large: u64,
    huge: u128,
    negative: i128,
    exact: f64,
    tiny: f64,
    short: f32,
    text: String,
    by_number: HashMap<u8, bool>,
    nothing: Option<u8>,
}

#[tokio::test(flavor = "multi_thread")]
async fn java_reads_every_number_of_json_as_it_is() {
    let place = Place::shared().await;
    let topic = name();
    let schema = r#"{"type":"object","properties":{
        "small":{"type":"integer"},"large":{"type":"integer","maximum":18446744073709551615},
        "huge":{"type":"integer"},"negative":{"type":"integer"},"exact":{"type":"integer"},
        "tiny":{"type":"number"},"short":{"type":"number"},"text":{"type":"string"}}}"#;
    let serializer = JsonSerializer::new(&place.registry, Schema::json(schema)).unwrap();
    let measured = Measured {
        small: i64::MIN,
        large: u64::MAX,
        huge: u128::MAX,
        negative: i128::MIN,
        exact: 1.0,
        tiny: 5e-324,
        short: 0.1,
        text: "\u{0}\u{1f}\"\\/✈😀\u{2028}".to_owned(),
        by_number: HashMap::from([(7, true)]),
        nothing: None,
    };
    let message = serializer.serialize(&topic, Part::Value, &measured).await.unwrap();
    let (_, body) = prefix::split(&message).unwrap();
    let text = format!(
        r#"{{"small":{},"large":{},"huge":{},"negative":{},"exact":1.0,"tiny":5e-324,"short":0.1,"text":"\u0000\u001f\"\\/✈😀{}","by_number":{{"7":true}},"nothing":null}}"#,
        i64::MIN,
        u64::MAX,
        u128::MAX,
        i128::MIN,
        '\u{2028}'
    );
    assert_eq!(std::str::from_utf8(body).unwrap(), text);
    let Some(java) = Java::build() else { return };
    let answer = java.answers(&[json!({ "schema": schema, "bytes": hexadecimal(body) })]).remove(0);
    assert_eq!(answer["violations"], 0, "{answer}");
    // Java has its own letters for an escape and an exponent.
    let javas = text.replace("5e-324", "5E-324").replace("u001f", "u001F");
    assert_eq!(answer["text"], javas, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_json_cannot_hold_is_not_sent_and_what_a_type_cannot_hold_is_not_read() {
    let place = Place::shared().await;
    let topic = name();
    let serializer = JsonSerializer::new(&place.registry, Schema::json("{}")).unwrap();
    for value in [f64::NAN, f64::INFINITY] {
        let value = HashMap::from([("legs", vec![1.0, value])]);
        let error = serializer.serialize(&topic, Part::Value, &value).await.unwrap_err();
        assert!(error.to_string().contains("legs[1] is not a number"), "{error}");
    }
    let message = serializer.serialize(&topic, Part::Value, &json!({})).await.unwrap();
    let (id, _) = prefix::split(&message).unwrap();
    let deserializer = JsonDeserializer::new(&place.registry);
    let rows = [
        (r#"{"a":1,"a":2}"#, "a occurs twice"),
        (r#"{"a":"\ud800"}"#, "a has half of a character"),
        (r#"{"a":18446744073709551616}"#, "a is not what the type expects"),
        (r#"{"a":0.12345678901234567890123}"#, "a is not what the type expects"),
        (r#"{"a":1e400}"#, "a is a number that is outside of a 64-bit float"),
        (r#"{"a":NaN}"#, "corrupt"),
    ];
    for (text, expected) in rows {
        let message = prefix::join(id, text.as_bytes());
        let error = deserializer.deserialize::<Value>(&message).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    type Counts<N> = HashMap<String, N>;
    let message = prefix::join(id, br#"{"a":1.0}"#);
    let read: Counts<u8> = deserializer.deserialize(&message).await.unwrap();
    assert_eq!(read["a"], 1);
    let message = prefix::join(id, br#"{"a":340282366920938463463374607431768211455}"#);
    let read: Counts<u128> = deserializer.deserialize(&message).await.unwrap();
    assert_eq!(read["a"], u128::MAX);
    let message = prefix::join(id, br#"{"a":4294967301}"#);
    let error = deserializer.deserialize::<Counts<i32>>(&message).await.unwrap_err().to_string();
    assert!(error.contains("a is not what the type expects: i32"), "{error}");
}
