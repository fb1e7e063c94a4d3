//! Shows every part of a message that a consumer gets from Kafka.

use std::fmt;
use std::time::Duration;

use rdkafka::Timestamp;
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};

/// Shows `message` as aligned lines: topic, partition, offset, timestamp with its type, key,
/// headers, value.
pub fn readable<M: Message>(message: &M) -> Readable<'_, M> {
    Readable(message)
}

/// Prints what a poll returned: the message, or the error.
///
/// An error here does not end a consumer: librdkafka keeps reconnecting, and the next poll may
/// return a message. Only [`KafkaError::MessageConsumptionFatal`] is final, and
/// [`KafkaError::PartitionEOF`] is not an error but a notification.
pub fn print_message<M: Message>(polled: &Result<M, KafkaError>) {
    match polled {
        Ok(message) => println!("{}", readable(message)),
        Err(error) => println!("error      {error}"),
    }
}

/// The `Display` of a message; see [`readable`].
#[derive(Debug)]
pub struct Readable<'a, M>(&'a M);

impl<M: Message> fmt::Display for Readable<'_, M> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.0;
        writeln!(out, "topic      {}", message.topic())?;
        writeln!(out, "partition  {}", message.partition())?;
        writeln!(out, "offset     {}", message.offset())?;
        writeln!(out, "timestamp  {}", readable_timestamp(message.timestamp()))?;
        // A null key and an empty one are different keys: they go to different partitions.
        writeln!(out, "key        {}", message.key().map_or("null".to_owned(), readable_bytes))?;
        writeln!(out, "headers    {}", readable_headers(message))?;
        // A null value on a compacted topic deletes the key: a tombstone.
        write!(out, "value      {}", message.payload().map_or("null".to_owned(), readable_bytes))
    }
}

fn readable_headers<M: Message>(message: &M) -> String {
    let Some(headers) = message.headers() else {
        return "none".to_owned();
    };
    let one = |index| {
        let header = headers.get(index);
        let value = header.value.map_or("null".to_owned(), readable_bytes);
        format!("{}={value}", header.key)
    };
    (0..headers.count()).map(one).collect::<Vec<_>>().join(", ")
}

/// Shows text as it is, and anything else in hexadecimal; Kafka itself only knows bytes.
pub fn readable_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok("") => "empty".to_owned(),
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        Ok(text) => text.escape_debug().to_string(),
        Err(_) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("0x{hex} ({} bytes)", bytes.len())
        }
    }
}

/// It matters who set the time: the producer (CreateTime, the default) or the broker when it
/// appended (LogAppendTime, a topic's `message.timestamp.type`).
fn readable_timestamp(timestamp: Timestamp) -> String {
    match timestamp {
        Timestamp::NotAvailable => "none".to_owned(),
        Timestamp::CreateTime(ms) => format!("{} (CreateTime, {ms} ms)", utc(ms)),
        Timestamp::LogAppendTime(ms) => format!("{} (LogAppendTime, {ms} ms)", utc(ms)),
    }
}

/// Formats milliseconds since 1970 as a date and time in UTC (RFC 3339).
fn utc(ms: i64) -> String {
    let (days, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil_date(days);
    let time = Duration::from_millis(of_day.unsigned_abs());
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Returns year, month and day of a number of days since 1970, in the Gregorian calendar: eras of
/// 400 years, and years that begin in March so that the leap day is the last.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};

    #[test]
    fn every_part_of_a_message_is_there() {
        let headers = OwnedHeaders::new()
            .insert(Header { key: "source", value: Some("airportsdata") })
            .insert(Header { key: "checked", value: None::<&str> });
        let message = OwnedMessage::new(
            Some(b"{\"iata\":\"JFK\"}".to_vec()),
            Some(b"JFK".to_vec()),
            "airports".to_owned(),
            Timestamp::CreateTime(1_795_262_400_123),
            3,
            42,
            Some(headers),
        );
        let lines = [
            "topic      airports",
            "partition  3",
            "offset     42",
            "timestamp  2026-11-21T12:00:00.123Z (CreateTime, 1795262400123 ms)",
            "key        JFK",
            "headers    source=airportsdata, checked=null",
            "value      {\"iata\":\"JFK\"}",
        ];
        assert_eq!(readable(&message).to_string(), lines.join("\n"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let message =
            OwnedMessage::new(None, None, "t".to_owned(), Timestamp::NotAvailable, 0, 0, None);
        let text = readable(&message).to_string();
        for line in ["timestamp  none", "key        null", "headers    none", "value      null"] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_hexadecimal() {
        assert_eq!(readable_bytes(&[0xff, 0x00]), "0xff00 (2 bytes)");
        assert_eq!(readable_bytes(b""), "empty");
        assert_eq!(readable_bytes(b"two\nlines"), "two\\nlines");
    }

    #[test]
    fn times_are_dates_in_the_gregorian_calendar() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(ms), expected);
        }
    }
}
