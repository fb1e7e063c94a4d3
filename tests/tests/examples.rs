//! Every example, run as a learner runs it: first or last, again, and two at once.
//!
//! Each runs on an embedded cluster of its own process and must end with exit code 0, which
//! [`Workplace::run`] checks. What docs.rs compares word for word is checked here for its facts.

use workshop_tests::examples::{Printed, Workplace, names};

const AIRPORTS: i64 = 7884;

/// How many airports 04_consumer read; none where it found nothing new.
fn read(printed: &Printed) -> i64 {
    if printed.stdout.contains("nothing new") {
        return 0;
    }
    printed.number_before(" airports read").expect("it says how many it read")
}

/// How many records the topic holds, as 02_topic_metadata sees it.
fn records(workplace: &Workplace) -> i64 {
    let printed = workplace.run("02_topic_metadata");
    printed.number_before(" records can be read").expect("it says how many records there are")
}

#[test]
fn every_example_runs_first() {
    for name in names() {
        let printed = Workplace::fresh().run(&name);
        assert!(!printed.stdout.is_empty(), "{name} prints nothing");
        assert!(printed.stderr.starts_with("workshop: embedded cluster of 3 nodes"), "{printed:?}");
    }
}

#[test]
fn the_examples_run_in_order_and_again() {
    let workplace = Workplace::fresh();
    for outcome in ["created", "was there, left as it is"] {
        assert!(workplace.run("01_create_topic").stdout.contains(outcome));
    }
    let sent = workplace.run("03_producer");
    assert!(sent.stdout.contains("7884 delivered, 0 failed, 0 still queued"), "{sent:?}");
    assert_eq!(records(&workplace), AIRPORTS);
    assert_eq!(read(&workplace.run("04_consumer")), AIRPORTS);
    let again = workplace.run("04_consumer");
    assert_eq!(again.number_after("nothing new, committed to "), Some(AIRPORTS), "{again:?}");
    workplace.run("03_producer");
    assert_eq!(read(&workplace.run("04_consumer")), AIRPORTS);
    assert_eq!(records(&workplace), 2 * AIRPORTS);

    let deleted = workplace.run("05_delete_topic").stdout;
    assert!(deleted.contains("outcome        deleted"), "{deleted}");
    assert!(deleted.contains("outcome        there is no such topic"), "{deleted}");
    assert!(workplace.run("01_create_topic").stdout.contains("outcome        created"));
    // The committed offsets went with the topic.
    assert_eq!(read(&workplace.run("04_consumer")), AIRPORTS);
}

#[test]
fn the_examples_run_in_the_opposite_order() {
    let workplace = Workplace::fresh();
    for name in names().iter().rev() {
        workplace.run(name);
    }
    assert_eq!(records(&workplace), 2 * AIRPORTS, "04 published the airports, and 03 did again");
}

#[test]
fn two_producers_at_once_deliver_everything_twice() {
    let workplace = Workplace::fresh();
    let both = ["03_producer"; 2].map(|name| workplace.start(name, &[]));
    for producer in both {
        let printed = producer.end();
        assert!(printed.stdout.contains("7884 delivered, 0 failed"), "{printed:?}");
    }
    assert_eq!(records(&workplace), 2 * AIRPORTS);
}

#[test]
fn a_consumer_beside_a_producer_reads_what_is_there_and_the_next_one_the_rest() {
    let workplace = Workplace::fresh();
    let producer = workplace.start("03_producer", &[]);
    let consumer = workplace.start("04_consumer", &[]);
    let (first, _) = (read(&consumer.end()), producer.end());
    let rest = read(&workplace.run("04_consumer"));
    assert_eq!(first + rest, records(&workplace));
}

#[test]
fn two_consumers_of_a_group_at_once_leave_nothing_unread() {
    let workplace = Workplace::fresh();
    workplace.run("03_producer");
    let both = ["04_consumer"; 2].map(|name| workplace.start(name, &[]));
    let read: i64 = both.into_iter().map(|consumer| read(&consumer.end())).sum();
    // What one had read and not committed when the other joined is read again.
    assert!(read >= AIRPORTS, "{read}");
    let after = workplace.run("04_consumer");
    assert_eq!(after.number_after("nothing new, committed to "), Some(AIRPORTS), "{after:?}");
}

#[test]
fn a_following_consumer_reads_on_until_ctrl_c_and_has_committed() {
    let workplace = Workplace::fresh();
    let following = workplace.start("04_consumer", &["--follow"]);
    following.wait_for("JFK");
    workplace.run("03_producer");
    following.interrupt();
    let first = read(&following.end());
    assert!(first >= 1, "{first}");
    let rest = read(&workplace.run("04_consumer"));
    assert_eq!(first + rest, 2 * AIRPORTS);
}

#[test]
fn each_way_to_commit_loses_and_repeats_what_it_must() {
    let workplace = Workplace::fresh();
    for _ in 0..2 {
        let printed = workplace.run("08_commit_semantics").stdout;
        let (_, table) = printed.split_once("\ncommit ").expect("it ends with a table");
        let rows = table.lines().skip(1).map(|line| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let numbers = cells[cells.len() - 4..].iter().map(|cell| cell.parse::<usize>());
            numbers.collect::<Result<Vec<_>, _>>().expect("the last four are numbers")
        });
        let rows: Vec<Vec<usize>> = rows.collect();
        // Two rows for each way: killed before WS105 was processed, and after.
        let lost: Vec<usize> = rows.iter().map(|row| row[2]).collect();
        let twice: Vec<usize> = rows.iter().map(|row| row[3]).collect();
        assert_eq!(lost, [1, 0, 1, 0, 0, 0, 0, 0], "{printed}");
        assert_eq!(twice, [0, 0, 0, 5, 0, 1, 0, 5], "{printed}");
        for row in &rows {
            assert_eq!(row[1], row[0] - row[2] + row[3], "{printed}");
        }
    }
}

#[test]
fn a_group_is_set_back_only_when_nobody_is_in_it() {
    let printed = Workplace::fresh().run("09_seek_and_pause").stdout;
    let line = |name: &str| {
        let mut lines = printed.lines().map(str::trim_start);
        lines.find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {printed}"))
    };
    assert!(line("while it runs").contains("UnknownMemberId"), "{printed}");
    assert!(line("earliest").contains(" 80 read"), "{printed}");
    // 20:00 to 21:40 from JFK, 20:00 to 21:30 from LGA.
    assert!(line("to 20:00").contains(" 10 read"), "{printed}");
    assert!(line("not polling").contains("PollExceeded"), "{printed}");
}

#[tokio::test]
async fn the_examples_run_unchanged_on_a_cluster_of_one_node() {
    let cluster = embedded_kafka::Cluster::builder().nodes(1).start().await.unwrap();
    let workplace = Workplace::fresh().with("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers());
    let created = workplace.run("01_create_topic");
    assert!(created.stdout.contains("the cluster has 1 broker,"), "{created:?}");
    assert!(created.stdout.contains("outcome        created"), "{created:?}");
    assert!(created.stderr.starts_with("workshop: cluster of 1 node on "), "{created:?}");
    for name in names() {
        workplace.run(&name);
    }
    cluster.shutdown().await;
}
