//! JSON Schema: the message is plain JSON behind the prefix, and the schema says what may be in it.
//!
//! Values are checked when they are written and when they are read. A schema without `$schema` is
//! taken for draft 7, as Confluent's registry does.
//!
//! Numbers are written and read with all their digits. What JSON cannot hold, or the type of the
//! program not, is an error that names the field: a float that is no number, an integer that is too
//! large, a key that is there twice.

mod decimal;
mod parse;
mod read;
mod tree;
mod write;

use std::fmt;
use std::sync::Arc;

use jsonschema::{Draft, Retrieve, Uri, Validator};
use rdkafka::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cache::Cache;
use crate::error::{Error, Violation, without_value};
use crate::prefix::{self, SchemaId};
use crate::registry::RegistryClient;
use crate::schema::{Dependency, Registered, Schema, SchemaType};
use crate::subject::Part;
use crate::writer::{Options, Writer};
use parse::Fault;
use tree::{Step, Tree};

/// At most so many violations are told: one wrong element can make a thousand.
const MOST_VIOLATIONS: usize = 10;

/// Finds what `$ref` names among the references, and nowhere else: reading a message opens no file
/// and no connection that the writer chose.
struct References(Vec<Dependency>);

impl Retrieve for References {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str();
        let is_meant = |it: &&Dependency| uri == it.name || uri.ends_with(&format!("/{}", it.name));
        let found = self.0.iter().find(is_meant);
        let found = found.ok_or_else(|| format!("{uri} is none of its references"))?;
        Ok(serde_json::from_str(&found.text)?)
    }
}

fn validator(text: &str, dependencies: &[Dependency]) -> Result<Validator, Error> {
    let unusable = |reason: String| Error::schema(SchemaType::Json, reason);
    let schema: Value = serde_json::from_str(text).map_err(|it| unusable(it.to_string()))?;
    let mut options = jsonschema::options().with_retriever(References(dependencies.to_vec()));
    if schema.get("$schema").is_none() {
        options = options.with_draft(Draft::Draft7);
    }
    if schema.get("$id").is_none() {
        options = options.with_base_uri("json-schema:///");
    }
    options.build(&schema).map_err(|error| unusable(error.to_string()))
}

fn of_registered(registered: &Registered) -> Result<Validator, Error> {
    validator(&registered.text, &registered.dependencies)
}

fn check(validator: &Validator, values: &[Value]) -> Result<(), Error> {
    for value in values {
        let violations: Vec<Violation> = validator
            .iter_errors(value)
            .take(MOST_VIOLATIONS)
            .map(|error| {
                let field = path(error.instance_path().as_str(), value);
                let problem = error.masked_with("").to_string();
                Violation { field, problem: problem.trim_start().to_owned() }
            })
            .collect();
        if !violations.is_empty() {
            return Err(Error::Invalid(violations));
        }
    }
    Ok(())
}

/// `/to/runways/2` as `to.runways[2]`. The value says whether a number is a place or a key.
fn path(pointer: &str, value: &Value) -> String {
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let (mut steps, mut inside) = (Vec::new(), Some(value));
    for part in &parts {
        let place = inside.filter(|it| it.is_array()).and_then(|_| part.parse().ok());
        steps.push(place.map_or(Step::Key(part), Step::At));
        inside = inside.and_then(|it| match place {
            Some(place) => it.get(place),
            None => it.get(part.as_str()),
        });
    }
    tree::field(&steps)
}

/// The values that a validator is shown.
fn values(tree: &Tree) -> Result<Vec<Value>, Error> {
    tree.values().map_err(|violation| Error::Invalid(vec![violation]))
}

/// Writes values of Rust types as JSON that a schema describes.
pub struct JsonSerializer {
    record: Option<String>,
    writer: Writer<Validator>,
}

impl fmt::Debug for JsonSerializer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JsonSerializer")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

impl JsonSerializer {
    /// A serialiser for values of this schema, whose `title` is the record's name.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] where the schema is no JSON Schema.
    pub fn new(registry: &RegistryClient, schema: Schema) -> Result<Self, Error> {
        if schema.references().is_empty() {
            validator(schema.text(), &[])?;
        }
        let value: Option<Value> = serde_json::from_str(schema.text()).ok();
        let record = value.and_then(|it| it["title"].as_str().map(str::to_owned));
        Ok(JsonSerializer { record, writer: Writer::new(registry, schema) })
    }

    /// The same with other options.
    #[must_use]
    pub fn with(mut self, options: Options) -> Self {
        self.writer.options = options;
        self
    }

    /// The bytes for a part of a record that goes to `topic`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the value is not as the schema says or JSON cannot hold it, and what
    /// the registry answers where the schema is new to this serialiser.
    pub async fn serialize<T: Serialize>(
        &self,
        topic: &str,
        part: Part,
        value: &T,
    ) -> Result<Vec<u8>, Error> {
        let prepared =
            self.writer.prepared((topic, part), self.record.as_deref(), of_registered).await?;
        let (id, validator) = &*prepared;
        let tree = write::tree(value)?;
        check(validator, &values(&tree)?)?;
        Ok(prefix::join(*id, tree.to_string().as_bytes()))
    }
}

/// Reads values of Rust types from JSON that a schema describes.
pub struct JsonDeserializer {
    registry: RegistryClient,
    writers: Cache<SchemaId, Validator>,
    reader: Option<Validator>,
}

