//! Reads a JSON Schema into its tree: the kind of each schema, and the targets of its references.
//!
//! A schema with several kinds of keywords, such as `type` next to `anyOf`, becomes an `allOf` of
//! its parts, and so does one with keywords next to `$ref` if its draft allows them; a list of
//! types becomes an `anyOf`. `if`, `then`, `else`, `contains`, `propertyNames`, and the
//! `unevaluated` keywords are not represented in the tree.

use std::collections::HashMap;

use jsonschema::Draft;
use regex::Regex;
use serde_json::{Map, Value};

use super::tree::{Array, Criterion, Id, Kind, Node, Number, Object, Others, Text, Tree};
use crate::percent::decoded;

/// Reads the first document; it can refer to the others by their names.
pub(super) fn load(documents: &[(String, Value)]) -> Result<Tree, String> {
    let mut loader = Loader {
        documents,
        names: HashMap::new(),
        loaded: HashMap::new(),
        tree: Tree::default(),
        depth: 0,
    };
    for (index, (name, document)) in documents.iter().enumerate() {
        loader.names.entry((None, name.clone())).or_insert((index, String::new()));
        loader.collect_names(index, document, String::new());
    }
    loader.schema(0, "", &documents[0].1)?;
    Ok(loader.tree)
}

/// The maximum nesting of schemas, references followed.
const MAX_DEPTH: usize = 1_000;

/// A document, and a JSON pointer into it.
type Place = (usize, String);

struct Loader<'a> {
    documents: &'a [(String, Value)],
    /// The targets of `$id` and `$anchor`. An anchor is valid in its own document only.
    names: HashMap<(Option<usize>, String), Place>,
    loaded: HashMap<Place, Id>,
    tree: Tree,
    depth: usize,
}

