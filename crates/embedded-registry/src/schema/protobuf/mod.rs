//! Protobuf files.
//!
//! protox compiles them, so no `protoc` is needed. A file comes as text, or as the base64 text of
//! its descriptor, which is what Confluent's Python client sends. Its canonical form is the file
//! printed anew, without comments. Google's well-known types can be imported without a reference.

mod compatibility;
mod print;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::FileDescriptor;
use prost_reflect::prost_types::FileDescriptorProto;
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

pub(super) use compatibility::differences;

use super::Dependency;

/// What the file is called where it has no name. Confluent's registry calls it so.
const NAME: &str = "default";

/// How deep braces and brackets may lie in each other: the compiler follows them on the stack.
const DEEPEST: usize = 100;

/// A Protobuf file that compiles.
pub(super) struct Protobuf {
    file: FileDescriptor,
    text: String,
    normalized: String,
}

impl Protobuf {
    pub(super) fn parse(text: &str, dependencies: &[Dependency]) -> Result<Self, String> {
        let file = compile(source(text)?, dependencies)?;
        // A name that is short is pleasant to read, but in some files it leads elsewhere.
        let text = |sorted| {
            let short = print::print(&file, sorted, print::Names::Short);
            let same = compile(Source::Text(short.clone()), dependencies).is_ok_and(|again| {
                print::print(&again, sorted, print::Names::Full)
                    == print::print(&file, sorted, print::Names::Full)
            });
            if same { short } else { print::print(&file, sorted, print::Names::Full) }
        };
        let (text, normalized) = (text(false), text(true));
        Ok(Self { text, normalized, file })
    }

    /// The file, printed anew. Normalised, imports, options and fields are in order.
    pub(super) fn canonical(&self, normalize: bool) -> String {
        if normalize { self.normalized.clone() } else { self.text.clone() }
    }

    /// The descriptor in base64.
    pub(super) fn serialized(&self) -> String {
        STANDARD.encode(self.file.file_descriptor_proto().encode_to_vec())
    }
}

enum Source {
    Text(String),
    Descriptor(Box<FileDescriptorProto>),
}

fn source(text: &str) -> Result<Source, String> {
    // No file in Protobuf's language is base64 text: it has at least a space.
    let descriptor = STANDARD.decode(text.trim()).ok();
    match descriptor.filter(|_| !text.trim().is_empty()) {
        Some(bytes) => {
            let mut descriptor = FileDescriptorProto::decode(bytes.as_slice())
                .map_err(|error| format!("it is base64 text, but no file descriptor: {error}"))?;
            descriptor.name = Some(NAME.to_owned());
            descriptor.source_code_info = None;
            Ok(Source::Descriptor(Box::new(descriptor)))
        }
        None => {
            check_depth(text)?;
            Ok(Source::Text(text.to_owned()))
        }
    }
}

/// Counts brackets where they stand, in comments and strings too, which can only refuse more.
fn check_depth(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' | b'<' => depth += 1,
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(format!("brackets lie more than {DEEPEST} deep in each other"));
        }
    }
    Ok(())
}

