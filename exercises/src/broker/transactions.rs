//! Transactions that are still open.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use kafka_protocol::messages::ListTransactionsRequest;
use wire_client::raw::RawClient;

/// The states of a transaction that is not over (KIP-664).
const OPEN: [&str; 3] = ["Ongoing", "PrepareCommit", "PrepareAbort"];

/// Returns the transactional ids with an open transaction and its state. Every node that responds
/// is asked for those that it coordinates. Blocks.
pub(crate) fn open(servers: &str, limit: Duration) -> anyhow::Result<BTreeMap<String, String>> {
    let mut open = BTreeMap::new();
    let mut responded = 0;
    for address in servers.split(',') {
        let address = address.parse().with_context(|| format!("{address} is not an address"))?;
        let Ok(mut node) = RawClient::connect_within(address, limit) else { continue };
        let Ok(response) = node.try_call(0, &ListTransactionsRequest::default()) else { continue };
        responded += 1;
        for it in response.transaction_states {
            if OPEN.contains(&&*it.transaction_state) {
                open.insert(it.transactional_id.to_string(), it.transaction_state.to_string());
            }
        }
    }
    anyhow::ensure!(responded > 0, "no node of {servers} lists its transactions");
    Ok(open)
}
