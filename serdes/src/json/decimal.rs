//! Numbers as JSON writes them: as many digits as anybody likes, and no limit.
//!
//! A float holds some of them. This file knows which, so that a number is read as itself or not at
//! all.

use std::cmp::Ordering;

/// A number without loss: 0.d₁d₂d₃… × 10^exponent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: Vec<u8>,
    exponent: i64,
}

/// How a float holds a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// As itself: the float is that number, or is written as that number.
    Exactly,
    /// As the nearest float, which is another number.
    Rounded,
    /// Not at all: it is too large, or so small that zero is nearest.
    Outside,
}

/// As many digits as the longest exact 64-bit float has.
const EXACT: usize = 766;

/// So many digits survive any 64-bit float.
const SAFE: usize = 15;

impl Decimal {
    /// From a number in JSON, which is valid.
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

    /// The number as an integer: its sign and its size, where 128 bits are enough.
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

    /// How a 64-bit float holds the number.
    pub(super) fn in_f64(&self, nearest: f64) -> Held {
        if !nearest.is_finite() || (nearest == 0.0 && !self.is_zero()) {
            return Held::Outside;
        }
        let is_safe = self.digits.len() <= SAFE && self.exponent.abs() < 300;
        let is_held = is_safe
            || Decimal::new(&format!("{nearest:e}")) == *self
            || Decimal::new(&format!("{nearest:.EXACT$e}")) == *self;
        if is_held { Held::Exactly } else { Held::Rounded }
    }

    /// How a 32-bit float holds the number.
    pub(super) fn in_f32(&self, nearest: f32) -> Held {
        if !nearest.is_finite() || (nearest == 0.0 && !self.is_zero()) {
            return Held::Outside;
        }
        let is_held = Decimal::new(&format!("{nearest:e}")) == *self
            || Decimal::new(&format!("{nearest:.EXACT$e}")) == *self;
        if is_held { Held::Exactly } else { Held::Rounded }
    }

    /// The 64-bit floats next to the number, below and above it.
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
    fn numbers_are_equal_however_they_are_written() {
        for same in [["100", "1e2"], ["1.0", "1"], ["-0.0", "0"], ["0.0120", "12E-3"]] {
            assert_eq!(Decimal::new(same[0]), Decimal::new(same[1]), "{same:?}");
        }
        assert_ne!(Decimal::new("1"), Decimal::new("-1"));
        assert_ne!(Decimal::new("0.1"), Decimal::new("0.10000000000000001"));
    }

    #[test]
    fn integers_are_taken_where_the_number_is_one() {
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
    fn a_float_holds_what_it_is_and_what_it_is_written_as() {
        let rows = [
            ("0.1", Held::Exactly),
            ("0.1000000000000000055511151231257827021181583404541015625", Held::Exactly),
            ("0.10000000000000000555", Held::Rounded),
            ("9007199254740992", Held::Exactly),
            ("9007199254740993", Held::Rounded),
            ("123456789012345680000", Held::Exactly),
            ("123456789012345678901", Held::Rounded),
            ("1.7976931348623157e308", Held::Exactly),
            ("1.8e308", Held::Outside),
            ("5e-324", Held::Exactly),
            ("1e-400", Held::Outside),
            ("0e-400", Held::Exactly),
        ];
        for (text, expected) in rows {
            let nearest = text.parse().unwrap();
            assert_eq!(Decimal::new(text).in_f64(nearest), expected, "{text}");
        }
        assert_eq!(Decimal::new("0.1").in_f32(0.1), Held::Exactly);
        assert_eq!(Decimal::new("16777217").in_f32(16_777_217.0), Held::Rounded);
        assert_eq!(Decimal::new("1e300").in_f32(f32::INFINITY), Held::Outside);
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
