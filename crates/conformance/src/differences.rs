//! Where the embedded cluster answers otherwise than Apache Kafka, by design.
//!
//! docs/embedded-cluster.md shows this list, and a test keeps both exact: what no longer differs
//! must leave them.

/// A scenario in which the embedded cluster answers otherwise by design.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// The scenario.
    pub scenario: &'static str,
    /// What the embedded cluster answers.
    pub embedded: &'static str,
    /// Why that is.
    pub reason: &'static str,
}

const NO_SECURITY: &str = "it has no security: no SASL, no ACLs, no users and no quotas for them";
const NO_SHARE_GROUPS: &str = "it has no share groups (KIP-932)";

const fn difference(
    scenario: &'static str,
    embedded: &'static str,
    reason: &'static str,
) -> Difference {
    Difference { scenario, embedded, reason }
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    difference(
        "partitions/too_many",
        "INVALID_PARTITIONS",
        "a topic has at most 10,000 partitions, and whoever asks for more is told so; Apache \
         Kafka's controller fails at the number of its own records",
    ),
    difference(
        "produce/nothing",
        "INVALID_RECORD",
        "a producer that sends null instead of records is told so; Apache Kafka never answers it",
    ),
    difference(
        "fetch/in_a_session",
        "ok, batches from [0, 2], end 5, no session",
        "it has no fetch sessions (KIP-227): inside one process, naming every partition costs \
         nothing",
    ),
    difference("connections/a_handshake_of_sasl", "closed", NO_SECURITY),
    difference("connections/serves_describe_acls", "no", NO_SECURITY),
    difference("connections/serves_create_delegation_token", "no", NO_SECURITY),
    difference("connections/serves_describe_client_quotas", "no", NO_SECURITY),
    difference("connections/serves_describe_user_scram_credentials", "no", NO_SECURITY),
    difference("connections/serves_share_group_heartbeat", "no", NO_SHARE_GROUPS),
];
