//! Encodes a value. It follows value and schema together, so that a value that the schema cannot
//! hold is an error with the field's name, and never changes silently.

mod choose;
mod fit;
mod scalar;

use super::default;
use super::mismatch::{Depth, Mismatch};
use super::schema::{Field, Id, Kind, Record, Schema};
use super::tree::Tree;
use super::varint;

/// The maximum number of values to try in order to find the branch of a union that fits. Unions of
/// records that contain unions can require very many.
const MAX_TRIES: usize = 1_000_000;

/// Encodes a value with this schema.
pub(super) fn write(schema: &Schema, tree: &Tree) -> Result<Vec<u8>, Mismatch> {
    let mut encoder =
        Encoder { schema, out: Vec::new(), depth: Depth::here(), trying: 0, tries: 0 };
    encoder.value(tree, schema.root)?;
    Ok(encoder.out)
}

struct Encoder<'a> {
    schema: &'a Schema,
    out: Vec<u8>,
    depth: Depth,
    /// The number of nested unions that are being tried.
    trying: usize,
    tries: usize,
}

impl<'a> Encoder<'a> {
    fn value(&mut self, tree: &Tree, id: Id) -> Result<(), Mismatch> {
        if self.depth.is_too_deep() {
            return Err(Mismatch::too_deep());
        }
        if self.trying > 0 {
            self.tries += 1;
            if self.tries > MAX_TRIES {
                return Err(Mismatch::new("has too many unions that could hold it"));
            }
        }
        let schema = self.schema;
        match &schema.get(id).kind {
            Kind::Union(branches) => self.union(tree, branches),
            Kind::Record(record) => self.record_of(tree, record, id),
            Kind::Array(items) => match tree {
                Tree::Seq(values) => self.array(values, *items),
                _ => Err(self.mismatch(tree, id)),
            },
            Kind::Map(values) => match tree {
                Tree::Fields(_, entries) => self.map(entries, *values),
                Tree::Variant(name, held) if **held != Tree::Null => {
                    self.map(&[((*name).to_owned(), (**held).clone())], *values)
                }
                _ => Err(self.mismatch(tree, id)),
            },
            _ => self.scalar(tree, id),
        }
    }

    fn array(&mut self, values: &[Tree], items: Id) -> Result<(), Mismatch> {
        self.count(values.len());
        for (at, value) in values.iter().enumerate() {
            self.value(value, items).map_err(|mismatch| mismatch.at(at))?;
        }
        self.end_of_items();
        Ok(())
    }

    fn map(&mut self, entries: &[(String, Tree)], values: Id) -> Result<(), Mismatch> {
        if has_twice(entries.iter().map(|it| it.0.as_str())) {
            return Err(Mismatch::new("has a key twice"));
        }
        self.count(entries.len());
        for (key, value) in entries {
            self.bytes(key.as_bytes());
            self.value(value, values).map_err(Mismatch::in_map)?;
        }
        self.end_of_items();
        Ok(())
    }

    fn record_of(&mut self, tree: &Tree, record: &'a Record, id: Id) -> Result<(), Mismatch> {
        match tree {
            Tree::Fields(_, entries) => self.record(entries, record),
            Tree::Null if record.fields.is_empty() => Ok(()),
            Tree::Variant(variant, held) => {
                let has = |name: &str| record.fields.iter().any(|field| field.name == name);
                let (variant, held) = ((*variant).to_owned(), (**held).clone());
                if !has(&variant) && has("type") && has("value") {
                    // This is apache-avro's layout of an enum.
                    let of = ("type".to_owned(), Tree::Text(variant));
                    return self.record(&[of, ("value".to_owned(), held)], record);
                }
                self.record(&[(variant, held)], record)
            }
            _ => Err(self.mismatch(tree, id)),
        }
    }

    fn record(&mut self, entries: &[(String, Tree)], record: &'a Record) -> Result<(), Mismatch> {
        let unknown =
            entries.iter().find(|(name, _)| record.fields.iter().all(|it| it.name != *name));
        if let Some((name, _)) = unknown {
            return Err(Mismatch::new("is not in the schema").in_field(name));
        }
        if has_twice(entries.iter().map(|it| it.0.as_str())) {
            return Err(Mismatch::new("has a field twice"));
        }
        for field in &record.fields {
            let given = entries.iter().find(|(name, _)| *name == field.name);
            match given {
                Some((_, value)) => self.value(value, field.schema),
                None => self.default(field),
            }
            .map_err(|mismatch| mismatch.in_field(&field.name))?;
        }
        Ok(())
    }

    fn default(&mut self, field: &Field) -> Result<(), Mismatch> {
        let missing = || Mismatch::new("is missing, and the schema has no default for it");
        let value = field.default.as_ref().ok_or_else(missing)?;
        default::encode(self.schema, field.schema, value, &mut self.out).map_err(Mismatch::new)
    }

    /// Makes the error for a value of another type than the schema's.
    fn mismatch(&self, tree: &Tree, id: Id) -> Mismatch {
        Mismatch::new(format!("is {}, but the schema says {}", word(tree), self.schema.label(id)))
    }

    fn count(&mut self, items: usize) {
        if items > 0 {
            self.long(i64::try_from(items).unwrap_or(i64::MAX));
        }
    }

    fn end_of_items(&mut self) {
        self.long(0);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.long(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.out.extend_from_slice(bytes);
    }

    fn long(&mut self, number: i64) {
        varint::write(number, &mut self.out);
    }
}

fn has_twice<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Returns Avro's name for the type of a value if there is one.
fn word(tree: &Tree) -> &'static str {
    match tree {
        Tree::Null => "null",
        Tree::Bool(_) => "boolean",
        Tree::Integer(number, _) if i32::try_from(*number).is_ok() => "int",
        Tree::Integer(number, _) if i64::try_from(*number).is_ok() => "long",
        Tree::Integer(..) | Tree::Huge(_) => "a number larger than long",
        Tree::Float(_) => "float",
        Tree::Double(_) => "double",
        Tree::Text(_) => "string",
        Tree::Decimal(_) => "decimal",
        Tree::Bytes(_) => "bytes",
        Tree::Seq(_) => "array",
        Tree::Fields(Some(_), _) => "record",
        Tree::Fields(None, _) => "map",
        Tree::Variant(..) => "a variant of an enum",
    }
}
