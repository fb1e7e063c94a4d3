//! A payload with its name, and records for some of the payloads.

use crate::scenarios::batches::forge::{Forged, field};

/// A payload and its name.
pub(in super::super) type Payload = (&'static str, Vec<u8>);

/// Returns the three records, the first of them with a value of this many zeros.
pub(super) fn with_zeros(bytes: usize) -> Vec<u8> {
    let mut forged = Forged::good();
    forged.records[0].value = field(&vec![0; bytes]);
    forged.payload()
}
