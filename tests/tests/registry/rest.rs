//! Every resource, and every error code.

use serde_json::json;

use crate::http::{TestRegistry, avro, record, send};

/// The hashes of the schemas `"string"`, `"int"` and `"long"`.
const STRING: &str = "095d71cf-1255-6b9d-5e33-0ad575b3df5d";
const INT: &str = "ef524ea1-b91e-7317-3d93-8ade36c1db32";
const LONG: &str = "e1dd9a1e-f98b-451b-5369-0370b393966b";

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
        json!({ "subject": "b", "version": 1, "id": 1, "guid": STRING, "schema": "\"string\"" })
    );
    let by_id = json!({ "schema": "\"string\"", "guid": STRING });
    assert_eq!(registry.get("/schemas/ids/1").json(), by_id);
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

#[tokio::test]
async fn deleting_is_soft_before_it_is_hard() {
    let registry = TestRegistry::start().await;
    registry.register("s", &record(&[("a", "int", None)]));
    registry.register("s", &record(&[("a", "long", None)]));
    assert_eq!(registry.delete("/subjects/x").error(), (404, 40401));
    assert_eq!(registry.delete("/subjects/s/versions/9").error(), (404, 40402));
    assert_eq!(registry.delete("/subjects/s?permanent=true").error(), (404, 40405));
    assert_eq!(registry.delete("/subjects/s/versions/1?permanent=true").error(), (404, 40407));

    assert_eq!(registry.delete("/subjects/s/versions/1").json(), json!(1));
    assert_eq!(registry.delete("/subjects/s/versions/1").error(), (404, 40406));
    assert_eq!(registry.get("/subjects/s/versions").json(), json!([2]));
    assert_eq!(registry.get("/subjects/s/versions?deleted=true").json(), json!([1, 2]));
    assert_eq!(registry.get("/subjects/s/versions?deletedOnly=true").json(), json!([1]));
    assert_eq!(registry.get("/subjects/s/versions/1").error(), (404, 40402));
    let deleted = registry.get("/subjects/s/versions/1?deleted=true").json();
    assert_eq!((&deleted["id"], &deleted["deleted"]), (&json!(1), &json!(true)));
    // Readers of old records find it by its id.
    assert_eq!(registry.get("/schemas/ids/1").status, 200);
    assert_eq!(registry.get("/schemas/ids/1/subjects").json(), json!([]));
    assert_eq!(registry.get("/schemas/ids/1/subjects?deleted=true").json(), json!(["s"]));

    assert_eq!(registry.delete("/subjects/s").json(), json!([2]));
    assert_eq!(registry.delete("/subjects/s").error(), (404, 40404));
    assert_eq!(registry.get("/subjects").json(), json!([]));
    assert_eq!(registry.get("/subjects?deleted=true").json(), json!(["s"]));
    assert_eq!(registry.get("/subjects?deletedOnly=true").json(), json!(["s"]));
    assert_eq!(registry.get("/subjects/s/versions").error(), (404, 40401));

    // The same schema has its old id and a version that nothing had before.
    assert_eq!(registry.register("s", &record(&[("a", "long", None)])), 2);
    assert_eq!(registry.get("/subjects/s/versions").json(), json!([3]));

    assert_eq!(registry.delete("/subjects/s/versions/1?permanent=true").json(), json!(1));
    assert_eq!(registry.get("/schemas/ids/1").error(), (404, 40403));
    assert_eq!(registry.delete("/subjects/s/versions/latest").json(), json!(3));
    assert_eq!(registry.delete("/subjects/s?permanent=true").json(), json!([2, 3]));
    assert_eq!(registry.get("/subjects?deleted=true").json(), json!([]));
    assert_eq!(registry.get("/schemas/ids/2").error(), (404, 40403));
}

#[tokio::test]
async fn a_schema_is_looked_up_in_a_subject() {
    let registry = TestRegistry::start().await;
    let (int, long) = (avro(&json!("int")), avro(&json!("long")));
    registry.register("s", &int);
    assert_eq!(
        registry.post("/subjects/s", &int).json(),
        json!({ "subject": "s", "version": 1, "id": 1, "guid": INT, "schema": "\"int\"" })
    );
    assert_eq!(registry.post("/subjects/s", &long).error(), (404, 40403));
    assert_eq!(registry.post("/subjects/x", &int).error(), (404, 40401));
    registry.register("s", &long);
    registry.delete("/subjects/s/versions/1");
    assert_eq!(registry.post("/subjects/s", &int).error(), (404, 40403));
    assert_eq!(registry.post("/subjects/s?deleted=true", &int).json()["version"], 1);
}

