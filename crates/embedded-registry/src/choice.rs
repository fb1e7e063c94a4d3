//! Chooses the registry for a cluster: the one that the environment names, a running one, or one in
//! this process.

use std::fmt;

use crate::auth::Credentials;
use crate::error::Error;
use crate::percent::decoded;
use crate::registry::Registry;

/// Security settings in the environment, each with librdkafka's name for it.
const SECURITY: [(&str, &str); 5] = [
    ("KAFKA_SECURITY_PROTOCOL", "security.protocol"),
    ("KAFKA_SASL_MECHANISM", "sasl.mechanism"),
    ("KAFKA_SASL_USERNAME", "sasl.username"),
    ("KAFKA_SASL_PASSWORD", "sasl.password"),
    ("KAFKA_SSL_CA_LOCATION", "ssl.ca.location"),
];

/// The source of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// It is named by `SCHEMA_REGISTRY_URL`.
    Environment,
    /// It is already running for the cluster.
    Running,
    /// It runs in this process.
    Embedded,
}

/// A registry to use, which is available as long as this value.
pub struct Chosen {
    url: String,
    credentials: Option<Credentials>,
    source: Source,
    embedded: Option<Registry>,
}

impl fmt::Debug for Chosen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Chosen")
            .field("url", &self.url)
            .field("source", &self.source)
            .finish()
    }
}

impl Chosen {
    /// Returns its address, without a trailing slash and without credentials.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the credentials it requires, if any.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Returns its source.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Releases it; a registry in this process shuts down.
    pub async fn close(self) {
        if let Some(registry) = self.embedded {
            registry.shutdown().await;
        }
    }
}

/// Chooses the schema registry for a cluster, in this order: the one that `SCHEMA_REGISTRY_URL`
/// names, with `SCHEMA_REGISTRY_USERNAME` and `SCHEMA_REGISTRY_PASSWORD` or the user and password
/// in the address; one that is already running for the cluster (`cargo workshop up`); or a new one
/// in this process, on a free port, which keeps its state on the cluster.
///
/// # Errors
///
/// [`Error::Url`] if the address is invalid, and the errors of [`crate::Builder::start`].
pub async fn for_cluster(bootstrap_servers: &str) -> Result<Chosen, Error> {
    if let Some(url) = variable("SCHEMA_REGISTRY_URL") {
        let username = variable("SCHEMA_REGISTRY_USERNAME");
        return named(&url, username, variable("SCHEMA_REGISTRY_PASSWORD"));
    }
    let mut builder = Registry::builder(bootstrap_servers);
    for (name, setting) in SECURITY {
        if let Some(value) = variable(name) {
            builder = builder.setting(setting, &value);
        }
    }
    match builder.announced().await {
        Ok(Some(address)) => {
            let url = format!("http://{address}");
            return Ok(Chosen { url, credentials: None, source: Source::Running, embedded: None });
        }
        Ok(None) => {}
        // A cluster may not permit reading a group's offsets; if it does not respond, starting a
        // registry fails below.
        Err(error) => tracing::debug!(%error, "the cluster has no announced registry"),
    }
    let registry = builder.start().await?;
    Ok(Chosen {
        url: registry.url(),
        credentials: None,
        source: Source::Embedded,
        embedded: Some(registry),
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn named(url: &str, username: Option<String>, password: Option<String>) -> Result<Chosen, Error> {
    let (scheme, rest) = url.trim().split_once("://").ok_or(Error::Url)?;
    // A password can contain an @, a host cannot.
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (user_info, rest) = match rest[..authority_end].rfind('@') {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    };
    let rest = rest.trim_end_matches('/');
    if !matches!(scheme, "http" | "https") || rest.is_empty() || rest.starts_with('/') {
        return Err(Error::Url);
    }
    let in_url = user_info.map(|info| {
        let (username, password) = info.split_once(':').unwrap_or((info, ""));
        Credentials { username: decoded(username), password: decoded(password) }
    });
    let in_variables =
        username.map(|username| Credentials { username, password: password.unwrap_or_default() });
    Ok(Chosen {
        url: format!("{scheme}://{rest}"),
        credentials: in_variables.or(in_url),
        source: Source::Environment,
        embedded: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(username: &str, password: &str) -> Option<Credentials> {
        Some(Credentials { username: username.to_owned(), password: password.to_owned() })
    }

    #[test]
    fn an_address_is_split_into_url_and_credentials() {
        let rows = [
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081", None),
            ("https://sr.example/base/", "https://sr.example/base", None),
            ("http://anna:s%40c@ret@sr", "http://sr", credentials("anna", "s@c@ret")),
            ("http://key@sr:80/a@b", "http://sr:80/a@b", credentials("key", "")),
        ];
        for (given, url, expected) in rows {
            let chosen = named(given, None, None).unwrap();
            assert_eq!((chosen.url(), chosen.credentials()), (url, expected.as_ref()));
            assert!(!format!("{chosen:?}").contains("ret"));
        }
        for wrong in ["", "sr:8081", "ftp://sr", "http://", "http:///path", "http://a:b@"] {
            assert!(matches!(named(wrong, None, None), Err(Error::Url)), "{wrong}");
        }
    }

    #[test]
    fn variables_override_the_credentials_in_the_address() {
        let chosen = named("http://a:b@sr", Some("anna".into()), Some("secret".into())).unwrap();
        assert_eq!(chosen.credentials(), credentials("anna", "secret").as_ref());
    }
}
