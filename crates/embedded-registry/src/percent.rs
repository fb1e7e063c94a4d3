//! Percent-encoding, as in a URL.

/// Decodes `%` and two hexadecimal digits to one byte. A `%` without digits stays as it is.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_and_two_digits_are_one_byte() {
        assert_eq!(decoded("s%40c%C3%A9"), "s@c\u{e9}");
        assert_eq!(decoded("100% and %4"), "100% and %4");
    }
}
