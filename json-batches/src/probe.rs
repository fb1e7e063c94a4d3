//! A serializer that writes nothing but an object's `id`.
//!
//! It skips every other field, so finding the key of a record costs next to nothing compared with
//! serializing it. JSON text that the caller has not parsed, a `RawValue`, is returned to be
//! scanned.

use serde::Serialize;
use serde::ser::{self, Impossible, Serializer};
use serde_json::Error;

/// The field that becomes the key.
pub(super) const ID: &str = "id";
/// How serde_json's `RawValue` presents itself: a struct of this name, and in it a field of this
/// name, which is the text.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

pub(super) fn not_an_object(found: &str) -> Error {
    ser::Error::custom(format_args!("a record is a JSON object, and this is {found}"))
}

/// What a value would be as JSON, as far as it matters here.
pub(super) enum Shape {
    /// An object, and its `id` as JSON.
    Object(Option<Vec<u8>>),
    /// Anything that is already JSON text.
    Json(String),
    /// A string; an object's names are strings too.
    Text { is_id: bool },
}

/// A serializer that writes nothing but the `id`.
pub(super) struct Probe;

/// The fields of an object, skipped one by one.
#[derive(Default)]
pub(super) struct Fields {
    id: Option<Vec<u8>>,
    next_is_id: bool,
    /// The text, if the only field is that of a `RawValue`.
    json: Option<String>,
}

/// The fields inside an enum's variant: the object around them has the variant as its only field.
pub(super) struct Inside;

impl Serializer for Probe {
    type Ok = Shape;
    type Error = Error;
    type SerializeSeq = Impossible<Shape, Error>;
    type SerializeTuple = Impossible<Shape, Error>;
    type SerializeTupleStruct = Impossible<Shape, Error>;
    type SerializeTupleVariant = Inside;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Inside;

    fn serialize_str(self, text: &str) -> Result<Shape, Error> {
        Ok(Shape::Text { is_id: text == ID })
    }

    fn serialize_char(self, _: char) -> Result<Shape, Error> {
        Ok(Shape::Text { is_id: false })
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Shape, Error> {
        self.serialize_str(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Shape, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Shape, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Shape, Error> {
        Ok(Shape::Object(None))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, Error> {
        Ok(Fields::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Error> {
        Ok(Fields::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Inside, Error> {
        Ok(Inside)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Inside, Error> {
        Ok(Inside)
    }

    fn serialize_bool(self, _: bool) -> Result<Shape, Error> {
        Err(not_an_object("true or false"))
    }

    fn serialize_i8(self, _: i8) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_i16(self, _: i16) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_i32(self, _: i32) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_i64(self, _: i64) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_i128(self, _: i128) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u8(self, _: u8) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u16(self, _: u16) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u32(self, _: u32) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u64(self, _: u64) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_u128(self, _: u128) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_f32(self, _: f32) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_f64(self, _: f64) -> Result<Shape, Error> {
        Err(not_an_object("a number"))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Shape, Error> {
        Err(not_an_object("a list"))
    }

    fn serialize_none(self) -> Result<Shape, Error> {
        Err(not_an_object("null"))
    }

    fn serialize_unit(self) -> Result<Shape, Error> {
        Err(not_an_object("null"))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Shape, Error> {
        Err(not_an_object("null"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        Err(not_an_object("a list"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        Err(not_an_object("a list"))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Err(not_an_object("a list"))
    }
}

impl ser::SerializeMap for Fields {
    type Ok = Shape;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Error> {
        // The worker rejects a name that is not a string, or writes it as one.
        self.next_is_id = matches!(name.serialize(Probe), Ok(Shape::Text { is_id: true }));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if self.next_is_id {
            self.id = Some(serde_json::to_vec(value)?);
        }
        Ok(())
    }

    fn end(self) -> Result<Shape, Error> {
        Ok(Shape::Object(self.id))
    }
}

impl ser::SerializeStruct for Fields {
    type Ok = Shape;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match name {
            ID => self.id = Some(serde_json::to_vec(value)?),
            RAW_VALUE => self.json = serde_json::to_value(value)?.as_str().map(str::to_owned),
            _ => {}
        }
        Ok(())
    }

    fn end(self) -> Result<Shape, Error> {
        Ok(self.json.map_or(Shape::Object(self.id), Shape::Json))
    }
}

impl ser::SerializeStructVariant for Inside {
    type Ok = Shape;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn end(self) -> Result<Shape, Error> {
        Ok(Shape::Object(None))
    }
}

impl ser::SerializeTupleVariant for Inside {
    type Ok = Shape;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Error> {
        Ok(())
    }

    fn end(self) -> Result<Shape, Error> {
        Ok(Shape::Object(None))
    }
}
