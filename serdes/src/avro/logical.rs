//! Logical types: the meaning of a value beyond its encoding, and the values that are invalid.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    /// A number with `scale` digits after the point and at most `precision` digits in all.
    Decimal {
        precision: usize,
        scale: usize,
    },
    /// A number that contains its own scale.
    BigDecimal,
    Uuid,
    /// Months, days, and milliseconds.
    Duration,
    /// A time of day, with the number of units in a day.
    TimeOfDay {
        label: &'static str,
        units: i64,
    },
    /// A date or a point in time: every number is valid.
    Moment(&'static str),
}

impl Logical {
    /// Returns its name in a schema.
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
