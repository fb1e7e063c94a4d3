//! Checks whether a newer Protobuf file can read data of an older one, by the rules of Confluent's
//! registry: those of Protobuf's guide ("Updating a message type") and some more.
//!
//! Fields are identified by their numbers. New fields, removed fields, and new names are
//! compatible, and so is a different type with the same encoding. Incompatible are a different
//! package, a removed message, required fields that are added or removed, a field that leaves a
//! `oneof`, and fields that move into a `oneof` together or into an existing one.

use std::collections::HashSet;

use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};

use super::super::reason::Reason;
use super::file::Protobuf;
use super::model::{Field, Message, Model};

/// Returns why `reader` cannot read data of `writer`; empty if it can.
pub(in super::super) fn differences(reader: &Protobuf, writer: &Protobuf) -> Vec<Reason> {
    let (old, new) = (&writer.model, &reader.model);
    let mut comparison = Comparison { old, new, reasons: Vec::new(), seen: HashSet::new() };
    if old.package != new.package {
        let description = format!("it was {:?} and is {:?}", old.package, new.package);
        comparison.report("PACKAGE_CHANGED", "#/", description);
    }
    comparison.messages(&old.own, &new.own, "#/");
    comparison.reasons
}

struct Comparison<'a> {
    old: &'a Model,
    new: &'a Model,
    reasons: Vec<Reason>,
    /// Message pairs that were compared: types can refer to each other in circles.
    seen: HashSet<(String, String)>,
}

/// Scalar types with the same encoding.
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

impl<'a> Comparison<'a> {
    fn report(&mut self, kind: &'static str, path: &str, description: impl Into<String>) {
        let (path, description) = (path.to_owned(), description.into());
        self.reasons.push(Reason { kind, path, description });
    }

    fn messages(&mut self, old: &'a [String], new: &'a [String], path: &str) {
        for old in self.old.all(old).filter(|message| !message.is_map_entry) {
            let path = format!("{path}{}", old.name);
            match self.new.all(new).find(|new| new.name == old.name) {
                Some(new) => self.message(old, new, &path),
                None => self.report("MESSAGE_REMOVED", &path, "data may hold this message"),
            }
        }
    }

    fn message(&mut self, old: &'a Message, new: &'a Message, path: &str) {
        let pair = (old.full_name.clone(), new.full_name.clone());
        if !self.seen.insert(pair) {
            return;
        }
        self.moved_into_oneofs(old, new, path);
        for (number, was) in &old.fields {
            let path = format!("{path}/{number}");
            match new.fields.get(number) {
                Some(is) => self.field(was, is, &path),
                None => self.field_removed(was, new, &path),
            }
        }
        for is in new.fields.values().filter(|field| !old.fields.contains_key(&field.number)) {
            if is.label == Label::Required {
                let path = format!("{path}/{}", is.number);
                self.report("REQUIRED_FIELD_ADDED", &path, "older data lacks it");
            }
        }
        self.messages(&old.inner, &new.inner, &format!("{path}."));
    }

    fn field_removed(&mut self, was: &Field, new: &Message, path: &str) {
        if was.label == Label::Required {
            self.report("REQUIRED_FIELD_REMOVED", path, "it is required in older data");
        }
        let Some(name) = &was.oneof else {
            return;
        };
        if new.oneofs.contains(name) {
            let description = format!("readers of the oneof {name} would find it not set");
            self.report("ONEOF_FIELD_REMOVED", path, description);
        }
    }

    fn moved_into_oneofs(&mut self, old: &Message, new: &Message, path: &str) {
        for into in &new.oneofs {
            let before: Vec<&Field> =
                new.fields_of(into).filter_map(|field| old.fields.get(&field.number)).collect();
            let moved = before.iter().filter(|field| field.oneof.is_none()).count();
            let path = format!("{path}/{into}");
            if moved > 1 {
                let description = "data may have several of these fields, and a oneof keeps one";
                self.report("MULTIPLE_FIELDS_MOVED_TO_ONEOF", &path, description);
            } else if moved == 1 && before.len() > 1 {
                let description = "data may have this field and another one of the oneof";
                self.report("FIELD_MOVED_TO_EXISTING_ONEOF", &path, description);
            }
            for field in old.fields_of(into) {
                let stays = new.fields.get(&field.number).is_none_or(|it| it.oneof.is_some());
                if !stays {
                    let description = format!("it is no longer part of the oneof {into}");
                    self.report("ONEOF_FIELD_REMOVED", &path, description);
                }
            }
        }
    }

    fn field(&mut self, was: &Field, is: &Field, path: &str) {
        self.kinds(was, is, path);
        // A reader takes the last of several strings or messages; repeated numbers are packed.
        let packs = scalar(is.kind).is_some_and(|scalar| scalar != Scalar::StringOrBytes);
        let repeated = |field: &Field| field.label == Label::Repeated;
        if repeated(was) != repeated(is) && packs {
            let description = "numbers are packed when they are repeated";
            self.report("FIELD_NUMERIC_LABEL_CHANGED", path, description);
        }
    }

    fn kinds(&mut self, was: &Field, is: &Field, path: &str) {
        match (scalar(was.kind), scalar(is.kind)) {
            (None, None) => {
                let was = self.old.get(&was.type_name);
                if let (Some(was), Some(is)) = (was, self.new.get(&is.type_name)) {
                    self.message_types(was, is, path);
                }
            }
            (Some(was), Some(is)) if was == is => {}
            (Some(_), Some(_)) => {
                let name = |kind: Type| kind.as_str_name()["TYPE_".len()..].to_lowercase();
                let (was, is) = (name(was.kind), name(is.kind));
                let description = format!("{was} and {is} are written differently");
                self.report("FIELD_SCALAR_KIND_CHANGED", path, description);
            }
            _ => self.report("FIELD_KIND_CHANGED", path, "a message and a scalar differ"),
        }
    }

    fn message_types(&mut self, was: &'a Message, is: &'a Message, path: &str) {
        match (was.is_map_entry, is.is_map_entry) {
            (true, true) => {
                for (number, was) in &was.fields {
                    if let Some(is) = is.fields.get(number) {
                        self.kinds(was, is, path);
                    }
                }
            }
            (false, false) if was.local_name != is.local_name => {
                let description = format!("it was {} and is {}", was.full_name, is.full_name);
                self.report("FIELD_NAMED_TYPE_CHANGED", path, description);
            }
            (false, false) => self.message(was, is, path),
            _ => self.report("FIELD_KIND_CHANGED", path, "a map and a message differ"),
        }
    }
}

fn scalar(kind: Type) -> Option<Scalar> {
    Some(match kind {
        Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 | Type::Bool | Type::Enum => {
            Scalar::Number
        }
        Type::Sint32 | Type::Sint64 => Scalar::SignedNumber,
        Type::String | Type::Bytes => Scalar::StringOrBytes,
        Type::Fixed32 | Type::Sfixed32 => Scalar::Fixed32,
        Type::Fixed64 | Type::Sfixed64 => Scalar::Fixed64,
        Type::Float => Scalar::Float,
        Type::Double => Scalar::Double,
        Type::Message | Type::Group => return None,
    })
}
