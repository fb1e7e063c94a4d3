//! Messages that are made to harm the reader: nothing panics, and nothing is allocated because
//! a message says so.

use std::time::Instant;

use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::json;
use serdes::{AvroDeserializer, AvroSerializer, Error, Part, Schema, prefix};
use workshop_tests::DEADLINE;

use super::seen::{Seen, unhex};
use crate::place::{Place, name};

const EVERYTHING: &str = r#"{"type":"record","name":"R","fields":[
    {"name":"a","type":["null","boolean","int","long","float","double","bytes","string","R"]},
    {"name":"b","type":{"type":"array","items":["null","string"]}},
    {"name":"c","type":{"type":"map","values":{"type":"enum","name":"E","symbols":["A","B"]}}},
    {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":40,"scale":4}},
    {"name":"e","type":{"type":"bytes","logicalType":"big-decimal"}},
    {"name":"f","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}},
    {"name":"g","type":{"type":"fixed","name":"L","size":12,"logicalType":"duration"}}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn damaged_messages_are_an_error_or_a_value_and_never_a_panic() {
    let place = Place::shared().await;
    let registry = &place.registry;
    let topic = name();
    let serializer = AvroSerializer::new(registry, Schema::avro(EVERYTHING)).unwrap();
    let value = json!({ "a": { "a": null, "b": [], "c": {}, "d": "0", "e": "0",
            "f": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "g": [1, 2, 3] },
        "b": [null, "text"], "c": { "k": "B" }, "d": "12345.6789", "e": "-1e-7",
        "f": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "g": [1, 2, 3] });
    let message = serializer.serialize(&topic, Part::Value, &value).await.unwrap();
    let plain = AvroDeserializer::new(registry);
    let narrow = r#"{"type":"record","name":"R","fields":[{"name":"d","type":"bytes"}]}"#;
    let narrow = AvroDeserializer::new(registry).reader_schema(narrow).unwrap();
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for _ in 0..20_000 {
        let mut message = message.clone();
        for _ in 0..=random.next_u32() % 3 {
            let at = 5 + random.next_u32() as usize % (message.len() - 5);
            match random.next_u32() % 3 {
                0 => message[at] = random.next_u32() as u8,
                1 => message.truncate(at.max(6)),
                _ => message.insert(at, random.next_u32() as u8),
            }
        }
        for reader in [&plain, &narrow] {
            match reader.deserialize::<Seen>(&message).await {
                Ok(_) | Err(Error::Corrupt(_) | Error::Invalid(_) | Error::TypeMismatch(_)) => {}
                Err(other) => panic!("{message:02x?}: {other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_of_a_message_are_not_believed() {
    let place = Place::shared().await;
    let registry = &place.registry;
    let array = |items: &str| format!(r#"{{"type":"array","items":{items}}}"#);
    let empty = r#"{"type":"record","name":"N","fields":[{"name":"n","type":"null"}]}"#;
    let nothing = r#"{"type":"fixed","name":"F","size":0}"#;
    let itself = r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#;
    let longest = "feffffffffffffffff01";
    let rows = [
        // As many items as there are numbers, and none of them takes a byte.
        (array(r#""null""#), format!("{longest}00")),
        (array(empty), format!("{longest}00")),
        (array(nothing), format!("{longest}00")),
        (array(&array(r#""null""#)), format!("02{longest}00")),
        // The smallest number has no positive counterpart.
        (array(r#""null""#), "ffffffffffffffffff010000".to_owned()),
        (array(r#""int""#), longest.to_owned()),
        (r#""bytes""#.to_owned(), longest.to_owned()),
        (r#""string""#.to_owned(), "01".to_owned()),
        (r#"{"type":"map","values":"null"}"#.to_owned(), format!("02{longest}")),
        (r#"{"type":"fixed","name":"G","size":2000000000}"#.to_owned(), "00".to_owned()),
        // Numbers that are longer than their type.
        (r#""long""#.to_owned(), "ffffffffffffffffff02".to_owned()),
        (r#""long""#.to_owned(), "ffffffffffffffffffff01".to_owned()),
        (r#""int""#.to_owned(), "8080808010".to_owned()),
        (r#""boolean""#.to_owned(), "02".to_owned()),
        (r#"["null"]"#.to_owned(), "02".to_owned()),
        (r#"["null"]"#.to_owned(), "01".to_owned()),
        (r#"{"type":"enum","name":"E","symbols":["A"]}"#.to_owned(), "02".to_owned()),
        (itself.to_owned(), String::new()),
    ];
    for (schema, bytes) in rows {
        let id = registry.register(&name(), &Schema::avro(&schema)).await.unwrap();
        let reader = AvroDeserializer::new(registry);
        let started = Instant::now();
        let read = reader.deserialize::<Seen>(&prefix::join(id, &unhex(&bytes))).await;
        assert!(matches!(read, Err(Error::Corrupt(_) | Error::Invalid(_))), "{schema}: {read:?}");
        assert!(started.elapsed() < DEADLINE, "{schema}");
    }
    // A block may say its size, for those who skip it.
    let id = registry.register(&name(), &Schema::avro(&array(r#""int""#))).await.unwrap();
    let message = prefix::join(id, &unhex("0304020400"));
    assert_eq!(
        AvroDeserializer::new(registry).deserialize::<Vec<i32>>(&message).await.unwrap(),
        [1, 2]
    );
    // So may the scale of a decimal, without being written out.
    let decimal = r#"{"type":"bytes","logicalType":"big-decimal"}"#;
    let id = registry.register(&name(), &Schema::avro(decimal)).await.unwrap();
    let message = prefix::join(id, &unhex("0e 02 18 feffffff0f".replace(' ', "").as_str()));
    let read = AvroDeserializer::new(registry).deserialize::<Seen>(&message).await.unwrap();
    assert_eq!(read, Seen(json!("24e-2147483647")));
}
