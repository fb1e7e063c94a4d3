//! The interface of a codec: a stream of decompressed pieces, and the errors that end it.

/// An error of reading compressed records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecompressError {
    /// The output is larger than the caller is willing to read.
    #[error("the records are larger than {0} bytes when decompressed")]
    TooLarge(usize),
    /// The bytes are not what the codec writes.
    #[error("the records cannot be decompressed")]
    Corrupt,
    /// The bytes end within a checksum. Kafka treats that as a malformed record.
    #[error("the compressed records end within a checksum")]
    Underflow,
}

/// The result of [`Source::fill`].
pub(super) enum Fill {
    /// The number of bytes in the piece, which may be 0.
    Piece(usize),
    /// There is nothing more.
    End,
}

/// A codec's stream of pieces.
pub(super) trait Source {
    /// Puts the next piece at the start of `piece`, which grows if it is too small.
    fn fill(&mut self, piece: &mut Vec<u8>) -> Result<Fill, DecompressError>;
}

/// Makes room for `bytes` in a piece.
pub(super) fn make_room(piece: &mut Vec<u8>, bytes: usize) {
    if piece.len() < bytes {
        piece.resize(bytes, 0);
    }
}
