//! Writes Rust values as JSON, and rejects what JSON cannot hold.
//!
//! The layout is serde_json's. Values that serde_json would change are rejected: a float that is
//! not a number, which would become `null`, and a duplicate field. Integers of 128 bits are written
//! with all their digits.

mod error;
mod float;
mod key;

use std::fmt::Display;

use serde::{Serialize, Serializer};

use super::parse::{ParseError, duplicate_key, parse};
use super::tree::{MAX_DEPTH, Tree};
use crate::compound::{Builder, Entries, Items};
use crate::error::{Error, Violation};
use error::WriteError;
use float::float;
use key::Key;

/// serde_json's names for its numbers and its raw text, if a program has enabled them.
const EXACT: [&str; 2] = ["$serde_json::private::Number", "$serde_json::private::RawValue"];

/// Converts a value to a tree.
///
/// # Errors
///
/// [`Error::Invalid`] with the field that JSON cannot hold.
pub(super) fn tree<T: Serialize + ?Sized>(value: &T) -> Result<Tree, Error> {
    serde_path_to_error::serialize(value, Writer { depth: 0 }).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        Error::Invalid(vec![match error.into_inner() {
            WriteError::Problem(problem) => Violation { field, problem },
            WriteError::Custom(_) => {
                Violation { field, problem: "cannot be written as JSON".to_owned() }
            }
            WriteError::Violation(violation) => violation,
        }])
    })
}

#[derive(Clone, Copy)]
struct Writer {
    depth: usize,
}

impl Writer {
    fn inner(self) -> Result<Self, WriteError> {
        if self.depth + 1 >= MAX_DEPTH {
            return Err(WriteError::new("is nested too deeply"));
        }
        Ok(Writer { depth: self.depth + 1 })
    }

    fn list(self, variant: Option<&'static str>) -> Result<Items<Self>, WriteError> {
        let inner = if variant.is_some() { self.inner()? } else { self };
        Ok(Items::new(inner.inner()?, variant))
    }

    fn map(
        self,
        name: Option<&'static str>,
        variant: Option<&'static str>,
    ) -> Result<Entries<Self>, WriteError> {
        let inner = if variant.is_some() { self.inner()? } else { self };
        Ok(Entries::new(inner.inner()?, name, variant))
    }
}

impl Builder for Writer {
    type Tree = Tree;
    type Error = WriteError;

    fn item<T: Serialize + ?Sized>(self, _: usize, item: &T) -> Result<Tree, WriteError> {
        item.serialize(self)
    }

    fn key<T: Serialize + ?Sized>(self, key: &T) -> Result<String, WriteError> {
        key.serialize(Key)
    }

    fn value<T: Serialize + ?Sized>(self, _: &str, value: &T) -> Result<Tree, WriteError> {
        value.serialize(self)
    }

    fn field<T: Serialize + ?Sized>(self, _: &str, value: &T) -> Result<Tree, WriteError> {
        value.serialize(self)
    }

    fn list(items: Vec<Tree>) -> Tree {
        Tree::List(items)
    }

    fn entries(
        name: Option<&'static str>,
        entries: Vec<(String, Tree)>,
    ) -> Result<Tree, WriteError> {
        let is_exact = name.is_some_and(|name| EXACT.contains(&name));
        if let (true, [(_, Tree::String(text))]) = (is_exact, entries.as_slice()) {
            return parse(text.as_bytes()).map_err(|error| match error {
                ParseError::Corrupt => WriteError::new("is not JSON"),
                ParseError::Field(violation) => WriteError::Violation(violation),
            });
        }
        match duplicate_key(&entries) {
            Some(key) => Err(WriteError::Problem(format!("has the field {key} twice"))),
            None => Ok(Tree::Map(entries)),
        }
    }

    fn variant(name: &'static str, content: Tree) -> Tree {
        Tree::Map(vec![(name.to_owned(), content)])
    }
}

fn number(value: impl Display) -> Result<Tree, WriteError> {
    Ok(Tree::Number(value.to_string()))
}

impl Serializer for Writer {
    type Ok = Tree;
    type Error = WriteError;
    type SerializeSeq = Items<Self>;
    type SerializeTuple = Items<Self>;
    type SerializeTupleStruct = Items<Self>;
    type SerializeTupleVariant = Items<Self>;
    type SerializeMap = Entries<Self>;
    type SerializeStruct = Entries<Self>;
    type SerializeStructVariant = Entries<Self>;

