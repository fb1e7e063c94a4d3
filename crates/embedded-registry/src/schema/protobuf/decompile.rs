//! Turns a compiler's descriptor back into a file as a person would write it: with short names,
//! with maps as maps, and without JSON names that are the default.
//!
//! Confluent's Python client sends descriptors, and a descriptor is the same schema as its text.

use prost_reflect::prost_types::field_descriptor_proto::{self, Type as Kind};
use prost_reflect::prost_types::field_options::{CType, JsType};
use prost_reflect::prost_types::file_options::OptimizeMode;
use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileOptions,
    MessageOptions, ServiceDescriptorProto,
};

use super::element::{
    Enum, EnumValue, Extend, Field, File, Group, Label, Message, Method, Oneof, Reserved, Service,
    Setting, Syntax, Type, Value,
};
use super::meta::{self, parts};
use super::normal::map;
use super::symbols::{Symbols, within};

/// Returns the file with full names; `bytes` is the encoded descriptor.
pub(super) fn file(made: &FileDescriptorProto, bytes: &[u8]) -> File {
    let is_proto3 = made.syntax() == "proto3";
    let is_public = |at: usize| made.public_dependency.contains(&(at as i32));
    let imports = |public: bool| {
        let all = made.dependency.iter().enumerate();
        all.filter(|(at, _)| is_public(*at) == public).map(|(_, name)| name.clone()).collect()
    };
    let reader = Reader { is_proto3 };
    let messages = both(&made.message_type, parts(bytes, 4));
    let messages = messages.map(|(made, bytes)| Type::Message(reader.message(made, bytes)));
    let enums = both(&made.enum_type, parts(bytes, 5));
    let enums = enums.map(|(made, bytes)| Type::Enum(enumeration(made, bytes)));
    let mut options = made.options.as_ref().map(of_file).unwrap_or_default();
    options.extend(meta::setting("file_meta", parts(bytes, 8).last()));
    File {
        syntax: Some(if is_proto3 { Syntax::Proto3 } else { Syntax::Proto2 }),
        package: Some(made.package().to_owned()).filter(|it| !it.is_empty()),
        imports: imports(false),
        public_imports: imports(true),
        options,
        types: messages.chain(enums).collect(),
        extends: reader.extends(&made.extension, parts(bytes, 7)),
        services: made.service.iter().map(service).collect(),
    }
}

/// Pairs parts of a descriptor with their bytes.
fn both<'a, T>(made: &'a [T], bytes: Vec<&'a [u8]>) -> impl Iterator<Item = (&'a T, &'a [u8])> {
    made.iter().zip(bytes.into_iter().chain(std::iter::repeat([].as_slice())))
}

struct Reader {
    is_proto3: bool,
}

