//! The registry's client beyond serializing: versions, compatibility, deleting.

use serdes::{Compatibility, Schema, SchemaId, SchemaType};

use crate::place::{Place, name, schema};

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_listed_and_a_deleted_subject_is_gone_for_good() {
    let place = Place::shared().await;
    let registry = &place.registry;
    // The name of a subject may hold anything.
    let subject = format!("{} /?#%ü", name());
    let id = registry.register(&subject, &schema(SchemaType::Json)).await.unwrap();
    assert_eq!(registry.look_up(&subject, &schema(SchemaType::Json)).await.unwrap(), id);
    assert_eq!(registry.latest(&subject).await.unwrap().id, id);
    assert_eq!(registry.versions(&subject).await.unwrap(), [1]);
    let other = registry.look_up(&subject, &schema(SchemaType::Avro)).await.unwrap_err();
    assert_eq!(other.code(), Some(40403), "{other}");

    registry.delete_subject(&subject).await.unwrap();
    for error in [
        registry.latest(&subject).await.map(drop).unwrap_err(),
        registry.versions(&subject).await.map(drop).unwrap_err(),
        registry.delete_subject(&subject).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), Some(40401), "{error}");
    }
    assert_eq!(
        registry.register(&subject, &schema(SchemaType::Avro)).await.map(drop).ok(),
        Some(())
    );
    assert_eq!(registry.versions(&subject).await.unwrap(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_follow_is_refused_with_the_reasons() {
    let place = Place::shared().await;
    let (registry, subject) = (&place.registry, name());
    let old = schema(SchemaType::Avro);
    let new = Schema::avro(&old.text().replace(
        r#""fields":["#,
        r#""fields":[
        {"name":"pilot","type":"string"},"#,
    ));
    let id = registry.register(&subject, &old).await.unwrap();

    let reasons = registry.incompatibilities(&subject, &new).await.unwrap();
    assert!(reasons.iter().any(|it| it.contains("pilot")), "{reasons:?}");
    let refused = registry.register(&subject, &new).await.unwrap_err();
    assert_eq!(refused.code(), Some(40901), "{refused}");
    assert!(refused.to_string().contains("pilot"), "{refused}");

    // A reader of the old schema does without the new field.
    let allowing = [Compatibility::None, Compatibility::Forward, Compatibility::ForwardTransitive];
    for level in Compatibility::ALL {
        registry.set_compatibility(&subject, level).await.unwrap();
        let reasons = registry.incompatibilities(&subject, &new).await.unwrap();
        assert_eq!(reasons.is_empty(), allowing.contains(&level), "{level}: {reasons:?}");
    }
    registry.set_compatibility(&subject, Compatibility::Forward).await.unwrap();
    assert_ne!(registry.register(&subject, &new).await.unwrap(), id);
    assert_eq!(registry.versions(&subject).await.unwrap(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_has_one_id_whatever_the_subject() {
    let place = Place::shared().await;
    let registry = &place.registry;
    let ids: Vec<SchemaId> = {
        let mut ids = Vec::new();
        for _ in 0..2 {
            ids.push(registry.register(&name(), &schema(SchemaType::Protobuf)).await.unwrap());
        }
        ids
    };
    assert_eq!(ids[0], ids[1]);
    assert_eq!(registry.by_id(ids[0]).await.unwrap().schema_type, SchemaType::Protobuf);
}
