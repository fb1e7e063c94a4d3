//! A value of a program as serde sees it, before a schema is applied.
//!
//! Numbers keep their sign and size, and structs and variants keep their names: `write` has both
//! the value and the schema, and decides on the encoding.

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::mismatch::{Depth, Mismatch};
use crate::compound::{Builder, Entries, Items};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// `None`, `()` and unit structs.
    Null,
    Bool(bool),
    /// A number, and whether all values of its Rust type fit into an `int`.
    Integer(i128, IsNarrow),
    /// A `u128` beyond `i128`, which only a decimal can hold.
    Huge(u128),
    Float(f32),
    Double(f64),
    Text(String),
    /// Text that can only be a decimal, see [`mod@super::decimal`].
    Decimal(String),
    Bytes(Vec<u8>),
    Seq(Vec<Tree>),
    /// A struct with its name, or a map with text as keys.
    Fields(Option<&'static str>, Vec<(String, Tree)>),
    /// A variant of an enum, and its content: [`Tree::Null`] if it has none.
    Variant(&'static str, Box<Tree>),
}

pub(super) type IsNarrow = bool;

/// The name of the newtype that marks a decimal.
pub(super) const DECIMAL: &str = "$serdes::avro::Decimal";

/// Converts a value with serde.
pub(super) fn tree<T: Serialize + ?Sized>(value: &T) -> Result<Tree, Mismatch> {
    value.serialize(TreeSerializer(Depth::here())).map_err(|Rejection(mismatch)| mismatch)
}

/// The error of serde for a value that it could not serialize.
#[derive(Debug)]
pub(super) struct Rejection(Mismatch);

impl std::fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("not as Avro")
    }
}

impl std::error::Error for Rejection {}

impl ser::Error for Rejection {
    /// Omits the message of a type's own `Serialize`, because it can contain the value.
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Rejection(Mismatch::new("cannot be serialized: its own Serialize says so"))
    }
}

#[derive(Clone, Copy)]
struct TreeSerializer(Depth);

impl TreeSerializer {
    fn inner<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Rejection> {
        match self.0.is_too_deep() {
            true => Err(Rejection(Mismatch::too_deep())),
            false => value.serialize(self),
        }
    }

    fn narrow(number: impl Into<i128>) -> Result<Tree, Rejection> {
        Ok(Tree::Integer(number.into(), true))
    }

    fn wide(number: impl Into<i128>) -> Result<Tree, Rejection> {
        Ok(Tree::Integer(number.into(), false))
    }
}

impl Builder for TreeSerializer {
    type Tree = Tree;
    type Error = Rejection;

    fn item<T: Serialize + ?Sized>(self, index: usize, item: &T) -> Result<Tree, Rejection> {
        self.inner(item).map_err(|Rejection(mismatch)| Rejection(mismatch.at(index)))
    }

    fn key<T: Serialize + ?Sized>(self, key: &T) -> Result<String, Rejection> {
        Ok(match self.inner(key)? {
            Tree::Text(text) | Tree::Decimal(text) => text,
            Tree::Integer(number, _) => number.to_string(),
            Tree::Huge(number) => number.to_string(),
            Tree::Bool(it) => it.to_string(),
            Tree::Variant(name, held) if *held == Tree::Null => name.to_owned(),
            _ => {
                return Err(Rejection(Mismatch::new(
                    "has a key that is not text, as the keys of Avro must be",
                )));
            }
        })
    }

    fn value<T: Serialize + ?Sized>(self, _: &str, value: &T) -> Result<Tree, Rejection> {
        self.inner(value).map_err(|Rejection(mismatch)| Rejection(mismatch.in_map()))
    }

    fn field<T: Serialize + ?Sized>(self, name: &str, value: &T) -> Result<Tree, Rejection> {
        self.inner(value).map_err(|Rejection(mismatch)| Rejection(mismatch.in_field(name)))
    }

    fn list(items: Vec<Tree>) -> Tree {
        Tree::Seq(items)
    }

