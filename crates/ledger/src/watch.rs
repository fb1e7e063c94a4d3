//! Watching a cluster: each call is noted while it happens, and the sheet compares the notes with
//! the logs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use embedded_kafka::{ApiKey, Cluster, Inspection, PartitionStanding, ReadLogError};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::account::Account;
use crate::books::{Books, NewBatch, PartitionBooks};
use crate::committed::Committed;
use crate::explain::{explain, leaderless, resent};
use crate::logged::{self, LoggedRecord};
use crate::notes::notes_on;
use crate::sheet::{GroupSheet, Numbers, PartitionSheet, Sheet, TopicSheet};

/// The calls that the ledger notes.
const APIS: [ApiKey; 3] = [ApiKey::Produce, ApiKey::Fetch, ApiKey::DeleteTopics];

/// The number of records that a ledger notes by default. Each takes 8 bytes until the sheet is
/// made, and about 200 bytes while its partition is compared with the log.
pub const MOST_RECORDS: usize = 4_000_000;

/// The time that calls and elections get to end before the sheet is made.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

/// The time without a call after which a cluster counts as settled.
const QUIET: Duration = Duration::from_millis(100);

/// A ledger of all records that are sent to a cluster, and read from it, until it is dropped.
#[derive(Debug)]
pub struct Ledger {
    books: Arc<Mutex<Books>>,
    inspection: Inspection,
}

impl Ledger {
    /// Begins a ledger of a cluster. It notes up to [`MOST_RECORDS`] records.
    pub fn watch(cluster: &Cluster) -> Self {
        Self::watch_up_to(cluster, MOST_RECORDS)
    }

    /// Begins a ledger that notes up to `most` records. Later ones are counted in a note of the
    /// sheet, and not compared with the logs.
    pub fn watch_up_to(cluster: &Cluster, most: usize) -> Self {
        let books = Arc::new(Mutex::new(Books::new(most)));
        let noting = Arc::clone(&books);
        let inspection = cluster.inspect_apis(&APIS, move |call| {
            // Hashing takes its time, so the books are locked after it.
            let batches = NewBatch::all(call);
            noting.lock().note(call, batches);
        });
        Self { books, inspection }
    }

    /// Waits until no call is in flight and every partition has a leader, for up to ten seconds.
    ///
    /// A consumer that still runs always has a fetch in flight, so stop the program first.
    pub async fn settle(&self, cluster: &Cluster) {
        let deadline = Instant::now() + SETTLED_WITHIN;
        let mut calls = self.books.lock().calls;
        while Instant::now() < deadline {
            tokio::time::sleep(QUIET).await;
            let now = self.books.lock().calls;
            let is_led = cluster.partitions().iter().all(|it| it.leader.is_some());
            if now == calls && is_led && self.inspection.calls_in_flight() == 0 {
                return;
            }
            calls = now;
        }
    }

    /// Makes the sheet from what was noted so far and what the logs have now.
    ///
    /// # Errors
    /// A log cannot be read.
    pub async fn sheet(&self, cluster: &Cluster) -> Result<Sheet, ReadLogError> {
        let mut standings: BTreeMap<_, _> = BTreeMap::new();
        for standing in cluster.partitions() {
            standings.insert((standing.topic.clone(), standing.partition), standing);
        }
        let noted: Vec<_> = self.books.lock().partitions.keys().cloned().collect();
        let gone = noted.into_iter().filter(|it| !standings.contains_key(it)).map(|it| (it, None));
        let gone: Vec<_> = gone.collect();
        let there = standings.into_iter().map(|(key, standing)| (key, Some(standing)));
        let all: BTreeMap<_, _> = there.chain(gone).collect();

        let mut sheets = Vec::new();
        let mut committed = Committed::of(cluster);
        for ((topic, partition), standing) in all {
            let log = match &standing {
                Some(standing) => logged::read(cluster, standing).await?,
                None => Vec::new(),
            };
            committed.count(&topic, partition, &log);
            let account = self.settle_partition(&topic, partition, log, standing).await;
            if account.numbers == Numbers::default() {
                continue;
            }
            match sheets.last_mut() {
                Some((last, accounts)) if *last == topic => Vec::push(accounts, account),
                _ => sheets.push((topic, vec![account])),
            }
        }
        Ok(self.summed(sheets, committed.groups))
    }

    /// Compares a partition's books with its log, on a thread that may be busy for a while.
    async fn settle_partition(
        &self,
        topic: &str,
        partition: i32,
        log: Vec<LoggedRecord>,
        standing: Option<PartitionStanding>,
    ) -> Account {
        let books = Arc::clone(&self.books);
        let key = (topic.to_owned(), partition);
        let settling = tokio::task::spawn_blocking(move || {
            let mut books = books.lock();
            let mut none = PartitionBooks::default();
            let books = books.partitions.get_mut(&key).unwrap_or(&mut none);
            Account::settle(partition, books, &log, standing.as_ref())
        });
        settling.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn summed(&self, sheets: Vec<(String, Vec<Account>)>, groups: Vec<GroupSheet>) -> Sheet {
        let mut total = Numbers::default();
        let resent = resent(&sheets.iter().flat_map(|(_, accounts)| accounts).collect::<Vec<_>>());
        let leaderless = leaderless(&sheets);
        let topics = sheets.into_iter().map(|(topic, accounts)| {
            let explanations = explain(&topic, &accounts);
            let mut numbers = Numbers::default();
            let partitions = accounts.iter().map(|account| {
                numbers.add(&account.numbers);
                PartitionSheet { partition: account.partition, numbers: account.numbers }
            });
            let partitions = partitions.collect();
            total.add(&numbers);
            TopicSheet { topic, numbers, partitions, explanations }
        });
        let topics = topics.collect();
        let mut notes: Vec<String> = resent.into_iter().chain(leaderless).collect();
        notes.extend(notes_on(&total, &self.books.lock(), self.inspection.has_panicked()));
        Sheet { topics, total, groups, notes }
    }
}