impl fmt::Debug for JsonDeserializer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("JsonDeserializer").finish_non_exhaustive()
    }
}

impl JsonDeserializer {
    /// A deserialiser that checks values against the schema that they were written with.
    pub fn new(registry: &RegistryClient) -> Self {
        JsonDeserializer { registry: registry.clone(), writers: Cache::new(), reader: None }
    }

    /// Checks values against this schema too.
    ///
    /// # Errors
    ///
    /// [`Error::Schema`] where the schema is no JSON Schema, or needs another one.
    pub fn reader_schema(mut self, text: &str) -> Result<Self, Error> {
        self.reader = Some(validator(text, &[])?);
        Ok(self)
    }

    /// Reads bytes with a prefix.
    ///
    /// # Errors
    ///
    /// [`Error::Prefix`] where they have none, [`Error::Damaged`] where no JSON is behind it,
    /// [`Error::Invalid`] where it is not as a schema says or has a key twice, [`Error::Shape`]
    /// where it does not fit into `T`: a number that `T` would have to change, for one.
    pub async fn deserialize<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        let (id, body) = prefix::split(bytes)?;
        let writer = self.writer(id).await?;
        let tree = parse::parse(body).map_err(|fault| match fault {
            Fault::Damaged => Error::Damaged(id),
            Fault::Field(violation) => Error::Invalid(vec![violation]),
        })?;
        let values = values(&tree)?;
        check(&writer, &values)?;
        if let Some(reader) = &self.reader {
            check(reader, &values)?;
        }
        serde_path_to_error::deserialize(tree).map_err(|error| {
            let path = error.path().to_string();
            let field = if path == "." { String::new() } else { path };
            Error::Shape(Violation { field, problem: without_value(&error.inner().to_string()) })
        })
    }

    /// Reads the value of a record; `None` where it has none (a tombstone).
    ///
    /// # Errors
    ///
    /// As [`Self::deserialize`].
    pub async fn value<T: DeserializeOwned>(
        &self,
        record: &impl Message,
    ) -> Result<Option<T>, Error> {
        match record.payload() {
            Some(bytes) => self.deserialize(bytes).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads the key of a record; `None` where it has none.
    ///
    /// # Errors
    ///
    /// As [`Self::deserialize`].
    pub async fn key<T: DeserializeOwned>(
        &self,
        record: &impl Message,
    ) -> Result<Option<T>, Error> {
        match record.key() {
            Some(bytes) => self.deserialize(bytes).await.map(Some),
            None => Ok(None),
        }
    }

    async fn writer(&self, id: SchemaId) -> Result<Arc<Validator>, Error> {
        let ask = async || {
            let registered = self.registry.by_id(id).await?;
            registered.must_be(SchemaType::Json)?;
            of_registered(&registered)
        };
        self.writers.get(id, ask).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DEPARTURE: &str = r#"{
        "title": "Departure", "type": "object", "additionalProperties": false,
        "required": ["flight", "legs"],
        "properties": {
            "flight": {"type": "string", "pattern": "^WS[0-9]+$"},
            "gate": {"type": "string"},
            "legs": {"type": "array", "items": {
                "type": "object", "properties": {"to": {"enum": ["JFK", "LGA"]}}}}
        }
    }"#;

    #[test]
    fn the_field_is_named_and_its_value_is_not() {
        let validator = validator(DEPARTURE, &[]).unwrap();
        let rows = [
            (json!({"flight": "WS104", "legs": []}), ""),
            (json!({"flight": 77, "legs": []}), r#"flight is not of type "string""#),
            (json!({"legs": []}), r#"the value "flight" is a required property"#),
            (
                json!({"flight": "WS1", "legs": [{"to": "JFK"}, {"to": "secret"}]}),
                r#"legs[1].to is not one of "JFK" or "LGA""#,
            ),
            (json!({"flight": "secret", "legs": []}), r#"flight does not match "^WS[0-9]+$""#),
        ];
        for (value, expected) in rows {
            let said =
                check(&validator, &[value]).err().map(|it| it.to_string()).unwrap_or_default();
            let said = said.trim_start_matches("not as the schema says: ");
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn many_violations_are_told_up_to_a_limit() {
        let validator = validator(r#"{"items": {"type": "string"}}"#, &[]).unwrap();
        let Err(Error::Invalid(violations)) = check(&validator, &[json!(vec![1; 100])]) else {
            panic!("numbers are no strings");
        };
        assert_eq!(violations.len(), MOST_VIOLATIONS);
        assert_eq!(violations[3].field, "[3]");
    }

    #[test]
    fn a_reference_is_found_by_its_name_and_nothing_else_is_fetched() {
        let schema = r#"{"properties": {"to": {"$ref": "airport.json"}}}"#;
        let text = r#"{"type": "string", "maxLength": 3}"#.to_owned();
        let known = [Dependency { name: "airport.json".to_owned(), text }];
        let validator = validator(schema, &known).unwrap();
        assert!(check(&validator, &[json!({"to": "JFK"})]).is_ok());
        assert!(check(&validator, &[json!({"to": "JFKX"})]).is_err());
        for elsewhere in ["http://127.0.0.1:1/airport", "file:///etc/hostname"] {
            let schema = format!(r#"{{"$ref": "{elsewhere}"}}"#);
            let error = super::validator(&schema, &known).unwrap_err().to_string();
            assert!(error.contains("none of its references"), "{error}");
        }
    }
}
