//! The delivery report of one record.
//!
//! `send` only puts a record into a queue. Its delivery report says whether it arrived; until then,
//! it does not count as sent.

use std::fmt;

use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};

use crate::advice::advice;
use crate::message::readable_bytes;

/// The report on one record. `Display` prints it in one line.
#[derive(Debug)]
pub struct DeliveryReport<'a> {
    /// The topic that the record was sent to.
    pub topic: &'a str,
    /// Its partition; -1 if it failed before one was chosen.
    pub partition: i32,
    /// The offset that the leader assigned; negative if it failed or no acknowledgment was
    /// requested (`acks=0`).
    pub offset: i64,
    /// The key that it was sent with.
    pub key: Option<&'a [u8]>,
    /// The value that it was sent with.
    pub value: Option<&'a [u8]>,
    /// Why it was not delivered. librdkafka has retried what can be retried (until
    /// `delivery.timeout.ms`, 300,000 ms by default), so this is final: sending the record again is
    /// a new send, which can change the order and, after a timeout, duplicate it.
    pub error: Option<&'a KafkaError>,
}

impl<'a> DeliveryReport<'a> {
    /// Reads what librdkafka passes to a producer's context.
    pub fn new(result: &'a DeliveryResult<'_>) -> Self {
        let (message, error) = match result {
            Ok(message) => (message, None),
            Err((error, message)) => (message, Some(error)),
        };
        DeliveryReport {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key(),
            value: message.payload(),
            error,
        }
    }

    /// Returns whether the record is in the topic.
    pub fn is_delivered(&self) -> bool {
        self.error.is_none()
    }
}

impl fmt::Display for DeliveryReport<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeliveryReport { topic, partition, offset, .. } = self;
        let key = self.key.map_or("without key".to_owned(), readable_bytes);
        match self.error {
            None if *offset < 0 => {
                write!(out, "sent       {key} to {topic}[{partition}], unconfirmed (acks=0)")
            }
            None => write!(out, "delivered  {key} to {topic}[{partition}] at offset {offset}"),
            Some(error) => {
                write!(out, "failed     {key} to {topic}: {error}")?;
                advice(error).map_or(Ok(()), |advice| write!(out, ". {}", sentence(advice)))
            }
        }
    }
}

/// Formats the advice as a sentence of its own.
fn sentence(advice: &str) -> String {
    let mut letters = advice.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// Prints the report's line: to stdout if the record was delivered, to stderr if not. Pass it to
/// [`ProducerBuilder::on_delivery`](crate::ProducerBuilder::on_delivery).
pub fn delivery_report(report: &DeliveryReport<'_>) {
    if report.is_delivered() {
        println!("{report}");
    } else {
        eprintln!("{report}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::error::RDKafkaErrorCode;

    fn report(offset: i64, error: Option<&KafkaError>) -> String {
        let key = Some(b"JFK".as_slice());
        DeliveryReport { topic: "airports", partition: 2, offset, key, value: None, error }
            .to_string()
    }

    #[test]
    fn a_delivered_record_says_where_it_is() {
        assert_eq!(report(41, None), "delivered  JFK to airports[2] at offset 41");
    }

    #[test]
    fn a_failed_record_says_why() {
        let error = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
        let line = report(-1001, Some(&error));
        assert!(line.starts_with("failed     JFK to airports: "), "{line}");
        assert!(line.contains("timed out"), "{line}");
    }

    #[test]
    fn a_record_whose_batch_was_too_large_says_what_to_set() {
        let error = KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge);
        let line = report(-1001, Some(&error));
        assert!(line.contains("set batch.size of the producer below it"), "{line}");
    }

    #[test]
    fn a_record_that_nobody_confirmed_is_not_called_delivered() {
        assert_eq!(report(-1, None), "sent       JFK to airports[2], unconfirmed (acks=0)");
    }
}
