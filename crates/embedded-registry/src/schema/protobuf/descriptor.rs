//! Makes the descriptor that a compiler makes of a file, provided that its types exist.
//!
//! It checks what Confluent's registry checks, which is what Java's descriptors check: types
//! resolve, names and numbers are unique, and defaults fit. Unknown options and missing imports are
//! ignored.

use std::collections::{HashMap, HashSet};

use prost_reflect::prost_types::descriptor_proto::{ExtensionRange, ReservedRange};
use prost_reflect::prost_types::enum_descriptor_proto::EnumReservedRange;
use prost_reflect::prost_types::field_descriptor_proto::{self, Type as Kind};
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, MessageOptions, MethodDescriptorProto, OneofDescriptorProto,
    ServiceDescriptorProto,
};

use super::element::{
    Enum, Extend, Field, File, Group, Label, Message, Method, Oneof, Reserved, Service, Syntax,
    Type,
};
use super::normal::map;
use super::settings;
use super::symbols::{Symbol, Symbols, within};

type Result<T> = std::result::Result<T, String>;

/// Makes the descriptor of a file.
///
/// # Errors
///
/// The problem, for the author of the file.
pub(super) fn descriptor<'a>(
    name: &str,
    file: &'a File,
    files: &dyn Fn(&str) -> Option<&'a File>,
) -> Result<FileDescriptorProto> {
    let symbols = Symbols::visible(file, files);
    let package = file.package.clone().unwrap_or_default();
    let is_proto3 = file.syntax == Some(Syntax::Proto3);
    let details = Details::of(file, files);
    let mut builder = Builder { symbols, is_proto3, declared: HashSet::new(), details };
    let is_there = |import: &&String| files(import).is_some();
    let public: Vec<String> = file.public_imports.iter().filter(is_there).cloned().collect();
    let plain: Vec<String> = file.imports.iter().filter(is_there).cloned().collect();
    let mut made = FileDescriptorProto {
        name: Some(name.to_owned()),
        package: file.package.clone(),
        public_dependency: (plain.len()..plain.len() + public.len()).map(|at| at as i32).collect(),
        dependency: plain.into_iter().chain(public).collect(),
        options: settings::of_file(&file.options)?,
        syntax: is_proto3.then(|| "proto3".to_owned()),
        ..FileDescriptorProto::default()
    };
    for declared in &file.types {
        match declared {
            Type::Message(message) => made.message_type.push(builder.message(message, &package)?),
            Type::Enum(declared) => made.enum_type.push(builder.enumeration(declared, &package)?),
        }
    }
    for extend in &file.extends {
        made.extension.extend(builder.extend(extend, &package)?);
    }
    for service in &file.services {
        made.service.push(builder.service(service, &package)?);
    }
    Ok(made)
}

struct Builder {
    symbols: Symbols,
    is_proto3: bool,
    /// Full names that are taken.
    declared: HashSet<String>,
    details: Details,
}

/// Details of the types that a file can see, by their full names.
#[derive(Default)]
struct Details {
    /// The number ranges that a message reserves for extensions.
    extensions: HashMap<String, Vec<Reserved>>,
    /// The names of an enum's values.
    values: HashMap<String, Vec<String>>,
}

impl Details {
    fn of<'a>(file: &'a File, files: &dyn Fn(&str) -> Option<&'a File>) -> Self {
        let mut details = Details::default();
        let (mut seen, mut next) = (HashSet::new(), vec![file]);
        while let Some(file) = next.pop() {
            details.add(&file.types, file.package.as_deref().unwrap_or_default());
            for import in file.imports.iter().chain(&file.public_imports) {
                next.extend(files(import).filter(|_| seen.insert(import.clone())));
            }
        }
        details
    }

    fn add(&mut self, types: &[Type], outer: &str) {
        for declared in types {
            let full = within(outer, declared.name());
            match declared {
                Type::Message(message) => {
                    self.add(&message.types, &full);
                    self.extensions.insert(full, message.extensions.concat());
                }
                Type::Enum(declared) => {
                    let names = declared.values.iter().map(|it| it.name.clone()).collect();
                    self.values.insert(full, names);
                }
            }
        }
    }
}

