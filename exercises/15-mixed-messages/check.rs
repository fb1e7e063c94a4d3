//! Checks exercises/15-mixed-messages: a verdict on each message, with and without a schema.

use std::collections::BTreeSet;

use serdes::{Schema, prefix};

use crate::exercise::{Exercise, scene};
use crate::seed::Seed;
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 15,
    slug: "mixed-messages",
    title: "read a topic with old messages without a schema, and count the invalid ones",
    uses_schemas: true,
    scenes: &[scene!("a topic with both kinds", AnyEngine, mixed)],
};

const THE_CODE: &str = "15-json-schema.md#the-code";
const IN_PRODUCTION: &str = "15-json-schema.md#in-production";

/// Returns version 1, or version 2, which requires a gate.
fn schema(required: &str) -> Schema {
    let text = r#"{"type": "object", "additionalProperties": false, "required": [REQUIRED],
        "properties": {"flight": {"type": "string"}, "at": {"type": "integer"}, "gate": {"type": "string"}}}"#;
    Schema::json(&text.replace("REQUIRED", required))
}

/// A departure, which differs from all others in its time.
fn departure(at: usize, gate: bool) -> Vec<u8> {
    let gate = if gate { r#", "gate": "B22""# } else { "" };
    format!(r#"{{"flight": "AA1", "at": {at}{gate}}}"#).into_bytes()
}

/// The values of one kind that are valid, and those that are not.
struct Kind {
    valid: Vec<Vec<u8>>,
    invalid: Vec<Vec<u8>>,
}

impl Kind {
    fn len(&self) -> usize {
        self.valid.len() + self.invalid.len()
    }
}

fn prefixed(old: serdes::SchemaId, new: serdes::SchemaId) -> Kind {
    let without = (0..6).map(|it| prefix::join(old, &departure(it, false)));
    let with = (6..10).map(|it| prefix::join(new, &departure(it, true)));
    let unknown = prefix::join(serdes::SchemaId(999_999), &departure(11, true));
    Kind {
        valid: without.chain(with).collect(),
        invalid: vec![prefix::join(new, &departure(10, false)), unknown],
    }
}

fn plain() -> Kind {
    let mut valid: Vec<Vec<u8>> = (20..27).map(|it| departure(it, true)).collect();
    valid.push([b" ", &departure(27, true)[..]].concat());
    let mut invalid: Vec<Vec<u8>> = (30..35).map(|it| departure(it, false)).collect();
    invalid.extend(["not JSON", "42", ""].map(|it| it.as_bytes().to_vec()));
    Kind { valid, invalid }
}

async fn mixed(stage: &mut Stage) -> anyhow::Result<()> {
    let registry = stage.registry().await?;
    let topic = stage.topic("TOPIC", "departures", 1).await?;
    let (invalid, counts) =
        (stage.topic("INVALID", "invalid", 1).await?, stage.topic("COUNTS", "counts", 1).await?);
    let (subject, versions) = (
        format!("{topic}-value"),
        [schema(r#""flight", "at""#), schema(r#""flight", "at", "gate""#)],
    );
    registry.register(&subject, &versions).await?;
    let [old, new] = versions;
    let ask = registry.client();
    let prefixed = prefixed(ask.look_up(&subject, &old).await?, ask.look_up(&subject, &new).await?);
    let plain = plain();
    let values = [&plain.valid, &prefixed.valid, &plain.invalid, &prefixed.invalid];
    let values = values.into_iter().flatten().cloned().enumerate();
    let mut seeds: Vec<Seed> =
        values.map(|(number, value)| Seed::new(value).key(format!("message-{number}"))).collect();
    seeds.insert(9, Seed::tombstone("message-0"));
    stage.send(&topic, seeds).await?;

    stage.run_to_the_end().await?;
    let found = stage.broker().records(&invalid).await?;
    let values: BTreeSet<Vec<u8>> = found.iter().filter_map(|it| it.value.clone()).collect();
    let rows = [
        (
            &prefixed,
            "a message with a prefix is judged by the version that its id names",
            "Old messages were valid when they were written, and their readers still know how.",
        ),
        (
            &plain,
            "a plain message is judged by the latest version of the subject",
            "Without an id, the only contract is what readers expect today.",
        ),
    ];
    for (kind, asked, why) in rows {
        let wrongly = kind.valid.iter().filter(|it| values.contains(*it)).count();
        let caught = kind.invalid.iter().filter(|it| values.contains(*it)).count();
        stage.point(asked).why(why).read(THE_CODE).holds(
            wrongly == 0 && caught == kind.invalid.len(),
            format!("{caught} invalid ones in INVALID, and {wrongly} valid ones"),
            format!("{} invalid ones in INVALID, and 0 valid ones", kind.invalid.len()),
        );
    }
    let keyed =
        found.iter().filter(|it| it.key.as_ref().is_some_and(|it| it.starts_with("message-")));
    let keyed = keyed.count();
    stage
        .point("an invalid message keeps its key")
        .why("The key says whose message it is, and perhaps it is all that can be read.")
        .read("25-dead-letters.md#the-code")
        .equals(keyed, found.len(), "messages");
    let counted = stage.broker().records(&counts).await?;
    let wanted = serde_json::json!({
        "prefixed": prefixed.len(),
        "plain": plain.len(),
        "invalid": prefixed.invalid.len() + plain.invalid.len(),
    });
    let holds = counted.len() == 1 && counted.iter().all(|it| it.json() == wanted);
    stage
        .point("COUNTS has the number of messages of each kind")
        .why("A topic is clean enough to drop the plain ones when their number says so.")
        .read(IN_PRODUCTION)
        .holds(holds, counted.texts().join(" "), wanted.to_string());
    Ok(())
}
