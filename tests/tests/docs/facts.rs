//! What the examples print, for its facts: what the blocks of a chapter cannot say, because it
//! differs from run to run.

use workshop_tests::examples::{first_run, names, side_by_side};

#[test]
fn every_example_runs_first() {
    let names = names();
    let printed = side_by_side(&names, first_run);
    assert_eq!(printed.len(), names.len());
    for (name, printed) in printed {
        assert!(!printed.stdout.is_empty(), "{name} prints nothing");
        assert!(printed.stderr.starts_with("workshop: embedded cluster of 3 nodes"), "{printed:?}");
    }
}

#[test]
fn keys_land_where_java_puts_them_under_its_partitioner() {
    let printed = first_run("06_partitions");
    // Where the console producer of Apache Kafka 4.3 put these keys, on three partitions.
    let by_java = [
        ("AMS", "0"),
        ("CDG", "2"),
        ("FRA", "1"),
        ("JFK", "1"),
        ("LHR", "0"),
        ("NRT", "0"),
        ("SIN", "0"),
        ("SYD", "2"),
    ];
    for (key, partition) in by_java {
        let row = printed.stdout.lines().find(|line| line.starts_with(key));
        let cells: Vec<&str> = row.expect("the key has a row").split_whitespace().collect();
        assert_eq!(cells[2], partition, "{key}: {printed:?}");
    }
}

#[test]
fn records_without_a_key_stay_on_a_partition_for_as_long_as_the_setting_says() {
    let printed = first_run("06_partitions");
    let [always, sticky] = ["0", "60000"].map(|sticky_ms| {
        let is_row = |line: &&str| {
            let mut cells = line.split_whitespace();
            cells.next() == Some("null") && cells.nth(1) == Some(sticky_ms)
        };
        let row = printed.stdout.lines().find(is_row).expect("the table has the row");
        let changes = row.split_whitespace().last().map(str::parse::<u32>);
        changes.expect("a row has cells").expect("the last is a number")
    });
    assert!(always > 10 * (sticky + 1), "{printed:?}");
}

#[test]
fn a_rebalance_stops_what_its_strategy_says() {
    let printed = first_run("07_consumer_group");
    // Milliseconds without a reader: of the partitions that it is about, and of all others.
    let stopped = |group: &str, event: &str| {
        let row = printed.stdout.lines().find_map(|line| {
            line.strip_prefix(group).and_then(|rest| rest.trim_start().strip_prefix(event))
        });
        let cells: Vec<&str> = row.expect("the table has the row").split_whitespace().collect();
        [1, 4].map(|cell| cells[cell].parse::<u32>().expect("milliseconds"))
    };
    for event in ["c joins", "c leaves"] {
        assert!(stopped("eager", event)[1] > 0, "{event}: {printed:?}");
        for group in ["cooperative", "consumer"] {
            assert_eq!(stopped(group, event)[1], 0, "{group}, {event}: {printed:?}");
            assert!(stopped(group, event)[0] > 0, "{group}, {event}: {printed:?}");
        }
    }
    assert_eq!(stopped("consumer", "c restarts")[1], 0, "{printed:?}");
    for group in ["eager", "cooperative", "static", "consumer"] {
        let line = format!("group {group:<11}  600 departures, 0 read again");
        assert!(printed.stdout.contains(&line), "{printed:?}");
    }
    // A session of 6 s begins with the last heartbeat, and one is sent each second.
    for (group, event) in [("static", "c leaves"), ("eager", "b is killed")] {
        assert!(stopped(group, event)[0] > 4000, "{group}, {event}: {printed:?}");
    }
    assert!(stopped("static", "c restarts")[0] < 4000, "{printed:?}");
}

#[test]
fn a_killed_worker_counts_twice_at_least_once_and_never_exactly_once() {
    let printed = first_run("11_exactly_once");
    let figures = |line: &str| -> Vec<i64> {
        let found = printed.stdout.lines().find(|it| it.starts_with(line));
        let words = found.unwrap_or_else(|| panic!("{line}: {printed:?}")).split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    };
    assert_eq!(figures("lost"), [0, 0], "{printed:?}");
    let (twice, logged, kills) =
        (figures("twice"), figures("records in the log"), figures("kills"));
    assert!(kills.iter().all(|it| *it > 0), "{printed:?}");
    assert!(twice[0] == 0 && twice[1] > 0, "{printed:?}");
    assert!(logged[0] > 1600, "what a killed worker wrote is in the log: {printed:?}");
    assert_eq!(logged[1], 1600 + twice[1], "{printed:?}");
}

