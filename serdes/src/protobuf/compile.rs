//! Compiles a file and its imports, all of them in memory.
//!
//! Like registries, it only requires that types exist: unknown options are left out, and so are
//! missing imports, which only such options can need.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    UninterpretedOption,
};
use prost_reflect::{FileDescriptor, MessageDescriptor};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::known;
use crate::error::Error;
use crate::schema::Dependency;
use crate::schema_type::SchemaType;

/// The name of a file without one: no file imports it.
const NAME: &str = "default";

/// Compiles the file with this text, which is in Protobuf's language or, as some registries return
/// it, its descriptor in base64.
pub(super) fn compile(text: &str, dependencies: &[Dependency]) -> Result<FileDescriptor, String> {
    let has = |name: &str| {
        let is_given = dependencies.iter().any(|it| it.name == name);
        is_given || known::text(name).is_some() || GoogleFileResolver::new().open_file(name).is_ok()
    };
    let mut files = vec![(NAME.to_owned(), file(NAME, text, &has)?)];
    for Dependency { name, text } in dependencies {
        files.push((name.clone(), file(name, text, &has)?));
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(Known(files));
    // The well-known types, such as google/protobuf/timestamp.proto.
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    compiler.open_file(NAME).map_err(|error| error.to_string())?;
    let file = compiler.descriptor_pool().get_file_by_name(NAME);
    file.ok_or_else(|| "the compiler lost the file".to_owned())
}

/// Returns the message of a file with this full name.
pub(super) fn message_of(file: &FileDescriptor, name: &str) -> Result<MessageDescriptor, Error> {
    let message = file.parent_pool().get_message_by_name(name);
    message.filter(|message| message.parent_file() == *file).ok_or_else(|| {
        Error::schema(SchemaType::Protobuf, format!("the file has no message {name}"))
    })
}

fn file(name: &str, text: &str, has: &dyn Fn(&str) -> bool) -> Result<File, String> {
    // Text in Protobuf's language is never base64, because it has at least one space.
    let descriptor = STANDARD.decode(text.trim()).ok().filter(|bytes| !bytes.is_empty());
    let mut descriptor = match descriptor {
        Some(bytes) => FileDescriptorProto::decode(bytes.as_slice())
            .map_err(|error| format!("it is base64 text, but not a descriptor: {error}"))?,
        None => {
            let file = File::from_source(name, text).map_err(|error| error.to_string())?;
            file.file_descriptor_proto().clone()
        }
    };
    descriptor.name = Some(name.to_owned());
    leave_out_imports(&mut descriptor, has);
    leave_out_options(&mut descriptor);
    Ok(File::from_file_descriptor_proto(descriptor))
}

fn leave_out_imports(file: &mut FileDescriptorProto, has: &dyn Fn(&str) -> bool) {
    let mut kept = Vec::new();
    let (mut public, mut weak) = (Vec::new(), Vec::new());
    for (at, import) in file.dependency.iter().enumerate() {
        if !has(import) {
            continue;
        }
        let (before, after) = (at as i32, kept.len() as i32);
        public.extend(file.public_dependency.contains(&before).then_some(after));
        weak.extend(file.weak_dependency.contains(&before).then_some(after));
        kept.push(import.clone());
    }
    (file.dependency, file.public_dependency, file.weak_dependency) = (kept, public, weak);
}

/// Removes the options that were written, and returns the value of a `bool` option of the language.
fn taken(options: &mut Vec<UninterpretedOption>, name: &str) -> Option<bool> {
    let written = std::mem::take(options);
    let is_it = |option: &&UninterpretedOption| match option.name.as_slice() {
        [part] => !part.is_extension && part.name_part == name,
        _ => false,
    };
    let found = written.iter().rfind(is_it)?;
    Some(found.identifier_value.as_deref() == Some("true"))
}

/// Removes all options except those that decide how a value is written or read.
fn leave_out_options(file: &mut FileDescriptorProto) {
    if let Some(options) = &mut file.options {
        options.uninterpreted_option.clear();
    }
    file.message_type.iter_mut().for_each(in_message);
    file.enum_type.iter_mut().for_each(in_enum);
    file.extension.iter_mut().for_each(in_field);
    // No one calls them here.
    file.service.clear();
}

fn in_message(message: &mut DescriptorProto) {
    if let Some(options) = &mut message.options {
        let map_entry = taken(&mut options.uninterpreted_option, "map_entry");
        options.map_entry = options.map_entry.or(map_entry);
    }
    message.oneof_decl.iter_mut().for_each(|oneof| oneof.options = None);
    message.extension_range.iter_mut().for_each(|range| range.options = None);
    message.field.iter_mut().for_each(in_field);
    message.extension.iter_mut().for_each(in_field);
    message.nested_type.iter_mut().for_each(in_message);
    message.enum_type.iter_mut().for_each(in_enum);
}

fn in_field(field: &mut FieldDescriptorProto) {
    if let Some(options) = &mut field.options {
        let packed = taken(&mut options.uninterpreted_option, "packed");
        options.packed = options.packed.or(packed);
    }
}

fn in_enum(declared: &mut EnumDescriptorProto) {
    if let Some(options) = &mut declared.options {
        let allow_alias = taken(&mut options.uninterpreted_option, "allow_alias");
        options.allow_alias = options.allow_alias.or(allow_alias);
    }
    declared.value.iter_mut().for_each(|value| value.options = None);
}

struct Known(Vec<(String, File)>);

impl FileResolver for Known {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if let Some((_, file)) = self.0.iter().find(|(known, _)| known == name) {
            return Ok(file.clone());
        }
        match known::text(name) {
            Some(text) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_imports_compiles_from_its_text_and_from_its_descriptor() {
        let airport = r#"syntax = "proto3"; package aero; message Airport { string iata = 1; }"#;
        let known = [Dependency { name: "airport.proto".to_owned(), text: airport.to_owned() }];
        let text = r#"syntax = "proto3"; package aero;
            import "airport.proto"; import "google/protobuf/timestamp.proto";
            message Departure { Airport to = 1; google.protobuf.Timestamp at = 2; }"#;
        let file = compile(text, &known).unwrap();
        let descriptor = STANDARD.encode(file.file_descriptor_proto().encode_to_vec());
        let again = compile(&descriptor, &known).unwrap();
        for file in [file, again] {
            let names: Vec<String> = file.messages().map(|it| it.full_name().to_owned()).collect();
            assert_eq!(names, ["aero.Departure"]);
        }
        assert!(compile(text, &[]).unwrap_err().contains("Airport"));
    }

    #[test]
    fn unknown_options_are_left_out_and_built_in_types_are_found() {
        let text = r#"syntax = "proto3"; package p; option what = 1; option (own.file) = { a: 1 };
            import "buf/validate/validate.proto"; import public "elsewhere.proto";
            import "google/type/money.proto"; import "confluent/meta.proto";
            import "confluent/type/decimal.proto"; import "google/protobuf/any.proto";
            message A { option (own.message).x = "y"; google.type.Money m = 1;
              confluent.type.Decimal d = 2 [(buf.validate.field).required = true, deprecated = true];
              repeated int32 plain = 3 [packed = false, jstype = JS_WHAT];
              google.protobuf.Any any = 4; oneof o { option (own.o) = 1; string s = 5; } }
            enum E { option allow_alias = true; X = 0 [(own.v) = 1]; Y = 0; }
            service S { rpc R (A) returns (elsewhere.B) { option (own.r) = 1; } }"#;
        let file = compile(text, &[]).unwrap();
        let message = file.messages().next().unwrap();
        assert!(!message.get_field_by_name("plain").unwrap().is_packed());
        assert_eq!(message.get_field_by_name("m").unwrap().kind().wire_type() as u8, 2);
        let missing = text.replace("google.type.Money", "google.type.Moneys");
        assert!(compile(&missing, &[]).unwrap_err().contains("Moneys"));
    }
}
