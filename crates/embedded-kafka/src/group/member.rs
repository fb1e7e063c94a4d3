//! A member of the classic protocol, and its waiting requests.

use bytes::Bytes;

use super::Step;
use super::delayed::Responder;
use super::messages::{JoinReply, Protocol, SyncReply};
use crate::time::Timestamp;

/// One member of a group.
#[derive(Debug)]
pub(crate) struct Member {
    pub(super) id: String,
    /// Set for static members (KIP-345).
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) session_timeout_ms: i32,
    pub(super) rebalance_timeout_ms: i32,
    /// In the order of the member's preference, each name once.
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    /// The JoinGroup that waits for the next generation. Meanwhile the member needs no heartbeat.
    pub(super) joining: Option<Responder<JoinReply>>,
    /// The SyncGroup that waits for the leader's assignment.
    pub(super) syncing: Option<Responder<SyncReply>>,
    /// Tells whether the member has never completed a join. It does not know its id yet, and so its
    /// session expires even while its JoinGroup waits.
    pub(super) is_new: bool,
    /// The time at which its session expires.
    pub(super) expires_at: Option<Timestamp>,
}

impl Member {
    /// Returns the member's metadata for the assignor `protocol`.
    pub(super) fn metadata(&self, protocol: Option<&str>) -> Bytes {
        let found =
            self.protocols.iter().find(|supported| Some(supported.name.as_str()) == protocol);
        found.map(|supported| supported.metadata.clone()).unwrap_or_default()
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|supported| supported.name == protocol)
    }

    /// Returns whether the member needs no heartbeat.
    pub(super) fn needs_no_heartbeat(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }

    pub(super) fn renew_session(&mut self, step: &Step<'_>) {
        self.expires_at = Some(step.after(self.session_timeout_ms));
    }

    pub(super) fn answer_join(&mut self, answer: JoinReply) {
        if let Some(responder) = self.joining.take() {
            responder.answer(answer);
        }
    }

    pub(super) fn answer_sync(&mut self, answer: SyncReply) {
        if let Some(responder) = self.syncing.take() {
            responder.answer(answer);
        }
    }
}
