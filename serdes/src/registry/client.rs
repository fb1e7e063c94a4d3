//! The registry client: its address, credentials, connections, and caches.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schema_registry_converter::async_impl::schema_registry::SrSettings;

use crate::cache::Cache;
use crate::error::{Error, reason};
use crate::prefix::SchemaId;
use crate::schema::Registered;

/// The default time limit for a response.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Configures a client.
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
    /// Sets the user name and password for each request. On Confluent Cloud, they are the API key
    /// and its secret.
    pub fn basic_auth(mut self, username: &str, password: &str) -> Self {
        self.credentials = Some((username.to_owned(), password.to_owned()));
        self
    }

    /// Sets the time limit for a response: 60 seconds by default, as in Confluent's Java client
    /// (`http.read.timeout.ms`), and longer than a registry waits for its topic.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Builds the client, without sending a request.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if the address is invalid, contains a password, or starts with `https`
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
            // A proxy is for other hosts, not for this one.
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
    // Fails if the program has already chosen a provider, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(not(feature = "tls"))]
fn install_tls() {}

/// A client for a schema registry. Clones share caches and connections, which end with the runtime
/// that created them.
#[doc(alias = "SchemaRegistryClient")]
#[derive(Clone)]
pub struct RegistryClient(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) url: String,
    pub(super) credentials: Option<(String, String)>,
    pub(super) settings: SrSettings,
    /// For requests that schema_registry_converter does not make.
    pub(super) http: reqwest::Client,
    pub(super) by_id: Cache<SchemaId, Registered>,
    pub(super) guids: Cache<SchemaId, u128>,
    pub(super) by_guid: Cache<u128, SchemaId>,
}

impl fmt::Debug for RegistryClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RegistryClient").field("url", &self.0.url).finish_non_exhaustive()
    }
}

impl RegistryClient {
    /// Starts configuring a client for the registry at this address, such as
    /// `http://127.0.0.1:8081`.
    pub fn builder(url: &str) -> Builder {
        Builder { url: url.to_owned(), credentials: None, timeout: TIMEOUT }
    }

    /// Returns the registry's address.
    pub fn url(&self) -> &str {
        &self.0.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_address_is_rejected_with_a_reason() {
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
}
