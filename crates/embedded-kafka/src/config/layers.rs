//! The sources of a broker's setting: the dynamic value of the broker, the dynamic value of all
//! brokers, the value that the cluster was started with, and Kafka's default (KIP-226). The first
//! of them counts.

use std::collections::BTreeMap;

use super::apache::{self, Definition, Of};

/// Set for one broker while it ran.
pub(crate) const DYNAMIC_BROKER_CONFIG: i8 = 2;
/// Set for all brokers while they ran.
pub(crate) const DYNAMIC_DEFAULT_BROKER_CONFIG: i8 = 3;
/// Set when the broker was started.
pub(crate) const STATIC_BROKER_CONFIG: i8 = 4;
/// Kafka's default.
pub(crate) const DEFAULT_CONFIG: i8 = 5;

/// A setting with several names, the one that counts first: Kafka has some of them in several
/// units.
const SYNONYMS: &[&[(&str, i64)]] = &[
    &[
        ("log.retention.ms", 1),
        ("log.retention.minutes", 60_000),
        ("log.retention.hours", 3_600_000),
    ],
    &[("log.roll.ms", 1), ("log.roll.hours", 3_600_000)],
    &[("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", 3_600_000)],
    &[("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)],
];

/// The values of a broker's settings by name, as they were set.
pub(crate) type Given = BTreeMap<String, String>;

/// The values of one broker in each layer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers {
    pub(crate) own: Given,
    pub(crate) of_all: Given,
    pub(crate) started: Given,
}

/// A value of a setting in one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synonym {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) source: i8,
}

impl Layers {
    /// Returns the values of a setting in all layers, as Kafka lists them: one that has its value
    /// from a name in another unit shows none.
    pub(crate) fn synonyms(&self, name: &str) -> Vec<Synonym> {
        let names = names_of(name);
        let layers = [
            (&self.own, DYNAMIC_BROKER_CONFIG),
            (&self.of_all, DYNAMIC_DEFAULT_BROKER_CONFIG),
            (&self.started, STATIC_BROKER_CONFIG),
        ];
        let mut found = Vec::new();
        for (given, source) in layers {
            for &(name, _) in &names {
                if let Some(value) = given.get(name) {
                    found.push(Synonym { name: name.to_owned(), value: value.clone(), source });
                }
            }
        }
        for &(name, _) in &names {
            let default = apache::definition(Of::Broker, name).and_then(|it| it.default.clone());
            if let Some(value) = default {
                found.push(Synonym { name: name.to_owned(), value, source: DEFAULT_CONFIG });
            }
        }
        let first = found.iter().position(|it| it.name == name).unwrap_or(found.len());
        found.split_off(first)
    }

    /// Returns the value of a setting, as Kafka shows it, `None` if it has none.
    pub(crate) fn value(&self, definition: &Definition) -> Option<String> {
        let name = &definition.name;
        let default = definition.default.as_ref();
        let given = self.given(name).or(default)?;
        Some(definition.kind.normalize(name, given).unwrap_or_else(|_| given.clone()))
    }

    /// Returns the value of a setting under any of its names.
    pub(crate) fn effective(&self, name: &str) -> Option<String> {
        names_of(name).into_iter().find_map(|(name, unit)| {
            let value = self.value(apache::definition(Of::Broker, name)?)?;
            match value.parse::<i64>() {
                Ok(number) if unit > 1 => Some(number.saturating_mul(unit).to_string()),
                _ => Some(value),
            }
        })
    }

    /// Returns the value of a setting as a number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.effective(name)?.parse().ok()
    }

    fn given(&self, name: &str) -> Option<&String> {
        [&self.own, &self.of_all, &self.started].into_iter().find_map(|given| given.get(name))
    }
}

/// Returns the names of a setting with their units in ms, the first one first. A setting of one
/// listener stands for that of all.
fn names_of(name: &str) -> Vec<(&str, i64)> {
    if let Some(names) = SYNONYMS.iter().find(|names| names.iter().any(|(it, _)| *it == name)) {
        return names.to_vec();
    }
    match listener_setting(name) {
        Some(base) => vec![(name, 1), (base, 1)],
        None => vec![(name, 1)],
    }
}

/// Returns the setting after the prefix `listener.name.<listener>.`.
pub(crate) fn listener_setting(name: &str) -> Option<&str> {
    let (_listener, base) = name.strip_prefix("listener.name.")?.split_once('.')?;
    Some(base)
}

/// Returns the definition of a broker's setting; for one of a listener, that of all listeners.
pub(crate) fn broker_definition(name: &str) -> Option<&'static Definition> {
    apache::definition(Of::Broker, listener_setting(name).unwrap_or(name))
}

