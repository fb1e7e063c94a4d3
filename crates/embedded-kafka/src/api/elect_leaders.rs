//! ElectLeaders (key 43, versions 0–2)
//!
//! Makes the preferred replicas leaders again (KIP-183), or elects a replica that is not in sync,
//! which brings a partition back and loses what that replica lacks (KIP-460).
//!
//! Version notes:
//!
//! - v1: election type, and an error code for the whole response (KIP-460)
//! - v2: flexible encoding (KIP-482)

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{message, topic_name};
use super::words::Asked;
use crate::metadata::Topic;
use crate::metadata::replication::{Election, NO_LEADER};
use crate::wire::shape::{Kind, Shape, field};

/// The election types of the wire.
const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

/// The first version with an election type (KIP-460).
const ELECTION_TYPE: i16 = 1;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    2,
    &[
        field("election_type", Kind::Int8).since(1),
        field(
            "topic_partitions",
            Kind::Array(&Kind::Struct(&[
                field("topic", Kind::String),
                field("partitions", Kind::Array(&Kind::Int32)),
            ])),
        ),
        field("timeout_ms", Kind::Int32),
    ],
);

/// The result of an election: topic, partition, and the error if there is one.
type Outcome = (String, i32, Result<(), (ResponseError, String)>);

pub(super) async fn handle(
    request: ElectLeadersRequest,
    version: i16,
    context: &Context,
) -> ElectLeadersResponse {
    let (wanted, is_all) = match &request.topic_partitions {
        Some(topics) => {
            let named = topics.iter().flat_map(|topic| {
                topic.partitions.iter().map(|partition| (topic.topic.to_string(), *partition))
            });
            (named.collect::<Vec<_>>(), false)
        }
        None => (all(context), true),
    };
    let election = match request.election_type {
        PREFERRED => Election::Preferred,
        UNCLEAN => Election::Unclean,
        // Version 0 has no election type, and no place for this error.
        unknown => return reject_type(wanted, unknown),
    };
    let state = Arc::clone(&context.state);
    let elected = tokio::task::spawn_blocking(move || elect(&state, wanted, election)).await;
    let Ok(outcomes) = elected else {
        let response = ElectLeadersResponse::default();
        let error = ResponseError::UnknownServerError.code();
        return if version < ELECTION_TYPE { response } else { response.with_error_code(error) };
    };
    let mut results = to_wire(outcomes);
    if is_all {
        // A request for all gets only the partitions that needed an election.
        let needless = ResponseError::ElectionNotNeeded.code();
        for topic in &mut results {
            topic.partition_result.retain(|partition| partition.error_code != needless);
        }
    }
    ElectLeadersResponse::default().with_replica_election_results(results)
}

/// Rejects an election type as Kafka does: for the request as a whole, and for each partition.
fn reject_type(wanted: Vec<(String, i32)>, election_type: i8) -> ElectLeadersResponse {
    let error = ResponseError::InvalidRequest;
    let outcome = || Err((error, format!("Unknown election type {election_type}")));
    let outcomes = wanted.into_iter().map(|(topic, index)| (topic, index, outcome()));
    ElectLeadersResponse::default()
        .with_error_code(error.code())
        .with_replica_election_results(to_wire(outcomes.collect()))
}

fn all(context: &Context) -> Vec<(String, i32)> {
    let topics = context.state.metadata.topics();
    let partitions = topics.iter().flat_map(|topic| {
        let partitions = topic.partitions();
        let named = |index| (topic.name.to_string(), index);
        (0..partitions.len() as i32).map(named).collect::<Vec<_>>()
    });
    partitions.collect()
}

fn elect(
    state: &crate::state::State,
    wanted: Vec<(String, i32)>,
    election: Election,
) -> Vec<Outcome> {
    let checked: Vec<_> = wanted
        .into_iter()
        .map(|(name, index)| {
            let topic = check(state, &name, index, election);
            (name, index, topic)
        })
        .collect();
    let needed = checked
        .iter()
        .filter_map(|(_, index, topic)| Some((Arc::clone(topic.as_ref().ok()?), *index)));
    let mut moved = state.elect(&needed.collect::<Vec<_>>(), election).into_iter();
    let outcomes = checked.into_iter().map(|(name, index, topic)| {
        let outcome = topic.and_then(|_| match moved.next() {
            Some(true) => Ok(()),
            _ if election == Election::Preferred => Err((
                ResponseError::PreferredLeaderNotAvailable,
                "The preferred leader was not available.".to_owned(),
            )),
            _ => Err((
                ResponseError::EligibleLeadersNotAvailable,
                "Eligible topic partition leaders are not available.".to_owned(),
            )),
        });
        (name, index, outcome)
    });
    outcomes.collect()
}

/// Checks that a partition needs an election.
fn check(
    state: &crate::state::State,
    name: &str,
    index: i32,
    election: Election,
) -> Result<Arc<Topic>, (ResponseError, String)> {
    let unknown = |what: String| Err((ResponseError::UnknownTopicOrPartition, what));
    let Some(topic) = state.metadata.topic(name) else {
        return unknown(format!("No such topic as {name}"));
    };
    let Some(partition) = topic.partition(index) else {
        return unknown(format!("No such partition as {name}-{index}"));
    };
    let led = partition.leadership();
    let is_needless = match election {
        Election::Preferred => led.replicas.first() == Some(&led.leader),
        Election::Clean | Election::Unclean => led.leader != NO_LEADER,
    };
    if is_needless {
        let error = ResponseError::ElectionNotNeeded;
        return Err((error, "Leader election not needed for topic partition.".to_owned()));
    }
    Ok(topic)
}

/// Groups outcomes by topic, those of a topic in the order in which it names its partitions.
fn to_wire(outcomes: Vec<Outcome>) -> Vec<ReplicaElectionResult> {
    let mut results: Vec<ReplicaElectionResult> = Vec::new();
    for (name, index, outcome) in outcomes {
        let result = PartitionResult::default().with_partition_id(index);
        let result = match outcome {
            Ok(()) => result,
            Err((error, text)) => {
                result.with_error_code(error.code()).with_error_message(message(text))
            }
        };
        match results.last_mut().filter(|topic| **topic.topic == *name) {
            Some(topic) => topic.partition_result.push(result),
            None => results.push(
                ReplicaElectionResult::default()
                    .with_topic(topic_name(&name))
                    .with_partition_result(vec![result]),
            ),
        }
    }
    results
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: ElectLeadersRequest,
    version: i16,
    code: i16,
) -> ElectLeadersResponse {
    let results = request.topic_partitions.unwrap_or_default().into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|index| {
            PartitionResult::default().with_partition_id(*index).with_error_code(code)
        });
        ReplicaElectionResult::default()
            .with_partition_result(partitions.collect())
            .with_topic(topic.topic)
    });
    let response = ElectLeadersResponse::default().with_replica_election_results(results.collect());
    if version < ELECTION_TYPE { response } else { response.with_error_code(code) }
}

/// Describes a request in words.
pub(super) fn describe(_request: &ElectLeadersRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ElectLeadersResponse) -> Outcomes {
    let whole = Outcomes::whole(response.error_code);
    whole.and(Outcomes::partitions(&response.replica_election_results, |topic| {
        let partitions = topic.partition_result.iter();
        (topic.topic.to_string(), partitions.map(|it| (it.partition_id, it.error_code)))
    }))
}
