//! A value on its way to a type of the program, and why it does not fit.

use serde::de;

use super::super::datum::Datum;
use super::super::decimal;
use super::super::misfit::Depth;

/// Why a value does not fit: what serde says, or words of our own that hold no value.
#[derive(Debug)]
pub(in super::super) struct Fault {
    pub(in super::super) message: String,
    pub(in super::super) is_ours: bool,
}

impl Fault {
    pub(super) fn ours(message: &str) -> Self {
        Fault { message: message.to_owned(), is_ours: true }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Fault { message: message.to_string(), is_ours: false }
    }
}

#[derive(Clone, Copy)]
pub(in super::super) struct DatumDeserializer<'a> {
    pub(super) datum: &'a Datum,
    depth: Depth,
}

impl<'a> DatumDeserializer<'a> {
    pub(in super::super) fn new(datum: &'a Datum) -> Self {
        DatumDeserializer { datum, depth: Depth::here() }
    }

    pub(super) fn of(self, datum: &'a Datum) -> Self {
        DatumDeserializer { datum, depth: self.depth }
    }

    pub(super) fn check_depth(self) -> Result<(), Fault> {
        match self.depth.is_too_deep() {
            true => Err(Fault::ours("holds values that are nested too deeply")),
            false => Ok(()),
        }
    }

    pub(super) fn text(self) -> Option<Result<String, Fault>> {
        Some(match self.datum.inner() {
            Datum::Decimal(unscaled, scale) => decimal::format(unscaled, *scale)
                .ok_or_else(|| Fault::ours("is a decimal with too many digits")),
            Datum::Uuid(uuid) => Ok(uuid.to_string()),
            _ => return None,
        })
    }
}
