//! `cargo workshop conformance`.

use crate::process::{Data, stderr};

#[test]
fn a_part_of_the_scenarios_is_asked_of_one_engine() {
    let data = Data::new();
    let printed = data.printed(&["conformance", "--engine", "embedded", "--only", "topics/name_"]);
    assert!(printed.contains("\ntopics/name_dot_dot"), "{printed}");
    assert!(!printed.contains("partitions/"), "{printed}");
    let totals = printed.lines().last().unwrap();
    assert!(totals.starts_with("embedded: ") && totals.ends_with(", 0 differ"), "{totals}");
    assert!(!data.path().exists(), "it leaves the workshop's data alone");
}

#[test]
fn what_differs_by_design_is_shown_with_both_answers_and_the_reason() {
    let data = Data::new();
    let printed = data.printed(&["conformance", "--engine", "embedded", "--only", "fetch/in_a_s"]);
    let shown = "    Apache Kafka 4.4: ok, batches from [0, 2], end 5, a session\n    embedded: ok, \
                 batches from [0, 2], end 5, no session\n    by design: ";
    assert!(printed.contains(shown), "{printed}");
}

#[test]
fn an_engine_that_this_machine_lacks_is_skipped_with_its_reason_unless_it_is_asked_for() {
    let data = Data::new();
    let without_java = |arguments: &[&str]| {
        let mut command = data.command();
        command.env("PATH", "").env_remove("JAVA_HOME").arg("conformance").args(arguments);
        command.output().unwrap()
    };
    let both = without_java(&["--only", "topics/existing"]);
    assert!(both.status.success(), "{}", stderr(&both));
    assert!(stderr(&both).contains("apache: skipped. Apache Kafka needs Java 17"), "{both:?}");
    let alone = without_java(&["--engine", "apache", "--only", "topics/existing"]);
    assert_eq!(alone.status.code(), Some(69), "{}", stderr(&alone));
}

#[test]
fn a_text_that_no_name_contains_is_said() {
    let data = Data::new();
    let output = data.run(&["conformance", "--only", "no such scenario"]);
    assert!(!output.status.success());
    let said = stderr(&output);
    assert!(said.contains("no scenario's name contains \"no such scenario\""), "{said}");
}
