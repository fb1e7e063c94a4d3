//! Implements `normalize=true`: sorts everything that has no order in Avro, and converts defaults
//! to values of their types, as Confluent's registry does.

use std::sync::Arc;

use super::json::{self, Json, Object};
use super::tree::{Enum, Field, Fixed, Name, Names, Node, Props, Record};

/// Attributes that cannot be combined with Java's logical types.
const OF_JAVA: [&str; 4] =
    ["avro.java.string", "java-class", "java-key-class", "java-element-class"];

type Result<T> = std::result::Result<T, String>;

/// Normalizes everything that the schema itself spells out.
///
/// # Errors
///
/// If a default contains a value that its type cannot hold.
pub(super) fn normalized(node: &Node, names: &Names) -> Result<Node> {
    let inner = |node: &Node| normalized(node, names).map(Arc::new);
    Ok(match node {
        Node::Named(_) => node.clone(),
        Node::Primitive(kind, props) => {
            Node::Primitive(kind, ordered(props, logical_type(kind, 0, props)))
        }
        Node::Array(items, props) => Node::Array(inner(items)?, ordered(props, Object::new())),
        Node::Map(values, props) => Node::Map(inner(values)?, ordered(props, Object::new())),
        Node::Union(branches) => {
            let branches: Result<Vec<Node>> =
                branches.iter().map(|branch| normalized(branch, names)).collect();
            Node::Union(Arc::new(branches?))
        }
        Node::Fixed(fixed) => Node::Fixed(Arc::new(Fixed {
            name: fixed.name.clone(),
            doc: non_empty(fixed.doc.as_ref()),
            aliases: sorted(&fixed.aliases),
            size: fixed.size,
            props: ordered(&fixed.props, logical_type("fixed", fixed.size, &fixed.props)),
        })),
        Node::Enum(declared) => Node::Enum(Arc::new(Enum {
            name: declared.name.clone(),
            doc: non_empty(declared.doc.as_ref()),
            aliases: sorted(&declared.aliases),
            symbols: declared.symbols.clone(),
            default: declared.default.clone(),
            props: ordered(&declared.props, Object::new()),
        })),
        Node::Record(record) => Node::Record(Arc::new(self::record(record, names)?)),
    })
}

fn record(record: &Record, names: &Names) -> Result<Record> {
    let fields: Result<Vec<Field>> = record.fields.iter().map(|it| field(it, names)).collect();
    Ok(Record {
        name: record.name.clone(),
        doc: non_empty(record.doc.as_ref()),
        aliases: sorted(&record.aliases),
        is_error: false,
        fields: fields?,
        props: ordered(&record.props, Object::new()),
    })
}

fn field(field: &Field, names: &Names) -> Result<Field> {
    let default = match &field.default {
        Some(default) => typed(default, Some(&field.node), names)?,
        None => None,
    };
    let mut aliases = field.aliases.clone();
    aliases.sort();
    Ok(Field {
        name: field.name.clone(),
        doc: field.doc.clone(),
        aliases,
        default,
        order: field.order,
        node: normalized(&field.node, names)?,
        props: ordered(&field.props, Object::new()),
    })
}

fn non_empty(doc: Option<&String>) -> Option<String> {
    doc.filter(|doc| !doc.is_empty()).cloned()
}

fn sorted(aliases: &[Name]) -> Vec<Name> {
    let mut aliases = aliases.to_vec();
    aliases.sort_by_key(Name::full);
    aliases
}

/// Returns the attributes sorted by name, after these.
fn ordered(props: &Props, first: Object) -> Props {
    let mut others: Object = props
        .iter()
        .filter(|(name, _)| json::get(&first, name).is_none())
        .map(|(name, value)| (name.clone(), value.sorted()))
        .collect();
    others.sort_by(|one, other| one.0.cmp(&other.0));
    Arc::new(first.into_iter().chain(others).collect())
}

/// Returns the attributes of a logical type that Java knows and accepts here; empty otherwise.
fn logical_type(kind: &str, size: u64, props: &Props) -> Object {
    let Some(name) = json::get(props, "logicalType").and_then(Json::as_text) else {
        return Object::new();
    };
    let of_java =
        |attribute: &&str| json::get(props, attribute).is_some_and(|it| it.as_text().is_some());
    if OF_JAVA.iter().any(of_java) {
        return Object::new();
    }
    let mut found = vec![("logicalType".to_owned(), Json::Text(name.to_owned()))];
    let is_valid = match name {
        "decimal" => match precision_and_scale(kind, size, props) {
            Some((precision, scale)) => {
                found.push(("precision".to_owned(), Json::Int(precision)));
                if scale != 0 {
                    found.push(("scale".to_owned(), Json::Int(scale)));
                }
                true
            }
            None => false,
        },
        "big-decimal" => kind == "bytes",
        "uuid" => kind == "string" || (kind == "fixed" && size == 16),
        "date" | "time-millis" => kind == "int",
        "time-micros"
        | "timestamp-millis"
        | "timestamp-micros"
        | "timestamp-nanos"
        | "local-timestamp-millis"
        | "local-timestamp-micros"
        | "local-timestamp-nanos" => kind == "long",
        _ => false,
    };
    if is_valid { found } else { Object::new() }
}

