//! A value of a program, as serde sees it and before a schema is laid to it.
//!
//! Numbers keep their sign and size, names of structs and variants stay: what a schema makes of
//! them is decided in `write`, where both are at hand.

mod parts;

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::misfit::{Depth, Misfit};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// `None`, `()` and unit structs.
    Null,
    Bool(bool),
    /// A number, and whether its Rust type is one that `int` holds all of.
    Integer(i128, IsNarrow),
    /// A `u128` beyond `i128`, which only a decimal holds.
    Huge(u128),
    Float(f32),
    Double(f64),
    Text(String),
    /// Text that is a decimal and nothing else: see [`mod@super::decimal`].
    Decimal(String),
    Bytes(Vec<u8>),
    Seq(Vec<Tree>),
    /// A struct with its name, or a map, whose keys are text.
    Fields(Option<&'static str>, Vec<(String, Tree)>),
    /// A variant of an enum, and what it holds: [`Tree::Null`] for nothing.
    Variant(&'static str, Box<Tree>),
}

pub(super) type IsNarrow = bool;

/// The name of the newtype that marks a decimal.
pub(super) const DECIMAL: &str = "$serdes::avro::Decimal";

/// What serde makes of a value.
pub(super) fn tree<T: Serialize + ?Sized>(value: &T) -> Result<Tree, Misfit> {
    value.serialize(Planter(Depth::here())).map_err(|Refusal(misfit)| misfit)
}

/// Why serde could not serialize the value.
#[derive(Debug)]
pub(super) struct Refusal(Misfit);

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("not as Avro")
    }
}

impl std::error::Error for Refusal {}

impl ser::Error for Refusal {
    /// The words of a type's own `Serialize` may hold its value: they are not shown.
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Refusal(Misfit::here("cannot be serialized: its own Serialize says so"))
    }
}

#[derive(Clone, Copy)]
struct Planter(Depth);

impl Planter {
    fn plant<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Refusal> {
        match self.0.is_too_deep() {
            true => Err(Refusal(Misfit::too_deep())),
            false => value.serialize(self),
        }
    }

    fn narrow(number: impl Into<i128>) -> Result<Tree, Refusal> {
        Ok(Tree::Integer(number.into(), true))
    }

    fn wide(number: impl Into<i128>) -> Result<Tree, Refusal> {
        Ok(Tree::Integer(number.into(), false))
    }
}

impl Serializer for Planter {
    type Ok = Tree;
    type Error = Refusal;
    type SerializeSeq = parts::Items;
    type SerializeTuple = parts::Items;
    type SerializeTupleStruct = parts::Items;
    type SerializeTupleVariant = parts::Items;
    type SerializeMap = parts::Entries;
    type SerializeStruct = parts::Entries;
    type SerializeStructVariant = parts::Entries;

    fn serialize_bool(self, it: bool) -> Result<Tree, Refusal> {
        Ok(Tree::Bool(it))
    }

    fn serialize_i8(self, it: i8) -> Result<Tree, Refusal> {
        Self::narrow(it)
    }

    fn serialize_i16(self, it: i16) -> Result<Tree, Refusal> {
        Self::narrow(it)
    }

    fn serialize_i32(self, it: i32) -> Result<Tree, Refusal> {
        Self::narrow(it)
    }

    fn serialize_i64(self, it: i64) -> Result<Tree, Refusal> {
        Self::wide(it)
    }

    fn serialize_i128(self, it: i128) -> Result<Tree, Refusal> {
        Self::wide(it)
    }

    fn serialize_u8(self, it: u8) -> Result<Tree, Refusal> {
        Self::narrow(it)
    }

    fn serialize_u16(self, it: u16) -> Result<Tree, Refusal> {
        Self::narrow(it)
    }

    fn serialize_u32(self, it: u32) -> Result<Tree, Refusal> {
        Self::wide(it)
    }

    fn serialize_u64(self, it: u64) -> Result<Tree, Refusal> {
        Self::wide(it)
    }

    fn serialize_u128(self, it: u128) -> Result<Tree, Refusal> {
        i128::try_from(it).map_or(Ok(Tree::Huge(it)), Self::wide)
    }

    fn serialize_f32(self, it: f32) -> Result<Tree, Refusal> {
        Ok(Tree::Float(it))
    }

    fn serialize_f64(self, it: f64) -> Result<Tree, Refusal> {
        Ok(Tree::Double(it))
    }

    fn serialize_char(self, it: char) -> Result<Tree, Refusal> {
        Ok(Tree::Text(it.to_string()))
    }

    fn serialize_str(self, it: &str) -> Result<Tree, Refusal> {
        Ok(Tree::Text(it.to_owned()))
    }

    fn serialize_bytes(self, it: &[u8]) -> Result<Tree, Refusal> {
        Ok(Tree::Bytes(it.to_vec()))
    }

    fn serialize_none(self) -> Result<Tree, Refusal> {
        Ok(Tree::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, it: &T) -> Result<Tree, Refusal> {
        self.plant(it)
    }

    fn serialize_unit(self) -> Result<Tree, Refusal> {
        Ok(Tree::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, Refusal> {
        Ok(Tree::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Tree, Refusal> {
        Ok(Tree::Variant(variant, Box::new(Tree::Null)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        it: &T,
    ) -> Result<Tree, Refusal> {
        match self.plant(it)? {
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
    ) -> Result<Tree, Refusal> {
        Ok(Tree::Variant(variant, Box::new(self.plant(it)?)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<parts::Items, Refusal> {
        Ok(parts::Items::new(self, None))
    }

    fn serialize_tuple(self, _: usize) -> Result<parts::Items, Refusal> {
        Ok(parts::Items::new(self, None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<parts::Items, Refusal> {
        Ok(parts::Items::new(self, None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<parts::Items, Refusal> {
        Ok(parts::Items::new(self, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<parts::Entries, Refusal> {
        Ok(parts::Entries::new(self, None, None))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<parts::Entries, Refusal> {
        Ok(parts::Entries::new(self, Some(name), None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<parts::Entries, Refusal> {
        Ok(parts::Entries::new(self, Some(variant), Some(variant)))
    }
}