    fn serialize_bool(self, value: bool) -> Result<Tree, WriteError> {
        Ok(Tree::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_i16(self, value: i16) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_i32(self, value: i32) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_i64(self, value: i64) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_i128(self, value: i128) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_u8(self, value: u8) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_u16(self, value: u16) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_u32(self, value: u32) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_u64(self, value: u64) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_u128(self, value: u128) -> Result<Tree, WriteError> {
        number(value)
    }

    fn serialize_f32(self, value: f32) -> Result<Tree, WriteError> {
        float(value, value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<Tree, WriteError> {
        float(value, value.is_finite())
    }

    fn serialize_char(self, value: char) -> Result<Tree, WriteError> {
        Ok(Tree::String(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Tree, WriteError> {
        Ok(Tree::String(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Tree, WriteError> {
        Ok(Tree::List(value.iter().map(|byte| Tree::Number(byte.to_string())).collect()))
    }

    fn serialize_none(self) -> Result<Tree, WriteError> {
        Ok(Tree::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, WriteError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Tree, WriteError> {
        Ok(Tree::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, WriteError> {
        Ok(Tree::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Tree, WriteError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, WriteError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, WriteError> {
        Ok(Tree::Map(vec![(variant.to_owned(), value.serialize(self.inner()?)?)]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<Self>, WriteError> {
        self.list(None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<Self>, WriteError> {
        self.list(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<Self>, WriteError> {
        self.list(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<Self>, WriteError> {
        self.list(Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<Self>, WriteError> {
        self.map(None, None)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Entries<Self>, WriteError> {
        self.map(Some(name), None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries<Self>, WriteError> {
        self.map(Some(variant), Some(variant))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use serde::ser::Error as _;
    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Id(u64);

    #[derive(Serialize)]
    enum Kind {
        Landing,
        Delay(i32),
        Move(f32, char),
        Gate { from: Option<u8>, to: &'static str },
    }

    #[derive(Serialize)]
    struct Flight {
        id: Id,
        kinds: Vec<Kind>,
        seats: BTreeMap<i16, bool>,
        nothing: (Unit, (), Option<u8>),
        largest: [u64; 1],
        floats: [f64; 6],
    }

    #[test]
    fn values_are_written_as_by_serde_json() {
        let flight = Flight {
            id: Id(7),
            kinds: vec![
                Kind::Landing,
                Kind::Delay(-3),
                Kind::Move(0.1, 'é'),
                Kind::Gate { from: Some(1), to: "a\"b\n\u{1f}" },
            ],
            seats: BTreeMap::from([(-1, true), (2, false)]),
            nothing: (Unit, (), None),
            largest: [u64::MAX],
            floats: [0.0, -0.0, 1.0, 1e300, 5e-324, 0.1],
        };
        assert_eq!(tree(&flight).unwrap().to_string(), serde_json::to_string(&flight).unwrap());
        let value = json!({ "a": [1, -1, 1.5, null, true, "x"], "b": {} });
        assert_eq!(tree(&value).unwrap().to_string(), value.to_string());
        assert_eq!(tree(&u128::MAX).unwrap().to_string(), u128::MAX.to_string());
        assert_eq!(tree(&i128::MIN).unwrap().to_string(), i128::MIN.to_string());
        let raw = serde_json::value::RawValue::from_string("1.000000000000000000001".to_owned());
        let written = tree(&[raw.unwrap()]).unwrap().to_string();
        assert_eq!(written, "[1.000000000000000000001]");
    }

    #[derive(Serialize)]
    struct Twice {
        a: u8,
        #[serde(rename = "a")]
        b: u8,
    }

    struct Secret;

    impl Serialize for Secret {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("s3cret is no good"))
        }
    }

    fn said(value: &impl Serialize) -> String {
        tree(value).unwrap_err().to_string().replace("the value does not match the schema: ", "")
    }

    #[test]
    fn a_value_that_json_cannot_hold_is_named_and_never_null() {
        let of = |value: f64| HashMap::from([("legs", vec![0.0, value])]);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(said(&of(value)).starts_with("legs[1] is not a number (NaN or infinite)"));
        }
        assert!(said(&HashMap::from([("a", f32::NAN)])).starts_with("a is not a number"));
        assert_eq!(said(&vec![Twice { a: 1, b: 2 }]), "[0] has the field a twice");
        assert!(said(&BTreeMap::from([("a", BTreeMap::from([((1, 2), 3)]))])).contains("a"));
        assert!(said(&BTreeMap::from([((1, 2), 3)])).contains("a key that is not a string"));
        assert!(said(&BTreeMap::from([(None::<u8>, 3)])).contains("a key that is not a string"));
        assert_eq!(said(&HashMap::from([("a", Secret)])), "a cannot be written as JSON");
    }
}
