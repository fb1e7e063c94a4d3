//! Checks the bytes of a message against its descriptor, and names the field that does not match.
//!
//! A parser is lenient: it truncates a number to 32 bits, keeps the last of several values, and
//! drops a name that an enum of proto2 lacks. This check finds everything that it would change.

mod error;
mod field;
mod known;
mod number;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{Kind, MessageDescriptor};

use super::forms::{Form, Forms};
pub(super) use error::CheckError;
use error::{corrupt, field};
use field::Field;
use known::known;
use number::{in_range, number};

/// The maximum nesting of messages, which is the default of every parser.
const MAX_DEPTH: usize = 100;

/// Checks a message that a type has written before it is sent.
///
/// # Errors
///
/// [`CheckError`] if any reader would find less than the type contains, or something else.
pub(super) fn written(
    message: &MessageDescriptor,
    bytes: &[u8],
    forms: &Forms,
) -> Result<(), CheckError> {
    Walk { forms, is_new: true }.whole(message, bytes, "", 0)
}

/// Checks a message before it is read into a type with these forms.
///
/// # Errors
///
/// [`CheckError`] if the message lacks a required field, or the type would read a number as a
/// different one.
pub(super) fn received(
    message: &MessageDescriptor,
    bytes: &[u8],
    forms: &Forms,
) -> Result<(), CheckError> {
    Walk { forms, is_new: false }.whole(message, bytes, "", 0)
}

struct Walk<'a> {
    forms: &'a Forms,
    /// Whether the message is being written: then all of it must match the file.
    is_new: bool,
}

/// The parts of a message that were found so far.
#[derive(Default)]
struct Seen {
    counts: HashMap<u32, usize>,
    oneofs: HashMap<String, String>,
}

