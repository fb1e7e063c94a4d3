//! Checks exercises/17-protobuf-delay: a second message in a file, which old readers do not notice.

use prost_reflect::ReflectMessage;
use serdes::{Compatibility, ProtobufDeserializer, Schema, prefix};

use crate::exercise::{Exercise, scene};
use crate::stage::Stage;

pub(crate) const EXERCISE: Exercise = Exercise {
    chapter: 17,
    slug: "protobuf-delay",
    title: "add a message to a Protobuf file while old readers are running",
    uses_schemas: true,
    scenes: &[scene!("with an old and a new reader", AnyEngine, two_readers)],
};

/// The file that old readers have.
const OLD: &str = r#"
syntax = "proto3";

package aero;

message Departure {
  string flight = 1;
  string to = 2;
}
"#;
const THE_CODE: &str = "17-protobuf.md#the-code";
/// The place of the first message in a file, in the byte after the id.
const FIRST: u8 = 0;

async fn two_readers(stage: &mut Stage) -> anyhow::Result<()> {
    let registry = stage.registry().await?;
    let topic = stage.topic("TOPIC", "departures", 1).await?;
    let (subject, old) = (format!("{topic}-value"), Schema::protobuf(OLD));
    registry.register(&subject, std::slice::from_ref(&old)).await?;
    registry.client().set_compatibility(&subject, Compatibility::Backward).await?;
    let old_id = registry.client().look_up(&subject, &old).await?;
    stage.run_to_the_end().await?;

    let deserializer = ProtobufDeserializer::new(registry.client());
    let (mut read_by_old, mut read_by_new) = (Vec::new(), Vec::new());
    let records = stage.broker().records(&topic).await?;
    for record in records.iter() {
        let value = record.value.clone().unwrap_or_default();
        let flight = record.key.clone().unwrap_or_default();
        // The old reader knows its own file only, whatever the id says.
        if let [_, _, _, _, _, FIRST, ..] = value[..]
            && let Ok(departure) = deserializer.dynamic(&prefix::join(old_id, &value[5..])).await
        {
            let fields = ["flight", "to"].map(|name| departure.get_field_by_name(name));
            let fields = fields.map(|it| it.and_then(|it| it.as_str().map(str::to_owned)));
            read_by_old.push(fields.map(Option::unwrap_or_default).join(" "));
        }
        if let Ok(message) = deserializer.dynamic(&value).await
            && message.descriptor().full_name() == "aero.Delay"
        {
            let minutes = message.get_field_by_name("minutes").and_then(|it| it.as_u32());
            let of_flight = message.get_field_by_name("flight");
            if of_flight.is_some_and(|it| it.as_str() == Some(&flight)) && minutes == Some(35) {
                read_by_new.push(flight);
            }
        }
    }
    stage
        .point("an old reader gets the three departures as before, and nothing else")
        .why("A record says only the place of its message in the file. Readers rely on that place.")
        .read(THE_CODE)
        .holds(
            read_by_old == ["AA1 LHR", "AA2 NRT", "AA3 SIN"],
            format!("{read_by_old:?}"),
            r#"["AA1 LHR", "AA2 NRT", "AA3 SIN"]"#,
        );
    stage
        .point("a new reader gets a delay of each flight")
        .why("The message is aero.Delay, and its key keeps it in order with its departure.")
        .read(THE_CODE)
        .holds(
            read_by_new == ["AA1", "AA2", "AA3"],
            format!("{read_by_new:?}"),
            r#"["AA1", "AA2", "AA3"]"#,
        );
    let versions = registry.versions().await?;
    stage
        .point("the file is the second version of the topic's subject")
        .why("Under a subject of its own, no one compares the new file with the old one.")
        .read("17-protobuf.md#in-production")
        .holds(
            versions == [(subject.clone(), vec![1, 2])],
            format!("{versions:?}"),
            format!("[({subject:?}, [1, 2])]"),
        );
    Ok(())
}
