//! Reads and writes Avro's numbers: zigzag, seven bits in each byte.

/// Writes an `int` or a `long`.
pub(super) fn write(number: i64, out: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Reads an `int` or a `long`: at most ten bytes, seven bits in each.
pub(super) fn read(rest: &mut &[u8]) -> Option<i64> {
    let mut zigzag = 0_u64;
    for at in 0..10 {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if at == 9 && bits > 1 {
            return None;
        }
        zigzag |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
        }
    }
    None
}
