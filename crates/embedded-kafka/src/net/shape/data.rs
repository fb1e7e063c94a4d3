//! The requests about records: produced, fetched, looked up and deleted.

use super::schema::Kind::{Array, Bytes, Int8, Int16, Int32, Int64, String, Struct, Uuid};
use super::schema::{Shape, field, shape};

pub(super) const PRODUCE: Shape = shape(
    9,
    &[
        field("transactional_id", String),
        field("acks", Int16),
        field("timeout_ms", Int32),
        field(
            "topic_data",
            Array(&Struct(&[
                field("name", String).until(12),
                field("topic_id", Uuid).since(13),
                field(
                    "partition_data",
                    Array(&Struct(&[field("index", Int32), field("records", Bytes)])),
                ),
            ])),
        ),
    ],
);

pub(super) const FETCH: Shape = shape(
    12,
    &[
        field("cluster_id", String).since(12).tag(0),
        field("replica_id", Int32).until(14),
        field(
            "replica_state",
            Struct(&[
                field("replica_id", Int32).since(15),
                field("replica_epoch", Int64).since(15),
            ]),
        )
        .since(15)
        .tag(1),
        field("max_wait_ms", Int32),
        field("min_bytes", Int32),
        field("max_bytes", Int32),
        field("isolation_level", Int8),
        field("session_id", Int32).since(7),
        field("session_epoch", Int32).since(7),
        field(
            "topics",
            Array(&Struct(&[
                field("topic", String).until(12),
                field("topic_id", Uuid).since(13),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("partition", Int32),
                        field("current_leader_epoch", Int32).since(9),
                        field("fetch_offset", Int64),
                        field("last_fetched_epoch", Int32).since(12),
                        field("log_start_offset", Int64).since(5),
                        field("partition_max_bytes", Int32),
                        field("replica_directory_id", Uuid).since(17).tag(0),
                        field("high_watermark", Int64).since(18).tag(1),
                    ])),
                ),
            ])),
        ),
        field(
            "forgotten_topics_data",
            Array(&Struct(&[
                field("topic", String).since(7).until(12),
                field("topic_id", Uuid).since(13),
                field("partitions", Array(&Int32)).since(7),
            ])),
        )
        .since(7),
        field("rack_id", String).since(11),
    ],
);

pub(super) const LIST_OFFSETS: Shape = shape(
    6,
    &[
        field("replica_id", Int32),
        field("isolation_level", Int8).since(2),
        field(
            "topics",
            Array(&Struct(&[
                field("name", String),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("partition_index", Int32),
                        field("current_leader_epoch", Int32).since(4),
                        field("timestamp", Int64),
                    ])),
                ),
            ])),
        ),
        field("timeout_ms", Int32).since(10),
    ],
);

pub(super) const OFFSET_FOR_LEADER_EPOCH: Shape = shape(
    4,
    &[
        field("replica_id", Int32).since(3),
        field(
            "topics",
            Array(&Struct(&[
                field("topic", String),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("partition", Int32),
                        field("current_leader_epoch", Int32),
                        field("leader_epoch", Int32),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(super) const DELETE_RECORDS: Shape = shape(
    2,
    &[
        field(
            "topics",
            Array(&Struct(&[
                field("name", String),
                field(
                    "partitions",
                    Array(&Struct(&[field("partition_index", Int32), field("offset", Int64)])),
                ),
            ])),
        ),
        field("timeout_ms", Int32),
    ],
);