impl Walk<'_> {
    fn whole(
        &self,
        message: &MessageDescriptor,
        mut bytes: &[u8],
        path: &str,
        depth: usize,
    ) -> Result<(), CheckError> {
        let all = bytes;
        self.fields(message, &mut bytes, path, depth, None)?;
        match self.is_new {
            true if message.full_name() == "google.protobuf.Any" => in_any(message, all, path),
            true => known(message, all, path),
            false => Ok(()),
        }
    }

    /// Checks the fields up to the end of the bytes, or of the group with this number.
    fn fields(
        &self,
        message: &MessageDescriptor,
        bytes: &mut &[u8],
        path: &str,
        depth: usize,
        group: Option<u32>,
    ) -> Result<(), CheckError> {
        if depth > MAX_DEPTH {
            let problem = "has messages that are nested too deeply";
            return Err(if self.is_new { field("", problem) } else { CheckError::Corrupt });
        }
        let mut seen = Seen::default();
        loop {
            if bytes.is_empty() {
                if group.is_some() {
                    return Err(CheckError::Corrupt);
                }
                break;
            }
            let (number, wire_type) = decode_key(bytes).map_err(corrupt)?;
            if wire_type == WireType::EndGroup {
                if group != Some(number) {
                    return Err(CheckError::Corrupt);
                }
                break;
            }
            match Field::find(message, number) {
                Some(found) => {
                    let path = self.note(message, &found, path, &mut seen)?;
                    self.field(message, &found, (wire_type, bytes), &path, depth)?;
                }
                None if self.is_new => {
                    let name = message.full_name();
                    let problem = format!("has a field with number {number}, and {name} has none");
                    return Err(field(path, &problem));
                }
                None => {
                    let context = DecodeContext::default();
                    skip_field(wire_type, number, bytes, context).map_err(corrupt)?;
                }
            }
        }
        let lacks =
            message.fields().find(|it| it.is_required() && !seen.counts.contains_key(&it.number()));
        match lacks {
            Some(it) => Err(field(path, &format!("lacks the required field {}", it.name()))),
            None => Ok(()),
        }
    }

    /// Returns the path of a field, unless it occurs too often.
    fn note(
        &self,
        message: &MessageDescriptor,
        found: &Field,
        path: &str,
        seen: &mut Seen,
    ) -> Result<String, CheckError> {
        let count = seen.counts.entry(found.number).or_default();
        let at = match path {
            _ if message.is_map_entry() && found.number == 2 => path.to_owned(),
            "" => found.name.clone(),
            path => format!("{path}.{}", found.name),
        };
        let full = match (found.is_map, found.is_list) {
            // The keys are data.
            (true, _) => format!("{at}[*]"),
            (_, true) => format!("{at}[{count}]"),
            _ => at.clone(),
        };
        *count += 1;
        if !self.is_new || found.is_list || found.is_map {
            return Ok(full);
        }
        if *count > 1 {
            return Err(field(&at, "occurs several times, and the schema allows one"));
        }
        if let Some(oneof) = &found.oneof
            && let Some(other) = seen.oneofs.insert(oneof.clone(), found.name.clone())
        {
            let problem = format!("is set together with {other}, and {oneof} holds one of them");
            return Err(field(&at, &problem));
        }
        Ok(full)
    }

    fn field(
        &self,
        message: &MessageDescriptor,
        found: &Field,
        (wire_type, bytes): (WireType, &mut &[u8]),
        path: &str,
        depth: usize,
    ) -> Result<(), CheckError> {
        let expected = found.wire_type(message);
        if wire_type == expected {
            return self.value(message, found, bytes, path, depth);
        }
        let is_packed = found.is_list
            && wire_type == WireType::LengthDelimited
            && !matches!(expected, WireType::LengthDelimited | WireType::StartGroup);
        if !is_packed {
            return Err(field(path, "is written as a different type than the schema has"));
        }
        let mut packed = slice(bytes)?;
        let list = path.strip_suffix("[0]").unwrap_or(path);
        let mut at = 0_usize;
        while !packed.is_empty() {
            let rest = packed;
            if self.value(message, found, &mut packed, list, depth).is_err() {
                // It is checked again to find the index: a path for each of many values would cost
                // more than the values.
                packed = rest;
                self.value(message, found, &mut packed, &format!("{list}[{at}]"), depth)?;
            }
            at += 1;
        }
        Ok(())
    }

    fn value(
        &self,
        message: &MessageDescriptor,
        found: &Field,
        bytes: &mut &[u8],
        path: &str,
        depth: usize,
    ) -> Result<(), CheckError> {
        match &found.kind {
            Kind::Message(inner) if found.wire_type(message) == WireType::StartGroup => {
                self.fields(inner, bytes, path, depth + 1, Some(found.number))
            }
            Kind::Message(inner) => self.whole(inner, slice(bytes)?, path, depth + 1),
            Kind::Bytes => slice(bytes).map(|_| ()),
            Kind::String => match std::str::from_utf8(slice(bytes)?) {
                Ok(_) => Ok(()),
                Err(_) => Err(field(path, "is not text in UTF-8")),
            },
            kind => {
                let (bits, is_highest_set) = number(kind, bytes)?;
                self.form(message, found, path, (bits, is_highest_set))?;
                if self.is_new { in_range(kind, bits, path) } else { Ok(()) }
            }
        }
    }

    /// Checks that the type and the file agree on the number.
    fn form(
        &self,
        message: &MessageDescriptor,
        found: &Field,
        path: &str,
        (bits, is_highest_set): (u64, bool),
    ) -> Result<(), CheckError> {
        let key = (message.full_name().to_owned(), found.number);
        let (Some(in_type), Some(in_file)) = (self.forms.get(&key), Form::of(&found.kind)) else {
            return Ok(());
        };
        if *in_type == in_file || (bits == 0 && in_type.is_like(in_file)) {
            return Ok(());
        }
        if !in_type.is_like(in_file) && bits != 0 {
            let problem = "has a different number format in the type than in the schema (such as \
                           int32 and sint32, or float and fixed32), and would be a different number";
            return Err(field(path, problem));
        }
        if is_highest_set {
            let problem = "has a sign in one of type and schema and none in the other, and would be \
                           a different number";
            return Err(field(path, problem));
        }
        Ok(())
    }
}

fn slice<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], CheckError> {
    let length = decode_varint(bytes).map_err(corrupt)?;
    let length = usize::try_from(length).map_err(corrupt)?;
    let (slice, rest) = bytes.split_at_checked(length).ok_or(CheckError::Corrupt)?;
    *bytes = rest;
    Ok(slice)
}

/// Checks the content of an `Any` as far as the file knows its type, by its name.
fn in_any(message: &MessageDescriptor, bytes: &[u8], path: &str) -> Result<(), CheckError> {
    let any = prost_reflect::prost_types::Any::decode(bytes).map_err(corrupt)?;
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    if any.type_url.is_empty() && any.value.is_empty() {
        return Ok(());
    }
    if !any.type_url.contains('/') || name.is_empty() {
        return Err(field(
            path,
            "is an Any whose type_url does not name a type, as in host/package.Name",
        ));
    }
    let Some(inner) = message.parent_pool().get_message_by_name(name) else {
        return Ok(());
    };
    let forms = Forms::new();
    let walk = Walk { forms: &forms, is_new: true };
    walk.whole(&inner, &any.value, &format!("{path}.value"), 0).map_err(|error| match error {
        CheckError::Corrupt => {
            field(path, "is an Any whose bytes are not of the type that it names")
        }
        other => other,
    })
}
