//! The requests about consumer groups and their offsets.

use super::schema::Kind::{Array, Boolean, Bytes, Int8, Int32, Int64, String, Struct, Uuid};
use super::schema::{NEVER, Shape, field, shape};

pub(super) const OFFSET_COMMIT: Shape = shape(
    8,
    &[
        field("group_id", String),
        field("generation_id_or_member_epoch", Int32),
        field("member_id", String),
        field("group_instance_id", String).since(7),
        field("retention_time_ms", Int64).until(4),
        field(
            "topics",
            Array(&Struct(&[
                field("name", String).until(9),
                field("topic_id", Uuid).since(10),
                field(
                    "partitions",
                    Array(&Struct(&[
                        field("partition_index", Int32),
                        field("committed_offset", Int64),
                        field("committed_leader_epoch", Int32).since(6),
                        field("committed_metadata", String),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(super) const OFFSET_FETCH: Shape = shape(
    6,
    &[
        field("group_id", String).until(7),
        field(
            "topics",
            Array(&Struct(&[
                field("name", String).until(7),
                field("partition_indexes", Array(&Int32)).until(7),
            ])),
        )
        .until(7),
        field(
            "groups",
            Array(&Struct(&[
                field("group_id", String).since(8),
                field("member_id", String).since(9),
                field("member_epoch", Int32).since(9),
                field(
                    "topics",
                    Array(&Struct(&[
                        field("name", String).since(8).until(9),
                        field("topic_id", Uuid).since(10),
                        field("partition_indexes", Array(&Int32)).since(8),
                    ])),
                )
                .since(8),
            ])),
        )
        .since(8),
        field("require_stable", Boolean).since(7),
    ],
);

pub(super) const FIND_COORDINATOR: Shape = shape(
    3,
    &[
        field("key", String).until(3),
        field("key_type", Int8).since(1),
        field("coordinator_keys", Array(&String)).since(4),
    ],
);

pub(super) const JOIN_GROUP: Shape = shape(
    6,
    &[
        field("group_id", String),
        field("session_timeout_ms", Int32),
        field("rebalance_timeout_ms", Int32).since(1),
        field("member_id", String),
        field("group_instance_id", String).since(5),
        field("protocol_type", String),
        field("protocols", Array(&Struct(&[field("name", String), field("metadata", Bytes)]))),
        field("reason", String).since(8),
    ],
);

pub(super) const SYNC_GROUP: Shape = shape(
    4,
    &[
        field("group_id", String),
        field("generation_id", Int32),
        field("member_id", String),
        field("group_instance_id", String).since(3),
        field("protocol_type", String).since(5),
        field("protocol_name", String).since(5),
        field(
            "assignments",
            Array(&Struct(&[field("member_id", String), field("assignment", Bytes)])),
        ),
    ],
);

pub(super) const HEARTBEAT: Shape = shape(
    4,
    &[
        field("group_id", String),
        field("generation_id", Int32),
        field("member_id", String),
        field("group_instance_id", String).since(3),
    ],
);

pub(super) const LEAVE_GROUP: Shape = shape(
    4,
    &[
        field("group_id", String),
        field("member_id", String).until(2),
        field(
            "members",
            Array(&Struct(&[
                field("member_id", String).since(3),
                field("group_instance_id", String).since(3),
                field("reason", String).since(5),
            ])),
        )
        .since(3),
    ],
);

pub(super) const DESCRIBE_GROUPS: Shape = shape(
    5,
    &[field("groups", Array(&String)), field("include_authorized_operations", Boolean).since(3)],
);

pub(super) const LIST_GROUPS: Shape = shape(
    3,
    &[
        field("states_filter", Array(&String)).since(4),
        field("types_filter", Array(&String)).since(5),
    ],
);

pub(super) const DELETE_GROUPS: Shape = shape(2, &[field("groups_names", Array(&String))]);

pub(super) const OFFSET_DELETE: Shape = shape(
    NEVER,
    &[
        field("group_id", String),
        field(
            "topics",
            Array(&Struct(&[
                field("name", String),
                field("partitions", Array(&Struct(&[field("partition_index", Int32)]))),
            ])),
        ),
    ],
);

pub(super) const CONSUMER_GROUP_HEARTBEAT: Shape = shape(
    0,
    &[
        field("group_id", String),
        field("member_id", String),
        field("member_epoch", Int32),
        field("instance_id", String),
        field("rack_id", String),
        field("rebalance_timeout_ms", Int32),
        field("subscribed_topic_names", Array(&String)),
        field("subscribed_topic_regex", String).since(1),
        field("server_assignor", String),
        field(
            "topic_partitions",
            Array(&Struct(&[field("topic_id", Uuid), field("partitions", Array(&Int32))])),
        ),
    ],
);

pub(super) const CONSUMER_GROUP_DESCRIBE: Shape = shape(
    0,
    &[field("group_ids", Array(&String)), field("include_authorized_operations", Boolean)],
);
