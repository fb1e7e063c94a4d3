//! The partitioners that the scenes compare, as librdkafka names them.

/// librdkafka's own default: CRC32 of the key.
pub(crate) const CRC32: &str = "consistent_random";
/// The same choice as Java's producer makes: murmur2 of the key.
pub(crate) const MURMUR2: &str = "murmur2_random";
