//! serde's serializers for values that hold others, once for all formats: lists and tuples are
//! [`Items`], maps and structs are [`Entries`].

use serde::Serialize;
use serde::ser::{self, Error};

/// A serializer that makes a tree, as far as compound values need it.
pub(crate) trait Builder: Copy {
    /// The tree that it makes.
    type Tree;
    /// The error if it cannot make one.
    type Error: ser::Error;

    /// Serializes the item of a list at this index.
    fn item<T: Serialize + ?Sized>(self, index: usize, item: &T)
    -> Result<Self::Tree, Self::Error>;

    /// Serializes the key of a map.
    fn key<T: Serialize + ?Sized>(self, key: &T) -> Result<String, Self::Error>;

    /// Serializes a value of a map.
    fn value<T: Serialize + ?Sized>(self, key: &str, value: &T) -> Result<Self::Tree, Self::Error>;

    /// Serializes a field of a struct.
    fn field<T: Serialize + ?Sized>(self, name: &str, value: &T)
    -> Result<Self::Tree, Self::Error>;

    /// Makes a list.
    fn list(items: Vec<Self::Tree>) -> Self::Tree;

    /// Makes a map, or the struct of this name.
    fn entries(
        name: Option<&'static str>,
        entries: Vec<(String, Self::Tree)>,
    ) -> Result<Self::Tree, Self::Error>;

    /// Wraps the content of an enum's variant.
    fn variant(name: &'static str, content: Self::Tree) -> Self::Tree;
}

/// A list or a tuple under construction.
pub(crate) struct Items<B: Builder> {
    builder: B,
    variant: Option<&'static str>,
    items: Vec<B::Tree>,
}

impl<B: Builder> Items<B> {
    /// Starts a list, inside a variant of an enum if one is named.
    pub(crate) fn new(builder: B, variant: Option<&'static str>) -> Self {
        Items { builder, variant, items: Vec::new() }
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), B::Error> {
        self.items.push(self.builder.item(self.items.len(), item)?);
        Ok(())
    }

    fn finish(self) -> B::Tree {
        of_variant::<B>(self.variant, B::list(self.items))
    }
}

fn of_variant<B: Builder>(variant: Option<&'static str>, content: B::Tree) -> B::Tree {
    match variant {
        Some(name) => B::variant(name, content),
        None => content,
    }
}

impl<B: Builder> ser::SerializeSeq for Items<B> {
    type Ok = B::Tree;
    type Error = B::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), B::Error> {
        self.push(item)
    }

    fn end(self) -> Result<B::Tree, B::Error> {
        Ok(self.finish())
    }
}

impl<B: Builder> ser::SerializeTuple for Items<B> {
    type Ok = B::Tree;
    type Error = B::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), B::Error> {
        self.push(item)
    }

    fn end(self) -> Result<B::Tree, B::Error> {
        Ok(self.finish())
    }
}

impl<B: Builder> ser::SerializeTupleStruct for Items<B> {
    type Ok = B::Tree;
    type Error = B::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), B::Error> {
        self.push(item)
    }

    fn end(self) -> Result<B::Tree, B::Error> {
        Ok(self.finish())
    }
}

impl<B: Builder> ser::SerializeTupleVariant for Items<B> {
    type Ok = B::Tree;
    type Error = B::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), B::Error> {
        self.push(item)
    }

    fn end(self) -> Result<B::Tree, B::Error> {
        Ok(self.finish())
    }
}

/// A map or a struct under construction.
pub(crate) struct Entries<B: Builder> {
    builder: B,
    name: Option<&'static str>,
    variant: Option<&'static str>,
    entries: Vec<(String, B::Tree)>,
    key: Option<String>,
}

impl<B: Builder> Entries<B> {
    /// Starts a map, or the struct of this name, inside a variant of an enum if one is named.
    pub(crate) fn new(
        builder: B,
        name: Option<&'static str>,
        variant: Option<&'static str>,
    ) -> Self {
        Entries { builder, name, variant, entries: Vec::new(), key: None }
    }

    fn push_field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), B::Error> {
        self.entries.push((name.to_owned(), self.builder.field(name, value)?));
        Ok(())
    }

    fn finish(self) -> Result<B::Tree, B::Error> {
        Ok(of_variant::<B>(self.variant, B::entries(self.name, self.entries)?))
    }
}

impl<B: Builder> ser::SerializeMap for Entries<B> {
    type Ok = B::Tree;
    type Error = B::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), B::Error> {
        self.key = Some(self.builder.key(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), B::Error> {
        let key = self.key.take().ok_or_else(|| B::Error::custom("a value has no key"))?;
        let value = self.builder.value(&key, value)?;
        self.entries.push((key, value));
        Ok(())
    }

    fn end(self) -> Result<B::Tree, B::Error> {
        self.finish()
    }
}

impl<B: Builder> ser::SerializeStruct for Entries<B> {
    type Ok = B::Tree;
    type Error = B::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), B::Error> {
        self.push_field(name, value)
    }

    fn end(self) -> Result<B::Tree, B::Error> {
        self.finish()
    }
}

impl<B: Builder> ser::SerializeStructVariant for Entries<B> {
    type Ok = B::Tree;
    type Error = B::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), B::Error> {
        self.push_field(name, value)
    }

    fn end(self) -> Result<B::Tree, B::Error> {
        self.finish()
    }
}
