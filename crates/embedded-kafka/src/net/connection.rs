//! One connection: a task that reads a frame, handles it, writes the response, and reads the next
//! frame. It handles one request at a time, in their order, as Kafka does.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;

use super::frame::{FrameError, FrameReader};
use crate::api;
use crate::api::call::{Peer, Reply};
use crate::state::State;

/// Serves a connection until the client closes it, sends a request without a response, or
/// disappears.
pub(super) async fn serve(
    mut stream: TcpStream,
    address: SocketAddr,
    node: i32,
    state: Arc<State>,
) {
    let mut reader = FrameReader::new(state.settings.max_frame_bytes);
    let peer = Peer { node, address };
    loop {
        let frame = match reader.next(&mut stream).await {
            Ok(Some(frame)) => frame,
            Ok(None) => return,
            Err(FrameError::Io(error)) => {
                tracing::debug!(%address, node, %error, "connection lost");
                return;
            }
            Err(error) => {
                tracing::warn!(%address, node, %error, "connection closed");
                return;
            }
        };
        match respond(frame, &peer, &state, &stream).await {
            Some(Reply::Response(response)) => {
                if let Err(error) = response.write_as_frame(&mut stream).await {
                    tracing::debug!(%address, node, %error, "client disconnected before its response");
                    return;
                }
            }
            Some(Reply::Nothing) => {}
            Some(Reply::Close(reason)) => {
                tracing::warn!(%address, node, %reason, "connection closed");
                return;
            }
            None => {
                tracing::debug!(%address, node, "client disconnected while its request waited");
                return;
            }
        }
    }
}

/// Handles a frame. `None` if the client closed the connection while its request waited: a fetch
/// or a join may wait for minutes, and no one would read the response.
async fn respond(
    frame: Bytes,
    peer: &Peer,
    state: &Arc<State>,
    stream: &TcpStream,
) -> Option<Reply> {
    let reply = async {
        state.faults.until_not_paused(peer.node).await;
        if let Some(delay) = state.faults.delay_at(peer.node) {
            tokio::time::sleep(delay).await;
        }
        let (reply, observed) = api::respond(frame, peer, state).await;
        // A halted node does not respond to requests that waited before it halted.
        state.faults.until_not_paused(peer.node).await;
        if let Some(observed) = observed {
            observed.end();
        }
        reply
    };
    tokio::pin!(reply);
    tokio::select! {
        biased;
        reply = &mut reply => Some(reply),
        () = closed(stream) => None,
    }
}

/// Resolves when the client has closed its end and left nothing unread.
async fn closed(stream: &TcpStream) {
    if let Ok(1..) = stream.peek(&mut [0]).await {
        // The next request waits in the socket, and any request after it cannot be seen.
        std::future::pending::<()>().await;
    }
}
