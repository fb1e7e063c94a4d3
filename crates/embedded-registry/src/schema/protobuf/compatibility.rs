//! Whether a newer Protobuf file reads what an older one wrote, by the rules of Confluent's
//! registry, which are those of Protobuf's guide ("Updating a message type") and some more.
//!
//! Fields are known by their numbers. New fields, fields that are gone and new names are fine,
//! and so is another type that is written alike on the wire. Refused are another package, a
//! message that is gone, required fields that come or go, a field that leaves a `oneof`, and
//! fields that move into a `oneof` together or into one that was there.

use std::collections::{BTreeMap, HashSet};

use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};

use super::super::Reason;
use super::Protobuf;

/// Why `reader` does not read what `writer` wrote; empty where it does.
pub(in super::super) fn differences(reader: &Protobuf, writer: &Protobuf) -> Vec<Reason> {
    let (old, new) = (&writer.file, &reader.file);
    let mut comparison = Comparison { reasons: Vec::new(), seen: HashSet::new() };
    if old.package_name() != new.package_name() {
        let description =
            format!("it was {:?} and is {:?}", old.package_name(), new.package_name());
        comparison.refuse("PACKAGE_CHANGED", "#/", description);
    }
    let new: Vec<MessageDescriptor> = new.messages().collect();
    comparison.messages(old.messages(), &new, "#/");
    comparison.reasons
}

struct Comparison {
    reasons: Vec<Reason>,
    /// Pairs of messages that were compared: types may go round in circles.
    seen: HashSet<(String, String)>,
}

/// Scalar types that are written alike on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Number,
    SignedNumber,
    StringOrBytes,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

impl Comparison {
    fn refuse(&mut self, kind: &'static str, path: &str, description: impl Into<String>) {
        let (path, description) = (path.to_owned(), description.into());
        self.reasons.push(Reason { kind, path, description });
    }

    fn messages(
        &mut self,
        old: impl Iterator<Item = MessageDescriptor>,
        new: &[MessageDescriptor],
        path: &str,
    ) {
        for old in old.filter(|message| !message.is_map_entry()) {
            let path = format!("{path}{}", old.name());
            match new.iter().find(|new| new.name() == old.name()) {
                Some(new) => self.message(&old, new, &path),
                None => self.refuse("MESSAGE_REMOVED", &path, "data may hold this message"),
            }
        }
    }

    fn message(&mut self, old: &MessageDescriptor, new: &MessageDescriptor, path: &str) {
        let pair = (old.full_name().to_owned(), new.full_name().to_owned());
        if !self.seen.insert(pair) {
            return;
        }
        self.moved_into_oneofs(old, new, path);
        let old_fields: BTreeMap<u32, FieldDescriptor> =
            old.fields().map(|field| (field.number(), field)).collect();
        for (number, was) in &old_fields {
            let path = format!("{path}/{number}");
            match new.get_field(*number) {
                Some(is) => self.field(was, &is, &path),
                None => self.field_removed(was, new, &path),
            }
        }
        for is in new.fields().filter(|field| !old_fields.contains_key(&field.number())) {
            if is.cardinality() == Cardinality::Required {
                let path = format!("{path}/{}", is.number());
                self.refuse("REQUIRED_FIELD_ADDED", &path, "older data lacks it");
            }
        }
        let children: Vec<MessageDescriptor> = new.child_messages().collect();
        self.messages(old.child_messages(), &children, &format!("{path}."));
    }

    fn field_removed(&mut self, was: &FieldDescriptor, new: &MessageDescriptor, path: &str) {
        if was.cardinality() == Cardinality::Required {
            self.refuse("REQUIRED_FIELD_REMOVED", path, "it is required in older data");
        }
        let Some(name) = oneof(was) else {
            return;
        };
        if new.oneofs().any(|oneof| oneof.name() == name) {
            let description = format!("readers of the oneof {name} would find it not set");
            self.refuse("ONEOF_FIELD_REMOVED", path, description);
        }
    }

