//! A client that sends one request at a time, at any version, or bytes that are not a request.
//!
//! It has no retries, no metadata, and no logic of its own: a test sees exactly what the node
//! responds.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};

/// The time limit for one response before the test fails.
const ANSWER: Duration = Duration::from_secs(60);

/// A connection to one node.
#[derive(Debug)]
pub struct RawClient {
    stream: TcpStream,
    address: String,
    next_correlation_id: i32,
}

impl RawClient {
    /// Connects to `host:port`.
    ///
    /// # Panics
    /// If no one listens there.
    pub fn connect(address: &str) -> RawClient {
        RawClient::try_connect(address).expect("the node listens")
    }

    /// Connects to `host:port`.
    ///
    /// # Errors
    /// If no one listens there.
    pub fn try_connect(address: &str) -> Result<RawClient> {
        Self::over(TcpStream::connect(address)?, address.to_owned(), ANSWER)
    }

    /// Connects to a node within `limit`, which is also the time limit for each response.
    ///
    /// # Errors
    /// If no one listens there, or no one accepts in time.
    pub fn connect_within(address: SocketAddr, limit: Duration) -> Result<RawClient> {
        Self::over(TcpStream::connect_timeout(&address, limit)?, address.to_string(), limit)
    }

    fn over(stream: TcpStream, address: String, answer: Duration) -> Result<RawClient> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(answer))?;
        Ok(RawClient { stream, address, next_correlation_id: 1 })
    }

    /// Returns the address that this client is connected to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request and returns its response.
    ///
    /// # Panics
    /// If the node closes the connection or its response cannot be decoded.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        match self.try_call(version, request) {
            Ok(response) => response,
            Err(error) => panic!("API key {} version {version}: {error}", R::KEY),
        }
    }

    /// Sends a request and returns its response.
    ///
    /// # Errors
    /// If the node closes the connection or its response cannot be decoded.
    pub fn try_call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response> {
        let correlation_id = self.send(version, request)?;
        self.receive::<R>(version, correlation_id)
    }

    /// Sends a request without waiting for the response; returns its correlation id.
    ///
    /// # Errors
    /// If the node has closed the connection.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> Result<i32> {
        let (frame, correlation_id) = self.frame(version, request);
        self.stream.write_all(&frame)?;
        Ok(correlation_id)
    }

    /// Encodes a request, including its length prefix, and returns it with its correlation id.
    pub fn frame<R: Request>(&mut self, version: i16, request: &R) -> (Bytes, i32) {
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(correlation_id)
            .with_client_id(Some("raw".into()));
        let mut body = BytesMut::new();
        header.encode(&mut body, R::header_version(version)).expect("the header is complete");
        request.encode(&mut body, version).expect("the request fits its version");
        let mut frame = BytesMut::with_capacity(body.len() + 4);
        frame.put_i32(body.len() as i32);
        frame.put_slice(&body);
        (frame.freeze(), correlation_id)
    }

    /// Waits for the response to the request with this correlation id.
    ///
    /// # Errors
    /// If the node closes the connection or its response cannot be decoded.
    pub fn receive<R: Request>(
        &mut self,
        version: i16,
        correlation_id: i32,
    ) -> Result<R::Response> {
        let mut frame = self.receive_frame()?;
        let header = ResponseHeader::decode(&mut frame, R::Response::header_version(version))
            .map_err(Error::other)?;
        assert_eq!(header.correlation_id, correlation_id, "responses arrive in order");
        let response = R::Response::decode(&mut frame, version).map_err(Error::other)?;
        assert!(!frame.has_remaining(), "{} bytes follow the response", frame.remaining());
        Ok(response)
    }

    /// Reads one frame and returns the bytes after its length.
    ///
    /// # Errors
    /// If the node closes the connection.
    pub fn receive_frame(&mut self) -> Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut frame = vec![0; i32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame)?;
        Ok(frame.into())
    }

    /// Sends bytes unchanged.
    ///
    /// # Errors
    /// If the node has closed the connection.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a frame with this body.
    ///
    /// # Errors
    /// If the node has closed the connection.
    pub fn send_frame(&mut self, body: &[u8]) -> Result<()> {
        let mut frame = BytesMut::with_capacity(body.len() + 4);
        frame.put_i32(body.len() as i32);
        frame.put_slice(body);
        self.stream.write_all(&frame)
    }

    /// Closes the sending side, and reads until the node closes the connection.
    ///
    /// # Errors
    /// If the node leaves it open.
    pub fn read_to_end(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self
            .stream
            .shutdown(Shutdown::Write)
            .and_then(|()| self.stream.read_to_end(&mut bytes));
        match read {
            // The node closed it with unread data, or before it noticed the closed sending side.
            Err(error)
                if !matches!(
                    error.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::NotConnected
                ) =>
            {
                Err(error)
            }
            _ => Ok(bytes),
        }
    }

    /// Returns whether the node closes the connection without sending another byte.
    ///
    /// # Panics
    /// If it neither closes the connection nor responds.
    pub fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0; 1]) {
            Ok(read) => read == 0,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => true,
            Err(error) => panic!("the node neither closed the connection nor responded: {error}"),
        }
    }

    /// Returns whether nothing arrives on this connection for a while.
    ///
    /// # Panics
    /// If the node closes the connection.
    pub fn is_silent(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("the time is not zero");
        let answer = self.stream.peek(&mut [0; 1]);
        self.stream.set_read_timeout(Some(ANSWER)).expect("the time is not zero");
        match answer {
            Ok(read) => {
                assert_ne!(read, 0, "the node closed the connection");
                false
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}
