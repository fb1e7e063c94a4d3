//! Converts decimals from text to the bytes of an unscaled number, and back, digit by digit.
//!
//! Decimal crates exchange text with serde, so a program can use any of them. Only bigdecimal holds
//! everything that Avro can: its precision is unlimited, while rust_decimal's 96 bits hold 28
//! digits.

use bigdecimal::num_bigint::{BigInt, Sign};

/// The maximum size of a decimal: the cost of printing grows with the square of it.
const MAX_BYTES: usize = 1 << 15;

/// The maximum number of digits, which fit into [`MAX_BYTES`].
const MAX_DIGITS: i64 = 78_000;

/// The maximum number of zeros that are printed; more of them become an exponent.
const MAX_ZEROS: u64 = 1_000;

/// A decimal: `digits` times ten to the power of `exponent`.
pub(super) struct Decimal<'a> {
    is_negative: bool,
    /// The digits without leading zeros and without the point; empty for zero.
    digits: std::borrow::Cow<'a, str>,
    exponent: i64,
}

/// Parses a decimal such as `-12.50` or `1.25e3`.
pub(super) fn parse(text: &str) -> Option<Decimal<'_>> {
    let (is_negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, i64::from(exponent.parse::<i32>().ok()?)),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let exponent = exponent - i64::try_from(fraction.len()).ok()?;
    let digits = match fraction {
        "" => whole.trim_start_matches('0').into(),
        _ => format!("{whole}{fraction}").trim_start_matches('0').to_owned().into(),
    };
    Some(Decimal { is_negative, digits, exponent })
}

impl Decimal<'_> {
    /// Returns the bytes of the unscaled number for this precision and scale, without rounding.
    pub(super) fn unscaled(&self, precision: usize, scale: usize) -> Result<Vec<u8>, String> {
        if self.digits.is_empty() {
            return Ok(vec![0]);
        }
        let zeros = self.exponent + i64::try_from(scale).unwrap_or(i64::MAX / 2);
        let room = i64::try_from(precision).unwrap_or(i64::MAX / 2);
        let kept = i64::try_from(self.digits.len()).unwrap_or(i64::MAX / 2) + zeros;
        let split = usize::try_from(kept).unwrap_or(0).min(self.digits.len());
        let (digits, cut) = self.digits.split_at(split);
        if cut.bytes().any(|digit| digit != b'0') {
            return Err(format!("has more digits after the point than its scale, {scale}, allows"));
        }
        if kept > room {
            return Err(format!("has more digits than its precision, {precision}, holds"));
        }
        if kept > MAX_DIGITS {
            return Err(format!("has more than {MAX_DIGITS} digits, the most that serdes writes"));
        }
        let zeros = usize::try_from(zeros).unwrap_or(0);
        Ok(self.bytes(&format!("{digits}{}", "0".repeat(zeros))))
    }

    /// Returns the bytes of the unscaled number and its scale, for a schema without a fixed scale.
    pub(super) fn with_its_scale(&self) -> Result<(Vec<u8>, i32), String> {
        let scale = i32::try_from(-self.exponent);
        let scale = scale.map_err(|_| "has a scale that big-decimal does not hold".to_owned())?;
        if i64::try_from(self.digits.len()).is_ok_and(|it| it > MAX_DIGITS) {
            return Err(format!("has more than {MAX_DIGITS} digits, the most that serdes writes"));
        }
        Ok((if self.digits.is_empty() { vec![0] } else { self.bytes(&self.digits) }, scale))
    }

    fn bytes(&self, digits: &str) -> Vec<u8> {
        let number = BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default();
        let number = if self.is_negative { -number } else { number };
        number.to_signed_bytes_be()
    }
}

/// Returns whether the bytes are a number of at most this many digits.
pub(super) fn has_room(unscaled: &[u8], precision: usize) -> bool {
    let digits = || BigInt::from_signed_bytes_be(unscaled).magnitude().to_string().len();
    !unscaled.is_empty() && unscaled.len() <= MAX_BYTES && digits() <= precision
}

/// Formats the number with `scale` digits after the point.
pub(super) fn format(unscaled: &[u8], scale: i64) -> Option<String> {
    if unscaled.is_empty() || unscaled.len() > MAX_BYTES {
        return None;
    }
    let number = BigInt::from_signed_bytes_be(unscaled);
    let minus = if number.sign() == Sign::Minus { "-" } else { "" };
    let digits = number.magnitude().to_string();
    let Ok(behind) = usize::try_from(scale) else {
        return Some(format!("{minus}{digits}e{}", scale.unsigned_abs()));
    };
    if behind == 0 {
        return Some(format!("{minus}{digits}"));
    }
    let missing = (behind + 1).saturating_sub(digits.len());
    if missing as u64 > MAX_ZEROS {
        return Some(format!("{minus}{digits}e-{behind}"));
    }
    let digits = format!("{}{digits}", "0".repeat(missing));
    let (whole, fraction) = digits.split_at(digits.len() - behind);
    Some(format!("{minus}{whole}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str, precision: usize, scale: usize) -> Result<String, String> {
        let unscaled = parse(text).ok_or("no decimal")?.unscaled(precision, scale)?;
        assert!(has_room(&unscaled, precision), "{text}");
        format(&unscaled, i64::try_from(scale).unwrap()).ok_or("not read".to_owned())
    }

    #[test]
    fn decimals_keep_every_digit_or_are_rejected() {
        let rows = [
            ("12.5", 4, 2, Some("12.50")),
            ("-12.50", 4, 2, Some("-12.50")),
            ("12.500", 4, 2, Some("12.50")),
            ("12.505", 9, 2, None),
            ("123.45", 4, 2, None),
            ("99.99", 4, 2, Some("99.99")),
            ("0", 4, 2, Some("0.00")),
            ("-0", 4, 2, Some("0.00")),
            ("0.001e3", 4, 2, Some("1.00")),
            ("1e2", 4, 2, None),
            ("1e1", 4, 2, Some("10.00")),
            ("-0.01", 4, 2, Some("-0.01")),
            ("100e-4", 4, 2, Some("0.01")),
            ("1e2147483647", 4, 2, None),
            ("1e-2147483647", 4, 2, None),
            ("0e2147483647", 4, 2, Some("0.00")),
            ("1e99999999999", 4, 2, None),
            ("", 4, 2, None),
            (".", 4, 2, None),
            ("NaN", 4, 2, None),
            ("1_0", 4, 2, None),
            (".5", 4, 2, Some("0.50")),
            ("5.", 4, 2, Some("5.00")),
        ];
        for (text, precision, scale, expected) in rows {
            assert_eq!(round_trip(text, precision, scale).ok().as_deref(), expected, "{text}");
        }
        assert!(round_trip("1e99999", usize::MAX, 0).is_err());
        let longest = "9".repeat(78_000);
        assert_eq!(round_trip(&longest, 78_000, 0), Ok(longest));
        let long = "1".repeat(77);
        assert_eq!(round_trip(&long, 77, 0).as_deref(), Ok(long.as_str()));
    }

    #[test]
    fn text_never_grows_by_the_scale_that_a_message_claims() {
        assert_eq!(format(&[12], i64::from(i32::MAX)).as_deref(), Some("12e-2147483647"));
        assert_eq!(format(&[12], i64::from(i32::MIN)).as_deref(), Some("12e2147483648"));
        assert_eq!(format(&[], 2), None);
        assert_eq!(format(&vec![1; MAX_BYTES + 1], 2), None);
    }
}
