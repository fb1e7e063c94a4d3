//! Reads and registers schemas: by id, by subject, and with their references.

use std::collections::HashSet;
use std::sync::Arc;

use schema_registry_converter::async_impl::schema_registry::{
    get_schema_by_id, get_schema_by_subject_and_version, perform_sr_call,
};
use schema_registry_converter::schema_registry_common::{
    RawRegisteredSchema, RegisteredReference, RegisteredSchema, SrCall,
};

use super::client::RegistryClient;
use super::rest::path_segment;
use crate::error::Error;
use crate::prefix::SchemaId;
use crate::schema::{Dependency, Reference, Registered, Schema};
use crate::schema_type::SchemaType;

impl RegistryClient {
    /// Returns the schema with an id, which is requested once.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 40403 if the registry does not know it, [`Error::Unreachable`]
    /// if the registry does not respond.
    pub async fn by_id(&self, id: SchemaId) -> Result<Arc<Registered>, Error> {
        let ask = async || {
            let doing = || format!("give schema {id}");
            let found = get_schema_by_id(id.0, &self.0.settings).await;
            let found =
                found.map_err(|error| Error::failed_request(&self.0.url, doing(), &error))?;
            self.with_dependencies(found, doing()).await
        };
        self.0.by_id.get(id, ask).await
    }

    /// Returns the latest version of a subject, which is requested each time.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 40401 if the subject has no version.
    pub async fn latest(&self, subject: &str) -> Result<Registered, Error> {
        let doing = format!("give the latest version of {subject}");
        let subject = path_segment(subject);
        let found = get_schema_by_subject_and_version(&self.0.settings, &subject, None).await;
        let found =
            found.map_err(|error| Error::failed_request(&self.0.url, doing.clone(), &error))?;
        self.with_dependencies(found, doing).await
    }

    /// Registers a schema under a subject and returns its id. Registering it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 40901 if it is incompatible with earlier versions (409 in
    /// older registries), and 42201 if it is invalid.
    pub async fn register(&self, subject: &str, schema: &Schema) -> Result<SchemaId, Error> {
        let (doing, body) = (format!("register a schema for {subject}"), schema.body());
        let subject = path_segment(subject);
        let answer = self.ask(SrCall::PostNew(&subject, &body), &doing).await?;
        id_of(&answer, doing)
    }

    /// Returns the id of a schema that is registered under a subject.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 40401 if the subject does not exist, and 40403 if the schema
    /// is not registered there.
    pub async fn look_up(&self, subject: &str, schema: &Schema) -> Result<SchemaId, Error> {
        let (doing, body) = (format!("find a schema of {subject}"), schema.body());
        let subject = path_segment(subject);
        let answer = self.ask(SrCall::PostForVersion(&subject, &body), &doing).await?;
        id_of(&answer, doing)
    }

    async fn ask(&self, call: SrCall<'_>, doing: &str) -> Result<RawRegisteredSchema, Error> {
        let answer = perform_sr_call(&self.0.settings, call).await;
        answer.map_err(|error| Error::failed_request(&self.0.url, doing.to_owned(), &error))
    }

    async fn with_dependencies(
        &self,
        found: RegisteredSchema,
        doing: String,
    ) -> Result<Registered, Error> {
        let schema_type = SchemaType::from_wire(&found.schema_type).ok_or_else(|| {
            let reason = format!("the type {:?} is not known here", found.schema_type);
            Error::Response { doing, reason }
        })?;
        let references: Vec<Reference> = found.references.into_iter().map(reference).collect();
        let dependencies = self.dependencies(&references).await?;
        let (id, text) = (SchemaId(found.id), found.schema);
        Ok(Registered { id, schema_type, text, dependencies })
    }

    /// Returns the schemas that the references lead to, each after the ones it refers to.
    pub(crate) async fn dependencies(
        &self,
        references: &[Reference],
    ) -> Result<Vec<Dependency>, Error> {
        enum Step {
            Visit(Reference),
            Done(Dependency),
        }
        let mut steps: Vec<Step> = references.iter().rev().cloned().map(Step::Visit).collect();
        let (mut known, mut dependencies) = (HashSet::new(), Vec::new());
        while let Some(step) = steps.pop() {
            let wanted = match step {
                Step::Done(dependency) => {
                    dependencies.push(dependency);
                    continue;
                }
                Step::Visit(wanted) => wanted,
            };
            if !known.insert(wanted.name.clone()) {
                continue;
            }
            let found = self.referenced(&wanted).await?;
            steps.push(Step::Done(Dependency { name: wanted.name, text: found.schema }));
            steps.extend(found.references.into_iter().rev().map(reference).map(Step::Visit));
        }
        Ok(dependencies)
    }

    async fn referenced(&self, wanted: &Reference) -> Result<RegisteredSchema, Error> {
        let Reference { subject, version, .. } = wanted;
        let doing = format!("give version {version} of {subject}");
        let subject = path_segment(subject);
        let found =
            get_schema_by_subject_and_version(&self.0.settings, &subject, Some(*version)).await;
        found.map_err(|error| Error::failed_request(&self.0.url, doing, &error))
    }
}

fn reference(found: RegisteredReference) -> Reference {
    Reference { name: found.name, subject: found.subject, version: found.version }
}

fn id_of(answer: &RawRegisteredSchema, doing: String) -> Result<SchemaId, Error> {
    let id = answer.id.map(SchemaId);
    id.ok_or_else(|| Error::Response { doing, reason: "it has no id".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unreachable_registry_is_reported_with_its_address() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        drop(socket);
        let client = RegistryClient::builder(&url).build().unwrap();
        let error = client.by_id(SchemaId(1)).await.unwrap_err();
        assert!(matches!(&error, Error::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains(&url), "{error}");
    }
}
