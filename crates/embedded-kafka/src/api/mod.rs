//! One file per API of the protocol, with all that belongs to it: the shape of its request, its
//! handler between the wire and the domain, its error response, and its description in the wire's
//! log. JoinGroup is in `join_group.rs`.
//!
//! The table below is the only list of APIs and their versions: ApiVersions advertises exactly the
//! versions that are decoded.

mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod alter_configs;
mod alter_partition_reassignments;
mod alter_replica_log_dirs;
mod api_versions;
pub(crate) mod call;
mod cluster_topics;
mod config_changes;
mod config_resources;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod context;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod describe_transactions;
mod described_settings;
mod elect_leaders;
mod end_txn;
mod fetch;
mod fetch_partition;
mod find_coordinator;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod list_transactions;
mod metadata;
mod newer;
mod offset_commit;
mod offset_commits;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod outcomes;
mod produce;
mod produce_partition;
mod sync_group;
#[cfg(test)]
mod tests;
mod topic_description;
mod txn_offset_commit;
mod wire;
mod words;
mod write_txn_markers;

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{self, ApiKey};

use crate::control::{ArrivingCall, Verdict};
use crate::inspect::Observed;
use crate::inspected_call::CallOutcome;
use crate::state::State;
use call::{Api, Call, Peer, Reply, Unserved};
use context::Context;

macro_rules! apis {
    ($($api:ident $request:ident $module:ident $versions:expr, $kind:ident;)+) => {
        /// The APIs that are served, each with its lowest and highest version.
        pub(crate) const SERVED: &[Api] = &[$(Api {
            key: ApiKey::$api,
            name: stringify!($api),
            lowest: *$versions.start(),
            highest: *$versions.end(),
            shape: &$module::SHAPE,
        }),+];

        async fn dispatch(call: &Call, context: &Context) -> Reply {
            match call.api.key {
                $(ApiKey::$api => match call.decode::<messages::$request>() {
                    Err(reply) => reply,
                    Ok(request) => {
                        context.observe_request(&request);
                        apis!(@$kind $module, request, call, context)
                    }
                },)+
                other => Reply::Close(format!("{other:?} is not served")),
            }
        }

        /// Responds to a request with an error and nothing else.
        fn reject(call: &Call, error: ResponseError, context: &Context) -> Reply {
            match call.api.key {
                $(ApiKey::$api => match call.decode::<messages::$request>() {
                    Err(reply) => reply,
                    Ok(request) => {
                        context.observe_request(&request);
                        let asked = context.asked(|| $module::describe(&request));
                        let response = $module::reject(request, call.version, error.code());
                        call.respond(&response, $module::outcomes, asked, context, [])
                    }
                },)+
                other => Reply::Close(format!("{other:?} is not served")),
            }
        }

        /// Decodes a request for a look at it, before it is handled.
        fn look_at<T>(call: &Call, context: &Context, look: impl FnOnce(&dyn Any) -> T) -> Option<T> {
            match call.api.key {
                $(ApiKey::$api => {
                    let request = call.decode::<messages::$request>().ok()?;
                    context.observe_request(&request);
                    Some(look(&request))
                })+
                _ => None,
            }
        }

        /// Test access to the requests and responses of each API.
        #[cfg(test)]
        const CODECS: &[tests::Codec] = &[$(tests::codec!($api, $request, $module)),+];
    };
    // A handler that responds at once.
    (@now $module:ident, $request:ident, $call:ident, $context:ident) => {{
        let asked = $context.asked(|| $module::describe(&$request));
        let response = $module::handle($request, $call.version, $context);
        apis!(@send $module, response, asked, $call, $context)
    }};
    // A handler that may wait.
    (@waits $module:ident, $request:ident, $call:ident, $context:ident) => {{
        let asked = $context.asked(|| $module::describe(&$request));
        let response = $module::handle($request, $call.version, $context).await;
        apis!(@send $module, response, asked, $call, $context)
    }};
    // A handler that builds its own reply: no response at all, or one that shares buffers.
    (@responds $module:ident, $request:ident, $call:ident, $context:ident) => {{
        let reply = $module::respond($request, $call, $context).await;
        match $context.until_replicated().await {
            Ok(()) => reply,
            Err(error) => reject($call, error, $context),
        }
    }};
    // No response is sent before the handler's writes to a coordinator are safe.
    (@send $module:ident, $response:ident, $asked:ident, $call:ident, $context:ident) => {
        match $context.until_replicated().await {
            Ok(()) => $call.respond(&$response, $module::outcomes, $asked, $context, []),
            Err(error) => reject($call, error, $context),
        }
    };
}

