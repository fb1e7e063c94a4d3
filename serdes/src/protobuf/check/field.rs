//! Fields and extensions of a message.

use prost::encoding::WireType;
use prost_reflect::{Kind, MessageDescriptor};

/// A field or an extension.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) is_list: bool,
    pub(super) is_map: bool,
    pub(super) oneof: Option<String>,
}

impl Field {
    pub(super) fn find(message: &MessageDescriptor, number: u32) -> Option<Self> {
        if let Some(field) = message.get_field(number) {
            let oneof = field.containing_oneof().map(|it| it.name().to_owned());
            let (name, kind) = (field.name().to_owned(), field.kind());
            let (is_list, is_map) = (field.is_list(), field.is_map());
            return Some(Field { name, number, kind, is_list, is_map, oneof });
        }
        let extension = message.get_extension(number)?;
        let (name, kind) = (format!("[{}]", extension.full_name()), extension.kind());
        Some(Field { name, number, kind, is_list: extension.is_list(), is_map: false, oneof: None })
    }

    pub(super) fn wire_type(&self, of: &MessageDescriptor) -> WireType {
        let is_group = of.get_field(self.number).is_some_and(|it| it.is_group())
            || of.get_extension(self.number).is_some_and(|it| it.is_group());
        if is_group { WireType::StartGroup } else { self.kind.wire_type() }
    }
}
