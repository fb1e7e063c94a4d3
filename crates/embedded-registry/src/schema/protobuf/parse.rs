//! Reads a Protobuf file as Confluent's registry does, with Square's wire: it accepts and rejects
//! the same texts. Names and numbers are checked afterwards.

use super::element::{
    Enum, EnumValue, Extend, Field, File, Group, Label, Message, Method, Oneof, Reserved, Service,
    Syntax, Type,
};
use super::options::{bracketed, setting};
use super::scan::{Result, Scanner};

/// The highest number that a field can have, which `max` stands for.
pub(super) const LAST_FIELD: i32 = 536_870_911;

/// Parses a file.
///
/// # Errors
///
/// The problem in the text, and its position.
pub(super) fn parse(text: &str) -> Result<File> {
    let mut parser = Parser { scanner: Scanner::new(text), syntax: None };
    let mut file = parser.file()?;
    file.syntax = parser.syntax;
    Ok(file)
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    syntax: Option<Syntax>,
}

impl Parser<'_> {
    fn file(&mut self) -> Result<File> {
        let mut file = File::default();
        let mut is_first = true;
        while !self.scanner.is_at_end()? {
            self.declaration(&mut file, is_first)?;
            is_first = false;
        }
        Ok(file)
    }

    fn declaration(&mut self, file: &mut File, is_first: bool) -> Result<()> {
        if self.scanner.take(';')? {
            return Ok(());
        }
        match self.scanner.word()? {
            "package" => {
                file.package = Some(self.scanner.name()?.to_owned());
                self.scanner.require(';')
            }
            "import" => self.import(file),
            "syntax" => self.syntax(is_first),
            "option" => {
                file.options.push(setting(&mut self.scanner, '=')?);
                self.scanner.require(';')
            }
            "message" => {
                let message = self.message()?;
                self.add(&mut file.types, Type::Message(message))
            }
            "enum" => {
                let declared = self.enumeration()?;
                self.add(&mut file.types, Type::Enum(declared))
            }
            "service" => {
                let service = self.service()?;
                if file.services.iter().any(|it| it.name == service.name) {
                    return self.scanner.error(&format!("{} is already defined", service.name));
                }
                file.services.push(service);
                Ok(())
            }
            "extend" => {
                file.extends.push(self.extend()?);
                Ok(())
            }
            // wire accepts it everywhere, and keeps it where it has a meaning.
            "reserved" => self.reserved().map(|_| ()),
            "edition" => self.scanner.error("edition is not currently supported"),
            other => self.scanner.error(&format!("unexpected label: {other}")),
        }
    }

    fn add(&self, types: &mut Vec<Type>, added: Type) -> Result<()> {
        if types.iter().any(|it| it.name() == added.name()) {
            return self.scanner.error(&format!("{} is already defined", added.name()));
        }
        types.push(added);
        Ok(())
    }

    fn import(&mut self, file: &mut File) -> Result<()> {
        let imports = match self.scanner.peek()? {
            '"' | '\'' => Some(&mut file.imports),
            _ => match self.scanner.word()? {
                "public" => Some(&mut file.public_imports),
                "weak" => None,
                _ => return self.scanner.error("expected a string in quotes"),
            },
        };
        let name = self.scanner.quoted()?;
        if let Some(imports) = imports {
            imports.push(path(&name));
        }
        self.scanner.require(';')
    }

    fn syntax(&mut self, is_first: bool) -> Result<()> {
        self.scanner.require('=')?;
        if !is_first {
            return self.scanner.error("'syntax' element must be the first declaration in a file");
        }
        self.syntax = Some(match self.scanner.quoted()?.as_str() {
            "proto2" => Syntax::Proto2,
            "proto3" => Syntax::Proto3,
            other => return self.scanner.error(&format!("unexpected syntax: {other}")),
        });
        self.scanner.require(';')
    }

    fn message(&mut self) -> Result<Message> {
        let mut message = Message { name: self.scanner.name()?.to_owned(), ..Message::default() };
        self.scanner.require('{')?;
        while !self.scanner.take('}')? {
            self.member(&mut message)?;
        }
        Ok(message)
    }

    fn member(&mut self, message: &mut Message) -> Result<()> {
        if self.scanner.take(';')? {
            return Ok(());
        }
        match self.scanner.word()? {
            "option" => {
                message.options.push(setting(&mut self.scanner, '=')?);
                self.scanner.require(';')?;
            }
            "reserved" => message.reserved.push(self.reserved()?),
            "message" => message.types.push(Type::Message(self.message()?)),
            "enum" => message.types.push(Type::Enum(self.enumeration()?)),
            "extend" => message.extends.push(self.extend()?),
            "oneof" => message.oneofs.push(self.oneof()?),
            "extensions" => message.extensions.push(self.extensions()?),
            label => match self.field_or_group(label)? {
                Member::Field(field) => message.fields.push(field),
                Member::Group(group) => message.groups.push(group),
            },
        }
        Ok(())
    }

    fn field_or_group(&mut self, word: &str) -> Result<Member> {
        let label = match word {
            "required" if self.syntax == Some(Syntax::Proto3) => {
                let problem = "'required' label forbidden in proto3 field declarations";
                return self.scanner.error(problem);
            }
            "required" => Some(Label::Required),
            "optional" => Some(Label::Optional),
            "repeated" => Some(Label::Repeated),
            _ => None,
        };
        let kind = if label.is_some() {
            let word = self.scanner.word()?;
            self.kind(word)?
        } else {
            let is_map = word == "map" && self.scanner.peek()? == '<';
            if self.syntax != Some(Syntax::Proto3) && !is_map {
                return self.scanner.error(&format!("unexpected label: {word}"));
            }
            self.kind(word)?
        };
        if kind.starts_with("map<") && label.is_some() {
            return self.scanner.error("'map' type cannot have label");
        }
        if kind == "group" {
            return self.group(label).map(Member::Group);
        }
        self.field(label, kind).map(Member::Field)
    }

    fn kind(&mut self, word: &str) -> Result<String> {
        if word != "map" {
            return Ok(word.to_owned());
        }
        self.scanner.require('<')?;
        let key = self.scanner.word()?;
        self.scanner.require(',')?;
        let value = self.scanner.word()?;
        self.scanner.require('>')?;
        Ok(format!("map<{key}, {value}>"))
    }

    fn field(&mut self, label: Option<Label>, kind: String) -> Result<Field> {
        let name = self.field_name()?;
        self.scanner.require('=')?;
        let number = self.scanner.integer()?;
        let mut options = bracketed(&mut self.scanner)?;
        self.scanner.require(';')?;
        self.scanner.trailing()?;
        let mut taken = |name: &str| {
            let found = options.iter().rfind(|it| it.name == name).map(|it| it.value.plain());
            options.retain(|it| it.name != name);
            found
        };
        let (default, json_name) = (taken("default"), taken("json_name"));
        Ok(Field { label, kind, name, number, default, json_name, options })
    }

    fn field_name(&mut self) -> Result<String> {
        match self.scanner.peek()? {
            '(' | '[' => self.scanner.name().map(str::to_owned),
            _ => self.scanner.identifier().map(str::to_owned),
        }
    }

    fn group(&mut self, label: Option<Label>) -> Result<Group> {
        let name = self.scanner.word()?.to_owned();
        self.scanner.require('=')?;
        let number = self.scanner.integer()?;
        let mut fields = Vec::new();
        self.scanner.require('{')?;
        while !self.scanner.take('}')? {
            let word = self.scanner.word()?;
            match self.field_or_group(word)? {
                Member::Field(field) => fields.push(field),
                Member::Group(_) => return self.scanner.error("expected field declaration"),
            }
        }
        Ok(Group { label, name, number, fields })
    }

    fn oneof(&mut self) -> Result<Oneof> {
        let mut oneof = Oneof { name: self.scanner.name()?.to_owned(), ..Oneof::default() };
        self.scanner.require('{')?;
        while !self.scanner.take('}')? {
            let word = self.scanner.word()?;
            match self.kind(word)?.as_str() {
                "group" => oneof.groups.push(self.group(None)?),
                "option" => {
                    oneof.options.push(setting(&mut self.scanner, '=')?);
                    self.scanner.require(';')?;
                }
                kind => {
                    let field = self.field(None, kind.to_owned())?;
                    oneof.fields.push(field);
                }
            }
        }
        Ok(oneof)
    }

    fn enumeration(&mut self) -> Result<Enum> {
        let mut declared = Enum { name: self.scanner.name()?.to_owned(), ..Enum::default() };
        self.scanner.require('{')?;
        while !self.scanner.take('}')? {
            if self.scanner.take(';')? {
                continue;
            }
            match self.scanner.identifier()? {
                "option" => {
                    declared.options.push(setting(&mut self.scanner, '=')?);
                    self.scanner.require(';')?;
                }
                "reserved" => declared.reserved.push(self.reserved()?),
                name => {
                    self.scanner.require('=')?;
                    let number = self.scanner.integer()?;
                    let options = bracketed(&mut self.scanner)?;
                    self.scanner.require(';')?;
                    self.scanner.trailing()?;
                    declared.values.push(EnumValue { name: name.to_owned(), number, options });
                }
            }
        }
        Ok(declared)
    }

    fn extend(&mut self) -> Result<Extend> {
        let (name, mut fields) = (self.scanner.name()?.to_owned(), Vec::new());
        self.scanner.require('{')?;
        while !self.scanner.take('}')? {
            if self.scanner.take(';')? {
                continue;
            }
            match self.scanner.word()? {
                "option" => {
                    setting(&mut self.scanner, '=')?;
                    self.scanner.require(';')?;
                }
                "reserved" => {
                    self.reserved()?;
                }
                word => {
                    if let Member::Field(field) = self.field_or_group(word)? {
                        fields.push(field);
                    }
                }
            }
        }
        Ok(Extend { name, fields })
    }

    fn service(&mut self) -> Result<Service> {
        let name = self.scanner.name()?.to_owned();
        let (mut options, mut methods) = (Vec::new(), Vec::new());
        self.scanner.require('{')?;
        while !self.scanner.take('}')? {
            if self.scanner.take(';')? {
                continue;
            }
            match self.scanner.word()? {
                "option" => {
                    options.push(setting(&mut self.scanner, '=')?);
                    self.scanner.require(';')?;
                }
                "reserved" => {
                    self.reserved()?;
                }
                "rpc" => methods.push(self.method()?),
                other => return self.scanner.error(&format!("unexpected label: {other}")),
            }
        }
        Ok(Service { name, options, methods })
    }

    fn method(&mut self) -> Result<Method> {
        let name = self.scanner.name()?.to_owned();
        let (input_streams, input) = self.side()?;
        if self.scanner.word()? != "returns" {
            return self.scanner.error("expected 'returns'");
        }
        let (output_streams, output) = self.side()?;
        let mut options = Vec::new();
        if self.scanner.take('{')? {
            while !self.scanner.take('}')? {
                if self.scanner.take(';')? {
                    continue;
                }
                match self.scanner.word()? {
                    "option" => {
                        options.push(setting(&mut self.scanner, '=')?);
                        self.scanner.require(';')?;
                    }
                    "reserved" => {
                        self.reserved()?;
                    }
                    other => return self.scanner.error(&format!("unexpected label: {other}")),
                }
            }
        } else {
            self.scanner.require(';')?;
        }
        Ok(Method { name, input, input_streams, output, output_streams, options })
    }

    /// Parses the request or the response of a method, and whether it is a stream.
    fn side(&mut self) -> Result<(bool, String)> {
        self.scanner.require('(')?;
        let first = self.scanner.word()?;
        let streams = first == "stream";
        let word = if streams { self.scanner.word()? } else { first };
        let kind = self.kind(word)?;
        self.scanner.require(')')?;
        Ok((streams, kind))
    }

    fn reserved(&mut self) -> Result<Vec<Reserved>> {
        let mut values = Vec::new();
        loop {
            match self.scanner.peek()? {
                '"' | '\'' => values.push(Reserved::Name(self.scanner.quoted()?)),
                _ => values.push(self.range()?),
            }
            if self.scanner.take(';')? {
                self.scanner.trailing()?;
                return Ok(values);
            }
            if !self.scanner.take(',')? {
                return self.scanner.error("expected ',' or ';'");
            }
        }
    }

    fn range(&mut self) -> Result<Reserved> {
        let start = self.scanner.integer()?;
        if matches!(self.scanner.peek()?, ',' | ';' | '[') {
            return Ok(Reserved::Number(start));
        }
        if self.scanner.word()? != "to" {
            return self.scanner.error("expected ',', ';' or 'to'");
        }
        let word = self.scanner.word()?;
        match if word == "max" { Ok(LAST_FIELD) } else { word.parse() } {
            Ok(end) => Ok(Reserved::Range(start, end)),
            Err(_) => self.scanner.error(&format!("expected an integer but was {word}")),
        }
    }

    fn extensions(&mut self) -> Result<Vec<Reserved>> {
        let mut values = Vec::new();
        loop {
            values.push(self.range()?);
            if self.scanner.peek()? == '[' {
                // They declare the users of these numbers, and are not printed.
                bracketed(&mut self.scanner)?;
                self.scanner.require(';')?;
                return Ok(values);
            }
            if self.scanner.take(';')? {
                return Ok(values);
            }
            if !self.scanner.take(',')? {
                return self.scanner.error("expected ',' or ';'");
            }
        }
    }
}

/// Normalizes a path: forward slashes only, none of them repeated.
fn path(name: &str) -> String {
    let name = name.replace('\\', "/");
    let parts: Vec<&str> = name.split('/').filter(|it| !it.is_empty() && *it != ".").collect();
    let root = if name.starts_with('/') { "/" } else { "" };
    match (root, parts.is_empty()) {
        ("", true) => ".".to_owned(),
        _ => format!("{root}{}", parts.join("/")),
    }
}

/// A member of a message that can follow a label.
enum Member {
    Field(Field),
    Group(Group),
}
