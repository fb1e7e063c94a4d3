//! The shapes against the codec: bytes made along a shape are decoded by `kafka-protocol` to the
//! last byte and encoded again to the same bytes.

use bytes::Bytes;
use kafka_protocol::messages::{self, *};
use kafka_protocol::protocol::VersionRange;
use proptest::prelude::*;

use super::{Codec, apis, consumed, default_of};
use crate::wire::header::{self, check_header};
use crate::wire::shape::{Field, Kind, Shape};
use crate::wire::walk::{MAX_ELEMENTS, MalformedRequest, walk};

/// Checks the body of a request.
fn check(key: ApiKey, version: i16, body: &[u8]) -> Result<(), MalformedRequest> {
    let (api, _) = apis().find(|(api, _)| api.key == key).unwrap();
    walk(api.shape, version, body).map(|_| ())
}

/// Makes requests along their shapes, each seed another one.
pub(super) struct Maker {
    seed: u64,
    version: i16,
    flexible: bool,
    /// One value in this many is null, if its kind allows null; 0 for none.
    nulls: u64,
    bytes: Vec<u8>,
}

impl Maker {
    pub(super) fn request(shape: &'static Shape, version: i16, seed: u64, nulls: u64) -> Bytes {
        let flexible = version >= shape.flexible_since;
        let mut maker = Self { seed, version, flexible, nulls, bytes: Vec::new() };
        maker.fields(shape.fields);
        maker.bytes.into()
    }

