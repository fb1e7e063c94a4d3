//! The messages of a file and of its imports, with the details that are compared.

use std::collections::{BTreeMap, HashMap};

use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, MessageOptions,
};

use super::symbols::within;

/// A file with everything it needs.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) package: String,
    /// The full names of the file's own messages, without nested ones.
    pub(super) own: Vec<String>,
    messages: HashMap<String, Message>,
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) name: String,
    pub(super) full_name: String,
    /// The name within its package.
    pub(super) local_name: String,
    pub(super) is_map_entry: bool,
    pub(super) fields: BTreeMap<i32, Field>,
    /// The oneofs that the file declares.
    pub(super) oneofs: Vec<String>,
    /// The full names of the nested messages.
    pub(super) inner: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: i32,
    pub(super) label: Label,
    pub(super) kind: Type,
    /// The full name of the message or the enum.
    pub(super) type_name: String,
    pub(super) oneof: Option<String>,
}

impl Message {
    pub(super) fn fields_of<'a>(&'a self, oneof: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.values().filter(move |field| field.oneof.as_deref() == Some(oneof))
    }
}

impl Model {
    pub(super) fn new(file: &FileDescriptorProto, imports: &[FileDescriptorProto]) -> Self {
        let mut model =
            Model { package: file.package().to_owned(), own: Vec::new(), messages: HashMap::new() };
        for file in imports.iter().chain([file]) {
            model.own = model.add(file.package(), "", &file.message_type);
        }
        model
    }

    fn add(&mut self, package: &str, outer: &str, messages: &[DescriptorProto]) -> Vec<String> {
        let mut names = Vec::new();
        for made in messages {
            let local_name = within(outer, made.name());
            let full_name = within(package, &local_name);
            let inner = self.add(package, &local_name, &made.nested_type);
            let fields: Vec<Field> = made.field.iter().map(|it| field(made, it)).collect();
            let message = Message {
                name: made.name().to_owned(),
                full_name: full_name.clone(),
                local_name,
                is_map_entry: made.options.as_ref().is_some_and(MessageOptions::map_entry),
                oneofs: made
                    .oneof_decl
                    .iter()
                    .map(|it| it.name().to_owned())
                    .filter(|name| fields.iter().any(|it| it.oneof.as_ref() == Some(name)))
                    .collect(),
                fields: fields.into_iter().map(|field| (field.number, field)).collect(),
                inner,
            };
            self.messages.insert(full_name.clone(), message);
            names.push(full_name);
        }
        names
    }

    pub(super) fn get(&self, full_name: &str) -> Option<&Message> {
        self.messages.get(full_name)
    }

    pub(super) fn all<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a Message> {
        names.iter().filter_map(|name| self.get(name))
    }
}

fn field(message: &DescriptorProto, made: &FieldDescriptorProto) -> Field {
    let oneof = made.oneof_index.filter(|_| !made.proto3_optional());
    let oneof = oneof.and_then(|at| message.oneof_decl.get(usize::try_from(at).ok()?));
    Field {
        number: made.number(),
        label: made.label(),
        kind: made.r#type(),
        type_name: made.type_name().trim_start_matches('.').to_owned(),
        oneof: oneof.map(|it| it.name().to_owned()),
    }
}