apis! {
    Produce ProduceRequest produce 0..=13, responds;
    Fetch FetchRequest fetch 4..=18, responds;
    ListOffsets ListOffsetsRequest list_offsets 1..=11, waits;
    Metadata MetadataRequest metadata 0..=13, now;
    OffsetCommit OffsetCommitRequest offset_commit 2..=9, now;
    OffsetFetch OffsetFetchRequest offset_fetch 1..=9, now;
    FindCoordinator FindCoordinatorRequest find_coordinator 0..=6, now;
    JoinGroup JoinGroupRequest join_group 0..=9, waits;
    Heartbeat HeartbeatRequest heartbeat 0..=4, now;
    LeaveGroup LeaveGroupRequest leave_group 0..=5, now;
    SyncGroup SyncGroupRequest sync_group 0..=5, waits;
    DescribeGroups DescribeGroupsRequest describe_groups 0..=6, now;
    ListGroups ListGroupsRequest list_groups 0..=5, now;
    ApiVersions ApiVersionsRequest api_versions 0..=5, responds;
    CreateTopics CreateTopicsRequest create_topics 2..=7, now;
    DeleteTopics DeleteTopicsRequest delete_topics 1..=6, now;
    DeleteRecords DeleteRecordsRequest delete_records 0..=2, now;
    InitProducerId InitProducerIdRequest init_producer_id 0..=5, now;
    OffsetForLeaderEpoch OffsetForLeaderEpochRequest offset_for_leader_epoch 2..=4, now;
    AddPartitionsToTxn AddPartitionsToTxnRequest add_partitions_to_txn 0..=5, now;
    AddOffsetsToTxn AddOffsetsToTxnRequest add_offsets_to_txn 0..=4, now;
    EndTxn EndTxnRequest end_txn 0..=4, now;
    WriteTxnMarkers WriteTxnMarkersRequest write_txn_markers 1..=1, waits;
    TxnOffsetCommit TxnOffsetCommitRequest txn_offset_commit 0..=4, now;
    DescribeConfigs DescribeConfigsRequest describe_configs 1..=4, now;
    AlterConfigs AlterConfigsRequest alter_configs 0..=2, now;
    AlterReplicaLogDirs AlterReplicaLogDirsRequest alter_replica_log_dirs 1..=2, now;
    DescribeLogDirs DescribeLogDirsRequest describe_log_dirs 1..=4, now;
    CreatePartitions CreatePartitionsRequest create_partitions 0..=3, now;
    DeleteGroups DeleteGroupsRequest delete_groups 0..=2, now;
    ElectLeaders ElectLeadersRequest elect_leaders 0..=2, waits;
    AlterPartitionReassignments AlterPartitionReassignmentsRequest
        alter_partition_reassignments 0..=1, waits;
    ListPartitionReassignments ListPartitionReassignmentsRequest
        list_partition_reassignments 0..=0, now;
    IncrementalAlterConfigs IncrementalAlterConfigsRequest incremental_alter_configs 0..=1, now;
    OffsetDelete OffsetDeleteRequest offset_delete 0..=0, now;
    DescribeQuorum DescribeQuorumRequest describe_quorum 0..=2, now;
    DescribeCluster DescribeClusterRequest describe_cluster 0..=2, now;
    DescribeProducers DescribeProducersRequest describe_producers 0..=0, now;
    DescribeTransactions DescribeTransactionsRequest describe_transactions 0..=0, now;
    ListTransactions ListTransactionsRequest list_transactions 0..=2, now;
    ConsumerGroupHeartbeat ConsumerGroupHeartbeatRequest
        consumer_group_heartbeat 0..=1, now;
    ConsumerGroupDescribe ConsumerGroupDescribeRequest consumer_group_describe 0..=1, now;
    ListConfigResources ListConfigResourcesRequest list_config_resources 0..=1, now;
    DescribeTopicPartitions DescribeTopicPartitionsRequest describe_topic_partitions 0..=0, now;
}

