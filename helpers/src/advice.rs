//! Suggests what to do about errors: whether to wait, and what to try where the text misleads.

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
        KafkaError::MessageConsumption(Code::TopicAuthorizationFailed) => {
            Some("ask for an ACL that lets this user read the topic")
        }
        KafkaError::MessageConsumption(Code::GroupAuthorizationFailed) => {
            Some("ask for an ACL that lets this user read with this group")
        }
        KafkaError::MessageProduction(Code::TopicAuthorizationFailed) => {
            Some("ask for an ACL that lets this user write to the topic")
        }
        // librdkafka retries the same batch forever.
        KafkaError::MessageConsumption(Code::NotImplemented) => Some(
            "a batch is compressed in a way that this program was built without: add rdkafka's \
             Cargo feature `zstd`, or the one of the topic's codec (`libz` for gzip), and build \
             again",
        ),
        _ => None,
    }
}

/// Returns whether an error of a poll or of a delivery report does not pass by itself: a fatal
/// error of the client, a missing permission, a login that fails, or a record that no broker will
/// ever accept. End the program then, so that someone sees the error. Everything else is transient:
/// the client keeps trying, and so may the program.
///
/// ```
/// use helpers::is_permanent;
/// use rdkafka::error::{KafkaError, RDKafkaErrorCode};
///
/// let denied = RDKafkaErrorCode::TopicAuthorizationFailed;
/// assert!(is_permanent(&KafkaError::MessageConsumption(denied)));
/// let unreachable = RDKafkaErrorCode::AllBrokersDown;
/// assert!(!is_permanent(&KafkaError::MessageConsumption(unreachable)));
/// ```
pub fn is_permanent(error: &KafkaError) -> bool {
    match error {
        KafkaError::MessageConsumptionFatal(_) => true,
        KafkaError::MessageConsumption(code) => is_denied(*code),
        KafkaError::MessageProduction(code) => is_denied(*code) || is_never_accepted(*code),
        _ => false,
    }
}

/// librdkafka reports most of these again and again, and keeps trying.
fn is_denied(code: Code) -> bool {
    matches!(
        code,
        Code::Fatal
            | Code::FencedInstanceId
            | Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
    )
}

/// The same record fails again, however often it is sent.
fn is_never_accepted(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument
            | Code::InvalidRecord
            | Code::InvalidTopic
            | Code::MessageSizeTooLarge
            | Code::PolicyViolation
            | Code::UnknownPartition
            | Code::UnknownTopic
            | Code::UnknownTopicOrPartition
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_does_not_come_by_waiting_and_a_broker_does() {
        for (code, read, written) in [
            (Code::TopicAuthorizationFailed, true, true),
            (Code::GroupAuthorizationFailed, true, true),
            (Code::SaslAuthenticationFailed, true, true),
            (Code::AllBrokersDown, false, false),
            (Code::MessageTimedOut, false, false),
            (Code::NotEnoughReplicas, false, false),
            (Code::QueueFull, false, false),
            // A reader waits for a topic that is created later; a record has waited already.
            (Code::UnknownTopicOrPartition, false, true),
            (Code::MessageSizeTooLarge, false, true),
        ] {
            assert_eq!(is_permanent(&KafkaError::MessageConsumption(code)), read, "{code:?}");
            assert_eq!(is_permanent(&KafkaError::MessageProduction(code)), written, "{code:?}");
        }
        assert!(is_permanent(&KafkaError::MessageConsumptionFatal(Code::Fatal)));
        assert!(!is_permanent(&KafkaError::PartitionEOF(0)));
    }

    #[test]
    fn an_error_that_says_enough_has_no_advice() {
        let timed_out = KafkaError::MessageProduction(Code::MessageTimedOut);
        assert_eq!(advice(&timed_out), None);
        // The same code means something else outside of a fetch.
        assert_eq!(advice(&KafkaError::Subscription("not implemented".to_owned())), None);
    }
}
