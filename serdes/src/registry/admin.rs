//! What schema_registry_converter does not ask: compatibility, versions, deleting.

use std::fmt;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::RegistryClient;
use super::rest::{path_segment, read};
use crate::error::Error;
use crate::schema::Schema;

/// What a new version must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// Anything may follow.
    None,
    /// The new schema reads what the latest one wrote: readers are updated first. The default.
    Backward,
    /// The new schema reads what any earlier one wrote.
    BackwardTransitive,
    /// The latest schema reads what the new one writes: writers are updated first.
    Forward,
    /// Every earlier schema reads what the new one writes.
    ForwardTransitive,
    /// Backward and forward.
    Full,
    /// Backward and forward with every earlier one.
    FullTransitive,
}

impl Compatibility {
    /// All levels.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Backward,
        Self::BackwardTransitive,
        Self::Forward,
        Self::ForwardTransitive,
        Self::Full,
        Self::FullTransitive,
    ];

    /// What the registry's REST interface calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }
}

impl fmt::Display for Compatibility {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

#[derive(Deserialize)]
struct Verdict {
    is_compatible: bool,
    #[serde(default)]
    messages: Vec<String>,
}

impl RegistryClient {
    /// Says what new versions of a subject must keep to.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] where the registry does not take it.
    pub async fn set_compatibility(
        &self,
        subject: &str,
        level: Compatibility,
    ) -> Result<(), Error> {
        let path = format!("/config/{}", path_segment(subject));
        let body = json!({ "compatibility": level.name() }).to_string();
        let doing = format!("set the compatibility of {subject}");
        self.rest(Method::PUT, &path, Some(body), doing).await.map(drop)
    }

    /// Why a schema may not become the next version of a subject, in the registry's words; empty
    /// where it may. Nothing is registered.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 42201 where it is no schema.
    pub async fn incompatibilities(
        &self,
        subject: &str,
        schema: &Schema,
    ) -> Result<Vec<String>, Error> {
        let path =
            format!("/compatibility/subjects/{}/versions?verbose=true", path_segment(subject));
        let doing = format!("compare a schema with those of {subject}");
        let answer = self.rest(Method::POST, &path, Some(schema.body()), doing.clone()).await?;
        let verdict: Verdict = read(answer, doing).await?;
        match verdict.is_compatible {
            true => Ok(Vec::new()),
            false if verdict.messages.is_empty() => Ok(vec!["no reason given".to_owned()]),
            false => Ok(verdict.messages),
        }
    }

    /// The subjects that have a version.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] where the registry does not answer.
    pub async fn subjects(&self) -> Result<Vec<String>, Error> {
        let doing = "list its subjects".to_owned();
        read(self.rest(Method::GET, "/subjects", None, doing.clone()).await?, doing).await
    }

    /// The versions that a subject has, the oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 40401 where it has none.
    pub async fn versions(&self, subject: &str) -> Result<Vec<u32>, Error> {
        let path = format!("/subjects/{}/versions", path_segment(subject));
        let doing = format!("list the versions of {subject}");
        read(self.rest(Method::GET, &path, None, doing.clone()).await?, doing).await
    }

    /// Deletes a subject with all its versions, for good: first softly, so that no one can use it
    /// any more, then what is left of it. Messages that were written with its schemas cannot be
    /// read from then on.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 40401 where it is not there, and 42206 where another schema
    /// refers to it.
    pub async fn delete_subject(&self, subject: &str) -> Result<(), Error> {
        let doing = || format!("delete the subject {subject}");
        let path = format!("/subjects/{}", path_segment(subject));
        let soft = self.rest(Method::DELETE, &path, None, doing()).await;
        // 40404: this step was done before.
        if soft.as_ref().err().is_some_and(|error| error.code() != Some(40404)) {
            return soft.map(drop);
        }
        let path = format!("{path}?permanent=true");
        self.rest(Method::DELETE, &path, None, doing()).await.map(drop)
    }
}
