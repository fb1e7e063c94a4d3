//! The values that hold others: items of sequences, entries of maps, fields of structs.

use serde::Serialize;
use serde::ser;

use super::super::misfit::Misfit;
use super::{Planter, Refusal, Tree};

/// Wraps what a variant holds.
fn of_variant(variant: Option<&'static str>, held: Tree) -> Tree {
    match variant {
        Some(variant) => Tree::Variant(variant, Box::new(held)),
        None => held,
    }
}

pub(super) struct Items {
    planter: Planter,
    variant: Option<&'static str>,
    items: Vec<Tree>,
}

impl Items {
    pub(super) fn new(planter: Planter, variant: Option<&'static str>) -> Self {
        Items { planter, variant, items: Vec::new() }
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Refusal> {
        let at = self.items.len();
        let item = self.planter.plant(item).map_err(|Refusal(it)| Refusal(it.at(at)))?;
        self.items.push(item);
        Ok(())
    }

    fn done(self) -> Result<Tree, Refusal> {
        Ok(of_variant(self.variant, Tree::Seq(self.items)))
    }
}

impl ser::SerializeSeq for Items {
    type Ok = Tree;
    type Error = Refusal;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Refusal> {
        self.push(item)
    }

    fn end(self) -> Result<Tree, Refusal> {
        self.done()
    }
}

impl ser::SerializeTuple for Items {
    type Ok = Tree;
    type Error = Refusal;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Refusal> {
        self.push(item)
    }

    fn end(self) -> Result<Tree, Refusal> {
        self.done()
    }
}

impl ser::SerializeTupleStruct for Items {
    type Ok = Tree;
    type Error = Refusal;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Refusal> {
        self.push(item)
    }

    fn end(self) -> Result<Tree, Refusal> {
        self.done()
    }
}

impl ser::SerializeTupleVariant for Items {
    type Ok = Tree;
    type Error = Refusal;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Refusal> {
        self.push(item)
    }

    fn end(self) -> Result<Tree, Refusal> {
        self.done()
    }
}

pub(super) struct Entries {
    planter: Planter,
    name: Option<&'static str>,
    variant: Option<&'static str>,
    entries: Vec<(String, Tree)>,
    key: Option<String>,
}

impl Entries {
    pub(super) fn new(
        planter: Planter,
        name: Option<&'static str>,
        variant: Option<&'static str>,
    ) -> Self {
        Entries { planter, name, variant, entries: Vec::new(), key: None }
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refusal> {
        let value = self.planter.plant(value).map_err(|Refusal(it)| Refusal(it.in_field(name)))?;
        self.entries.push((name.to_owned(), value));
        Ok(())
    }

    fn done(self) -> Result<Tree, Refusal> {
        Ok(of_variant(self.variant, Tree::Fields(self.name, self.entries)))
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Tree;
    type Error = Refusal;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        let key = match self.planter.plant(key)? {
            Tree::Text(text) | Tree::Decimal(text) => text,
            Tree::Integer(number, _) => number.to_string(),
            Tree::Huge(number) => number.to_string(),
            Tree::Bool(it) => it.to_string(),
            Tree::Variant(name, held) if *held == Tree::Null => name.to_owned(),
            _ => return Err(Refusal(Misfit::here("has a key that is no text: keys of Avro are"))),
        };
        self.key = Some(key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        let value = self.planter.plant(value).map_err(|Refusal(it)| Refusal(it.in_map()))?;
        self.entries.push((self.key.take().unwrap_or_default(), value));
        Ok(())
    }

    fn end(self) -> Result<Tree, Refusal> {
        self.done()
    }
}

impl ser::SerializeStruct for Entries {
    type Ok = Tree;
    type Error = Refusal;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        self.field(name, value)
    }

    fn end(self) -> Result<Tree, Refusal> {
        self.done()
    }
}

impl ser::SerializeStructVariant for Entries {
    type Ok = Tree;
    type Error = Refusal;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        self.field(name, value)
    }

    fn end(self) -> Result<Tree, Refusal> {
        self.done()
    }
}
