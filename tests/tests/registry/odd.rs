//! Avro schemas that are odd in one way or another: the list, and what Java says of each.
//!
//! The answers are kept in `java-schemas/odd.jsonl`, written by
//! `java-schemas/src/main/java/Odd.java`. With `WORKSHOP_RECORD=1` the test asks Java and writes
//! them again.

use std::path::PathBuf;

use serde_json::{Value, json};
use workshop_tests::JavaSchemas;

use crate::http::TestRegistry;

/// A schema, and the schemas that it refers to.
pub(crate) struct Odd {
    pub(crate) schema: String,
    pub(crate) references: Vec<String>,
    /// Another schema, to be compared with it.
    pub(crate) other: Option<String>,
}

impl Odd {
    fn alone(schema: impl Into<String>) -> Self {
        Self { schema: schema.into(), references: Vec::new(), other: None }
    }

    pub(crate) fn line(&self) -> Value {
        let mut line = json!({ "schema": self.schema, "references": self.references });
        if let Some(other) = &self.other {
            line["other"] = json!(other);
        }
        line
    }
}

/// What may stand where a type is asked for.
const TYPES: &[&str] = &[
    r#""int""#,
    r#""null""#,
    r#""map""#,
    r#""array""#,
    r#""enum""#,
    r#""fixed""#,
    r#""record""#,
    r#""error""#,
    r#""union""#,
    r#""nothing""#,
    r#""""#,
    r#"" int""#,
    r#""Int""#,
    "null",
    "true",
    "3",
    "[]",
    r#"["null"]"#,
    r#"["null","int"]"#,
    r#"["int","int"]"#,
    r#"["null",["int"]]"#,
    r#"["null",{"type":"int","logicalType":"date"},"long"]"#,
    r#"[{"type":"array","items":"int"},{"type":"array","items":"long"}]"#,
    r#"[{"type":"map","values":"int"},{"type":"map","values":"int"}]"#,
    r#"[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":1}]"#,
    r#"[{"type":"fixed","name":"F","size":1},"F"]"#,
    r#"[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"G","size":1}]"#,
    "{}",
    r#"{"type":"int"}"#,
    r#"{"type":{"type":"int"}}"#,
    r#"{"type":["null","int"]}"#,
    r#"{"type":null}"#,
    r#"{"type":"int","name":"x"}"#,
    r#"{"type":"string","items":"int","values":1,"size":"x","symbols":[],"fields":{}}"#,
    r#"{"type":"string","doc":"d","namespace":"n","aliases":["a"],"own":1}"#,
    r#"{"type":"string","default":"d","order":"x"}"#,
    r#"{"type":"string","avro.java.string":"String"}"#,
    r#"{"type":"array"}"#,
    r#"{"type":"array","items":"int","default":[]}"#,
    r#"{"type":"array","items":"int","name":"x","own":{"b":1,"a":2}}"#,
    r#"{"type":"array","items":"map"}"#,
    r#"{"type":"map","items":"int"}"#,
    r#"{"type":"map","values":"int"}"#,
    r#"{"type":"map","values":{"type":"map","values":[]}}"#,
    r#"{"type":"fixed","name":"F","size":0}"#,
    r#"{"type":"fixed","name":"F","size":16,"logicalType":"uuid"}"#,
    r#"{"type":"fixed","name":"F","size":12,"logicalType":"duration"}"#,
    r#"{"type":"enum","name":"E","symbols":[]}"#,
    r#"{"type":"enum","name":"E","symbols":["A","B"],"default":"B","doc":"d"}"#,
    r#"{"type":"record","name":"R","fields":[]}"#,
    r#"{"type":"error","name":"R","fields":[]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"r","type":["null","R"]}]}"#,
    r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#,
    r#"{"type":"bytes","logicalType":"decimal","precision":"4"}"#,
    r#"{"logicalType":"timestamp-millis","type":"long"}"#,
    r#"{"type":"int","big":123456789012345678901234567890}"#,
    r#"{"type":"array","items":"int","big":123456789012345678901234567890}"#,
    r#"{"type":"map","values":"int","big":[{"x":123456789012345678901234567890}]}"#,
    r#"{"type":"record","name":"R","fields":[],"big":123456789012345678901234567890}"#,
    r#"{"type":"fixed","name":"F","size":1,"big":123456789012345678901234567890}"#,
];

