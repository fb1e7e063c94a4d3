//! Configures where the cluster is and how a client authenticates.
//!
//! The same program runs on a plain cluster and on a secured one: the security settings come from
//! the environment, and every helper starts from [`client_config`].
//!
//! | Variable | librdkafka setting | For example |
//! |---|---|---|
//! | `KAFKA_SECURITY_PROTOCOL` | `security.protocol` | `SASL_SSL`, `SASL_PLAINTEXT`, `SSL` |
//! | `KAFKA_SASL_MECHANISM` | `sasl.mechanism` | `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` |
//! | `KAFKA_SASL_USERNAME` | `sasl.username` | |
//! | `KAFKA_SASL_PASSWORD` | `sasl.password` | never printed, neither by `Debug` nor in an error |
//! | `KAFKA_SSL_CA_LOCATION` | `ssl.ca.location` | the path of a PEM file |
//!
//! TLS and SCRAM need OpenSSL inside librdkafka, which is the optional feature `tls`.

use rdkafka::ClientConfig;

use crate::{Error, addresses};

// ANCHOR: environment
/// Lists the security settings of the environment: each variable with librdkafka's name for it.
pub const FROM_ENVIRONMENT: [(&str, &str); 5] = [
    ("KAFKA_SECURITY_PROTOCOL", "security.protocol"),
    ("KAFKA_SASL_MECHANISM", "sasl.mechanism"),
    ("KAFKA_SASL_USERNAME", "sasl.username"),
    ("KAFKA_SASL_PASSWORD", "sasl.password"),
    ("KAFKA_SSL_CA_LOCATION", "ssl.ca.location"),
];
// ANCHOR_END: environment

/// Returns the settings that every client of this cluster shares: `bootstrap.servers` and the
/// security settings of the environment.
///
/// # Errors
/// [`Error::NoBootstrapServers`] if `brokers` is empty, [`Error::Address`] if it holds something
/// other than `host:port`, [`Error::TlsNotBuilt`] if the environment asks for TLS or SCRAM and
/// librdkafka has no OpenSSL, [`Error::Setting`] for a value that librdkafka rejects.
pub fn client_config(brokers: &str) -> Result<ClientConfig, Error> {
    config_from(brokers, |variable| std::env::var(variable).ok())
}

/// Does what [`client_config`] does, for a program that decides itself whether to authenticate.
///
/// With `auth` the environment must name a user; the defaults are `SASL_SSL` and `PLAIN`. Without
/// `auth`, the environment's security settings are left out.
///
/// # Errors
/// [`Error::NoCredentials`] if the environment names no user, and those of [`client_config`].
pub fn client_config_with_auth(brokers: &str, auth: bool) -> Result<ClientConfig, Error> {
    if auth {
        return sasl_config_from(brokers, |variable| std::env::var(variable).ok());
    }
    config_from(brokers, |_| None)
}

fn sasl_config_from(
    brokers: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<ClientConfig, Error> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    let needed = ["KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"];
    let missing: Vec<&str> = needed.into_iter().filter(|name| given(name).is_none()).collect();
    if !missing.is_empty() {
        return Err(Error::NoCredentials { missing: missing.join(" and ") });
    }
    let config = config_from(brokers, |name| match name {
        "KAFKA_SECURITY_PROTOCOL" => given(name).or(Some("SASL_SSL".to_owned())),
        "KAFKA_SASL_MECHANISM" => given(name).or(Some("PLAIN".to_owned())),
        _ => given(name),
    })?;
    let protocol = config.get("security.protocol").unwrap_or_default();
    if protocol.to_ascii_uppercase().starts_with("SASL") {
        return Ok(config);
    }
    let reason = format!("{protocol} has no login: say SASL_SSL, or SASL_PLAINTEXT without TLS");
    Err(Error::Setting { key: "security.protocol".to_owned(), reason })
}

fn config_from(
    brokers: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    for (name, key) in FROM_ENVIRONMENT {
        // Shells and compose files leave a variable out by setting it to an empty value.
        if let Some(value) = variable(name).filter(|value| !value.is_empty()) {
            config.set(key, value);
        }
    }
    check_settings(&config)?;
    Ok(config)
}

/// Rejects settings that no client can be created from, before a broker is contacted.
fn check_settings(config: &ClientConfig) -> Result<(), Error> {
    check_tls(config, &built_features()?)?;
    let native = config.create_native_config()?;
    let brokers = native.get("bootstrap.servers")?;
    addresses::check(&brokers, &native.get("security.protocol")?)
}

/// Returns what librdkafka was built with, as `gzip,snappy,ssl,…` (its setting `builtin.features`).
/// This asks the library instead of checking this crate's features: another crate may have added
/// OpenSSL.
fn built_features() -> Result<String, Error> {
    Ok(ClientConfig::new().create_native_config()?.get("builtin.features")?)
}

fn check_tls(config: &ClientConfig, features: &str) -> Result<(), Error> {
    let built = |feature: &str| features.split(',').any(|one| one == feature);
    let needs = [("security.protocol", "SSL", "ssl"), ("sasl.mechanism", "SCRAM", "sasl_scram")];
    for (setting, word, feature) in needs {
        let value = config.get(setting).unwrap_or_default();
        if value.to_ascii_uppercase().contains(word) && !built(feature) {
            return Err(Error::TlsNotBuilt { setting, value: value.to_owned() });
        }
    }
    Ok(())
}

/// Adds a caller's settings, of which the last one wins, and checks them.
///
/// # Errors
/// Those of [`client_config`].
pub fn with_overrides(
    mut config: ClientConfig,
    overrides: &[(String, String)],
) -> Result<ClientConfig, Error> {
    for (key, value) in overrides {
        config.set(key, value);
    }
    check_settings(&config)?;
    Ok(config)
}

