//! Where an append ended, by which its outcome is told later.

/// What was appended is there, and safe once the high watermark has reached `end` while the epoch
/// is still the same: a later leader may have cut it off, and written something else in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    pub(crate) end: i64,
    pub(crate) epoch: i32,
}
