//! Which change passes under which rule: each is tried at the registry, and nothing is assumed.

use anyhow::Result;
use serdes::{Compatibility, RegistryClient, Schema};

/// A change: the versions that are there, and the one that is to follow. Each is the list of a
/// record's fields.
struct Change {
    name: &'static str,
    history: &'static [&'static str],
    next: &'static str,
}

const FLIGHT: &str = r#"{"name":"flight","type":"string"}"#;
const WITH_GATE: &str = r#"{"name":"flight","type":"string"},{"name":"gate","type":"string"}"#;
const WITH_DEFAULT: &str =
    r#"{"name":"flight","type":"string"},{"name":"gate","type":"string","default":"?"}"#;
const WITH_DOOR: &str = r#"{"name":"flight","type":"string"},{"name":"door","type":"string"}"#;
const INT: &str = r#"{"name":"at","type":"int"}"#;
const LONG: &str = r#"{"name":"at","type":"long"}"#;

const CHANGES: [Change; 8] = [
    Change { name: "add a field with a default", history: &[FLIGHT], next: WITH_DEFAULT },
    Change { name: "add a field without one", history: &[FLIGHT], next: WITH_GATE },
    Change { name: "remove a field with a default", history: &[WITH_DEFAULT], next: FLIGHT },
    Change { name: "remove a field without one", history: &[WITH_GATE], next: FLIGHT },
    Change { name: "rename a field", history: &[WITH_GATE], next: WITH_DOOR },
    Change { name: "int becomes long", history: &[INT], next: LONG },
    Change {
        name: "add with a default, then without",
        history: &[FLIGHT, WITH_DEFAULT],
        next: WITH_GATE,
    },
    Change {
        name: "give a default, then remove field",
        history: &[WITH_GATE, WITH_DEFAULT],
        next: FLIGHT,
    },
];

/// All but `NONE`, under which anything may follow.
const LEVELS: [Compatibility; 6] = [
    Compatibility::Backward,
    Compatibility::BackwardTransitive,
    Compatibility::Forward,
    Compatibility::ForwardTransitive,
    Compatibility::Full,
    Compatibility::FullTransitive,
];

fn schema(fields: &str) -> Schema {
    Schema::avro(&format!(r#"{{"type":"record","name":"Departure","fields":[{fields}]}}"#))
}

/// The subjects that [`print`] makes.
pub(crate) fn subjects(topic: &str) -> Vec<String> {
    (0..CHANGES.len()).map(|number| format!("{topic}-change-{number}")).collect()
}

pub(crate) async fn print(registry: &RegistryClient, topic: &str) -> Result<()> {
    // Each change has a subject of its own, so they are tried at once.
    let rows = CHANGES.iter().zip(subjects(topic)).map(|(change, subject)| {
        let registry = registry.clone();
        tokio::spawn(async move { row(&registry, &subject, change).await })
    });
    let rows: Vec<_> = rows.collect();
    println!("\n{:<36}BACKWARD    FORWARD     FULL", "");
    println!("{:<34}{}", "compared with the versions", "  last   all".repeat(3));
    for row in rows {
        println!("{}", row.await??);
    }
    Ok(())
}

async fn row(registry: &RegistryClient, subject: &str, change: &Change) -> Result<String> {
    let mut row = format!("{:<34}", change.name);
    // ANCHOR: verdicts
    for fields in change.history {
        registry.register(subject, &schema(fields)).await?;
    }
    for level in LEVELS {
        registry.set_compatibility(subject, level).await?;
        let reasons = registry.incompatibilities(subject, &schema(change.next)).await?;
        row.push_str(if reasons.is_empty() { "   yes" } else { "    no" });
    }
    // ANCHOR_END: verdicts
    Ok(row)
}