fn precision_and_scale(kind: &str, size: u64, props: &Props) -> Option<(i64, i64)> {
    let number = |attribute| match json::get(props, attribute) {
        Some(Json::Int(number)) if i32::try_from(*number).is_ok() => Some(Some(*number)),
        Some(_) => None,
        None => Some(None),
    };
    let precision = number("precision")??;
    let scale = number("scale")?.unwrap_or(0);
    let most = match kind {
        "bytes" => i64::from(i32::MAX),
        // The digits that so many bits can hold, one of which is the sign.
        "fixed" => (2f64.log10() * (8.0 * size as f64 - 1.0)).floor() as i64,
        _ => 0,
    };
    let is_valid = precision > 0 && precision <= most && (0..=precision).contains(&scale);
    is_valid.then_some((precision, scale))
}

/// Returns a default as a value of its type, as Java's `JacksonUtils.toObject` reads it: `None` if
/// it has another type, which leaves the field without a default.
fn typed(value: &Json, node: Option<&Node>, names: &Names) -> Result<Option<Json>> {
    let node = node.map(|node| node.resolved(names));
    if let Some(Node::Union(branches)) = node {
        let first = branches.first().ok_or("a union without branches has no default")?;
        return typed(value, Some(first), names);
    }
    let kind = node.map(Node::kind);
    Ok(match (value, kind) {
        (Json::Null | Json::Bool(_), _) => Some(value.clone()),
        (Json::Int(_) | Json::Double(_), None) => Some(value.clone()),
        (Json::Int(_), Some("int" | "long")) => Some(value.clone()),
        (Json::Int(number), Some("double")) => Some(Json::Double(*number as f64)),
        (Json::Int(number), Some("float")) => Some(single(*number as f64)),
        (Json::Double(number), Some("float")) => Some(single(*number)),
        (Json::Double(_), Some("double")) => Some(value.clone()),
        (Json::Text(_), None | Some("string" | "enum")) => Some(value.clone()),
        (Json::Text(text), Some("bytes" | "fixed")) => {
            let byte = |char| if char <= '\u{ff}' { char } else { '?' };
            Some(Json::Text(text.chars().map(byte).collect()))
        }
        (Json::Array(items), _) => Some(Json::Array(typed_items(items, node, names)?)),
        (Json::Object(entries), _) => Some(Json::Object(typed_entries(entries, node, names)?)),
        _ => None,
    })
}

/// Returns a number as 32 bits hold it, in as few digits as identify it.
fn single(number: f64) -> Json {
    let text = format!("{:?}", number as f32);
    Json::Double(text.parse().unwrap_or(number))
}

fn typed_items(items: &[Json], node: Option<&Node>, names: &Names) -> Result<Vec<Json>> {
    let inner = match node {
        None => None,
        Some(Node::Array(inner, _)) => Some(inner.as_ref()),
        Some(_) => return Err("a default is an array, but its type is not".to_owned()),
    };
    items.iter().map(|item| there(typed(item, inner, names)?)).collect()
}

fn typed_entries(entries: &Object, node: Option<&Node>, names: &Names) -> Result<Object> {
    let typed_entry = |(name, value): &(String, Json)| {
        let inner = match node {
            Some(Node::Map(inner, _)) => Some(inner.as_ref()),
            Some(Node::Record(record)) => {
                let field = record.fields.iter().find(|field| field.name == *name);
                Some(&field.ok_or_else(|| format!("the record has no field {name}"))?.node)
            }
            _ => None,
        };
        Ok((name.clone(), there(typed(value, inner, names)?)?))
    };
    let typed: Result<Object> = entries.iter().map(typed_entry).collect();
    Ok(Json::Object(typed?).sorted()).map(|sorted| match sorted {
        Json::Object(entries) => entries,
        _ => Object::new(),
    })
}

fn there(value: Option<Json>) -> Result<Json> {
    value.ok_or_else(|| "a default contains a value of another type".to_owned())
}