/// The defaults of a broker for its topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// Settings of topics other than Kafka's defaults.
    settings: BTreeMap<&'static str, String>,
    /// `producer.id.expiration.ms`, which no topic sets itself.
    pub(crate) producer_id_expiration_ms: i64,
}

impl Default for Inherited {
    fn default() -> Self {
        Self { settings: BTreeMap::new(), producer_id_expiration_ms: 86_400_000 }
    }
}

impl Inherited {
    /// Returns the defaults of a broker with these settings for its topics.
    pub(crate) fn of(layers: &Layers) -> Self {
        let inherited = apache::definitions(Of::Topic).filter_map(|topic| {
            let value = layers.effective(topic.node.as_deref()?)?;
            // Brokers accept some values that topics reject, and treat them as the nearest valid
            // ones.
            let value = match topic.kind.normalize(&topic.name, &value) {
                Ok(value) => value,
                Err(_) if value.starts_with('-') => "-1".to_owned(),
                Err(_) => return None,
            };
            (topic.default.as_ref() != Some(&value)).then_some((&*topic.name, value))
        });
        let default = Self::default().producer_id_expiration_ms;
        Self {
            settings: inherited.collect(),
            producer_id_expiration_ms: layers
                .number("producer.id.expiration.ms")
                .unwrap_or(default),
        }
    }

    pub(crate) fn get(&self, topic_setting: &str) -> Option<&str> {
        self.settings.get(topic_setting).map(String::as_str)
    }
}

/// The defaults that topics inherit at each broker: those that differ have an entry of their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct HandedDown {
    pub(crate) of_all: Inherited,
    pub(crate) of_nodes: BTreeMap<i32, Inherited>,
}

impl HandedDown {
    /// Returns the defaults that follow from the properties that the cluster was started with, and
    /// from the dynamic settings, by the name of the broker.
    pub(crate) fn of(started: &Given, overrides: &BTreeMap<String, Given>) -> Self {
        let layers = |own: &Given| Layers {
            own: own.clone(),
            of_all: overrides.get("").cloned().unwrap_or_default(),
            started: started.clone(),
        };
        let of_all = Inherited::of(&layers(&Given::new()));
        let of_nodes = overrides
            .iter()
            .filter_map(|(name, own)| Some((name.parse().ok()?, Inherited::of(&layers(own)))))
            .filter(|(_, inherited)| *inherited != of_all)
            .collect();
        Self { of_all, of_nodes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(entries: &[(&str, &str)]) -> Given {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn shown(layers: &Layers, name: &str) -> Vec<(String, String, i8)> {
        layers.synonyms(name).into_iter().map(|it| (it.name, it.value, it.source)).collect()
    }

    fn row(name: &str, value: &str, source: i8) -> (String, String, i8) {
        (name.to_owned(), value.to_owned(), source)
    }

    /// Compares with the list of Apache Kafka 4.4.
    #[test]
    fn the_nearest_value_counts_and_the_others_are_its_synonyms() {
        let mut layers = Layers::default();
        assert_eq!(shown(&layers, "log.retention.ms"), []);
        assert_eq!(shown(&layers, "log.retention.hours"), [row("log.retention.hours", "168", 5)]);
        assert_eq!(layers.number("log.retention.ms"), Some(604_800_000));
        layers.of_all = given(&[("log.retention.ms", "222000")]);
        layers.own = given(&[("log.retention.ms", " 111000 ")]);
        let expected = [
            row("log.retention.ms", " 111000 ", 2),
            row("log.retention.ms", "222000", 3),
            row("log.retention.hours", "168", 5),
        ];
        assert_eq!(shown(&layers, "log.retention.ms"), expected);
        assert_eq!(layers.number("log.retention.ms"), Some(111_000));
    }

    #[test]
    fn a_value_in_another_unit_counts_without_one_in_ms() {
        let started = given(&[("log.retention.minutes", "2"), ("log.retention.hours", "1")]);
        let layers = Layers { started, ..Layers::default() };
        assert_eq!(layers.number("log.retention.ms"), Some(120_000));
        assert_eq!(Inherited::of(&layers).get("retention.ms"), Some("120000"));
    }

    #[test]
    fn topics_inherit_what_differs_from_kafkas_defaults() {
        assert_eq!(Inherited::of(&Layers::default()), Inherited::default());
        let of_all = given(&[("message.max.bytes", "1000"), ("log.retention.ms", "-7")]);
        let inherited = Inherited::of(&Layers { of_all, ..Layers::default() });
        assert_eq!(inherited.get("max.message.bytes"), Some("1000"));
        assert_eq!(inherited.get("retention.ms"), Some("-1"));
        assert_eq!(inherited.get("segment.bytes"), None);
    }
}
