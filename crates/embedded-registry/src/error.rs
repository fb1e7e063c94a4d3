//! Errors of starting a registry, and error responses.

use std::io;
use std::net::SocketAddr;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rdkafka::error::KafkaError;

/// The content type of every response, errors included.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// An error that keeps a registry from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// librdkafka rejects the settings of the cluster.
    #[error("librdkafka rejects the cluster's settings: {0}")]
    Settings(#[source] KafkaError),
    /// The cluster does not respond.
    #[error(
        "the cluster at {servers} does not respond, so the schema registry cannot store its \
         state there. Is it running?"
    )]
    Cluster {
        /// The bootstrap servers.
        servers: String,
        /// The error of librdkafka.
        #[source]
        source: KafkaError,
    },
    /// The topic with the state cannot be created or read.
    #[error("the topic {topic} cannot be used: {reason}")]
    Topic {
        /// The topic's name.
        topic: String,
        /// The problem.
        reason: String,
    },
    /// The address is not available.
    #[error("cannot listen on {address}; use port 0 for a free port")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The cluster rejects the announcement of the registry's address.
    #[error("the cluster rejected the announcement of the registry's address")]
    Announce(#[source] KafkaError),
    /// The system cannot create a thread or a runtime.
    #[error("the registry's thread failed to start")]
    Thread(#[source] io::Error),
    /// `SCHEMA_REGISTRY_URL` is not a URL.
    #[error("SCHEMA_REGISTRY_URL must start with http:// or https:// and name a host")]
    Url,
}

/// An error response in the form of Confluent's registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The `error_code`, which is more specific than the status.
    pub(crate) code: u32,
    /// The message for people.
    pub(crate) message: String,
}

impl ApiError {
    /// Makes an error with a five-digit code, whose first three digits are the HTTP status.
    fn coded(code: u32, message: impl Into<String>) -> Self {
        Self { status: (code / 100) as u16, code, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: 400, code: 400, message: message.into() }
    }

    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self { status: 422, code: 422, message: message.into() }
    }

    pub(crate) fn subject_not_found(subject: &str) -> Self {
        Self::coded(40401, format!("Subject '{subject}' not found."))
    }

    pub(crate) fn version_not_found(version: impl std::fmt::Display) -> Self {
        Self::coded(40402, format!("Version {version} not found."))
    }

    pub(crate) fn schema_not_found() -> Self {
        Self::coded(40403, "Schema not found")
    }

    pub(crate) fn id_not_found(id: i32) -> Self {
        Self::coded(40403, format!("Schema {id} not found"))
    }

    pub(crate) fn guid_not_found(guid: &str) -> Self {
        Self::coded(40403, format!("Schema {guid} not found"))
    }

    pub(crate) fn subject_soft_deleted(subject: &str) -> Self {
        Self::coded(
            40404,
            format!(
                "Subject '{subject}' was soft deleted.Set permanent=true to delete permanently"
            ),
        )
    }

    pub(crate) fn subject_not_soft_deleted(subject: &str) -> Self {
        Self::coded(
            40405,
            format!("Subject '{subject}' was not deleted first before being permanently deleted"),
        )
    }

    pub(crate) fn version_soft_deleted(subject: &str, version: i32) -> Self {
        Self::coded(
            40406,
            format!(
                "Subject '{subject}' Version {version} was soft deleted.\
                 Set permanent=true to delete permanently"
            ),
        )
    }

    pub(crate) fn version_not_soft_deleted(subject: &str, version: i32) -> Self {
        Self::coded(
            40407,
            format!(
                "Subject '{subject}' Version {version} was not deleted first before being \
                 permanently deleted"
            ),
        )
    }

    pub(crate) fn no_own_level(subject: &str) -> Self {
        Self::coded(
            40408,
            format!("Subject '{subject}' does not have subject-level compatibility configured"),
        )
    }

    pub(crate) fn no_own_mode(subject: &str) -> Self {
        Self::coded(
            40409,
            format!("Subject '{subject}' does not have subject-level mode configured"),
        )
    }

    /// Makes the error for an incompatible schema. Older releases of Confluent's registry respond
    /// with code 409.
    pub(crate) fn incompatible(subject: &str, details: &[String]) -> Self {
        let message = format!(
            "Schema being registered is incompatible with an earlier schema for subject \
             \"{subject}\", details: [{}]",
            details.join(", ")
        );
        Self::coded(40901, message)
    }

    pub(crate) fn invalid_schema(message: impl Into<String>) -> Self {
        Self::coded(42201, message)
    }

    pub(crate) fn invalid_version(version: &str) -> Self {
        Self::coded(
            42202,
            format!(
                "The specified version '{version}' is not a valid version id. Allowed values are \
                 between [1, 2^31-1] and the string \"latest\""
            ),
        )
    }

    pub(crate) fn invalid_level() -> Self {
        Self::coded(
            42203,
            "Invalid compatibility level. Valid values are none, backward, forward, full, \
             backward_transitive, forward_transitive, and full_transitive",
        )
    }

    pub(crate) fn invalid_mode() -> Self {
        Self::coded(
            42204,
            "Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, and IMPORT.",
        )
    }

    pub(crate) fn not_permitted(message: impl Into<String>) -> Self {
        Self::coded(42205, message)
    }

    pub(crate) fn referenced(subject: &str, version: i32) -> Self {
        Self::coded(
            42206,
            format!(
                "One or more references exist to the schema \
                 {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}."
            ),
        )
    }

    pub(crate) fn id_does_not_match(message: impl Into<String>) -> Self {
        Self::coded(42207, message)
    }

    pub(crate) fn invalid_subject(subject: &str) -> Self {
        Self::coded(42208, format!("The specified subject '{subject}' is not a valid."))
    }

    pub(crate) fn store(message: impl Into<String>) -> Self {
        Self::coded(50001, message)
    }

    pub(crate) fn timed_out(message: impl Into<String>) -> Self {
        Self::coded(50002, message)
    }

    /// Makes an error that contains only the HTTP status.
    pub(crate) fn plain(status: StatusCode) -> Self {
        let message = format!("HTTP {status}");
        Self { status: status.as_u16(), code: status.as_u16().into(), message }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::json!({ "error_code": self.code, "message": self.message });
        let mut response = (status, body.to_string()).into_response();
        let content_type = HeaderValue::from_static(CONTENT_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }
}
