//! Rust values as JSON, where JSON can hold them: the rest is an error.
//!
//! The forms are those of serde_json. What it writes as something else is refused: a float that is
//! no number, which becomes `null` there, and a field that is there twice. Integers of 128 bits are
//! written with all their digits.

use std::fmt::Display;

use serde::ser::{
    Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

use super::parse::{Fault, parse, twice};
use super::tree::{DEEPEST, Tree};
use crate::error::{Error, Violation};

/// What serde_json calls its number and its raw text, where a program has switched them on.
const EXACT: [&str; 2] = ["$serde_json::private::Number", "$serde_json::private::RawValue"];

/// # Errors
///
/// [`Error::Invalid`] with the field that JSON cannot hold.
pub(super) fn tree<T: Serialize + ?Sized>(value: &T) -> Result<Tree, Error> {
    serde_path_to_error::serialize(value, Writer { depth: 0 }).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        Error::Invalid(vec![match error.into_inner() {
            Unfit::Here(problem) => Violation { field, problem },
            Unfit::Told(_) => Violation { field, problem: "cannot be written as JSON".to_owned() },
            Unfit::Within(violation) => violation,
        }])
    })
}

/// Why a value cannot be written.
#[derive(Debug)]
enum Unfit {
    /// In words of this file.
    Here(String),
    /// In words of the value's type, which may hold the value.
    Told(String),
    /// In a text that the value brought along.
    Within(Violation),
}

impl Unfit {
    fn here(problem: &str) -> Self {
        Unfit::Here(problem.to_owned())
    }
}

impl Display for Unfit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unfit::Here(problem) | Unfit::Told(problem) => formatter.write_str(problem),
            Unfit::Within(violation) => violation.fmt(formatter),
        }
    }
}

impl std::error::Error for Unfit {}

impl serde::ser::Error for Unfit {
    fn custom<T: Display>(message: T) -> Self {
        Unfit::Told(message.to_string())
    }
}

#[derive(Clone, Copy)]
struct Writer {
    depth: usize,
}

impl Writer {
    fn inner(self) -> Result<Self, Unfit> {
        if self.depth + 1 >= DEEPEST {
            return Err(Unfit::here("lies too deep in other values"));
        }
        Ok(Writer { depth: self.depth + 1 })
    }

    fn list(self, variant: Option<&'static str>) -> Result<List, Unfit> {
        let inner = if variant.is_some() { self.inner()? } else { self };
        Ok(List { inner: inner.inner()?, items: Vec::new(), variant })
    }

    fn entries(self, variant: Option<&'static str>) -> Result<Entries, Unfit> {
        let inner = if variant.is_some() { self.inner()? } else { self };
        let (entries, key) = (Vec::new(), None);
        Ok(Entries { inner: inner.inner()?, entries, key, variant, exact: false })
    }
}

fn number(value: impl Display) -> Result<Tree, Unfit> {
    Ok(Tree::Number(value.to_string()))
}

fn float(value: impl Serialize, is_finite: bool) -> Result<Tree, Unfit> {
    if !is_finite {
        return Err(Unfit::here("is no number (NaN or infinite), and JSON has no such value"));
    }
    // The shortest digits that are read as this float again.
    serde_json::to_string(&value).map(Tree::Number).map_err(Unfit::custom)
}

