//! Protobuf: what may follow what, by the rules of Protobuf's guide on updating a message type and
//! those that Confluent's registry adds.

use serde_json::{Value, json};

use crate::http::TestRegistry;
use crate::verdicts::check_rows;

fn proto(text: &str) -> Value {
    json!({ "schemaType": "PROTOBUF", "schema": format!("syntax = \"proto3\"; {text}") })
}

/// What it is about, older, newer, whether the newer one reads what the older one wrote. All these
/// hold in both directions or are tested in one row for each.
const ROWS: &[(&str, &str, &str, bool)] = &[
    ("nothing changed", "message A { string a = 1; }", "message A { string a = 1; }", true),
    ("a field comes", "message A { }", "message A { string a = 1; }", true),
    ("a field goes", "message A { string a = 1; }", "message A { }", true),
    ("a field has a new name", "message A { string a = 1; }", "message A { string b = 1; }", true),
    (
        "a field has a new number",
        "message A { string a = 1; }",
        "message A { string a = 2; }",
        true,
    ),
    ("int32 and int64", "message A { int32 a = 1; }", "message A { int64 a = 1; }", true),
    ("int64 and int32", "message A { int64 a = 1; }", "message A { int32 a = 1; }", true),
    ("uint32 and bool", "message A { uint32 a = 1; }", "message A { bool a = 1; }", true),
    ("sint32 and sint64", "message A { sint32 a = 1; }", "message A { sint64 a = 1; }", true),
    ("int32 and sint32", "message A { int32 a = 1; }", "message A { sint32 a = 1; }", false),
    ("string and bytes", "message A { string a = 1; }", "message A { bytes a = 1; }", true),
    ("bytes and string", "message A { bytes a = 1; }", "message A { string a = 1; }", true),
    ("fixed32 and sfixed32", "message A { fixed32 a = 1; }", "message A { sfixed32 a = 1; }", true),
    ("fixed32 and fixed64", "message A { fixed32 a = 1; }", "message A { fixed64 a = 1; }", false),
    ("float and double", "message A { float a = 1; }", "message A { double a = 1; }", false),
    ("string and int32", "message A { string a = 1; }", "message A { int32 a = 1; }", false),
    (
        "an enum and int32",
        "message A { E a = 1; } enum E { X = 0; }",
        "message A { int32 a = 1; } enum E { X = 0; }",
        true,
    ),
    ("an enum value comes", "enum E { X = 0; }", "enum E { X = 0; Y = 1; }", true),
    ("an enum value goes", "enum E { X = 0; Y = 1; }", "enum E { X = 0; }", true),
    ("a message comes", "message A { }", "message A { } message B { }", true),
    ("a message goes", "message A { } message B { }", "message A { }", false),
    ("messages change places", "message A { } message B { }", "message B { } message A { }", true),
    ("a nested message goes", "message A { message B { } }", "message A { }", false),
    (
        "a nested field has another type",
        "message A { B b = 1; message B { string c = 1; } }",
        "message A { B b = 1; message B { double c = 1; } }",
        false,
    ),
    (
        "a message and a scalar",
        "message A { B b = 1; } message B { }",
        "message A { string b = 1; } message B { }",
        false,
    ),
    (
        "another message",
        "message A { B b = 1; } message B { } message C { }",
        "message A { C b = 1; } message B { } message C { }",
        false,
    ),
    ("another package", "package a; message A { }", "package b; message A { }", false),
    (
        "a map and another map",
        "message A { map<string, int32> a = 1; }",
        "message A { map<string, int64> a = 1; }",
        true,
    ),
    (
        "a map with other values",
        "message A { map<string, int32> a = 1; }",
        "message A { map<string, string> a = 1; }",
        false,
    ),
    (
        "one string and several",
        "message A { string a = 1; }",
        "message A { repeated string a = 1; }",
        true,
    ),
    (
        "one number and several",
        "message A { int32 a = 1; }",
        "message A { repeated int32 a = 1; }",
        false,
    ),
    (
        "a field moves into a new oneof",
        "message A { string a = 1; }",
        "message A { oneof o { string a = 1; } }",
        true,
    ),
    (
        "two fields move into a oneof",
        "message A { string a = 1; string b = 2; }",
        "message A { oneof o { string a = 1; string b = 2; } }",
        false,
    ),
    (
        "a field moves into a oneof that was there",
        "message A { string a = 1; oneof o { string b = 2; } }",
        "message A { oneof o { string a = 1; string b = 2; } }",
        false,
    ),
    (
        "a field joins a oneof",
        "message A { oneof o { string a = 1; } }",
        "message A { oneof o { string a = 1; string b = 2; } }",
        true,
    ),
    (
        "a field leaves a oneof",
        "message A { oneof o { string a = 1; string b = 2; } }",
        "message A { oneof o { string a = 1; } }",
        false,
    ),
    (
        "a oneof goes",
        "message A { oneof o { string a = 1; } }",
        "message A { string a = 1; }",
        true,
    ),
    (
        "a message that contains itself",
        "message A { A a = 1; string b = 2; }",
        "message A { A a = 1; bytes b = 2; }",
        true,
    ),
];

#[tokio::test]
async fn verdicts() {
    check_rows(ROWS, proto).await;
}

