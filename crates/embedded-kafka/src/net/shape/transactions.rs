//! The requests about producer ids and transactions.

use super::schema::Kind::{Array, Boolean, Int16, Int32, Int64, String, Struct};
use super::schema::{Shape, field, shape};

pub(super) const INIT_PRODUCER_ID: Shape = shape(
    2,
    &[
        field("transactional_id", String),
        field("transaction_timeout_ms", Int32),
        field("producer_id", Int64).since(3),
        field("producer_epoch", Int16).since(3),
        field("enable2_pc", Boolean).since(6),
        field("keep_prepared_txn", Boolean).since(6),
    ],
);

pub(super) const ADD_PARTITIONS_TO_TXN: Shape = shape(
    3,
    &[
        field(
            "transactions",
            Array(&Struct(&[
                field("transactional_id", String).since(4),
                field("producer_id", Int64).since(4),
                field("producer_epoch", Int16).since(4),
                field("verify_only", Boolean).since(4),
                field(
                    "topics",
                    Array(&Struct(&[field("name", String), field("partitions", Array(&Int32))])),
                )
                .since(4),
            ])),
        )
        .since(4),
        field("v3_and_below_transactional_id", String).until(3),
        field("v3_and_below_producer_id", Int64).until(3),
        field("v3_and_below_producer_epoch", Int16).until(3),
        field(
            "v3_and_below_topics",
            Array(&Struct(&[field("name", String), field("partitions", Array(&Int32))])),
        )
        .until(3),
    ],
);

pub(super) const ADD_OFFSETS_TO_TXN: Shape = shape(
    3,
    &[
        field("transactional_id", String),
        field("producer_id", Int64),
        field("producer_epoch", Int16),
        field("group_id", String),
    ],
);

pub(super) const END_TXN: Shape = shape(
    3,
    &[
        field("transactional_id", String),
        field("producer_id", Int64),
        field("producer_epoch", Int16),
        field("committed", Boolean),
    ],
);

pub(super) const WRITE_TXN_MARKERS: Shape = shape(
    1,
    &[field(
        "markers",
        Array(&Struct(&[
            field("producer_id", Int64),
            field("producer_epoch", Int16),
            field("transaction_result", Boolean),
            field(
                "topics",
                Array(&Struct(&[field("name", String), field("partition_indexes", Array(&Int32))])),
            ),
            field("coordinator_epoch", Int32),
        ])),
    )],
);

pub(super) const TXN_OFFSET_COMMIT: Shape = shape(
    3,
    &[
        field("transactional_id", String),
        field("group_id", String),
        field("producer_id", Int64),
        field("producer_epoch", Int16),
        field("generation_id", Int32).since(3),
        field("member_id", String).since(3),
        field("group_instance_id", String).since(3),
        field(
            "topics",
            Array(&Struct(&[
                field("name", String),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("partition_index", Int32),
                        field("committed_offset", Int64),
                        field("committed_leader_epoch", Int32).since(2),
                        field("committed_metadata", String),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(super) const DESCRIBE_PRODUCERS: Shape = shape(
    0,
    &[field(
        "topics",
        Array(&Struct(&[field("name", String), field("partition_indexes", Array(&Int32))])),
    )],
);

pub(super) const DESCRIBE_TRANSACTIONS: Shape =
    shape(0, &[field("transactional_ids", Array(&String))]);

pub(super) const LIST_TRANSACTIONS: Shape = shape(
    0,
    &[
        field("state_filters", Array(&String)),
        field("producer_id_filters", Array(&Int64)),
        field("duration_filter", Int64).since(1),
        field("transactional_id_pattern", String).since(2),
    ],
);
