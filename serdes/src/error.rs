//! What can go wrong, and what to do then. No message shows a value of a record or a password.

use std::fmt;

use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

use crate::prefix::{PrefixError, SchemaId};
use crate::schema_type::SchemaType;

/// A field that does not hold what the schema asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, from the root of the value: `to.runway[2].length_ft`. Empty for the value itself.
    pub field: String,
    /// What is wrong with it, without its value.
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

/// Why a value could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings of the client cannot be used.
    #[error("{0}")]
    Settings(String),
    /// The registry did not answer.
    #[error("the schema registry at {url} does not answer: {reason}; is the address right?")]
    Unreachable {
        /// Its address.
        url: String,
        /// What the HTTP client says.
        reason: String,
    },
    /// The registry answered with an error.
    #[error("the schema registry refused to {doing}: {message} (code {code})")]
    Rejected {
        /// What it was asked for.
        doing: String,
        /// Its code, such as 40401 for a subject that it does not know, and 40901 for a schema
        /// that may not follow the ones that are there. Older registries say 409 there.
        code: u32,
        /// Its words.
        message: String,
    },
    /// The registry answered with something that is no answer to the question.
    #[error("the answer to the request to {doing} cannot be read: {reason}; is it a registry?")]
    Response {
        /// What it was asked for.
        doing: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The message does not begin with the five bytes.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// The message was written with another format than the one it is read with.
    #[error("schema {id} is {found}, and the reader is for {expected}: use the reader for {found}")]
    WrongFormat {
        /// The schema's id.
        id: SchemaId,
        /// What the reader is for.
        expected: SchemaType,
        /// What the schema is.
        found: SchemaType,
    },
    /// A schema cannot be used.
    #[error("the {schema_type} schema cannot be used: {reason}")]
    Schema {
        /// Which type it is, or should be.
        schema_type: SchemaType,
        /// What is wrong with it.
        reason: String,
    },
    /// The value is not as the schema says, or the schema not as the program's type says.
    #[error("not as the schema says: {}", Self::list(.0))]
    Invalid(Vec<Violation>),
    /// The bytes behind the prefix are not what the schema describes.
    #[error("the message is damaged: its bytes are not what schema {0} describes")]
    Corrupt(SchemaId),
    /// The message is as its schema says, and does not fit into the type of the program.
    #[error("the message does not fit into the program's type: {0}")]
    TypeMismatch(Violation),
}

impl Error {
    /// The registry's code, where it answered with an error.
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

    pub(crate) fn asking(url: &str, doing: String, error: &SRCError) -> Self {
        let source = std::error::Error::source(error);
        if let Some(refused) = source.and_then(|it| it.downcast_ref::<RawError>()) {
            let (code, message) = (refused.error_code, refused.message.clone());
            return match code {
                // What answered is something else, such as a proxy; here is its HTTP status.
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

/// The last of the causes, which says the most: "Connection refused", not "error sending request".
pub(crate) fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |error| error.source()).last();
    last.unwrap_or(error).to_string()
}

/// What serde says of a type that does not fit, without the value that it found.
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
    fn what_serde_says_loses_the_value_and_keeps_the_names() {
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
        let expected = "not as the schema says: gate is missing; to.iata is missing";
        assert_eq!(error.to_string(), expected);
        assert_eq!(at("").to_string(), "the value is missing");
    }
}