#[test]
fn each_way_to_commit_loses_and_repeats_what_it_must() {
    let printed = first_run("08_commit_semantics").stdout;
    let (_, table) = printed.split_once("\ncommit ").expect("it ends with a table");
    let rows = table.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let numbers = cells[cells.len() - 4..].iter().map(|cell| cell.parse::<usize>());
        numbers.collect::<Result<Vec<_>, _>>().expect("the last four are numbers")
    });
    let rows: Vec<Vec<usize>> = rows.collect();
    // Three rows for each way: killed before WS105 was processed, killed after, and shut down
    // cleanly.
    let mut lost: Vec<usize> = rows.iter().map(|row| row[2]).collect();
    let twice: Vec<usize> = rows.iter().map(|row| row[3]).collect();
    // How much a clean shutdown loses where librdkafka stores is a race, up to all that was
    // fetched.
    let by_chance = std::mem::take(&mut lost[5]);
    assert!(by_chance <= 7, "{printed}");
    assert_eq!(lost, [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], "{printed}");
    assert_eq!(twice, [0, 0, 0, 0, 5, 0, 0, 1, 0, 0, 5, 0], "{printed}");
    for row in &rows {
        assert_eq!(row[1], row[0] - row[2] + row[3], "{printed}");
    }
}

#[test]
fn a_group_is_reset_only_when_it_has_no_members() {
    let printed = first_run("09_seek_and_pause").stdout;
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

#[test]
fn three_tasks_read_each_event_and_a_stop_commits_what_they_have_processed() {
    let printed = first_run("14_async_consumers").stdout;
    assert!(printed.contains("12 of 12 are equal to an event that was sent"), "{printed}");
    let cells = |start: &str| -> Vec<usize> {
        let row = printed.lines().find_map(|line| line.trim_start().strip_prefix(start));
        let row = row.unwrap_or_else(|| panic!("{start}: {printed}"));
        row.split_whitespace().filter_map(|cell| cell.parse().ok()).collect()
    };
    let (stopped, next) = (cells("a, b, c"), cells("d  "));
    assert_eq!(stopped[0], stopped[1], "committed is what was processed: {printed}");
    assert!((112..612).contains(&stopped[0]), "stopped in the middle: {printed}");
    assert_eq!(next, [612 - stopped[0], 612], "{printed}");
    assert!(printed.contains("lost 0, twice 0"), "{printed}");
}

#[test]
fn waiting_records_need_no_threads_as_tasks_and_many_are_faster_than_few() {
    let printed = first_run("14_async_consumers").stdout;
    let row = |wait: &str, in_work: &str, kind: &str| {
        let rows = printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut rows = rows.filter(|row| row.get(..4) == Some(&[wait, "ms", in_work, kind][..]));
        rows.next().unwrap_or_else(|| panic!("{wait} ms, {in_work} {kind}: {printed}"))
    };
    let rate = |row: &[&str]| row[6].parse::<f64>().expect("records per second");
    // Thirty times as many could be thirty times as fast.
    for kind in ["threads", "tasks"] {
        let (few, many) = (rate(&row("20", "3", kind)), rate(&row("20", "96", kind)));
        assert!(many > 3.0 * few, "{kind}: {printed}");
    }
    if cfg!(target_os = "linux") {
        let threads = |kind| row("20", "1500", kind)[7].parse::<i64>().expect("threads");
        assert!(threads("threads") >= 1500, "{printed}");
        assert!(threads("tasks") < 100, "{printed}");
    }
}

#[test]
fn what_cannot_be_decoded_is_skipped_parked_or_stopped_at_as_chosen() {
    let printed = first_run("25_dead_letters").stdout;
    let (first, _) = printed.split_once("\n2  ").expect("a second scene");
    let row = |choice: &str| -> Vec<&str> {
        let row = first.lines().find_map(|line| line.trim_start().strip_prefix(choice));
        let row = row.unwrap_or_else(|| panic!("{choice}: {printed}"));
        row.split_whitespace().take(6).collect()
    };
    // Processed, committed, and the result of the fourth of eight.
    assert_eq!(row("skip "), ["7", "8", "offset", "3", "skipped:", "expected"], "{printed}");
    assert_eq!(row("park "), ["7", "8", "offset", "3", "parked:", "expected"], "{printed}");
    assert_eq!(row("stop "), ["3", "3", "stopped", "at", "offset", "3:"], "{printed}");
    assert_eq!(row("stop, again "), ["0", "3", "stopped", "at", "offset", "3:"], "{printed}");
}

#[test]
fn a_retry_waits_as_long_as_its_topic_says_and_a_dead_letter_keeps_its_origin() {
    let printed = first_run("25_dead_letters").stdout;
    let (_, retried) = printed.split_once("\n2  ").expect("the scene of the retries");
    let row = |flight: &str| {
        let found = retried.lines().find(|line| line.trim_start().starts_with(flight));
        found.unwrap_or_else(|| panic!("{flight}: {printed}"))
    };
    let cells = |flight| -> Vec<u64> {
        row(flight).split_whitespace().filter_map(|cell| cell.parse().ok()).collect()
    };
    // Attempts, and milliseconds since the first record.
    assert!(matches!(cells("WS102")[..], [2, after] if after >= 500), "{printed}");
    assert!(matches!(cells("WS106")[..], [3, after] if after >= 1500), "{printed}");
    assert_eq!(cells("WS104")[0], 1, "what cannot be decoded is not tried again: {printed}");
    assert!(row("headers").contains("original-partition=0, original-offset=3"), "{printed}");
    assert!(row("value").ends_with("WS104 is late today"), "{printed}");
    assert!(retried.ends_with("has redrives=1\n"), "{printed}");
}
