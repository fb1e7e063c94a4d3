//! Every resource, and every error code.

use serde_json::json;

use crate::http::{TestRegistry, avro, record};

#[tokio::test]
async fn a_schema_has_one_id_in_all_subjects_and_a_version_in_each() {
    let registry = TestRegistry::start().await;
    let string = avro(&json!("string"));
    assert_eq!(registry.register("a", &string), 1);
    assert_eq!(registry.register("b", &string), 1);
    assert_eq!(registry.register("b", &json!({ "schema": " {\"type\" : \"string\"} " })), 1);
    assert_eq!(registry.register("c", &avro(&json!("int"))), 2);
    assert_eq!(registry.get("/subjects").json(), json!(["a", "b", "c"]));
    assert_eq!(registry.get("/subjects/b/versions").json(), json!([1]));
    assert_eq!(
        registry.get("/subjects/b/versions/latest").json(),
        json!({ "subject": "b", "version": 1, "id": 1, "schema": "\"string\"" })
    );
    assert_eq!(registry.get("/schemas/ids/1").json(), json!({ "schema": "\"string\"" }));
    assert_eq!(registry.get("/schemas/ids/1/schema").text, "\"string\"");
    assert_eq!(registry.get("/schemas/ids/1/subjects").json(), json!(["a", "b"]));
    assert_eq!(
        registry.get("/schemas/ids/1/versions").json(),
        json!([{ "subject": "a", "version": 1 }, { "subject": "b", "version": 1 }])
    );
    assert!(registry.get("/").head.contains("application/vnd.schemaregistry.v1+json"));
}

#[tokio::test]
async fn a_field_without_a_default_is_refused_and_the_answer_says_why() {
    let registry = TestRegistry::start().await;
    registry.register("s", &record(&[("name", "string", None)]));
    let added = record(&[("name", "string", None), ("code", "string", None)]);
    let refused = registry.post("/subjects/s/versions", &added);
    assert_eq!(refused.error(), (409, 40901));
    assert!(refused.text.contains("READER_FIELD_MISSING_DEFAULT_VALUE"), "{refused:?}");
    let check = "/compatibility/subjects/s/versions/latest";
    assert_eq!(registry.post(check, &added).json(), json!({ "is_compatible": false }));
    let fine = record(&[("name", "string", None), ("code", "string", Some(json!("?")))]);
    assert_eq!(registry.post(check, &fine).json(), json!({ "is_compatible": true }));
    assert_eq!(registry.register("s", &fine), 2);
}
