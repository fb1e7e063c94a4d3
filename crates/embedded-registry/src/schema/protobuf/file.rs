//! Parses a Protobuf file and prints it in several forms.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::prost_types::FileDescriptorProto;

use super::super::dependency::Dependency;
use super::element::File;
use super::model::Model;
use super::normal::Names;
use super::symbols::Symbols;
use super::{decompile, descriptor, known, parse, print};

/// The name of a file without one, as in Confluent's registry.
const NAME: &str = "default";

/// The maximum nesting of braces and brackets, which the parser follows on the stack.
const MAX_DEPTH: usize = 100;

/// A Protobuf file whose types are resolved.
pub(in super::super) struct Protobuf {
    pub(super) descriptor: Box<FileDescriptorProto>,
    pub(super) model: Box<Model>,
    pub(super) text: String,
}

impl Protobuf {
    /// Reads a file. If it is normalized, names are full, and things without an order are sorted.
    ///
    /// # Errors
    ///
    /// The problem. In a normalized file, a name that cannot be resolved from its scope is an
    /// error, too.
    pub(in super::super) fn parse(
        text: &str,
        dependencies: &[Dependency],
        normalize: bool,
    ) -> Result<Self, String> {
        let mut references = Vec::new();
        for Dependency { name, text } in dependencies {
            let file = read(text).map_err(|error| format!("{name}: {error}"))?;
            references.push((name.as_str(), file));
        }
        let known = known::files();
        let find = |name: &str| {
            let reference = references.iter().find(|(known, _)| *known == name);
            reference.map(|(_, file)| file).or_else(|| known.get(name))
        };
        let plain = read(text)?;
        let mut file = plain.clone();
        if is_descriptor(text) {
            decompile::shorten(&mut file, &Symbols::visible(&plain, &find));
        }
        let descriptor = descriptor::descriptor(NAME, &file, &find)?;
        let mut imported = Vec::new();
        for name in needed(&file, &find) {
            if let Some(file) = find(&name) {
                let made = descriptor::descriptor(&name, file, &find);
                imported.push(made.map_err(|error| format!("{name}: {error}"))?);
            }
        }
        let imports = references.iter().map(|(_, file)| file).chain(known.values());
        let names = normalize.then(|| Names::new(&file, imports));
        Ok(Self {
            model: Box::new(Model::new(&descriptor, &imported)),
            descriptor: Box::new(descriptor),
            text: print::print(&file, names.as_ref())?,
        })
    }

    /// Returns the file, printed again.
    pub(in super::super) fn canonical(&self) -> String {
        self.text.clone()
    }

    /// Returns the descriptor in base64.
    pub(in super::super) fn serialized(&self) -> String {
        STANDARD.encode(self.descriptor.encode_to_vec())
    }
}

/// Returns all files that a file imports, directly and indirectly.
fn needed<'a>(file: &'a File, find: &dyn Fn(&str) -> Option<&'a File>) -> Vec<String> {
    let (mut names, mut next): (Vec<String>, Vec<&File>) = (Vec::new(), vec![file]);
    while let Some(file) = next.pop() {
        for import in file.imports.iter().chain(&file.public_imports) {
            if let (false, Some(file)) = (names.contains(import), find(import)) {
                names.push(import.clone());
                next.push(file);
            }
        }
    }
    names
}

/// Returns whether the text is a base64 descriptor: text in Protobuf's language has at least one
/// space.
fn is_descriptor(text: &str) -> bool {
    !text.trim().is_empty() && STANDARD.decode(text.trim()).is_ok()
}

fn read(text: &str) -> Result<File, String> {
    if !is_descriptor(text) {
        check_depth(text)?;
        return parse::parse(text);
    }
    let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
    let made = FileDescriptorProto::decode(bytes.as_slice())
        .map_err(|error| format!("it is base64 text, but no file descriptor: {error}"))?;
    Ok(decompile::file(&made, &bytes))
}