#[tokio::test]
async fn a_file_is_found_however_it_is_laid_out_and_as_a_descriptor() {
    let registry = TestRegistry::start().await;
    let id = registry.register("s", &proto("package p; message A { string a = 1; }"));
    let other = proto("\n\npackage p; // names\nmessage A {\n\tstring a = 1;\n}");
    assert_eq!(registry.register("s", &other), id);
    let text = registry.get(&format!("/schemas/ids/{id}")).json();
    assert_eq!(text["schemaType"], "PROTOBUF");
    let shown = "syntax = \"proto3\";\npackage p;\n\nmessage A {\n  string a = 1;\n}\n";
    assert_eq!(text["schema"], shown);
    let descriptor = registry.get(&format!("/schemas/ids/{id}?format=serialized")).json();
    let body = json!({ "schemaType": "PROTOBUF", "schema": descriptor["schema"] });
    assert_ne!(descriptor["schema"], shown);
    assert_eq!(registry.register("s", &body), id);
    let found = registry.post("/subjects/s", &body);
    assert_eq!(found.json()["id"], id);
}

#[tokio::test]
async fn imports_are_references_or_googles_own() {
    let registry = TestRegistry::start().await;
    registry.register("place", &proto("package p; message Place { double latitude = 1; }"));
    let mut airport = proto(
        "import \"place.proto\"; import \"google/protobuf/timestamp.proto\"; \
         message Airport { p.Place at = 1; google.protobuf.Timestamp opened = 2; }",
    );
    let missing = registry.post("/subjects/airport/versions", &airport);
    assert_eq!(missing.error(), (422, 42201));
    airport["references"] = json!([{ "name": "place.proto", "subject": "place", "version": 1 }]);
    let id = registry.register("airport", &airport);
    let answer = registry.get(&format!("/schemas/ids/{id}")).json();
    assert_eq!(answer["references"], airport["references"]);
}

#[tokio::test]
async fn what_a_reference_brings_counts_in_a_comparison() {
    let registry = TestRegistry::start().await;
    let place = |kind: &str| proto(&format!("package p; message Place {{ {kind} latitude = 1; }}"));
    registry.register("place", &place("double"));
    registry.put("/config/place", &json!({ "compatibility": "NONE" }));
    registry.register("place", &place("string"));
    let airport = |version: i32| {
        let mut body = proto("import \"place.proto\"; message Airport { p.Place at = 1; }");
        body["references"] =
            json!([{ "name": "place.proto", "subject": "place", "version": version }]);
        body
    };
    registry.register("airport", &airport(1));
    let refused = registry.post("/subjects/airport/versions", &airport(2));
    assert_eq!(refused.error(), (409, 40901));
    assert!(refused.text.contains("FIELD_SCALAR_KIND_CHANGED"), "{refused:?}");
}

#[tokio::test]
async fn googles_and_confluents_files_are_built_in() {
    let registry = TestRegistry::start().await;
    let built_in = [
        ("google/type/money.proto", "google.type.Money"),
        ("google/type/date.proto", "google.type.Date"),
        ("google/type/datetime.proto", "google.type.TimeZone"),
        ("google/type/dayofweek.proto", "google.type.DayOfWeek"),
        ("confluent/meta.proto", "confluent.Meta"),
        ("confluent/type/decimal.proto", "confluent.type.Decimal"),
        ("confluent/type/variant.proto", "confluent.type.Variant"),
        ("google/protobuf/struct.proto", "google.protobuf.Struct"),
    ];
    for (at, (file, message)) in built_in.into_iter().enumerate() {
        let subject = format!("built-in-{at}");
        let text = format!("import \"{file}\"; message A {{ {message} a = 1; }}");
        registry.register(&subject, &proto(&text));
        let without = registry.post(
            &format!("/subjects/{subject}/versions"),
            &proto(&format!("message A {{ {message} a = 1; }}")),
        );
        assert_eq!(without.error(), (422, 42201), "{message}");
        assert!(without.text.contains("is not defined"), "{without:?}");
    }
}

#[tokio::test]
async fn options_without_a_definition_are_kept_with_the_import_that_only_they_use() {
    let registry = TestRegistry::start().await;
    let text = "package p; import \"buf/validate/validate.proto\"; \
        message A { string mail = 1 [(buf.validate.field).string.email = true]; \
        message B { A a = 1; B b = 2; } B b = 2; }";
    let id = registry.register("s", &proto(text));
    let shown = "syntax = \"proto3\";\npackage p;\n\nimport \"buf/validate/validate.proto\";\n\n\
        message A {\n  string mail = 1 [(buf.validate.field).string.email = true];\n  B b = 2;\n\n  \
        message B {\n    A a = 1;\n    B b = 2;\n  }\n}\n";
    let answer = registry.get(&format!("/schemas/ids/{id}")).json();
    assert_eq!(answer["schema"], shown);
    let mut again = proto("");
    again["schema"] = json!(shown);
    assert_eq!(registry.register("s", &again), id);
    let unknown =
        proto("import \"buf/validate/validate.proto\"; message A { buf.validate.X a = 1; }");
    assert_eq!(registry.post("/subjects/t/versions", &unknown).error(), (422, 42201));
}

#[tokio::test]
async fn normalized_files_are_one_whatever_their_order_and_the_length_of_their_names() {
    let registry = TestRegistry::start().await;
    let one = "package p; option java_package = \"j\"; option go_package = \"g\"; \
        message A { B b = 2; string a = 1; message B { } }";
    let other = "package p; option go_package = \"g\"; option java_package = \"j\"; \
        message A { string a = 1; .p.A.B b = 2; message B { } }";
    let register = |subject: &str, text: &str| {
        let path = format!("/subjects/{subject}/versions?normalize=true");
        registry.post(&path, &proto(text)).json()["id"].clone()
    };
    assert_eq!(register("s", one), register("s", other));
    assert_ne!(registry.register("t", &proto(one)), registry.register("u", &proto(other)));
    // A name that the normal form cannot follow, though the file compiles.
    let lost = proto("package a.b; message A { b.A a = 1; }");
    registry.register("v", &lost);
    let refused = registry.post("/subjects/v/versions?normalize=true", &lost);
    assert_eq!(refused.error(), (422, 42201));
}
