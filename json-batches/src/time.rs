//! Serializes date-times as ISO 8601.
//!
//! The types of the crates chrono, time (with its `rfc3339`) and jiff do so by themselves. The
//! standard library's `SystemTime` does not: serde writes it as seconds and nanoseconds.

use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

/// Serializes a time as ISO 8601 in UTC, such as `2026-11-21T12:00:00.123Z`.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// #[derive(serde::Serialize)]
/// struct Departure {
///     flight: &'static str,
///     #[serde(serialize_with = "json_batches::iso8601")]
///     at: SystemTime,
/// }
///
/// let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_262_400_123);
/// let json = serde_json::to_string(&Departure { flight: "BA178", at })?;
/// assert_eq!(json, r#"{"flight":"BA178","at":"2026-11-21T12:00:00.123Z"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// Those of the serializer.
pub fn iso8601<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let time: DateTime<Utc> = (*time).into();
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}
