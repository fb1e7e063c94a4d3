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
    let shown = "syntax = \"proto3\";\npackage p;\nmessage A {\n  string a = 1;\n}\n";
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
