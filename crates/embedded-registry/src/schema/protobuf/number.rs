//! Numbers in options as Java formats them: at most three digits after the point, and no exponent.

/// The maximum number of digits that are printed.
const MAX_DIGITS: i64 = 1_000;

/// The number of digits before the point from which a float has none after it.
const LARGE: i64 = 16;

/// Returns the normal form of a number, or the text as it is if Java does not read it as one.
pub(super) fn normal(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let is_whole = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let long = digits.trim_end_matches(['l', 'L']);
    let integer = match hexadecimal {
        Some(digits) => i128::from_str_radix(digits, 16),
        None if is_whole(long) && long.len() > 1 && long.starts_with('0') => {
            i128::from_str_radix(long, 8)
        }
        None => long.parse(),
    };
    if let Ok(integer) = integer {
        let sign = if integer == 0 { "" } else { sign };
        return format!("{sign}{integer}");
    }
    let starts = |it: char| it.is_ascii_digit() || it == '.';
    if hexadecimal.is_some() || is_whole(digits) || !digits.starts_with(starts) {
        return text.to_owned();
    }
    match float(digits.trim_end_matches(['d', 'D', 'f', 'F'])) {
        Some(rounded) => format!("{sign}{rounded}"),
        None => text.to_owned(),
    }
}

/// Returns the normal form of a float. Java treats a number as a 32-bit float if its text is the
/// same, as a 64-bit float if its value is the same, and otherwise keeps it as it is.
fn float(text: &str) -> Option<String> {
    let single = text.parse::<f32>().ok()?;
    let double = text.parse::<f64>().ok()?;
    let given = parts(text)?;
    let is_there = |it: f64| it.is_finite() && (it != 0.0 || given.0.is_empty());
    let is_single =
        is_there(single.into()) && parts(&format!("{single:e}")) == parts(&format!("{double:e}"));
    let value = if is_single { f64::from(single) } else { double };
    let shortest = parts(&format!("{value:e}"));
    let (digits, exponent) = match shortest {
        Some(shortest) if is_single || shortest == given => shortest,
        _ => given,
    };
    if exponent < LARGE {
        let rounded = format!("{value:.3}");
        return Some(rounded.trim_end_matches('0').trim_end_matches('.').to_owned());
    }
    if exponent > MAX_DIGITS {
        return None;
    }
    let exponent = usize::try_from(exponent).ok()?;
    Some(digits.chars().chain(std::iter::repeat('0')).take(exponent).collect())
}

/// Returns the digits of a number without zeros at either end, and the position of the point.
fn parts(text: &str) -> Option<(String, i64)> {
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let leading = digits.bytes().take_while(|it| *it == b'0').count();
    let exponent = power.parse::<i64>().ok()?.checked_add(whole.len() as i64 - leading as i64)?;
    let digits = digits.trim_matches('0').to_owned();
    let exponent = if digits.is_empty() { 0 } else { exponent };
    Some((digits, exponent))
}
