//! Who asks: the member of a group in its generation or epoch, or a producer in its epoch.

use std::any::Any;

use kafka_protocol::messages::*;

use super::list;

/// Who asks, empty where nobody in particular does.
pub(super) fn asks(request: &dyn Any) -> String {
    macro_rules! first {
        ($($type:ident $function:expr;)+) => {
            $(if let Some(request) = request.downcast_ref::<$type>() {
                let function: fn(&$type) -> String = $function;
                return function(request);
            })+
        };
    }
    first! {
        JoinGroupRequest |it| member(&it.member_id, it.group_instance_id.as_deref(), None);
        SyncGroupRequest |it| {
            member(&it.member_id, it.group_instance_id.as_deref(), generation(it.generation_id))
        };
        HeartbeatRequest |it| {
            member(&it.member_id, it.group_instance_id.as_deref(), generation(it.generation_id))
        };
        LeaveGroupRequest leaving;
        OffsetCommitRequest |it| {
            // Of a classic member the generation, of one of the new protocol its epoch (KIP-848).
            let at = it.generation_id_or_member_epoch;
            let at = (at >= 0).then(|| format!("generation or epoch {at}"));
            member(&it.member_id, it.group_instance_id.as_deref(), at)
        };
        OffsetFetchRequest |it| list(it.groups.iter().filter_map(|group| {
            let id = group.member_id.as_deref().filter(|id| !id.is_empty())?;
            Some(member(id, None, epoch(group.member_epoch)))
        }));
        TxnOffsetCommitRequest |it| {
            let producer = producer(it.producer_id, it.producer_epoch);
            let instance = it.group_instance_id.as_deref();
            let member = member(&it.member_id, instance, generation(it.generation_id));
            list([member, producer].into_iter().filter(|who| !who.is_empty()))
        };
        ConsumerGroupHeartbeatRequest |it| {
            member(&it.member_id, it.instance_id.as_deref(), epoch(it.member_epoch))
        };
        InitProducerIdRequest |it| producer(it.producer_id, it.producer_epoch);
        AddPartitionsToTxnRequest |it| {
            let batched = it.transactions.iter().map(|it| producer(it.producer_id, it.producer_epoch));
            let single = producer(it.v3_and_below_producer_id, it.v3_and_below_producer_epoch);
            list(if it.transactions.is_empty() { vec![single] } else { batched.collect() }.into_iter())
        };
        AddOffsetsToTxnRequest |it| producer(it.producer_id, it.producer_epoch);
        EndTxnRequest |it| producer(it.producer_id, it.producer_epoch);
        WriteTxnMarkersRequest |it| {
            list(it.markers.iter().map(|it| producer(it.producer_id, it.producer_epoch)))
        };
    }
    String::new()
}

fn generation(generation: i32) -> Option<String> {
    (generation >= 0).then(|| format!("generation {generation}"))
}

fn epoch(epoch: i32) -> Option<String> {
    Some(format!("epoch {epoch}"))
}

/// A member by its id, its own name where it has one, and where it is.
fn member(id: &str, instance: Option<&str>, at: Option<String>) -> String {
    let id = Some(id).filter(|id| !id.is_empty()).map(|id| format!("member {id}"));
    let instance = instance.map(|name| format!("instance {name}"));
    list([id, instance, at].into_iter().flatten())
}

/// Before version 3 of LeaveGroup one member leaves, and since then as many as are named.
fn leaving(request: &LeaveGroupRequest) -> String {
    if request.members.is_empty() {
        return member(&request.member_id, None, None);
    }
    let named = request.members.iter();
    list(named.map(|it| member(&it.member_id, it.group_instance_id.as_deref(), None)))
}

fn producer(id: ProducerId, epoch: i16) -> String {
    if id.0 < 0 { String::new() } else { format!("producer {}, epoch {epoch}", id.0) }
}
