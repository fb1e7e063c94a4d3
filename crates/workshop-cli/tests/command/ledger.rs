//! `cargo workshop ledger`: programs in any language, and what is printed when they have ended.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use serde_json::Value;

use crate::process::{Data, stderr};

/// The command with a shell's program.
fn shell(data: &Data, options: &[&str], program: &str) -> Command {
    let mut command = data.command();
    command.arg("ledger").args(options).args(["--", "sh", "-c", program]);
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A ledger whose program waits for its end, and a producer on its cluster.
struct Waiting {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    producer: FutureProducer,
    /// The data directory of the cluster.
    data: String,
}

impl Waiting {
    fn start(data: &Data, options: &[&str], program: &str) -> Self {
        let mut command = shell(data, options, program);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("the program runs\n") {
            assert!(stderr.read_line(&mut printed).unwrap() > 0, "it ended: {printed}");
        }
        let after = |text: &str| {
            let (_, rest) = printed.split_once(text).unwrap();
            rest.lines().next().unwrap().to_owned()
        };
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", after("Cluster at ")).set("acks", "1");
        let (producer, data) = (config.create().unwrap(), after("WORKSHOP_DATA="));
        Self { child, stderr, producer, data }
    }

    async fn send(&self, topic: &str, values: &[&str]) {
        for value in values {
            let record: FutureRecord<'_, (), str> = FutureRecord::to(topic).payload(*value);
            let sent = self.producer.send(record, std::time::Duration::from_secs(30)).await;
            sent.map_err(|(error, _)| error).unwrap();
        }
    }

    /// Runs the command on the cluster, as from another terminal.
    fn workshop(&self, data: &Data, arguments: &[&str]) {
        let mut command = data.command();
        let output = command.env("WORKSHOP_DATA", &self.data).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    }

    fn signal(&self, signal: &str) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }

    /// Returns stdout, stderr and the exit code.
    fn end(mut self) -> (String, String, Option<i32>) {
        drop(self.producer);
        let (mut printed, mut errors) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        self.stderr.read_to_string(&mut errors).unwrap();
        (printed, errors, self.child.wait().unwrap().code())
    }
}

/// A program that waits for SIGTERM or SIGINT.
const WAITS: &str = "trap 'exit 3' TERM INT; echo the program runs >&2; \
                     while :; do sleep 0.05; done";

#[test]
fn a_program_that_does_nothing_ends_with_its_own_code_and_a_hint() {
    let data = Data::new();
    let output = shell(&data, &[], "echo of the program; exit 7").output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    let printed = stdout(&output);
    assert!(printed.starts_with("of the program\n\nTOPIC"), "{printed}");
    assert!(printed.contains("It should connect to the servers in KAFKA_BOOTSTRAP_SERVERS."));
    assert!(!data.path().exists(), "the cluster has a directory of its own");
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let output = Data::new().run(&["ledger", "--", "no-such-program"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot run no-such-program"), "{}", stderr(&output));
}

#[tokio::test]
async fn a_program_that_dies_has_a_sheet_of_what_it_sent_until_then() {
    let data = Data::new();
    let program = WAITS.replace("exit 3", "kill -9 $$");
    let ledger = Waiting::start(&data, &["--topic", "orders"], &program);
    ledger.send("orders", &["a", "b"]).await;
    ledger.signal("-TERM");
    let (printed, errors, code) = ledger.end();
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("signal: 9"), "{errors}");
    let row = printed.lines().find(|line| line.starts_with("orders")).unwrap();
    let numbers: Vec<&str> = row.split_whitespace().skip(1).collect();
    assert_eq!(numbers, ["2", "2", "2", "0", "0", "0", "0"], "{printed}");
}

#[tokio::test]
async fn ctrl_c_and_sigterm_end_the_program_and_print_the_sheet() {
    for signal in ["-INT", "-TERM"] {
        let data = Data::new();
        let ledger = Waiting::start(&data, &["--topic", "orders:2"], WAITS);
        ledger.send("orders", &["a", "b", "a"]).await;
        ledger.signal(signal);
        let (printed, errors, code) = ledger.end();
        assert_eq!(code, Some(3), "{signal}: {errors}");
        let row = printed.lines().find(|line| line.starts_with("orders")).unwrap();
        let numbers: Vec<&str> = row.split_whitespace().skip(1).collect();
        assert_eq!(numbers, ["3", "3", "3", "0", "0", "0", "0"], "{signal}: {printed}");
    }
}

#[tokio::test]
async fn a_program_that_ignores_a_signal_is_killed_by_the_second() {
    let data = Data::new();
    let program = "trap '' TERM; echo the program runs >&2; while :; do sleep 0.05; done";
    let mut ledger = Waiting::start(&data, &[], program);
    ledger.signal("-TERM");
    ledger.signal("-INT");
    let mut line = String::new();
    ledger.stderr.read_line(&mut line).unwrap();
    assert_eq!(line, "The program does not end, and is killed\n");
    let (printed, errors, code) = ledger.end();
    assert_eq!(code, Some(1), "{errors}");
    assert!(printed.contains("TOPIC"), "{printed}");
}

#[tokio::test]
async fn a_fault_from_another_terminal_is_in_the_sheet_and_json_has_partitions() {
    let data = Data::new();
    let ledger = Waiting::start(&data, &["--json", "--topic", "orders:1"], WAITS);
    ledger.send("orders", &["a"]).await;
    ledger.workshop(&data, &["fault", "drop-response", "Produce"]);
    ledger.send("orders", &["b"]).await;
    ledger.signal("-TERM");
    let (printed, errors, code) = ledger.end();
    assert_eq!(code, Some(3), "{errors}");
    let sheet: Value = serde_json::from_str(&printed).unwrap();
    let topic = &sheet["topics"][0];
    assert_eq!((&topic["topic"], &topic["sent"]), (&"orders".into(), &2.into()), "{printed}");
    assert_eq!(topic["partitions"][0]["duplicated"], 1, "{printed}");
    assert_eq!(sheet["total"]["resent"], 1, "{printed}");
}

#[tokio::test]
async fn a_lost_record_makes_the_command_fail() {
    let data = Data::new();
    let program = WAITS.replace("exit 3", "exit 0");
    let ledger = Waiting::start(&data, &["--topic", "orders:1:2"], &program);
    ledger.send("orders", &["a"]).await;
    let limit = std::time::Duration::from_secs(30);
    let metadata = ledger.producer.client().fetch_metadata(Some("orders"), limit).unwrap();
    let leader = metadata.topics()[0].partitions()[0].leader().to_string();
    for node in ["1", "2", "3"] {
        ledger.workshop(&data, &["node", node, "pause-replication"]);
    }
    ledger.send("orders", &["b", "c"]).await;
    ledger.workshop(&data, &["node", &leader, "kill"]);
    ledger.signal("-TERM");
    let (printed, errors, code) = ledger.end();
    assert_eq!(code, Some(1), "{errors}");
    assert!(printed.contains("\nlost 2, in orders/0: node "), "{printed}");
}