fn compile(source: Source, dependencies: &[Dependency]) -> Result<FileDescriptor, String> {
    let main = match source {
        Source::Text(text) => File::from_source(NAME, &text).map_err(|it| it.to_string())?,
        Source::Descriptor(descriptor) => File::from_file_descriptor_proto(*descriptor),
    };
    let mut files = vec![(NAME.to_owned(), main)];
    for dependency in dependencies {
        let file = match self::source(&dependency.text)? {
            Source::Text(text) => {
                File::from_source(&dependency.name, &text).map_err(|error| error.to_string())?
            }
            Source::Descriptor(mut descriptor) => {
                descriptor.name = Some(dependency.name.clone());
                File::from_file_descriptor_proto(*descriptor)
            }
        };
        files.push((dependency.name.clone(), file));
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(Known(files));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    compiler.open_file(NAME).map_err(|error| error.to_string())?;
    let pool = compiler.descriptor_pool();
    pool.get_file_by_name(NAME).ok_or_else(|| "the compiler lost the file".to_owned())
}

/// The files of this schema and of its references, by the names that imports have for them.
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

    fn canonical(text: &str, normalize: bool) -> String {
        Protobuf::parse(text, &[]).unwrap().canonical(normalize)
    }

    const AIRPORT: &str = r#"
        syntax = "proto3"; // comments go
        package aero;
        import "google/protobuf/timestamp.proto";
        option java_package = "org.aero";
        message Airport {
          string name = 2; string code = 1 [deprecated = true, json_name = "iata"];
          optional double latitude = 3;
          repeated Runway runways = 4;
          map<string, Runway> by_name = 5;
          oneof height { int32 feet = 6; float metres = 7; }
          google.protobuf.Timestamp opened = 8;
          reserved 20, 30 to 35, 40 to max;
          reserved "old";
          enum Kind { option allow_alias = true; SMALL = 0; TINY = 0; LARGE = 1 [deprecated = true]; }
          message Runway { uint32 length = 1; Kind kind = 2; }
        }
        service Tower { rpc Call (Airport) returns (stream Airport); }
    "#;

    #[test]
    fn a_file_is_printed_so_that_printing_it_again_changes_nothing() {
        let printed = canonical(AIRPORT, false);
        assert_eq!(canonical(&printed, false), printed);
        for line in [
            "import \"google/protobuf/timestamp.proto\";",
            "option java_package = \"org.aero\";",
            "  string code = 1 [json_name = \"iata\", deprecated = true];",
            "  optional double latitude = 3;",
            "  repeated Airport.Runway runways = 4;",
            "  map<string, Airport.Runway> by_name = 5;",
            "    float metres = 7;",
            "  reserved 20, 30 to 35, 40 to max;",
            "  reserved \"old\";",
            "    LARGE = 1 [deprecated = true];",
            "  rpc Call (Airport) returns (stream Airport);",
        ] {
            assert!(printed.lines().any(|it| it == line), "{line} is missing in {printed}");
        }
    }

    #[test]
    fn a_descriptor_in_base64_is_the_same_schema_as_its_text() {
        let parsed = Protobuf::parse(AIRPORT, &[]).unwrap();
        assert_eq!(canonical(&parsed.serialized(), false), parsed.canonical(false));
    }

    #[test]
    fn normalised_files_have_their_fields_in_order() {
        let one = "syntax = \"proto3\"; message A { string b = 2; string a = 1; }";
        let other = "syntax = \"proto3\"; message A { string a = 1; string b = 2; }";
        assert_ne!(canonical(one, false), canonical(other, false));
        assert_eq!(canonical(one, true), canonical(other, true));
    }

    #[test]
    fn what_proto2_has_is_kept() {
        let text = r#"syntax = "proto2"; message A { required int32 a = 1;
            optional string b = 2 [default = "x\"y"]; extensions 100 to 199;
            optional group G = 3 { optional int32 c = 1; } }
            extend A { optional int32 d = 100; }"#;
        let printed = canonical(text, false);
        assert_eq!(canonical(&printed, false), printed);
        for part in ["required int32 a = 1;", "extensions 100 to 199;", "extend A {", "group G = 3"]
        {
            assert!(printed.contains(part), "{part} is missing in {printed}");
        }
    }

    #[test]
    fn a_name_that_would_lead_elsewhere_when_short_is_printed_in_full() {
        let text = r#"syntax = "proto3"; package p; message B { string a = 1; }
            message A { message B { int32 a = 1; } p.B outer = 1; B inner = 2; }"#;
        let printed = canonical(text, false);
        assert!(printed.contains(".p.B outer = 1;"), "{printed}");
        assert_eq!(canonical(&printed, false), printed);
    }

    #[test]
    fn what_lies_too_deep_is_refused_before_it_is_compiled() {
        let text = format!("syntax = \"proto3\"; {}", "message A {".repeat(10_000));
        assert!(Protobuf::parse(&text, &[]).err().unwrap().contains("deep"));
    }
}
