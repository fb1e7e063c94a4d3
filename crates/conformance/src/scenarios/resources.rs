//! Lists the resources that have settings, or can have them (ListConfigResources, KIP-1142).

use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, ListConfigResourcesRequest};
use wire_client::requests::text;

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("resources":
    of_version_0,
    topics,
    nodes,
    loggers_of_nodes,
    groups,
    groups_with_settings,
    client_metrics,
    of_several_types,
    of_no_type,
    of_an_unknown_type,
    of_a_type_of_nothing,
    of_a_known_and_an_unknown_type,
    of_a_type_named_twice,
);

/// Returns the error, and the number of resources of each type: all nodes, but of other types only
/// those of this scenario.
fn listed(scene: &Scene, version: i16, types: &[i8]) -> Outcome {
    let request = ListConfigResourcesRequest::default().with_resource_types(types.to_vec());
    let answer = scene.node()?.try_call(version, &request)?;
    let own = scene.name("");
    let mut counts = std::collections::BTreeMap::<i8, usize>::new();
    for it in &answer.config_resources {
        let is_node = [4, 8].contains(&it.resource_type);
        if is_node || it.resource_name.starts_with(&own) || it.resource_name.is_empty() {
            *counts.entry(it.resource_type).or_default() += 1;
        }
    }
    let counts = counts.iter().map(|(kind, count)| format!("{count} of type {kind}"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    Ok(format!("{}; {counts}", name(answer.error_code)))
}

fn of_version_0(scene: &Scene) -> Outcome {
    scene.topic(1)?;
    listed(scene, 0, &[])
}

fn topics(scene: &Scene) -> Outcome {
    scene.topic(1)?;
    scene.topic(1)?;
    listed(scene, 1, &[2])
}

fn nodes(scene: &Scene) -> Outcome {
    listed(scene, 1, &[4])
}

fn loggers_of_nodes(scene: &Scene) -> Outcome {
    listed(scene, 1, &[8])
}

fn groups(scene: &Scene) -> Outcome {
    let group = scene.group();
    let topic = scene.topic(1)?;
    let request = wire_client::requests::commit(&group, &topic, 0, 1, "");
    scene.coordinator(&group)?.try_call(8, &request)?;
    listed(scene, 1, &[32])
}

/// Changes a setting of a group, or resets it.
fn set(scene: &Scene, group: &str, value: Option<&str>) -> Result<(), Failure> {
    let setting = AlterableConfig::default()
        .with_name(text("consumer.session.timeout.ms"))
        .with_config_operation(i8::from(value.is_none()))
        .with_value(value.map(text));
    let resource = AlterConfigsResource::default()
        .with_resource_type(32)
        .with_resource_name(text(group))
        .with_configs(vec![setting]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    scene.node()?.try_call(1, &request)?;
    Ok(())
}

fn groups_with_settings(scene: &Scene) -> Outcome {
    let group = scene.group();
    set(scene, &group, Some("50000"))?;
    let told = scene.until("the group is listed", || {
        let told = listed(scene, 1, &[32])?;
        Ok(told.contains("of type").then_some(told))
    })?;
    set(scene, &group, None)?;
    let after = scene.until("the group is not listed", || {
        let told = listed(scene, 1, &[32])?;
        Ok((!told.contains("of type")).then_some(told))
    })?;
    Ok(format!("{told}; without: {after}"))
}

fn client_metrics(scene: &Scene) -> Outcome {
    listed(scene, 1, &[16])
}

fn of_several_types(scene: &Scene) -> Outcome {
    scene.topic(1)?;
    listed(scene, 1, &[8, 2, 4])
}

fn of_no_type(scene: &Scene) -> Outcome {
    scene.topic(1)?;
    listed(scene, 1, &[])
}

fn of_an_unknown_type(scene: &Scene) -> Outcome {
    listed(scene, 1, &[7])
}

fn of_a_type_of_nothing(scene: &Scene) -> Outcome {
    listed(scene, 1, &[0])
}

fn of_a_known_and_an_unknown_type(scene: &Scene) -> Outcome {
    listed(scene, 1, &[2, 7])
}

fn of_a_type_named_twice(scene: &Scene) -> Outcome {
    scene.topic(1)?;
    listed(scene, 1, &[2, 2])
}
