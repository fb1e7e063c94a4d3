//! A reason for which two schemas are incompatible.

/// A reason for which a schema cannot read data written with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// The kind of difference, in Confluent's words.
    pub(crate) kind: &'static str,
    /// The path from the root of the schema.
    pub(crate) path: String,
    /// The description.
    pub(crate) description: String,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, path, description } = self;
        write!(formatter, "{{errorType:'{kind}', description:'{description}', path:'{path}'}}")
    }
}
