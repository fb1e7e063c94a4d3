//! Finds the variant of a program's enum for a value.

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::super::value::AvroValue;
use super::deserializer::{DeserializeError, ValueDeserializer};

/// The name of a variant, and its content.
pub(super) struct Variant<'a> {
    name: &'a str,
    held: Option<ValueDeserializer<'a>>,
}

impl<'a> Variant<'a> {
    /// Finds the variant: the symbol of an enum, the branch of a union with this name, or the only
    /// entry of a map or record, which is serde's own layout.
    pub(super) fn find(
        deserializer: ValueDeserializer<'a>,
        variants: &[&'static str],
    ) -> Result<Self, DeserializeError> {
        match deserializer.value {
            AvroValue::Union(branch, inner) => {
                let is_symbol = matches!(**inner, AvroValue::Enum(_));
                match variants.iter().find(|variant| !is_symbol && branch.is_called(variant)) {
                    Some(name) => Ok(Variant { name, held: Some(deserializer.of(inner)) }),
                    None => Self::find(deserializer.of(inner), variants),
                }
            }
            AvroValue::Enum(symbol) => Ok(Variant { name: symbol, held: None }),
            AvroValue::Text(text) => Ok(Variant { name: text, held: None }),
            AvroValue::Map(entries) if entries.len() == 1 => {
                let mut entries = entries.iter().map(|(name, held)| (name.as_str(), held));
                entries.next().map(|it| Self::of(deserializer, it)).ok_or_else(no_variant)
            }
            AvroValue::Record(names, values) => {
                let entries = names.iter().map(String::as_str).zip(values);
                Self::in_record(deserializer, entries.collect(), variants)
            }
            _ => Err(no_variant()),
        }
    }

    fn of(deserializer: ValueDeserializer<'a>, (name, held): (&'a str, &'a AvroValue)) -> Self {
        Variant { name, held: Some(deserializer.of(held)) }
    }

    fn in_record(
        deserializer: ValueDeserializer<'a>,
        entries: Vec<(&'a str, &'a AvroValue)>,
        variants: &[&'static str],
    ) -> Result<Self, DeserializeError> {
        let find = |name: &str| entries.iter().find(|it| it.0 == name).map(|it| it.1.inner());
        if let (Some(AvroValue::Enum(name)), Some(held)) = (find("type"), find("value")) {
            // This is apache-avro's layout of an enum.
            return Ok(Variant { name, held: Some(deserializer.of(held)) });
        }
        let is_there = |it: &&(&str, &AvroValue)| {
            variants.contains(&it.0) && (entries.len() == 1 || *it.1.inner() != AvroValue::Null)
        };
        let mut found = entries.iter().filter(is_there);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(Self::of(deserializer, *only)),
            _ => Err(no_variant()),
        }
    }
}

fn no_variant() -> DeserializeError {
    DeserializeError::new("is not a variant of the type's enum")
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = DeserializeError;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'de>), DeserializeError> {
        let name = de::value::BorrowedStrDeserializer::<DeserializeError>::new(self.name);
        Ok((seed.deserialize(name)?, Content(self.held)))
    }
}

pub(super) struct Content<'a>(Option<ValueDeserializer<'a>>);

impl<'a> Content<'a> {
    fn something(self) -> Result<ValueDeserializer<'a>, DeserializeError> {
        self.0.ok_or_else(|| {
            DeserializeError::new("is a variant without content, but the type's variant has some")
        })
    }
}

impl<'de> de::VariantAccess<'de> for Content<'de> {
    type Error = DeserializeError;

    fn unit_variant(self) -> Result<(), DeserializeError> {
        match self.0.map(|it| it.value.inner()) {
            None | Some(AvroValue::Null) => Ok(()),
            Some(AvroValue::Record(_, values)) if values.is_empty() => Ok(()),
            Some(_) => Err(DeserializeError::new(
                "is a variant with content, but the type's variant has none",
            )),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DeserializeError> {
        seed.deserialize(self.something()?)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.something()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.something()?.deserialize_map(visitor)
    }
}