#[tokio::test]
async fn levels_are_set_for_all_and_for_one() {
    let registry = TestRegistry::start().await;
    assert_eq!(registry.get("/config").json(), json!({ "compatibilityLevel": "BACKWARD" }));
    assert_eq!(registry.get("/config/s").error(), (404, 40408));
    let inherited = registry.get("/config/s?defaultToGlobal=true").json();
    assert_eq!(inherited, json!({ "compatibilityLevel": "BACKWARD" }));
    let full = json!({ "compatibility": "FULL" });
    assert_eq!(registry.put("/config", &full).json(), full);
    assert_eq!(registry.put("/config/s", &json!({ "compatibility": "none" })).status, 200);
    assert_eq!(registry.get("/config/s").json(), json!({ "compatibilityLevel": "NONE" }));
    assert_eq!(registry.get("/config").json(), json!({ "compatibilityLevel": "FULL" }));
    for wrong in [json!({ "compatibility": "SOME" }), json!({})] {
        assert_eq!(registry.put("/config/s", &wrong).error(), (422, 42203));
    }
    assert_eq!(registry.delete("/config/s").json(), json!({ "compatibilityLevel": "NONE" }));
    assert_eq!(registry.delete("/config/s").error(), (404, 40401));
    assert_eq!(registry.delete("/config").json(), json!({ "compatibilityLevel": "FULL" }));
    assert_eq!(registry.get("/config").json(), json!({ "compatibilityLevel": "BACKWARD" }));
}

#[tokio::test]
async fn a_mode_decides_who_may_write() {
    let registry = TestRegistry::start().await;
    let (int, long) = (avro(&json!("int")), avro(&json!("long")));
    registry.register("s", &int);
    assert_eq!(registry.get("/mode").json(), json!({ "mode": "READWRITE" }));
    assert_eq!(registry.get("/mode/s").error(), (404, 40409));
    assert_eq!(registry.put("/mode", &json!({ "mode": "X" })).error(), (422, 42204));

    let read_only = json!({ "mode": "READONLY" });
    assert_eq!(registry.put("/mode/s", &read_only).json(), read_only);
    assert_eq!(registry.post("/subjects/s/versions", &long).error(), (422, 42205));
    assert_eq!(registry.register("s", &int), 1, "what is there already needs no writing");
    assert_eq!(registry.delete("/subjects/s").error(), (422, 42205));
    let level = json!({ "compatibility": "NONE" });
    assert_eq!(registry.put("/config/s", &level).error(), (422, 42205));
    registry.register("other", &int);
    assert_eq!(registry.delete("/mode/s").json(), read_only);
    registry.register("s", &long);

    // The mode of all that counts more than a subject's own.
    registry.put("/mode/s", &json!({ "mode": "READWRITE" }));
    registry.put("/mode", &json!({ "mode": "READONLY_OVERRIDE" }));
    assert_eq!(registry.delete("/subjects/s").error(), (422, 42205));
    registry.put("/mode", &json!({ "mode": "READWRITE" }));
    assert_eq!(registry.delete("/subjects/s").status, 200);
}

#[tokio::test]
async fn an_import_brings_its_ids_and_versions_along() {
    let registry = TestRegistry::start().await;
    let mut int = avro(&json!("int"));
    (int["id"], int["version"]) = (json!(40), json!(7));
    assert_eq!(registry.post("/subjects/s/versions", &int).error(), (422, 42205));
    registry.register("other", &avro(&json!("string")));
    let import = json!({ "mode": "IMPORT" });
    assert_eq!(registry.put("/mode", &import).error(), (422, 42205), "there are subjects");
    assert_eq!(registry.put("/mode/s", &import).json(), import);
    assert_eq!(registry.register("s", &int), 40);
    assert_eq!(registry.get("/subjects/s/versions").json(), json!([7]));
    let plain = avro(&json!("bytes"));
    assert_eq!(registry.post("/subjects/s/versions", &plain).error(), (422, 42205));
    int["id"] = json!(41);
    assert_eq!(registry.post("/subjects/s/versions", &int).error(), (422, 42207));
    let mut long = avro(&json!("long"));
    long["id"] = json!(40);
    assert_eq!(registry.post("/subjects/s/versions", &long).error(), (422, 42205));
    assert_eq!(registry.put("/mode?force=true", &import).json(), import);
    registry.put("/mode", &json!({ "mode": "READWRITE" }));
    registry.put("/mode/s", &json!({ "mode": "READWRITE" }));
    assert_eq!(registry.register("other2", &plain), 41, "ids go on after the highest");
}

