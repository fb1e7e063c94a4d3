//! Which variant of a program's enum a value is.

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::super::datum::Datum;
use super::deserializer::{DatumDeserializer, Fault};

/// The name of the variant, and what it holds.
pub(super) struct Variant<'a> {
    name: &'a str,
    held: Option<DatumDeserializer<'a>>,
}

impl<'a> Variant<'a> {
    /// A symbol of an enum, the branch of a union that is called so, or the one entry of a map or
    /// record: serde's own layout.
    pub(super) fn find(
        deserializer: DatumDeserializer<'a>,
        variants: &[&'static str],
    ) -> Result<Self, Fault> {
        match deserializer.datum {
            Datum::Union(branch, inner) => {
                let is_symbol = matches!(**inner, Datum::Enum(_));
                match variants.iter().find(|variant| !is_symbol && branch.is_called(variant)) {
                    Some(name) => Ok(Variant { name, held: Some(deserializer.of(inner)) }),
                    None => Self::find(deserializer.of(inner), variants),
                }
            }
            Datum::Enum(symbol) => Ok(Variant { name: symbol, held: None }),
            Datum::Text(text) => Ok(Variant { name: text, held: None }),
            Datum::Map(entries) if entries.len() == 1 => {
                let mut entries = entries.iter().map(|(name, held)| (name.as_str(), held));
                entries.next().map(|it| Self::of(deserializer, it)).ok_or_else(no_variant)
            }
            Datum::Record(names, values) => {
                let entries = names.iter().map(String::as_str).zip(values);
                Self::in_record(deserializer, entries.collect(), variants)
            }
            _ => Err(no_variant()),
        }
    }

    fn of(deserializer: DatumDeserializer<'a>, (name, held): (&'a str, &'a Datum)) -> Self {
        Variant { name, held: Some(deserializer.of(held)) }
    }

    fn in_record(
        deserializer: DatumDeserializer<'a>,
        entries: Vec<(&'a str, &'a Datum)>,
        variants: &[&'static str],
    ) -> Result<Self, Fault> {
        let find = |name: &str| entries.iter().find(|it| it.0 == name).map(|it| it.1.inner());
        if let (Some(Datum::Enum(name)), Some(held)) = (find("type"), find("value")) {
            // As apache-avro lays out an enum.
            return Ok(Variant { name, held: Some(deserializer.of(held)) });
        }
        let is_there = |it: &&(&str, &Datum)| {
            variants.contains(&it.0) && (entries.len() == 1 || *it.1.inner() != Datum::Null)
        };
        let mut found = entries.iter().filter(is_there);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(Self::of(deserializer, *only)),
            _ => Err(no_variant()),
        }
    }
}

fn no_variant() -> Fault {
    Fault::ours("is not a variant of the type, which is an enum")
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Held<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Held<'de>), Fault> {
        let name = de::value::BorrowedStrDeserializer::<Fault>::new(self.name);
        Ok((seed.deserialize(name)?, Held(self.held)))
    }
}

pub(super) struct Held<'a>(Option<DatumDeserializer<'a>>);

impl<'a> Held<'a> {
    fn something(self) -> Result<DatumDeserializer<'a>, Fault> {
        self.0
            .ok_or_else(|| Fault::ours("is a variant that holds nothing, and the type wants more"))
    }
}

impl<'de> de::VariantAccess<'de> for Held<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.0.map(|it| it.datum.inner()) {
            None | Some(Datum::Null) => Ok(()),
            Some(Datum::Record(_, values)) if values.is_empty() => Ok(()),
            Some(_) => Err(Fault::ours("is a variant that holds something, and the type has none")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.something()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.something()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.something()?.deserialize_map(visitor)
    }
}
