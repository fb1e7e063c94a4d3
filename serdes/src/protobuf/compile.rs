//! Compiles a file and what it imports, all of it in memory.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::FileDescriptor;
use prost_reflect::prost_types::FileDescriptorProto;
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use crate::schema::Dependency;

/// What the file is called where it has no name: no file imports it.
const NAME: &str = "default";

/// The file with this text, which is either the language's or, as some registries give it, the
/// descriptor in base64.
pub(super) fn compile(text: &str, dependencies: &[Dependency]) -> Result<FileDescriptor, String> {
    let mut files = vec![(NAME.to_owned(), file(NAME, text)?)];
    for Dependency { name, text } in dependencies {
        files.push((name.clone(), file(name, text)?));
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

fn file(name: &str, text: &str) -> Result<File, String> {
    // No file in the language is base64 text: it has at least a space.
    let descriptor = STANDARD.decode(text.trim()).ok().filter(|bytes| !bytes.is_empty());
    match descriptor {
        Some(bytes) => {
            let mut descriptor = FileDescriptorProto::decode(bytes.as_slice())
                .map_err(|error| format!("it is base64 text, but no descriptor: {error}"))?;
            descriptor.name = Some(name.to_owned());
            Ok(File::from_file_descriptor_proto(descriptor))
        }
        None => File::from_source(name, text).map_err(|error| error.to_string()),
    }
}

struct Known(Vec<(String, File)>);

impl FileResolver for Known {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let known = self.0.iter().find(|(known, _)| known == name);
        known.map(|(_, file)| file.clone()).ok_or_else(|| protox::Error::file_not_found(name))
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
        assert!(compile(text, &[]).unwrap_err().contains("airport.proto"));
    }
}
