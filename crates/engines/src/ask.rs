//! Asks a node which nodes it knows: one Metadata request, written by hand because a client for it
//! would be larger than this crate.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The time limit for a node to respond.
const LIMIT: Duration = Duration::from_secs(5);

/// The longest response to read: one without topics is short.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// Returns the ids of the nodes that the node at `address` considers alive.
pub(crate) fn known_nodes(address: SocketAddr) -> io::Result<Vec<i32>> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(&request())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_RESPONSE_BYTES {
        return Err(not_kafka());
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    ids(&answer).ok_or_else(not_kafka)
}

fn not_kafka() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the server that responds is not Kafka")
}

/// Encodes a Metadata v1 request without topics: API key 3, correlation id 7, client id "engines".
fn request() -> Vec<u8> {
    let mut body = vec![0, 3, 0, 1, 0, 0, 0, 7, 0, 7];
    body.extend(b"engines");
    body.extend([0; 4]);
    let length = (body.len() as u32).to_be_bytes();
    [length.as_slice(), &body].concat()
}

/// Reads the brokers of the response: each has an id, a host, a port, and a rack.
fn ids(answer: &[u8]) -> Option<Vec<i32>> {
    let mut rest = answer.strip_prefix(&[0, 0, 0, 7])?;
    let count = i32::from_be_bytes(take(&mut rest)?);
    (0..count)
        .map(|_| {
            let id = i32::from_be_bytes(take(&mut rest)?);
            skip_string(&mut rest)?;
            let _port: [u8; 4] = take(&mut rest)?;
            skip_string(&mut rest)?;
            Some(id)
        })
        .collect()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(*first)
}

/// Skips a string, which follows its length in two bytes; the length of null is -1.
fn skip_string(rest: &mut &[u8]) -> Option<()> {
    let length = i16::from_be_bytes(take(rest)?).max(0) as usize;
    *rest = rest.get(length..)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_reports_the_nodes_that_it_knows() {
        let cluster = embedded_kafka::Cluster::builder().nodes(3).start().await.unwrap();
        for node in cluster.nodes() {
            assert_eq!(known_nodes(node.address).unwrap(), [1, 2, 3]);
        }
    }

    #[test]
    fn a_response_that_is_truncated_or_for_another_request_is_ignored() {
        let whole = [0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 9, 0, 1, b'h', 0, 0, 0, 1, 255, 255];
        assert_eq!(ids(&whole), Some(vec![9]));
        for length in 0..whole.len() {
            assert_eq!(ids(&whole[..length]), None, "{length}");
        }
        assert_eq!(ids(&[0, 0, 0, 8, 0, 0, 0, 0]), None);
    }
}
