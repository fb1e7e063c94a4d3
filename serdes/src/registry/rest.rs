//! Requests to the registry's REST interface that schema_registry_converter does not make.

use reqwest::{Method, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::RegistryClient;
use crate::error::{Error, reason};

const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

#[derive(Deserialize)]
struct Rejection {
    error_code: u32,
    message: String,
}

impl RegistryClient {
    pub(super) async fn rest(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        doing: String,
    ) -> Result<Response, Error> {
        let shared = &self.0;
        let mut request = shared.http.request(method, format!("{}{path}", shared.url));
        if let Some((username, password)) = &shared.credentials {
            request = request.basic_auth(username, Some(password));
        }
        if let Some(body) = body {
            request = request.header("content-type", CONTENT_TYPE).body(body);
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| Error::Unreachable {
            url: shared.url.clone(),
            reason: reason(&error),
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let Ok(Rejection { error_code, message }) = answer.json().await else {
            let reason = format!("HTTP request to schema registry failed with status {status}");
            return Err(Error::Response { doing, reason });
        };
        Err(Error::Rejected { doing, code: error_code, message })
    }
}

pub(super) async fn read<T: DeserializeOwned>(answer: Response, doing: String) -> Result<T, Error> {
    let read = answer.json().await;
    read.map_err(|error| Error::Response { doing, reason: reason(&error) })
}

/// Escapes a name for a path: schema_registry_converter itself escapes only the slash.
pub(super) fn path_segment(name: &str) -> String {
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
    fn a_subject_is_one_segment_of_a_path() {
        assert_eq!(path_segment("aero.Departure-value"), "aero.Departure-value");
        assert_eq!(path_segment("a/b?c %é"), "a%2Fb%3Fc%20%25%C3%A9");
    }
}
