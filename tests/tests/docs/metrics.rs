//! What 24_lag_and_metrics prints: time and count of each batch, what clients say of themselves,
//! and what a lag counts. The page of docs/ leaves out what differs from run to run.

use std::collections::BTreeMap;

use workshop_tests::examples::{Printed, Workplace, first_run};

/// The metrics on the page, by name and labels.
fn scraped(printed: &Printed) -> BTreeMap<&str, f64> {
    let (_, page) = printed.stdout.split_once("/metrics\n").expect("it scrapes its page");
    let samples = page.lines().map(str::trim).filter(|line| line.contains("} "));
    samples
        .map(|line| {
            let (metric, value) = line.rsplit_once(' ').expect("a sample is a name and a value");
            (metric, value.parse().expect("a value is a number"))
        })
        .collect()
}

#[test]
fn a_scrape_tells_time_and_count_of_each_batch() {
    let printed = first_run("24_lag_and_metrics");
    let page = scraped(&printed);
    let of = |name: &str, labels: &str| {
        let metric = format!("{name}{{service=\"alarms\",outcome={labels}}}");
        *page.get(&*metric).unwrap_or_else(|| panic!("{metric}: {page:#?}"))
    };
    assert_eq!(of("batch_seconds_count", "\"processed\""), 3.0);
    assert_eq!(of("batch_messages_total", "\"processed\""), 6.0);
    assert_eq!(of("batch_seconds_count", "\"failed\""), 1.0);
    assert_eq!(of("batch_messages_total", "\"failed\""), 2.0);
    // The work on a batch takes 20 ms.
    assert_eq!(of("batch_seconds_bucket", "\"processed\",le=\"0.01\""), 0.0);
    assert_eq!(of("batch_seconds_bucket", "\"processed\",le=\"+Inf\""), 3.0);
    let sum = of("batch_seconds_sum", "\"processed\"");
    assert!((0.06..30.0).contains(&sum), "{sum}");
}

#[test]
fn a_scrape_tells_what_clients_say_of_themselves_and_what_is_seen_from_outside() {
    let printed = first_run("24_lag_and_metrics");
    let page = scraped(&printed);
    let all = |name: &str| {
        let is_it = |metric: &&str| metric.split('{').next() == Some(name);
        let values = page.iter().filter(|(metric, _)| is_it(metric)).map(|(_, value)| *value);
        values.collect::<Vec<f64>>()
    };
    assert_eq!(all("kafka_consumer_lag_offsets"), [5.0], "10 - 5 committed");
    assert_eq!(all("kafka_consumer_lag_stored_offsets"), [3.0], "10 - 7 processed");
    assert_eq!(all("kafka_group_lag_offsets"), [10.0], "15 - 5 committed");
    assert_eq!(all("kafka_producer_messages_total"), [15.0]);
    let round_trips = all("kafka_client_round_trip_seconds");
    assert!(!round_trips.is_empty());
    assert!(round_trips.iter().all(|it| (1e-6..30.0).contains(it)), "{round_trips:?}");
}

#[test]
fn a_page_of_metrics_stays_until_ctrl_c() {
    let workplace = Workplace::fresh();
    let following = workplace.start("24_lag_and_metrics", &["--follow"]);
    following.wait_for("the page is there until Ctrl-C");
    following.interrupt();
    assert!(!scraped(&following.end()).is_empty());
}

#[test]
fn a_lag_counts_offsets_and_not_records() {
    let printed = first_run("24_lag_and_metrics");
    let rows = |heading: &str| -> Vec<Vec<i64>> {
        let (_, table) = printed.stdout.split_once(heading).expect("the table has a heading");
        let rows = table.lines().skip(1).take(4).map(|row| {
            let numbers = row.split_whitespace().skip(1).filter_map(|cell| cell.parse().ok());
            numbers.collect()
        });
        rows.collect()
    };
    // Committed, lag, readable, lost, and the records that came.
    let unread = rows("records that came");
    assert_eq!(
        unread,
        [[0, 10, 10, 0, 10], [0, 9, 9, 0, 3], [0, 8, 2, 0, 2], [0, 10, 4, 6, 4]],
        "{printed:?}"
    );
    // Low, last stable offset and high watermark; committed and lag, twice; readable.
    let read = rows("committed  lag   committed  lag   readable");
    assert_eq!(read[1], [0, 9, 9, 5, 4, 9, 0, 0], "{printed:?}");
}
