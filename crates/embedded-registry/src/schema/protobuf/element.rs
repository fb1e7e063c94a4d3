//! A Protobuf file as it is written: names are not resolved, and options are not interpreted.
//!
//! It keeps what Confluent's registry keeps (the elements of Square's wire): everything except
//! comments, white space, weak imports, and the order of elements of different kinds.

/// `proto2` or `proto3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Proto2,
    Proto3,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct File {
    pub(super) syntax: Option<Syntax>,
    pub(super) package: Option<String>,
    pub(super) imports: Vec<String>,
    pub(super) public_imports: Vec<String>,
    pub(super) options: Vec<Setting>,
    pub(super) types: Vec<Type>,
    pub(super) extends: Vec<Extend>,
    pub(super) services: Vec<Service>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    Message(Message),
    Enum(Enum),
}

impl Type {
    pub(super) fn name(&self) -> &str {
        match self {
            Type::Message(message) => &message.name,
            Type::Enum(declared) => &declared.name,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Message {
    pub(super) name: String,
    pub(super) reserved: Vec<Vec<Reserved>>,
    pub(super) options: Vec<Setting>,
    pub(super) fields: Vec<Field>,
    pub(super) oneofs: Vec<Oneof>,
    pub(super) groups: Vec<Group>,
    pub(super) extensions: Vec<Vec<Reserved>>,
    pub(super) extends: Vec<Extend>,
    pub(super) types: Vec<Type>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Optional,
    Required,
    Repeated,
}

impl Label {
    pub(super) fn word(self) -> &'static str {
        match self {
            Label::Optional => "optional",
            Label::Required => "required",
            Label::Repeated => "repeated",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) label: Option<Label>,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) number: i32,
    /// The text after `default =`, without quotes.
    pub(super) default: Option<String>,
    pub(super) json_name: Option<String>,
    pub(super) options: Vec<Setting>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Oneof {
    pub(super) name: String,
    pub(super) options: Vec<Setting>,
    pub(super) fields: Vec<Field>,
    pub(super) groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) label: Option<Label>,
    pub(super) name: String,
    pub(super) number: i32,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Enum {
    pub(super) name: String,
    pub(super) reserved: Vec<Vec<Reserved>>,
    pub(super) options: Vec<Setting>,
    pub(super) values: Vec<EnumValue>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct EnumValue {
    pub(super) name: String,
    pub(super) number: i32,
    pub(super) options: Vec<Setting>,
}

/// Reserved names and numbers, or numbers for extensions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reserved {
    Number(i32),
    /// A range that includes both ends.
    Range(i32, i32),
    Name(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Extend {
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) options: Vec<Setting>,
    pub(super) methods: Vec<Method>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Method {
    pub(super) name: String,
    pub(super) input: String,
    pub(super) input_streams: bool,
    pub(super) output: String,
    pub(super) output_streams: bool,
    pub(super) options: Vec<Setting>,
}

/// An option with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    pub(super) name: String,
    /// Whether the name is in parentheses, which means that a file declares it.
    pub(super) is_declared: bool,
    pub(super) value: Value,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Text with its escapes resolved.
    Text(String),
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A word, such as a value of an enum.
    Word(String),
    /// A field of the option: `(name).field = value`.
    Part(Box<Setting>),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Returns the value as Java prints it, which is the form of a default and of a JSON name.
    pub(super) fn plain(&self) -> String {
        match self {
            Value::Text(text) | Value::Number(text) | Value::Word(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::Part(part) => part.value.plain(),
            Value::List(_) | Value::Map(_) => String::new(),
        }
    }
}
