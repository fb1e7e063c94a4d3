//! Translation of a log's errors to those of a coordinator, as in Kafka.

use kafka_protocol::ResponseError;

/// Translates the error of an append for a client whose request the coordinator could not persist.
pub(crate) fn append_error(error: ResponseError) -> ResponseError {
    match error {
        ResponseError::UnknownTopicOrPartition
        | ResponseError::NotEnoughReplicas
        | ResponseError::RequestTimedOut => ResponseError::CoordinatorNotAvailable,
        ResponseError::NotLeaderOrFollower | ResponseError::KafkaStorageError => {
            ResponseError::NotCoordinator
        }
        ResponseError::MessageTooLarge
        | ResponseError::RecordListTooLarge
        | ResponseError::InvalidFetchSize => ResponseError::UnknownServerError,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_looks_for_the_coordinator_again_where_that_helps() {
        use ResponseError::*;
        let rows = [
            (UnknownTopicOrPartition, CoordinatorNotAvailable),
            (NotEnoughReplicas, CoordinatorNotAvailable),
            (RequestTimedOut, CoordinatorNotAvailable),
            (NotLeaderOrFollower, NotCoordinator),
            (KafkaStorageError, NotCoordinator),
            (MessageTooLarge, UnknownServerError),
            (RecordListTooLarge, UnknownServerError),
            (InvalidFetchSize, UnknownServerError),
            (ProducerFenced, ProducerFenced),
        ];
        for (error, expected) in rows {
            assert_eq!(append_error(error), expected, "{error}");
        }
    }
}