impl Reader {
    fn message(&self, made: &DescriptorProto, bytes: &[u8]) -> Message {
        let mut message = Message { name: made.name().to_owned(), ..Message::default() };
        if let Some(options) = &made.options {
            let accessor =
                ("no_standard_descriptor_accessor", options.no_standard_descriptor_accessor);
            message.options = flags(&[accessor, ("deprecated", options.deprecated)]);
        }
        message.options.extend(meta::setting("message_meta", parts(bytes, 7).last()));
        for oneof in &made.oneof_decl {
            message.oneofs.push(Oneof { name: oneof.name().to_owned(), ..Oneof::default() });
        }
        for field in both(&made.field, parts(bytes, 2)) {
            self.member((made, bytes), field, &mut message);
        }
        message.oneofs.retain(|oneof| !oneof.fields.is_empty() || !oneof.groups.is_empty());
        let ranges =
            made.reserved_range.iter().map(|it| range(it.start(), it.end().saturating_sub(1)));
        let names = made.reserved_name.iter().map(|it| Reserved::Name(it.clone()));
        message.reserved = lists([ranges.collect(), names.collect()]);
        let ranges =
            made.extension_range.iter().map(|it| range(it.start(), it.end().saturating_sub(1)));
        message.extensions = lists([ranges.collect()]);
        message.extends = self.extends(&made.extension, parts(bytes, 6));
        let is_group = |name: &str| {
            let mut fields = made.field.iter();
            fields.any(|it| it.r#type() == Kind::Group && last(it.type_name()) == name)
        };
        for (inner, bytes) in both(&made.nested_type, parts(bytes, 3)) {
            let is_entry = inner.options.as_ref().is_some_and(MessageOptions::map_entry);
            if !is_entry && !is_group(inner.name()) {
                message.types.push(Type::Message(self.message(inner, bytes)));
            }
        }
        let enums = both(&made.enum_type, parts(bytes, 4));
        message.types.extend(enums.map(|(made, bytes)| Type::Enum(enumeration(made, bytes))));
        message
    }

    fn member(
        &self,
        (made, of_message): (&DescriptorProto, &[u8]),
        (field, bytes): (&FieldDescriptorProto, &[u8]),
        message: &mut Message,
    ) {
        let oneof = field.oneof_index.filter(|_| !field.proto3_optional());
        let oneof = oneof.and_then(|at| message.oneofs.get_mut(usize::try_from(at).ok()?));
        let mut inner = both(&made.nested_type, parts(of_message, 3));
        let inner = inner.find(|(it, _)| it.name() == last(field.type_name()));
        if let (Kind::Group, Some((inner, bytes))) = (field.r#type(), inner) {
            let label = self.label(field).filter(|_| oneof.is_none());
            let (name, number) = (inner.name().to_owned(), field.number());
            let fields = self.message(inner, bytes).fields;
            let group = Group { label, name, number, fields };
            oneof.map_or(&mut message.groups, |it| &mut it.groups).push(group);
            return;
        }
        let mut member = self.field(field, bytes);
        let entry = inner.map(|(it, _)| it);
        let entry = entry.filter(|it| it.options.as_ref().is_some_and(MessageOptions::map_entry));
        if let Some([key, value]) = entry.map(|it| it.field.as_slice()) {
            member.kind = format!("map<{}, {}>", kind(key), kind(value));
            member.label = None;
        }
        match oneof {
            Some(oneof) => oneof.fields.push(Field { label: None, ..member }),
            None => message.fields.push(member),
        }
    }

    fn label(&self, field: &FieldDescriptorProto) -> Option<Label> {
        match field.label() {
            field_descriptor_proto::Label::Repeated => Some(Label::Repeated),
            field_descriptor_proto::Label::Required => Some(Label::Required),
            field_descriptor_proto::Label::Optional
                if self.is_proto3 && !field.proto3_optional() =>
            {
                None
            }
            field_descriptor_proto::Label::Optional => Some(Label::Optional),
        }
    }

    fn field(&self, made: &FieldDescriptorProto, bytes: &[u8]) -> Field {
        let mut options = Vec::new();
        if let Some(set) = &made.options {
            let word = |name: &str, value: Option<&str>| {
                value.map(|it| setting(name, Value::Word(it.to_owned())))
            };
            options.extend(word("ctype", set.ctype.map(|_| CType::as_str_name(&set.ctype()))));
            options.extend(flags(&[("packed", set.packed)]));
            options.extend(word("jstype", set.jstype.map(|_| JsType::as_str_name(&set.jstype()))));
            options.extend(flags(&[("deprecated", set.deprecated)]));
        }
        options.extend(meta::setting("field_meta", parts(bytes, 8).last()));
        Field {
            label: self.label(made),
            kind: kind(made),
            name: made.name().to_owned(),
            number: made.number(),
            default: made.default_value.clone().filter(|_| !self.is_proto3),
            json_name: made.json_name.clone().filter(|it| *it != json_name(made.name())),
            options,
        }
    }

    fn extends(&self, made: &[FieldDescriptorProto], bytes: Vec<&[u8]>) -> Vec<Extend> {
        let mut extends: Vec<Extend> = Vec::new();
        for (field, bytes) in both(made, bytes) {
            let name = field.extendee().to_owned();
            match extends.iter_mut().find(|it| it.name == name) {
                Some(extend) => extend.fields.push(self.field(field, bytes)),
                None => extends.push(Extend { name, fields: vec![self.field(field, bytes)] }),
            }
        }
        extends
    }
}

fn enumeration(made: &EnumDescriptorProto, bytes: &[u8]) -> Enum {
    let ranges = made.reserved_range.iter().map(|it| range(it.start(), it.end()));
    let names = made.reserved_name.iter().map(|it| Reserved::Name(it.clone()));
    let mut options = made
        .options
        .as_ref()
        .map(|it| flags(&[("allow_alias", it.allow_alias), ("deprecated", it.deprecated)]))
        .unwrap_or_default();
    options.extend(meta::setting("enum_meta", parts(bytes, 3).last()));
    let values = both(&made.value, parts(bytes, 2)).map(|(it, bytes)| {
        let options = it.options.as_ref().map(|it| flags(&[("deprecated", it.deprecated)]));
        let mut options = options.unwrap_or_default();
        options.extend(meta::setting("enum_value_meta", parts(bytes, 3).last()));
        EnumValue { name: it.name().to_owned(), number: it.number(), options }
    });
    Enum {
        name: made.name().to_owned(),
        reserved: lists([ranges.collect(), names.collect()]),
        options,
        values: values.collect(),
    }
}

fn service(made: &ServiceDescriptorProto) -> Service {
    let method = |it: &prost_reflect::prost_types::MethodDescriptorProto| {
        let mut options = Vec::new();
        if let Some(set) = &it.options {
            options = flags(&[("deprecated", set.deprecated)]);
            let level = set.idempotency_level.map(|_| set.idempotency_level());
            options.extend(level.map(|it| {
                let word = IdempotencyLevel::as_str_name(&it).to_owned();
                setting("idempotency_level", Value::Word(word))
            }));
        }
        Method {
            name: it.name().to_owned(),
            input: it.input_type().to_owned(),
            input_streams: it.client_streaming(),
            output: it.output_type().to_owned(),
            output_streams: it.server_streaming(),
            options,
        }
    };
    let options = made.options.as_ref().map(|it| flags(&[("deprecated", it.deprecated)]));
    Service {
        name: made.name().to_owned(),
        options: options.unwrap_or_default(),
        methods: made.method.iter().map(method).collect(),
    }
}

/// Returns the options of a file, in the order of Confluent's registry.
fn of_file(made: &FileOptions) -> Vec<Setting> {
    let text = |name: &str, value: &Option<String>| {
        value.as_ref().map(|it| setting(name, Value::Text(it.clone())))
    };
    let word = made.optimize_for.map(|_| {
        let word = OptimizeMode::as_str_name(&made.optimize_for()).to_owned();
        setting("optimize_for", Value::Word(word))
    });
    let mut settings = Vec::new();
    settings.extend(text("java_package", &made.java_package));
    settings.extend(text("java_outer_classname", &made.java_outer_classname));
    settings.extend(flags(&[
        ("java_multiple_files", made.java_multiple_files),
        ("java_string_check_utf8", made.java_string_check_utf8),
    ]));
    settings.extend(word);
    settings.extend(text("go_package", &made.go_package));
    settings.extend(flags(&[
        ("cc_generic_services", made.cc_generic_services),
        ("java_generic_services", made.java_generic_services),
        ("py_generic_services", made.py_generic_services),
        ("deprecated", made.deprecated),
        ("cc_enable_arenas", made.cc_enable_arenas),
    ]));
    settings.extend(text("objc_class_prefix", &made.objc_class_prefix));
    settings.extend(text("csharp_namespace", &made.csharp_namespace));
    settings.extend(text("swift_prefix", &made.swift_prefix));
    settings.extend(text("php_class_prefix", &made.php_class_prefix));
    settings.extend(text("php_namespace", &made.php_namespace));
    settings.extend(text("php_metadata_namespace", &made.php_metadata_namespace));
    settings.extend(text("ruby_package", &made.ruby_package));
    settings
}

fn setting(name: &str, value: Value) -> Setting {
    Setting { name: name.to_owned(), is_declared: false, value }
}

fn flags(flags: &[(&str, Option<bool>)]) -> Vec<Setting> {
    let set = flags.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    set.map(|(name, value)| setting(name, Value::Bool(value))).collect()
}

fn lists<const N: usize>(lists: [Vec<Reserved>; N]) -> Vec<Vec<Reserved>> {
    lists.into_iter().filter(|it| !it.is_empty()).collect()
}

fn range(start: i32, end: i32) -> Reserved {
    if start == end { Reserved::Number(start) } else { Reserved::Range(start, end) }
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn kind(field: &FieldDescriptorProto) -> String {
    match &field.type_name {
        Some(name) if !name.is_empty() => name.clone(),
        _ => field.r#type().as_str_name()["TYPE_".len()..].to_lowercase(),
    }
}

/// Returns a field's default name in JSON.
fn json_name(name: &str) -> String {
    let mut json = String::new();
    let mut upper = false;
    for character in name.chars() {
        match character {
            '_' => upper = true,
            other if upper => {
                json.push(other.to_ascii_uppercase());
                upper = false;
            }
            other => json.push(other),
        }
    }
    json
}

/// Makes full names as short as their scope allows.
pub(super) fn shorten(file: &mut File, symbols: &Symbols) {
    let package = file.package.clone().unwrap_or_default();
    shorten_types(&mut file.types, &package, symbols);
    shorten_extends(&mut file.extends, &package, symbols);
    for service in &mut file.services {
        let scope = within(&package, &service.name);
        for method in &mut service.methods {
            method.input = short(&method.input, &scope, symbols);
            method.output = short(&method.output, &scope, symbols);
        }
    }
}

fn shorten_types(types: &mut [Type], outer: &str, symbols: &Symbols) {
    for declared in types {
        let Type::Message(message) = declared else { continue };
        let scope = within(outer, &message.name);
        shorten_fields(&mut message.fields, &scope, symbols);
        shorten_groups(&mut message.groups, &scope, symbols);
        for oneof in &mut message.oneofs {
            shorten_fields(&mut oneof.fields, &scope, symbols);
            shorten_groups(&mut oneof.groups, &scope, symbols);
        }
        shorten_extends(&mut message.extends, &scope, symbols);
        shorten_types(&mut message.types, &scope, symbols);
    }
}

fn shorten_groups(groups: &mut [Group], outer: &str, symbols: &Symbols) {
    for group in groups {
        shorten_fields(&mut group.fields, &within(outer, &group.name), symbols);
    }
}

fn shorten_extends(extends: &mut [Extend], scope: &str, symbols: &Symbols) {
    for extend in extends {
        extend.name = short(&extend.name, scope, symbols);
        shorten_fields(&mut extend.fields, scope, symbols);
    }
}

fn shorten_fields(fields: &mut [Field], scope: &str, symbols: &Symbols) {
    for field in fields {
        field.kind = match map(&field.kind) {
            Some((key, value)) => format!("map<{key}, {}>", short(value, scope, symbols)),
            None => short(&field.kind, scope, symbols),
        };
    }
}

/// Returns the shortest name with the same meaning.
fn short(name: &str, scope: &str, symbols: &Symbols) -> String {
    let Some(full) = name.strip_prefix('.') else { return name.to_owned() };
    let starts = full.rmatch_indices('.').map(|(at, _)| at + 1).chain([0]);
    let mut names = starts.map(|at| &full[at..]);
    let means_it = |name: &&str| symbols.find(scope, name).is_some_and(|(found, _)| found == full);
    names.find(means_it).unwrap_or(name).to_owned()
}
