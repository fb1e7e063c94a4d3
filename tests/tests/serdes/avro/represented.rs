//! How serde's shapes are laid out: enums in their four representations, unions, renamed, left out
//! and flattened fields, records in records.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use serdes::{AvroDeserializer, AvroSerializer, Part, Schema, prefix};

use super::seen::hex;
use crate::place::{Place, name};

/// Writes, expects these bytes, and reads the same value.
async fn check<T>(schema: &Value, value: &T, bytes: &str)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let place = Place::shared().await;
    let schema = Schema::avro(&schema.to_string());
    let serializer = AvroSerializer::new(&place.registry, schema).expect("it is one");
    let written = serializer.serialize(&name(), Part::Value, value).await;
    let written = written.unwrap_or_else(|error| panic!("{value:?}: {error}"));
    assert_eq!(hex(prefix::split(&written).expect("it has one").1), bytes, "{value:?}");
    let read = AvroDeserializer::new(&place.registry).deserialize::<T>(&written).await;
    assert_eq!(read.unwrap_or_else(|error| panic!("{value:?}: {error}")), *value);
}

fn circle() -> Value {
    json!({ "type": "record", "name": "Circle", "namespace": "shapes", "fields": [
        { "name": "radius", "type": "int" }] })
}

fn square() -> Value {
    json!({ "type": "record", "name": "Square", "namespace": "shapes", "fields": [
        { "name": "radius", "type": "int" }] })
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Square {
    radius: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Circle {
        radius: i32,
    },
    #[serde(rename = "shapes.Square")]
    Square(Square),
    Null,
    String(String),
    #[serde(rename = "timestamp-millis")]
    At(i64),
    #[serde(rename = "RED")]
    Red,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variant_is_the_branch_of_its_name() {
    let color = json!({ "type": "enum", "name": "Color", "symbols": ["RED"] });
    let at = json!({ "type": "long", "logicalType": "timestamp-millis" });
    let union = json!(["null", circle(), square(), "string", at, color]);
    check(&union, &Shape::Circle { radius: 5 }, "020a").await;
    check(&union, &Shape::Square(Square { radius: 5 }), "040a").await;
    check(&union, &Shape::Null, "00").await;
    check(&union, &Shape::String("RED".to_owned()), "0606524544").await;
    check(&union, &Shape::At(5), "080a").await;
    check(&union, &Shape::Red, "0a00").await;
    // The struct's own name decides where two records look alike.
    check(&json!([circle(), square()]), &Square { radius: 5 }, "020a").await;
    let several = json!({ "type": "array", "items": union });
    check(&several, &vec![Shape::Red, Shape::Null], "040a000000").await;
    let optional = vec![Some(Shape::At(-1)), None];
    check(&several, &optional, "0408010000").await;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Tagged {
    Gate { number: u8 },
    Stand { name: String },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Number(i64),
    Nothing,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Ratio(f64),
    Text(String),
    Many(Vec<Untagged>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum External {
    Number(i64),
    Pair(i32, i32),
}

#[tokio::test(flavor = "multi_thread")]
async fn the_four_representations_of_enums() {
    let nullable =
        |name: &str, of: &str| json!({ "name": name, "type": ["null", of], "default": null });
    let tagged = json!({ "type": "record", "name": "Tagged", "fields": [
        { "name": "kind", "type": { "type": "enum", "name": "Kind", "symbols": ["gate", "stand"] } },
        nullable("number", "int"), nullable("name", "string")] });
    check(&tagged, &Tagged::Gate { number: 5 }, "00020a00").await;
    check(&tagged, &Tagged::Stand { name: "a".to_owned() }, "0200020261").await;
    let adjacent = json!({ "type": "record", "name": "Adjacent", "fields": [
        { "name": "t", "type": "string" }, nullable("c", "long")] });
    check(&adjacent, &Adjacent::Number(5), "0c4e756d626572020a").await;
    check(&adjacent, &Adjacent::Nothing, "0e4e6f7468696e6700").await;
    let array = json!({ "type": "array", "items": ["long", "double"] });
    let untagged = json!(["long", "double", "string", array]);
    check(&untagged, &Untagged::Number(5), "000a").await;
    check(&untagged, &Untagged::Ratio(-0.0), "020000000000000080").await;
    check(&untagged, &Untagged::Text("a".to_owned()), "040261").await;
    check(&untagged, &Untagged::Many(vec![Untagged::Number(1)]), "0602000200").await;
    let ints = json!({ "type": "array", "items": "int" });
    let external = json!({ "type": "record", "name": "External", "fields": [
        nullable("Number", "long"), { "name": "Pair", "type": ["null", ints], "default": null }] });
    check(&external, &External::Number(5), "020a00").await;
    check(&external, &External::Pair(1, 2), "000204020400").await;
    check(
        &json!({ "type": "map", "values": "long" }),
        &External::Number(5),
        "020c4e756d6265720a00",
    )
    .await;
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Person {
    #[serde(rename = "givenName")]
    given: String,
    #[serde(skip)]
    cached: u8,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    age: Option<u64>,
    #[serde(flatten)]
    home: Home,
    #[serde(default)]
    friends: Vec<Person>,
    #[serde(flatten)]
    more: BTreeMap<String, String>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Home {
    city: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_renamed_left_out_flattened_and_found_in_records_of_their_own_kind() {
    let schema = json!({ "type": "record", "name": "Person", "namespace": "a.b", "fields": [
        { "name": "age", "type": ["null", "long"], "default": null },
        { "name": "friends", "type": { "type": "array", "items": "Person" }, "default": [] },
        { "name": "city", "type": "string" },
        { "name": "note", "type": "string", "default": "n" },
        { "name": "givenName", "type": "string" }] });
    let person = |name: &str, age, friends| Person {
        given: name.to_owned(),
        age,
        home: Home { city: "c".to_owned() },
        friends,
        more: BTreeMap::from([("note".to_owned(), "m".to_owned())]),
        cached: 0,
    };
    let friend = person("f", None, Vec::new());
    let bytes = "02 0a 02 00 00 0263 026d 0266 00 0263 026d 0270".replace(' ', "");
    check(&schema, &person("p", Some(5), vec![friend]), &bytes).await;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    name: String,
    next: Option<Box<Node>>,
    tree: BTreeMap<String, Node>,
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_contain_themselves_go_deep() {
    let schema = json!({ "type": "record", "name": "Node", "namespace": "", "fields": [
        { "name": "name", "type": "string" },
        { "name": "next", "type": ["null", "Node"] },
        { "name": "tree", "type": { "type": "map", "values": "Node" } }] });
    let leaf = || Node { name: "l".to_owned(), next: None, tree: BTreeMap::new() };
    let twig = Node { tree: BTreeMap::from([("k".to_owned(), leaf())]), ..leaf() };
    let tree = Node { next: Some(Box::new(twig)), ..leaf() };
    check(&schema, &tree, "026c02026c0002026b026c00000000").await;
    let mut list = leaf();
    for _ in 0..50 {
        list = Node { next: Some(Box::new(list)), ..leaf() };
    }
    let bytes = format!("{}026c00{}", "026c02".repeat(50), "00".repeat(51));
    check(&schema, &list, &bytes).await;
}
