//! What is written is what was given: byte for byte, read back, and read by Java.

use std::collections::{BTreeMap, HashMap};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use serdes::{AvroDeserializer, AvroSerializer, Part, Schema, prefix};
use uuid::Uuid;
use workshop_tests::JavaSchemas;

use super::seen::hex;
use crate::place::{Place, name};

/// Writes values, reads them back, and keeps what Java is asked afterwards.
struct Desk {
    place: Place,
    asked: Vec<(Value, Value)>,
}

impl Desk {
    async fn new() -> Self {
        Desk { place: Place::shared().await, asked: Vec::new() }
    }

    /// Writes a value, expects these bytes, and reads the same value from them. `java` is what
    /// Java's reader makes of them, as tests/java-schemas prints it.
    async fn check<T>(&mut self, schema: &Value, value: &T, bytes: &str, java: Value)
    where
        T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        let registry = &self.place.registry;
        let text = schema.to_string();
        let serializer = AvroSerializer::new(registry, Schema::avro(&text)).expect("it is one");
        let written = serializer.serialize(&name(), Part::Value, value).await;
        let written = written.unwrap_or_else(|error| panic!("{value:?} as {text}: {error}"));
        let (_, body) = prefix::split(&written).expect("it has one");
        assert_eq!(hex(body), bytes, "{value:?} as {text}");
        let read = AvroDeserializer::new(registry).deserialize::<T>(&written).await;
        let read = read.unwrap_or_else(|error| panic!("{value:?} from {text}: {error}"));
        assert_eq!(read, *value, "{text}");
        let question = json!({ "writer": text, "reader": text, "bytes": bytes });
        self.asked.push((question, java));
    }

    /// Asks Java, where it is there.
    fn ask_java(self) {
        let Some(java) = JavaSchemas::build(env!("CARGO_TARGET_TMPDIR")) else {
            return;
        };
        let lines: String =
            self.asked.iter().map(|(question, _)| format!("{question}\n")).collect();
        let answers = java.answers("Resolve", &lines);
        assert_eq!(answers.len(), self.asked.len());
        for (answer, (question, expected)) in answers.iter().zip(&self.asked) {
            assert_eq!(answer["cases"][0]["value"], *expected, "{question}");
        }
    }
}

