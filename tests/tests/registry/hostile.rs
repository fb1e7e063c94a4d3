//! Requests that no client of good will sends: the registry answers with an error, and goes on.

use serde_json::json;

use crate::http::{TestRegistry, avro, send, send_raw};

#[tokio::test]
async fn bodies_that_are_none_are_answered_with_an_error_in_json() {
    let registry = TestRegistry::start().await;
    let deep = "[".repeat(100_000);
    let rows: &[(&[u8], (u16, u64))] = &[
        (b"", (422, 422)),
        (b"null", (422, 422)),
        (b"{", (400, 400)),
        (b"\xff\xfe", (400, 400)),
        (deep.as_bytes(), (400, 400)),
        (b"[]", (400, 400)),
        (b"\"schema\"", (400, 400)),
        (br#"{"schema": 1}"#, (422, 42201)),
        (br#"{"schema": {}}"#, (400, 400)),
        (br#"{"schema": "\"int\"", "references": {}}"#, (400, 400)),
        (br#"{"schema": "\"int\"", "version": 99999999999}"#, (400, 400)),
        (b"{}", (422, 42201)),
        (br#"{"schema": null}"#, (422, 42201)),
        (br#"{"schema": "\"int\"", "schemaType": "XML"}"#, (422, 42201)),
        (
            br#"{"schema": "\"int\"", "references": [{"name": "a", "subject": "b", "version": 1}]}"#,
            (422, 42201),
        ),
    ];
    for (body, expected) in rows {
        for path in ["/subjects/s/versions", "/compatibility/subjects/s/versions"] {
            let answer = send(registry.address(), "POST", path, &[], body);
            assert_eq!(answer.error(), *expected, "{path} {:?}", body.get(..80));
        }
    }
    assert_eq!(registry.get("/subjects").json(), json!([]));
    assert_eq!(registry.register("s", &avro(&json!("int"))), 1);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let registry = TestRegistry::start().await;
    let fits = format!(r#"{{"schema": "\"int\"", "padding": "{}"}}"#, "x".repeat(1_000_000));
    let path = "/subjects/s/versions";
    assert_eq!(send(registry.address(), "POST", path, &[], fits.as_bytes()).status, 200);
    let too_large = format!(r#"{{"schema": "\"int\"", "padding": "{}"}}"#, "x".repeat(1 << 20));
    let refused = send(registry.address(), "POST", path, &[], too_large.as_bytes());
    assert_eq!(refused.error(), (413, 413));
    // A length that is claimed and does not come takes no memory, and no answer waits for it.
    let claimed = "POST /subjects/s/versions HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n";
    assert!(send_raw(registry.address(), claimed.as_bytes()).starts_with("HTTP/1.1 413"));
    let chunks = format!(
        "POST {path} HTTP/1.1\r\nHost: r\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        too_large.len(),
        too_large
    );
    assert!(send_raw(registry.address(), chunks.as_bytes()).starts_with("HTTP/1.1 413"));
    assert_eq!(registry.get("/subjects").json(), json!(["s"]));
}

#[tokio::test]
async fn bytes_that_are_no_http_do_no_harm() {
    let registry = TestRegistry::start().await;
    for bytes in [&b"\0\0\0\x12"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", &[0xff; 5_000]] {
        assert!(!send_raw(registry.address(), bytes).starts_with("HTTP/1.1 2"), "{bytes:?}");
    }
    let header = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    assert!(!send_raw(registry.address(), header.as_bytes()).starts_with("HTTP/1.1 2"));
    assert_eq!(registry.get("/subjects").status, 200);
}

#[tokio::test]
async fn paths_and_methods_that_lead_nowhere_have_an_error_in_json() {
    let registry = TestRegistry::start().await;
    registry.register("s", &avro(&json!("int")));
    let rows = [
        ("GET", "/nowhere", (404, 404)),
        ("GET", "/subjects/s/versions/1/nowhere", (404, 404)),
        ("PUT", "/subjects/s", (405, 405)),
        ("DELETE", "/schemas/ids/1", (405, 405)),
        ("GET", "/schemas/ids/x", (404, 404)),
        ("GET", "/schemas/ids/99999999999", (404, 404)),
        ("GET", "/subjects/%ff/versions", (400, 400)),
        ("GET", "/subjects/a%00b/versions", (422, 42208)),
        ("POST", "/subjects/%20/versions", (422, 42208)),
        ("GET", "/subjects/s/versions/0", (422, 42202)),
        ("GET", "/subjects/s/versions/-2", (422, 42202)),
        ("GET", "/subjects/s/versions/first", (422, 42202)),
        ("GET", "/subjects/s/versions/99999999999", (422, 42202)),
    ];
    for (method, path, expected) in rows {
        let answer = send(registry.address(), method, path, &[], b"{\"schema\":\"\\\"int\\\"\"}");
        assert_eq!(answer.error(), expected, "{method} {path}: {answer:?}");
        assert!(answer.head.contains("application/vnd.schemaregistry.v1+json"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_subject_may_have_any_name_that_can_be_written_in_a_path() {
    let registry = TestRegistry::start().await;
    for (name, path) in
        [("a/b", "a%2Fb"), ("ä b", "%C3%A4%20b"), ("..", "%2E%2E"), ("{x}", "%7Bx%7D")]
    {
        registry.register(path, &avro(&json!("int")));
        assert_eq!(registry.get(&format!("/subjects/{path}/versions/1")).json()["subject"], name);
    }
}

#[tokio::test]
async fn schemas_that_go_very_deep_or_very_wide_are_answered() {
    let registry = TestRegistry::start().await;
    let chain: Vec<String> = (0..5_000)
        .map(|n| format!(r##""d{n}": {{"items": {{"$ref": "#/definitions/d{}"}}}}"##, n + 1))
        .collect();
    let chain = format!(
        r##"{{"$ref": "#/definitions/d0", "definitions": {{{}, "d5000": {{}}}}}}"##,
        chain.join(",")
    );
    let wide = |last: &str| {
        let branch = |n: usize| format!(r#"{{"properties": {{"p{n}": {{"const": {n}}}}}}}"#);
        let branches: Vec<String> = (0..500).map(branch).collect();
        format!(r#"{{"oneOf": [{}, {last}]}}"#, branches.join(","))
    };
    let messages = format!("syntax = \"proto3\"; {}", "message A {".repeat(50_000));
    let fields: Vec<String> = (1..5_000).map(|n| format!("A f{n} = {n};")).collect();
    let many_fields = format!("syntax = \"proto3\"; message A {{ {} }}", fields.join(" "));
    let rows = [
        ("JSON", chain, 422),
        ("JSON", wide("{}"), 200),
        ("JSON", wide("true"), 409),
        ("PROTOBUF", messages, 422),
        ("PROTOBUF", many_fields, 200),
    ];
    for (schema_type, schema, status) in rows {
        let body = json!({ "schemaType": schema_type, "schema": schema });
        let answer = registry.post(&format!("/subjects/{schema_type}/versions"), &body);
        assert!([200, status].contains(&answer.status), "{schema_type}: {}", answer.status);
    }
    assert_eq!(registry.get("/").status, 200);
}