    fn moved_into_oneofs(&mut self, old: &MessageDescriptor, new: &MessageDescriptor, path: &str) {
        for into in new.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let before: Vec<FieldDescriptor> =
                into.fields().filter_map(|field| old.get_field(field.number())).collect();
            let moved = before.iter().filter(|field| oneof(field).is_none()).count();
            let path = format!("{path}/{}", into.name());
            if moved > 1 {
                let description = "data may have several of these fields, and a oneof keeps one";
                self.refuse("MULTIPLE_FIELDS_MOVED_TO_ONEOF", &path, description);
            } else if moved == 1 && before.len() > 1 {
                let description = "data may have this field and another one of the oneof";
                self.refuse("FIELD_MOVED_TO_EXISTING_ONEOF", &path, description);
            }
            let left = old.oneofs().find(|oneof| oneof.name() == into.name());
            for field in left.into_iter().flat_map(|oneof| oneof.fields().collect::<Vec<_>>()) {
                let stays = new.get_field(field.number()).is_none_or(|it| oneof(&it).is_some());
                if !stays {
                    let description = format!("it is no longer part of the oneof {}", into.name());
                    self.refuse("ONEOF_FIELD_REMOVED", &path, description);
                }
            }
        }
    }

    fn field(&mut self, was: &FieldDescriptor, is: &FieldDescriptor, path: &str) {
        self.kinds(&was.kind(), &is.kind(), path);
        let repeated = |field: &FieldDescriptor| field.cardinality() == Cardinality::Repeated;
        // Of several strings or messages a reader takes the last; several numbers are packed.
        let packs = scalar(&is.kind()).is_some_and(|scalar| scalar != Scalar::StringOrBytes);
        if repeated(was) != repeated(is) && packs {
            let description = "numbers are packed when they are repeated";
            self.refuse("FIELD_NUMERIC_LABEL_CHANGED", path, description);
        }
    }

    fn kinds(&mut self, was: &Kind, is: &Kind, path: &str) {
        match (was, is) {
            (Kind::Message(was), Kind::Message(is)) => self.message_types(was, is, path),
            _ => match (scalar(was), scalar(is)) {
                (Some(was), Some(is)) if was == is => {}
                (Some(_), Some(_)) => {
                    let description = format!("{was:?} and {is:?} are written differently");
                    self.refuse("FIELD_SCALAR_KIND_CHANGED", path, description);
                }
                _ => self.refuse("FIELD_KIND_CHANGED", path, "a message and a scalar differ"),
            },
        }
    }

    fn message_types(&mut self, was: &MessageDescriptor, is: &MessageDescriptor, path: &str) {
        match (was.is_map_entry(), is.is_map_entry()) {
            (true, true) => {
                self.kinds(
                    &was.map_entry_key_field().kind(),
                    &is.map_entry_key_field().kind(),
                    path,
                );
                self.kinds(
                    &was.map_entry_value_field().kind(),
                    &is.map_entry_value_field().kind(),
                    path,
                );
            }
            (false, false) if local_name(was) != local_name(is) => {
                let description = format!("it was {} and is {}", was.full_name(), is.full_name());
                self.refuse("FIELD_NAMED_TYPE_CHANGED", path, description);
            }
            (false, false) => self.message(was, is, path),
            _ => self.refuse("FIELD_KIND_CHANGED", path, "a map and a message differ"),
        }
    }
}

fn oneof(field: &FieldDescriptor) -> Option<String> {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    oneof.map(|oneof| oneof.name().to_owned())
}

/// A message's name within its package.
fn local_name(message: &MessageDescriptor) -> String {
    let (full, package) = (message.full_name(), message.package_name());
    let local = full.strip_prefix(package).and_then(|rest| rest.strip_prefix('.'));
    local.filter(|_| !package.is_empty()).unwrap_or(full).to_owned()
}

fn scalar(kind: &Kind) -> Option<Scalar> {
    Some(match kind {
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Bool | Kind::Enum(_) => {
            Scalar::Number
        }
        Kind::Sint32 | Kind::Sint64 => Scalar::SignedNumber,
        Kind::String | Kind::Bytes => Scalar::StringOrBytes,
        Kind::Fixed32 | Kind::Sfixed32 => Scalar::Fixed32,
        Kind::Fixed64 | Kind::Sfixed64 => Scalar::Fixed64,
        Kind::Float => Scalar::Float,
        Kind::Double => Scalar::Double,
        Kind::Message(_) => return None,
    })
}
