//! The id of a schema in a header: what is written, and that everything is read wherever it is.

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use serdes::header::{self, Detached, Form};
use serdes::{Error, Options, Part, PrefixError, SchemaType, prefix};
use workshop_tests::DEADLINE;

use crate::place::{Place, Serializer, TYPES, departure, name, read, schema};

/// Sends a record whose key and value have their schemas in headers.
async fn send(place: &Place, topic: &str, key: &Detached, value: &Detached) {
    let headers = OwnedHeaders::new()
        .insert(Header { key: value.name, value: Some(b"an older one") })
        .insert(Header { key: key.name, value: Some(&key.value) })
        .insert(Header { key: value.name, value: Some(&value.value) });
    let record = FutureRecord::to(topic).key(&key.payload).payload(&value.payload).headers(headers);
    place.cluster().producer(&[]).send(record, DEADLINE).await.expect("it is delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_headers_is_read_as_what_is_in_the_message() {
    let place = Place::shared().await;
    let registry = &place.registry;
    for of in TYPES {
        let topic = place.cluster().create_topic(1);
        let serializer = Serializer::new(registry, schema(of), Options::default());
        let key = serializer.write(&topic, Part::Key).await.unwrap();
        let value = serializer.write(&topic, Part::Value).await.unwrap();
        let (id, body) = prefix::split(&value).unwrap();
        for form in [Form::Guid, Form::Id] {
            let moved_key = header::detach(registry, Part::Key, form, &key).await.unwrap();
            let moved = header::detach(registry, Part::Value, form, &value).await.unwrap();
            assert_eq!((moved_key.name, moved.name), ("__key_schema_id", "__value_schema_id"));
            let (magic, length) = if form == Form::Guid { (1, 17) } else { (0, 5) };
            // Which message of the file it is goes with the id.
            let indexes: &[u8] = if of == SchemaType::Protobuf { &[2, 2] } else { &[] };
            assert_eq!(
                (moved.value[0], moved.value.len()),
                (magic, length + indexes.len()),
                "{of}"
            );
            assert_eq!(&moved.value[length..], indexes, "{of}");
            assert_eq!(moved.payload, body[indexes.len()..], "{of}");
            if form == Form::Id {
                assert_eq!(moved.value[1..5], id.0.to_be_bytes());
            }
            send(&place, &topic, &moved_key, &moved).await;
        }
        for record in place.records(&topic, 2) {
            for (part, written) in [(Part::Key, &key), (Part::Value, &value)] {
                let restored = header::attach(registry, part, &record).await.unwrap().unwrap();
                assert_eq!(restored.as_ref(), written.as_slice(), "{of}");
                assert_eq!(read(registry, of, &restored).await.unwrap(), departure(), "{of}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_header_the_message_is_as_it_is() {
    let place = Place::shared().await;
    let topic = place.cluster().create_topic(1);
    let serializer = Serializer::new(&place.registry, schema(SchemaType::Avro), Options::default());
    let value = serializer.write(&topic, Part::Value).await.unwrap();
    let sent = [(b"k".as_slice(), Some(value.as_slice())), (b"k", None)];
    let records = place.through(&topic, &sent).await;
    let restored = header::attach(&place.registry, Part::Value, &records[0]).await.unwrap();
    assert_eq!(restored.as_deref(), Some(value.as_slice()));
    let tombstone = header::attach(&place.registry, Part::Value, &records[1]).await.unwrap();
    assert_eq!(tombstone, None);
    let plain = header::detach(&place.registry, Part::Value, Form::Guid, b"{}").await;
    assert!(matches!(plain, Err(Error::Prefix(PrefixError::NoMagicByte(b'{')))), "{plain:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_names_no_schema_is_an_error() {
    let place = Place::shared().await;
    let unknown = [&[1][..], &[7; 16]].concat();
    for value in [&b""[..], &[0, 0, 1], &[1; 12], &[2; 17], &unknown] {
        let topic = name();
        let headers =
            OwnedHeaders::new().insert(Header { key: "__value_schema_id", value: Some(value) });
        let record = rdkafka::message::OwnedMessage::new(
            Some(b"{}".to_vec()),
            None,
            topic,
            rdkafka::Timestamp::NotAvailable,
            0,
            0,
            Some(headers),
        );
        let error = header::attach(&place.registry, Part::Value, &record).await.unwrap_err();
        if value == unknown {
            assert_eq!(error.code(), Some(40403), "{error}");
        } else {
            assert!(error.to_string().contains("__value_schema_id"), "{error}");
        }
    }
}