fn decimal(precision: u32, scale: u32) -> Value {
    json!({ "type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale })
}

fn fixed_decimal(size: u32, precision: u32, scale: u32) -> Value {
    json!({ "type": "fixed", "name": "D", "size": size, "logicalType": "decimal",
        "precision": precision, "scale": scale })
}

#[tokio::test(flavor = "multi_thread")]
async fn decimals_are_written_digit_by_digit_and_java_reads_them() {
    let mut desk = Desk::new().await;
    let big = |text: &str| -> bigdecimal::BigDecimal { text.parse().expect("it is a decimal") };
    let rows = [
        (decimal(4, 2), "12.34", "0404d2"),
        (decimal(4, 2), "-12.34", "04fb2e"),
        (decimal(4, 2), "0.00", "0200"),
        (decimal(4, 2), "99.99", "04270f"),
        (decimal(9, 0), "128", "040080"),
        (decimal(9, 0), "-128", "0280"),
        (
            decimal(40, 10),
            "123456789012345678901234567890.0123456789",
            "2203a0c92075c0dbf3b8acbc5f968c04d515",
        ),
        (fixed_decimal(4, 9, 2), "12.34", "000004d2"),
        (fixed_decimal(4, 9, 2), "-0.01", "ffffffff"),
        (fixed_decimal(4, 9, 2), "9999999.99", "3b9ac9ff"),
    ];
    for (schema, text, bytes) in rows {
        desk.check(&schema, &big(text), bytes, json!(text)).await;
        let optional = json!(["null", schema]);
        desk.check(&optional, &Some(big(text)), &format!("02{bytes}"), json!(text)).await;
    }
    let of_its_own_scale = json!({ "type": "bytes", "logicalType": "big-decimal" });
    desk.check(&of_its_own_scale, &big("-12.50"), "0804fb1e04", json!("-12.50")).await;
    // Trailing zeros come and go, as Java lets them; the number stays.
    desk.check(&decimal(4, 2), &big("12.500"), "0404e2", json!("12.50")).await;
    desk.check(&decimal(4, 2), &big("1e1"), "0403e8", json!("10.00")).await;
    // Whole numbers are decimals too, beyond what long holds.
    desk.check(
        &decimal(39, 0),
        &u128::MAX,
        "2200ffffffffffffffffffffffffffffffff",
        json!(u128::MAX.to_string()),
    )
    .await;
    desk.check(
        &decimal(39, 0),
        &i128::MIN,
        "2080000000000000000000000000000000",
        json!(i128::MIN.to_string()),
    )
    .await;
    desk.check(&decimal(4, 2), &5_i32, "0401f4", json!("5.00")).await;
    desk.ask_java();
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Marked {
    #[serde(with = "serdes::avro::as_decimal")]
    price: bigdecimal::BigDecimal,
    #[serde(with = "serdes::avro::as_decimal")]
    discount: Option<bigdecimal::BigDecimal>,
    remark: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decimal_in_a_union_with_a_string_is_no_string() {
    let mut desk = Desk::new().await;
    let union = json!(["null", "string", decimal(4, 2)]);
    let schema = json!({ "type": "record", "name": "Marked", "fields": [
        { "name": "price", "type": union }, { "name": "discount", "type": union },
        { "name": "remark", "type": union }] });
    let marked = Marked {
        price: "12.34".parse().expect("it is a decimal"),
        discount: None,
        remark: "12.34".to_owned(),
    };
    let java = json!({ "of": { "price": "12.34", "discount": null, "remark": "12.34" } });
    desk.check(&schema, &marked, "040404d200020a31322e3334", java).await;
    desk.ask_java();
}

const UUID: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const UUID_BYTES: &str = "6ba7b8109dad11d180b400c04fd430c8";

#[tokio::test(flavor = "multi_thread")]
async fn a_uuid_is_text_or_sixteen_bytes_as_its_schema_says() {
    let mut desk = Desk::new().await;
    let uuid: Uuid = UUID.parse().expect("it is one");
    let fixed = json!({ "type": "fixed", "name": "U", "size": 16, "logicalType": "uuid" });
    let string = json!({ "type": "string", "logicalType": "uuid" });
    let text_bytes = format!("48{}", hex(UUID.as_bytes()));
    for value in [UUID.to_owned(), UUID.to_uppercase()] {
        desk.check(&fixed, &value.parse::<Uuid>().unwrap(), UUID_BYTES, json!(UUID)).await;
    }
    desk.check(&fixed, &UUID.to_owned(), UUID_BYTES, json!(UUID)).await;
    desk.check(&fixed, uuid.as_bytes(), UUID_BYTES, json!(UUID)).await;
    desk.check(&json!(["null", fixed]), &Some(uuid), &format!("02{UUID_BYTES}"), json!(UUID)).await;
    desk.check(&string, &uuid, &text_bytes, json!(UUID)).await;
    desk.check(&json!("string"), &uuid, &text_bytes, json!(UUID)).await;
    // Without the logical type sixteen bytes are bytes.
    let plain = json!({ "type": "fixed", "name": "U", "size": 16 });
    desk.check(&plain, uuid.as_bytes(), UUID_BYTES, json!({ "bytes": UUID_BYTES })).await;
    let record = json!({ "type": "record", "name": "R", "fields": [
        { "name": "id", "type": fixed }, { "name": "n", "type": "int" }] });
    let value = BTreeMap::from([("id", json!(UUID)), ("n", json!(5))]);
    let value = serde_json::to_value(value).unwrap();
    let java = json!({ "of": { "id": UUID, "n": { "int": 5 } } });
    desk.check(&record, &value, &format!("{UUID_BYTES}0a"), java).await;
    desk.ask_java();
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Wrapped(u16);

#[tokio::test(flavor = "multi_thread")]
async fn numbers_text_and_bytes_of_every_rust_type() {
    let mut desk = Desk::new().await;
    let (int, long) = (|n: i32| json!({ "int": n }), |n: i64| json!({ "long": n }));
    desk.check(&json!("int"), &i32::MIN, "ffffffff0f", int(i32::MIN)).await;
    desk.check(&json!("int"), &4_294_967_u32, "eea48c04", int(4_294_967)).await;
    desk.check(&json!("int"), &Wrapped(7), "0e", int(7)).await;
    desk.check(&json!("int"), &(-5_i128), "09", int(-5)).await;
    desk.check(&json!("long"), &i64::MIN, "ffffffffffffffffff01", long(i64::MIN)).await;
    desk.check(&json!("long"), &u32::MAX, "feffffff1f", long(i64::from(u32::MAX))).await;
    desk.check(&json!("long"), &(i64::MAX as u64), "feffffffffffffffff01", long(i64::MAX)).await;
    desk.check(&json!(["null", "long"]), &Some(5_u64), "020a", long(5)).await;
    desk.check(&json!(["null", "long"]), &None::<u64>, "00", Value::Null).await;
    desk.check(&json!(["int", "long"]), &5_i64, "020a", long(5)).await;
    desk.check(&json!(["long", "int"]), &5_i32, "020a", int(5)).await;
    desk.check(
        &json!(["null", "double"]),
        &Some(5_i32),
        "020000000000001440",
        json!({ "double": "4014000000000000" }),
    )
    .await;
    desk.check(&json!("float"), &-0.0_f32, "00000080", json!({ "float": "80000000" })).await;
    desk.check(
        &json!("double"),
        &-0.0_f64,
        "0000000000000080",
        json!({ "double": "8000000000000000" }),
    )
    .await;
    desk.check(&json!("float"), &f32::INFINITY, "0000807f", json!({ "float": "7f800000" })).await;
    desk.check(&json!("float"), &f64::NEG_INFINITY, "000080ff", json!({ "float": "ff800000" }))
        .await;
    desk.check(
        &json!("double"),
        &1e300_f64,
        "9c7500883ce4377e",
        json!({ "double": "7e37e43c8800759c" }),
    )
    .await;
    desk.check(&json!("string"), &'✈', "06e29c88", json!("✈")).await;
    desk.check(&json!("string"), &"a\0".to_owned(), "046100", json!("a\0")).await;
    desk.check(&json!("bytes"), &vec![0_u8, 255], "0400ff", json!({ "bytes": "00ff" })).await;
    let fixed = json!({ "type": "fixed", "name": "F", "size": 2 });
    desk.check(&fixed, &[0_u8, 255], "00ff", json!({ "bytes": "00ff" })).await;
    desk.check(&json!("null"), &(), "", Value::Null).await;
    desk.check(&json!("null"), &Unit, "", Value::Null).await;
    let empty = json!({ "type": "record", "name": "Unit", "fields": [] });
    desk.check(&empty, &Unit, "", json!({ "of": {} })).await;
    let (of_ints, items) =
        (json!({ "type": "map", "values": "int" }), json!({ "of": { "-1": int(2) } }));
    desk.check(&of_ints, &HashMap::from([(-1_i64, 2)]), "02042d310400", items.clone()).await;
    desk.check(
        &of_ints,
        &BTreeMap::from([(Wrapped(3), 2)]),
        "0202330400",
        json!({ "of": { "3": int(2) } }),
    )
    .await;
    desk.check(
        &of_ints,
        &HashMap::from([(String::new(), 2)]),
        "02000400",
        json!({ "of": { "": int(2) } }),
    )
    .await;
    let array = json!({ "type": "array", "items": ["null", "string"] });
    desk.check(&array, &vec![Some("a".to_owned()), None], "040202610000", json!(["a", null])).await;
    let duration = json!({ "type": "fixed", "name": "L", "size": 12, "logicalType": "duration" });
    desk.check(
        &duration,
        &[1_u32, 2, u32::MAX],
        "0100000002000000ffffffff",
        json!({ "bytes": "0100000002000000ffffffff" }),
    )
    .await;
    desk.check(
        &duration,
        &[1_u8, 0, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255],
        "0100000002000000ffffffff",
        json!({ "bytes": "0100000002000000ffffffff" }),
    )
    .await;
    for of in ["timestamp-millis", "timestamp-micros", "timestamp-nanos", "local-timestamp-millis"]
    {
        let of = json!({ "type": "long", "logicalType": of });
        desk.check(&of, &i64::MIN, "ffffffffffffffffff01", long(i64::MIN)).await;
    }
    let time = json!({ "type": "int", "logicalType": "time-millis" });
    desk.check(&time, &86_399_999_i32, "feefb252", int(86_399_999)).await;
    desk.check(&json!({ "type": "int", "logicalType": "date" }), &-1_i32, "01", int(-1)).await;
    desk.ask_java();
}

#[test]
fn nan_stays_nan() {
    // It is not equal to itself, so the table above has no row for it.
    let schema = Schema::avro(r#""float""#);
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let place = Place::shared().await;
        let serializer = AvroSerializer::new(&place.registry, schema).unwrap();
        let written = serializer.serialize(&name(), Part::Value, &f64::NAN).await.unwrap();
        let read: f32 = AvroDeserializer::new(&place.registry).deserialize(&written).await.unwrap();
        assert!(read.is_nan());
    });
}