#[tokio::test]
async fn compatibility_is_asked_about_one_version_or_all_that_count() {
    let registry = TestRegistry::start().await;
    let int = avro(&json!("int"));
    let none = registry.post("/compatibility/subjects/s/versions/latest", &int);
    assert_eq!(none.json(), json!({ "is_compatible": true }), "nothing stands against it");
    assert_eq!(registry.post("/compatibility/subjects/s/versions/3", &int).error(), (404, 40402));
    registry.register("s", &int);
    registry.register("s", &avro(&json!("long")));
    let float = avro(&json!("boolean"));
    let verbose = "/compatibility/subjects/s/versions/1?verbose=true";
    let answer = registry.post(verbose, &float).json();
    let messages = answer["messages"].as_array().expect("reasons");
    assert!(messages[0].as_str().is_some_and(|it| it.contains("TYPE_MISMATCH")), "{answer}");
    assert_eq!(messages.last(), Some(&json!("{compatibility: 'BACKWARD'}")));
    let invalid = json!({ "schema": "\"nothing\"" });
    let asked = registry.post("/compatibility/subjects/s/versions", &invalid);
    assert_eq!(asked.error(), (422, 42201));
}

#[tokio::test]
async fn lists_have_prefixes_and_pages() {
    let registry = TestRegistry::start().await;
    for subject in ["a-1", "a-2", "b-1"] {
        registry.register(subject, &avro(&json!("int")));
    }
    registry.register("b-1", &avro(&json!("long")));
    assert_eq!(registry.get("/subjects?subjectPrefix=a-").json(), json!(["a-1", "a-2"]));
    assert_eq!(registry.get("/subjects?offset=1&limit=1").json(), json!(["a-2"]));
    let all = registry.get("/schemas").json();
    assert_eq!(all.as_array().map(Vec::len), Some(4));
    let latest = registry.get("/schemas?subjectPrefix=b&latestOnly=true").json();
    let long =
        json!({ "subject": "b-1", "version": 2, "id": 2, "guid": LONG, "schema": "\"long\"" });
    assert_eq!(latest, json!([long]));
    assert_eq!(registry.get("/schemas/ids/1?fetchMaxId=true").json()["maxId"], 2);
}

#[tokio::test]
async fn a_registry_says_what_it_is() {
    let registry = TestRegistry::start().await;
    assert_eq!(registry.get("/").json(), json!({}));
    assert_eq!(registry.get("/schemas/types").json(), json!(["JSON", "PROTOBUF", "AVRO"]));
    assert_eq!(registry.get("/contexts").json(), json!(["."]));
    let id = registry.get("/v1/metadata/id").json();
    let cluster = id["scope"]["clusters"]["kafka-cluster"].as_str();
    assert!(cluster.is_some_and(|id| !id.is_empty()), "{id}");
    assert!(registry.get("/v1/metadata/version").json()["version"].is_string());
}

#[tokio::test]
async fn with_basic_auth_nothing_is_said_without_the_password() {
    let registry = TestRegistry::start_with(|builder| builder.basic_auth("anna", "secret")).await;
    let with = |header: &str| {
        let headers = [("Authorization", header)];
        send(registry.address(), "GET", "/subjects", &headers, b"")
    };
    for answer in [registry.get("/subjects"), registry.get("/nowhere"), with("Basic eDp5")] {
        assert_eq!(answer.error(), (401, 401));
        assert!(answer.head.to_lowercase().contains("www-authenticate: basic"), "{answer:?}");
    }
    assert_eq!(with("Basic YW5uYTpzZWNyZXQ=").json(), json!([]));
    assert!(!format!("{:?}", registry.registry).contains("secret"));
}

#[tokio::test]
async fn a_guid_names_a_schema_in_every_registry() {
    let registry = TestRegistry::start().await;
    let int = avro(&json!("int"));
    let registered = registry.post("/subjects/s/versions", &int).json();
    let whole = json!({ "id": 1, "version": 1, "guid": INT, "schema": "\"int\"" });
    assert_eq!(registered, whole);
    assert_eq!(registry.post("/subjects/s/versions", &int).json(), whole, "again");
    let found = registry.get(&format!("/schemas/guids/{INT}")).json();
    assert_eq!(found, json!({ "schema": "\"int\"", "guid": INT }));
    let ids = registry.get(&format!("/schemas/guids/{INT}/ids")).json();
    assert_eq!(ids, json!([{ "context": ".", "id": 1 }]));
    let unknown = registry.get(&format!("/schemas/guids/{STRING}"));
    assert_eq!(unknown.error(), (404, 40403));
    assert_eq!(unknown.json()["message"], format!("Schema {STRING} not found"));
    registry.delete("/subjects/s");
    assert_eq!(registry.get(&format!("/schemas/guids/{INT}")).status, 200, "it is still read");
    registry.delete("/subjects/s?permanent=true");
    assert_eq!(registry.get(&format!("/schemas/guids/{INT}")).error(), (404, 40403));
    // What it refers to is part of what it is.
    registry.register("place", &avro(&json!({ "type": "fixed", "name": "P", "size": 1 })));
    let references = json!([{ "name": "P", "subject": "place", "version": 1 }]);
    let body = json!({ "schema": "[\"null\",\"P\"]", "references": references });
    let guid = registry.post("/subjects/r/versions", &body).json()["guid"].clone();
    assert_eq!(guid, "c841339d-1c6c-9b05-a24c-5fdf1a70cbca");
}
