//! The envelope on the wire: `{"item": payload, "hist": {"svc", "dt", "refs"}}`.
//!
//! A history is nested, three levels of JSON for each of its own, and serde_json stops at 128. A
//! deeper one is read level by level, each as text first: however deep the text is, it uses no more
//! stack than [`DEEPEST`] levels do.

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Error;
use serde_json::value::RawValue;

use crate::history::{History, Ref, depth};

/// How many levels of a history are kept. Deeper ones are cut off, with a warning.
pub const DEEPEST: usize = 100;

/// Returns the bytes of a record: the payload, and a history which says that `service` made it now
/// from `refs`.
///
/// # Errors
/// If the payload does not serialize to JSON.
pub fn pack_kafka_payload<T: Serialize + ?Sized>(
    service: &str,
    payload: &T,
    refs: &[Ref],
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    pack_into(&mut bytes, service, Utc::now(), payload, refs)?;
    Ok(bytes)
}

/// Does what [`pack_kafka_payload`] does, at a given time, and overwrites `bytes`: packing many
/// needs only one buffer.
pub(super) fn pack_into<T: Serialize + ?Sized>(
    bytes: &mut Vec<u8>,
    service: &str,
    at: DateTime<Utc>,
    payload: &T,
    refs: &[Ref],
) -> Result<(), Error> {
    bytes.clear();
    if depth(refs) > DEEPEST {
        tracing::warn!(service, "a lineage is cut off after {DEEPEST} levels");
    }
    let hist = HistoryOut { service, at, refs, level: 1 };
    serde_json::to_writer(bytes, &EnvelopeOut { item: payload, hist })
}

/// Returns the payload of a record, and its history. A single object instead of the list of refs,
/// as older versions wrote it, counts as a list of one.
///
/// # Errors
/// If the bytes are not JSON, not an envelope, or hold another payload than `T`. By default Python
/// writes values that are not JSON: `NaN`, `Infinity` and half of a surrogate pair. The error names
/// them.
pub fn unpack_kafka_payload<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, History), Error> {
    // Checking the whole text as UTF-8 once is cheaper than checking each string.
    let text = std::str::from_utf8(bytes).map_err(Error::custom)?;
    if let Ok(Plain { item, hist }) = serde_json::from_str(text) {
        return Ok((item, hist.into()));
    }
    let EnvelopeIn { item: payload, hist } =
        serde_json::from_str(text).map_err(|error| named(error, text))?;
    let mut cut_off = false;
    let history = read_history(hist.get(), 1, &mut cut_off);
    let history = history.map_err(|error| named(error, hist.get()))?;
    if cut_off {
        let service = history.service.as_str();
        tracing::warn!(service, "a lineage is cut off after {DEEPEST} levels");
    }
    Ok((payload, history))
}

/// Returns the error with the name of the value that is not JSON but that Python writes, if that is
/// the reason.
fn named(error: Error, text: &str) -> Error {
    if !error.is_syntax() {
        return error;
    }
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let place = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
    // serde_json has two messages for half of a pair, one for each half.
    let name = match error.to_string() {
        message if message.contains("hex escape") => "half of a surrogate pair",
        _ if place.starts_with("NaN") => "NaN",
        _ if place.starts_with("Infinity") => "Infinity",
        _ => return error,
    };
    Error::custom(format_args!("{name} is no JSON, though Python writes it: {error}"))
}

#[derive(Serialize)]
struct EnvelopeOut<'a, T: ?Sized> {
    item: &'a T,
    hist: HistoryOut<'a>,
}

struct HistoryOut<'a> {
    service: &'a str,
    at: DateTime<Utc>,
    refs: &'a [Ref],
    level: usize,
}

impl Serialize for HistoryOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("hist", 3)?;
        fields.serialize_field("svc", self.service)?;
        // Microseconds and a numeric offset: even older versions of Python's datetime read that.
        let at = self.at.trunc_subsecs(6).to_rfc3339_opts(SecondsFormat::Micros, false);
        fields.serialize_field("dt", &at)?;
        fields.serialize_field("refs", &RefsOut { refs: self.refs, level: self.level })?;
        fields.end()
    }
}

struct RefsOut<'a> {
    refs: &'a [Ref],
    level: usize,
}

impl Serialize for RefsOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kept = if self.level < DEEPEST { self.refs } else { &[] };
        let mut list = serializer.serialize_seq(Some(kept.len()))?;
        for one in kept {
            list.serialize_element(&RefOut { one, level: self.level + 1 })?;
        }
        list.end()
    }
}

struct RefOut<'a> {
    one: &'a Ref,
    level: usize,
}