impl Builder {
    fn declare(&mut self, outer: &str, name: &str) -> Result<String> {
        let is_name = name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
            && !name.starts_with(|it: char| it.is_ascii_digit());
        let full = within(outer, name);
        if !is_name {
            return Err(format!("{full}: \"{name}\" is not a valid identifier."));
        }
        let is_package = self.symbols.get(&full) == Some(Symbol::Package);
        if is_package || !self.declared.insert(full.clone()) {
            return Err(format!("{full}: \"{name}\" is already defined."));
        }
        Ok(full)
    }

    fn message(&mut self, message: &Message, outer: &str) -> Result<DescriptorProto> {
        let full = self.declare(outer, &message.name)?;
        let mut made = DescriptorProto {
            name: Some(message.name.clone()),
            options: settings::of_message(&message.options),
            ..DescriptorProto::default()
        };
        for declared in &message.types {
            match declared {
                Type::Message(inner) => made.nested_type.push(self.message(inner, &full)?),
                Type::Enum(declared) => made.enum_type.push(self.enumeration(declared, &full)?),
            }
        }
        for oneof in &message.oneofs {
            self.oneof(oneof, &full, &mut made)?;
        }
        let in_oneofs: HashSet<&str> =
            message.oneofs.iter().flat_map(|it| &it.fields).map(|it| it.name.as_str()).collect();
        for field in message.fields.iter().filter(|it| !in_oneofs.contains(it.name.as_str())) {
            self.member(field, &full, &mut made)?;
        }
        for group in &message.groups {
            let field = self.group(group, &full, &mut made)?;
            made.field.push(field);
        }
        for extend in &message.extends {
            made.extension.extend(self.extend(extend, &full)?);
        }
        for value in message.reserved.iter().flatten() {
            match bounds(value) {
                Some((start, end)) => made
                    .reserved_range
                    .push(ReservedRange { start: Some(start), end: Some(end.saturating_add(1)) }),
                None => made.reserved_name.extend(name_of(value)),
            }
        }
        made.extension_range = extension_ranges(&message.extensions);
        numbers(&full, &made)?;
        Ok(made)
    }

    fn oneof(&mut self, oneof: &Oneof, full: &str, made: &mut DescriptorProto) -> Result<()> {
        let at = made.oneof_decl.len() as i32;
        let name = Some(oneof.name.clone());
        made.oneof_decl.push(OneofDescriptorProto { name, options: None });
        for field in &oneof.fields {
            let mut field = self.field(field, full, None, &field.kind)?;
            field.oneof_index = Some(at);
            made.field.push(field);
        }
        for group in &oneof.groups {
            let mut field = self.group(group, full, made)?;
            field.oneof_index = Some(at);
            made.field.push(field);
        }
        Ok(())
    }

    fn member(&mut self, field: &Field, full: &str, made: &mut DescriptorProto) -> Result<()> {
        let Some((key, value)) = map(&field.kind) else {
            let mut member = self.field(field, full, field.label, &field.kind)?;
            if self.is_proto3 && field.label == Some(Label::Optional) {
                let name = Some(format!("_{}", field.name));
                member.oneof_index = Some(made.oneof_decl.len() as i32);
                member.proto3_optional = Some(true);
                made.oneof_decl.push(OneofDescriptorProto { name, options: None });
            }
            made.field.push(member);
            return Ok(());
        };
        if !is_key(key) {
            let problem = "map key must be non-byte, non-floating point scalar";
            return Err(format!("{full}.{}: {problem}: {key}", field.name));
        }
        let name = map_entry(&field.name);
        let entry = self.declare(full, &name)?;
        let mut side = |name: &str, number, kind: &str| {
            let side = Field {
                label: None,
                kind: kind.to_owned(),
                name: name.to_owned(),
                number,
                default: None,
                json_name: None,
                options: Vec::new(),
            };
            self.field(&side, &entry, None, kind)
        };
        let sides = vec![side("key", 1, key)?, side("value", 2, value)?];
        made.nested_type.push(DescriptorProto {
            name: Some(name),
            field: sides,
            options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
            ..DescriptorProto::default()
        });
        let mut member = self.field(field, full, Some(Label::Repeated), "string")?;
        member.r#type = Some(Kind::Message.into());
        member.type_name = Some(format!(".{entry}"));
        made.field.push(member);
        Ok(())
    }