    /// Returns a random number below `limit` (SplitMix64).
    fn below(&mut self, limit: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn is_null(&mut self) -> bool {
        self.nulls > 0 && self.below(self.nulls) == 0
    }

    fn fields(&mut self, fields: &'static [Field]) {
        for field in fields {
            if field.tag.is_none() && field.exists_in(self.version) {
                self.value(&field.kind, 0);
            }
        }
        if self.flexible {
            self.tagged_fields(fields);
        }
    }

    fn tagged_fields(&mut self, fields: &'static [Field]) {
        let exists = |field: &&Field| field.tag.is_some() && field.exists_in(self.version);
        let mut known: Vec<&'static Field> = fields.iter().filter(exists).collect();
        known.sort_by_key(|field| field.tag);
        known.retain(|_| self.below(2) == 0);
        let unknown = self.below(3);
        self.varint(known.len() as u64 + unknown);
        for field in known {
            let before = std::mem::take(&mut self.bytes);
            self.value(&field.kind, 1);
            let value = std::mem::replace(&mut self.bytes, before);
            self.varint(field.tag.unwrap().into());
            self.varint(value.len() as u64);
            self.bytes.extend(value);
        }
        for tag in 0..unknown {
            self.varint(100 + tag * 1000);
            self.varint(2);
            self.bytes.extend([7, 8]);
        }
    }

    /// `least` is the smallest length of a value that has one: an empty tagged field would not be
    /// encoded.
    fn value(&mut self, kind: &'static Kind, least: u64) {
        match kind {
            Kind::Boolean => self.bytes.push(1),
            Kind::NullableStruct(fields) => {
                let present = !self.is_null();
                self.bytes.push(if present { 1 } else { 0xff });
                if present {
                    self.fields(fields);
                }
            }
            Kind::Struct(fields) => self.fields(fields),
            Kind::String | Kind::PlainString => {
                let plain = matches!(kind, Kind::PlainString);
                let length = least + self.below(6);
                if let Some(length) = self.length(length, if plain { 2 } else { 0 }, 2) {
                    let from = usize::try_from(self.below(20)).unwrap();
                    self.bytes.extend(&b"abcdefghijklmnopqrstuvwxyz"[from..from + length]);
                }
            }
            Kind::Bytes => {
                let length = least + self.below(200);
                if let Some(length) = self.length(length, 0, 4) {
                    self.bytes.extend(vec![0xab; length]);
                }
            }
            Kind::Array(element) => {
                let count = least + self.below(4);
                for _ in 0..self.length(count, 0, 4).unwrap_or(0) {
                    self.value(element, 0);
                }
            }
            fixed => {
                for _ in 0..fixed.fixed_size().unwrap() {
                    let byte = 1 + self.below(100);
                    self.bytes.push(byte as u8);
                }
            }
        }
    }

    /// Writes a length, or null: in `always` bytes unless that is 0, otherwise as a varint in the
    /// flexible encoding and in `plain` bytes in the other.
    fn length(&mut self, length: u64, always: usize, plain: usize) -> Option<usize> {
        let null = self.is_null();
        let width = if always > 0 { always } else { plain };
        if self.flexible && always == 0 {
            self.varint(if null { 0 } else { length + 1 });
        } else if null {
            self.bytes.extend(vec![0xff; width]);
        } else {
            self.bytes.extend(&length.to_be_bytes()[8 - width..]);
        }
        (!null).then(|| usize::try_from(length).unwrap())
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// Returns every request in every version that the codec has, not only those that are advertised.
fn every_version() -> impl Iterator<Item = (&'static Codec, &'static Shape, i16)> {
    apis().flat_map(|(api, codec)| {
        let VersionRange { min, max } = codec.versions;
        (min..=max).map(move |version| (codec, api.shape, version))
    })
}

#[test]
fn a_default_request_is_walked_to_its_last_byte() {
    for (codec, shape, version) in every_version() {
        let key = codec.key;
        let bytes = (codec.default)(version);
        let extent = walk(shape, version, &bytes);
        assert_eq!(extent.map(|e| e.bytes), Ok(bytes.len()), "{key:?} v{version}");
    }
}

#[test]
fn a_description_says_what_the_codec_reads_and_writes() {
    for (codec, shape, version) in every_version() {
        let key = codec.key;
        for seed in 0..50 {
            let bytes = Maker::request(shape, version, seed, 0);
            let whole = Ok((bytes.len(), bytes.clone()));
            assert_eq!((codec.decoded)(&bytes, version), whole, "{key:?} v{version} {seed}");
            let extent = walk(shape, version, &bytes).map(|e| e.bytes);
            assert_eq!(extent, Ok(bytes.len()), "{key:?} v{version} {seed}");
        }
    }
}

#[test]
fn null_takes_the_bytes_that_the_codec_takes() {
    let mut accepted = 0;
    for (codec, shape, version) in every_version() {
        let key = codec.key;
        for seed in 0..50 {
            let bytes = Maker::request(shape, version, seed, 6);
            assert_eq!(walk(shape, version, &bytes).map(|e| e.bytes), Ok(bytes.len()));
            if let Some(consumed) = (codec.consumed)(&bytes, version) {
                assert_eq!(consumed, bytes.len(), "{key:?} v{version} {seed}");
                accepted += 1;
            }
        }
    }
    assert!(accepted > 1000, "only {accepted} requests with nulls were decoded");
}

#[test]
fn a_truncated_request_is_rejected_at_every_byte() {
    for (codec, shape, version) in every_version() {
        let key = codec.key;
        let bytes = Maker::request(shape, version, 1, 0);
        for end in 0..bytes.len() {
            assert!(
                walk(shape, version, &bytes[..end]).is_err(),
                "{key:?} v{version} cut at {end}"
            );
        }
    }
}

#[test]
fn bytes_after_a_request_are_ignored() {
    let mut bytes = default_of::<HeartbeatRequest>(4).to_vec();
    bytes.extend(b"more");
    assert_eq!(check(ApiKey::Heartbeat, 4, &bytes), Ok(()));
}

#[test]
fn four_bytes_cannot_claim_two_billion_topics() {
    let claim = i32::MAX.to_be_bytes();
    assert_eq!(
        check(ApiKey::Metadata, 0, &claim),
        Err(MalformedRequest::Count {
            field: "topics",
            count: i32::MAX as usize,
            least: 2,
            left: 0
        })
    );
    // The same as a varint, after which there is nothing either.
    let claim = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let count = u32::MAX as usize - 1;
    assert_eq!(
        check(ApiKey::Metadata, 9, &claim),
        Err(MalformedRequest::Count { field: "topics", count, least: 2, left: 0 })
    );
}

#[test]
fn a_length_below_minus_one_is_rejected() {
    assert_eq!(
        check(ApiKey::Metadata, 0, &(-2_i32).to_be_bytes()),
        Err(MalformedRequest::Negative { field: "topics", length: -2 })
    );
    assert_eq!(
        check(ApiKey::Heartbeat, 1, &(-2_i16).to_be_bytes()),
        Err(MalformedRequest::Negative { field: "group_id", length: -2 })
    );
}

#[test]
fn a_varint_beyond_32_bits_is_rejected() {
    let long = [0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let wide = [0xff, 0xff, 0xff, 0xff, 0x7f];
    for claim in [&long[..], &wide[..]] {
        assert_eq!(
            check(ApiKey::Metadata, 9, claim),
            Err(MalformedRequest::Varint { field: "topics" })
        );
    }
}

#[test]
fn a_tagged_field_of_a_later_version_is_rejected() {
    // Fetch 12 ends with an empty rack and its tagged fields; tag 1 (replica_state) comes with 15.
    let mut bytes = default_of::<FetchRequest>(12).to_vec();
    assert_eq!(bytes.pop(), Some(0));
    bytes.extend([1, 1, 0]);
    assert_eq!(
        check(ApiKey::Fetch, 12, &bytes),
        Err(MalformedRequest::Tag { field: "replica_state", version: 12 })
    );
}

#[test]
fn a_request_has_at_most_a_million_elements() {
    let most = |count: usize| {
        let mut bytes = (u32::try_from(count).unwrap()).to_be_bytes().to_vec();
        bytes.resize(4 + 2 * count, 0);
        check(ApiKey::Metadata, 0, &bytes)
    };
    assert_eq!(most(MAX_ELEMENTS), Ok(()));
    assert_eq!(most(MAX_ELEMENTS + 1), Err(MalformedRequest::Elements));
}

#[test]
fn no_element_is_larger_than_the_documented_bound() {
    let sizes = [
        size_of::<messages::produce_request::PartitionProduceData>(),
        size_of::<messages::produce_request::TopicProduceData>(),
        size_of::<messages::fetch_request::FetchPartition>(),
        size_of::<messages::fetch_request::FetchTopic>(),
        size_of::<messages::fetch_request::ForgottenTopic>(),
        size_of::<messages::fetch_request::ReplicaState>(),
        size_of::<messages::list_offsets_request::ListOffsetsPartition>(),
        size_of::<messages::list_offsets_request::ListOffsetsTopic>(),
        size_of::<messages::offset_for_leader_epoch_request::OffsetForLeaderPartition>(),
        size_of::<messages::offset_for_leader_epoch_request::OffsetForLeaderTopic>(),
        size_of::<messages::delete_records_request::DeleteRecordsPartition>(),
        size_of::<messages::delete_records_request::DeleteRecordsTopic>(),
        size_of::<messages::offset_commit_request::OffsetCommitRequestPartition>(),
        size_of::<messages::offset_commit_request::OffsetCommitRequestTopic>(),
        size_of::<messages::offset_fetch_request::OffsetFetchRequestGroup>(),
        size_of::<messages::offset_fetch_request::OffsetFetchRequestTopic>(),
        size_of::<messages::offset_fetch_request::OffsetFetchRequestTopics>(),
        size_of::<messages::join_group_request::JoinGroupRequestProtocol>(),
        size_of::<messages::sync_group_request::SyncGroupRequestAssignment>(),
        size_of::<messages::leave_group_request::MemberIdentity>(),
        size_of::<messages::offset_delete_request::OffsetDeleteRequestPartition>(),
        size_of::<messages::offset_delete_request::OffsetDeleteRequestTopic>(),
        size_of::<messages::consumer_group_heartbeat_request::TopicPartitions>(),
        size_of::<messages::metadata_request::MetadataRequestTopic>(),
        size_of::<messages::describe_topic_partitions_request::Cursor>(),
        size_of::<messages::create_topics_request::CreatableReplicaAssignment>(),
        size_of::<messages::create_topics_request::CreatableTopic>(),
        size_of::<messages::create_topics_request::CreatableTopicConfig>(),
        size_of::<messages::delete_topics_request::DeleteTopicState>(),
        size_of::<messages::create_partitions_request::CreatePartitionsAssignment>(),
        size_of::<messages::create_partitions_request::CreatePartitionsTopic>(),
        size_of::<messages::elect_leaders_request::TopicPartitions>(),
        size_of::<messages::alter_partition_reassignments_request::ReassignablePartition>(),
        size_of::<messages::alter_partition_reassignments_request::ReassignableTopic>(),
        size_of::<messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics>(
        ),
        size_of::<messages::describe_log_dirs_request::DescribableLogDirTopic>(),
        size_of::<messages::describe_configs_request::DescribeConfigsResource>(),
        size_of::<messages::alter_configs_request::AlterConfigsResource>(),
        size_of::<messages::alter_configs_request::AlterableConfig>(),
        size_of::<messages::incremental_alter_configs_request::AlterConfigsResource>(),
        size_of::<messages::incremental_alter_configs_request::AlterableConfig>(),
        size_of::<messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic>(),
        size_of::<messages::add_partitions_to_txn_request::AddPartitionsToTxnTransaction>(),
        size_of::<messages::txn_offset_commit_request::TxnOffsetCommitRequestPartition>(),
        size_of::<messages::txn_offset_commit_request::TxnOffsetCommitRequestTopic>(),
    ];
    assert_eq!(sizes.into_iter().max(), Some(120));
}

#[test]
fn a_header_is_as_long_as_the_codec_reads_it() {
    for version in 1..=2 {
        for seed in 0..50 {
            let bytes = Maker::request(&header::SHAPE, version, seed, 3);
            let mut frame = bytes.to_vec();
            frame.extend(b"the body");
            assert_eq!(check_header(version, &frame), Ok(bytes.len()));
            assert_eq!(consumed::<RequestHeader>(&frame.into(), version), Some(bytes.len()));
            for end in 0..bytes.len() {
                assert!(check_header(version, &bytes[..end]).is_err());
            }
        }
    }
}

/// Generates any request in any version of the codec.
fn any_request() -> impl Strategy<Value = (usize, i16)> {
    let every = apis().enumerate().flat_map(|(at, (_, codec))| {
        let VersionRange { min, max } = codec.versions;
        (min..=max).map(move |version| (at, version))
    });
    prop::sample::select(every.collect::<Vec<_>>())
}

/// Checks that what the walk accepts is decoded without a panic, and takes the bytes that the walk
/// says.
fn accepted_is_harmless(at: usize, version: i16, bytes: &Bytes) {
    let (api, codec) = apis().nth(at).unwrap();
    if let Ok(extent) = walk(api.shape, version, bytes) {
        assert!(extent.elements <= bytes.len());
        if let Some(consumed) = (codec.consumed)(bytes, version) {
            assert_eq!(consumed, extent.bytes, "{} v{version}", api.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_do_no_harm(
        (at, version) in any_request(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        accepted_is_harmless(at, version, &bytes.into());
    }

    #[test]
    fn mutated_requests_do_no_harm(
        (at, version) in any_request(),
        seed in any::<u64>(),
        mutations in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![Just(0), Just(1), Just(0x7f), Just(0xff), any::<u8>()]),
            1..4,
        ),
    ) {
        let mut bytes = Maker::request(apis().nth(at).unwrap().0.shape, version, seed, 10).to_vec();
        for (index, value) in mutations {
            if !bytes.is_empty() {
                let place = index.index(bytes.len());
                bytes[place] = value;
            }
        }
        accepted_is_harmless(at, version, &bytes.into());
    }

    #[test]
    fn an_arbitrary_header_does_no_harm(
        version in 1_i16..=2,
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Ok(length) = check_header(version, &bytes) {
            let consumed = consumed::<RequestHeader>(&bytes.into(), version);
            prop_assert!(consumed.is_none_or(|consumed| consumed == length));
        }
    }
}
