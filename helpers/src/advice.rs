//! Suggests what to do about errors whose text misleads.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Returns the next thing to try after an error whose text names no cause, or not the usual one.
///
/// ```
/// use helpers::advice;
/// use rdkafka::error::{KafkaError, RDKafkaErrorCode};
///
/// let rejected = KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge);
/// assert!(advice(&rejected).is_some_and(|advice| advice.contains("batch.size")));
/// ```
pub fn advice(error: &KafkaError) -> Option<&'static str> {
    match error {
        // The broker measures batches, and librdkafka fails every record of a batch that is
        // rejected.
        KafkaError::MessageProduction(Code::MessageSizeTooLarge) => Some(
            "the record, or the batch that it was sent in, is larger than max.message.bytes of the \
             topic: where each record is small, set batch.size of the producer below it, and \
             otherwise raise it (and message.max.bytes of the producer)",
        ),
        // librdkafka retries the same batch forever.
        KafkaError::MessageConsumption(Code::NotImplemented) => Some(
            "a batch is compressed in a way that this program was built without: add rdkafka's \
             Cargo feature `zstd`, or the one of the topic's codec (`libz` for gzip), and build \
             again",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_says_enough_has_no_advice() {
        let timed_out = KafkaError::MessageProduction(Code::MessageTimedOut);
        assert_eq!(advice(&timed_out), None);
        // The same code means something else outside of a fetch.
        assert_eq!(advice(&KafkaError::Subscription("not implemented".to_owned())), None);
    }
}