/// Where a type is asked for; `@` stands for it.
const PLACES: &[&str] = &[
    "@",
    r#"{"type":"array","items":@}"#,
    r#"{"type":"map","values":@}"#,
    r#"["boolean",@]"#,
    r#"{"type":"record","name":"Top","fields":[{"name":"f","type":@}]}"#,
    r#"{"type":"record","name":"a.Top","fields":[{"name":"f","type":@},{"name":"g","type":@}]}"#,
];

/// Types of fields with defaults.
const DEFAULTED: &[&str] = &[
    r#""null""#,
    r#""boolean""#,
    r#""int""#,
    r#""long""#,
    r#""float""#,
    r#""double""#,
    r#""string""#,
    r#""bytes""#,
    r#"["null","int"]"#,
    r#"["int","null"]"#,
    r#"["null","string","double"]"#,
    r#"["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}]"#,
    r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#,
    r#"{"type":"array","items":"int"}"#,
    r#"{"type":"map","values":["null","long"]}"#,
    r#"{"type":"fixed","name":"F","size":2}"#,
    r#"{"type":"enum","name":"E","symbols":["A"]}"#,
    r#"{"type":"record","name":"P","fields":[{"name":"x","type":"int"},{"name":"y","type":"long","default":1}]}"#,
    r#""Top""#,
    r#"["null","Top"]"#,
    r#"["Top","null"]"#,
];

const DEFAULTS: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "1.0",
    "1e0",
    "1E2",
    "1.50",
    "0.0001",
    "12345678.9",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "1e400",
    r#""""#,
    r#""A""#,
    r#""é""#,
    r#""\u00e9""#,
    r#""\u00FF""#,
    r#""1.5""#,
    r#""NaN""#,
    "[]",
    "[1,2]",
    r#"[1,"2"]"#,
    "{}",
    r#"{"x":1}"#,
    r#"{"x":1,"y":2,"z":3}"#,
    r#"{"x":1.5}"#,
];

/// Types that attributes are put on; `@` stands for them.
const CARRIERS: &[&str] = &[
    r#"{"type":"record","name":"R","fields":[]@}"#,
    r#"{"type":"enum","name":"E","symbols":["A"]@}"#,
    r#"{"type":"fixed","name":"F","size":1@}"#,
    r#"{"type":"array","items":"int"@}"#,
    r#"{"type":"int"@}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"f","type":"int"@}]}"#,
    r#"{"type":"record","name":"n.R","fields":[{"name":"f","type":{"type":"fixed","name":"F","size":1@}}]}"#,
];

