//! Writes the keys of maps as JSON.

use std::fmt::Display;

use serde::ser::Impossible;
use serde::{Serialize, Serializer};

use super::super::tree::Tree;
use super::error::WriteError;
use super::float::float;

/// Serializes a key as a string. Numbers, `bool`, and enum variants have one form as a string, and
/// can be read from it again.
pub(super) struct Key;

fn no_key<T>() -> Result<T, WriteError> {
    Err(WriteError::new("has a key that is not a string, and JSON has no other keys"))
}

fn text(key: impl Display) -> Result<String, WriteError> {
    Ok(key.to_string())
}

fn float_text(tree: Tree) -> Result<String, WriteError> {
    match tree {
        Tree::Number(text) => Ok(text),
        _ => no_key(),
    }
}

impl Serializer for Key {
    type Ok = String;
    type Error = WriteError;
    type SerializeSeq = Impossible<String, WriteError>;
    type SerializeTuple = Impossible<String, WriteError>;
    type SerializeTupleStruct = Impossible<String, WriteError>;
    type SerializeTupleVariant = Impossible<String, WriteError>;
    type SerializeMap = Impossible<String, WriteError>;
    type SerializeStruct = Impossible<String, WriteError>;
    type SerializeStructVariant = Impossible<String, WriteError>;

    fn serialize_bool(self, key: bool) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_i8(self, key: i8) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_i16(self, key: i16) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_i32(self, key: i32) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_i64(self, key: i64) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_i128(self, key: i128) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_u8(self, key: u8) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_u16(self, key: u16) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_u32(self, key: u32) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_u64(self, key: u64) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_u128(self, key: u128) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_f32(self, key: f32) -> Result<String, WriteError> {
        float(key, key.is_finite()).and_then(float_text)
    }

    fn serialize_f64(self, key: f64) -> Result<String, WriteError> {
        float(key, key.is_finite()).and_then(float_text)
    }

    fn serialize_char(self, key: char) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_str(self, key: &str) -> Result<String, WriteError> {
        text(key)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<String, WriteError> {
        no_key()
    }

    fn serialize_none(self) -> Result<String, WriteError> {
        no_key()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, key: &T) -> Result<String, WriteError> {
        key.serialize(self)
    }

    fn serialize_unit(self) -> Result<String, WriteError> {
        no_key()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String, WriteError> {
        no_key()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, WriteError> {
        text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        key: &T,
    ) -> Result<String, WriteError> {
        key.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, WriteError> {
        no_key()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, WriteError> {
        no_key()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, WriteError> {
        no_key()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, WriteError> {
        no_key()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, WriteError> {
        no_key()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, WriteError> {
        no_key()
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, WriteError> {
        no_key()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, WriteError> {
        no_key()
    }
}
