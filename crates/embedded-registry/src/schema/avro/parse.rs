//! Reads a schema as Java's `Schema.Parser` (Avro 1.12) does: it rejects what Java rejects, and
//! drops what Java ignores.

use std::collections::HashSet;
use std::sync::Arc;

use super::attributes::{
    OF_FIELDS, OF_TYPES, aliases, copied_props, copyable, declared_name, optional, order, props,
    required, type_aliases, valid_name,
};
use super::defaults::{self, Known};
use super::json::{self, Json, Object};
use super::print::{Form, print};
use super::tree::{Enum, Field, Fixed, Name, Names, Node, Props, Record, primitive};

/// The size limit of Java's arrays.
const LARGEST_FIXED: i64 = i32::MAX as i64 - 8;

/// Parses schemas, each of which may use types that earlier ones define.
pub(super) struct Parser {
    /// Whether a default must fit its field's type. Java requires that only of new schemas.
    pub(super) strict: bool,
    pub(super) names: Names,
    /// Records whose fields are still being read.
    open: HashSet<String>,
    /// Types that used a name before it was defined. In Java, none of them equals another one.
    early: HashSet<String>,
}

type Result<T> = std::result::Result<T, String>;

impl Parser {
    pub(super) fn new(strict: bool) -> Self {
        Self { strict, names: Names::new(), open: HashSet::new(), early: HashSet::new() }
    }

    /// Reads one schema, and checks that all names in it are defined.
    pub(super) fn read(&mut self, text: &str) -> Result<Node> {
        let root = self.schema(&Json::read(text)?, None)?;
        let mut checker = Checker { parser: self, seen: HashSet::new() };
        checker.check(&root)?;
        // A bare name stands for the type that it names.
        Ok(root.resolved(&self.names).clone())
    }

    fn schema(&mut self, schema: &Json, namespace: Option<&str>) -> Result<Node> {
        match schema {
            Json::Text(name) => Ok(self.find(name, namespace)),
            Json::Object(object) => self.object(object, namespace),
            Json::Array(branches) => {
                let branches: Result<Vec<Node>> =
                    branches.iter().map(|branch| self.schema(branch, namespace)).collect();
                let branches = branches?;
                if branches.iter().any(|branch| matches!(branch, Node::Union(_))) {
                    return Err("Nested union".to_owned());
                }
                Ok(Node::Union(Arc::new(branches)))
            }
            other => Err(format!("Schema not yet supported: {other}")),
        }
    }

    /// Returns a primitive type, or the type with this name: in the namespace, or else without one.
    fn find(&self, name: &str, namespace: Option<&str>) -> Node {
        if let Some(primitive) = primitive(name) {
            return Node::Primitive(primitive, Props::default());
        }
        let full = match namespace {
            Some(namespace) if !name.contains('.') => format!("{namespace}.{name}"),
            _ => name.to_owned(),
        };
        let is_known = |name: &str| self.names.contains_key(name) || self.open.contains(name);
        if !is_known(&full) && is_known(name) {
            return Node::Named(name.to_owned());
        }
        Node::Named(full)
    }

    fn object(&mut self, object: &Object, namespace: Option<&str>) -> Result<Node> {
        let kind = required(object, "type", "No type")?;
        if let Some(primitive) = primitive(kind) {
            return Ok(Node::Primitive(primitive, props(object, &OF_TYPES)));
        }
        match kind {
            "record" | "error" => self.record(object, namespace, kind == "error"),
            "enum" => self.enumeration(object, namespace),
            "fixed" => self.fixed(object, namespace),
            "array" | "map" => {
                let attribute = if kind == "array" { "items" } else { "values" };
                let inner = json::get(object, attribute)
                    .ok_or_else(|| format!("A type {kind} has no {attribute}"))?;
                let inner = Arc::new(self.schema(inner, namespace)?);
                let props = props(object, &OF_TYPES);
                Ok(if kind == "array" {
                    Node::Array(inner, props)
                } else {
                    Node::Map(inner, props)
                })
            }
            // The other attributes in the braces do not belong to the named type.
            name => Ok(self.find(name, namespace)),
        }
    }

    fn record(&mut self, object: &Object, namespace: Option<&str>, is_error: bool) -> Result<Node> {
        let name = declared_name(object, namespace)?;
        let full = name.full();
        if !self.open.insert(full.clone()) {
            return Err(format!("Can't redefine: {full}"));
        }
        let fields = json::get(object, "fields").and_then(Json::as_array);
        let fields = fields.ok_or_else(|| format!("Record {full} has no fields"))?;
        let mut read: Vec<Field> = Vec::with_capacity(fields.len());
        let mut taken = HashSet::new();
        for field in fields {
            let field = self.field(field, name.namespace.as_deref())?;
            if !taken.insert(field.name.clone()) {
                return Err(format!("Duplicate field {} in record {full}", field.name));
            }
            read.push(field);
        }
        let props = copied_props(object)?;
        let aliases = type_aliases(object, &name)?;
        let doc = optional(object, "doc").map(str::to_owned);
        let record = Record { name, doc, aliases, is_error, fields: read, props };
        let node = Node::Record(Arc::new(record));
        self.open.remove(&full);
        self.define(full, node)
    }

