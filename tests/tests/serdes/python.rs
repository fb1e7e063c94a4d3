//! Confluent's Python client (tests/python/registry.py): it reads what the serializers here write,
//! and they read what it writes, through one topic for each format.
//!
//! What pip has installed once is kept in Cargo's target directory. Where there is no Python, or it
//! cannot be installed, the test says so and is left out.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use serdes::{Options, Part};
use workshop_tests::examples::root;

use crate::place::server;
use crate::place::{
    AVRO, Departure, JSON, Place, Serializer, TYPES, departure, name, read, schema,
};

/// What pip says when it cannot get what it needs, as opposed to a list that is wrong.
const UNAVAILABLE: [&str; 6] = [
    "(from versions: none)",
    "require a different python version",
    "Failed building wheel",
    "Failed to build",
    "Connection",
    "ReadTimeout",
];

/// Where the environment is.
fn directory() -> PathBuf {
    // .../target/debug/deps/serdes-…
    let test = std::env::current_exe().expect("a test knows its own path");
    let target = test.ancestors().nth(3).expect("a test is three levels below the target");
    target.join("python-registry")
}

/// Runs a command; what it printed, and whether it ended well.
fn run(command: &mut Command) -> Result<(bool, String), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// A Python with all that is on the list, or why there is none here.
///
/// # Panics
/// When something on the list does not exist.
fn python() -> Result<PathBuf, String> {
    let list = root().join("tests/python/requirements.txt");
    let wanted = std::fs::read_to_string(&list).expect("the list is in the repository");
    let directory = directory();
    let (python, installed) = (directory.join("bin/python"), directory.join("installed.txt"));
    if std::fs::read_to_string(&installed).is_ok_and(|it| it == wanted) {
        return Ok(python);
    }
    let enough = "import sys; sys.exit(sys.version_info < (3, 10))";
    if !run(Command::new("python3").args(["-c", enough]))?.0 {
        return Err("Python 3.10 is needed, and python3 is older".to_owned());
    }
    let mut venv = Command::new("python3");
    let (made, printed) = run(venv.args(["-m", "venv", "--clear"]).arg(&directory))?;
    if !made {
        return Err(format!("python3 -m venv fails: {}", last_line(&printed)));
    }
    install(&python, &list)?;
    std::fs::write(&installed, wanted).expect("the environment was just made");
    Ok(python)
}

fn install(python: &Path, list: &Path) -> Result<(), String> {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--retries", "1", "--requirement"]).arg(list);
    let (installed, printed) = run(&mut pip)?;
    if installed {
        return Ok(());
    }
    match printed.lines().rfind(|line| UNAVAILABLE.iter().any(|it| line.contains(it))) {
        Some(line) => Err(format!("pip cannot install what it needs: {line}")),
        None => panic!("pip cannot install what is on the list:\n{printed}"),
    }
}

fn last_line(printed: &str) -> &str {
    printed.trim_end().lines().next_back().unwrap_or_default()
}

fn values() -> Vec<Departure> {
    let with = |flight: &str, minutes, gate: Option<&str>| Departure {
        flight: flight.to_owned(),
        minutes,
        gate: gate.map(str::to_owned),
    };
    vec![departure(), with("", i32::MIN, None), with("WS105", i32::MAX, Some(""))]
}

/// What Python must find in the registry's answers.
fn expected_of_the_interface() -> Value {
    json!({
        "the same again": true,
        "by id": true,
        "looked up": 1,
        "latest": 1,
        "is listed": true,
        "may follow": false,
        "refused": [409, 40901],
        "level": "NONE",
        "versions": [1, 2],
        "no schema": [422, 42201],
        "no subject": [404, 40401],
        "no version": [404, 40402],
        "no id": [404, 40403],
        "references": [],
        "is referred to": [422, 42206],
        "permanently at once": [404, 40405],
        "deleted": [[1], [1], [1, 2], [1, 2]],
        "is gone": [404, 40401],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn confluents_python_client_reads_what_is_written_here_and_the_other_way_round() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => {
            eprintln!("skipped: Confluent's Python client, because {reason}");
            return;
        }
    };
    let place = Place::shared().await;
    let guarded = server(place.cluster(), |it| it.basic_auth("anna", "s3cret")).await;
    let mut topics = serde_json::Map::new();
    for of in TYPES {
        let topic = place.cluster().create_topic(1);
        let serializer = Serializer::new(&place.registry, schema(of), Options::default());
        let mut written = Vec::new();
        for value in values() {
            written.push(serializer.write_this(&topic, Part::Value, &value).await.unwrap());
        }
        let sent: Vec<_> = written.iter().map(|it| (&b"key"[..], Some(it.as_slice()))).collect();
        place.through(&topic, &sent).await;
        topics.insert(of.to_string(), json!(topic));
    }

    let subject = name();
    let stricter = AVRO.replace(r#""fields":["#, r#""fields":[{"name":"pilot","type":"string"},"#);
    let board = r#"{"type":"record","name":"Board","namespace":"aero","fields":[
        {"name":"next","type":"aero.Departure"}]}"#;
    let task = json!({
        "brokers": place.cluster().bootstrap_servers(),
        "registry": place.registry.url(),
        "guarded": guarded.url(),
        "user": "anna:s3cret",
        "topics": topics,
        "subject": subject,
        "schemas": { "AVRO": AVRO, "JSON": JSON, "stricter": stricter, "board": board },
        "values": values(),
    });
    let mut script = Command::new(python);
    script.arg(root().join("tests/python/registry.py")).arg(task.to_string());
    let ran = tokio::task::spawn_blocking(move || run(&mut script)).await.unwrap();
    let (ended_well, printed) = ran.expect("there is a Python");
    assert!(ended_well, "{printed}");
    let found: Value = serde_json::from_str(last_line(&printed)).unwrap();

    let mut expected = expected_of_the_interface();
    expected["references"] = json!([subject]);
    assert_eq!(found["interface"], expected);
    assert_eq!(found["without a password"][0], 401, "{found}");
    assert_eq!(found["with a password"], json!([]));
    for of in TYPES {
        assert_eq!(found["read"][of.name()], json!(values()), "{of}, read by Python");
        let topic = topics[of.name()].as_str().unwrap();
        let records = place.records(topic, 2 * values().len());
        for (record, expected) in records[values().len()..].iter().zip(values()) {
            let bytes = rdkafka::Message::payload(record).unwrap();
            let read = read(&place.registry, of, bytes).await.unwrap();
            assert_eq!(read, expected, "{of}, written by Python");
        }
        // Both have registered the same schema, each in its own words.
        let versions = place.registry.versions(&format!("{topic}-value")).await.unwrap();
        assert_eq!(versions, [1], "{of}");
    }
    guarded.shutdown().await;
}
