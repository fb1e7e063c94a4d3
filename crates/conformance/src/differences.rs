//! Lists the scenarios in which the embedded cluster deliberately responds differently from Apache
//! Kafka.
//!
//! docs/embedded-cluster.md shows this list, and a test keeps both exact: a difference that no
//! longer exists must be removed.

/// A scenario in which the embedded cluster deliberately responds differently.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// The scenario's name.
    pub scenario: &'static str,
    /// The embedded cluster's response.
    pub embedded: &'static str,
    /// The reason for the difference.
    pub reason: &'static str,
}

const NO_SECURITY: &str = "it has no security: no SASL, no ACLs, no users and no quotas for them";
const NO_SHARE_GROUPS: &str = "it has no share groups (KIP-932)";

const CODEC: &str = "its codec (kafka-protocol 0.18) does not know the newest versions";
const FIRST_TRANSACTIONS: &str = "its transactions are those of the first version: a producer's epoch does not grow with each \
     of them (KIP-890, part 2)";

const fn difference(
    scenario: &'static str,
    embedded: &'static str,
    reason: &'static str,
) -> Difference {
    Difference { scenario, embedded, reason }
}

/// All differences.
pub const DIFFERENCES: &[Difference] = &[
    difference(
        "produce/nothing",
        "INVALID_RECORD",
        "it rejects a producer's null instead of records; Apache Kafka never responds to it",
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
