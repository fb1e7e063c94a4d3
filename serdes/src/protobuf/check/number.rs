//! Reads numbers and checks whether their types can hold them.

use prost::encoding::{WireType, decode_varint};
use prost_reflect::{EnumDescriptor, Kind, Syntax};

use super::error::{CheckError, corrupt, field};

/// Returns the bits of a number, and whether its sign bit is set, which counts only in signed
/// forms.
pub(super) fn number(kind: &Kind, bytes: &mut &[u8]) -> Result<(u64, bool), CheckError> {
    match kind.wire_type() {
        WireType::Varint => {
            let bits = decode_varint(bytes).map_err(corrupt)?;
            let narrow = matches!(kind, Kind::Uint32);
            Ok((bits, bits > i64::MAX as u64 || (narrow && bits > i32::MAX as u64)))
        }
        WireType::ThirtyTwoBit => {
            let (bits, rest) = bytes.split_first_chunk::<4>().ok_or(CheckError::Corrupt)?;
            *bytes = rest;
            let bits = u32::from_le_bytes(*bits);
            Ok((bits.into(), bits > i32::MAX as u32))
        }
        _ => {
            let (bits, rest) = bytes.split_first_chunk::<8>().ok_or(CheckError::Corrupt)?;
            *bytes = rest;
            let bits = u64::from_le_bytes(*bits);
            Ok((bits, bits > i64::MAX as u64))
        }
    }
}

/// Rejects a number that a 32-bit reader would truncate, or that an enum of proto2 would drop.
pub(super) fn in_range(kind: &Kind, bits: u64, path: &str) -> Result<(), CheckError> {
    let is_signed_32 = i32::try_from(bits.cast_signed()).is_ok();
    let (is_held, name) = match kind {
        Kind::Int32 => (is_signed_32, "an int32"),
        Kind::Uint32 => (u32::try_from(bits).is_ok(), "a uint32"),
        // The number is half of its zigzag form.
        Kind::Sint32 => (u32::try_from(bits).is_ok(), "an sint32"),
        Kind::Bool => (bits <= 1, "a bool"),
        Kind::Enum(declared) => return in_enum(declared, bits, path),
        _ => (true, ""),
    };
    if is_held { Ok(()) } else { Err(field(path, &format!("is larger than {name} can be"))) }
}

fn in_enum(declared: &EnumDescriptor, bits: u64, path: &str) -> Result<(), CheckError> {
    let Ok(value) = i32::try_from(bits.cast_signed()) else {
        return Err(field(path, "is larger than the number of an enum can be"));
    };
    // An enum of proto3 is open: every reader keeps a number that has no name.
    let is_closed = declared.parent_file().syntax() == Syntax::Proto2;
    if is_closed && declared.get_value(value).is_none() {
        let name = declared.full_name();
        let problem = format!("has no name in {name}, and readers of proto2 drop such a value");
        return Err(field(path, &problem));
    }
    Ok(())
}