/// Counts brackets, also in comments and strings, so it can only reject more than necessary.
fn check_depth(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' | b'<' => depth += 1,
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("brackets are nested more than {MAX_DEPTH} deep"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    fn canonical(text: &str, normalize: bool) -> String {
        Protobuf::parse(text, &[], normalize).unwrap().canonical()
    }

    /// A file, with the results of Square's wire, Java's descriptors, and Confluent's printer.
    #[derive(Deserialize)]
    struct Judged {
        about: String,
        schema: String,
        #[serde(default)]
        references: BTreeMap<String, String>,
        valid: bool,
        text: Option<String>,
        /// The normal form; `None` if a name does not lead to its type there.
        normalized: Option<String>,
    }

    #[test]
    fn files_are_checked_and_printed_as_by_confluent() {
        let rows: Vec<Judged> = serde_json::from_str(include_str!("judged.json")).unwrap();
        assert!(rows.len() > 150);
        let mut wrong = Vec::new();
        for row in rows {
            let reference = |(name, text): (String, String)| Dependency { name, text };
            let references: Vec<Dependency> = row.references.into_iter().map(reference).collect();
            let printed = |normalize| Protobuf::parse(&row.schema, &references, normalize);
            match (printed(false), printed(true)) {
                (Ok(found), normalized) if row.valid => {
                    if Some(&found.text) != row.text.as_ref() {
                        wrong.push(format!("{}\n{}\n{:?}", row.about, found.text, row.text));
                    }
                    let normalized = normalized.ok().map(|it| it.text);
                    if normalized != row.normalized {
                        let (about, expected) = (&row.about, &row.normalized);
                        wrong.push(format!("{about} (normal)\n{normalized:?}\n{expected:?}"));
                    }
                }
                (Ok(_), _) => wrong.push(format!("{} is accepted", row.about)),
                (Err(error), _) if row.valid => wrong.push(format!("{}: {error}", row.about)),
                (Err(_), _) => {}
            }
        }
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn printed_files_are_stable_and_damaged_files_never_panic() {
        let rows: Vec<Judged> = serde_json::from_str(include_str!("judged.json")).unwrap();
        for row in rows.iter().filter(|row| row.valid && row.references.is_empty()) {
            let parsed = Protobuf::parse(&row.schema, &[], false).unwrap();
            // A default of type bytes is printed without its quotes, which is not valid in the
            // language.
            if let Ok(again) = Protobuf::parse(&parsed.text, &[], false) {
                assert_eq!(again.text, parsed.text, "{}", row.about);
            } else {
                assert!(row.schema.contains("bytes"), "{}: {}", row.about, parsed.text);
            }
            let descriptor = parsed.descriptor.encode_to_vec();
            for at in (0..descriptor.len()).step_by(17) {
                let mut changed = descriptor.clone();
                changed[at] = changed[at].wrapping_add(at as u8 | 1);
                let _ = Protobuf::parse(&STANDARD.encode(&changed), &[], true);
                let _ = Protobuf::parse(&STANDARD.encode(&descriptor[..at]), &[], true);
            }
        }
        for row in rows {
            let characters: Vec<char> = row.schema.chars().collect();
            for at in (0..characters.len()).step_by(13) {
                let mut changed = characters.clone();
                changed[at] = ['{', '}', '"', '<', ';', '-', '9', '.'][at % 8];
                let _ = Protobuf::parse(&changed.iter().collect::<String>(), &[], true);
                let cut: String = characters[..at].iter().collect();
                let _ = Protobuf::parse(&cut, &[], true);
            }
        }
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
          message Runway { uint32 length = 1; Kind kind = 2; Runway next = 3; }
          extensions 60 to 70;
        }
        message Tower { Airport.Runway runway = 1; }
        extend Airport { optional Tower tower = 60; }
        service Control { rpc Call (Airport) returns (stream Airport); }
    "#;

    #[test]
    fn a_printed_file_is_printed_the_same_again() {
        for normalize in [false, true] {
            let printed = canonical(AIRPORT, normalize);
            assert_eq!(canonical(&printed, normalize), printed);
        }
    }

    #[test]
    fn a_descriptor_in_base64_is_the_same_schema_as_its_text() {
        let old = r#"syntax = "proto2"; package p; message A { required int32 a = 1;
            optional string b = 2 [default = "x\"y"]; extensions 100 to 199;
            repeated sint64 d = 4 [packed = true]; oneof o { A e = 5; p.A.G.H h = 6; }
            optional group G = 3 { optional int32 c = 1; } }
            extend A { optional int32 d = 100; }"#;
        for text in [AIRPORT, &old.replace("p.A.G.H h = 6;", "")] {
            let parsed = Protobuf::parse(text, &[], false).unwrap();
            assert_eq!(canonical(&parsed.serialized(), false), parsed.canonical());
        }
    }

    #[test]
    fn a_short_name_in_a_descriptors_text_leads_to_the_same_type() {
        let text = r#"syntax = "proto3"; package p; message B { string a = 1; }
            message A { message B { int32 a = 1; } .p.B outer = 1; B inner = 2; }"#;
        let parsed = Protobuf::parse(text, &[], false).unwrap();
        let printed = canonical(&parsed.serialized(), false);
        for line in ["  p.B outer = 1;", "  B inner = 2;"] {
            assert!(printed.lines().any(|it| it == line), "{line} is missing in {printed}");
        }
    }

    #[test]
    fn confluents_options_of_a_descriptor_are_in_its_text() {
        let text = r#"syntax = "proto3"; package p; import "confluent/meta.proto";
            option (confluent.file_meta).doc = "file";
            message A { option (confluent.message_meta) = { doc: "message", params: [
                { value: "9", key: "precision" }] };
              string a = 1 [deprecated = true, (confluent.field_meta) = { tags: ["PII", "X"] }];
              enum E { option (confluent.enum_meta).doc = "enum";
                Z = 0 [(confluent.enum_value_meta).doc = "value"]; }
              message B { option (confluent.message_meta).tags = "inner"; } }"#;
        // The compiler writes the extensions as Confluent's clients do.
        let mut resolver = protox::file::ChainFileResolver::new();
        resolver.add(Source(text));
        resolver.add(protox::file::GoogleFileResolver::new());
        let mut compiler = protox::Compiler::with_file_resolver(resolver);
        compiler.open_file("default").unwrap();
        let file = compiler.descriptor_pool().get_file_by_name("default").unwrap();
        let parsed = Protobuf::parse(&STANDARD.encode(file.encode_to_vec()), &[], false).unwrap();
        let aggregate = text
            .replace(
                "(confluent.file_meta).doc = \"file\"",
                "(confluent.file_meta) = { doc: \"file\" }",
            )
            .replace(
                "(confluent.enum_meta).doc = \"enum\"",
                "(confluent.enum_meta) = { doc: \"enum\" }",
            )
            .replace(
                "(confluent.enum_value_meta).doc = \"value\"",
                "(confluent.enum_value_meta) = { doc: \"value\" }",
            )
            .replace(
                "(confluent.message_meta).tags = \"inner\"",
                "(confluent.message_meta) = { tags: [\"inner\"] }",
            );
        assert_eq!(parsed.text, canonical(&aggregate, false));
    }

    struct Source(&'static str);

    impl protox::file::FileResolver for Source {
        fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
            match name {
                "default" => protox::file::File::from_source(name, self.0),
                "confluent/meta.proto" => protox::file::File::from_source(
                    name,
                    include_str!("known/confluent/meta.proto"),
                ),
                _ => Err(protox::Error::file_not_found(name)),
            }
        }
    }

    #[test]
    fn files_that_are_nested_too_deep_are_rejected_before_parsing() {
        let text = format!("syntax = \"proto3\"; {}", "message A {".repeat(10_000));
        assert!(Protobuf::parse(&text, &[], false).err().unwrap().contains("deep"));
        let text = format!("option (a) = {};", "{ a: ".repeat(10_000));
        assert!(Protobuf::parse(&text, &[], false).err().unwrap().contains("deep"));
    }
}
