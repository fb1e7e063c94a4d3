//! Logical types: what a value means beyond how it is written, and which values mean nothing.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    /// A number with `scale` digits after the point and at most `precision` digits in all.
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

impl Logical {
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
