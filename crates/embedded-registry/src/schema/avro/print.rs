//! Prints an Avro schema as Java's `Schema.toString` does: the form that a registry stores.
//!
//! A type is spelled out at its first use, and appears by name from then on; types of other
//! subjects always appear by name. A name omits its namespace if that is the enclosing one.

use std::collections::HashSet;

use super::json::{Json, write_text};
use super::tree::{Enum, Field, Fixed, Name, Names, Node, Order, Props, Record};

/// Names that Java reserves for types: they are always printed with their namespace.
const KINDS: [&str; 14] = [
    "record", "enum", "array", "map", "union", "fixed", "string", "bytes", "int", "long", "float",
    "double", "boolean", "null",
];

/// The form in which a schema is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Java's form.
    Canonical,
    /// Everything without an order is sorted, so that two schemas are equal in Java if this form of
    /// them is.
    Meaning,
    /// Like `Meaning`, but without documentation, aliases, and an enum's default: only Java's
    /// `Schema.equals` ignores them.
    Equality,
}

/// Prints the schema in one line; types with these names are not spelled out.
pub(super) fn print(root: &Node, names: &Names, known: HashSet<String>, form: Form) -> String {
    let mut printer = Printer { out: String::new(), names, known, form };
    printer.node(root, None);
    printer.out
}

struct Printer<'a> {
    out: String,
    names: &'a Names,
    known: HashSet<String>,
    form: Form,
}

