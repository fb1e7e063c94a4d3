//! A registry on a cluster of its own, and a client that sends whatever a test wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use embedded_registry::{Builder, Registry};
use serde_json::{Value, json};
use workshop_tests::{DEADLINE, TestCluster};

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status and the `error_code`.
    pub(crate) fn error(&self) -> (u16, u64) {
        (self.status, self.json()["error_code"].as_u64().expect("an error has a code"))
    }
}

/// Sends bytes, says that nothing follows where asked to, and reads all that is answered.
pub(crate) fn send_raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the registry listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("it is not zero");
    // The registry may answer, and close, before it has read all of it.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends one request on a connection of its own.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    let answer = send_raw(address, &bytes);
    let (head, text) =
        answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer { status: status.expect("a status"), head: head.to_owned(), text: text.to_owned() }
}

/// A registry, and the cluster that it keeps its state on.
pub(crate) struct TestRegistry {
    pub(crate) registry: Registry,
    pub(crate) topic: String,
    pub(crate) cluster: TestCluster,
}

impl TestRegistry {
    pub(crate) async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    /// On a topic of its own, because the cluster may be one that others use too.
    pub(crate) async fn start_with(setup: impl FnOnce(Builder) -> Builder) -> Self {
        let cluster = TestCluster::start().await;
        let topic = cluster.topic_name();
        let builder = setup(Registry::builder(cluster.bootstrap_servers()).topic(&topic));
        let registry = builder.start().await.expect("the registry starts");
        Self { registry, topic, cluster }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.registry.address()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        send(self.address(), "GET", path, &[], b"")
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        send(self.address(), "DELETE", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.address(), "POST", path, &[], body.to_string().as_bytes())
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        send(self.address(), "PUT", path, &[], body.to_string().as_bytes())
    }

    /// Registers a schema, which must succeed, and returns its id.
    pub(crate) fn register(&self, subject: &str, body: &Value) -> u64 {
        let answer = self.post(&format!("/subjects/{subject}/versions"), body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["id"].as_u64().expect("an id")
    }
}

/// The body of a request with an Avro schema.
pub(crate) fn avro(schema: &Value) -> Value {
    json!({ "schema": schema.to_string() })
}

/// An Avro record with these fields, each a name, a type and perhaps a default.
pub(crate) fn record(fields: &[(&str, &str, Option<Value>)]) -> Value {
    let field = |(name, kind, default): &(&str, &str, Option<Value>)| match default {
        Some(default) => json!({ "name": name, "type": kind, "default": default }),
        None => json!({ "name": name, "type": kind }),
    };
    let fields: Vec<Value> = fields.iter().map(field).collect();
    avro(&json!({ "type": "record", "name": "Airport", "fields": fields }))
}
