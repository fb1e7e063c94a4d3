//! The interface of a codec: a stream of decompressed pieces, and the errors that end it.

/// Why compressed records could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecompressError {
    /// The output is larger than the caller is willing to read.
    #[error("the records are larger than {0} bytes when decompressed")]
    TooLarge(usize),
    /// The bytes are not what the codec writes.
    #[error("the records cannot be decompressed")]
    Corrupt,
    /// A checksum should stand where the bytes end. Kafka takes that for a malformed record.
    #[error("the compressed records end within a checksum")]
    Underflow,
}

/// What [`Source::fill`] has come to.
pub(super) enum Fill {
    /// So many bytes are in the piece, which may be none.
    Piece(usize),
    /// There is nothing more.
    End,
}

/// A codec's stream of pieces.
pub(super) trait Source {
    /// Puts the next piece at the start of `piece`, which grows where it is too small.
    fn fill(&mut self, piece: &mut Vec<u8>) -> Result<Fill, DecompressError>;
}

/// Makes room for `bytes` in a piece.
pub(super) fn make_room(piece: &mut Vec<u8>, bytes: usize) {
    if piece.len() < bytes {
        piece.resize(bytes, 0);
    }
}
