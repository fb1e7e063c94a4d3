//! Frames: four bytes of length, then a request.
//!
//! The length is a claim until its bytes have come. A frame above the cap is rejected before
//! anything is allocated for it, and the buffer of a large one grows with the bytes that really
//! arrive.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The memory that a frame gets at once when only its length has arrived, in bytes. The usual
/// produce request of librdkafka (up to 1,000,000 bytes) fits without growing.
const TRUSTED: usize = 1 << 20;

/// The number of bytes that are read at once between two frames.
const CHUNK: usize = 16 << 10;

/// The reason why no frame could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("the frame claims {length} bytes, but the limit is {limit}")]
    TooLarge { length: i64, limit: usize },
    #[error("the frame claims a negative length ({0})")]
    Negative(i32),
    #[error("the connection ended within a frame")]
    Truncated,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads frames from one connection, one after the other.
pub(crate) struct FrameReader {
    buffer: BytesMut,
    limit: usize,
}

impl FrameReader {
    /// Creates a reader of frames of up to `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), limit }
    }

    /// Reads the next frame, without its length. `None` if the client has closed the connection
    /// between two frames.
    pub(crate) async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<Bytes>, FrameError> {
        if !self.fill(stream, 4, CHUNK).await? {
            return Ok(None);
        }
        let length = self.announced()?;
        self.buffer.advance(4);
        while self.buffer.len() < length {
            // Grows at most to twice what has arrived, beyond the first trusted megabyte.
            let next = length.min(TRUSTED.max(self.buffer.len() * 2));
            if !self.fill(stream, next, next - self.buffer.len()).await? {
                return Err(FrameError::Truncated);
            }
        }
        let frame = self.buffer.split_to(length).freeze();
        if self.buffer.is_empty() {
            // An idle connection keeps no buffer.
            self.buffer = BytesMut::new();
        }
        Ok(Some(frame))
    }

    fn announced(&self) -> Result<usize, FrameError> {
        let length = (&self.buffer[..4]).get_i32();
        let length = usize::try_from(length).map_err(|_| FrameError::Negative(length))?;
        if length > self.limit {
            return Err(FrameError::TooLarge { length: length as i64, limit: self.limit });
        }
        Ok(length)
    }

    /// Reads until `wanted` bytes are in the buffer. Returns false if the stream ended before the
    /// first of them; an error if it ended in between.
    async fn fill(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        wanted: usize,
        reserve: usize,
    ) -> Result<bool, FrameError> {
        while self.buffer.len() < wanted {
            self.buffer.reserve(reserve.max(wanted - self.buffer.len()));
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() { Ok(false) } else { Err(FrameError::Truncated) };
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames(bytes: &[u8], limit: usize) -> Result<Vec<Bytes>, FrameError> {
        let mut reader = FrameReader::new(limit);
        let mut stream = bytes;
        let mut frames = Vec::new();
        while let Some(frame) = reader.next(&mut stream).await? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[tokio::test]
    async fn several_frames_in_one_read_are_separated() {
        let read = frames(b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c", 10).await.unwrap();
        assert_eq!(read, [Bytes::from("ab"), Bytes::new(), Bytes::from("c")]);
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_trusted_size_arrives_whole() {
        let body: Vec<u8> = (0..3 * TRUSTED + 7).map(|i| (i % 251) as u8).collect();
        let mut bytes = (body.len() as i32).to_be_bytes().to_vec();
        bytes.extend(&body);
        let read = frames(&bytes, 100 << 20).await.unwrap();
        assert_eq!(read, [Bytes::from(body)]);
    }

    #[tokio::test]
    async fn a_frame_above_the_cap_is_rejected_before_its_bytes_come() {
        let rejected = frames(b"\x7f\xff\xff\xff", 100).await;
        assert!(matches!(rejected, Err(FrameError::TooLarge { length: 0x7fff_ffff, limit: 100 })));
    }

    #[tokio::test]
    async fn a_negative_length_is_rejected() {
        assert!(matches!(frames(b"\xff\xff\xff\xff", 100).await, Err(FrameError::Negative(-1))));
    }

    #[tokio::test]
    async fn a_connection_that_ends_within_a_frame_is_an_error() {
        assert!(matches!(frames(b"\0\0\0\x05abc", 100).await, Err(FrameError::Truncated)));
        assert!(matches!(frames(b"\0\0", 100).await, Err(FrameError::Truncated)));
    }

    #[tokio::test]
    async fn a_claim_alone_reserves_no_more_than_the_trusted_size() {
        let mut reader = FrameReader::new(100 << 20);
        let mut stream: &[u8] = b"\x06\0\0\0abc";
        assert!(matches!(reader.next(&mut stream).await, Err(FrameError::Truncated)));
        assert!(reader.buffer.capacity() <= 2 * TRUSTED);
    }
}