impl Serialize for RefOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Ref { topic, partition, offset, key, hist } = self.one;
        let hist = hist.as_ref().map(|History { service, at, refs }| HistoryOut {
            service,
            at: *at,
            refs,
            level: self.level,
        });
        let mut fields = serializer.serialize_struct("ref", 5)?;
        fields.serialize_field("topic", topic)?;
        fields.serialize_field("partition", partition)?;
        fields.serialize_field("offset", offset)?;
        fields.serialize_field("key", key)?;
        fields.serialize_field("hist", &hist)?;
        fields.end()
    }
}

/// The usual envelope, read in one pass: few levels, and each with a list of refs.
#[derive(Deserialize)]
struct Plain<T> {
    item: T,
    hist: PlainHistory,
}

#[derive(Deserialize)]
struct PlainHistory {
    svc: String,
    #[serde(deserialize_with = "rfc_3339")]
    dt: DateTime<Utc>,
    refs: Vec<PlainRef>,
}

#[derive(Deserialize)]
struct PlainRef {
    topic: String,
    partition: i32,
    offset: i64,
    key: Option<String>,
    hist: Option<PlainHistory>,
}

/// Most producers write exactly RFC 3339, for which chrono has a parser that takes a third of the
/// time. Anything that its usual parser reads is accepted too.
fn rfc_3339<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let text: &str = Deserialize::deserialize(deserializer)?;
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Ok(at.to_utc()),
        Err(_) => text.parse().map_err(D::Error::custom),
    }
}

impl From<PlainHistory> for History {
    fn from(PlainHistory { svc, dt, refs }: PlainHistory) -> Self {
        History { service: svc, at: dt, refs: refs.into_iter().map(Ref::from).collect() }
    }
}

impl From<PlainRef> for Ref {
    fn from(PlainRef { topic, partition, offset, key, hist }: PlainRef) -> Self {
        Ref { topic, partition, offset, key, hist: hist.map(History::from) }
    }
}

/// An envelope of any depth, read level by level.
#[derive(Deserialize)]
struct EnvelopeIn<'a, T> {
    item: T,
    #[serde(borrow)]
    hist: &'a RawValue,
}

#[derive(Deserialize)]
struct HistoryIn<'a> {
    svc: String,
    dt: DateTime<Utc>,
    #[serde(borrow, default)]
    refs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RefIn<'a> {
    topic: String,
    partition: i32,
    offset: i64,
    #[serde(default)]
    key: Option<String>,
    #[serde(borrow, default)]
    hist: Option<&'a RawValue>,
}

