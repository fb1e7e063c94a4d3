//! Reads the configuration: environment variables first, then the file `.env`.
//!
//! It does not set variables of the process: that is unsafe while other threads run.

use std::collections::HashMap;
use std::io::{IsTerminal, stderr};

use anyhow::{Context, Result, bail};
use rdkafka::ClientConfig;
use tracing_subscriber::EnvFilter;

/// The variables that every client reads, and the librdkafka setting of each.
const CONNECTION: [(&str, &str); 5] = [
    ("KAFKA_SECURITY_PROTOCOL", "security.protocol"),
    ("KAFKA_SASL_MECHANISM", "sasl.mechanism"),
    ("KAFKA_SASL_USERNAME", "sasl.username"),
    ("KAFKA_SASL_PASSWORD", "sasl.password"),
    ("KAFKA_SSL_CA_LOCATION", "ssl.ca.location"),
];

pub struct Config {
    file: HashMap<String, String>,
}

impl Config {
    /// Reads `.env` in the working directory or a parent directory. The file may be missing.
    pub fn load() -> Result<Config> {
        let lines = match dotenvy::dotenv_iter() {
            Ok(lines) => lines.collect::<Result<_, _>>(),
            Err(error) if error.not_found() => Ok(HashMap::new()),
            Err(error) => Err(error),
        };
        // dotenvy's error quotes the line, which may contain a password.
        let Ok(file) = lines else { bail!(".env has a line that is not NAME=value") };
        Ok(Config { file })
    }

    /// Starts the log on stderr, with librdkafka's log in it. `RUST_LOG` filters it.
    pub fn start_log(&self) {
        // While a broker is unreachable, rdkafka repeats each error up to 19 times a second.
        // librdkafka's own log has the same errors without the repetition.
        let filter = self.get("RUST_LOG").unwrap_or_else(|| "info,rdkafka::client=off".to_owned());
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_ansi(stderr().is_terminal())
            .with_writer(stderr)
            .init();
    }

    /// Returns the value of a variable. An empty value counts as not set.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = std::env::var(name).ok().or_else(|| self.file.get(name).cloned());
        value.filter(|value| !value.is_empty())
    }

    pub fn required(&self, name: &str) -> Result<String> {
        self.get(name).with_context(|| format!("{name} is not set: see .env.example"))
    }

    /// Returns the settings of a client. The variable named `overrides` overrides `defaults`; its
    /// format is `name=value;name=value`.
    pub fn client(&self, defaults: &[(&str, &str)], overrides: &str) -> Result<ClientConfig> {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.required("KAFKA_BOOTSTRAP_SERVERS")?);
        client.set("client.id", env!("CARGO_PKG_NAME"));
        for (name, setting) in CONNECTION {
            if let Some(value) = self.get(name) {
                client.set(setting, value);
            }
        }
        for (setting, value) in defaults {
            client.set(*setting, *value);
        }
        let overridden = self.get(overrides).unwrap_or_default();
        for pair in overridden.split(';').filter(|pair| !pair.trim().is_empty()) {
            let Some((setting, value)) = pair.split_once('=') else {
                bail!("{overrides} must have the format name=value;name=value");
            };
            client.set(setting.trim(), value.trim());
        }
        Ok(client)
    }
}
