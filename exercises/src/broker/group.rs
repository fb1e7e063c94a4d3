//! A consumer group: what it has committed, and its members.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use helpers::GroupLag;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{FindCoordinatorRequest, LeaveGroupRequest};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use wire_client::raw::RawClient;
use wire_client::requests::{group_id, text};

/// A group in one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    committed: BTreeMap<i32, i64>,
    lag: Option<i64>,
    pub(crate) state: String,
    pub(crate) members: Vec<String>,
}

impl Group {
    pub(crate) fn new(lag: GroupLag, state: String, members: Vec<String>) -> Self {
        let committed = lag.partitions.iter().filter_map(|it| Some((it.partition, it.committed?)));
        let committed: BTreeMap<i32, i64> = committed.collect();
        let lags: Option<Vec<i64>> =
            lag.partitions.iter().map(helpers::PartitionLag::lag).collect();
        Self { committed, lag: lags.map(|lags| lags.iter().sum()), state, members }
    }

    /// Returns the committed offset of each partition that has one.
    pub(crate) fn committed(&self) -> &BTreeMap<i32, i64> {
        &self.committed
    }

    /// Returns the sum of the committed offsets: in a topic without gaps that was never trimmed,
    /// the number of records that the group will not read again.
    pub(crate) fn records_committed(&self) -> i64 {
        self.committed.values().sum()
    }

    /// Returns the lag, in offsets, once every partition has a committed offset.
    pub(crate) fn lag(&self) -> Option<i64> {
        self.lag
    }
}

/// Returns the state and the member ids of a classic group. Blocks.
pub(crate) fn members(
    servers: &str,
    group: &str,
    limit: Duration,
) -> anyhow::Result<(String, Vec<String>)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("client.id", "workshop-check")
        .create()?;
    let listed = consumer.fetch_group_list(Some(group), limit)?;
    let Some(group) = listed.groups().first() else {
        return Ok(("Dead".to_owned(), Vec::new()));
    };
    let members = group.members().iter().map(|it| it.id().to_owned()).collect();
    Ok((group.state().to_owned(), members))
}

/// Takes all members out of a classic group, as an administrator does. Blocks.
pub(crate) fn remove_members(servers: &str, group: &str, limit: Duration) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let (_, members) = members(servers, group, limit)?;
        if members.is_empty() {
            return Ok(());
        }
        if begin.elapsed() > limit {
            bail!("{members:?} stay");
        }
        let identities =
            members.iter().map(|member| MemberIdentity::default().with_member_id(text(member)));
        let request = LeaveGroupRequest::default()
            .with_group_id(group_id(group))
            .with_members(identities.collect());
        coordinator(servers, group)?.try_call(4, &request)?;
    }
}

/// Connects to the group's coordinator.
fn coordinator(servers: &str, group: &str) -> anyhow::Result<RawClient> {
    let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(group)]);
    let mut last = None;
    for address in servers.split(',') {
        match RawClient::try_connect(address).and_then(|mut it| it.try_call(4, &request)) {
            Ok(response) => {
                let found = response.coordinators.into_iter().next();
                let found = found.filter(|it| it.error_code == 0).context("no coordinator yet")?;
                return Ok(RawClient::try_connect(&format!("{}:{}", &*found.host, found.port))?);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| anyhow::anyhow!("no address was given"), Into::into))
}
