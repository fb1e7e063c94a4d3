//! The schemas that a schema refers to.

/// A registered schema that another one refers to.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    /// Its name in the schema that refers to it.
    pub(crate) name: String,
    pub(crate) text: String,
}