impl Serializer for Writer {
    type Ok = Tree;
    type Error = Unfit;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn serialize_bool(self, value: bool) -> Result<Tree, Unfit> {
        Ok(Tree::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_i16(self, value: i16) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_i32(self, value: i32) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_i64(self, value: i64) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_i128(self, value: i128) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_u8(self, value: u8) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_u16(self, value: u16) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_u32(self, value: u32) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_u64(self, value: u64) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_u128(self, value: u128) -> Result<Tree, Unfit> {
        number(value)
    }

    fn serialize_f32(self, value: f32) -> Result<Tree, Unfit> {
        float(value, value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<Tree, Unfit> {
        float(value, value.is_finite())
    }

    fn serialize_char(self, value: char) -> Result<Tree, Unfit> {
        Ok(Tree::String(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Tree, Unfit> {
        Ok(Tree::String(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Tree, Unfit> {
        Ok(Tree::List(value.iter().map(|byte| Tree::Number(byte.to_string())).collect()))
    }

    fn serialize_none(self) -> Result<Tree, Unfit> {
        Ok(Tree::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Unfit> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Tree, Unfit> {
        Ok(Tree::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, Unfit> {
        Ok(Tree::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Tree, Unfit> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, Unfit> {
        Ok(Tree::Map(vec![(variant.to_owned(), value.serialize(self.inner()?)?)]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Unfit> {
        self.list(None)
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Unfit> {
        self.list(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Unfit> {
        self.list(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List, Unfit> {
        self.list(Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Unfit> {
        self.entries(None)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Entries, Unfit> {
        let mut entries = self.entries(None)?;
        entries.exact = EXACT.contains(&name);
        Ok(entries)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, Unfit> {
        self.entries(Some(variant))
    }
}

/// A list that is being written.
struct List {
    inner: Writer,
    items: Vec<Tree>,
    variant: Option<&'static str>,
}

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.items.push(value.serialize(self.inner)?);
        Ok(())
    }

    fn tree(self) -> Result<Tree, Unfit> {
        Ok(of_variant(self.variant, Tree::List(self.items)))
    }
}

fn of_variant(variant: Option<&'static str>, tree: Tree) -> Tree {
    match variant {
        Some(variant) => Tree::Map(vec![(variant.to_owned(), tree)]),
        None => tree,
    }
}

impl SerializeSeq for List {
    type Ok = Tree;
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.push(value)
    }

    fn end(self) -> Result<Tree, Unfit> {
        self.tree()
    }
}

impl SerializeTuple for List {
    type Ok = Tree;
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.push(value)
    }

    fn end(self) -> Result<Tree, Unfit> {
        self.tree()
    }
}

impl SerializeTupleStruct for List {
    type Ok = Tree;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.push(value)
    }

    fn end(self) -> Result<Tree, Unfit> {
        self.tree()
    }
}

impl SerializeTupleVariant for List {
    type Ok = Tree;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.push(value)
    }

    fn end(self) -> Result<Tree, Unfit> {
        self.tree()
    }
}

/// A map or a struct that is being written.
struct Entries {
    inner: Writer,
    entries: Vec<(String, Tree)>,
    key: Option<String>,
    variant: Option<&'static str>,
    /// Whether it is a number or a text of serde_json, with its JSON as its only field.
    exact: bool,
}

impl Entries {
    fn push<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Unfit> {
        self.entries.push((key.to_owned(), value.serialize(self.inner)?));
        Ok(())
    }

    fn tree(self) -> Result<Tree, Unfit> {
        if let (true, [(_, Tree::String(text))]) = (self.exact, self.entries.as_slice()) {
            return parse(text.as_bytes()).map_err(|fault| match fault {
                Fault::Damaged => Unfit::here("is no JSON"),
                Fault::Field(violation) => Unfit::Within(violation),
            });
        }
        if let Some(key) = twice(&self.entries) {
            return Err(Unfit::Here(format!("has the field {key} twice")));
        }
        Ok(of_variant(self.variant, Tree::Map(self.entries)))
    }
}

impl SerializeMap for Entries {
    type Ok = Tree;
    type Error = Unfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unfit> {
        self.key = Some(key.serialize(Key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        let key = self.key.take().ok_or_else(|| Unfit::here("has a value without a key"))?;
        self.push(&key, value)
    }

    fn end(self) -> Result<Tree, Unfit> {
        self.tree()
    }
}

impl SerializeStruct for Entries {
    type Ok = Tree;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        self.push(key, value)
    }

    fn end(self) -> Result<Tree, Unfit> {
        self.tree()
    }
}

impl SerializeStructVariant for Entries {
    type Ok = Tree;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        self.push(key, value)
    }

    fn end(self) -> Result<Tree, Unfit> {
        self.tree()
    }
}

/// A key: in JSON it is a string. Numbers, `bool` and enum variants have one form as a string and
/// are read from it again.
struct Key;

fn no_key<T>() -> Result<T, Unfit> {
    Err(Unfit::here("has a key that is no string, and JSON has no other keys"))
}

fn text(key: impl Display) -> Result<String, Unfit> {
    Ok(key.to_string())
}

fn float_text(tree: Tree) -> Result<String, Unfit> {
    match tree {
        Tree::Number(text) => Ok(text),
        _ => no_key(),
    }
}

impl Serializer for Key {
    type Ok = String;
    type Error = Unfit;
    type SerializeSeq = Impossible<String, Unfit>;
    type SerializeTuple = Impossible<String, Unfit>;
    type SerializeTupleStruct = Impossible<String, Unfit>;
    type SerializeTupleVariant = Impossible<String, Unfit>;
    type SerializeMap = Impossible<String, Unfit>;
    type SerializeStruct = Impossible<String, Unfit>;
    type SerializeStructVariant = Impossible<String, Unfit>;

    fn serialize_bool(self, key: bool) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_i8(self, key: i8) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_i16(self, key: i16) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_i32(self, key: i32) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_i64(self, key: i64) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_i128(self, key: i128) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_u8(self, key: u8) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_u16(self, key: u16) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_u32(self, key: u32) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_u64(self, key: u64) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_u128(self, key: u128) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_f32(self, key: f32) -> Result<String, Unfit> {
        float(key, key.is_finite()).and_then(float_text)
    }

    fn serialize_f64(self, key: f64) -> Result<String, Unfit> {
        float(key, key.is_finite()).and_then(float_text)
    }

    fn serialize_char(self, key: char) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_str(self, key: &str) -> Result<String, Unfit> {
        text(key)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<String, Unfit> {
        no_key()
    }

    fn serialize_none(self) -> Result<String, Unfit> {
        no_key()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, key: &T) -> Result<String, Unfit> {
        key.serialize(self)
    }

    fn serialize_unit(self) -> Result<String, Unfit> {
        no_key()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String, Unfit> {
        no_key()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, Unfit> {
        text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        key: &T,
    ) -> Result<String, Unfit> {
        key.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, Unfit> {
        no_key()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Unfit> {
        no_key()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unfit> {
        no_key()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unfit> {
        no_key()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unfit> {
        no_key()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unfit> {
        no_key()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Unfit> {
        no_key()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unfit> {
        no_key()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

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
    fn what_serde_json_writes_is_written_alike() {
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
        tree(value).unwrap_err().to_string().replace("not as the schema says: ", "")
    }

    #[test]
    fn what_json_cannot_hold_is_named_and_never_null() {
        let of = |value: f64| HashMap::from([("legs", vec![0.0, value])]);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(said(&of(value)).starts_with("legs[1] is no number (NaN or infinite)"));
        }
        assert!(said(&HashMap::from([("a", f32::NAN)])).starts_with("a is no number"));
        assert_eq!(said(&vec![Twice { a: 1, b: 2 }]), "[0] has the field a twice");
        assert!(said(&BTreeMap::from([("a", BTreeMap::from([((1, 2), 3)]))])).contains("a"));
        assert!(said(&BTreeMap::from([((1, 2), 3)])).contains("a key that is no string"));
        assert!(said(&BTreeMap::from([(None::<u8>, 3)])).contains("a key that is no string"));
        assert_eq!(said(&HashMap::from([("a", Secret)])), "a cannot be written as JSON");
    }
}