    fn group(
        &mut self,
        group: &Group,
        full: &str,
        made: &mut DescriptorProto,
    ) -> Result<FieldDescriptorProto> {
        let (name, fields) = (group.name.clone(), group.fields.clone());
        let inner = Message { name, fields, ..Message::default() };
        made.nested_type.push(self.message(&inner, full)?);
        Ok(FieldDescriptorProto {
            name: Some(group.name.to_lowercase()),
            number: Some(group.number),
            label: Some(label(group.label).into()),
            r#type: Some(Kind::Group.into()),
            type_name: Some(format!(".{full}.{}", group.name)),
            ..FieldDescriptorProto::default()
        })
    }

    fn field(
        &mut self,
        field: &Field,
        outer: &str,
        named: Option<Label>,
        kind: &str,
    ) -> Result<FieldDescriptorProto> {
        let full = self.declare(outer, &field.name)?;
        let (kind, type_name) = self.kind(&full, outer, kind)?;
        if field.number <= 0 {
            return Err(format!("{full}: Field numbers must be positive integers."));
        }
        if let Some(default) = &field.default {
            let problem = settings::default_problem(kind, named == Some(Label::Repeated), default);
            if let Some(problem) = problem {
                return Err(format!("{full}: {problem}"));
            }
            let declared = type_name.as_deref().and_then(|it| self.details.values.get(&it[1..]));
            if kind == Kind::Enum && !declared.is_some_and(|names| names.contains(default)) {
                return Err(format!("{full}: Unknown enum default value: \"{default}\""));
            }
        }
        Ok(FieldDescriptorProto {
            name: Some(field.name.clone()),
            number: Some(field.number),
            label: Some(label(named).into()),
            r#type: Some(kind.into()),
            type_name,
            default_value: field.default.clone(),
            json_name: field.json_name.clone(),
            options: settings::of_field(&field.options)?,
            ..FieldDescriptorProto::default()
        })
    }

    fn kind(&self, full: &str, outer: &str, kind: &str) -> Result<(Kind, Option<String>)> {
        if let Some(scalar) = scalar(kind) {
            return Ok((scalar, None));
        }
        match self.symbols.find(outer, kind) {
            Some((name, Symbol::Enum)) => Ok((Kind::Enum, Some(format!(".{name}")))),
            Some((name, _)) => Ok((Kind::Message, Some(format!(".{name}")))),
            None => Err(format!("{full}: \"{kind}\" is not defined.")),
        }
    }

    fn extend(&mut self, extend: &Extend, outer: &str) -> Result<Vec<FieldDescriptorProto>> {
        let mut made = Vec::new();
        for field in &extend.fields {
            let mut extension = self.field(field, outer, field.label, &field.kind)?;
            let Some((extended, Symbol::Message)) = self.symbols.find(outer, &extend.name) else {
                return Err(format!("{}: \"{}\" is not defined.", field.name, extend.name));
            };
            let declared = self.details.extensions.get(&extended);
            let holds = |it: &Reserved| {
                bounds(it).is_some_and(|(start, end)| (start..=end).contains(&field.number))
            };
            if !declared.is_some_and(|ranges| ranges.iter().any(holds)) {
                let Field { name, number, .. } = field;
                let problem = format!("does not declare {number} as an extension number.");
                return Err(format!("{name}: \"{extended}\" {problem}"));
            }
            let is_optional = self.is_proto3 && field.label == Some(Label::Optional);
            extension.proto3_optional = is_optional.then_some(true);
            extension.extendee = Some(format!(".{extended}"));
            made.push(extension);
        }
        Ok(made)
    }

    fn enumeration(&mut self, declared: &Enum, outer: &str) -> Result<EnumDescriptorProto> {
        let full = self.declare(outer, &declared.name)?;
        if declared.values.is_empty() {
            return Err(format!("{full}: Enums must contain at least one value."));
        }
        let mut made = EnumDescriptorProto {
            name: Some(declared.name.clone()),
            options: settings::of_enum(&declared.options),
            ..EnumDescriptorProto::default()
        };
        for value in &declared.values {
            self.declare(&full, &value.name)?;
            made.value.push(EnumValueDescriptorProto {
                name: Some(value.name.clone()),
                number: Some(value.number),
                options: settings::of_enum_value(&value.options),
            });
        }
        for value in declared.reserved.iter().flatten() {
            match bounds(value) {
                Some((start, end)) => {
                    let range = EnumReservedRange { start: Some(start), end: Some(end) };
                    made.reserved_range.push(range);
                }
                None => made.reserved_name.extend(name_of(value)),
            }
        }
        Ok(made)
    }

