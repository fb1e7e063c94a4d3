//! The requests about nodes, topics, partitions and settings.

use super::schema::Kind::{
    Array, Boolean, Int8, Int16, Int32, NullableStruct, String, Struct, Uuid,
};
use super::schema::{Shape, field, shape};

pub(super) const METADATA: Shape = shape(
    9,
    &[
        field(
            "topics",
            Array(&Struct(&[field("topic_id", Uuid).since(10), field("name", String)])),
        ),
        field("allow_auto_topic_creation", Boolean).since(4),
        field("include_cluster_authorized_operations", Boolean).since(8).until(10),
        field("include_topic_authorized_operations", Boolean).since(8),
    ],
);

pub(super) const DESCRIBE_QUORUM: Shape = shape(
    0,
    &[field(
        "topics",
        Array(&Struct(&[
            field("topic_name", String),
            field("partitions", Array(&Struct(&[field("partition_index", Int32)]))),
        ])),
    )],
);

pub(super) const DESCRIBE_CLUSTER: Shape = shape(
    0,
    &[
        field("include_cluster_authorized_operations", Boolean),
        field("endpoint_type", Int8).since(1),
        field("include_fenced_brokers", Boolean).since(2),
    ],
);

pub(super) const DESCRIBE_TOPIC_PARTITIONS: Shape = shape(
    0,
    &[
        field("topics", Array(&Struct(&[field("name", String)]))),
        field("response_partition_limit", Int32),
        field(
            "cursor",
            NullableStruct(&[field("topic_name", String), field("partition_index", Int32)]),
        ),
    ],
);

pub(super) const CREATE_TOPICS: Shape = shape(
    5,
    &[
        field(
            "topics",
            Array(&Struct(&[
                field("name", String),
                field("num_partitions", Int32),
                field("replication_factor", Int16),
                field(
                    "assignments",
                    Array(&Struct(&[
                        field("partition_index", Int32),
                        field("broker_ids", Array(&Int32)),
                    ])),
                ),
                field("configs", Array(&Struct(&[field("name", String), field("value", String)]))),
            ])),
        ),
        field("timeout_ms", Int32),
        field("validate_only", Boolean),
    ],
);

pub(super) const DELETE_TOPICS: Shape = shape(
    4,
    &[
        field(
            "topics",
            Array(&Struct(&[field("name", String).since(6), field("topic_id", Uuid).since(6)])),
        )
        .since(6),
        field("topic_names", Array(&String)).until(5),
        field("timeout_ms", Int32),
    ],
);

pub(super) const CREATE_PARTITIONS: Shape = shape(
    2,
    &[
        field(
            "topics",
            Array(&Struct(&[
                field("name", String),
                field("count", Int32),
                field("assignments", Array(&Struct(&[field("broker_ids", Array(&Int32))]))),
            ])),
        ),
        field("timeout_ms", Int32),
        field("validate_only", Boolean),
    ],
);

pub(super) const ELECT_LEADERS: Shape = shape(
    2,
    &[
        field("election_type", Int8).since(1),
        field(
            "topic_partitions",
            Array(&Struct(&[field("topic", String), field("partitions", Array(&Int32))])),
        ),
        field("timeout_ms", Int32),
    ],
);

pub(super) const ALTER_PARTITION_REASSIGNMENTS: Shape = shape(
    0,
    &[
        field("timeout_ms", Int32),
        field("allow_replication_factor_change", Boolean).since(1),
        field(
            "topics",
            Array(&Struct(&[
                field("name", String),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("partition_index", Int32),
                        field("replicas", Array(&Int32)),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(super) const LIST_PARTITION_REASSIGNMENTS: Shape = shape(
    0,
    &[
        field("timeout_ms", Int32),
        field(
            "topics",
            Array(&Struct(&[field("name", String), field("partition_indexes", Array(&Int32))])),
        ),
    ],
);

pub(super) const ALTER_REPLICA_LOG_DIRS: Shape = shape(
    2,
    &[field(
        "dirs",
        Array(&Struct(&[
            field("path", String),
            field(
                "topics",
                Array(&Struct(&[field("name", String), field("partitions", Array(&Int32))])),
            ),
        ])),
    )],
);

pub(super) const DESCRIBE_LOG_DIRS: Shape = shape(
    2,
    &[field(
        "topics",
        Array(&Struct(&[field("topic", String), field("partitions", Array(&Int32))])),
    )],
);

pub(super) const LIST_CONFIG_RESOURCES: Shape =
    shape(0, &[field("resource_types", Array(&Int8)).since(1)]);

pub(super) const DESCRIBE_CONFIGS: Shape = shape(
    4,
    &[
        field(
            "resources",
            Array(&Struct(&[
                field("resource_type", Int8),
                field("resource_name", String),
                field("configuration_keys", Array(&String)),
            ])),
        ),
        field("include_synonyms", Boolean),
        field("include_documentation", Boolean).since(3),
    ],
);

pub(super) const ALTER_CONFIGS: Shape = shape(
    2,
    &[
        field(
            "resources",
            Array(&Struct(&[
                field("resource_type", Int8),
                field("resource_name", String),
                field("configs", Array(&Struct(&[field("name", String), field("value", String)]))),
            ])),
        ),
        field("validate_only", Boolean),
    ],
);

pub(super) const INCREMENTAL_ALTER_CONFIGS: Shape = shape(
    1,
    &[
        field(
            "resources",
            Array(&Struct(&[
                field("resource_type", Int8),
                field("resource_name", String),
                field(
                    "configs",
                    Array(&Struct(&[
                        field("name", String),
                        field("config_operation", Int8),
                        field("value", String),
                    ])),
                ),
            ])),
        ),
        field("validate_only", Boolean),
    ],
);
