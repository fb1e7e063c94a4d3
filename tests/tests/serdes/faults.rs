//! What goes wrong says which field or which schema it is, and keeps values and passwords to
//! itself.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use serdes::{
    AvroDeserializer, AvroSerializer, Error, JsonDeserializer, JsonSerializer, Options, Part,
    PrefixError, ProtobufDeserializer, ProtobufSerializer, RegistryClient, Schema, SchemaId,
    SchemaType, prefix,
};

use crate::place::{AVRO, Departure, Place, Serializer, TYPES, client, departure, name};
use crate::place::{read, schema, server};
use workshop_tests::ClosedPort;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_prefix_says_so_and_the_registry_is_not_asked() {
    // There is no one to ask.
    let closed = ClosedPort::new();
    let url = format!("http://{}", closed.address());
    let registry = RegistryClient::builder(&url).build().unwrap();
    let rows: [(&[u8], PrefixError); 4] = [
        (br#"{"flight":"WS104"}"#, PrefixError::NoMagicByte(b'{')),
        (b"WS104", PrefixError::NoMagicByte(b'W')),
        (b"\0\0\0\x01", PrefixError::TooShort(4)),
        (b"", PrefixError::TooShort(0)),
    ];
    for of in TYPES {
        for (bytes, expected) in rows {
            match read(&registry, of, bytes).await {
                Err(Error::Prefix(found)) => assert_eq!(found, expected, "{of}"),
                other => panic!("{of}: {other:?}"),
            }
        }
        let asked = read(&registry, of, b"\0\0\0\0\x01...").await.unwrap_err();
        assert!(matches!(asked, Error::Unreachable { .. }), "{of}: {asked:?}");
        assert!(asked.to_string().contains(&url), "{of}: {asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_the_registry_does_not_know_is_named() {
    let place = Place::shared().await;
    for of in TYPES {
        // The last one is no id at all: in Java ids are signed.
        for id in [999_999, u32::MAX] {
            let message = prefix::join(SchemaId(id), b"secret");
            let error = read(&place.registry, of, &message).await.unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, Error::Rejected { .. }), "{of}: {error:?}");
            assert!(text.contains(&id.to_string()) && !text.contains("secret"), "{text}");
        }
        let message = prefix::join(SchemaId(999_999), b"");
        let error = read(&place.registry, of, &message).await.unwrap_err();
        assert_eq!(error.code(), Some(40403), "{of}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_another_type_says_which_reader_it_needs() {
    let place = Place::shared().await;
    for written_as in TYPES {
        let serializer = Serializer::new(&place.registry, schema(written_as), Options::default());
        let message = serializer.write(&name(), Part::Value).await.unwrap();
        for read_as in TYPES {
            match read(&place.registry, read_as, &message).await {
                Ok(found) => assert!(read_as == written_as && found == departure()),
                Err(Error::WrongFormat { expected, found, .. }) => {
                    assert_eq!((expected, found), (read_as, written_as));
                    assert_ne!(read_as, written_as);
                }
                Err(error) => panic!("{written_as} read as {read_as}: {error:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_cut_or_changed_are_an_error_and_never_a_panic() {
    let place = Place::shared().await;
    for of in TYPES {
        let serializer = Serializer::new(&place.registry, schema(of), Options::default());
        let message = serializer.write(&name(), Part::Value).await.unwrap();
        let whole = prefix::LENGTH..message.len();
        for length in whole.clone() {
            // Protobuf marks no end: a message that is cut between two fields is one.
            let error = read(&place.registry, of, &message[..length]).await.err();
            let is_damaged = error.as_ref().is_none_or(|it| matches!(it, Error::Corrupt(_)));
            assert!(is_damaged, "{of} cut at {length}: {error:?}");
            assert!(error.is_some() || of == SchemaType::Protobuf, "{of} cut at {length}");
        }
        for position in whole {
            for byte in [0x00, 0x7f, 0x80, 0xff] {
                let mut message = message.clone();
                message[position] = byte;
                // Most changes make another value, or no message; either way it ends.
                if let Err(error) = read(&place.registry, of, &message).await {
                    assert!(!error.to_string().contains("B22"), "{of}: {error}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_a_message_claims_are_not_believed() {
    let place = Place::shared().await;
    let topic = name();
    let serializer = Serializer::new(&place.registry, schema(SchemaType::Avro), Options::default());
    let message = serializer.write(&topic, Part::Value).await.unwrap();
    let (id, _) = prefix::split(&message).unwrap();
    // A string of 2^62 bytes, and one of a negative number of them.
    for length in [b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01".as_slice(), b"\x01"] {
        let error = read(&place.registry, SchemaType::Avro, &prefix::join(id, length)).await;
        assert!(matches!(error, Err(Error::Corrupt(_))), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_lie_too_deep_in_each_other_are_an_error_and_no_stack_overflows() {
    let place = Place::shared().await;
    let (registry, topic) = (&place.registry, name());
    let text = r#"{"type":"record","name":"Leg","fields":[{"name":"next","type":["null","Leg"]}]}"#;
    let schema = Schema::avro(text);
    let id = registry.register(&format!("{topic}-value"), &schema).await.unwrap();
    let plain = AvroDeserializer::new(registry);
    let with_schema = AvroDeserializer::new(registry).reader_schema(text).unwrap();
    // The second branch of the union each time, and the first at the end.
    let nested = |legs: usize| prefix::join(id, &[&vec![2; legs][..], &[0]].concat());
    // Where the limit is depends on the build; below it, all that follows must find room as well.
    for legs in (0..400).chain([10_000, 1_000_000]) {
        for deserializer in [&plain, &with_schema] {
            match deserializer.deserialize::<Value>(&nested(legs)).await {
                Ok(value) => {
                    assert!(legs < 10_000);
                    assert_eq!(value.to_string().matches("next").count(), legs + 1);
                }
                Err(error) => {
                    let is_expected = legs > 11 && error.to_string().contains("too deep");
                    assert!(is_expected, "{legs}: {error:?}");
                }
            }
        }
    }
    // What can be written can be read.
    let serializer = AvroSerializer::new(registry, schema).unwrap();
    let mut value = json!({ "next": null });
    for legs in 0..40 {
        match serializer.serialize(&topic, Part::Value, &value).await {
            Ok(written) => assert_eq!(written, nested(legs)),
            Err(error) => {
                assert!(legs > 11 && error.to_string().contains("too deep"), "{legs}: {error:?}");
            }
        }
        value = json!({ "next": value });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_protobuf_that_lie_deep_in_themselves_are_read_or_refused() {
    let place = Place::shared().await;
    let (registry, topic) = (&place.registry, name());
    let text = r##"{"title":"Leg","type":"object","properties":{"next":{"$ref":"#"}}}"##;
    let id = registry.register(&format!("{topic}-json"), &Schema::json(text)).await.unwrap();
    let deserializer = JsonDeserializer::new(registry).reader_schema(text).unwrap();
    for legs in [1, 100, 127, 128, 10_000, 100_000] {
        let nested = format!("{}{{}}{}", r#"{"next":"#.repeat(legs), "}".repeat(legs));
        let message = prefix::join(id, nested.as_bytes());
        match deserializer.deserialize::<Value>(&message).await {
            Ok(value) => assert_eq!(value.to_string(), nested),
            Err(error) => assert!(matches!(error, Error::Corrupt(_)) && legs > 120, "{error:?}"),
        }
    }

    let text = r#"syntax = "proto3"; message Leg { Leg next = 1; }"#;
    let id = registry.register(&format!("{topic}-proto"), &Schema::protobuf(text)).await.unwrap();
    let deserializer = ProtobufDeserializer::new(registry);
    let mut body = Vec::new();
    for legs in 0..2_000 {
        match deserializer.dynamic(&prefix::join(id, &[&[0], &body[..]].concat())).await {
            Ok(message) => assert_eq!(message.to_string().matches("next").count(), legs),
            Err(error) => assert!(matches!(error, Error::Corrupt(_)) && legs > 90, "{error:?}"),
        }
        let mut longer = vec![0x0a];
        prost::encoding::encode_varint(body.len() as u64, &mut longer);
        longer.append(&mut body);
        body = longer;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_written_names_the_field_and_hides_the_value() {
    let place = Place::shared().await;
    let (registry, topic) = (&place.registry, name());
    let rows = [
        (json!({"flight": "secret", "minutes": "secret"}), "minutes"),
        (json!({"flight": "secret"}), "minutes"),
        (json!({"flight": ["secret"], "minutes": 1}), "flight"),
        (json!({"flight": "x", "minutes": 1, "gate": {"secret": 1}}), "gate"),
        (json!({"flight": "x", "minutes": 1, "pilot": "secret"}), "pilot"),
        (json!("secret"), "the value"),
    ];
    for (value, field) in rows {
        let avro = AvroSerializer::new(registry, schema(SchemaType::Avro)).unwrap();
        let json = JsonSerializer::new(registry, schema(SchemaType::Json)).unwrap();
        let errors = [
            avro.serialize(&format!("{topic}-avro"), Part::Value, &value).await,
            json.serialize(&format!("{topic}-json"), Part::Value, &value).await,
        ];
        for error in errors {
            let error = error.expect_err("the value does not fit");
            let shown = format!("{error} {error:?}");
            assert!(matches!(error, Error::Invalid(_)), "{value}: {shown}");
            assert!(shown.contains(field) && !shown.contains("secret"), "{value}: {shown}");
        }
    }
}

/// What a program expects, and the messages do not hold.
#[derive(Debug, Deserialize)]
enum Gate {
    A1,
    A2,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "never made: no message fits")]
struct WithGate {
    flight: String,
    gate: Gate,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "never made: no message fits")]
struct WithPilot {
    flight: String,
    pilot: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_the_programs_type_is_an_error_without_the_value() {
    let place = Place::shared().await;
    for of in [SchemaType::Avro, SchemaType::Json] {
        let serializer = Serializer::new(&place.registry, schema(of), Options::default());
        let message = serializer.write(&name(), Part::Value).await.unwrap();
        let errors = if of == SchemaType::Avro {
            let deserializer = AvroDeserializer::new(&place.registry);
            [
                deserializer.deserialize::<WithGate>(&message).await.unwrap_err(),
                deserializer.deserialize::<WithPilot>(&message).await.unwrap_err(),
            ]
        } else {
            let deserializer = JsonDeserializer::new(&place.registry);
            [
                deserializer.deserialize::<WithGate>(&message).await.unwrap_err(),
                deserializer.deserialize::<WithPilot>(&message).await.unwrap_err(),
            ]
        };
        for error in &errors {
            let shown = format!("{error} {error:?}");
            assert!(matches!(error, Error::TypeMismatch(_)), "{of}: {shown}");
            assert!(!shown.contains("B22") && !shown.contains("WS104"), "{of}: {shown}");
        }
        let named = errors.each_ref().map(ToString::to_string);
        assert!(named[0].contains("gate is not what the type expects"), "{of}: {}", named[0]);
        assert!(named[1].contains("lacks the field pilot"), "{of}: {}", named[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_none_is_refused_before_anything_is_asked() {
    let registry = RegistryClient::builder("http://127.0.0.1:1").build().unwrap();
    let errors = [
        AvroSerializer::new(&registry, Schema::avro(r#"{"type":"recrod"}"#)).err(),
        JsonSerializer::new(&registry, Schema::json(r#"{"type":5}"#)).err(),
        ProtobufSerializer::new(&registry, Schema::protobuf("message {")).err(),
        JsonSerializer::new(&registry, Schema::json(r#"{"$ref":"file:///etc/hosts"}"#)).err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(Error::Schema { .. })), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_with_a_password_lets_in_who_has_it_and_no_error_shows_it() {
    let place = Place::shared().await;
    let guarded = server(place.cluster(), |it| it.basic_auth("anna", "s3cret:pass")).await;
    let with = |password: &str| {
        let builder = RegistryClient::builder(&guarded.url());
        builder.basic_auth("anna", password).build().unwrap()
    };
    let topic = name();
    for refused in [client(&guarded), with("s3cret:wrong")] {
        let serializer = Serializer::new(&refused, schema(SchemaType::Json), Options::default());
        let errors = [
            serializer.write(&topic, Part::Value).await.map(drop).unwrap_err(),
            refused.by_id(SchemaId(1)).await.map(drop).unwrap_err(),
            refused.latest("any").await.map(drop).unwrap_err(),
            refused.versions("any").await.map(drop).unwrap_err(),
            refused.delete_subject("any").await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.code(), Some(401), "{error:?}");
            let shown = format!("{error} {error:?} {refused:?}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
    let admitted = with("s3cret:pass");
    let serializer = Serializer::new(&admitted, schema(SchemaType::Json), Options::default());
    let message = serializer.write(&topic, Part::Value).await.unwrap();
    assert_eq!(read(&admitted, SchemaType::Json, &message).await.unwrap(), departure());
    assert_eq!(admitted.versions(&format!("{topic}-value")).await.unwrap(), [1]);
    guarded.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_is_not_asked_again() {
    let place = Place::shared().await;
    let server = server(place.cluster(), |builder| builder).await;
    let (registry, topic) = (client(&server), name());
    let serializers = TYPES.map(|of| Serializer::new(&registry, schema(of), Options::default()));
    let topics = TYPES.map(|of| format!("{topic}-{of}"));
    let (avro, json) = (AvroDeserializer::new(&registry), JsonDeserializer::new(&registry));
    let mut written = Vec::new();
    for (serializer, topic) in serializers.iter().zip(&topics) {
        written.push(serializer.write(topic, Part::Value).await.unwrap());
    }
    let _: Departure = avro.deserialize(&written[0]).await.unwrap();
    let _: Departure = json.deserialize(&written[1]).await.unwrap();

    server.shutdown().await;
    for ((serializer, topic), before) in serializers.iter().zip(&topics).zip(&written) {
        assert_eq!(serializer.write(topic, Part::Value).await.unwrap(), *before);
        let error = serializer.write(&name(), Part::Value).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    }
    assert_eq!(avro.deserialize::<Departure>(&written[0]).await.unwrap(), departure());
    assert_eq!(json.deserialize::<Departure>(&written[1]).await.unwrap(), departure());
    // The clients share what they know: another deserializer need not ask either.
    let another: Value = AvroDeserializer::new(&registry).deserialize(&written[0]).await.unwrap();
    assert_eq!(another["minutes"], json!(-7));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_registry_a_reader_stops_at_a_schema_that_it_has_not_seen() {
    let place = Place::shared().await;
    let server = server(place.cluster(), |builder| builder).await;
    let (topic, running) = (name(), client(&server));
    let reader = AvroDeserializer::new(&running);
    let writer = Serializer::new(&running, schema(SchemaType::Avro), Options::default());
    let old = writer.write(&topic, Part::Value).await.unwrap();
    assert_eq!(reader.deserialize::<Departure>(&old).await.unwrap(), departure());
    // A program that starts later writes with a newer version.
    let newer = AVRO.replace(r#""type":"int""#, r#""type":"int","default":0"#);
    let newer = Schema::avro(&newer);
    let writer = Serializer::new(&client(&server), newer, Options::default());
    let new = writer.write(&topic, Part::Value).await.unwrap();

    server.shutdown().await;
    assert_eq!(reader.deserialize::<Departure>(&old).await.unwrap(), departure());
    let error = reader.deserialize::<Departure>(&new).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

/// Answers every request with these bytes; with none it says nothing at all.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        let mut held: Vec<TcpStream> = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            // The client may be gone by now, which is well.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
            if answer.is_empty() {
                held.push(stream);
            }
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_no_registry_is_distinguished_from_a_registry_that_does_not_respond() {
    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n<html>hi</html>";
    let gone = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad";
    let other = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let rows: [(&'static [u8], &str); 4] = [
        (page, "is this a registry?"),
        (gone, "502"),
        (other, "is this a registry?"),
        (b"", "respond"),
    ];
    for (answer, expected) in rows {
        let builder = RegistryClient::builder(&answering(answer));
        let registry = builder.timeout(Duration::from_millis(300)).build().unwrap();
        let errors = [
            registry.by_id(SchemaId(1)).await.map(drop),
            registry.register("s", &schema(SchemaType::Avro)).await.map(drop),
            registry.versions("s").await.map(drop),
        ];
        for error in errors {
            let error = error.expect_err("that was no answer");
            assert!(error.to_string().contains(expected), "{expected}: {error} {error:?}");
        }
    }
}
