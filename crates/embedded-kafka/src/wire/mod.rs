//! The bytes of the protocol, whatever they mean: the shape of a request, checked before it is
//! decoded, and a response on its way to the socket.
//!
//! The decoders of `kafka-protocol` reserve memory for as many elements as an array claims to
//! have, and four bytes can claim 154 GB. So [`walk::walk`] goes over the bytes of a request along
//! the [`shape::Shape`] of its API first, without keeping anything: a length or a count that cannot
//! fit into the bytes that are left ends the request, and with it the connection.
//!
//! This bounds what a request that passes can make the decoder allocate. Strings and bytes are
//! views into the frame. An element of an array takes at least one byte on the wire and at most
//! 120 bytes decoded, an unknown tagged field about 80, and there are at most
//! [`walk::MAX_ELEMENTS`] of both together: 120 MB on top of the frame itself, which is at most
//! 100 MiB unless the cluster is configured otherwise. Apache Kafka has no such limit on the
//! number of elements; no client comes near.
//!
//! Only the encoding is checked here. The decoder checks whether null is allowed and whether text
//! is UTF-8, and the handler checks what the values mean.

pub(crate) mod header;
pub(crate) mod rope;
pub(crate) mod shape;
pub(crate) mod walk;
