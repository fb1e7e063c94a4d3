//! What the three serialisers share: under which subject, and how the schema gets its id.

use std::sync::Arc;

use crate::cache::Cache;
use crate::error::Error;
use crate::prefix::SchemaId;
use crate::registry::RegistryClient;
use crate::schema::{Registered, Schema};
use crate::subject::{Part, SubjectNames};

/// What happens with a schema before the first record is written with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// It is registered where it is not there yet. The default, as in Confluent's serialisers
    /// (`auto.register.schemas=true`); good for learning.
    #[default]
    Automatic,
    /// It must be there already, or nothing is written (`auto.register.schemas=false`). For
    /// production, where schemas are reviewed and registered when a program is deployed.
    Required,
    /// The latest version of the subject is used in its place (`use.latest.version=true`). A value
    /// that does not fit is an error. Asked for once in a serialiser's life.
    Latest,
}

/// How a serialiser is set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How subjects are called.
    pub subject_names: SubjectNames,
    /// What happens with a schema that is not registered.
    pub registration: Registration,
}

/// A schema, and where it goes. `P` is what the format has made of it.
pub(crate) struct Writer<P> {
    registry: RegistryClient,
    schema: Schema,
    pub(crate) options: Options,
    by_subject: Cache<String, (SchemaId, P)>,
}

impl<P> Writer<P> {
    pub(crate) fn new(registry: &RegistryClient, schema: Schema) -> Self {
        let (registry, by_subject) = (registry.clone(), Cache::new());
        Writer { registry, schema, options: Options::default(), by_subject }
    }

    /// The id and the parsed schema for a part of the records of a topic.
    pub(crate) async fn prepared(
        &self,
        (topic, part): (&str, Part),
        record: Option<&str>,
        parse: impl Fn(&Registered) -> Result<P, Error>,
    ) -> Result<Arc<(SchemaId, P)>, Error> {
        let subject = self.options.subject_names.subject(topic, part, record)?;
        let prepare = async || {
            let registered = self.registered(&subject).await?;
            let expected = self.schema.schema_type();
            registered.must_be(expected)?;
            Ok((registered.id, parse(&registered)?))
        };
        self.by_subject.get(subject.clone(), prepare).await
    }

    async fn registered(&self, subject: &str) -> Result<Registered, Error> {
        let id = match self.options.registration {
            Registration::Latest => return self.registry.latest(subject).await,
            Registration::Automatic => self.registry.register(subject, &self.schema).await?,
            Registration::Required => self.registry.look_up(subject, &self.schema).await?,
        };
        Ok(Registered {
            id,
            schema_type: self.schema.schema_type(),
            text: self.schema.text().to_owned(),
            dependencies: self.registry.dependencies(self.schema.references()).await?,
        })
    }
}