    fn field(&mut self, field: &Json, namespace: Option<&str>) -> Result<Field> {
        let Json::Object(object) = field else {
            return Err(format!("No field name: {field}"));
        };
        let name = required(object, "name", "No field name")?.to_owned();
        let schema = json::get(object, "type").ok_or_else(|| format!("No field type: {field}"))?;
        let node = self.schema(schema, namespace)?;
        let order = order(object)?;
        let mut default = json::get(object, "default").cloned();
        if let (Some(Json::Text(text)), Node::Primitive("float" | "double", _)) = (&default, &node)
        {
            let number = defaults::java_double(text).ok_or_else(|| {
                format!("the default {text:?} of the field {name} is not a number")
            })?;
            default = Some(Json::Double(number));
        }
        valid_name(&name)?;
        if let Some(default) = &default {
            self.check_default(&name, &node, default)?;
        }
        Ok(Field {
            name,
            doc: optional(object, "doc").map(str::to_owned),
            aliases: aliases(object)?,
            default,
            order,
            node,
            props: props(object, &OF_FIELDS),
        })
    }

    fn check_default(&self, field: &str, node: &Node, default: &Json) -> Result<()> {
        let known = Known { names: &self.names, open: &self.open };
        if self.strict && !defaults::is_valid(node, default, &known)? {
            return Err(format!(
                "Invalid default for field {field}: {default} not a {}",
                node.resolved(&self.names).kind()
            ));
        }
        Ok(())
    }

    fn enumeration(&mut self, object: &Object, namespace: Option<&str>) -> Result<Node> {
        let name = declared_name(object, namespace)?;
        let symbols = json::get(object, "symbols").and_then(Json::as_array);
        let symbols = symbols.ok_or_else(|| format!("Enum {} has no symbols", name.full()))?;
        let mut read = Vec::with_capacity(symbols.len());
        let mut taken = HashSet::new();
        for symbol in symbols {
            let symbol = symbol.as_text().ok_or("Null name")?;
            valid_name(symbol)?;
            if !taken.insert(symbol) {
                return Err(format!("Duplicate enum symbol: {symbol}"));
            }
            read.push(symbol.to_owned());
        }
        let default = optional(object, "default").map(str::to_owned);
        if let Some(default) = default.as_ref().filter(|default| !read.contains(default)) {
            return Err(format!("The Enum Default: {default} is not in the enum symbol set"));
        }
        let of_enums: Vec<&str> = OF_TYPES.into_iter().chain(["default"]).collect();
        let aliases = type_aliases(object, &name)?;
        let doc = optional(object, "doc").map(str::to_owned);
        let props = props(object, &of_enums);
        let full = name.full();
        let node = Node::Enum(Arc::new(Enum { name, doc, aliases, symbols: read, default, props }));
        self.define(full, node)
    }

    fn fixed(&mut self, object: &Object, namespace: Option<&str>) -> Result<Node> {
        let name = declared_name(object, namespace)?;
        let size = match json::get(object, "size") {
            Some(Json::Int(size)) if (0..=LARGEST_FIXED).contains(size) => *size as u64,
            _ => return Err(format!("Invalid or no size: fixed {}", name.full())),
        };
        let aliases = type_aliases(object, &name)?;
        let doc = optional(object, "doc").map(str::to_owned);
        let props = props(object, &OF_TYPES);
        let full = name.full();
        let node = Node::Fixed(Arc::new(Fixed { name, doc, aliases, size, props }));
        self.define(full, node)
    }

    /// Defines the name of a type. An equal type may have it already, as in Java 1.12.1.
    fn define(&mut self, full: String, node: Node) -> Result<Node> {
        if self.open.contains(&full) {
            return Err(format!("Can't redefine: {full}"));
        }
        let equality = |node: &Node| print(node, &self.names, HashSet::new(), Form::Equality);
        match self.names.get(&full) {
            Some(known) if self.early.contains(&full) || equality(known) != equality(&node) => {
                Err(format!("Can't redefine: {full}"))
            }
            Some(_) => Ok(node),
            None => {
                if self.uses_unknown_names(&node) {
                    self.early.insert(full.clone());
                }
                self.names.insert(full, node.clone());
                Ok(node)
            }
        }
    }
}

impl Parser {
    fn uses_unknown_names(&self, node: &Node) -> bool {
        match node {
            Node::Named(name) => !self.names.contains_key(name),
            Node::Array(inner, _) | Node::Map(inner, _) => self.uses_unknown_names(inner),
            Node::Union(branches) => branches.iter().any(|it| self.uses_unknown_names(it)),
            Node::Record(record) => {
                record.fields.iter().any(|field| self.uses_unknown_names(&field.node))
            }
            Node::Primitive(..) | Node::Fixed(_) | Node::Enum(_) => false,
        }
    }
}

/// Checks what can be checked only once all names are known.
struct Checker<'a> {
    parser: &'a Parser,
    /// The named types that were visited.
    seen: HashSet<*const Record>,
}

impl Checker<'_> {
    fn check(&mut self, node: &Node) -> Result<()> {
        match node {
            Node::Primitive(..) | Node::Fixed(_) | Node::Enum(_) => Ok(()),
            Node::Array(inner, props) | Node::Map(inner, props) => {
                copyable(props)?;
                self.check(inner)
            }
            Node::Union(branches) => {
                let mut taken = HashSet::new();
                for branch in branches.iter() {
                    self.check(branch)?;
                    let branch = branch.resolved(&self.parser.names);
                    let name = branch.name().map_or_else(|| branch.kind().to_owned(), Name::full);
                    if !taken.insert(name.clone()) {
                        return Err(format!("Duplicate in union:{name}"));
                    }
                }
                Ok(())
            }
            Node::Named(name) => match self.parser.names.get(name) {
                Some(_) => Ok(()),
                None => Err(format!("Undefined schema: {name}")),
            },
            Node::Record(record) => {
                if !self.seen.insert(Arc::as_ptr(record)) {
                    return Ok(());
                }
                for field in &record.fields {
                    self.check(&field.node)?;
                    if let Some(default) = &field.default {
                        self.parser.check_default(&field.name, &field.node, default)?;
                    }
                }
                Ok(())
            }
        }
    }
}