impl Printer<'_> {
    fn node(&mut self, node: &Node, namespace: Option<&str>) {
        match node.resolved(self.names) {
            Node::Primitive(kind, props) if props.is_empty() => write_text(kind, &mut self.out),
            Node::Primitive(kind, props) => {
                self.begin(kind);
                self.props(props);
                self.out.push('}');
            }
            Node::Array(inner, props) => self.collection("array", "items", inner, props, namespace),
            Node::Map(inner, props) => self.collection("map", "values", inner, props, namespace),
            Node::Union(branches) => {
                self.list(branches.iter(), |printer, branch| printer.node(branch, namespace));
            }
            Node::Record(record) => self.record(record, namespace),
            Node::Enum(declared) => self.enumeration(declared, namespace),
            Node::Fixed(fixed) => self.fixed(fixed, namespace),
            // The parser has checked that all names are defined.
            Node::Named(name) => write_text(name, &mut self.out),
        }
    }

    fn begin(&mut self, kind: &str) {
        self.out.push_str("{\"type\":");
        write_text(kind, &mut self.out);
    }

    fn collection(
        &mut self,
        kind: &str,
        attribute: &str,
        inner: &Node,
        props: &Props,
        namespace: Option<&str>,
    ) {
        self.begin(kind);
        self.attribute(attribute);
        self.node(inner, namespace);
        self.props(props);
        self.out.push('}');
    }

    fn record(&mut self, record: &Record, namespace: Option<&str>) {
        if self.is_known(&record.name, namespace) {
            return;
        }
        // In Java, an error equals a record.
        let is_error = record.is_error && self.form == Form::Canonical;
        self.begin(if is_error { "error" } else { "record" });
        self.name(&record.name, namespace);
        self.ignorable("doc", record.doc.as_deref());
        self.attribute("fields");
        let inner = record.name.namespace.as_deref();
        self.list(record.fields.iter(), |printer, field| printer.field(field, inner));
        self.end(&record.props, &record.aliases, inner);
    }

    fn field(&mut self, field: &Field, namespace: Option<&str>) {
        self.out.push_str("{\"name\":");
        write_text(&field.name, &mut self.out);
        self.attribute("type");
        self.node(&field.node, namespace);
        self.ignorable("doc", field.doc.as_deref());
        if let Some(default) = &field.default {
            self.attribute("default");
            self.json(default);
        }
        match field.order {
            Order::Ascending => {}
            Order::Descending => self.text("order", Some("descending")),
            Order::Ignore => self.text("order", Some("ignore")),
        }
        self.aliases(field.aliases.clone());
        self.props(&field.props);
        self.out.push('}');
    }

    fn enumeration(&mut self, declared: &Enum, namespace: Option<&str>) {
        if self.is_known(&declared.name, namespace) {
            return;
        }
        self.begin("enum");
        self.name(&declared.name, namespace);
        self.ignorable("doc", declared.doc.as_deref());
        self.attribute("symbols");
        self.list(declared.symbols.iter(), |printer, symbol| write_text(symbol, &mut printer.out));
        self.ignorable("default", declared.default.as_deref());
        self.end(&declared.props, &declared.aliases, declared.name.namespace.as_deref());
    }

    fn fixed(&mut self, fixed: &Fixed, namespace: Option<&str>) {
        if self.is_known(&fixed.name, namespace) {
            return;
        }
        self.begin("fixed");
        self.name(&fixed.name, namespace);
        self.ignorable("doc", fixed.doc.as_deref());
        self.attribute("size");
        self.out.push_str(&fixed.size.to_string());
        self.end(&fixed.props, &fixed.aliases, fixed.name.namespace.as_deref());
    }

    fn end(&mut self, props: &Props, aliases: &[Name], namespace: Option<&str>) {
        self.props(props);
        self.aliases(aliases.iter().map(|alias| qualified(alias, namespace)).collect());
        self.out.push('}');
    }

    /// Prints only the name if the type was printed before.
    fn is_known(&mut self, name: &Name, namespace: Option<&str>) -> bool {
        let is_known = !self.known.insert(name.full());
        if is_known {
            write_text(&qualified(name, namespace), &mut self.out);
        }
        is_known
    }

    fn name(&mut self, name: &Name, namespace: Option<&str>) {
        self.text("name", Some(&name.short));
        match &name.namespace {
            Some(own) if Some(own.as_str()) != namespace => self.text("namespace", Some(own)),
            None if namespace.is_some() => self.text("namespace", Some("")),
            _ => {}
        }
    }

    fn aliases(&mut self, mut aliases: Vec<String>) {
        if aliases.is_empty() || self.form == Form::Equality {
            return;
        }
        if self.form != Form::Canonical {
            aliases.sort();
        }
        self.attribute("aliases");
        self.list(aliases.iter(), |printer, alias| write_text(alias, &mut printer.out));
    }

    fn props(&mut self, props: &Props) {
        let mut entries: Vec<&(String, Json)> = props.iter().collect();
        if self.form != Form::Canonical {
            entries.sort_by(|one, other| one.0.cmp(&other.0));
        }
        for (name, value) in entries {
            self.attribute(name);
            self.json(value);
        }
    }

    fn json(&mut self, value: &Json) {
        match self.form {
            Form::Canonical => value.write(&mut self.out),
            Form::Meaning | Form::Equality => value.sorted().write(&mut self.out),
        }
    }

    /// Prints an attribute in which two equal types may differ.
    fn ignorable(&mut self, attribute: &str, value: Option<&str>) {
        if self.form != Form::Equality {
            self.text(attribute, value);
        }
    }

    fn text(&mut self, attribute: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attribute(attribute);
            write_text(value, &mut self.out);
        }
    }

    fn attribute(&mut self, name: &str) {
        self.out.push(',');
        write_text(name, &mut self.out);
        self.out.push(':');
    }

    fn list<T>(&mut self, values: impl Iterator<Item = T>, mut print: impl FnMut(&mut Self, T)) {
        self.out.push('[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            print(self, value);
        }
        self.out.push(']');
    }
}

/// Returns a name as it is written within a namespace.
fn qualified(name: &Name, namespace: Option<&str>) -> String {
    let is_inside = name.namespace.is_some() && name.namespace.as_deref() == namespace;
    if is_inside && !KINDS.contains(&name.short.as_str()) {
        return name.short.clone();
    }
    name.full()
}
