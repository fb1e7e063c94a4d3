//! A compiled Protobuf file as text.

use std::fmt::Write;

use prost_reflect::prost_types::FieldDescriptorProto;
use prost_reflect::prost_types::field_descriptor_proto::Type;
use prost_reflect::{
    Cardinality, DynamicMessage, EnumDescriptor, ExtensionDescriptor, FieldDescriptor,
    FileDescriptor, Kind, MessageDescriptor, MethodDescriptor, OneofDescriptor, Syntax, Value,
};

/// How types are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Without the package where that is the file's own.
    Short,
    /// From the root, with a dot before.
    Full,
}

/// The file; `sorted` brings imports, options and fields in order.
pub(super) fn print(file: &FileDescriptor, sorted: bool, names: Names) -> String {
    let mut printer = Printer { file, sorted, names, text: String::new(), depth: 0 };
    printer.file();
    printer.text
}

struct Printer<'a> {
    file: &'a FileDescriptor,
    sorted: bool,
    names: Names,
    text: String,
    depth: usize,
}

/// The highest number that a field of a message can have.
const LAST_FIELD: i32 = 536_870_911;

impl Printer<'_> {
    fn file(&mut self) {
        let syntax = match self.file.syntax() {
            Syntax::Proto2 => "proto2",
            Syntax::Proto3 => "proto3",
        };
        self.line(&format!("syntax = \"{syntax}\";"));
        if !self.file.package_name().is_empty() {
            self.line(&format!("package {};", self.file.package_name()));
        }
        self.imports();
        for option in self.options(&self.file.options()) {
            self.line(&format!("option {option};"));
        }
        for declared in self.file.enums() {
            self.enumeration(&declared);
        }
        for message in self.file.messages() {
            self.message(&message);
        }
        self.extensions(&self.file.extensions().collect::<Vec<_>>());
        for service in self.file.services() {
            self.block(&format!("service {}", service.name()), |printer| {
                for option in printer.options(&service.options()) {
                    printer.line(&format!("option {option};"));
                }
                for method in service.methods() {
                    printer.method(&method);
                }
            });
        }
    }

    fn imports(&mut self) {
        let proto = self.file.file_descriptor_proto();
        let kind = |index: usize| {
            let index = index as i32;
            if proto.public_dependency.contains(&index) {
                "public "
            } else if proto.weak_dependency.contains(&index) {
                "weak "
            } else {
                ""
            }
        };
        let imports = proto.dependency.iter().enumerate();
        let mut lines: Vec<String> =
            imports.map(|(index, name)| format!("import {}\"{name}\";", kind(index))).collect();
        if self.sorted {
            lines.sort();
        }
        for line in lines {
            self.line(&line);
        }
    }

    fn message(&mut self, message: &MessageDescriptor) {
        self.block(&format!("message {}", message.name()), |printer| printer.body(message));
    }

    fn body(&mut self, message: &MessageDescriptor) {
        for option in self.options(&message.options()) {
            self.line(&format!("option {option};"));
        }
        self.fields(message);
        self.ranges(message);
        for declared in message.child_enums() {
            self.enumeration(&declared);
        }
        let groups: Vec<String> = message
            .fields()
            .chain(std::iter::empty())
            .filter(|field| is_group(field.field_descriptor_proto()))
            .filter_map(|field| field.kind().as_message().map(|it| it.full_name().to_owned()))
            .collect();
        for child in message.child_messages() {
            if !child.is_map_entry() && !groups.iter().any(|group| group == child.full_name()) {
                self.message(&child);
            }
        }
        self.extensions(&message.child_extensions().collect::<Vec<_>>());
    }

    fn fields(&mut self, message: &MessageDescriptor) {
        let mut fields: Vec<FieldDescriptor> = message.fields().collect();
        if self.sorted {
            fields.sort_by_key(FieldDescriptor::number);
        } else {
            let declared: Vec<i32> =
                message.descriptor_proto().field.iter().map(FieldDescriptorProto::number).collect();
            let place = |field: &FieldDescriptor| {
                declared.iter().position(|number| *number as u32 == field.number())
            };
            fields.sort_by_key(place);
        }
        let mut printed: Vec<OneofDescriptor> = Vec::new();
        for field in &fields {
            match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
                None => self.field(field, true),
                Some(oneof) if printed.contains(&oneof) => {}
                Some(oneof) => {
                    self.oneof(&oneof, &fields);
                    printed.push(oneof);
                }
            }
        }
    }

    fn oneof(&mut self, oneof: &OneofDescriptor, fields: &[FieldDescriptor]) {
        self.block(&format!("oneof {}", oneof.name()), |printer| {
            for option in printer.options(&oneof.options()) {
                printer.line(&format!("option {option};"));
            }
            let own = |field: &&FieldDescriptor| field.containing_oneof().as_ref() == Some(oneof);
            for field in fields.iter().filter(own) {
                printer.field(field, false);
            }
        });
    }

    fn field(&mut self, field: &FieldDescriptor, labelled: bool) {
        let proto = field.field_descriptor_proto();
        let label = match field.cardinality() {
            _ if !labelled || field.is_map() => "",
            Cardinality::Repeated => "repeated ",
            Cardinality::Required => "required ",
            Cardinality::Optional if self.is_proto2() || proto.proto3_optional() => "optional ",
            Cardinality::Optional => "",
        };
        let options = self.field_options(proto, &field.options());
        if let Some(group) = field.kind().as_message().filter(|_| is_group(proto)) {
            let head = format!("{label}group {} = {}{options}", group.name(), field.number());
            self.block(&head, |printer| printer.body(group));
            return;
        }
        let kind = match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let key = self.kind(&entry.map_entry_key_field().kind());
                let value = self.kind(&entry.map_entry_value_field().kind());
                format!("map<{key}, {value}>")
            }
            kind => self.kind(&kind),
        };
        self.line(&format!("{label}{kind} {} = {}{options};", field.name(), field.number()));
    }

    fn field_options(&self, proto: &FieldDescriptorProto, options: &DynamicMessage) -> String {
        let mut listed = Vec::new();
        if let Some(default) = &proto.default_value {
            let default = match proto.r#type() {
                Type::String => quoted(default),
                // The descriptor has bytes escaped already.
                Type::Bytes => format!("\"{default}\""),
                _ => default.clone(),
            };
            listed.push(format!("default = {default}"));
        }
        if proto.json_name.as_deref().is_some_and(|name| name != json_name(proto.name())) {
            listed.push(format!("json_name = {}", quoted(proto.json_name())));
        }
        listed.extend(self.options(options));
        if listed.is_empty() { String::new() } else { format!(" [{}]", listed.join(", ")) }
    }

    fn ranges(&mut self, message: &MessageDescriptor) {
        let proto = message.descriptor_proto();
        let reserved: Vec<String> =
            proto.reserved_range.iter().map(|it| range(it.start(), it.end() - 1)).collect();
        if !reserved.is_empty() {
            self.line(&format!("reserved {};", reserved.join(", ")));
        }
        self.reserved_names(&proto.reserved_name);
        let extensions: Vec<String> =
            proto.extension_range.iter().map(|it| range(it.start(), it.end() - 1)).collect();
        if !extensions.is_empty() {
            self.line(&format!("extensions {};", extensions.join(", ")));
        }
    }

    fn reserved_names(&mut self, names: &[String]) {
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        if !names.is_empty() {
            self.line(&format!("reserved {};", names.join(", ")));
        }
    }

    fn enumeration(&mut self, declared: &EnumDescriptor) {
        self.block(&format!("enum {}", declared.name()), |printer| {
            for option in printer.options(&declared.options()) {
                printer.line(&format!("option {option};"));
            }
            // As they were declared: the first one is the default.
            for value in &declared.enum_descriptor_proto().value {
                let found = declared.values().find(|it| it.name() == value.name());
                let options = found.map(|it| printer.options(&it.options())).unwrap_or_default();
                let options = match options.as_slice() {
                    [] => String::new(),
                    options => format!(" [{}]", options.join(", ")),
                };
                printer.line(&format!("{} = {}{options};", value.name(), value.number()));
            }
            let proto = declared.enum_descriptor_proto();
            let ranges: Vec<String> =
                proto.reserved_range.iter().map(|it| range(it.start(), it.end())).collect();
            if !ranges.is_empty() {
                printer.line(&format!("reserved {};", ranges.join(", ")));
            }
            printer.reserved_names(&proto.reserved_name);
        });
    }

    fn extensions(&mut self, extensions: &[ExtensionDescriptor]) {
        for extension in extensions {
            let extended = self.type_name(extension.containing_message().full_name());
            let proto = extension.field_descriptor_proto().clone();
            let label = match extension.cardinality() {
                Cardinality::Repeated => "repeated ",
                Cardinality::Required => "required ",
                Cardinality::Optional if self.is_proto2() || proto.proto3_optional() => "optional ",
                Cardinality::Optional => "",
            };
            let options = self.field_options(&proto, &extension.options());
            let kind = self.kind(&extension.kind());
            let (name, number) = (extension.name(), extension.number());
            self.block(&format!("extend {extended}"), |printer| {
                printer.line(&format!("{label}{kind} {name} = {number}{options};"));
            });
        }
    }

    fn method(&mut self, method: &MethodDescriptor) {
        let side = |message: MessageDescriptor, streams: bool| {
            let stream = if streams { "stream " } else { "" };
            format!("({stream}{})", self.type_name(message.full_name()))
        };
        let input = side(method.input(), method.is_client_streaming());
        let output = side(method.output(), method.is_server_streaming());
        let head = format!("rpc {} {input} returns {output}", method.name());
        let options = self.options(&method.options());
        if options.is_empty() {
            return self.line(&format!("{head};"));
        }
        self.block(&head, |printer| {
            for option in options {
                printer.line(&format!("option {option};"));
            }
        });
    }

    /// Options as `name = value`, those that the file or its imports declare in brackets.
    fn options(&self, options: &DynamicMessage) -> Vec<String> {
        let own = options.fields().flat_map(|(field, value)| assigned(field.name(), value));
        let declared = options.extensions().flat_map(|(extension, value)| {
            assigned(&format!("({})", extension.full_name()), value)
        });
        let mut listed: Vec<String> = own.chain(declared).collect();
        if self.sorted {
            listed.sort();
        }
        listed
    }

    fn kind(&self, kind: &Kind) -> String {
        match kind {
            Kind::Message(message) => self.type_name(message.full_name()),
            Kind::Enum(declared) => self.type_name(declared.full_name()),
            scalar => format!("{scalar:?}").to_lowercase(),
        }
    }

    fn type_name(&self, full: &str) -> String {
        let package = self.file.package_name();
        let own = full.strip_prefix(package).and_then(|rest| rest.strip_prefix('.'));
        match (self.names, own) {
            (Names::Short, Some(short)) if !package.is_empty() => short.to_owned(),
            (Names::Short, _) => full.to_owned(),
            (Names::Full, _) => format!(".{full}"),
        }
    }

    fn is_proto2(&self) -> bool {
        self.file.syntax() == Syntax::Proto2
    }

    fn block(&mut self, head: &str, print: impl FnOnce(&mut Self)) {
        self.line(&format!("{head} {{"));
        self.depth += 1;
        print(self);
        self.depth -= 1;
        self.line("}");
    }

    fn line(&mut self, line: &str) {
        let indent = "  ".repeat(self.depth);
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{indent}{line}");
    }
}

fn is_group(field: &FieldDescriptorProto) -> bool {
    field.r#type() == Type::Group
}

fn range(start: i32, end: i32) -> String {
    match end {
        _ if start == end => start.to_string(),
        LAST_FIELD.. => format!("{start} to max"),
        _ => format!("{start} to {end}"),
    }
}

/// A list is an option several times.
fn assigned(name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::List(values) => {
            values.iter().map(|it| format!("{name} = {}", literal(it))).collect()
        }
        other => vec![format!("{name} = {}", literal(other))],
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Bytes(bytes) => quoted_bytes(bytes),
        Value::Message(message) => format!("{{ {} }}", message.to_text_format()),
        other => format!("{other}"),
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn quoted_bytes(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// The name that a field has in JSON unless the file says otherwise.
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
