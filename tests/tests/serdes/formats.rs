//! What one writes the other reads, and under which subject the schema is.

use std::sync::Arc;

use prost::Message as _;
use serde_json::{Value, json};
use serdes::{
    AvroDeserializer, AvroSerializer, JsonDeserializer, JsonSerializer, Options, Part,
    ProtobufDeserializer, ProtobufSerializer, Registration, Schema, SchemaType, SubjectNames,
    prefix,
};

use crate::place::{Departure, Place, Serializer, TYPES, departure, name, read, schema};

#[tokio::test(flavor = "multi_thread")]
async fn keys_values_and_tombstones_of_each_type_go_through_a_topic_and_back() {
    let place = Place::shared().await;
    let registry = &place.registry;
    for of in TYPES {
        let topic = place.cluster().create_topic(1);
        let serializer = Serializer::new(registry, schema(of), Options::default());
        let key = serializer.write(&topic, Part::Key).await.unwrap();
        let value = serializer.write(&topic, Part::Value).await.unwrap();
        let (id, _) = prefix::split(&value).unwrap();
        assert_eq!(registry.by_id(id).await.unwrap().schema_type, of);

        let sent = [(key.as_slice(), Some(value.as_slice())), (key.as_slice(), None)];
        let records = place.through(&topic, &sent).await;
        let mut found: Vec<Option<Departure>> = Vec::new();
        for record in &records {
            match of {
                SchemaType::Avro => {
                    let deserializer = AvroDeserializer::new(registry);
                    found.push(deserializer.key(record).await.unwrap());
                    found.push(deserializer.value(record).await.unwrap());
                }
                SchemaType::Json => {
                    let deserializer = JsonDeserializer::new(registry);
                    found.push(deserializer.key(record).await.unwrap());
                    found.push(deserializer.value(record).await.unwrap());
                }
                SchemaType::Protobuf => {
                    let deserializer = ProtobufDeserializer::new(registry);
                    found.push(deserializer.key(record).await.unwrap());
                    found.push(deserializer.value(record).await.unwrap());
                }
            }
        }
        let some = Some(departure());
        assert_eq!(found, [some.clone(), some.clone(), some, None], "{of}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_are_what_the_specifications_say() {
    let place = Place::shared().await;
    for of in TYPES {
        let serializer = Serializer::new(&place.registry, schema(of), Options::default());
        let written = serializer.write(&name(), Part::Value).await.unwrap();
        let (id, body) = prefix::split(&written).unwrap();
        let expected = match of {
            // A string with its length, a number, the second branch of the union and a string.
            SchemaType::Avro => b"\x12WS104 \xe2\x9c\x88\x0d\x02\x06B22".to_vec(),
            SchemaType::Json => {
                r#"{"flight":"WS104 ✈","minutes":-7,"gate":"B22"}"#.as_bytes().to_vec()
            }
            // One position: the second message of the file. All numbers are zigzag.
            SchemaType::Protobuf => [&[2, 2], departure().encode_to_vec().as_slice()].concat(),
        };
        assert_eq!(body, expected, "{of}");
        assert_eq!(written, prefix::join(id, &expected), "{of}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_are_named_by_the_strategy() {
    let place = Place::shared().await;
    for of in TYPES {
        let topic = name();
        let rows = [
            (SubjectNames::TopicName, Part::Key, format!("{topic}-key")),
            (SubjectNames::TopicName, Part::Value, format!("{topic}-value")),
            (SubjectNames::TopicRecordName, Part::Value, format!("{topic}-aero.Departure")),
        ];
        for (subject_names, part, subject) in rows {
            let options = Options { subject_names, ..Options::default() };
            let serializer = Serializer::new(&place.registry, schema(of), options);
            serializer.write(&topic, part).await.unwrap();
            assert_eq!(place.registry.versions(&subject).await.unwrap(), [1], "{of}: {subject}");
        }
    }
    // One subject for a record, whatever the topic: Avro has it, and the others may not follow.
    let by_record = Options { subject_names: SubjectNames::RecordName, ..Options::default() };
    for topic in [name(), name()] {
        let serializer = Serializer::new(&place.registry, schema(SchemaType::Avro), by_record);
        serializer.write(&topic, Part::Value).await.unwrap();
    }
    assert_eq!(place.registry.versions("aero.Departure").await.unwrap(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_registered_or_required_or_replaced_by_the_latest() {
    let place = Place::shared().await;
    let (registry, topic) = (&place.registry, name());
    let subject = format!("{topic}-value");
    let with = |registration| Options { registration, ..Options::default() };
    let first = || schema(SchemaType::Avro);

    let required = Serializer::new(registry, first(), with(Registration::Required));
    let error = required.write(&topic, Part::Value).await.unwrap_err();
    assert_eq!(error.code(), Some(40401), "{error}");
    assert_eq!(registry.versions(&subject).await.unwrap_err().code(), Some(40401));

    let id = registry.register(&subject, &first()).await.unwrap();
    // What failed is asked again.
    let written = required.write(&topic, Part::Value).await.unwrap();
    assert_eq!(prefix::split(&written).unwrap().0, id);

    let wider = schema(SchemaType::Avro).text().replace(
        "]}",
        r#",
        {"name":"late","type":"boolean","default":false}]}"#,
    );
    let latest_id = registry.register(&subject, &Schema::avro(&wider)).await.unwrap();
    assert_ne!(latest_id, id);
    let latest = Serializer::new(registry, first(), with(Registration::Latest));
    let written = latest.write(&topic, Part::Value).await.unwrap();
    assert_eq!(prefix::split(&written).unwrap().0, latest_id);
    let known: Value = AvroDeserializer::new(registry).deserialize(&written).await.unwrap();
    assert_eq!((&known["late"], &known["minutes"]), (&json!(false), &json!(-7)));

    // Registering what is there already makes no version.
    let automatic = Serializer::new(registry, first(), with(Registration::Automatic));
    let written = automatic.write(&topic, Part::Value).await.unwrap();
    assert_eq!(prefix::split(&written).unwrap().0, id);
    assert_eq!(registry.versions(&subject).await.unwrap(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_the_latest_version_has_no_place_for_is_an_error() {
    let place = Place::shared().await;
    let latest = Options { registration: Registration::Latest, ..Options::default() };
    let narrow = [
        Schema::avro(
            r#"{"type":"record","name":"Departure","namespace":"aero","fields":[
                {"name":"flight","type":"string"},{"name":"minutes","type":"int"}]}"#,
        ),
        Schema::json(
            r#"{"title":"aero.Departure","type":"object","additionalProperties":false,
                "properties":{"flight":{"type":"string"},"minutes":{"type":"integer"}}}"#,
        ),
        Schema::protobuf(
            r#"syntax = "proto3"; package aero; message Airport { string iata = 1; }
               message Departure { string flight = 1; sint32 minutes = 2; }"#,
        ),
    ];
    for (of, narrow) in TYPES.into_iter().zip(narrow) {
        let topic = name();
        place.registry.register(&format!("{topic}-value"), &narrow).await.unwrap();
        let serializer = Serializer::new(&place.registry, schema(of), latest);
        let error = serializer.write(&topic, Part::Value).await.unwrap_err().to_string();
        let named = if of == SchemaType::Protobuf { "number 3" } else { "gate" };
        assert!(error.contains(named) && !error.contains("B22"), "{of}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_one_id_and_one_version() {
    let place = Place::shared().await;
    for of in TYPES {
        let topic = name();
        let serializer = Serializer::new(&place.registry, schema(of), Options::default());
        let serializer = Arc::new(serializer);
        let writing = (0..16).map(|_| {
            let (serializer, topic) = (serializer.clone(), topic.clone());
            tokio::spawn(async move { serializer.write(&topic, Part::Value).await })
        });
        let mut written = Vec::new();
        for task in writing.collect::<Vec<_>>() {
            written.push(task.await.unwrap().unwrap());
        }
        written.dedup();
        assert_eq!(written.len(), 1, "{of}");
        assert_eq!(place.registry.versions(&format!("{topic}-value")).await.unwrap(), [1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_needs_others_is_written_and_read_with_them() {
    let place = Place::shared().await;
    let (registry, topic) = (&place.registry, name());
    let value = json!({ "flight": "WS104", "to": { "iata": "LHR" } });

    let needed = r#"{"type":"record","name":"Airport","namespace":"aero",
        "fields":[{"name":"iata","type":"string"}]}"#;
    registry.register("avro-airport", &Schema::avro(needed)).await.unwrap();
    let text = r#"{"type":"record","name":"Flight","namespace":"aero","fields":[
        {"name":"flight","type":"string"},{"name":"to","type":"aero.Airport"}]}"#;
    let flight = Schema::avro(text).reference("aero.Airport", "avro-airport", 1);
    let serializer = AvroSerializer::new(registry, flight).unwrap();
    let written = serializer.serialize(&topic, Part::Key, &value).await.unwrap();
    let read: Value = AvroDeserializer::new(registry).deserialize(&written).await.unwrap();
    assert_eq!(read, value);

    let needed = r#"{"type":"object","properties":{"iata":{"type":"string","maxLength":3}}}"#;
    registry.register("json-airport", &Schema::json(needed)).await.unwrap();
    let text = r#"{"type":"object","properties":{"to":{"$ref":"airport.json"}}}"#;
    let flight = Schema::json(text).reference("airport.json", "json-airport", 1);
    let serializer = JsonSerializer::new(registry, flight).unwrap();
    let written = serializer.serialize(&topic, Part::Value, &value).await.unwrap();
    let read: Value = JsonDeserializer::new(registry).deserialize(&written).await.unwrap();
    assert_eq!(read, value);
    let unfit = json!({ "to": { "iata": "secret" } });
    let error = serializer.serialize(&topic, Part::Value, &unfit).await.unwrap_err().to_string();
    assert!(error.contains("to.iata") && !error.contains("secret"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protobuf_file_is_read_with_what_it_imports_over_two_steps() {
    let place = Place::shared().await;
    let (registry, topic) = (&place.registry, name());
    let units = r#"syntax = "proto3"; package units; message Minutes { sint32 value = 1; }"#;
    registry.register("units", &Schema::protobuf(units)).await.unwrap();
    let delays = r#"syntax = "proto3"; package aero; import "units.proto";
        message Delay { units.Minutes by = 1; }"#;
    let delays = Schema::protobuf(delays).reference("units.proto", "units", 1);
    registry.register("delays", &delays).await.unwrap();
    let file = r#"syntax = "proto3"; package aero; import "delays.proto";
        import "google/protobuf/timestamp.proto";
        message Departure { string flight = 1; sint32 minutes = 2; optional string gate = 3;
            Delay delay = 4; google.protobuf.Timestamp at = 5; }"#;
    let file = Schema::protobuf(file).reference("delays.proto", "delays", 1);
    let serializer = ProtobufSerializer::new(registry, file).unwrap();
    let written = serializer.serialize(&topic, Part::Value, &departure()).await.unwrap();
    assert_eq!(read(registry, SchemaType::Protobuf, &written).await.unwrap(), departure());
    let dynamic = ProtobufDeserializer::new(registry).dynamic(&written).await.unwrap();
    assert_eq!(dynamic.to_string(), r#"flight:"WS104 \342\234\210",minutes:-7,gate:"B22""#);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_readers_read_what_old_and_new_writers_wrote() {
    let place = Place::shared().await;
    let (registry, topic) = (&place.registry, name());
    let new = schema(SchemaType::Avro)
        .text()
        .replace(r#""fields":["#, r#""fields":[{"name":"late","type":"boolean","default":true},"#);
    let by_old = Serializer::new(registry, schema(SchemaType::Avro), Options::default());
    let by_old = by_old.write(&topic, Part::Value).await.unwrap();
    let by_new = AvroSerializer::new(registry, Schema::avro(&new)).unwrap();
    let value = json!({ "flight": "WS104", "minutes": 3, "gate": null, "late": false });
    let by_new = by_new.serialize(&topic, Part::Value, &value).await.unwrap();

    let reader = |text: &str| AvroDeserializer::new(registry).reader_schema(text).unwrap();
    let read: Value = reader(&new).deserialize(&by_old).await.unwrap();
    assert_eq!((&read["late"], &read["minutes"]), (&json!(true), &json!(-7)));
    let read: Value = reader(schema(SchemaType::Avro).text()).deserialize(&by_new).await.unwrap();
    assert_eq!(read, json!({ "flight": "WS104", "minutes": 3, "gate": null }));

    let demanding = new.replace(r#","default":true"#, "");
    let error = reader(&demanding).deserialize::<Value>(&by_old).await.unwrap_err().to_string();
    assert!(error.contains("late is missing") && !error.contains("B22"), "{error}");
}