/// Handles one frame. A call that closures inspect comes with the reply; the connection ends it
/// when it sends the reply.
pub(crate) async fn respond(
    frame: Bytes,
    peer: &Peer,
    state: &Arc<State>,
) -> (Reply, Option<Observed>) {
    let (call, client_id) = match Call::read(frame, SERVED) {
        Ok(read) => read,
        Err(Unserved::Close(reason)) => return (Reply::Close(reason), None),
        Err(Unserved::ApiVersions(call)) => {
            return (call.encode(&api_versions::unsupported_version(&call), []), None);
        }
    };
    let client = (client_id.as_str(), peer.address);
    let observed = state.inspections.begin(peer.node, client, (call.api.key, call.version));
    let context = Context::new(state, peer.node, client_id, peer.address.ip(), observed);
    let (reply, outcome) = handle(&call, peer, &context).await;
    let mut observed = context.into_observed();
    if let Some(observed) = &mut observed {
        observed.decide(outcome);
    }
    (reply, observed)
}

async fn handle(call: &Call, peer: &Peer, context: &Context) -> (Reply, CallOutcome) {
    let (key, faults) = (call.api.key, &context.state.faults);
    let verdict = verdict(call, peer, context);
    let failure = match verdict {
        Verdict::Fail(error) => Some(error),
        Verdict::Close => {
            let reason = format!("the connection of {key:?} is closed on purpose");
            return (Reply::Close(reason.clone()), CallOutcome::Closed(reason));
        }
        Verdict::Delay(delay) => {
            tokio::time::sleep(delay).await;
            None
        }
        Verdict::Handle | Verdict::DropResponse => None,
    };
    if let Some(error) = failure.or_else(|| faults.take_failure(key)) {
        let outcome = CallOutcome::FailedOnPurpose(error);
        if key == ApiKey::Produce && produce::is_unacknowledged(call, context) {
            return (produce::reject_unacknowledged(error), outcome);
        }
        return (reject(call, error, context), outcome);
    }
    let reply = dispatch(call, context).await;
    if verdict == Verdict::DropResponse || faults.take_drop(key) {
        let reply = Reply::Close(format!("the response to {key:?} is dropped on purpose"));
        return (reply, CallOutcome::ResponseDropped);
    }
    let outcome = match &reply {
        Reply::Response(_) => CallOutcome::Responded,
        Reply::Nothing => CallOutcome::NotAwaited,
        Reply::Close(reason) => CallOutcome::Closed(reason.clone()),
    };
    (reply, outcome)
}

/// Returns what a closure wants done with the request, if one decides about its API. A request that
/// cannot be decoded is handled as always.
fn verdict(call: &Call, peer: &Peer, context: &Context) -> Verdict {
    let controls = &context.state.controls;
    if !controls.are_any(call.api.key) {
        return Verdict::Handle;
    }
    let decided = look_at(call, context, |request| {
        controls.decide(&ArrivingCall {
            node: peer.node,
            client_id: &context.client_id,
            client_address: peer.address,
            api: call.api.key,
            version: call.version,
            request,
            metadata: &context.state.metadata,
        })
    });
    decided.unwrap_or(Verdict::Handle)
}

/// Returns whether requests of an API can get an error on purpose. Without ApiVersions a client can
/// send nothing at all.
pub(crate) fn can_be_rejected(key: ApiKey) -> bool {
    key != ApiKey::ApiVersions && SERVED.iter().any(|api| api.key == key)
}
