//! What every Kafka program needs, on rdkafka alone: take a file, or take the crate.
//!
//! | For | Look in |
//! |---|---|
//! | where the cluster is and how to authenticate | [`mod@config`] |
//! | the cluster's id and its brokers | [`mod@cluster`] |
//! | list, create and delete topics | [`mod@topics`] |
//! | partitions, leaders, replicas and watermarks of a topic | [`mod@metadata`] |
//! | send records and get a report on each | [`mod@producer`], [`mod@delivery`], [`mod@progress`] |
//! | read records as a member of a group | [`mod@consumer`], [`mod@message`] |
//! | store, commit, close within a limit | [`mod@commit`], [`mod@commit_every`], [`mod@close`] |
//! | end at Ctrl-C or SIGTERM | [`mod@stop_signal`] |
//! | read a record again after an error | [`mod@seek_back`] |
//! | errors that repeat 19 times a second | [`mod@repeated_errors`] |
//! | commit when records finish out of order | [`mod@offsets`] |
//! | how far behind a group is | [`mod@lag`] |
//! | a name that no other run uses | [`mod@names`] |
//! | check a connection, keep blocking calls off the runtime | [`mod@connection`] |
//! | what can go wrong, and what to do then | [`mod@error`], [`mod@advice`] |
//!
//! A file takes others along when you copy it, and the lines of `pub use` below that belong to
//! them, such as `pub use error::Error`. The crates are in addition to rdkafka. For a file that is
//! not here, take the whole directory.
//!
//! | File | Next to it | Crates |
//! |---|---|---|
//! | advice.rs | nothing | nothing |
//! | message.rs | nothing | nothing |
//! | offsets.rs | nothing | nothing |
//! | progress.rs | nothing | indicatif |
//! | stop_signal.rs | nothing | tokio |
//! | repeated_errors.rs | advice.rs | nothing |
//! | delivery.rs | advice.rs, message.rs | nothing |
//! | commit.rs | advice.rs, detached.rs, error.rs | thiserror, tokio, tracing |
//! | commit_every.rs | advice.rs, commit.rs, detached.rs, error.rs | thiserror, tokio, tracing |
//! | close.rs | advice.rs, commit.rs, detached.rs, error.rs | thiserror, tokio, tracing |
//! | seek_back.rs | advice.rs, commit.rs, detached.rs, error.rs | thiserror, tokio, tracing |
//! | config.rs | addresses.rs, advice.rs, error.rs | thiserror |
//! | consumer.rs | addresses.rs, advice.rs, config.rs, connection.rs, error.rs | thiserror, tokio, tracing |
//! | producer.rs | addresses.rs, advice.rs, config.rs, connection.rs, delivery.rs, error.rs, message.rs | thiserror, tokio, tracing |
//!
//! Every function takes the bootstrap servers as a string such as `127.0.0.1:9092,127.0.0.1:9094`
//! and works on any cluster, a secured one too ([`mod@config`] names the environment variables). A
//! cluster that does not respond is an error within five seconds. Nothing here depends on a
//! particular cluster, prints secrets, or hides a client: functions return rdkafka's own types, or
//! give access to them.

pub mod addresses;
pub mod advice;
pub mod close;
pub mod cluster;
pub mod commit;
pub mod commit_every;
pub mod config;
pub mod connection;
pub mod consumer;
pub mod delivery;
mod detached;
pub mod error;
pub mod lag;
pub mod message;
pub mod metadata;
pub mod names;
pub mod offsets;
pub mod producer;
pub mod progress;
pub mod repeated_errors;
pub mod seek_back;
pub mod stop_signal;
pub mod topics;
mod visibility;

pub use advice::{advice, is_permanent};
pub use close::{Closed, close_polled_within, close_within};
pub use cluster::{BrokerMetadata, ClusterMetadata, cluster_metadata};
pub use commit::{
    CommitOnRevoke, Committed, commit_before_revoke, commit_stored, commit_stored_within,
    store_processed, store_through,
};
pub use commit_every::CommitEvery;
pub use config::client_config;
pub use consumer::{ConsumerBuilder, EndOfPartitions, consumer};
pub use delivery::{DeliveryReport, delivery_report};
pub use error::Error;
pub use lag::{GroupLag, PartitionLag, group_lag};
pub use message::{print_message, readable};
pub use metadata::{PartitionMetadata, TopicMetadata, topic_metadata};
pub use names::unique_name;
pub use offsets::ContiguousOffsets;
pub use producer::{ProducerBuilder, Publisher, Summary, producer};
pub use progress::progress_bar;
pub use repeated_errors::RepeatedErrors;
pub use seek_back::seek_back;
pub use stop_signal::StopSignal;
pub use topics::{
    CreateOutcome, DeleteOutcome, TopicOptions, create_topic, create_topic_with, delete_topic,
    list_topics, wait_for_leaders,
};
