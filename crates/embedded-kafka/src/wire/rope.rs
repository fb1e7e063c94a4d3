//! A response on its way to the socket, in pieces.
//!
//! kafka-protocol encodes by copying into a buffer. For the records of a fetch that would be a
//! second copy of every batch, so a [`Rope`] knows beforehand which buffers the encoder will write,
//! and takes them over by reference when it does.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::ops::Range;

use bytes::buf::UninitSlice;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::buf::ByteBufMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// The size in bytes below which a copy is cheaper than a piece of its own.
const WORTH_A_PIECE: usize = 1024;

/// The number of pieces in one system call.
const PIECES_PER_WRITE: usize = 64;

/// Bytes to be written, of which large pieces are shared and not copied.
#[derive(Debug, Default)]
pub(crate) struct Rope {
    pieces: VecDeque<Bytes>,
    /// The length of `pieces`, in bytes.
    sealed: usize,
    /// The bytes after the last piece.
    tail: BytesMut,
    /// The buffers that the encoder will write, in this order.
    expected: VecDeque<Bytes>,
}

impl Rope {
    /// Returns a rope that takes over `expected`, in this order, instead of copying them.
    pub(crate) fn expecting(expected: impl IntoIterator<Item = Bytes>) -> Self {
        let expected = expected.into_iter().filter(|bytes| bytes.len() >= WORTH_A_PIECE).collect();
        Self { expected, ..Self::default() }
    }

    /// Returns how many bytes have been written into the rope.
    pub(crate) fn len(&self) -> usize {
        self.sealed + self.tail.len()
    }

    /// Writes the rope as one frame, its length before it.
    pub(crate) async fn write_as_frame(
        mut self,
        stream: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        let length = i32::try_from(self.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a response over 2 GiB"))?;
        self.seal();
        self.pieces.push_front(Bytes::copy_from_slice(&length.to_be_bytes()));
        while !self.pieces.is_empty() {
            let slices: Vec<IoSlice<'_>> = self
                .pieces
                .iter()
                .take(PIECES_PER_WRITE)
                .map(|piece| IoSlice::new(piece))
                .collect();
            let written = stream.write_vectored(&slices).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.drop_first(written);
        }
        Ok(())
    }

    /// Drops the first `count` bytes.
    fn drop_first(&mut self, mut count: usize) {
        while let Some(front) = self.pieces.front_mut() {
            let step = count.min(front.len());
            front.advance(step);
            count -= step;
            if !front.is_empty() {
                break;
            }
            self.pieces.pop_front();
        }
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let piece = self.tail.split().freeze();
            self.sealed += piece.len();
            self.pieces.push_back(piece);
        }
    }
}

// `BufMut` is an unsafe trait because of `advance_mut`. Only the tail is ever written in place, and
// it is a `BytesMut`, whose own implementation each of these methods ends in.
#[allow(unsafe_code)]
unsafe impl BufMut for Rope {
    fn remaining_mut(&self) -> usize {
        usize::MAX - self.len()
    }

    unsafe fn advance_mut(&mut self, count: usize) {
        // SAFETY: the caller has initialized `count` bytes of `chunk_mut`, which is the tail's.
        unsafe { self.tail.advance_mut(count) }
    }

    fn chunk_mut(&mut self) -> &mut UninitSlice {
        self.tail.chunk_mut()
    }

    fn put_slice(&mut self, source: &[u8]) {
        let shared = self
            .expected
            .pop_front_if(|next| next.len() == source.len() && next.as_ptr() == source.as_ptr());
        match shared {
            Some(piece) => {
                self.seal();
                self.sealed += piece.len();
                self.pieces.push_back(piece);
            }
            None => self.tail.put_slice(source),
        }
    }
}

/// The encoder looks back only at the bytes that it has just written, which are still in the tail.
impl ByteBufMut for Rope {
    fn offset(&self) -> usize {
        self.len()
    }

    fn seek(&mut self, offset: usize) {
        self.tail.resize(offset - self.sealed, 0);
    }

    fn range(&mut self, range: Range<usize>) -> &mut [u8] {
        &mut self.tail[range.start - self.sealed..range.end - self.sealed]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn written(rope: Rope) -> Vec<u8> {
        let mut bytes = Vec::new();
        rope.write_as_frame(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn a_frame_is_its_length_and_its_pieces_in_order() {
        let batch = Bytes::from(vec![7; 5000]);
        let mut rope = Rope::expecting([batch.clone()]);
        rope.put_i32(1);
        rope.put_slice(&batch);
        rope.put_i16(2);
        let mut expected = 5006_i32.to_be_bytes().to_vec();
        expected.extend([0, 0, 0, 1]);
        expected.extend(&batch);
        expected.extend([0, 2]);
        assert_eq!(written(rope).await, expected);
    }

    #[test]
    fn an_expected_buffer_is_shared_and_any_other_is_copied() {
        let (expected, other) = (Bytes::from(vec![7; 5000]), Bytes::from(vec![7; 5000]));
        let mut rope = Rope::expecting([expected.clone()]);
        rope.put_slice(&other);
        assert!(rope.pieces.is_empty());
        rope.put_slice(&expected);
        assert_eq!(rope.pieces[1].as_ptr(), expected.as_ptr());
        assert_eq!(rope.len(), 10_000);
    }

    #[tokio::test]
    async fn more_pieces_than_one_system_call_takes_all_arrive() {
        let batches: Vec<Bytes> = (0..200).map(|i| Bytes::from(vec![i as u8; 2000])).collect();
        let mut rope = Rope::expecting(batches.clone());
        for batch in &batches {
            rope.put_slice(batch);
        }
        assert_eq!(written(rope).await[4..], batches.concat());
    }
}
