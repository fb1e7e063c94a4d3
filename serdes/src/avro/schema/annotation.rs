//! Parses logical types.

use serde_json::{Map, Value};

use super::super::logical::Logical;
use super::Kind;

const MOMENTS: [&str; 6] = [
    "timestamp-millis",
    "timestamp-micros",
    "timestamp-nanos",
    "local-timestamp-millis",
    "local-timestamp-micros",
    "local-timestamp-nanos",
];

/// Parses the logical type of a type; `None` if it has none that is valid for it.
pub(super) fn logical(object: &Map<String, Value>, kind: &Kind) -> Option<Logical> {
    let word = object.get("logicalType")?.as_str()?;
    match (word, kind) {
        ("decimal", Kind::Bytes | Kind::Fixed(..)) => decimal(object, kind),
        ("big-decimal", Kind::Bytes) => Some(Logical::BigDecimal),
        ("uuid", Kind::String | Kind::Fixed(_, 16)) => Some(Logical::Uuid),
        ("duration", Kind::Fixed(_, 12)) => Some(Logical::Duration),
        ("date", Kind::Int) => Some(Logical::Moment("date")),
        ("time-millis", Kind::Int) => {
            Some(Logical::TimeOfDay { label: "time-millis", units: 86_400_000 })
        }
        ("time-micros", Kind::Long) => {
            Some(Logical::TimeOfDay { label: "time-micros", units: 86_400_000_000 })
        }
        (_, Kind::Long) => {
            MOMENTS.iter().find(|it| **it == word).map(|label| Logical::Moment(label))
        }
        _ => None,
    }
}

fn decimal(object: &Map<String, Value>, kind: &Kind) -> Option<Logical> {
    let number = |attribute: &str| object.get(attribute)?.as_i64();
    let precision = usize::try_from(number("precision")?).ok()?;
    let scale = match object.get("scale") {
        None => 0,
        Some(_) => usize::try_from(number("scale")?).ok()?,
    };
    let most = match kind {
        Kind::Fixed(_, size) => digits_in(*size),
        _ => i32::MAX as usize,
    };
    ((1..=most).contains(&precision) && scale <= precision)
        .then_some(Logical::Decimal { precision, scale })
}

/// Returns how many decimal digits this many bytes can always hold.
fn digits_in(size: usize) -> usize {
    // Sizes stay far below 2^52, where this is exact enough: Java computes it in the same way.
    let bits = (8 * size.min(1 << 40)).saturating_sub(1) as f64;
    (2_f64.log10() * bits).floor() as usize
}
