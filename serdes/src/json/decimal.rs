//! Numbers as JSON writes them: with any number of digits, and no limit.
//!
//! A float can represent only some of them. This file determines which, so that a number is read
//! exactly or not at all.

use std::cmp::Ordering;

/// A number without loss of digits: 0.d₁d₂d₃… × 10^exponent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// The digits without leading and trailing zeros; empty for zero.
    digits: Vec<u8>,
    exponent: i64,
}

/// The representation of a number as a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Representation {
    /// The float is exactly that number, or is printed as that number.
    Exact,
    /// The nearest float is a different number.
    Rounded,
    /// The number is too large, or so small that the nearest float is zero.
    OutOfRange,
}

/// The number of digits of the longest exact 64-bit float.
const EXACT: usize = 766;

/// The number of digits that every 64-bit float preserves.
const SAFE: usize = 15;

impl Decimal {
    /// Parses a valid JSON number.
    pub(super) fn new(text: &str) -> Self {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, power) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = digits.iter().take_while(|it| **it == b'0').count();
        let trailing = digits[leading..].iter().rev().take_while(|it| **it == b'0').count();
        let kept = digits[leading..digits.len() - trailing].to_vec();
        if kept.is_empty() {
            return Decimal { negative: false, digits: kept, exponent: 0 };
        }
        let exponent = saturated(power).saturating_add(whole.len() as i64 - leading as i64);
        Decimal { negative, digits: kept, exponent }
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    pub(super) fn is_whole(&self) -> bool {
        self.digits.len() as i64 <= self.exponent || self.is_zero()
    }

    /// Returns the number as an integer, with its sign and its magnitude, if it fits into 128 bits.
    pub(super) fn integer(&self) -> Option<(bool, u128)> {
        if !self.is_whole() || self.exponent > 39 {
            return None;
        }
        let zeros = self.exponent as usize - self.digits.len();
        let digits = self.digits.iter().copied().chain(std::iter::repeat_n(b'0', zeros));
        let size = digits.into_iter().try_fold(0_u128, |size, digit| {
            size.checked_mul(10)?.checked_add(u128::from(digit - b'0'))
        });
        size.map(|size| (self.negative, size))
    }

    fn size(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (false, false) => {
                self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits))
            }
            (mine, theirs) => theirs.cmp(&mine),
        }
    }

    fn is_less_than(&self, other: &Self) -> bool {
        match (self.negative, other.negative) {
            (false, false) => self.size(other).is_lt(),
            (true, true) => self.size(other).is_gt(),
            (mine, theirs) => mine && !theirs,
        }
    }

    /// Returns how a 64-bit float represents the number.
    pub(super) fn in_f64(&self, nearest: f64) -> Representation {
        if !nearest.is_finite() || (nearest == 0.0 && !self.is_zero()) {
            return Representation::OutOfRange;
        }
        let is_safe = self.digits.len() <= SAFE && self.exponent.abs() < 300;
        let is_exact = is_safe
            || Decimal::new(&format!("{nearest:e}")) == *self
            || Decimal::new(&format!("{nearest:.EXACT$e}")) == *self;
        if is_exact { Representation::Exact } else { Representation::Rounded }
    }

    /// Returns how a 32-bit float represents the number.
    pub(super) fn in_f32(&self, nearest: f32) -> Representation {
        if !nearest.is_finite() || (nearest == 0.0 && !self.is_zero()) {
            return Representation::OutOfRange;
        }
        let is_exact = Decimal::new(&format!("{nearest:e}")) == *self
            || Decimal::new(&format!("{nearest:.EXACT$e}")) == *self;
        if is_exact { Representation::Exact } else { Representation::Rounded }
    }

    /// Returns the 64-bit floats next to the number, below and above it.
    pub(super) fn between(&self, nearest: f64) -> (f64, f64) {
        if Decimal::new(&format!("{nearest:.EXACT$e}")).is_less_than(self) {
            (nearest, nearest.next_up())
        } else {
            (nearest.next_down(), nearest)
        }
    }
}

fn saturated(power: &str) -> i64 {
    const FAR: i64 = 1 << 60;
    let far = if power.starts_with('-') { -FAR } else { FAR };
    power.parse::<i64>().map_or(far, |it| it.clamp(-FAR, FAR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_equal_in_every_notation() {
        for same in [["100", "1e2"], ["1.0", "1"], ["-0.0", "0"], ["0.0120", "12E-3"]] {
            assert_eq!(Decimal::new(same[0]), Decimal::new(same[1]), "{same:?}");
        }
        assert_ne!(Decimal::new("1"), Decimal::new("-1"));
        assert_ne!(Decimal::new("0.1"), Decimal::new("0.10000000000000001"));
    }

    #[test]
    fn whole_numbers_are_integers_in_every_notation() {
        let rows = [
            ("1.0", Some((false, 1))),
            ("-12e1", Some((true, 120))),
            ("0", Some((false, 0))),
            ("-0.0", Some((false, 0))),
            ("1.5", None),
            ("340282366920938463463374607431768211455", Some((false, u128::MAX))),
            ("340282366920938463463374607431768211456", None),
            ("1e39", None),
            ("1e999999999999999999999", None),
            ("1e-999999999999999999999", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Decimal::new(text).integer(), expected, "{text}");
        }
    }

    #[test]
    fn a_float_represents_its_exact_value_and_its_printed_value() {
        let rows = [
            ("0.1", Representation::Exact),
            ("0.1000000000000000055511151231257827021181583404541015625", Representation::Exact),
            ("0.10000000000000000555", Representation::Rounded),
            ("9007199254740992", Representation::Exact),
            ("9007199254740993", Representation::Rounded),
            ("123456789012345680000", Representation::Exact),
            ("123456789012345678901", Representation::Rounded),
            ("1.7976931348623157e308", Representation::Exact),
            ("1.8e308", Representation::OutOfRange),
            ("5e-324", Representation::Exact),
            ("1e-400", Representation::OutOfRange),
            ("0e-400", Representation::Exact),
        ];
        for (text, expected) in rows {
            let nearest = text.parse().unwrap();
            assert_eq!(Decimal::new(text).in_f64(nearest), expected, "{text}");
        }
        assert_eq!(Decimal::new("0.1").in_f32(0.1), Representation::Exact);
        assert_eq!(Decimal::new("16777217").in_f32(16_777_217.0), Representation::Rounded);
        assert_eq!(Decimal::new("1e300").in_f32(f32::INFINITY), Representation::OutOfRange);
    }

    #[test]
    fn a_number_lies_between_two_floats() {
        let nearest = 18_446_744_073_709_551_616.0;
        let (below, above) = Decimal::new("18446744073709551617").between(nearest);
        assert!(below == nearest && above > nearest);
        let (below, above) = Decimal::new("18446744073709551615").between(nearest);
        assert!(below < nearest && above == nearest);
        let (below, above) = Decimal::new("-18446744073709551617").between(-nearest);
        assert!(below < -nearest && above == -nearest);
    }
}
