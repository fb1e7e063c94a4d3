//! One request on its way through the broker: its header is read, its body is decoded, and its
//! response is encoded and reported.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Instant;

use super::newer;
use bytes::{Buf, Bytes};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};

use super::context::Context;
use super::outcomes::Outcomes;
use super::words::Asked;
use crate::event::Event;
use crate::wire::header::check_header;
use crate::wire::rope::Rope;
use crate::wire::shape::Shape;
use crate::wire::walk::walk;

/// The client that sent a request, and the node that got it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) node: i32,
    pub(crate) address: SocketAddr,
}

/// The outcome of a request.
pub(crate) enum Reply {
    /// The client gets this response.
    Response(Rope),
    /// The client expects no response (`acks=0`).
    Nothing,
    /// The request gets no response, and Kafka closes the connection.
    Close(String),
}

/// A row of the table of APIs.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) key: ApiKey,
    /// The API's name in the protocol.
    pub(crate) name: &'static str,
    pub(crate) lowest: i16,
    pub(crate) highest: i16,
    /// The fields of its requests.
    pub(super) shape: &'static Shape,
}

/// A request whose header has been read, and whose body has not.
pub(crate) struct Call {
    pub(super) api: &'static Api,
    pub(super) version: i16,
    /// The bytes after the header.
    pub(super) body: Bytes,
    /// All APIs that are served.
    pub(super) served: &'static [Api],
    correlation_id: i32,
    started: Instant,
}

/// The reason why a frame is not handled.
pub(super) enum Unserved {
    /// The frame has no header, or names an API or a version that is not served.
    Close(String),
    /// ApiVersions in a version that is not served. The response, in version 0, tells the client
    /// which versions it can use.
    ApiVersions(Call),
}

impl Call {
    /// Reads the header of a frame, and the name of the client (`client.id`).
    pub(super) fn read(
        mut frame: Bytes,
        served: &'static [Api],
    ) -> Result<(Self, StrBytes), Unserved> {
        let started = Instant::now();
        if frame.len() < 8 {
            let reason = format!("{} bytes are too few for a request header", frame.len());
            return Err(Unserved::Close(reason));
        }
        let (key, version) = ((&frame[..2]).get_i16(), (&frame[2..4]).get_i16());
        let correlation_id = (&frame[4..8]).get_i32();
        let Some(api) = served.iter().find(|api| api.key as i16 == key) else {
            return Err(Unserved::Close(format!("API key {key} is not served")));
        };
        let header_version = api.key.request_header_version(version);
        if !(api.lowest..=api.highest).contains(&version) {
            if api.key == ApiKey::ApiVersions && check_header(header_version, &frame).is_ok() {
                let body = Bytes::new();
                let call = Self { api, version: 0, body, served, correlation_id, started };
                return Err(Unserved::ApiVersions(call));
            }
            return Err(Unserved::Close(format!("{} v{version} is not served", api.name)));
        }
        let malformed = |reason: &dyn Display| Unserved::Close(undecodable(api, version, reason));
        check_header(header_version, &frame).map_err(|reason| malformed(&reason))?;
        let header = RequestHeader::decode(&mut frame, header_version)
            .map_err(|reason| malformed(&reason))?;
        let call = Self { api, version, body: frame, served, correlation_id, started };
        Ok((call, header.client_id.unwrap_or_default()))
    }

    /// Decodes the body, after a check that its counts fit into its bytes.
    pub(super) fn decode<Request: Decodable>(&self) -> Result<Request, Reply> {
        let malformed =
            |reason: &dyn Display| Reply::Close(undecodable(self.api, self.version, reason));
        walk(self.api.shape, self.version, &self.body).map_err(|reason| malformed(&reason))?;
        let mut body = newer::body_for_the_codec(self.api.key, self.version, &self.body);
        let version = newer::version_of_the_codec(self.api.key, self.version);
        Request::decode(&mut body, version).map_err(|reason| malformed(&reason))
    }

    /// Encodes a response and reports it. Of `shared`, the buffers that are large are sent as they
    /// are, in the order in which the response holds them.
    pub(super) fn respond<Response: Encodable + HeaderVersion + Clone + Send + Sync + 'static>(
        &self,
        response: &Response,
        outcomes: fn(&Response) -> Outcomes,
        asked: Asked,
        context: &Context,
        shared: impl IntoIterator<Item = Bytes>,
    ) -> Reply {
        context.observe_response(response);
        self.report(asked, || outcomes(response), context);
        self.encode(response, shared)
    }

    /// Encodes a response.
    pub(super) fn encode<Response: Encodable + HeaderVersion>(
        &self,
        response: &Response,
        shared: impl IntoIterator<Item = Bytes>,
    ) -> Reply {
        let mut rope = Rope::expecting(shared);
        let header = ResponseHeader::default().with_correlation_id(self.correlation_id);
        let version = newer::version_of_the_codec(self.api.key, self.version);
        let encoded = header
            .encode(&mut rope, Response::header_version(version))
            .and_then(|()| response.encode(&mut rope, version));
        match encoded {
            Ok(()) => Reply::Response(rope),
            Err(error) => {
                let name = self.api.name;
                Reply::Close(format!("the response to {name} cannot be encoded: {error}"))
            }
        }
    }

    /// Sends the event that the node has responded to the request.
    pub(super) fn report(
        &self,
        asked: Asked,
        outcomes: impl FnOnce() -> Outcomes,
        context: &Context,
    ) {
        context.state.events.emit(|| Event::ResponseSent {
            node: context.node,
            client_id: context.client_id.to_string(),
            api: self.api.name,
            version: self.version,
            response: outcomes().in_words(&asked),
            request: asked.words,
            elapsed: self.started.elapsed(),
        });
    }
}

fn undecodable(api: &Api, version: i16, reason: &dyn Display) -> String {
    format!("{} v{version} cannot be decoded: {reason}", api.name)
}
