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

const CODEC: &str =
    "the newest versions are not known to what decodes requests here (kafka-protocol 0.18)";
const FIRST_TRANSACTIONS: &str = "its transactions are those of the first version: a producer's epoch does not grow with each \
     of them (KIP-890, part 2)";

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
    difference(
        "versions/features",
        "eligible.leader.replicas.version 0 to 1 (1 to 1), group.version 0 to 1 (1 to 1), \
         kraft.version 0 to 1 (none), metadata.version 7 to 33 (33 to 33), \
         transaction.version 0 to 1 (1 to 1); epoch known: true",
        "it has no share groups (KIP-932), no streams groups (KIP-1071) and no second version of \
         transactions (KIP-890)",
    ),
    difference("versions/of_offset_commit", "2 to 9", CODEC),
    difference("versions/of_offset_fetch", "1 to 9", CODEC),
    difference("versions/of_write_txn_markers", "1 to 1", CODEC),
    difference("versions/of_describe_log_dirs", "1 to 4", CODEC),
    difference("versions/of_delete_groups", "0 to 2", CODEC),
    difference("versions/of_end_txn", "0 to 4", FIRST_TRANSACTIONS),
    difference("versions/of_txn_offset_commit", "0 to 4", FIRST_TRANSACTIONS),
];
