//! The page docs/troubleshooting.md: each entry names a mistake, shows what the program prints, and
//! has a scene here that makes the mistake and prints exactly that.
//!
//! A scene is a function with the name of its entry's heading. `[..]` on the page stands for what
//! differs from run to run, such as an address.

mod consuming;
mod groups;
mod librdkafka;
mod producing;
mod reaching;
mod settings;
mod silent;
mod topics;

use workshop_tests::chapters::{heading_names, with_wildcards};

use super::read;

const PAGE: &str = "docs/troubleshooting.md";

/// The parts of an entry after its message, each of which opens a line.
const PARTS: [&str; 3] = ["- **Cause:** ", "- **Proof:** ", "- **Remedy:** "];

/// An entry of the page: what stands between two headings of the third level.
struct Entry {
    /// The heading as the name of a function.
    name: String,
    text: String,
}

impl Entry {
    /// The message: what is in the entry's block.
    fn message(&self) -> &str {
        let (_, rest) = self.text.split_once("```text\n").expect("an entry has a message");
        let (message, _) = rest.split_once("\n```").expect("a block ends");
        message
    }
}

fn entries() -> Vec<Entry> {
    read(PAGE)
        .split("\n### ")
        .skip(1)
        .map(|text| {
            let heading = text.lines().next().unwrap_or_default();
            let name = heading_names(&format!("### {heading}")).concat().replace('-', "_");
            // A heading of the second level ends an entry too.
            let (text, _) = text.split_once("\n## ").unwrap_or((text, ""));
            Entry { name, text: text.to_owned() }
        })
        .collect()
}

/// Compares what a scene printed with the message of its entry.
fn check(name: &str, printed: &str) {
    let entries = entries();
    let entry = entries.iter().find(|entry| entry.name == name);
    let entry = entry.unwrap_or_else(|| panic!("{PAGE} has no entry {name}, about:\n{printed}"));
    let message = entry.message();
    assert_eq!(with_wildcards(printed.trim_end().to_owned(), message), message, "{name}");
}

/// Makes a test of each scene, so that they run side by side and a failure names its entry.
macro_rules! scenes {
    ($($room:ident: $($scene:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scene() {
                check(stringify!($scene), &$room::$scene().await);
            }
        )+)+

        const SCENES: &[&str] = &[$($(stringify!($scene)),+),+];
    };
}

scenes! {
    reaching:
        a_client_on_a_wrong_port,
        a_request_without_a_cluster,
        an_example_on_a_wrong_address,
        an_address_with_a_scheme,
        a_second_cluster_on_the_same_directory,
        an_order_to_a_cluster_that_does_not_run;
    settings:
        a_misspelled_setting,
        settings_that_contradict_each_other,
        tls_that_is_not_built_in,
        a_codec_that_is_not_built_in;
    topics:
        a_topic_that_exists,
        more_replicas_than_brokers,
        a_consumer_of_a_misspelled_topic,
        a_producer_to_a_misspelled_topic;
    producing:
        a_delivery_that_times_out,
        a_full_queue,
        a_record_that_is_too_large,
        too_few_replicas_in_sync,
        a_forgotten_flush,
        a_transactional_id_in_two_programs;
    consuming:
        a_forgotten_poll,
        an_offset_that_is_no_longer_there,
        a_commit_without_stored_offsets,
        a_stored_offset_of_a_lost_partition,
        a_consumer_without_a_group;
    groups:
        a_commit_from_outside_the_group,
        a_commit_from_an_old_generation,
        two_programs_with_different_strategies,
        two_members_with_one_instance_id;
    silent:
        a_first_run_that_reads_nothing,
        the_last_record_comes_again,
        a_forgotten_key;
}

#[test]
fn troubleshooting_has_a_scene_for_every_entry() {
    let entries: Vec<String> = entries().into_iter().map(|entry| entry.name).collect();
    assert_eq!(entries, SCENES, "in the order of the page");
}

#[test]
fn every_entry_of_troubleshooting_has_its_cause_its_proof_and_its_remedy() {
    for entry in entries() {
        let (_, after) = entry.text.split_once("\n```\n").expect("an entry has a message");
        let parts: Vec<&str> = after.lines().filter(|line| line.starts_with("- **")).collect();
        assert_eq!(parts.len(), PARTS.len(), "{}: {parts:#?}", entry.name);
        for (part, start) in parts.iter().zip(PARTS) {
            assert!(part.starts_with(start), "{}: {part}", entry.name);
        }
        assert!(parts[1].contains('`'), "{}: a proof is a command or a call", entry.name);
    }
}