const ATTRIBUTES: &[&str] = &[
    r#""aliases":"a""#,
    r#""aliases":[]"#,
    r#""aliases":[""]"#,
    r#""aliases":[1]"#,
    r#""aliases":null"#,
    r#""aliases":["b","a","b"]"#,
    r#""aliases":["x.y","z",".w"]"#,
    r#""aliases":["1a"]"#,
    r#""aliases":["1.a"]"#,
    r#""order":"ascending""#,
    r#""order":"DESCENDING""#,
    r#""order":"ignore""#,
    r#""order":"up""#,
    r#""order":1"#,
    r#""order":null"#,
    r#""doc":1"#,
    r#""doc":null"#,
    r#""doc":"""#,
    r#""doc":"a\u0000\u001f\"\\\/é\u00e9\n""#,
    r#""namespace":1"#,
    r#""namespace":"""#,
    r#""namespace":"a.b""#,
    r#""namespace":"a..b""#,
    r#""namespace":"1""#,
    r#""namespace":"a.""#,
    r#""default":"A""#,
    r#""default":"Z""#,
    r#""default":1"#,
    r#""default":null"#,
    r#""name":"Again""#,
    r#""name":"a.B""#,
    r#""name":".B""#,
    r#""name":"B.""#,
    r#""name":"é""#,
    r#""name":"a-b""#,
    r#""name":"int""#,
    r#""name":"x.int""#,
    r#""name":"record""#,
    r#""name":"""#,
    r#""name":1"#,
    r#""size":1.0"#,
    r#""size":-1"#,
    r#""size":"1""#,
    r#""size":2147483647"#,
    r#""symbols":["A","A"]"#,
    r#""symbols":["1"]"#,
    r#""symbols":[1]"#,
    r#""symbols":"A""#,
    r#""fields":{}"#,
    r#""fields":[1]"#,
    r#""z":1,"a":{"y":1.0,"x":[1e0,null,true]},"z":2"#,
    r#""logicalType":"date""#,
    r#""logicalType":1"#,
];

/// Each is odd in its own way.
const SINGLE: &[&str] = &[
    "",
    "{",
    "[1",
    r#""int" "int""#,
    r#""int" // said"#,
    "/* said */ \"int\"",
    "// said\n[ /* more */ \"int\" ]",
    "{'type':'int'}",
    r#"{"type":"int",}"#,
    r#"{"type":"int","type":"long"}"#,
    r#"{"type":"record","fields":[]}"#,
    r#"{"type":"record","name":"R"}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"type":"int"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a.b","type":"int"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"ä","type":"int"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"𝒳","type":"int"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"ⅷ","type":"int"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a٣","type":"int"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"map","values":"int"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"array","items":"int"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"enum","symbols":["A"]}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"fixed","size":2}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"record","fields":[]}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"long","logicalType":"timestamp-millis"}]}"#,
    // A name that is defined twice.
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"R","fields":[]}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"enum","name":"R","symbols":[]}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"P","fields":[]}},{"name":"b","type":{"type":"record","name":"P","fields":[]}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"P","size":1}},{"name":"b","type":{"type":"fixed","name":"P","size":1}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"P","size":1}},{"name":"b","type":{"type":"fixed","name":"P","size":2}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"P","size":1,"x":1}},{"name":"b","type":{"type":"fixed","name":"P","size":1,"x":1}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"enum","name":"P","symbols":["A"]}},{"name":"b","type":{"type":"enum","name":"P","symbols":["A"],"doc":"d","x":1}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"enum","name":"P","symbols":["A"]}},{"name":"b","type":{"type":"enum","name":"P","symbols":["B"]}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"enum","name":"P","symbols":["A"]}},{"name":"b","type":{"type":"fixed","name":"P","size":1}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"enum","name":"x.P","symbols":["A"]}},{"name":"b","type":{"type":"fixed","name":"y.P","size":1}}]}"#,
    // Names that come later, and names in other namespaces.
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"Later"},{"name":"b","type":{"type":"fixed","name":"Later","size":1}}]}"#,
    r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":"Later"},{"name":"b","type":{"type":"fixed","name":"Later","size":1}}]}"#,
    r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":"Later"},{"name":"b","type":{"type":"fixed","name":"Later","namespace":"","size":1}}]}"#,
    r#"{"type":"record","name":"n.R","fields":[{"name":"b","type":{"type":"fixed","name":"Sooner","namespace":"","size":1}},{"name":"a","type":"Sooner"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"Later","default":"A"},{"name":"b","type":{"type":"enum","name":"Later","symbols":["A"]}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"Later","default":{}},{"name":"b","type":{"type":"record","name":"Later","fields":[]}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"Later","default":{}},{"name":"b","type":{"type":"record","name":"Later","fields":[{"name":"x","type":"int"}]}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":["Later","Later"]},{"name":"b","type":{"type":"fixed","name":"Later","size":1}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":"Later"}},{"name":"b","type":{"type":"record","name":"Later","fields":[{"name":"r","type":["null","R"]}]}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"R"}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"R","own":1}}]}"#,
    r#"{"type":"record","name":"a.R","fields":[{"name":"f","type":{"type":"fixed","name":"b.F","size":1}},{"name":"g","type":"b.F"},{"name":"h","type":{"type":"fixed","name":"H","size":1}},{"name":"i","type":"a.H"}]}"#,
    r#"{"type":"record","name":"a.R","fields":[{"name":"f","type":{"type":"record","name":"b.S","fields":[{"name":"x","type":{"type":"fixed","name":"F","size":1}}]}},{"name":"g","type":"b.F"}]}"#,
    r#"{"type":"record","name":"a.R","fields":[{"name":"f","type":{"type":"record","name":"S","namespace":"","fields":[]}},{"name":"g","type":"S"}]}"#,
    r#"{"type":"record","name":"R","namespace":"a","fields":[{"name":"f","type":{"type":"fixed","name":"array","size":1}},{"name":"g","type":"array"}]}"#,
    r#"{"type":"record","name":"R","namespace":"a","fields":[{"name":"f","type":{"type":"fixed","name":"long","size":1}},{"name":"g","type":"a.long"},{"name":"h","type":"long"}]}"#,
    r#"{"type":"record","name":"x.y.R","namespace":"a","fields":[]}"#,
    r#"{"type":"record","name":"R","namespace":null,"fields":[]}"#,
    r#"{"aliases":["O"],"fields":[{"default":1,"aliases":["o"],"order":"ignore","x":1,"doc":"d","type":"int","name":"f"}],"own":1,"doc":"d","name":"R","type":"record"}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"f","type":"double","default":"1"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"f","type":"double","default":" 1e3 "}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"f","type":"float","default":"-Infinity"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"f","type":"float","default":"1f"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"f","type":"float","default":"one"}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"f","type":["double"],"default":"1"}]}"#,
    r#"{"type":"int","x":01}"#,
    r#"{"type":"int","x":1.}"#,
    r#"{"type":"int","x":-1.0e-7}"#,
    r#"{"type":"int","x":[0.001,0.00099,9999999.5,10000000.0,1e21,1E-5,-0.0,100]}"#,
    r#"{"type":"int","x":NaN}"#,
    "{\"type\":\"int\",\"x\":\"\t\"}",
    r#"{"type":"int","x":"\ud83d\ude00 \u2028 \u007f </b>"}"#,
    r#"{"type":"int","":1," ":2}"#,
];

