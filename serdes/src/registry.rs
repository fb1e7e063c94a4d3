//! The client of a registry: where it is, who asks, and what is known already.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_schema_by_id, get_schema_by_subject_and_version, perform_sr_call,
};
use schema_registry_converter::schema_registry_common::{
    RawRegisteredSchema, RegisteredReference, RegisteredSchema, SrCall,
};
use serde::Deserialize;

use crate::admin::read;
use crate::cache::Cache;
use crate::error::{Error, reason};
use crate::header::{guid_text, read_guid};
use crate::prefix::SchemaId;
use crate::schema::{Dependency, Reference, Registered, Schema, SchemaType};

/// How long a response may take unless [`Builder::timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How a client is set up.
#[derive(Clone)]
#[must_use = "a builder asks nothing by itself"]
pub struct Builder {
    url: String,
    credentials: Option<(String, String)>,
    timeout: Duration,
}

// The password is not shown.
impl fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Builder").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Builder {
    /// The user name and password to send with each request. At Confluent Cloud they are the API
    /// key and its secret.
    pub fn basic_auth(mut self, username: &str, password: &str) -> Self {
        self.credentials = Some((username.to_owned(), password.to_owned()));
        self
    }

    /// Limits how long a response may take: 60 seconds by default, as in Confluent's Java client
    /// (`http.read.timeout.ms`), and longer than a registry waits for its topic.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The client. It asks nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] where the address is none, holds a password, or begins with `https`
    /// while the feature `tls` is off.
    pub fn build(self) -> Result<RegistryClient, Error> {
        let url = reqwest::Url::parse(self.url.trim_end_matches('/'));
        let url =
            url.map_err(|error| Error::Settings(format!("the registry's address: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            let advice = "the registry's address holds a user name: give it to basic_auth";
            return Err(Error::Settings(advice.to_owned()));
        }
        match url.scheme() {
            "http" => {}
            "https" if cfg!(feature = "tls") => install_tls(),
            "https" => {
                let advice = "a registry behind https needs the feature `tls` of serdes";
                return Err(Error::Settings(advice.to_owned()));
            }
            scheme => {
                let problem = format!("the registry's address begins with {scheme}, not with http");
                return Err(Error::Settings(problem));
            }
        }
        let http = || {
            let http = reqwest::Client::builder().timeout(self.timeout);
            let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            // A proxy stands between here and elsewhere, not between here and here.
            if is_here { http.no_proxy() } else { http }
        };
        let text = url.as_str().trim_end_matches('/').to_owned();
        let mut settings = SrSettings::new_builder(text.clone());
        settings.set_timeout(self.timeout);
        if let Some((username, password)) = &self.credentials {
            settings.set_basic_authorization(username, Some(password));
        }
        let settings = settings.build_with(http());
        let settings = settings.map_err(|error| Error::Settings(reason(&error)))?;
        let http = http().build().map_err(|error| Error::Settings(reason(&error)))?;
        let credentials = self.credentials;
        let (by_id, guids, by_guid) = (Cache::new(), Cache::new(), Cache::new());
        let shared = Shared { url: text, credentials, settings, http, by_id, guids, by_guid };
        Ok(RegistryClient(Arc::new(shared)))
    }
}

#[cfg(feature = "tls")]
fn install_tls() {
    // It fails where the program has chosen one already, which is well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(not(feature = "tls"))]
fn install_tls() {}

/// A client of a schema registry. Clones share what they know, and connections, which end with the
/// runtime that they were made in.
#[doc(alias = "SchemaRegistryClient")]
#[derive(Clone)]
pub struct RegistryClient(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) url: String,
    pub(crate) credentials: Option<(String, String)>,
    settings: SrSettings,
    /// For what schema_registry_converter does not ask.
    pub(crate) http: reqwest::Client,
    by_id: Cache<SchemaId, Registered>,
    guids: Cache<SchemaId, u128>,
    by_guid: Cache<u128, SchemaId>,
}

impl fmt::Debug for RegistryClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RegistryClient").field("url", &self.0.url).finish_non_exhaustive()
    }
}

impl RegistryClient {
    /// A client of the registry at this address, such as `http://127.0.0.1:8081`.
    pub fn builder(url: &str) -> Builder {
        Builder { url: url.to_owned(), credentials: None, timeout: TIMEOUT }
    }

    /// Where the registry is.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The schema with an id, asked for once.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with code 40403 where the registry does not know it,
    /// [`Error::Unreachable`] where it does not answer.
    pub async fn by_id(&self, id: SchemaId) -> Result<Arc<Registered>, Error> {
        let ask = async || {
            let doing = || format!("give schema {id}");
            let found = get_schema_by_id(id.0, &self.0.settings).await;
            let found = found.map_err(|error| Error::asking(&self.0.url, doing(), &error))?;
            self.with_dependencies(found, doing()).await
        };
        self.0.by_id.get(id, ask).await
    }

    /// The GUID of a schema, asked for once.
    pub(crate) async fn guid(&self, id: SchemaId) -> Result<u128, Error> {
        #[derive(Deserialize)]
        struct Answer {
            guid: Option<String>,
        }
        let ask = async || {
            let doing = || format!("give the GUID of schema {id}");
            let path = format!("/schemas/ids/{id}");
            let answer = self.rest(Method::GET, &path, None, doing()).await?;
            let answer: Answer = read(answer, doing()).await?;
            answer.guid.as_deref().and_then(read_guid).ok_or_else(|| {
                let reason = "it has none, so headers can hold ids only".to_owned();
                Error::Answer { doing: doing(), reason }
            })
        };
        self.0.guids.get(id, ask).await.map(|guid| *guid)
    }

