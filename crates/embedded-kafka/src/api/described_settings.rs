//! The settings of topics, nodes, groups and subscriptions, each as a row with its source, its
//! synonyms, its type and its documentation.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsSynonym,
};
use kafka_protocol::protocol::StrBytes;

use crate::config::apache::{Definition, Of, Update};
use crate::config::layers::{
    DEFAULT_CONFIG, DYNAMIC_DEFAULT_BROKER_CONFIG, Given, Synonym, broker_definition,
};
use crate::config::{Kind, Layers, TOPIC_SETTINGS, TopicConfig, TopicSetting, apache};

/// The source of a setting of the topic itself.
const DYNAMIC_TOPIC_CONFIG: i8 = 1;
/// The source of a setting of the client metrics subscription itself.
pub(super) const DYNAMIC_CLIENT_METRICS_CONFIG: i8 = 7;
/// The source of a setting of the consumer group itself.
pub(super) const DYNAMIC_GROUP_CONFIG: i8 = 8;

/// Describes every setting of a topic, with its value and its source.
pub(super) fn describe_settings(
    config: &TopicConfig,
    layers: &Layers,
) -> Vec<DescribeConfigsResourceResult> {
    let row = |setting: &TopicSetting| {
        let definition = apache::definition(Of::Topic, setting.name)?;
        let own = config.overrides().get(setting.name);
        let own = own.map(|value| synonym(setting.name, Some(value), DYNAMIC_TOPIC_CONFIG));
        let inherited = definition.node.as_deref().map(|name| node_synonyms(name, layers));
        let synonyms = own.into_iter().chain(inherited.into_iter().flatten()).collect();
        Some(row(definition, Some(config.value_of(setting).to_owned()), synonyms))
    };
    TOPIC_SETTINGS.iter().filter_map(row).collect()
}

/// Describes every setting of a node, and the unknown ones that were set for it.
pub(super) fn describe_node(layers: &Layers) -> Vec<DescribeConfigsResourceResult> {
    let given: BTreeSet<&String> = [&layers.own, &layers.of_all, &layers.started]
        .into_iter()
        .flat_map(BTreeMap::keys)
        .collect();
    let known = apache::definitions(Of::Broker);
    let known = known.filter(|it| !it.hidden && !given.contains(&it.name)).map(|it| &it.name);
    let names: BTreeSet<&String> = given.iter().copied().chain(known).collect();
    names.into_iter().map(|name| node_row(name, layers, node_synonyms(name, layers))).collect()
}

/// Describes the dynamic settings of all nodes.
pub(super) fn describe_all_nodes(layers: &Layers) -> Vec<DescribeConfigsResourceResult> {
    let row = |(name, value): (&String, &String)| {
        let own = Layers { of_all: layers.of_all.clone(), ..Layers::default() };
        let mut synonyms = node_synonyms(name, &own);
        synonyms.retain(|it| it.source == DYNAMIC_DEFAULT_BROKER_CONFIG);
        let mut row = node_row(name, &own, synonyms);
        row.value = row.value.map(|_| text(value));
        row
    };
    layers.of_all.iter().map(row).collect()
}

/// Describes a setting of a node. One that Kafka does not define may be a plugin's secret, so its
/// value is not shown.
fn node_row(
    name: &str,
    layers: &Layers,
    synonyms: Vec<DescribeConfigsSynonym>,
) -> DescribeConfigsResourceResult {
    let is_dynamic = |it: &&Definition| it.name == name && it.update != Update::ReadOnly;
    let Some(definition) = broker_definition(name) else {
        let row = described(name, None, synonyms).with_documentation(None);
        return row.with_is_sensitive(true).with_read_only(true);
    };
    let is_sensitive = definition.kind == Kind::Password;
    // A setting without a definition is shown as it was set.
    let value = if definition.name == name && !definition.hidden {
        layers.value(definition)
    } else {
        synonyms.first().and_then(|it| it.value.as_deref().map(str::to_owned))
    };
    let documentation = definition.doc.as_deref().filter(|_| definition.name == name);
    described(name, value.filter(|_| !is_sensitive), synonyms)
        .with_is_sensitive(is_sensitive)
        .with_read_only(Some(definition).filter(is_dynamic).is_none())
        .with_config_type(definition.kind.type_id())
        .with_documentation(documentation.map(text))
}

/// Describes a setting of a consumer group, or of a client metrics subscription.
pub(super) fn own_row(
    definition: &Definition,
    own: &Given,
    own_source: i8,
    layers: &Layers,
) -> DescribeConfigsResourceResult {
    let own = own.get(&definition.name);
    let own = own.map(|value| synonym(&definition.name, Some(value), own_source));
    let inherited = definition.node.as_deref().map(|name| match broker_definition(name) {
        Some(_) => node_synonyms(name, layers),
        // Brokers have this default and do not show it.
        None => vec![synonym(name, definition.default.as_deref(), DEFAULT_CONFIG)],
    });
    let synonyms: Vec<_> = own.into_iter().chain(inherited.into_iter().flatten()).collect();
    let first = synonyms.first().and_then(|it| it.value.as_deref().map(str::to_owned));
    row(definition, first.or_else(|| definition.default.clone()), synonyms)
}

fn row(
    definition: &Definition,
    value: Option<String>,
    synonyms: Vec<DescribeConfigsSynonym>,
) -> DescribeConfigsResourceResult {
    described(&definition.name, value, synonyms)
        .with_config_type(definition.kind.type_id())
        .with_documentation(definition.doc.as_deref().map(text))
}

/// Makes a row, whose source is that of its nearest value.
fn described(
    name: &str,
    value: Option<String>,
    synonyms: Vec<DescribeConfigsSynonym>,
) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult::default()
        .with_name(text(name))
        .with_value(value.map(StrBytes::from_string))
        .with_config_source(synonyms.first().map_or(DEFAULT_CONFIG, |it| it.source))
        .with_synonyms(synonyms)
}

fn node_synonyms(name: &str, layers: &Layers) -> Vec<DescribeConfigsSynonym> {
    let is_secret = broker_definition(name).is_none_or(|it| it.kind == Kind::Password);
    let shown = |it: Synonym| {
        let value = Some(it.value.as_str()).filter(|_| !is_secret);
        synonym(&it.name, value, it.source)
    };
    layers.synonyms(name).into_iter().map(shown).collect()
}

fn synonym(name: &str, value: Option<&str>, source: i8) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym::default()
        .with_name(text(name))
        .with_value(value.map(text))
        .with_source(source)
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
