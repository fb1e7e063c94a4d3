//! Errors, each with what to do next. No message contains a record's value or a password.

use std::fmt;

use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

use crate::prefix::{PrefixError, SchemaId};
use crate::schema_type::SchemaType;

/// A field that does not match its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field from the root of the value, such as `to.runway[2].length_ft`. Empty
    /// for the value itself.
    pub field: String,
    /// The problem, without the field's value.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(formatter, "the value {}", self.problem),
            field => write!(formatter, "{field} {}", self.problem),
        }
    }
}

/// An error of the client, a serializer, or a deserializer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Invalid settings.
    #[error("{0}")]
    Settings(String),
    /// The registry did not respond.
    #[error("the schema registry at {url} does not respond: {reason}; check the address")]
    Unreachable {
        /// The registry's address.
        url: String,
        /// The HTTP client's error.
        reason: String,
    },
    /// The registry rejected a request.
    #[error("the schema registry rejected the request to {doing}: {message} (code {code})")]
    Rejected {
        /// The request.
        doing: String,
        /// Its error code, such as 40401 for an unknown subject, and 40901 (409 in older
        /// registries) for an incompatible schema.
        code: u32,
        /// Its message.
        message: String,
    },
    /// The registry's response is not what was expected.
    #[error("the response to the request to {doing} is unreadable: {reason}; is this a registry?")]
    Response {
        /// The request.
        doing: String,
        /// The problem with the response.
        reason: String,
    },
    /// The message does not start with the five-byte prefix.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// The message was written in a different format than the deserializer's.
    #[error(
        "schema {id} is {found}, and this deserializer is for {expected}: use the one for {found}"
    )]
    WrongFormat {
        /// The schema's id.
        id: SchemaId,
        /// The deserializer's type.
        expected: SchemaType,
        /// The schema's type.
        found: SchemaType,
    },
    /// The schema is invalid.
    #[error("the {schema_type} schema cannot be used: {reason}")]
    Schema {
        /// Its type.
        schema_type: SchemaType,
        /// The problem.
        reason: String,
    },
    /// The value does not match the schema, or the schema does not match the program's type.
    #[error("the value does not match the schema: {}", Self::list(.0))]
    Invalid(Vec<Violation>),
    /// The bytes after the prefix do not match the schema.
    #[error("the message is corrupt: its bytes do not match schema {0}")]
    Corrupt(SchemaId),
    /// The message matches its schema but does not fit the program's type.
    #[error("the message does not fit the program's type: {0}")]
    TypeMismatch(Violation),
}

impl Error {
    /// Returns the registry's error code if it rejected the request.
    pub fn code(&self) -> Option<u32> {
        match self {
            Error::Rejected { code, .. } => Some(*code),
            _ => None,
        }
    }

    fn list(violations: &[Violation]) -> String {
        let violations: Vec<String> = violations.iter().map(Violation::to_string).collect();
        violations.join("; ")
    }

    pub(crate) fn invalid(field: &str, problem: &str) -> Self {
        Error::Invalid(vec![Violation { field: field.to_owned(), problem: problem.to_owned() }])
    }

    pub(crate) fn schema(schema_type: SchemaType, reason: impl fmt::Display) -> Self {
        Error::Schema { schema_type, reason: reason.to_string() }
    }

    pub(crate) fn failed_request(url: &str, doing: String, error: &SRCError) -> Self {
        let source = std::error::Error::source(error);
        if let Some(refused) = source.and_then(|it| it.downcast_ref::<RawError>()) {
            let (code, message) = (refused.error_code, refused.message.clone());
            return match code {
                // Another server responded, such as a proxy; this is its HTTP status.
                0 => Error::Response { doing, reason: error.error.clone() },
                _ => Error::Rejected { doing, code, message },
            };
        }
        let reason = reason(source.unwrap_or(error));
        match source.and_then(|it| it.downcast_ref::<reqwest::Error>()) {
            Some(source) if !source.is_decode() => {
                Error::Unreachable { url: url.to_owned(), reason }
            }
            _ => Error::Response { doing, reason },
        }
    }
}

/// Returns the last cause, which is the most specific: "Connection refused", not "error sending
/// request".
pub(crate) fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |error| error.source()).last();
    last.unwrap_or(error).to_string()
}

/// Turns serde's error into a problem, without the value that it found.
pub(crate) fn without_value(message: &str) -> String {
    if let Some(field) = message.strip_prefix("missing field ") {
        return format!("lacks the field {}", field.replace('`', ""));
    }
    if let Some(field) = message.strip_prefix("unknown field ") {
        let name = field.split('`').nth(1).unwrap_or_default();
        return format!("has the field {name}, which the type lacks");
    }
    match message.rsplit_once("expected ") {
        Some((_, expected)) => format!("is not what the type expects: {expected}"),
        None => "is not what the type expects".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serdes_messages_keep_names_but_not_values() {
        let rows = [
            ("missing field `gate`", "lacks the field gate"),
            ("unknown field `x`, expected `a` or `b`", "has the field x, which the type lacks"),
            (r#"invalid type: string "secret", expected i32"#, "is not what the type expects: i32"),
            (
                "unknown variant `secret`, expected `On` or `Off`",
                "is not what the type expects: `On` or `Off`",
            ),
            ("secret is no good", "is not what the type expects"),
        ];
        for (message, expected) in rows {
            assert_eq!(without_value(message), expected);
        }
    }

    #[test]
    fn a_violation_reads_as_a_sentence() {
        let at =
            |field: &str| Violation { field: field.to_owned(), problem: "is missing".to_owned() };
        let error = Error::Invalid(vec![at("gate"), at("to.iata")]);
        let expected = "the value does not match the schema: gate is missing; to.iata is missing";
        assert_eq!(error.to_string(), expected);
        assert_eq!(at("").to_string(), "the value is missing");
    }
}
