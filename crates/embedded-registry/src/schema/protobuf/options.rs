//! Parses the values of options: words, numbers, strings, lists, and maps.

use super::element::{Setting, Value};
use super::scan::{Result, Scanner};

/// Parses options in brackets, if there are any.
pub(super) fn bracketed(scanner: &mut Scanner<'_>) -> Result<Vec<Setting>> {
    let mut settings = Vec::new();
    if !scanner.take('[')? {
        return Ok(settings);
    }
    loop {
        settings.push(setting(scanner, '=')?);
        if scanner.take(']')? {
            return Ok(settings);
        }
        if !scanner.take(',')? {
            return scanner.error("expected ',' or ']'");
        }
    }
}

/// Parses a name, the separator, and a value.
pub(super) fn setting(scanner: &mut Scanner<'_>, separator: char) -> Result<Setting> {
    let first = scanner.peek()?;
    let mut name = scanner.name()?.to_owned();
    if first == '[' {
        name = format!("[{name}]");
    }
    let part = if scanner.take('.')? { Some(scanner.name()?.to_owned()) } else { None };
    // In a map the value may be a map without a separator.
    let is_map = separator == ':' && scanner.peek()? == '{';
    if !is_map && !scanner.take(separator)? {
        return scanner.error(&format!("expected '{separator}' in option"));
    }
    let mut value = value(scanner)?;
    if let Some(part) = part {
        value = Value::Part(Box::new(Setting { name: part, is_declared: false, value }));
    }
    Ok(Setting { name, is_declared: first == '(', value })
}

fn value(scanner: &mut Scanner<'_>) -> Result<Value> {
    Ok(match scanner.peek()? {
        '{' => Value::Map(map(scanner)?),
        '[' => Value::List(list(scanner)?),
        '"' | '\'' => Value::Text(scanner.quoted()?),
        first => {
            let word = scanner.word()?;
            match word {
                _ if first.is_ascii_digit() || first == '-' => Value::Number(word.to_owned()),
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::Word(word.to_owned()),
            }
        }
    })
}

fn list(scanner: &mut Scanner<'_>) -> Result<Vec<Value>> {
    scanner.require('[')?;
    let mut values = Vec::new();
    loop {
        if scanner.take(']')? {
            return Ok(values);
        }
        values.push(value(scanner)?);
        if !scanner.take(',')? && scanner.peek()? != ']' {
            return scanner.error("expected ',' or ']'");
        }
    }
}

fn map(scanner: &mut Scanner<'_>) -> Result<Vec<(String, Value)>> {
    scanner.require('{')?;
    let mut entries = Vec::new();
    loop {
        if scanner.take('}')? {
            return Ok(entries);
        }
        let Setting { name, value, .. } = setting(scanner, ':')?;
        add(&mut entries, name, value);
        if !scanner.take(',')? {
            scanner.take(';')?;
        }
    }
}

/// Adds an entry; a key that occurs several times gets a list.
fn add(entries: &mut Vec<(String, Value)>, name: String, value: Value) {
    let value = match value {
        Value::Part(part) => {
            let Setting { name: part, value, .. } = *part;
            if let Some((_, Value::Map(inner))) = entries.iter_mut().find(|(key, _)| *key == name) {
                add(inner, part, value);
                return;
            }
            Value::Map(vec![(part, value)])
        }
        other => other,
    };
    let Some((_, previous)) = entries.iter_mut().find(|(key, _)| *key == name) else {
        entries.push((name, value));
        return;
    };
    let values = match value {
        Value::List(values) => values,
        other => vec![other],
    };
    match previous {
        Value::List(previous) => previous.extend(values),
        _ => {
            let first = std::mem::replace(previous, Value::List(Vec::new()));
            *previous = Value::List(std::iter::once(first).chain(values).collect());
        }
    }
}