fn read_history(text: &str, level: usize, cut_off: &mut bool) -> Result<History, Error> {
    let HistoryIn { svc, dt, refs } = serde_json::from_str(text)?;
    let refs: Vec<RefIn<'_>> = match refs.map(RawValue::get) {
        None => Vec::new(),
        Some(one) if one.starts_with('{') => vec![serde_json::from_str(one)?],
        Some(list) => serde_json::from_str(list)?,
    };
    let mut history = History { service: svc, at: dt, refs: Vec::new() };
    if level == DEEPEST {
        *cut_off |= !refs.is_empty();
        return Ok(history);
    }
    for RefIn { topic, partition, offset, key, hist } in refs {
        let hist = hist.map(|text| read_history(text.get(), level + 1, cut_off)).transpose()?;
        history.refs.push(Ref { topic, partition, offset, key, hist });
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T12:00:00.123456Z".parse().unwrap()
    }

    fn pack_at<T: Serialize>(
        service: &str,
        at: DateTime<Utc>,
        payload: &T,
        refs: &[Ref],
    ) -> Vec<u8> {
        let mut bytes = b"what stood here before".to_vec();
        pack_into(&mut bytes, service, at, payload, refs).unwrap();
        bytes
    }

    fn reference(offset: i64, refs: Vec<Ref>) -> Ref {
        let hist = Some(History { service: format!("stage-{offset}"), at: now(), refs });
        Ref { topic: "departures".to_owned(), partition: 1, offset, key: None, hist }
    }

    /// A history of so many levels, without the one that is packed.
    fn nested(levels: usize) -> Vec<Ref> {
        (1..=levels as i64).fold(Vec::new(), |refs, offset| vec![reference(offset, refs)])
    }

    #[test]
    fn the_envelope_has_the_fields_that_other_languages_read() {
        let refs = [Ref { key: Some("WS042".to_owned()), ..reference(7, vec![]) }];
        let packed = pack_at("boards", now(), &json!({"gate": 7}), &refs);
        let dt = "2026-11-21T12:00:00.123456+00:00";
        let expected = json!({
            "item": {"gate": 7},
            "hist": {"svc": "boards", "dt": dt, "refs": [{
                "topic": "departures", "partition": 1, "offset": 7, "key": "WS042",
                "hist": {"svc": "stage-7", "dt": dt, "refs": []}
            }]}
        });
        assert_eq!(serde_json::from_slice::<Value>(&packed).unwrap(), expected);
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let refs = vec![reference(2, nested(3)), Ref { hist: None, ..reference(5, vec![]) }];
        let packed = pack_at("boards", now(), &[1.5, 2.0], &refs);
        let (payload, history): (Vec<f64>, History) = unpack_kafka_payload(&packed).unwrap();
        assert_eq!(payload, [1.5, 2.0]);
        assert_eq!(history, History { service: "boards".to_owned(), at: now(), refs });
    }

    #[test]
    fn a_time_is_written_as_exactly_as_it_is_read() {
        let packed = pack_kafka_payload("boards", &(), &[]).unwrap();
        let ((), history): ((), History) = unpack_kafka_payload(&packed).unwrap();
        let again = pack_at("boards", history.at, &(), &[]);
        assert_eq!(again, packed);
    }

    #[test]
    fn a_lineage_of_a_hundred_levels_is_kept_and_one_deeper_is_cut_off() {
        for (levels, kept) in [(99, 100), (100, 100), (250, 100)] {
            let packed = pack_at("last", now(), &(), &nested(levels));
            let ((), history): ((), History) = unpack_kafka_payload(&packed).unwrap();
            assert_eq!(depth(&history.refs), kept, "{levels} levels below");
        }
    }

    #[test]
    fn a_text_of_any_depth_is_cut_off_and_harms_nobody() {
        let open = r#"{"svc":"s","dt":"2026-11-21T12:00:00Z","refs":[{"topic":"t","partition":0,"offset":0,"key":null,"hist":"#;
        let last = r#"{"svc":"first","dt":"2026-11-21T12:00:00Z","refs":[]}"#;
        let levels = 3000;
        let text = format!(
            r#"{{"item":null,"hist":{}{last}{}}}"#,
            open.repeat(levels),
            "}]}".repeat(levels)
        );
        let ((), history): ((), History) = unpack_kafka_payload(text.as_bytes()).unwrap();
        assert_eq!(depth(&history.refs), DEEPEST);
        let deep = format!(r#"{{"item":{},"hist":{last}}}"#, "[".repeat(1_000_000));
        assert!(unpack_kafka_payload::<Value>(deep.as_bytes()).is_err());
    }

    #[test]
    fn an_old_single_object_and_missing_refs_are_read() {
        let one = r#"{"topic":"t","partition":0,"offset":3,"key":"k"}"#;
        for (refs, count) in [
            (format!(r#","refs":{one}"#), 1),
            (format!(r#","refs":[{one}, {one}]"#), 2),
            (r#","refs":null"#.to_owned(), 0),
            (String::new(), 0),
        ] {
            let text = format!(
                r#"{{"item":1,"hist":{{"svc":"s","dt":"2026-11-21T13:00:00+01:00"{refs}}}}}"#
            );
            let (_, history): (i32, History) = unpack_kafka_payload(text.as_bytes()).unwrap();
            assert_eq!(history.refs.len(), count, "{text}");
            assert_eq!(history.at.to_rfc3339(), "2026-11-21T12:00:00+00:00");
        }
    }

    #[test]
    fn what_python_writes_and_is_no_json_is_named() {
        for (item, name) in [
            ("NaN", "NaN is no JSON"),
            ("[1.5,\n {\"é\": Infinity}]", "Infinity is no JSON"),
            ("[-Infinity]", "Infinity is no JSON"),
            (r#""\ud800""#, "half of a surrogate pair is no JSON"),
            (r#""\ud800\u0020""#, "half of a surrogate pair is no JSON"),
            (r#""\ud800NaN""#, "half of a surrogate pair is no JSON"),
            (r#""\udc00 NaN""#, "half of a surrogate pair is no JSON"),
            (r#""NaN"#, "EOF while parsing a string"),
            ("nil", "expected ident"),
        ] {
            let hist = r#"{"svc": "delays", "dt": "2026-11-21T12:00:00+00:00", "refs": []}"#;
            let text = format!(r#"{{"hist": {hist}, "item": {item}}}"#);
            let error = unpack_kafka_payload::<Value>(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(name), "{item}: {error}");
        }
        let hist = r#"{"svc": "\ud800", "dt": "2026-11-21T12:00:00+00:00", "refs": []}"#;
        let text = format!(r#"{{"item": null, "hist": {hist}}}"#);
        let error = unpack_kafka_payload::<()>(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("half of a surrogate pair is no JSON"), "{error}");
    }

    #[test]
    fn what_is_no_envelope_says_what_is_missing() {
        for (text, missing) in [
            ("plain", "expected"),
            (r#"{"hist":{"svc":"s","dt":"2026-11-21T12:00:00Z"}}"#, "item"),
            (r#"{"item":1}"#, "hist"),
            (r#"{"item":1,"hist":{"dt":"2026-11-21T12:00:00Z"}}"#, "svc"),
            (r#"{"item":1,"hist":{"svc":"s","dt":"yesterday"}}"#, "invalid"),
        ] {
            let error = unpack_kafka_payload::<Value>(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(missing), "{error}");
        }
    }
}
