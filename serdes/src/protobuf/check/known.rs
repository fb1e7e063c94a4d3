//! Checks the rules of Protobuf's own messages beyond the types of their fields.

use prost::Message;
use prost_reflect::MessageDescriptor;
use prost_reflect::prost_types::{Duration, Timestamp};

use super::error::{CheckError, corrupt, field};

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds from 1970.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// 10,000 years, in seconds.
const MAX_DURATION_SECONDS: i64 = 315_576_000_000;

const BILLION: i32 = 1_000_000_000;

/// Checks the rules of one of Protobuf's own messages.
pub(super) fn known(
    message: &MessageDescriptor,
    bytes: &[u8],
    path: &str,
) -> Result<(), CheckError> {
    match message.full_name() {
        "google.protobuf.Timestamp" => {
            let Timestamp { seconds, nanos } = Timestamp::decode(bytes).map_err(corrupt)?;
            if !TIMES.contains(&seconds) {
                return Err(field(path, "is a time outside of the years 1 to 9999"));
            }
            if !(0..BILLION).contains(&nanos) {
                return Err(field(path, "has nanos outside of 0 to 999,999,999"));
            }
        }
        "google.protobuf.Duration" => {
            let Duration { seconds, nanos } = Duration::decode(bytes).map_err(corrupt)?;
            if seconds.unsigned_abs() > MAX_DURATION_SECONDS.unsigned_abs() {
                return Err(field(path, "is a duration of more than 10,000 years"));
            }
            let has_two_signs = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
            if nanos.unsigned_abs() >= BILLION.unsigned_abs() || has_two_signs {
                let problem = "has nanos of another sign than its seconds, or a second of them";
                return Err(field(path, problem));
            }
        }
        "google.protobuf.Value" => {
            let value = prost_reflect::prost_types::Value::decode(bytes).map_err(corrupt)?;
            match value.kind {
                None => return Err(field(path, "is a Value without a value: null is null_value")),
                Some(prost_reflect::prost_types::value::Kind::NumberValue(it))
                    if !it.is_finite() =>
                {
                    let problem = "is not a number (NaN or infinite), and a Value cannot hold that";
                    return Err(field(path, problem));
                }
                Some(_) => {}
            }
        }
        _ => {}
    }
    Ok(())
}