    /// The id of the schema with a GUID, asked for once.
    pub(crate) async fn id_of_guid(&self, guid: u128) -> Result<SchemaId, Error> {
        #[derive(Deserialize)]
        struct InContext {
            id: u32,
        }
        let ask = async || {
            let doing = || format!("give the schema {}", guid_text(guid));
            let path = format!("/schemas/guids/{}/ids", guid_text(guid));
            let answer = self.rest(Method::GET, &path, None, doing()).await?;
            let ids: Vec<InContext> = read(answer, doing()).await?;
            ids.first().map(|found| SchemaId(found.id)).ok_or_else(|| {
                let reason = "no context knows it".to_owned();
                Error::Answer { doing: doing(), reason }
            })
        };
        self.0.by_guid.get(guid, ask).await.map(|id| *id)
    }

    /// The latest version under a subject, asked for each time.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with code 40401 where there is none.
    pub async fn latest(&self, subject: &str) -> Result<Registered, Error> {
        let doing = format!("give the latest version of {subject}");
        let subject = path_segment(subject);
        let found = get_schema_by_subject_and_version(&self.0.settings, &subject, None).await;
        let found = found.map_err(|error| Error::asking(&self.0.url, doing.clone(), &error))?;
        self.with_dependencies(found, doing).await
    }

    /// Registers a schema under a subject, and returns its id. Registering it again changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with code 40901 where it may not follow the versions that are there
    /// (older registries say 409), and 42201 where it is no schema.
    pub async fn register(&self, subject: &str, schema: &Schema) -> Result<SchemaId, Error> {
        let (doing, body) = (format!("register a schema for {subject}"), schema.body());
        let subject = path_segment(subject);
        let answer = self.ask(SrCall::PostNew(&subject, &body), &doing).await?;
        id_of(&answer, doing)
    }

    /// The id of a schema that is registered under a subject.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with code 40401 where the subject is not there, and 40403 where the
    /// schema is not.
    pub async fn look_up(&self, subject: &str, schema: &Schema) -> Result<SchemaId, Error> {
        let (doing, body) = (format!("find a schema of {subject}"), schema.body());
        let subject = path_segment(subject);
        let answer = self.ask(SrCall::PostForVersion(&subject, &body), &doing).await?;
        id_of(&answer, doing)
    }

    async fn ask(&self, call: SrCall<'_>, doing: &str) -> Result<RawRegisteredSchema, Error> {
        let answer = perform_sr_call(&self.0.settings, call).await;
        answer.map_err(|error| Error::asking(&self.0.url, doing.to_owned(), &error))
    }

    async fn with_dependencies(
        &self,
        found: RegisteredSchema,
        doing: String,
    ) -> Result<Registered, Error> {
        let schema_type = SchemaType::from_wire(&found.schema_type).ok_or_else(|| {
            let reason = format!("the type {:?} is not known here", found.schema_type);
            Error::Answer { doing, reason }
        })?;
        let references: Vec<Reference> = found.references.into_iter().map(reference).collect();
        let dependencies = self.dependencies(&references).await?;
        let (id, text) = (SchemaId(found.id), found.schema);
        Ok(Registered { id, schema_type, text, dependencies })
    }

    /// What the references lead to, each after what it needs itself.
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
        found.map_err(|error| Error::asking(&self.0.url, doing, &error))
    }
}

fn reference(found: RegisteredReference) -> Reference {
    Reference { name: found.name, subject: found.subject, version: found.version }
}

fn id_of(answer: &RawRegisteredSchema, doing: String) -> Result<SchemaId, Error> {
    let id = answer.id.map(SchemaId);
    id.ok_or_else(|| Error::Answer { doing, reason: "it has no id".to_owned() })
}

/// A name as a part of a path: schema_registry_converter itself changes the slash and no more.
pub(crate) fn path_segment(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_used_is_refused_with_its_reason() {
        let rows = [
            ("127.0.0.1:8081", "address"),
            ("ftp://127.0.0.1", "begins with ftp"),
            ("http://anna:secret@127.0.0.1", "basic_auth"),
            #[cfg(not(feature = "tls"))]
            ("https://127.0.0.1", "the feature `tls`"),
        ];
        for (url, expected) in rows {
            let error = RegistryClient::builder(url).build().unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let builder = RegistryClient::builder("http://127.0.0.1/").basic_auth("anna", "secret");
        assert!(!format!("{builder:?}").contains("secret"));
        let client = builder.build().unwrap();
        assert_eq!(client.url(), "http://127.0.0.1");
        assert!(!format!("{client:?}").contains("secret"));
    }

    #[tokio::test]
    async fn nobody_there_is_said_with_the_address() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        drop(socket);
        let client = RegistryClient::builder(&url).build().unwrap();
        let error = client.by_id(SchemaId(1)).await.unwrap_err();
        assert!(matches!(&error, Error::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains(&url), "{error}");
    }

    #[test]
    fn a_subject_is_one_part_of_a_path() {
        assert_eq!(path_segment("aero.Departure-value"), "aero.Departure-value");
        assert_eq!(path_segment("a/b?c %é"), "a%2Fb%3Fc%20%25%C3%A9");
    }
}
