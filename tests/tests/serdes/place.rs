//! A cluster with a registry, which all tests of this file that run at the same time share, and
//! the departures that they write.

use std::sync::{Arc, Weak};
use std::time::Duration;

use embedded_registry::Registry;
use rdkafka::consumer::Consumer;
use rdkafka::message::OwnedMessage;
use rdkafka::producer::FutureRecord;
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use serdes::{
    AvroDeserializer, AvroSerializer, Error, JsonDeserializer, JsonSerializer, Options, Part,
    ProtobufDeserializer, ProtobufSerializer, RegistryClient, Schema, SchemaType,
};
use tokio::sync::Mutex;
use workshop_tests::{DEADLINE, TestCluster, eventually};

pub(crate) const AVRO: &str = r#"{"type":"record","name":"Departure","namespace":"aero","fields":[
    {"name":"flight","type":"string"},
    {"name":"minutes","type":"int"},
    {"name":"gate","type":["null","string"],"default":null}]}"#;
pub(crate) const JSON: &str = r#"{"title":"aero.Departure","type":"object",
    "additionalProperties":false,"required":["flight","minutes"],"properties":{
    "flight":{"type":"string"},"minutes":{"type":"integer"},"gate":{"type":["string","null"]}}}"#;
/// The message is not the file's first.
pub(crate) const PROTOBUF: &str = r#"syntax = "proto3"; package aero;
    message Airport { string iata = 1; }
    message Departure { string flight = 1; sint32 minutes = 2; optional string gate = 3; }"#;

pub(crate) const TYPES: [SchemaType; 3] =
    [SchemaType::Avro, SchemaType::Json, SchemaType::Protobuf];

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub(crate) struct Departure {
    #[prost(string, tag = "1")]
    pub(crate) flight: String,
    #[prost(sint32, tag = "2")]
    pub(crate) minutes: i32,
    #[prost(string, optional, tag = "3")]
    pub(crate) gate: Option<String>,
}

impl prost::Name for Departure {
    const PACKAGE: &'static str = "aero";
    const NAME: &'static str = "Departure";
}

pub(crate) fn departure() -> Departure {
    Departure { flight: "WS104 ✈".to_owned(), minutes: -7, gate: Some("B22".to_owned()) }
}

pub(crate) fn schema(of: SchemaType) -> Schema {
    match of {
        SchemaType::Avro => Schema::avro(AVRO),
        SchemaType::Json => Schema::json(JSON),
        SchemaType::Protobuf => Schema::protobuf(PROTOBUF),
    }
}

/// A serializer of any of the three types.
pub(crate) enum Serializer {
    Avro(AvroSerializer),
    Json(JsonSerializer),
    Protobuf(ProtobufSerializer),
}

impl Serializer {
    pub(crate) fn new(registry: &RegistryClient, schema: Schema, options: Options) -> Self {
        let valid = "the schema is one";
        match schema.schema_type() {
            SchemaType::Avro => {
                Self::Avro(AvroSerializer::new(registry, schema).expect(valid).with(options))
            }
            SchemaType::Json => {
                Self::Json(JsonSerializer::new(registry, schema).expect(valid).with(options))
            }
            SchemaType::Protobuf => {
                let serializer = ProtobufSerializer::new(registry, schema).expect(valid);
                Self::Protobuf(serializer.with(options))
            }
        }
    }

    pub(crate) async fn write(&self, topic: &str, part: Part) -> Result<Vec<u8>, Error> {
        self.write_this(topic, part, &departure()).await
    }

    pub(crate) async fn write_this(
        &self,
        topic: &str,
        part: Part,
        value: &Departure,
    ) -> Result<Vec<u8>, Error> {
        match self {
            Self::Avro(it) => it.serialize(topic, part, value).await,
            Self::Json(it) => it.serialize(topic, part, value).await,
            Self::Protobuf(it) => it.serialize(topic, part, value).await,
        }
    }
}

/// Reads bytes with a deserializer of this type that is new, so it knows nothing yet.
pub(crate) async fn read(
    registry: &RegistryClient,
    of: SchemaType,
    bytes: &[u8],
) -> Result<Departure, Error> {
    match of {
        SchemaType::Avro => AvroDeserializer::new(registry).deserialize(bytes).await,
        SchemaType::Json => JsonDeserializer::new(registry).deserialize(bytes).await,
        SchemaType::Protobuf => ProtobufDeserializer::new(registry).deserialize(bytes).await,
    }
}

/// A cluster, and a registry on a topic of its own.
struct Shared {
    // Dropped in this order: the registry is a client of the cluster.
    server: Registry,
    cluster: TestCluster,
}

/// What a test talks to. The client is its own: connections end with the runtime of a test.
pub(crate) struct Place {
    shared: Arc<Shared>,
    pub(crate) registry: RegistryClient,
}

impl Place {
    /// On the cluster that is there, or on a new one where no test has one any more.
    pub(crate) async fn shared() -> Place {
        static SHARED: Mutex<Weak<Shared>> = Mutex::const_new(Weak::new());
        let mut last = SHARED.lock().await;
        let shared = match last.upgrade() {
            Some(shared) => shared,
            None => {
                let cluster = TestCluster::start().await;
                let server = server(&cluster, |builder| builder).await;
                Arc::new(Shared { server, cluster })
            }
        };
        *last = Arc::downgrade(&shared);
        let registry = client(&shared.server);
        Place { shared, registry }
    }

    pub(crate) fn cluster(&self) -> &TestCluster {
        &self.shared.cluster
    }

    /// Sends records, each a key and a value, and returns what a consumer gets.
    pub(crate) async fn through(
        &self,
        topic: &str,
        records: &[(&[u8], Option<&[u8]>)],
    ) -> Vec<OwnedMessage> {
        let producer = self.cluster().producer(&[]);
        for (key, value) in records {
            let mut record = FutureRecord::<[u8], [u8]>::to(topic).key(key);
            record.payload = *value;
            producer.send(record, DEADLINE).await.expect("the record is delivered");
        }
        self.records(topic, records.len())
    }

    /// The first records of a topic.
    pub(crate) fn records(&self, topic: &str, count: usize) -> Vec<OwnedMessage> {
        let consumer = self.cluster().consumer(&self.cluster().group_name(), &[]);
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(topic, 0, Offset::Beginning).expect("the offset is one");
        consumer.assign(&from).expect("the partition is there");
        let mut next = || {
            let polled = consumer.poll(Duration::from_millis(100))?;
            polled.ok().map(|message| message.detach())
        };
        (0..count).map(|_| eventually("the record is read", &mut next)).collect()
    }
}

/// Another registry on the same cluster, with a topic of its own.
pub(crate) async fn server(
    cluster: &TestCluster,
    setup: impl FnOnce(embedded_registry::Builder) -> embedded_registry::Builder,
) -> Registry {
    let builder = Registry::builder(cluster.bootstrap_servers()).topic(&cluster.topic_name());
    setup(builder).start().await.expect("the registry starts")
}

pub(crate) fn client(server: &Registry) -> RegistryClient {
    RegistryClient::builder(&server.url()).build().expect("the address is one")
}

/// A name that no other test uses, for a topic that need not be there.
pub(crate) fn name() -> String {
    format!("departures-{}", uuid::Uuid::new_v4().simple())
}
