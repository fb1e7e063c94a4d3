//! Prints a Protobuf file as Confluent's registry does: without comments, grouped by kind, and with
//! a blank line before each kind. Blank lines in nested elements are indented, too.
//!
//! Normalized, types have their full name with a leading dot, and everything without an order is
//! sorted.

use super::element::{
    Enum, EnumValue, Extend, Field, File, Group, Label, Message, Method, Oneof, Reserved, Service,
    Setting, Syntax, Type, Value,
};
use super::normal::{Names, Result};
use super::number;
use super::parse::LAST_FIELD;

/// Prints a file.
///
/// # Errors
///
/// If it is normalized, the name of a type that does not exist.
pub(super) fn print(file: &File, names: Option<&Names>) -> Result<String> {
    Printer { names, scope: Vec::new() }.file(file)
}

struct Printer<'a> {
    /// The meaning of names, if the file is normalized.
    names: Option<&'a Names>,
    /// The enclosing messages.
    scope: Vec<String>,
}

/// Adds lines, indented by one more level.
fn indented(text: &mut String, lines: &str) {
    for line in lines.trim_end_matches('\n').split('\n') {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
}

impl Printer<'_> {
    fn file(&mut self, file: &File) -> Result<String> {
        let mut text = String::new();
        match file.syntax {
            Some(Syntax::Proto3) => text.push_str("syntax = \"proto3\";\n"),
            // Normalized files omit it, because a file without a syntax is proto2 as well.
            Some(Syntax::Proto2) if self.names.is_none() => {
                text.push_str("syntax = \"proto2\";\n");
            }
            _ => {}
        }
        if let Some(package) = &file.package {
            text.push_str(&format!("package {package};\n"));
        }
        let lists = [("", &file.imports), ("public ", &file.public_imports)];
        if lists.iter().any(|(_, imports)| !imports.is_empty()) {
            text.push('\n');
        }
        for (kind, imports) in lists {
            let mut imports = imports.clone();
            if self.names.is_some() {
                imports.sort();
                imports.dedup();
            }
            for import in imports {
                text.push_str(&format!("import {kind}\"{import}\";\n"));
            }
        }
        let options = self.settings(&file.options);
        if !options.is_empty() {
            text.push('\n');
        }
        for option in &options {
            text.push_str(&self.option(option));
        }
        text.push_str(&self.types(&file.types)?);
        text.push_str(&self.extends(&file.extends)?);
        if !file.services.is_empty() {
            text.push('\n');
        }
        for service in &file.services {
            text.push_str(&self.service(service)?);
        }
        Ok(text)
    }

    /// Prints messages before enums, because positions in the file count messages only.
    fn types(&mut self, types: &[Type]) -> Result<String> {
        let is_shown = |declared: &&Type| match (self.names, declared) {
            (Some(names), Type::Message(it)) => !names.is_map_entry(&self.scope, &it.name),
            _ => true,
        };
        let shown: Vec<&Type> = types.iter().filter(is_shown).collect();
        let mut text = String::new();
        if !shown.is_empty() {
            text.push('\n');
        }
        for declared in &shown {
            if let Type::Message(message) = declared {
                self.scope.push(message.name.clone());
                text.push_str(&self.message(message)?);
                self.scope.pop();
            }
        }
        for declared in &shown {
            if let Type::Enum(declared) = declared {
                self.scope.push(declared.name.clone());
                text.push_str(&self.enumeration(declared));
                self.scope.pop();
            }
        }
        Ok(text)
    }

    fn message(&mut self, message: &Message) -> Result<String> {
        let mut text = format!("message {} {{", message.name);
        if !message.reserved.is_empty() {
            text.push('\n');
            self.reserved(&mut text, "reserved", &message.reserved);
        }
        let options = self.settings(&message.options);
        if !options.is_empty() {
            text.push('\n');
        }
        for option in &options {
            indented(&mut text, &self.option(option));
        }
        self.fields(&mut text, &message.fields)?;
        let oneofs = self.oneofs(&message.oneofs);
        if !message.oneofs.is_empty() {
            text.push('\n');
        }
        for oneof in &oneofs {
            indented(&mut text, &self.oneof(oneof)?);
        }
        self.groups(&mut text, &message.groups)?;
        if !message.extensions.is_empty() {
            text.push('\n');
            self.reserved(&mut text, "extensions", &message.extensions);
        }
        nested(&mut text, &self.extends(&message.extends)?);
        nested(&mut text, &self.types(&message.types)?);
        text.push_str("}\n");
        Ok(text)
    }

    fn reserved(&self, text: &mut String, word: &str, lists: &[Vec<Reserved>]) {
        let mut lists = lists.to_vec();
        if self.names.is_some() {
            let mut values: Vec<Reserved> = lists.into_iter().flatten().collect();
            values.sort_by_key(|value| {
                let start = match value {
                    Reserved::Number(start) | Reserved::Range(start, _) => *start,
                    Reserved::Name(_) => i32::MAX,
                };
                // Extensions with the same start keep their order.
                (start, if word == "reserved" { java(value) } else { String::new() })
            });
            lists = values.into_iter().map(|value| vec![value]).collect();
        }
        for list in lists {
            let values: Vec<String> = list.iter().map(|value| self.range(value)).collect();
            indented(text, &format!("{word} {};\n", values.join(", ")));
        }
    }

    fn range(&self, value: &Reserved) -> String {
        match value {
            Reserved::Name(name) => format!("\"{name}\""),
            Reserved::Number(number) => number.to_string(),
            Reserved::Range(start, end) if self.names.is_some() && start == end => {
                start.to_string()
            }
            Reserved::Range(start, LAST_FIELD..) => format!("{start} to max"),
            Reserved::Range(start, end) => format!("{start} to {end}"),
        }
    }

    fn fields(&self, text: &mut String, fields: &[Field]) -> Result<()> {
        let mut fields: Vec<&Field> = fields.iter().collect();
        if self.names.is_some() {
            fields.sort_by_key(|field| field.number);
        }
        if !fields.is_empty() {
            text.push('\n');
        }
        for field in fields {
            indented(text, &self.field(field)?);
        }
        Ok(())
    }

    fn field(&self, field: &Field) -> Result<String> {
        let (mut label, mut kind) = (field.label.map(Label::word), field.kind.clone());
        if let Some(names) = self.names {
            kind = names.kind(&self.scope, &field.kind)?;
            if kind.starts_with("map<") {
                label = None;
            }
        }
        let label = label.map(|it| format!("{it} ")).unwrap_or_default();
        let mut text = format!("{label}{kind} {} = {}", field.name, field.number);
        let mut options = field.options.clone();
        let mut special = |name: &str, value| {
            options.push(Setting { name: name.to_owned(), is_declared: false, value });
        };
        if let Some(default) = &field.default {
            special("default", literal(&kind, default));
        }
        if let Some(json_name) = &field.json_name {
            special("json_name", Value::Text(json_name.clone()));
        }
        self.bracketed(&mut text, &self.settings(&options));
        text.push_str(";\n");
        Ok(text)
    }

    /// Returns the oneofs. Normalized, those without fields are removed, and the rest are sorted by
    /// their lowest number.
    fn oneofs(&self, oneofs: &[Oneof]) -> Vec<Oneof> {
        let mut oneofs = oneofs.to_vec();
        if self.names.is_some() {
            oneofs.retain(|oneof| !oneof.fields.is_empty());
            for oneof in &mut oneofs {
                oneof.fields.sort_by_key(|field| field.number);
            }
            oneofs.sort_by_key(|oneof| oneof.fields.first().map(|field| field.number));
        }
        oneofs
    }

    fn oneof(&self, oneof: &Oneof) -> Result<String> {
        let mut text = format!("oneof {} {{", oneof.name);
        let options = self.settings(&oneof.options);
        if !options.is_empty() {
            text.push('\n');
        }
        for option in &options {
            indented(&mut text, &self.option(option));
        }
        self.fields(&mut text, &oneof.fields)?;
        self.groups(&mut text, &oneof.groups)?;
        text.push_str("}\n");
        Ok(text)
    }

    fn groups(&self, text: &mut String, groups: &[Group]) -> Result<()> {
        let mut groups: Vec<&Group> = groups.iter().collect();
        if self.names.is_some() {
            groups.sort_by_key(|group| group.number);
        }
        if !groups.is_empty() {
            text.push('\n');
        }
        for group in groups {
            let label = group.label.map(|it| format!("{} ", it.word())).unwrap_or_default();
            let mut lines = format!("{label}group {} = {} {{", group.name, group.number);
            self.fields(&mut lines, &group.fields)?;
            lines.push_str("}\n");
            indented(text, &lines);
        }
        Ok(())
    }

    fn enumeration(&self, declared: &Enum) -> String {
        let mut text = format!("enum {} {{", declared.name);
        let is_empty = declared.options.is_empty() && declared.values.is_empty();
        if !declared.reserved.is_empty() || !is_empty {
            text.push('\n');
        }
        self.reserved(&mut text, "reserved", &declared.reserved);
        for option in &self.settings(&declared.options) {
            indented(&mut text, &self.option(option));
        }
        let mut values: Vec<&EnumValue> = declared.values.iter().collect();
        if self.names.is_some() {
            values.sort_by_key(|value| (value.number, &value.name));
        }
        for value in values {
            let mut line = format!("{} = {}", value.name, value.number);
            self.bracketed(&mut line, &self.settings(&value.options));
            line.push_str(";\n");
            indented(&mut text, &line);
        }
        text.push_str("}\n");
        text
    }

    fn extends(&self, extends: &[Extend]) -> Result<String> {
        let mut text = if extends.is_empty() { String::new() } else { "\n".to_owned() };
        let mut extends = extends.to_vec();
        if let Some(names) = self.names {
            let mut grouped: Vec<Extend> = Vec::new();
            for Extend { name, fields } in extends.into_iter().filter(|it| !it.fields.is_empty()) {
                let name = names.resolved(&self.scope, &name)?;
                match grouped.iter_mut().find(|it| it.name == name) {
                    Some(known) => known.fields.extend(fields),
                    None => grouped.push(Extend { name, fields }),
                }
            }
            extends = grouped;
        }
        for extend in &extends {
            text.push_str(&format!("extend {} {{", extend.name));
            self.fields(&mut text, &extend.fields)?;
            text.push_str("}\n");
        }
        Ok(text)
    }

    fn service(&self, service: &Service) -> Result<String> {
        let mut text = format!("service {} {{", service.name);
        let options = self.settings(&service.options);
        if !options.is_empty() {
            text.push('\n');
        }
        for option in &options {
            indented(&mut text, &self.option(option));
        }
        if !service.methods.is_empty() {
            text.push('\n');
        }
        for method in &service.methods {
            indented(&mut text, &self.method(method)?);
        }
        text.push_str("}\n");
        Ok(text)
    }

    fn method(&self, method: &Method) -> Result<String> {
        let side = |name: &str, streams: bool| {
            let name = match self.names {
                Some(names) => names.resolved(&self.scope, name)?,
                None => name.to_owned(),
            };
            Ok::<_, String>(format!("({}{name})", if streams { "stream " } else { "" }))
        };
        let input = side(&method.input, method.input_streams)?;
        let output = side(&method.output, method.output_streams)?;
        let mut text = format!("rpc {} {input} returns {output}", method.name);
        let options = self.settings(&method.options);
        if !options.is_empty() {
            text.push_str(" {\n");
            for option in &options {
                indented(&mut text, &self.option(option));
            }
            text.push('}');
        }
        text.push_str(";\n");
        Ok(text)
    }

    /// Returns the options, normalized if the file is.
    fn settings(&self, settings: &[Setting]) -> Vec<Setting> {
        match self.names {
            Some(names) => names.settings(&self.scope, settings),
            None => settings.to_vec(),
        }
    }

    fn option(&self, setting: &Setting) -> String {
        format!("option {};\n", self.setting(setting))
    }

    fn setting(&self, Setting { name, is_declared, value }: &Setting) -> String {
        let name = if *is_declared { format!("({name})") } else { name.clone() };
        match value {
            Value::Part(part) => format!("{name}.{}", self.setting(part)),
            Value::List(values) => {
                let values = values.iter().map(|value| self.value(value)).collect();
                format!("{name} = {}", list(values))
            }
            value => format!("{name} = {}", self.value(value)),
        }
    }

    fn bracketed(&self, text: &mut String, settings: &[Setting]) {
        if !settings.is_empty() {
            let settings = settings.iter().map(|setting| self.setting(setting)).collect();
            text.push_str(&format!(" {}", list(settings)));
        }
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => format!("\"{}\"", escaped(text)),
            Value::Bool(value) => value.to_string(),
            Value::Number(text) if self.names.is_some() => number::normal(text),
            Value::Number(text) | Value::Word(text) => text.clone(),
            Value::Part(part) => self.setting(part),
            Value::List(values) => match values.as_slice() {
                [value] if self.names.is_some() => self.value(value),
                values => {
                    let mut text = "[\n".to_owned();
                    commas(&mut text, values.iter().map(|value| self.value(value)).collect());
                    text.push(']');
                    text
                }
            },
            Value::Map(entries) => {
                let entry =
                    |(key, value): &(String, Value)| format!("{key}: {}", self.value(value));
                let mut text = "{\n".to_owned();
                let entries = match self.names {
                    Some(names) => names.entries(&self.scope, entries),
                    None => entries.clone(),
                };
                commas(&mut text, entries.iter().map(entry).collect());
                text.push('}');
                text
            }
        }
    }
}

