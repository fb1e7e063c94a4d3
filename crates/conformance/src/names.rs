//! Names errors as Kafka's documentation does.

use kafka_protocol::ResponseError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Returns the name of an error code in a response; `ok` for none.
pub(crate) fn name(code: i16) -> String {
    match ResponseError::try_from_code(code) {
        None => "ok".to_owned(),
        Some(ResponseError::Unknown(code)) => format!("error {code}"),
        Some(error) => in_capitals(&error.to_string()),
    }
}

/// Returns the names of several error codes, in their order.
pub(crate) fn names(codes: impl IntoIterator<Item = i16>) -> String {
    codes.into_iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Returns the name of an error that librdkafka reports; an error of librdkafka itself, which no
/// node sent, is marked as such.
pub(crate) fn name_of(code: RDKafkaErrorCode) -> String {
    match i16::try_from(code as i32) {
        Ok(of_kafka) if of_kafka >= 0 => name(of_kafka),
        _ => format!("client: {code:?}"),
    }
}

/// Describes the result of a call to librdkafka.
pub(crate) fn result<T>(result: &Result<T, KafkaError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.rdkafka_error_code().map_or_else(|| error.to_string(), name_of),
    }
}

/// Describes the result of a call to a transactional producer, and what it can do next.
pub(crate) fn transaction_result(result: &Result<(), KafkaError>) -> String {
    let Err(KafkaError::Transaction(error)) = result else {
        return self::result(result);
    };
    let left = match (error.is_fatal(), error.txn_requires_abort(), error.is_retriable()) {
        (true, ..) => ", fatal",
        (_, true, _) => ", to be aborted",
        (.., true) => ", to be tried again",
        _ => "",
    };
    format!("{}{left}", name_of(error.code()))
}

/// Converts `UnknownTopicId` to `UNKNOWN_TOPIC_ID`.
fn in_capitals(camel: &str) -> String {
    let mut name = String::with_capacity(camel.len() + 8);
    for character in camel.chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_named_as_in_kafkas_documentation() {
        assert_eq!(names([0, 3, -1]), "ok, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_SERVER_ERROR");
        assert_eq!(name_of(RDKafkaErrorCode::TopicAlreadyExists), "TOPIC_ALREADY_EXISTS");
        assert_eq!(name_of(RDKafkaErrorCode::UnknownPartition), "client: UnknownPartition");
    }
}