/// Returns the part of `config` that a connection depends on. With it, another kind of client can
/// try a producer's or consumer's settings, without warnings about settings that it does not have.
pub(crate) fn connection_part(config: &ClientConfig) -> ClientConfig {
    const PREFIXES: [&str; 9] = [
        "bootstrap.",
        "metadata.broker.list",
        "broker.",
        "client.",
        "enable.ssl",
        "https.",
        "sasl.",
        "security.",
        "ssl.",
    ];
    let mut connection = ClientConfig::new();
    for key in config.config_map().into_keys() {
        if PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
            // config_map() hides secrets; get() gives the value itself.
            connection.set(key, config.get(key).unwrap_or_default());
        }
    }
    connection
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |wanted| {
            pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn without_variables_only_the_servers_are_set() {
        let config = config_from("127.0.0.1:9092", environment(&[])).unwrap();
        assert_eq!(config.config_map().len(), 1);
        assert_eq!(config.get("bootstrap.servers"), Some("127.0.0.1:9092"));
    }

    #[test]
    fn the_environment_reaches_the_client() {
        let variables = [
            ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
            ("KAFKA_SASL_MECHANISM", "PLAIN"),
            ("KAFKA_SASL_USERNAME", "alice"),
            ("KAFKA_SASL_PASSWORD", "swordfish"),
            ("KAFKA_SSL_CA_LOCATION", ""),
        ];
        let config = config_from("127.0.0.1:9092", environment(&variables)).unwrap();
        assert_eq!(config.get("security.protocol"), Some("SASL_PLAINTEXT"));
        assert_eq!(config.get("sasl.mechanism"), Some("PLAIN"));
        assert_eq!(config.get("sasl.username"), Some("alice"));
        assert_eq!(config.get("sasl.password"), Some("swordfish"));
        assert_eq!(config.get("ssl.ca.location"), None);
    }

    #[test]
    fn a_password_never_shows_in_debug_output() {
        let variables = [("KAFKA_SASL_PASSWORD", "swordfish")];
        let config = config_from("127.0.0.1:9092", environment(&variables)).unwrap();
        assert!(!format!("{config:?}").contains("swordfish"));
    }

    #[test]
    fn tls_without_openssl_is_rejected_with_what_to_build() {
        for (setting, value) in
            [("security.protocol", "sasl_ssl"), ("sasl.mechanism", "SCRAM-SHA-256")]
        {
            let mut config = ClientConfig::new();
            config.set(setting, value);
            let rejected = check_tls(&config, "gzip,snappy,sasl,sasl_plain").unwrap_err();
            assert!(matches!(rejected, Error::TlsNotBuilt { .. }), "{rejected}");
            assert!(rejected.to_string().contains("--features tls"), "{rejected}");
            check_tls(&config, "gzip,ssl,sasl_scram").unwrap();
        }
    }

    #[test]
    fn a_login_needs_a_user_and_a_password() {
        let nothing = sasl_config_from("127.0.0.1:9092", environment(&[])).unwrap_err();
        let text = nothing.to_string();
        assert!(text.contains("KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"), "{text}");
        let half = [("KAFKA_SASL_USERNAME", "alice"), ("KAFKA_SASL_PASSWORD", "")];
        let text = sasl_config_from("127.0.0.1:9092", environment(&half)).unwrap_err().to_string();
        assert!(text.contains("KAFKA_SASL_PASSWORD") && !text.contains("USERNAME"), "{text}");
    }

    #[test]
    fn a_login_is_sent_in_the_way_that_the_environment_says() {
        let variables = [
            ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
            ("KAFKA_SASL_USERNAME", "alice"),
            ("KAFKA_SASL_PASSWORD", "swordfish"),
        ];
        let config = sasl_config_from("127.0.0.1:9092", environment(&variables)).unwrap();
        assert_eq!(config.get("security.protocol"), Some("SASL_PLAINTEXT"));
        assert_eq!(config.get("sasl.mechanism"), Some("PLAIN"));
        assert_eq!(config.get("sasl.username"), Some("alice"));
        assert_eq!(config.get("sasl.password"), Some("swordfish"));

        // SASL_SSL is the default; without OpenSSL the error says so.
        match sasl_config_from("127.0.0.1:9092", environment(&variables[1..])) {
            Ok(config) => assert_eq!(config.get("security.protocol"), Some("SASL_SSL")),
            Err(error) => assert!(matches!(error, Error::TlsNotBuilt { .. }), "{error}"),
        }
    }

    #[test]
    fn a_login_on_a_connection_without_login_is_rejected() {
        let variables = [
            ("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT"),
            ("KAFKA_SASL_USERNAME", "alice"),
            ("KAFKA_SASL_PASSWORD", "swordfish"),
        ];
        let rejected = sasl_config_from("127.0.0.1:9092", environment(&variables)).unwrap_err();
        assert!(rejected.to_string().contains("say SASL_SSL"), "{rejected}");
    }

    #[test]
    fn an_empty_address_is_rejected() {
        let rejected = config_from(" ", environment(&[])).unwrap_err();
        assert!(matches!(rejected, Error::NoBootstrapServers), "{rejected}");
    }

    #[test]
    fn the_connection_part_keeps_the_password_and_drops_the_rest() {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", "127.0.0.1:9092")
            .set("sasl.password", "swordfish")
            .set("acks", "all");
        let connection = connection_part(&config);
        assert_eq!(connection.get("sasl.password"), Some("swordfish"));
        assert_eq!(connection.get("acks"), None);
    }
}
