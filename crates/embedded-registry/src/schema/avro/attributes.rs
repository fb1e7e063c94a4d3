//! Reads the attributes of types and fields as Java's parser does: names, aliases, the order, and
//! attributes that have no meaning in Avro but are kept.

use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::json::{self, Json, Object};
use super::tree::{Name, Order, Props, primitive};

type Result<T> = std::result::Result<T, String>;

/// Attributes of a type itself, of any kind: none of them is kept as a custom attribute.
pub(super) const OF_TYPES: [&str; 10] =
    ["doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"];

pub(super) const OF_FIELDS: [&str; 6] = ["default", "doc", "name", "order", "type", "aliases"];

/// Matches a name: letters and digits of all languages that Java's `Character` knows in 16 bits.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\p{L}_][\p{L}\p{Nd}_]*$").expect("the pattern is a constant"));

/// Returns the custom attributes, in the order of the text.
pub(super) fn props(object: &Object, own: &[&str]) -> Props {
    let others = object.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    Arc::new(others.cloned().collect())
}

/// Returns the custom attributes of a type that Java copies. It copies records, arrays, and maps
/// once their names are known, and cannot copy numbers beyond 64 bits.
pub(super) fn copied_props(object: &Object) -> Result<Props> {
    let props = props(object, &OF_TYPES);
    copyable(&props)?;
    Ok(props)
}

pub(super) fn copyable(props: &Props) -> Result<()> {
    match props.iter().find(|(_, value)| value.contains_big_number()) {
        Some((name, _)) => Err(format!("the attribute {name} contains a number beyond 64 bits")),
        None => Ok(()),
    }
}

pub(super) fn declared_name(object: &Object, namespace: Option<&str>) -> Result<Name> {
    let namespace = optional(object, "namespace").or(namespace);
    let name = required(object, "name", "No name in schema")?;
    let name = Name::new(name, namespace);
    valid_name(&name.short)?;
    for part in name.namespace.iter().flat_map(|namespace| namespace.split('.')) {
        valid_name(part)?;
    }
    if primitive(&name.full()).is_some() {
        return Err(format!("Schemas may not be named after primitives: {}", name.full()));
    }
    Ok(name)
}

pub(super) fn valid_name(name: &str) -> Result<()> {
    let is_in_16_bits = name.chars().all(|char| char.len_utf16() == 1);
    if name.is_empty() {
        return Err("Empty name".to_owned());
    }
    if !is_in_16_bits || !NAME.is_match(name) {
        return Err(format!("Illegal character in: {name}"));
    }
    Ok(())
}

pub(super) fn type_aliases(object: &Object, of: &Name) -> Result<Vec<Name>> {
    let mut names: Vec<Name> = Vec::new();
    for alias in aliases(object)? {
        let alias = Name::new(&alias, of.namespace.as_deref());
        valid_name(&alias.short)?;
        if !names.contains(&alias) {
            names.push(alias);
        }
    }
    Ok(names)
}

pub(super) fn aliases(object: &Object) -> Result<Vec<String>> {
    let Some(aliases) = json::get(object, "aliases") else {
        return Ok(Vec::new());
    };
    let aliases = aliases.as_array().ok_or("aliases not an array")?;
    let mut read: Vec<String> = Vec::new();
    for alias in aliases {
        let alias = alias.as_text().ok_or_else(|| format!("alias not a string: {alias}"))?;
        if !read.iter().any(|known| known == alias) {
            read.push(alias.to_owned());
        }
    }
    Ok(read)
}

pub(super) fn order(object: &Object) -> Result<Order> {
    let Some(order) = json::get(object, "order") else {
        return Ok(Order::Ascending);
    };
    match order.as_text().map(str::to_uppercase).as_deref() {
        Some("ASCENDING") => Ok(Order::Ascending),
        Some("DESCENDING") => Ok(Order::Descending),
        Some("IGNORE") => Ok(Order::Ignore),
        _ => Err(format!("the order must be ascending, descending, or ignore, not {order}")),
    }
}

pub(super) fn required<'a>(object: &'a Object, name: &str, error: &str) -> Result<&'a str> {
    optional(object, name).ok_or_else(|| format!("{error}: {}", Json::Object(object.clone())))
}

/// Returns the text of an attribute; any other value counts as missing.
pub(super) fn optional<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    json::get(object, name)?.as_text()
}
