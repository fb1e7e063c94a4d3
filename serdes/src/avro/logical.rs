//! Logical types: what a value means beyond how it is written, and which values mean nothing.

use serde_json::{Map, Value};

use super::schema::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    /// A number with `scale` digits behind the point and at most `precision` digits in all.
    Decimal {
        precision: usize,
        scale: usize,
    },
    /// A number that carries its scale itself.
    BigDecimal,
    Uuid,
    /// Months, days and milliseconds.
    Duration,
    /// A time of day, in units of which a day has so many.
    TimeOfDay {
        label: &'static str,
        units: i64,
    },
    /// A date or a moment: every number is one.
    Moment(&'static str),
}

const MOMENTS: [&str; 6] = [
    "timestamp-millis",
    "timestamp-micros",
    "timestamp-nanos",
    "local-timestamp-millis",
    "local-timestamp-micros",
    "local-timestamp-nanos",
];

impl Logical {
    /// The logical type of a type, where it has one that suits it.
    pub(super) fn read(object: &Map<String, Value>, kind: &Kind) -> Option<Self> {
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

    /// What stands in a schema.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Logical::Decimal { .. } => "decimal",
            Logical::BigDecimal => "big-decimal",
            Logical::Uuid => "uuid",
            Logical::Duration => "duration",
            Logical::TimeOfDay { label, .. } | Logical::Moment(label) => label,
        }
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

/// How many decimal digits so many bytes hold, whatever the digits.
fn digits_in(size: usize) -> usize {
    // Sizes stay far below 2^52, where this is exact enough: it is what Java computes.
    let bits = (8 * size.min(1 << 40)).saturating_sub(1) as f64;
    (2_f64.log10() * bits).floor() as usize
}