    fn entries(
        name: Option<&'static str>,
        entries: Vec<(String, Tree)>,
    ) -> Result<Tree, Rejection> {
        Ok(Tree::Fields(name, entries))
    }

    fn variant(name: &'static str, content: Tree) -> Tree {
        Tree::Variant(name, Box::new(content))
    }
}

impl Serializer for TreeSerializer {
    type Ok = Tree;
    type Error = Rejection;
    type SerializeSeq = Items<Self>;
    type SerializeTuple = Items<Self>;
    type SerializeTupleStruct = Items<Self>;
    type SerializeTupleVariant = Items<Self>;
    type SerializeMap = Entries<Self>;
    type SerializeStruct = Entries<Self>;
    type SerializeStructVariant = Entries<Self>;

    fn serialize_bool(self, it: bool) -> Result<Tree, Rejection> {
        Ok(Tree::Bool(it))
    }

    fn serialize_i8(self, it: i8) -> Result<Tree, Rejection> {
        Self::narrow(it)
    }

    fn serialize_i16(self, it: i16) -> Result<Tree, Rejection> {
        Self::narrow(it)
    }

    fn serialize_i32(self, it: i32) -> Result<Tree, Rejection> {
        Self::narrow(it)
    }

    fn serialize_i64(self, it: i64) -> Result<Tree, Rejection> {
        Self::wide(it)
    }

    fn serialize_i128(self, it: i128) -> Result<Tree, Rejection> {
        Self::wide(it)
    }

    fn serialize_u8(self, it: u8) -> Result<Tree, Rejection> {
        Self::narrow(it)
    }

    fn serialize_u16(self, it: u16) -> Result<Tree, Rejection> {
        Self::narrow(it)
    }

    fn serialize_u32(self, it: u32) -> Result<Tree, Rejection> {
        Self::wide(it)
    }

    fn serialize_u64(self, it: u64) -> Result<Tree, Rejection> {
        Self::wide(it)
    }

    fn serialize_u128(self, it: u128) -> Result<Tree, Rejection> {
        i128::try_from(it).map_or(Ok(Tree::Huge(it)), Self::wide)
    }

    fn serialize_f32(self, it: f32) -> Result<Tree, Rejection> {
        Ok(Tree::Float(it))
    }

    fn serialize_f64(self, it: f64) -> Result<Tree, Rejection> {
        Ok(Tree::Double(it))
    }

    fn serialize_char(self, it: char) -> Result<Tree, Rejection> {
        Ok(Tree::Text(it.to_string()))
    }

    fn serialize_str(self, it: &str) -> Result<Tree, Rejection> {
        Ok(Tree::Text(it.to_owned()))
    }

    fn serialize_bytes(self, it: &[u8]) -> Result<Tree, Rejection> {
        Ok(Tree::Bytes(it.to_vec()))
    }

    fn serialize_none(self) -> Result<Tree, Rejection> {
        Ok(Tree::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, it: &T) -> Result<Tree, Rejection> {
        self.inner(it)
    }

    fn serialize_unit(self) -> Result<Tree, Rejection> {
        Ok(Tree::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, Rejection> {
        Ok(Tree::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Tree, Rejection> {
        Ok(Tree::Variant(variant, Box::new(Tree::Null)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        it: &T,
    ) -> Result<Tree, Rejection> {
        match self.inner(it)? {
            Tree::Text(text) if name == DECIMAL => Ok(Tree::Decimal(text)),
            other => Ok(other),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        it: &T,
    ) -> Result<Tree, Rejection> {
        Ok(Tree::Variant(variant, Box::new(self.inner(it)?)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<Self>, Rejection> {
        Ok(Items::new(self, None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<Self>, Rejection> {
        Ok(Items::new(self, None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<Self>, Rejection> {
        Ok(Items::new(self, None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<Self>, Rejection> {
        Ok(Items::new(self, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<Self>, Rejection> {
        Ok(Entries::new(self, None, None))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Entries<Self>, Rejection> {
        Ok(Entries::new(self, Some(name), None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries<Self>, Rejection> {
        Ok(Entries::new(self, Some(variant), Some(variant)))
    }
}
