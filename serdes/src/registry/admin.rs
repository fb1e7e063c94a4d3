//! Operations that schema_registry_converter lacks: compatibility, versions, deletion.

use std::fmt;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::RegistryClient;
use super::rest::{path_segment, read};
use crate::error::Error;
use crate::schema::Schema;

/// The compatibility level of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// No checks.
    None,
    /// The new schema can read data written with the latest one: upgrade readers first. The
    /// default.
    Backward,
    /// The new schema can read data written with any earlier one.
    BackwardTransitive,
    /// The latest schema can read data written with the new one: upgrade writers first.
    Forward,
    /// Every earlier schema can read data written with the new one.
    ForwardTransitive,
    /// Both backward and forward.
    Full,
    /// Both backward and forward, with every earlier schema.
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

    /// Returns its name in the registry's REST API.
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
    /// Sets the compatibility level of a subject.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the registry rejects the change.
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

    /// Checks whether a schema can become the next version of a subject, without registering it.
    /// Returns the registry's reasons against it; empty if it is compatible.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 42201 if the schema is invalid.
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

    /// Lists the subjects that have a version.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] if the registry does not respond.
    pub async fn subjects(&self) -> Result<Vec<String>, Error> {
        let doing = "list its subjects".to_owned();
        read(self.rest(Method::GET, "/subjects", None, doing.clone()).await?, doing).await
    }

    /// Lists the versions of a subject, from oldest to newest.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 40401 if it has none.
    pub async fn versions(&self, subject: &str) -> Result<Vec<u32>, Error> {
        let path = format!("/subjects/{}/versions", path_segment(subject));
        let doing = format!("list the versions of {subject}");
        read(self.rest(Method::GET, &path, None, doing.clone()).await?, doing).await
    }

    /// Deletes a subject and all its versions permanently, after the soft delete that the registry
    /// requires. Messages that were written with its schemas become unreadable.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with code 40401 if it does not exist, and 42206 if another schema refers
    /// to it.
    pub async fn delete_subject(&self, subject: &str) -> Result<(), Error> {
        let doing = || format!("delete the subject {subject}");
        let path = format!("/subjects/{}", path_segment(subject));
        let soft = self.rest(Method::DELETE, &path, None, doing()).await;
        // 40404: the subject was already soft deleted.
        if soft.as_ref().err().is_some_and(|error| error.code() != Some(40404)) {
            return soft.map(drop);
        }
        let path = format!("{path}?permanent=true");
        self.rest(Method::DELETE, &path, None, doing()).await.map(drop)
    }
}
