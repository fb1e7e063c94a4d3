//! Why two schemas are incompatible.

/// Why data that one schema wrote cannot be read with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// What kind of difference it is, in Confluent's words.
    pub(crate) kind: &'static str,
    /// Where it is, from the root of the schema.
    pub(crate) path: String,
    /// In words.
    pub(crate) description: String,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, path, description } = self;
        write!(formatter, "{{errorType:'{kind}', description:'{description}', path:'{path}'}}")
    }
}
