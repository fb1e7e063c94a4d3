//! JSON whose objects keep the order that they were written in: Java prints a schema in that order,
//! and `serde_json::Value` sorts its names.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

#[derive(Debug)]
pub(super) enum Ordered {
    Object(Object),
    Array(Vec<Ordered>),
    /// What holds nothing else.
    Scalar(Value),
}

#[derive(Debug, Default)]
pub(super) struct Object(pub(super) Vec<(String, Ordered)>);

impl Ordered {
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Ordered::Scalar(scalar) => scalar.as_str(),
            Ordered::Object(_) | Ordered::Array(_) => None,
        }
    }
}

impl Object {
    pub(super) fn get(&self, name: &str) -> Option<&Ordered> {
        self.0.iter().find(|entry| entry.0 == name).map(|entry| &entry.1)
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Ordered;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Ordered, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element()? {
            read.push(item);
        }
        Ok(Ordered::Array(read))
    }

    /// A name that comes again has its last value, at its first place.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Ordered, A::Error> {
        let (mut read, mut places) = (Object::default(), HashMap::new());
        while let Some((name, value)) = entries.next_entry::<String, Ordered>()? {
            let place = *places.entry(name.clone()).or_insert(read.0.len());
            match read.0.get_mut(place) {
                Some(entry) => entry.1 = value,
                None => read.0.push((name, value)),
            }
        }
        Ok(Ordered::Object(read))
    }
}
