//! What a schema cannot hold is an error that names the field and keeps its value to itself.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};
use serdes::{AvroDeserializer, AvroSerializer, Error, Part, RegistryClient, Schema};

use crate::place::{Place, name};

/// What is said of a value that must not be written.
async fn refusal(registry: &RegistryClient, schema: &Value, value: &impl Serialize) -> String {
    let text = schema.to_string();
    let serializer = AvroSerializer::new(registry, Schema::avro(&text)).expect("it is one");
    match serializer.serialize(&name(), Part::Value, value).await {
        Err(error @ Error::Invalid(_)) => error.to_string(),
        other => panic!("{schema}: {other:?}"),
    }
}

fn order(price: &Value) -> Value {
    json!({ "type": "record", "name": "Order", "fields": [{ "name": "items", "type":
        { "type": "array", "items": { "type": "record", "name": "Item", "fields": [
            { "name": "price", "type": price }] } } }] })
}

/// Each in a field of its own and inside unions, arrays, maps and records.
async fn check(schema: &Value, value: &(impl Serialize + Clone), problem: &str) {
    let place = Place::shared().await;
    let registry = &place.registry;
    let bare = refusal(registry, schema, value).await;
    assert!(bare.contains(&format!("the value {problem}")), "{schema}: {bare}");
    let optional = json!(["null", schema]);
    let said = refusal(registry, &optional, &Some(value)).await;
    assert!(said.contains(&format!("the value {problem}")), "{schema}: {said}");
    let map = json!({ "type": "map", "values": schema });
    let said = refusal(registry, &map, &HashMap::from([("secret", value)])).await;
    assert!(said.contains(&format!("[*] {problem}")) && !said.contains("secret"), "{said}");

    #[derive(Serialize)]
    struct Order<T> {
        items: Vec<Item<T>>,
    }
    #[derive(Serialize, Clone)]
    struct Item<T> {
        price: T,
    }
    let items = vec![Item { price: value.clone() }];
    let said = refusal(registry, &order(schema), &Order { items: items.clone() }).await;
    assert!(said.contains(&format!("items[0].price {problem}")), "{said}");
    let said = refusal(registry, &order(&optional), &Order { items }).await;
    assert!(said.contains(&format!("items[0].price {problem}")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_too_large() {
    let int = "is out of range: the schema says int, which holds -2147483648 to 2147483647";
    check(&json!("int"), &4_294_967_301_i64, int).await;
    check(&json!("int"), &2_147_483_648_u32, int).await;
    check(&json!("int"), &u32::MAX, int).await;
    check(&json!("int"), &i64::MIN, int).await;
    check(&json!("int"), &json!(2_147_483_648_u64), int).await;
    let long = "is out of range: the schema says long";
    check(&json!("long"), &(i64::MAX as u64 + 1), long).await;
    check(&json!("long"), &u64::MAX, long).await;
    check(&json!("long"), &i128::MIN, long).await;
    check(&json!("long"), &u128::MAX, long).await;
    check(&json!("float"), &1e300, "is out of range: the schema says float").await;
    check(&json!("float"), &f64::MIN, "is out of range: the schema says float").await;
    check(&json!("float"), &16_777_217, "is a number with more digits than float holds").await;
    let double = "is a number with more digits than double holds";
    check(&json!("double"), &9_007_199_254_740_993_i64, double).await;
    check(&json!("int"), &1.0, "is double, but the schema says int").await;
    check(&json!("long"), &0.5_f32, "is float, but the schema says long").await;
    check(&json!("boolean"), &1, "is int, but the schema says boolean").await;
    check(&json!("string"), &5, "is int, but the schema says string").await;
    check(&json!("int"), &"5", "is string, but the schema says int").await;
    check(&json!("string"), &[1_u8, 2], "is array, but the schema says string").await;
    check(&json!("bytes"), &[256_u16], "is array, but the schema says bytes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_logical_type_does_not_mean() {
    let of = |kind: &str, logical: &str| json!({ "type": kind, "logicalType": logical });
    let day = "is out of range: the schema says time-millis, which holds 0 to 86399999";
    check(&of("int", "time-millis"), &86_400_000, day).await;
    check(&of("int", "time-millis"), &-1, day).await;
    let day = "is out of range: the schema says time-micros, which holds 0 to 86399999999";
    check(&of("long", "time-micros"), &86_400_000_000_i64, day).await;
    check(&of("int", "date"), &2_147_483_648_i64, "is out of range: the schema says date").await;
    for moment in ["timestamp-millis", "timestamp-micros", "local-timestamp-nanos"] {
        let problem = format!("is out of range: the schema says {moment}");
        check(&of("long", moment), &u64::MAX, &problem).await;
    }
    check(&of("long", "timestamp-millis"), &"secret", "is string, but the schema says").await;
    let uuid = "is not a UUID, but the schema says uuid";
    check(&of("string", "uuid"), &"secret", uuid).await;
    let fixed = |size: u32, logical: &str| json!({ "type": "fixed", "name": "F", "size": size, "logicalType": logical });
    check(&fixed(16, "uuid"), &"6ba7b810-9dad-11d1-80b4-00c04fd430cg", uuid).await;
    let size = "has 15 bytes, but the schema says F, which has 16";
    check(&fixed(16, "uuid"), &[0_u8; 15], size).await;
    check(&fixed(16, "none"), &[0_u8; 15], size).await;
    let place = Place::shared().await;
    let said = refusal(&place.registry, &fixed(12, "duration"), &[0_i64, -1, 0]).await;
    assert!(said.contains("[1] is not a number that duration holds"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn decimals_with_too_many_digits() {
    let bytes = json!({ "type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2 });
    let mut fixed = bytes.clone();
    fixed["type"] = json!("fixed");
    (fixed["name"], fixed["size"]) = (json!("D"), json!(2));
    for schema in [&bytes, &fixed] {
        let big = |text: &str| -> bigdecimal::BigDecimal { text.parse().expect("it is one") };
        let scale = "has more digits after the point than its scale, 2, allows";
        check(schema, &big("1.005"), scale).await;
        let precision = "has more digits than its precision, 4, holds";
        check(schema, &big("100"), precision).await;
        check(schema, &big("1e1000000000"), precision).await;
        check(schema, &big("1e-1000000000"), scale).await;
        check(schema, &i128::MIN, precision).await;
        check(schema, &0.5, "is double, but the schema says").await;
        check(schema, &"secret", "is not a number, but the schema says").await;
        check(schema, &[0x7f_u8, 0xff], precision).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_schema() {
    let suit = json!({ "type": "enum", "name": "Suit", "symbols": ["CLUBS", "HEARTS"] });
    check(&suit, &"secret", "is not one of CLUBS, HEARTS").await;

    let place = Place::shared().await;
    let registry = &place.registry;
    let point = json!({ "type": "record", "name": "Point", "fields": [
        { "name": "x", "type": "int" }, { "name": "y", "type": "int", "default": 5 }] });
    let rows = [
        (&point, json!({ "x": 1, "z": "secret" }), "z is not in the schema"),
        (&point, json!({ "y": 1 }), "x is missing, and the schema has no default for it"),
        (&point, json!(null), "the value is null, but the schema says Point"),
        (
            &json!(["null", "int", "string"]),
            json!(true),
            "the value is boolean, but the schema says null or int or string",
        ),
        // An integer is no float because it is too large for an integer.
        (
            &json!(["int", "double"]),
            json!(2_147_483_648_i64),
            "is out of range: the schema says int",
        ),
        (&json!(["boolean"]), json!("secret"), "is string, but the schema says boolean"),
    ];
    for (schema, value, problem) in rows {
        let said = refusal(registry, schema, &value).await;
        assert!(said.contains(problem) && !said.contains("secret"), "{problem}: {said}");
    }

    #[derive(Serialize)]
    struct Twice {
        x: i32,
        #[serde(flatten)]
        more: HashMap<&'static str, i32>,
    }
    let twice = Twice { x: 1, more: HashMap::from([("x", 2)]) };
    let said = refusal(registry, &point, &twice).await;
    assert!(said.contains("has a field twice"), "{said}");
    let map = json!({ "type": "map", "values": "int" });
    let said = refusal(registry, &map, &HashMap::from([([1, 2], 5)])).await;
    assert!(said.contains("has a key that is not text"), "{said}");

    #[derive(Serialize)]
    #[serde(rename_all = "UPPERCASE")]
    enum Suit {
        Spades,
    }
    let said = refusal(registry, &suit, &Suit::Spades).await;
    assert!(said.contains("is not one of CLUBS, HEARTS"), "{said}");
    let said = refusal(registry, &json!(["int", "boolean"]), &Suit::Spades).await;
    assert!(said.contains("is the variant SPADES, but the schema says int or boolean"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_programs_type_cannot_hold() {
    let place = Place::shared().await;
    let registry = &place.registry;
    let write = async |schema: &str, value: Value| {
        let serializer = AvroSerializer::new(registry, Schema::avro(schema)).unwrap();
        serializer.serialize(&name(), Part::Value, &value).await.unwrap()
    };
    let reader = AvroDeserializer::new(registry);
    let large = write(r#""double""#, json!(1e300)).await;
    let error = reader.deserialize::<f32>(&large).await.unwrap_err();
    assert!(error.to_string().contains("the value is a number that the type, f32, cannot hold"));
    let odd = write(r#""long""#, json!(9_007_199_254_740_993_i64)).await;
    for error in [
        reader.deserialize::<f64>(&odd).await.map(drop).unwrap_err(),
        reader.deserialize::<f32>(&odd).await.map(drop).unwrap_err(),
        reader.deserialize::<i32>(&odd).await.map(drop).unwrap_err(),
        reader.deserialize::<String>(&odd).await.map(drop).unwrap_err(),
        reader.deserialize::<()>(&odd).await.map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::TypeMismatch(_)) && !error.to_string().contains("9007"),
            "{error}"
        );
    }
    assert_eq!(reader.deserialize::<u128>(&odd).await.unwrap(), 9_007_199_254_740_993);
    let decimal = r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#;
    let price = write(decimal, json!("12.34")).await;
    for error in [
        reader.deserialize::<i64>(&price).await.map(drop).unwrap_err(),
        reader.deserialize::<f64>(&price).await.map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::TypeMismatch(_)) && !error.to_string().contains("12"),
            "{error}"
        );
    }
    assert_eq!(reader.deserialize::<String>(&price).await.unwrap(), "12.34");
}
