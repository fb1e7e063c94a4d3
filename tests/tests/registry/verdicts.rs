//! Asking a registry whether one schema may follow others.

use serde_json::{Value, json};

use crate::http::TestRegistry;

/// Registers `old` schemas under a new subject with its level, and asks whether `new` may follow.
/// What the check says and what a registration does must agree.
pub(crate) fn may_follow(
    registry: &TestRegistry,
    subject: &str,
    level: &str,
    old: &[Value],
    new: &Value,
) -> bool {
    let config = format!("/config/{subject}");
    assert_eq!(registry.put(&config, &json!({ "compatibility": "NONE" })).status, 200);
    for schema in old {
        registry.register(subject, schema);
    }
    assert_eq!(registry.put(&config, &json!({ "compatibility": level })).status, 200);
    is_allowed(registry, subject, new)
}

/// Asks whether `new` may follow what the subject has, and registers it: both must agree.
fn is_allowed(registry: &TestRegistry, subject: &str, new: &Value) -> bool {
    let check = format!("/compatibility/subjects/{subject}/versions?verbose=true");
    let checked = registry.post(&check, new);
    assert_eq!(checked.status, 200, "{subject}: {checked:?}");
    let answer = checked.json();
    let compatible = answer["is_compatible"].as_bool().expect("a verdict");
    let messages = answer["messages"].as_array().expect("verbose answers have reasons");
    assert_eq!(messages.is_empty(), compatible, "{subject}: {answer}");
    let registered = registry.post(&format!("/subjects/{subject}/versions"), new);
    assert_eq!(registered.status, if compatible { 200 } else { 409 }, "{subject}: {registered:?}");
    compatible
}

/// Checks rows of (what it is about, older schema, newer schema, whether the newer one reads what
/// the older one wrote) in both directions: BACKWARD as it stands, FORWARD with the two swapped.
///
/// The level is set once for each direction: a write takes the registry a transaction, and there
/// are hundreds of rows.
pub(crate) async fn check_rows(rows: &[(&str, &str, &str, bool)], body: impl Fn(&str) -> Value) {
    let registry = TestRegistry::start().await;
    let mut wrong = Vec::new();
    for level in ["BACKWARD", "FORWARD"] {
        assert_eq!(registry.put("/config", &json!({ "compatibility": level })).status, 200);
        for (index, (what, old, new, reads)) in rows.iter().enumerate() {
            let (first, second) = if level == "BACKWARD" { (old, new) } else { (new, old) };
            let subject = format!("{level}-{index}");
            registry.register(&subject, &body(first));
            let found = is_allowed(&registry, &subject, &body(second));
            if found != *reads {
                wrong.push(format!("{what}, {level}: expected {reads}, found {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
