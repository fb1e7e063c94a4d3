//! Requests that are a little off, and what Confluent's registry answers to them, word for word.

use serde_json::{Value, json};

use crate::http::{TestRegistry, avro, send};

const V1: &str = "application/vnd.schemaregistry.v1+json";
const DEFAULT: &str = "application/vnd.schemaregistry+json";
const JSON: &str = "application/json";

#[tokio::test]
async fn each_error_has_confluents_code_and_words() {
    let registry = TestRegistry::start().await;
    registry.put("/config", &json!({ "compatibility": "NONE" }));
    registry.register("s", &avro(&json!("int")));
    registry.register("gone", &avro(&json!("long")));
    registry.delete("/subjects/gone");
    let not_found = "HTTP 404 Not Found";
    let version = |it: &str| {
        format!(
            "The specified version '{it}' is not a valid version id. Allowed values are between \
             [1, 2^31-1] and the string \"latest\""
        )
    };
    let (first, zero, big) = (version("first"), version("0"), version("99999999999"));
    let level = "Invalid compatibility level. Valid values are none, backward, forward, full, \
                 backward_transitive, forward_transitive, and full_transitive";
    let wide = "Numeric value (99999999999) out of range of int (-2147483648 - 2147483647)";
    let no_list = "Cannot deserialize value of type `java.util.ArrayList<io.confluent.kafka.\
                   schemaregistry.client.rest.entities.SchemaReference>` from Object value (token \
                   `JsonToken.START_OBJECT`)";
    let no_number = "Cannot deserialize value of type `java.lang.Integer` from String \"x\": not a \
                     valid `java.lang.Integer` value";
    let not_next = "Version is not one more than previous version";
    let import = "Subject s in context  is not in import mode";
    let rows: &[(&str, &str, &str, u16, u64, &str)] = &[
        // Ids and numbers that are none.
        ("GET", "/schemas/ids/x", "", 404, 404, not_found),
        ("GET", "/schemas/ids/1.0", "", 404, 404, not_found),
        ("GET", "/schemas/ids/99999999999", "", 404, 404, not_found),
        ("GET", "/schemas/ids/x/schema", "", 404, 404, not_found),
        ("GET", "/schemas/ids/x/versions", "", 404, 404, not_found),
        ("GET", "/schemas/ids/-1", "", 404, 40403, "Schema -1 not found"),
        ("GET", "/schemas/ids/7", "", 404, 40403, "Schema 7 not found"),
        ("GET", "/schemas/guids/x", "", 404, 40403, "Schema x not found"),
        ("GET", "/subjects?offset=x", "", 404, 404, not_found),
        ("GET", "/schemas?limit=1.5", "", 404, 404, not_found),
        // Versions.
        ("GET", "/subjects/s/versions/first", "", 422, 42202, &first),
        ("GET", "/subjects/x/versions/first", "", 422, 42202, &first),
        ("GET", "/subjects/s/versions/0", "", 422, 42202, &zero),
        ("GET", "/subjects/s/versions/99999999999", "", 422, 42202, &big),
        ("DELETE", "/subjects/s/versions/first", "", 422, 42202, &first),
        ("GET", "/subjects/s/versions/first/referencedby", "", 422, 42202, &first),
        (
            "POST",
            "/compatibility/subjects/s/versions/first",
            r#"{"schema":"\"int\""}"#,
            422,
            42202,
            &first,
        ),
        ("GET", "/subjects/s/versions/2", "", 404, 40402, "Version 2 not found."),
        ("GET", "/subjects/x/versions/2", "", 404, 40401, "Subject 'x' not found."),
        ("GET", "/subjects/x/versions", "", 404, 40401, "Subject 'x' not found."),
        (
            "DELETE",
            "/subjects/gone",
            "",
            404,
            40404,
            "Subject 'gone' was soft deleted.Set permanent=true to delete permanently",
        ),
        (
            "DELETE",
            "/subjects/gone/versions/1",
            "",
            404,
            40406,
            "Subject 'gone' Version 1 was soft deleted.Set permanent=true to delete permanently",
        ),
        (
            "DELETE",
            "/subjects/s?permanent=true",
            "",
            404,
            40405,
            "Subject 's' was not deleted first before being permanently deleted",
        ),
        // Bodies.
        (
            "POST",
            "/subjects/s/versions",
            r#"{"schema":"\"long\"","version":3}"#,
            422,
            42201,
            not_next,
        ),
        (
            "POST",
            "/subjects/s/versions",
            r#"{"schema":"\"int\"","version":1}"#,
            422,
            42201,
            not_next,
        ),
        (
            "POST",
            "/subjects/n/versions",
            r#"{"schema":"\"int\"","version":"2"}"#,
            422,
            42201,
            not_next,
        ),
        ("POST", "/subjects/s/versions", r#"{"schema":"\"long\"","id":7}"#, 422, 42205, import),
        (
            "POST",
            "/subjects/s/versions",
            r#"{"schema":"\"int\"","version":99999999999}"#,
            400,
            400,
            wide,
        ),
        (
            "POST",
            "/subjects/s/versions",
            r#"{"schema":"\"int\"","version":"x"}"#,
            400,
            400,
            no_number,
        ),
        (
            "POST",
            "/subjects/s/versions",
            r#"{"schema":"\"int\"","references":{}}"#,
            400,
            400,
            no_list,
        ),
        ("POST", "/subjects/n/versions", "{}", 422, 42201, "Empty schema"),
        ("POST", "/subjects/s", "{}", 404, 40403, "Schema not found"),
        ("POST", "/subjects/x", "{}", 404, 40401, "Subject 'x' not found."),
        ("POST", "/compatibility/subjects/s/versions", "{}", 422, 42201, "Empty schema"),
        (
            "POST",
            "/subjects/s/versions",
            r#"{"schema":"1","schemaType":"XML"}"#,
            422,
            42201,
            "Invalid schema type XML",
        ),
        ("PUT", "/config/s", r#"{"compatibility":"SOME"}"#, 422, 42203, level),
        (
            "GET",
            "/config/s",
            "",
            404,
            40408,
            "Subject 's' does not have subject-level compatibility configured",
        ),
        (
            "GET",
            "/mode/s",
            "",
            404,
            40409,
            "Subject 's' does not have subject-level mode configured",
        ),
        (
            "POST",
            "/subjects/__GLOBAL/versions",
            r#"{"schema":"\"int\""}"#,
            422,
            42208,
            "The specified subject '__GLOBAL' is not a valid.",
        ),
        // Methods and paths.
        ("PATCH", "/subjects/s", "{}", 405, 405, "HTTP 405 Method Not Allowed"),
        ("BREW", "/subjects", "", 405, 405, "HTTP 405 Method Not Allowed"),
        ("POST", "/schemas/ids/1", "{}", 405, 405, "HTTP 405 Method Not Allowed"),
        ("GET", "/nowhere", "", 404, 404, not_found),
        ("GET", "/subjects/s/versions/1/nowhere", "", 404, 404, not_found),
    ];
    for (method, path, body, status, code, message) in rows {
        let answer = send(registry.address(), method, path, &[], body.as_bytes());
        assert_eq!(answer.error(), (*status, *code), "{method} {path} {body}: {answer:?}");
        assert_eq!(answer.json()["message"], *message, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn content_types_are_negotiated() {
    let registry = TestRegistry::start().await;
    let int = avro(&json!("int")).to_string();
    let accepted = [
        ("", V1),
        ("*/*", V1),
        ("application/*", V1),
        (V1, V1),
        (DEFAULT, DEFAULT),
        (JSON, JSON),
        ("Application/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ("text/html, application/json;q=0.9, */*;q=0.1", JSON),
        ("application/vnd.schemaregistry.v1+json;q=0.2,application/json;q=0.3", JSON),
        ("application/json, application/vnd.schemaregistry.v1+json", V1),
    ];
    for (accept, content_type) in accepted {
        let headers = [("Accept", accept)];
        let headers = if accept.is_empty() { &headers[..0] } else { &headers };
        for (path, status) in [("/subjects", 200), ("/subjects/x/versions", 404)] {
            let answer = send(registry.address(), "GET", path, headers, b"");
            let head = answer.head.to_lowercase();
            assert_eq!(answer.status, status, "{accept}: {answer:?}");
            assert!(
                head.contains(&format!("content-type: {content_type}\r\n")),
                "{accept}: {head}"
            );
        }
    }
    for accept in ["text/html", "application/xml", "*/*;q=0", "application/octet-stream", "json"] {
        let answer = send(registry.address(), "GET", "/subjects", &[("Accept", accept)], b"");
        assert_eq!(answer.error(), (406, 406), "{accept}");
        assert_eq!(answer.json()["message"], "HTTP 406 Not Acceptable");
    }
    for sent in [V1, DEFAULT, JSON, "application/octet-stream", "application/json;charset=UTF-8"] {
        let headers = [("Content-Type", sent)];
        let path = "/subjects/s/versions";
        let answer = send(registry.address(), "POST", path, &headers, int.as_bytes());
        assert_eq!(answer.json()["id"], 1, "{sent}: {answer:?}");
    }
    for sent in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json"] {
        for (method, path) in [("POST", "/subjects/s/versions"), ("PUT", "/config")] {
            let headers = [("Content-Type", sent)];
            let answer = send(registry.address(), method, path, &headers, int.as_bytes());
            assert_eq!(answer.error(), (415, 415), "{sent}");
            assert_eq!(answer.json()["message"], "HTTP 415 Unsupported Media Type");
        }
    }
    // What leads nowhere leads nowhere in every content type.
    let headers = [("Accept", "text/html"), ("Content-Type", "text/plain")];
    assert_eq!(send(registry.address(), "GET", "/nowhere", &headers, b"").error(), (404, 404));
    assert_eq!(send(registry.address(), "PATCH", "/subjects", &headers, b"").error(), (405, 405));
}

#[tokio::test]
async fn paths_may_end_with_a_slash_and_name_the_default_context() {
    let registry = TestRegistry::start().await;
    let int = avro(&json!("int"));
    registry.register("s", &int);
    registry.register("t", &avro(&json!("long")));
    let same: &[(&str, &[&str])] = &[
        ("/", &["/?x=1"]),
        (
            "/subjects",
            &[
                "/subjects/",
                "/subjects/?deleted=false",
                "/subjects?subjectPrefix=:*:",
                "/subjects?subjectPrefix=%3A.%3A",
                "/contexts/./subjects",
                "/contexts/:.:/subjects/",
            ],
        ),
        (
            "/subjects?subjectPrefix=t",
            &["/subjects?subjectPrefix=:*:t", "/subjects?subjectPrefix=:.:t"],
        ),
        (
            "/schemas?subjectPrefix=t",
            &["/schemas/?subjectPrefix=:*:t", "/schemas?subjectPrefix=:.:t"],
        ),
        (
            "/subjects/s/versions/1",
            &[
                "/subjects/s/versions/1/",
                "/subjects/:.:s/versions/1",
                "/subjects/:*:s/versions/latest/",
                "/subjects/%3A.%3As/versions/1",
                "/contexts/:.:/subjects/s/versions/1",
            ],
        ),
        ("/subjects/s/versions/1/referencedby", &["/subjects/:.:s/versions/1/referencedby/"]),
        ("/schemas/ids/1", &["/schemas/ids/1/", "/contexts/./schemas/ids/1"]),
        ("/schemas/types", &["/schemas/types/"]),
        ("/config", &["/config/", "/config/:.:", "/contexts/./config"]),
        ("/mode", &["/mode/", "/mode/:.:/"]),
        ("/config/s", &["/config/s/", "/config/:.:s"]),
        ("/contexts", &["/contexts/"]),
    ];
    for (path, others) in same {
        let expected = registry.get(path);
        for other in *others {
            let answer = registry.get(other);
            assert_eq!((answer.status, &answer.text), (expected.status, &expected.text), "{other}");
        }
    }
    assert_eq!(registry.post("/subjects/:.:s/versions/", &int).json()["id"], 1);
    assert_eq!(registry.post("/subjects/:.:s/", &int).json()["subject"], "s");
    assert_eq!(registry.post("/subjects/:*:n/versions", &int).json()["version"], 1);
    assert_eq!(registry.get("/subjects").json(), json!(["n", "s", "t"]));
    assert_eq!(registry.put("/config/:.:", &json!({ "compatibility": "FULL" })).status, 200);
    assert_eq!(registry.get("/config").json()["compatibilityLevel"], "FULL");
    assert_eq!(registry.delete("/subjects/:.:n/").json(), json!([1]));
    assert_eq!(registry.get("/subjects//").error(), (404, 404));
}

#[tokio::test]
async fn a_registration_may_leave_out_the_schema_and_say_the_version() {
    let registry = TestRegistry::start().await;
    registry.put("/config", &json!({ "compatibility": "NONE" }));
    registry.register("s", &avro(&json!("int")));
    // Without a schema, the latest one is meant.
    for body in [json!({}), json!({ "schema": " " }), json!({ "schema": null })] {
        let answer = registry.post("/subjects/s/versions", &body).json();
        assert_eq!((&answer["id"], &answer["version"]), (&json!(1), &json!(1)), "{body}");
    }
    for (version, expected) in [(json!(2), 2), (json!("3"), 3), (json!(0), 4), (json!(-1), 5)] {
        let schema = json!({ "type": "fixed", "name": format!("F{expected}"), "size": 1 });
        let mut body = avro(&schema);
        body["version"] = version;
        let answer: Value = registry.post("/subjects/s/versions", &body).json();
        assert_eq!(answer["version"], expected, "{body}: {answer}");
    }
}
