//! The records that coordinators keep.
