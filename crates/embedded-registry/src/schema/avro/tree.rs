//! An Avro schema as a tree in which every name is a full name.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

/// The named types of a schema and of what it depends on, by their full names.
pub(super) type Names = HashMap<String, Node>;

#[derive(Debug, Clone)]
pub(super) enum Node {
    /// One of the eight types without structure, such as `string`. Logical types are about what a
    /// value means, not about how it is written, and count as what they are made of.
    Primitive(&'static str),
    Array(Arc<Node>),
    Map(Arc<Node>),
    Union(Arc<Vec<Node>>),
    Fixed(Arc<Fixed>),
    Enum(Arc<Enum>),
    Record(Arc<Record>),
    /// A type that is defined elsewhere, or further up.
    Named(String),
}

/// The full name of a type, and the full names that it says it had.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) full: String,
    pub(super) aliases: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) name: Name,
    pub(super) size: u64,
}

#[derive(Debug)]
pub(super) struct Enum {
    pub(super) name: Name,
    pub(super) symbols: Vec<String>,
    pub(super) default: Option<String>,
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: Name,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) has_default: bool,
    pub(super) node: Node,
}

pub(super) const PRIMITIVES: [&str; 8] =
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// Reads a schema that apache-avro has found valid.
pub(super) fn read(value: &Value, namespace: &str, names: &mut Names) -> Result<Node, String> {
    match value {
        Value::String(name) => Ok(named(name, namespace)),
        Value::Array(branches) => {
            let branches: Result<Vec<Node>, String> =
                branches.iter().map(|branch| read(branch, namespace, names)).collect();
            Ok(Node::Union(Arc::new(branches?)))
        }
        Value::Object(object) => read_object(object, namespace, names),
        _ => Err(format!("{value} is no schema")),
    }
}

fn read_object(
    object: &Map<String, Value>,
    namespace: &str,
    names: &mut Names,
) -> Result<Node, String> {
    let missing = |attribute: &str| format!("a type lacks its attribute {attribute}");
    let inner = |attribute: &str, names: &mut Names| {
        let value = object.get(attribute).ok_or_else(|| missing(attribute))?;
        read(value, namespace, names).map(Arc::new)
    };
    let Some(kind) = object.get("type") else {
        return Err(missing("type"));
    };
    match kind.as_str() {
        Some("array") => Ok(Node::Array(inner("items", names)?)),
        Some("map") => Ok(Node::Map(inner("values", names)?)),
        Some(kind @ ("record" | "error" | "enum" | "fixed")) => {
            let text = |attribute: &str| object.get(attribute).and_then(Value::as_str);
            let (full, namespace) = full_name(text("name"), text("namespace"), namespace)
                .ok_or_else(|| missing("name"))?;
            if !full.split('.').all(is_name) {
                return Err(format!("{full} is no name: letters, digits and _ make one"));
            }
            let aliases = strings(object, "aliases").into_iter();
            let aliases = aliases.map(|alias| qualified(&alias, &namespace)).collect();
            let name = Name { full: full.clone(), aliases };
            let node = match kind {
                "enum" => enumeration(object, name),
                "fixed" => {
                    let size = object.get("size").and_then(Value::as_u64);
                    let size = size.ok_or_else(|| missing("size"))?;
                    Node::Fixed(Arc::new(Fixed { name, size }))
                }
                _ => {
                    let fields = fields(object, &namespace, names)?;
                    Node::Record(Arc::new(Record { name, fields }))
                }
            };
            names.insert(full, node.clone());
            Ok(node)
        }
        _ => read(kind, namespace, names),
    }
}

/// The full name of a type, and the namespace for what it holds.
pub(super) fn full_name(
    name: Option<&str>,
    own_namespace: Option<&str>,
    enclosing: &str,
) -> Option<(String, String)> {
    let name = name?;
    if let Some((namespace, _)) = name.rsplit_once('.') {
        return Some((name.to_owned(), namespace.to_owned()));
    }
    let own = own_namespace.unwrap_or(enclosing);
    Some((joined(own, name), own.to_owned()))
}

fn joined(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn named(name: &str, namespace: &str) -> Node {
    if let Some(primitive) = PRIMITIVES.iter().find(|primitive| **primitive == name) {
        return Node::Primitive(primitive);
    }
    Node::Named(qualified(name, namespace))
}

fn qualified(name: &str, namespace: &str) -> String {
    if name.contains('.') { name.to_owned() } else { joined(namespace, name) }
}

fn is_name(name: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_inside) && name.bytes().next().is_some_and(|it| !it.is_ascii_digit())
}

fn enumeration(object: &Map<String, Value>, name: Name) -> Node {
    let default = object.get("default").and_then(Value::as_str).map(str::to_owned);
    Node::Enum(Arc::new(Enum { name, symbols: strings(object, "symbols"), default }))
}

fn fields(
    object: &Map<String, Value>,
    namespace: &str,
    names: &mut Names,
) -> Result<Vec<Field>, String> {
    let fields = object.get("fields").and_then(Value::as_array).ok_or("a record has no fields")?;
    let mut read_fields = Vec::with_capacity(fields.len());
    for field in fields {
        let field = field.as_object().ok_or("a field is no object")?;
        let name = field.get("name").and_then(Value::as_str).ok_or("a field has no name")?;
        let schema = field.get("type").ok_or("a field has no type")?;
        read_fields.push(Field {
            name: name.to_owned(),
            aliases: strings(field, "aliases"),
            has_default: field.contains_key("default"),
            node: read(schema, namespace, names)?,
        });
    }
    Ok(read_fields)
}

fn strings(object: &Map<String, Value>, attribute: &str) -> Vec<String> {
    let values = object.get(attribute).and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}
