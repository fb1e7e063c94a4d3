//! Parses schemas. It is as lenient as Java's parser: a name can be used before it is defined, and
//! a logical type is ignored if it is not valid for its type.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::super::logical::Logical;
use super::annotation::logical;
use super::{Enum, Field, Id, Kind, Name, Record, Schema, Type};

impl Schema {
    /// Parses a schema. `needed` are the schemas whose types it uses, each after the ones it uses
    /// itself.
    pub(in super::super) fn parse<'a>(
        text: &str,
        needed: impl Iterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let mut parser = Parser { types: Vec::new(), names: HashMap::new() };
        for text in needed {
            parser.text(text)?;
        }
        let root = parser.text(text)?;
        let undefined = parser.types.iter().find_map(|it| match &it.kind {
            Kind::Undefined(name) => Some(name),
            _ => None,
        });
        match undefined {
            Some(name) => Err(format!("the type {name} is used but not defined")),
            None => Ok(Schema { types: parser.types, root }),
        }
    }
}

struct Parser {
    types: Vec<Type>,
    names: HashMap<String, Id>,
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<Id, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        self.value(&value, "")
    }

    fn push(&mut self, kind: Kind, logical: Option<Logical>) -> Id {
        self.types.push(Type { kind, logical });
        self.types.len() - 1
    }

    fn value(&mut self, value: &Value, namespace: &str) -> Result<Id, String> {
        match value {
            Value::String(name) => Ok(self.named(name, namespace)),
            Value::Array(branches) => self.union(branches, namespace),
            Value::Object(object) => self.object(object, namespace),
            other => Err(format!("{other} is not a schema")),
        }
    }

    fn named(&mut self, name: &str, namespace: &str) -> Id {
        if let Some(kind) = primitive(name) {
            return self.push(kind, None);
        }
        let full = qualified(name, namespace);
        // Java also looks for the name without a namespace.
        if let Some(id) = self.names.get(&full).or_else(|| self.names.get(name)) {
            return *id;
        }
        let id = self.push(Kind::Undefined(full.clone()), None);
        self.names.insert(full, id);
        id
    }

    fn union(&mut self, branches: &[Value], namespace: &str) -> Result<Id, String> {
        let branches: Result<Vec<Id>, String> =
            branches.iter().map(|branch| self.value(branch, namespace)).collect();
        let branches = branches?;
        let mut seen = Vec::new();
        for id in &branches {
            let kind = &self.types[*id].kind;
            let label = match (kind, kind.name()) {
                (Kind::Union(_), _) => return Err("a union holds a union".to_owned()),
                (Kind::Undefined(name), _) => name.clone(),
                (_, Some(name)) => name.full.clone(),
                (_, None) => kind.word().to_owned(),
            };
            if seen.contains(&label) {
                return Err(format!("a union holds {label} twice"));
            }
            seen.push(label);
        }
        Ok(self.push(Kind::Union(branches), None))
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<Id, String> {
        let kind = object.get("type").ok_or("a type lacks its attribute type")?;
        let Some(word) = kind.as_str() else {
            return self.value(kind, namespace);
        };
        if let Some(kind) = primitive(word) {
            let logical = logical(object, &kind);
            return Ok(self.push(kind, logical));
        }
        let inner = |attribute: &str| {
            object.get(attribute).ok_or_else(|| format!("a type lacks its attribute {attribute}"))
        };
        match word {
            "array" => {
                let items = self.value(inner("items")?, namespace)?;
                Ok(self.push(Kind::Array(items), None))
            }
            "map" => {
                let values = self.value(inner("values")?, namespace)?;
                Ok(self.push(Kind::Map(values), None))
            }
            "record" | "error" | "enum" | "fixed" => self.definition(object, word, namespace),
            name => Ok(self.named(name, namespace)),
        }
    }

    fn definition(
        &mut self,
        object: &Map<String, Value>,
        word: &str,
        namespace: &str,
    ) -> Result<Id, String> {
        let (name, namespace) = name(object, namespace)?;
        let full = name.full.clone();
        let id = match self.names.get(&full) {
            Some(id) if matches!(self.types[*id].kind, Kind::Undefined(_)) => *id,
            Some(_) => return Err(format!("the type {full} is defined twice")),
            None => self.push(Kind::Undefined(full.clone()), None),
        };
        self.names.insert(full.clone(), id);
        let kind = match word {
            "enum" => Kind::Enum(enumeration(object, name)?),
            "fixed" => {
                let size = object.get("size").and_then(Value::as_u64);
                let size = size.and_then(|size| usize::try_from(size).ok());
                Kind::Fixed(name, size.ok_or_else(|| format!("{full} lacks its size"))?)
            }
            _ => Kind::Record(Record { name, fields: self.fields(object, &full, &namespace)? }),
        };
        let logical = logical(object, &kind);
        self.types[id] = Type { kind, logical };
        Ok(id)
    }

    fn fields(
        &mut self,
        object: &Map<String, Value>,
        record: &str,
        namespace: &str,
    ) -> Result<Vec<Field>, String> {
        let missing = || format!("{record} lacks its fields");
        let mut fields: Vec<Field> = Vec::new();
        for field in object.get("fields").and_then(Value::as_array).ok_or_else(missing)? {
            let no_name = || format!("a field of {record} lacks its name");
            let name = field.get("name").and_then(Value::as_str).ok_or_else(no_name)?;
            let no_type = || format!("the field {name} of {record} lacks its type");
            let schema = field.get("type").ok_or_else(no_type)?;
            if fields.iter().any(|it| it.name == name) {
                return Err(format!("{record} has two fields {name}"));
            }
            fields.push(Field {
                name: name.to_owned(),
                aliases: strings(field.get("aliases")),
                default: field.get("default").cloned(),
                schema: self.value(schema, namespace)?,
            });
        }
        Ok(fields)
    }
}

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

/// Parses the name of a type, and the namespace of its contents.
fn name(object: &Map<String, Value>, enclosing: &str) -> Result<(Name, String), String> {
    let text = |attribute: &str| object.get(attribute).and_then(Value::as_str);
    let name = text("name").filter(|name| !name.is_empty()).ok_or("a type lacks its name")?;
    let (full, namespace) = match name.rsplit_once('.') {
        // A leading dot means the null namespace.
        Some(("", short)) => (short.to_owned(), String::new()),
        Some((namespace, _)) => (name.to_owned(), namespace.to_owned()),
        None => {
            let namespace = text("namespace").unwrap_or(enclosing);
            (qualified(name, namespace), namespace.to_owned())
        }
    };
    let aliases = strings(object.get("aliases"));
    let aliases = aliases.iter().map(|alias| qualified(alias, &namespace)).collect();
    Ok((Name { full, aliases }, namespace))
}

fn qualified(name: &str, namespace: &str) -> String {
    match namespace {
        "" => name.trim_start_matches('.').to_owned(),
        _ if name.contains('.') => name.trim_start_matches('.').to_owned(),
        namespace => format!("{namespace}.{name}"),
    }
}

fn enumeration(object: &Map<String, Value>, name: Name) -> Result<Enum, String> {
    let missing = || format!("{} lacks its symbols", name.full);
    object.get("symbols").and_then(Value::as_array).ok_or_else(missing)?;
    let symbols = strings(object.get("symbols"));
    let default = object.get("default").and_then(Value::as_str).map(str::to_owned);
    let default = default.filter(|default| symbols.contains(default));
    Ok(Enum { name, symbols, default })
}

fn strings(values: Option<&Value>) -> Vec<String> {
    let values = values.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}