    fn service(&mut self, service: &Service, outer: &str) -> Result<ServiceDescriptorProto> {
        let full = self.declare(outer, &service.name)?;
        let mut made = ServiceDescriptorProto {
            name: Some(service.name.clone()),
            options: settings::of_service(&service.options),
            ..ServiceDescriptorProto::default()
        };
        for method in &service.methods {
            made.method.push(self.method(method, &full)?);
        }
        Ok(made)
    }

    fn method(&mut self, method: &Method, outer: &str) -> Result<MethodDescriptorProto> {
        let full = self.declare(outer, &method.name)?;
        let side = |name: &str| match self.symbols.find(outer, name) {
            Some((found, Symbol::Message)) => Ok(Some(format!(".{found}"))),
            Some(_) => Err(format!("{full}: \"{name}\" is not a message type.")),
            None => Err(format!("{full}: \"{name}\" is not defined.")),
        };
        Ok(MethodDescriptorProto {
            name: Some(method.name.clone()),
            input_type: side(&method.input)?,
            output_type: side(&method.output)?,
            client_streaming: method.input_streams.then_some(true),
            server_streaming: method.output_streams.then_some(true),
            options: settings::of_method(&method.options)?,
        })
    }
}

fn numbers(full: &str, message: &DescriptorProto) -> Result<()> {
    let mut seen = HashSet::new();
    match message.field.iter().find(|field| !seen.insert(field.number())) {
        Some(field) => {
            let (name, number) = (field.name(), field.number());
            Err(format!("{full}.{name}: Field number {number} has already been used."))
        }
        None => Ok(()),
    }
}

fn extension_ranges(lists: &[Vec<Reserved>]) -> Vec<ExtensionRange> {
    let range = |(start, end): (i32, i32)| ExtensionRange {
        start: Some(start),
        end: Some(end.saturating_add(1)),
        options: None,
    };
    lists.iter().flatten().filter_map(bounds).map(range).collect()
}

fn bounds(value: &Reserved) -> Option<(i32, i32)> {
    match value {
        Reserved::Number(number) => Some((*number, *number)),
        Reserved::Range(start, end) => Some((*start, *end)),
        Reserved::Name(_) => None,
    }
}

fn name_of(value: &Reserved) -> Option<String> {
    match value {
        Reserved::Name(name) => Some(name.clone()),
        _ => None,
    }
}

fn label(label: Option<Label>) -> field_descriptor_proto::Label {
    match label {
        Some(Label::Required) => field_descriptor_proto::Label::Required,
        Some(Label::Repeated) => field_descriptor_proto::Label::Repeated,
        Some(Label::Optional) | None => field_descriptor_proto::Label::Optional,
    }
}

fn is_key(kind: &str) -> bool {
    scalar(kind).is_some_and(|it| !matches!(it, Kind::Double | Kind::Float | Kind::Bytes))
}

pub(super) fn scalar(kind: &str) -> Option<Kind> {
    let all = [
        Kind::Double,
        Kind::Float,
        Kind::Int64,
        Kind::Uint64,
        Kind::Int32,
        Kind::Fixed64,
        Kind::Fixed32,
        Kind::Bool,
        Kind::String,
        Kind::Bytes,
        Kind::Uint32,
        Kind::Sfixed32,
        Kind::Sfixed64,
        Kind::Sint32,
        Kind::Sint64,
    ];
    all.into_iter().find(|it| it.as_str_name()["TYPE_".len()..].to_lowercase() == kind)
}

/// Returns the name of the message for the entries of a map: `by_name` has `ByNameEntry`.
pub(super) fn map_entry(field: &str) -> String {
    let parts = field.split('_').map(|part| {
        let mut letters = part.chars();
        let first = letters.next().map(|it| it.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    format!("{}Entry", parts.collect::<String>())
}