/// Adds nested lines to a message, after a blank line that is not indented.
fn nested(text: &mut String, lines: &str) {
    if let Some(lines) = lines.strip_prefix('\n') {
        text.push('\n');
        indented(text, lines);
    }
}

/// Prints a single value in one line, and several values in a line each.
fn list(values: Vec<String>) -> String {
    if let [value] = values.as_slice() {
        return format!("[{value}]");
    }
    let mut text = "[\n".to_owned();
    commas(&mut text, values);
    text.push(']');
    text
}

fn commas(text: &mut String, values: Vec<String>) {
    let last = values.len().saturating_sub(1);
    for (at, value) in values.into_iter().enumerate() {
        let comma = if at == last { "" } else { "," };
        indented(text, &format!("{value}{comma}"));
    }
}

/// Returns a default of a field of this type. Bytes have no quotes there.
fn literal(kind: &str, default: &str) -> Value {
    match kind.rsplit('.').next() {
        Some("string") => Value::Text(default.to_owned()),
        Some(
            "bytes" | "double" | "float" | "fixed32" | "fixed64" | "int32" | "int64" | "sfixed32"
            | "sfixed64" | "sint32" | "sint64" | "uint32" | "uint64",
        ) => Value::Number(default.to_owned()),
        _ => Value::Word(default.to_owned()),
    }
}

/// Returns Java's text for a reserved range or name, which is its sort key.
fn java(value: &Reserved) -> String {
    match value {
        Reserved::Number(number) => number.to_string(),
        Reserved::Range(start, end) => format!("{start}..{end}"),
        Reserved::Name(name) => name.clone(),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        let letter = match character {
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{b}' => 'v',
            '\\' | '\'' | '"' => character,
            other => {
                escaped.push(other);
                continue;
            }
        };
        escaped.push('\\');
        escaped.push(letter);
    }
    escaped
}