/// A schema, those that it refers to, and another that may be the same.
const PAIRS: &[(&str, &[&str], &str)] = &[
    (
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":"n.P"}]}"#,
        &[r#"{"type":"record","name":"n.P","fields":[]}"#],
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":{"type":"record","name":"P","namespace":"n","fields":[]}}]}"#,
    ),
    (
        r#"{"type":"record","name":"n.A","fields":[{"name":"p","type":"P"},{"name":"q","type":["null","n.P"]}]}"#,
        &[r#"{"type":"fixed","name":"n.P","size":2,"own":1}"#],
        r#"{"type":"record","name":"n.A","fields":[{"name":"p","type":{"type":"fixed","name":"P","size":2,"own":1}},{"name":"q","type":["null","P"]}]}"#,
    ),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":"P"}]}"#,
        &[r#"{"type":"fixed","name":"P","size":2}"#],
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":{"type":"fixed","name":"P","size":3}}]}"#,
    ),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":"Outer"},{"name":"q","type":"Inner"}]}"#,
        &[
            r#"{"type":"record","name":"Outer","fields":[{"name":"i","type":{"type":"fixed","name":"Inner","size":1}}]}"#,
        ],
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":{"type":"record","name":"Outer","fields":[{"name":"i","type":{"type":"fixed","name":"Inner","size":1}}]}},{"name":"q","type":"Inner"}]}"#,
    ),
    (
        r#""P""#,
        &[r#"{"type":"fixed","name":"P","size":2}"#],
        r#"{"type":"fixed","name":"P","size":2}"#,
    ),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":{"type":"record","name":"P","fields":[]}}]}"#,
        &[r#"{"type":"record","name":"P","fields":[]}"#],
        r#"{"type":"record","name":"A","fields":[]}"#,
    ),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":{"type":"fixed","name":"P","size":2}}]}"#,
        &[r#"{"type":"fixed","name":"P","size":2}"#],
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":{"type":"fixed","name":"P","size":2}}]}"#,
    ),
    (r#"{"type":"int","b":1,"a":{"y":1,"x":2}}"#, &[], r#"{"a":{"x":2,"y":1},"type":"int","b":1}"#),
    (r#"{"type":"int","b":1.0}"#, &[], r#"{"type":"int","b":1e0}"#),
    (r#"{"type":"int","b":1}"#, &[], r#"{"type":"int","b":1.0}"#),
    (r#"{"type":"int","b":"é"}"#, &[], r#"{"type":"int","b":"\u00e9"}"#),
    (r#"{"type":"int","name":"x"}"#, &[], r#""int""#),
    (r#"{"type":"int","b":[1,2]}"#, &[], r#"{"type":"int","b":[2,1]}"#),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":"double","default":1.0}]}"#,
        &[],
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":"double","default":1e0}]}"#,
    ),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":"double","default":1}]}"#,
        &[],
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":"double","default":1.0}]}"#,
    ),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":"int","order":"ignore"}]}"#,
        &[],
        r#"{"type":"record","name":"A","fields":[{"name":"p","type":"int"}]}"#,
    ),
    (
        r#"{"name":"A","fields":[{"type":"int","name":"p","order":"ascending"}],"namespace":"n","type":"record"}"#,
        &[],
        r#"{"type":"record","name":"n.A","fields":[{"name":"p","type":"int"}]}"#,
    ),
];

/// The whole list.
pub(crate) fn schemas() -> Vec<Odd> {
    let put = |places: &[&str], values: &[&str], comma: &str| {
        let mut made = Vec::new();
        for place in places {
            made.extend(
                values.iter().map(|it| Odd::alone(place.replace('@', &format!("{comma}{it}")))),
            );
        }
        made
    };
    let mut all = put(PLACES, TYPES, "");
    for kind in DEFAULTED {
        let place = format!(
            r#"{{"type":"record","name":"Top","fields":[{{"name":"f","type":{kind},"default":@}}]}}"#
        );
        all.extend(put(&[&place], DEFAULTS, ""));
    }
    all.extend(put(CARRIERS, ATTRIBUTES, ","));
    all.extend(SINGLE.iter().map(|schema| Odd::alone(*schema)));
    all.extend(PAIRS.iter().map(|(schema, references, other)| Odd {
        schema: (*schema).to_owned(),
        references: references.iter().map(|it| (*it).to_owned()).collect(),
        other: Some((*other).to_owned()),
    }));
    all
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("java-schemas/odd.jsonl")
}

/// What is recorded: a line for each schema, with Java's answers.
fn written() -> Vec<Value> {
    let text = std::fs::read_to_string(file()).expect("it is part of the repository");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn java_says_of_odd_schemas_what_is_written_down() {
    let Some(java) = JavaSchemas::build(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let lines: Vec<Value> = schemas().iter().map(Odd::line).collect();
    let asked: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = java.answers("Odd", &asked);
    assert_eq!(answers.len(), lines.len());
    let mut said = lines;
    for (line, answer) in said.iter_mut().zip(&answers) {
        for (name, value) in answer.as_object().expect("an answer has names") {
            line[name] = value.clone();
        }
    }
    if std::env::var_os("WORKSHOP_RECORD").is_some() {
        let text: String = said.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(file(), text).expect("it can be written");
    }
    let written = written();
    let differ: Vec<_> =
        said.iter().zip(&written).filter(|(said, written)| said != written).collect();
    assert!(differ.is_empty() && said.len() == written.len(), "{differ:#?}");
}

/// Registers what a line refers to, and returns the body of a request with its schema.
fn body(registry: &TestRegistry, line: &Value, number: usize) -> Value {
    let texts = line["references"].as_array().expect("a list");
    let mut references = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let subject = format!("needed-{number}-{index}");
        registry.register(&subject, &json!({ "schema": text }));
        references.push(json!({ "name": subject, "subject": subject, "version": 1 }));
    }
    json!({ "schema": line["schema"], "references": references })
}

#[tokio::test]
async fn the_registry_says_of_odd_schemas_what_java_says() {
    let written = written();
    assert_eq!(written.len(), schemas().len(), "the list has changed: write it down again");
    let registry = TestRegistry::start().await;
    registry.put("/config", &json!({ "compatibility": "NONE" }));
    registry.register("known", &json!({ "schema": "\"null\"" }));
    let mut differ = Vec::new();
    // All that are refused; of the others, which a test of the crate goes through, some.
    let asked = |(number, line): &(usize, &Value)| {
        let is_odd = line["new"].is_null() || line["references"] != json!([]);
        is_odd || number % 8 == 0
    };
    // An empty schema never gets as far as Java.
    let is_empty = |line: &Value| line["schema"] == "";
    for (number, line) in written.iter().enumerate().filter(asked) {
        let body = body(&registry, line, number);
        let looked_up = registry.post("/subjects/known", &body);
        let is_known = looked_up.status != 422 && !is_empty(line);
        if is_known == line["known"].is_null() {
            differ.push(format!(
                "looked up {}: {}, Java {}",
                body["schema"], looked_up.text, line["known"]
            ));
        }
        let registered = registry.post(&format!("/subjects/new-{number}/versions"), &body);
        match (&line["new"], registered.status) {
            (Value::Null, 422) => assert_eq!(registered.error(), (422, 42201)),
            (Value::String(printed), 200) => {
                let id = &registered.json()["id"];
                let text = registry.get(&format!("/schemas/ids/{id}/schema")).text;
                if text != *printed {
                    differ.push(format!("{}: {text}, Java prints {printed}", body["schema"]));
                }
            }
            (java, _) => {
                differ.push(format!("{}: {}, Java {java}", body["schema"], registered.text));
            }
        }
    }
    assert!(differ.is_empty(), "{} of {} differ: {differ:#?}", differ.len(), written.len());
}

#[tokio::test]
async fn what_is_equal_in_java_has_one_id_in_a_subject() {
    let registry = TestRegistry::start().await;
    registry.put("/config", &json!({ "compatibility": "NONE" }));
    for (number, line) in
        written().iter().enumerate().filter(|(_, line)| line["equal"].is_boolean())
    {
        let body = body(&registry, line, number);
        let subject = format!("/subjects/s{number}");
        let registered = registry.post(&format!("{subject}/versions"), &body);
        if line["new"].is_null() {
            assert_eq!(registered.error(), (422, 42201), "{line}");
            continue;
        }
        let other = json!({ "schema": line["other"] });
        let looked_up = registry.post(&subject, &other);
        let again = registry.register(&format!("s{number}"), &other);
        if line["equal"] == true {
            assert_eq!(looked_up.json()["version"], 1, "{line}");
            assert_eq!(again, registered.json()["id"], "{line}");
        } else {
            assert_eq!(looked_up.error(), (404, 40403), "{line}");
            assert_ne!(again, registered.json()["id"], "{line}");
        }
    }
}
