//! The position at which an append ended, which decides its outcome later.

/// The appended records are safe once the high watermark has reached `end` while the epoch is still
/// the same: a later leader may have truncated them, and written other records in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    pub(crate) end: i64,
    pub(crate) epoch: i32,
}
