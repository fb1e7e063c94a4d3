//! Error codes by the names of Kafka's protocol, for patterns and comparisons.

use kafka_protocol::error::ResponseError;

/// Declares a constant for the code of each error.
macro_rules! codes {
    ($($name:ident = $error:ident),+ $(,)?) => {
        $(
            #[doc = concat!("The code of `", stringify!($name), "`.")]
            pub const $name: i16 = ResponseError::$error.code();
        )+
    };
}

codes! {
    UNKNOWN_SERVER_ERROR = UnknownServerError,
    OFFSET_OUT_OF_RANGE = OffsetOutOfRange,
    CORRUPT_MESSAGE = CorruptMessage,
    UNKNOWN_TOPIC_OR_PARTITION = UnknownTopicOrPartition,
    LEADER_NOT_AVAILABLE = LeaderNotAvailable,
    NOT_LEADER_OR_FOLLOWER = NotLeaderOrFollower,
    REQUEST_TIMED_OUT = RequestTimedOut,
    MESSAGE_TOO_LARGE = MessageTooLarge,
    OFFSET_METADATA_TOO_LARGE = OffsetMetadataTooLarge,
    COORDINATOR_LOAD_IN_PROGRESS = CoordinatorLoadInProgress,
    COORDINATOR_NOT_AVAILABLE = CoordinatorNotAvailable,
    NOT_COORDINATOR = NotCoordinator,
    INVALID_TOPIC_EXCEPTION = InvalidTopicException,
    NOT_ENOUGH_REPLICAS = NotEnoughReplicas,
    INVALID_REQUIRED_ACKS = InvalidRequiredAcks,
    ILLEGAL_GENERATION = IllegalGeneration,
    INCONSISTENT_GROUP_PROTOCOL = InconsistentGroupProtocol,
    INVALID_GROUP_ID = InvalidGroupId,
    UNKNOWN_MEMBER_ID = UnknownMemberId,
    INVALID_SESSION_TIMEOUT = InvalidSessionTimeout,
    REBALANCE_IN_PROGRESS = RebalanceInProgress,
    TOPIC_AUTHORIZATION_FAILED = TopicAuthorizationFailed,
    INVALID_TIMESTAMP = InvalidTimestamp,
    UNSUPPORTED_VERSION = UnsupportedVersion,
    TOPIC_ALREADY_EXISTS = TopicAlreadyExists,
    INVALID_PARTITIONS = InvalidPartitions,
    INVALID_REPLICATION_FACTOR = InvalidReplicationFactor,
    INVALID_REPLICA_ASSIGNMENT = InvalidReplicaAssignment,
    INVALID_CONFIG = InvalidConfig,
    INVALID_REQUEST = InvalidRequest,
    OUT_OF_ORDER_SEQUENCE_NUMBER = OutOfOrderSequenceNumber,
    INVALID_PRODUCER_EPOCH = InvalidProducerEpoch,
    INVALID_TXN_STATE = InvalidTxnState,
    INVALID_PRODUCER_ID_MAPPING = InvalidProducerIdMapping,
    INVALID_TRANSACTION_TIMEOUT = InvalidTransactionTimeout,
    CONCURRENT_TRANSACTIONS = ConcurrentTransactions,
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = TransactionalIdAuthorizationFailed,
    OPERATION_NOT_ATTEMPTED = OperationNotAttempted,
    KAFKA_STORAGE_ERROR = KafkaStorageError,
    NON_EMPTY_GROUP = NonEmptyGroup,
    GROUP_ID_NOT_FOUND = GroupIdNotFound,
    FETCH_SESSION_ID_NOT_FOUND = FetchSessionIdNotFound,
    INVALID_FETCH_SESSION_EPOCH = InvalidFetchSessionEpoch,
    FENCED_LEADER_EPOCH = FencedLeaderEpoch,
    UNKNOWN_LEADER_EPOCH = UnknownLeaderEpoch,
    UNSUPPORTED_COMPRESSION_TYPE = UnsupportedCompressionType,
    MEMBER_ID_REQUIRED = MemberIdRequired,
    PREFERRED_LEADER_NOT_AVAILABLE = PreferredLeaderNotAvailable,
    FENCED_INSTANCE_ID = FencedInstanceId,
    ELIGIBLE_LEADERS_NOT_AVAILABLE = EligibleLeadersNotAvailable,
    ELECTION_NOT_NEEDED = ElectionNotNeeded,
    NO_REASSIGNMENT_IN_PROGRESS = NoReassignmentInProgress,
    GROUP_SUBSCRIBED_TO_TOPIC = GroupSubscribedToTopic,
    INVALID_RECORD = InvalidRecord,
    UNSTABLE_OFFSET_COMMIT = UnstableOffsetCommit,
    PRODUCER_FENCED = ProducerFenced,
    UNKNOWN_TOPIC_ID = UnknownTopicId,
    TRANSACTIONAL_ID_NOT_FOUND = TransactionalIdNotFound,
    FENCED_MEMBER_EPOCH = FencedMemberEpoch,
    UNRELEASED_INSTANCE_ID = UnreleasedInstanceId,
    UNSUPPORTED_ASSIGNOR = UnsupportedAssignor,
    STALE_MEMBER_EPOCH = StaleMemberEpoch,
    INVALID_REGULAR_EXPRESSION = InvalidRegularExpression,
}
