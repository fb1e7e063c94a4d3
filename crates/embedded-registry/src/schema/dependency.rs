//! The schemas that a schema refers to.

/// A registered schema that another one needs.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    /// What the schema that needs it calls it.
    pub(crate) name: String,
    pub(crate) text: String,
}