/// The keywords that imply one of these types if the schema names none.
const OF_TYPES: [(&str, &[&str]); 4] = [
    (
        "object",
        &[
            "properties",
            "required",
            "additionalProperties",
            "patternProperties",
            "minProperties",
            "maxProperties",
            "dependencies",
            "dependentRequired",
            "dependentSchemas",
        ],
    ),
    ("array", &["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems"]),
    ("string", &["minLength", "maxLength", "pattern"]),
    ("number", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
];

impl<'a> Loader<'a> {
    fn collect_names(&mut self, document: usize, value: &Value, pointer: String) {
        match value {
            Value::Object(object) => {
                for (keyword, of) in [("$id", None), ("id", None), ("$anchor", Some(document))] {
                    if let Some(name) = object.get(keyword).and_then(Value::as_str) {
                        let name = name.trim_end_matches('#').to_owned();
                        let place = (document, pointer.clone());
                        self.names.entry((of, name)).or_insert(place);
                    }
                }
                for (key, value) in object {
                    self.collect_names(document, value, format!("{pointer}/{}", escaped(key)));
                }
            }
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.collect_names(document, value, format!("{pointer}/{index}"));
                }
            }
            _ => {}
        }
    }

    fn schema(&mut self, document: usize, pointer: &str, value: &Value) -> Result<Id, String> {
        let place = (document, pointer.to_owned());
        if let Some(id) = self.loaded.get(&place) {
            return Ok(*id);
        }
        if self.depth == MAX_DEPTH {
            return Err(format!("schemas are nested more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        // It is added before its contents are read, so that a circular reference finds it.
        let id = self.add(Kind::Any);
        self.loaded.insert(place, id);
        let has_default = value.get("default").is_some();
        let kind = match value {
            Value::Bool(false) => Kind::Never,
            Value::Object(object) => self.object_schema(document, pointer, object)?,
            _ => Kind::Any,
        };
        self.tree.nodes[id] = Node { kind, has_default };
        self.depth -= 1;
        Ok(id)
    }

    fn add(&mut self, kind: Kind) -> Id {
        self.tree.nodes.push(Node { kind, has_default: false });
        self.tree.nodes.len() - 1
    }

    fn object_schema(
        &mut self,
        document: usize,
        pointer: &str,
        object: &Map<String, Value>,
    ) -> Result<Kind, String> {
        let mut parts = Vec::new();
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let referred = self.reference(document, reference)?;
            if !self.allows_siblings(document) {
                return Ok(referred);
            }
            if !matches!(referred, Kind::Any) {
                parts.push(referred);
            }
        }
        parts.extend(self.typed(document, pointer, object)?);
        if let Some(Value::Array(values)) = object.get("enum") {
            parts.push(Kind::Enum(values.clone()));
        }
        if let Some(value) = object.get("const") {
            parts.push(Kind::Enum(vec![value.clone()]));
        }
        if let Some(negated) = object.get("not") {
            parts.push(Kind::Not(self.schema(document, &format!("{pointer}/not"), negated)?));
        }
        for (keyword, criterion) in
            [("allOf", Criterion::All), ("anyOf", Criterion::Any), ("oneOf", Criterion::One)]
        {
            if let Some(Value::Array(_)) = object.get(keyword) {
                let schemas = self.schemas(document, pointer, object, keyword)?;
                parts.push(Kind::Combined(criterion, schemas));
            }
        }
        Ok(match parts.len() {
            0 => Kind::Any,
            1 => parts.remove(0),
            _ => {
                let parts = parts.into_iter().map(|part| self.add(part)).collect();
                Kind::Combined(Criterion::All, parts)
            }
        })
    }

    /// Returns whether keywords next to `$ref` count: since draft 2019-09 they do; before, they are
    /// ignored. A document without a draft has the draft of the document that refers to it.
    fn allows_siblings(&self, document: usize) -> bool {
        let of_first = Draft::Draft7.detect(&self.documents[0].1);
        let draft = of_first.detect(&self.documents[document].1);
        !matches!(draft, Draft::Draft4 | Draft::Draft6 | Draft::Draft7)
    }

    /// Reads what the schema's type describes, or the keywords that imply one.
    fn typed(
        &mut self,
        document: usize,
        pointer: &str,
        object: &Map<String, Value>,
    ) -> Result<Vec<Kind>, String> {
        match object.get("type") {
            Some(Value::String(name)) => Ok(vec![self.of_type(name, document, pointer, object)?]),
            Some(Value::Array(names)) => {
                let mut branches = Vec::new();
                for name in names.iter().filter_map(Value::as_str) {
                    branches.push(self.of_type(name, document, pointer, object)?);
                }
                if branches.len() == 1 {
                    return Ok(branches);
                }
                let branches = branches.into_iter().map(|kind| self.add(kind)).collect();
                Ok(vec![Kind::Combined(Criterion::Any, branches)])
            }
            _ => {
                let mut parts = Vec::new();
                for (name, keywords) in OF_TYPES {
                    if keywords.iter().any(|keyword| object.contains_key(*keyword)) {
                        parts.push(self.of_type(name, document, pointer, object)?);
                    }
                }
                Ok(parts)
            }
        }
    }

    fn of_type(
        &mut self,
        name: &str,
        document: usize,
        pointer: &str,
        object: &Map<String, Value>,
    ) -> Result<Kind, String> {
        Ok(match name {
            "object" => Kind::Object(Box::new(self.object(document, pointer, object)?)),
            "array" => Kind::Array(Box::new(self.array(document, pointer, object)?)),
            "string" => Kind::String(Text {
                max_length: number(object, "maxLength"),
                min_length: number(object, "minLength"),
                pattern: object.get("pattern").and_then(Value::as_str).map(str::to_owned),
            }),
            "number" | "integer" => Kind::Number(numbers(name == "integer", object)),
            "boolean" => Kind::Boolean,
            "null" => Kind::Null,
            other => return Err(format!("{other} is not a type of JSON Schema")),
        })
    }

    fn object(
        &mut self,
        document: usize,
        pointer: &str,
        object: &Map<String, Value>,
    ) -> Result<Object, String> {
        let mut read = Object {
            required: strings(object.get("required")).collect(),
            others: self.others(document, pointer, object, "additionalProperties")?,
            max_properties: number(object, "maxProperties"),
            min_properties: number(object, "minProperties"),
            ..Object::default()
        };
        read.properties =
            self.named(document, pointer, object, "properties")?.into_iter().collect();
        for (pattern, id) in self.named(document, pointer, object, "patternProperties")? {
            read.patterns.push((Regex::new(&pattern).ok(), id));
        }
        for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
            let Some(Value::Object(needed)) = object.get(keyword) else {
                continue;
            };
            for (property, value) in needed {
                if value.is_array() {
                    let properties = strings(Some(value)).collect();
                    read.needs_properties.insert(property.clone(), properties);
                } else {
                    let pointer = format!("{pointer}/{keyword}/{}", escaped(property));
                    let schema = self.schema(document, &pointer, value)?;
                    read.needs_schemas.insert(property.clone(), schema);
                }
            }
        }
        Ok(read)
    }

    fn array(
        &mut self,
        document: usize,
        pointer: &str,
        object: &Map<String, Value>,
    ) -> Result<Array, String> {
        let mut read = Array {
            max_items: number(object, "maxItems"),
            min_items: number(object, "minItems"),
            unique: object.get("uniqueItems") == Some(&Value::Bool(true)),
            ..Array::default()
        };
        if object.contains_key("prefixItems") {
            // Since draft 2020-12, `items` applies to the items after the listed ones.
            read.items = self.schemas(document, pointer, object, "prefixItems")?;
            read.others = self.others(document, pointer, object, "items")?;
        } else if let Some(Value::Array(_)) = object.get("items") {
            read.items = self.schemas(document, pointer, object, "items")?;
            read.others = self.others(document, pointer, object, "additionalItems")?;
        } else if let Some(items) = object.get("items") {
            read.all = Some(self.schema(document, &format!("{pointer}/items"), items)?);
        }
        Ok(read)
    }

    fn others(
        &mut self,
        document: usize,
        pointer: &str,
        object: &Map<String, Value>,
        keyword: &str,
    ) -> Result<Others, String> {
        Ok(match object.get(keyword) {
            None | Some(Value::Bool(true)) => Others::Open,
            Some(Value::Bool(false)) => Others::Closed,
            Some(schema) => {
                Others::Schema(self.schema(document, &format!("{pointer}/{keyword}"), schema)?)
            }
        })
    }

    fn named(
        &mut self,
        document: usize,
        pointer: &str,
        object: &Map<String, Value>,
        keyword: &str,
    ) -> Result<Vec<(String, Id)>, String> {
        let Some(Value::Object(schemas)) = object.get(keyword) else {
            return Ok(Vec::new());
        };
        let mut named = Vec::with_capacity(schemas.len());
        for (name, schema) in schemas {
            let pointer = format!("{pointer}/{keyword}/{}", escaped(name));
            named.push((name.clone(), self.schema(document, &pointer, schema)?));
        }
        Ok(named)
    }

    fn schemas(
        &mut self,
        document: usize,
        pointer: &str,
        object: &Map<String, Value>,
        keyword: &str,
    ) -> Result<Vec<Id>, String> {
        let schemas = object.get(keyword).and_then(Value::as_array).into_iter().flatten();
        let indexed = schemas.enumerate();
        indexed
            .map(|(index, it)| self.schema(document, &format!("{pointer}/{keyword}/{index}"), it))
            .collect()
    }

    fn reference(&mut self, document: usize, reference: &str) -> Result<Kind, String> {
        let (name, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let unknown = || format!("nothing is known as the $ref {reference}");
        let (document, base) = if name.is_empty() {
            (document, String::new())
        } else {
            match self.named_document(document, name) {
                Some(place) => place,
                // The specification's own schemas are not available here, so any value is valid.
                None if name.contains("json-schema.org/") => return Ok(Kind::Any),
                None => return Err(unknown()),
            }
        };
        let (document, pointer) = if fragment.is_empty() || fragment.starts_with('/') {
            (document, base + &decoded(fragment))
        } else {
            let anchor = (Some(document), fragment.to_owned());
            self.names.get(&anchor).cloned().ok_or_else(unknown)?
        };
        let documents: &'a [(String, Value)] = self.documents;
        let value = documents[document].1.pointer(&pointer).ok_or_else(unknown)?;
        Ok(Kind::Reference(self.schema(document, &pointer, value)?))
    }

    /// Finds a document by the name in the reference, by its `$id`, or by its `$id` relative to
    /// that of the document that refers to it.
    fn named_document(&self, from: usize, name: &str) -> Option<Place> {
        let at = |name: String| self.names.get(&(None, name)).cloned();
        at(name.to_owned()).or_else(|| {
            let base = self.documents[from].1.get("$id").and_then(Value::as_str)?;
            let (directory, _) = base.rsplit_once('/')?;
            at(format!("{directory}/{}", name.trim_start_matches("./")))
        })
    }
}

fn numbers(is_integer: bool, object: &Map<String, Value>) -> Number {
    let mut read = Number {
        is_integer,
        maximum: number(object, "maximum"),
        minimum: number(object, "minimum"),
        exclusive_maximum: number(object, "exclusiveMaximum"),
        exclusive_minimum: number(object, "exclusiveMinimum"),
        multiple_of: number(object, "multipleOf"),
    };
    // In draft 4, `exclusiveMaximum` is a boolean next to `maximum`.
    if object.get("exclusiveMaximum") == Some(&Value::Bool(true)) {
        read.exclusive_maximum = read.maximum.take();
    }
    if object.get("exclusiveMinimum") == Some(&Value::Bool(true)) {
        read.exclusive_minimum = read.minimum.take();
    }
    read
}

fn number(object: &Map<String, Value>, keyword: &str) -> Option<f64> {
    object.get(keyword)?.as_f64()
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned)
}

/// Escapes a name for a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
