//! Three processes of 04_consumer, as a deployment runs them: one after the other gets SIGTERM and
//! is started again, while records keep coming.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::producer::FutureRecord;
use workshop_tests::examples::{RunningExample, Workplace};
use workshop_tests::{TestCluster, eventually};

const MEMBERS: usize = 3;
const ROUNDS: usize = 2;

/// Sends tombstones, 500 per second, until it is stopped: the example prints the key of each.
/// Returns how many.
async fn produce_steadily(cluster: &TestCluster, stop: &AtomicBool) -> usize {
    let producer = cluster.producer(&[]);
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let mut sent = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        for _ in 0..10 {
            let key = format!("load-{}", sent.len());
            let record = FutureRecord::<_, ()>::to("airports").key(&key);
            sent.push(producer.send_result(record).expect("there is room"));
        }
    }
    let count = sent.len();
    for delivered in sent {
        delivered.await.expect("the producer lives").expect("delivered");
    }
    count
}

/// Counts how often each key was printed.
fn count(keys: &mut BTreeMap<String, usize>, stdout: &str) {
    let printed = stdout.lines().filter_map(|line| line.strip_prefix("deleted    load-"));
    printed.for_each(|key| *keys.entry(key.to_owned()).or_default() += 1);
}

/// Restarts each member in turn, as soon as the last one reads. Returns those that run at the end,
/// and what the others have printed.
fn roll(workplace: &Workplace) -> (Vec<RunningExample>, BTreeMap<String, usize>) {
    let start = || workplace.start("04_consumer", &["--follow"]);
    let mut ended = BTreeMap::new();
    let mut members: Vec<RunningExample> = (0..MEMBERS).map(|_| start()).collect();
    members.iter().for_each(|member| member.wait_for("deleted    load-"));
    for index in (0..MEMBERS).cycle().take(ROUNDS * MEMBERS) {
        members[index].terminate();
        let old = std::mem::replace(&mut members[index], start());
        let old = old.end();
        assert!(!old.stderr.contains("comes again"), "it did not leave in time: {old:?}");
        count(&mut ended, &old.stdout);
        members[index].wait_for("deleted    load-");
    }
    (members, ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_three_consumers_under_load_loses_nothing() {
    let cluster = TestCluster::start().await;
    let workplace = Workplace::fresh().with("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers());
    // It creates the topic, and fills it.
    workplace.run("02_topic_metadata");
    let stop = AtomicBool::new(false);
    let runtime = tokio::runtime::Handle::current();
    let (sent, (members, ended)) = std::thread::scope(|scope| {
        let (cluster, stop) = (&cluster, &stop);
        let producing = scope.spawn(move || runtime.block_on(produce_steadily(cluster, stop)));
        let rolled = scope.spawn(|| roll(&workplace)).join();
        stop.store(true, Ordering::Relaxed);
        (producing.join().expect("everything is delivered"), rolled.expect("all were restarted"))
    });
    let keys = eventually("everything is read", || {
        let mut keys = ended.clone();
        members.iter().for_each(|member| count(&mut keys, &member.stdout()));
        (keys.len() == sent).then_some(keys)
    });
    let repeats: usize = keys.values().map(|times| times - 1).sum();
    println!("{sent} sent, 0 lost, {repeats} repeated");
    for member in members {
        member.terminate();
        member.end();
    }
    // A member commits every thousand records, and on each revoke. Only a commit that fails there
    // repeats any.
    assert!(repeats <= ROUNDS * MEMBERS * 1000, "{repeats}");
}
