//! Faults of a batch: of its header first, then of its records.

use super::forge::{BASE, Forged, field, null, varint};

/// A fault of a batch, and its name.
pub(super) type Fault = (&'static str, fn(&mut Forged));

/// 25 years in milliseconds.
const A_GENERATION: i64 = 788_400_000_000;

/// Faults of the header, or around the batch.
pub(super) const OF_HEADERS: &[Fault] = &[
    ("nothing", |_| ()),
    ("the_greatest_timestamp_is_unset", |it| it.max_timestamp = -1),
    ("the_greatest_timestamp_is_too_small", |it| it.max_timestamp = BASE + 5),
    ("the_greatest_timestamp_is_too_great", |it| it.max_timestamp = BASE + 500),
    ("the_first_timestamp_is_unset", |it| (it.base_timestamp, it.max_timestamp) = (-1, -1)),
    ("no_timestamps", |it| {
        (it.base_timestamp, it.max_timestamp) = (-1, -1);
        it.records.iter_mut().for_each(|record| record.timestamp = varint(0));
    }),
    ("timestamps_before_1970", |it| {
        (it.base_timestamp, it.max_timestamp) = (-1_000, -980);
    }),
    ("one_record_more_is_counted", |it| it.count = 4),
    ("one_record_less_is_counted", |it| it.count = 2),
    ("no_records_are_counted", |it| it.count = 0),
    ("fewer_than_no_records_are_counted", |it| it.count = -1),
    ("the_last_offset_is_one_more", |it| it.last_offset_delta = 3),
    ("the_last_offset_is_one_less", |it| it.last_offset_delta = 1),
    ("the_last_offset_is_negative", |it| it.last_offset_delta = -1),
    ("one_record_more_is_counted_and_in_the_offsets", |it| {
        (it.count, it.last_offset_delta) = (4, 3);
    }),
    ("one_record_less_is_counted_and_in_the_offsets", |it| {
        (it.count, it.last_offset_delta) = (2, 1);
    }),
    ("as_many_as_can_be_are_counted_and_in_the_offsets", |it| {
        (it.count, it.last_offset_delta) = (i32::MAX, i32::MAX - 1);
    }),
    ("no_records_at_all", |it| {
        it.records.clear();
        (it.count, it.last_offset_delta) = (0, -1);
    }),
    ("nothing_where_three_are_counted", |it| it.records.clear()),
    ("it_starts_at_7", |it| it.base_offset = 7),
    ("it_is_of_leader_epoch_99", |it| it.leader_epoch = 99),
    ("it_says_log_append_time", |it| it.attributes = 0x08),
    ("it_says_that_it_is_transactional", |it| it.attributes = 0x10),
    ("it_says_that_it_is_control", |it| it.attributes = 0x20),
    ("it_has_a_delete_horizon", |it| it.attributes = 0x40),
    ("it_has_an_unused_attribute", |it| it.attributes = 0x80),
    ("it_has_unused_attributes_and_no_greatest_timestamp", |it| {
        (it.attributes, it.max_timestamp) = (0x5080, -1);
    }),
    ("a_producer_without_a_sequence", |it| it.producer = (5, 0, -1)),
    ("a_producer_without_an_epoch", |it| it.producer = (5, -1, 0)),
    ("a_producer_with_a_negative_id", |it| it.producer = (-2, 0, 0)),
    ("a_sequence_without_a_producer", |it| it.producer = (-1, -1, 7)),
    ("an_epoch_without_a_producer", |it| it.producer = (-1, 3, -1)),
    ("a_producer_that_nobody_knows", |it| it.producer = (987_654, 3, 7)),
    ("magic_0", |it| it.magic = 0),
    ("magic_1", |it| it.magic = 1),
    ("magic_3", |it| it.magic = 3),
    ("magic_minus_1", |it| it.magic = -1),
    ("the_length_is_one_more", |it| it.extra_length = 1),
    ("the_length_is_one_less", |it| it.extra_length = -1),
    ("the_length_covers_less_than_a_header", |it| it.length = Some(40)),
    ("the_length_is_negative", |it| it.length = Some(-100_000)),
    ("the_length_is_huge", |it| it.length = Some(i32::MAX)),
    ("the_checksum_is_wrong", |it| it.wrong_crc = 1),
    ("it_is_sent_twice", |it| it.times = 2),
    ("a_few_bytes_behind_it", |it| it.behind = vec![0; 10]),
    ("many_bytes_behind_it", |it| it.behind = vec![0; 80]),
];

/// Faults of the records.
pub(super) const OF_RECORDS: &[Fault] = &[
    ("a_size_of_one_more", |it| it.records[1].size = Some(it.records[1].own_size() + 1)),
    ("a_size_of_one_less", |it| it.records[1].size = Some(it.records[1].own_size() - 1)),
    ("the_last_size_of_one_more", |it| it.records[2].size = Some(it.records[2].own_size() + 1)),
    ("the_last_size_of_one_less", |it| it.records[2].size = Some(it.records[2].own_size() - 1)),
    ("a_size_of_nothing", |it| it.records[1].size = Some(0)),
    ("a_negative_size", |it| it.records[1].size = Some(-1)),
    ("a_size_of_10_mb", |it| it.records[1].size = Some(10_000_000)),
    ("attributes", |it| it.records[1].attributes = 0x83),
    ("the_same_offset_twice", |it| it.records[1].offset = varint(0)),
    ("offsets_with_gaps", |it| {
        it.records[1].offset = varint(2);
        it.records[2].offset = varint(4);
    }),
    ("offsets_that_descend", |it| {
        it.records[0].offset = varint(2);
        it.records[2].offset = varint(0);
    }),
    ("a_negative_offset", |it| it.records[1].offset = varint(-1)),
    ("offsets_that_start_at_1", |it| {
        for (delta, record) in (1..).zip(&mut it.records) {
            record.offset = varint(delta);
        }
    }),
    ("an_offset_in_more_bytes_than_it_needs", |it| {
        it.records[1].offset = vec![0x82, 0x80, 0x80, 0x80, 0];
    }),
    ("an_offset_of_36_bits", |it| it.records[1].offset = vec![0x82, 0x80, 0x80, 0x80, 0x70]),
    ("an_offset_of_six_bytes", |it| {
        it.records[1].offset = vec![0x82, 0x80, 0x80, 0x80, 0x80, 0];
    }),
    ("a_timestamp_in_more_bytes_than_it_needs", |it| {
        it.records[1].timestamp = [&[0xa8][..], &[0x80; 8], &[0]].concat();
    }),
    ("a_timestamp_of_eleven_bytes", |it| {
        it.records[1].timestamp = [&[0xa8][..], &[0x80; 9], &[0]].concat();
    }),
    ("a_timestamp_before_1970", |it| it.records[1].timestamp = varint(-BASE - 500)),
    ("a_timestamp_that_is_unset", |it| it.records[1].timestamp = varint(-BASE - 1)),
    ("a_timestamp_beyond_64_bits", |it| it.records[1].timestamp = varint(i64::MAX)),
    ("an_empty_key", |it| it.records[1].key = field(b"")),
    ("no_key", |it| it.records[1].key = null()),
    ("a_key_of_minus_2_bytes", |it| it.records[1].key.0 = -2),
    ("a_key_that_is_longer_than_its_record", |it| it.records[2].key.0 = 100),
    ("a_key_of_10_mb", |it| it.records[1].key.0 = 10_000_000),
    ("no_value", |it| it.records[1].value = null()),
    ("a_value_of_minus_2_bytes", |it| it.records[1].value = (-2, Vec::new())),
    ("a_value_that_is_longer_than_its_record", |it| it.records[2].value.0 = 100),
    ("a_value_of_10_mb", |it| it.records[1].value.0 = 10_000_000),
    ("a_value_of_2_gb", |it| it.records[1].value.0 = i64::from(i32::MAX)),
    ("a_value_that_ends_in_the_next_record", |it| it.records[0].value.0 += 2),
    ("a_header_too_many_is_counted", |it| it.records[1].header_count = Some(3)),
    ("a_header_too_few_is_counted", |it| it.records[1].header_count = Some(1)),
    ("more_headers_than_bytes_are_counted", |it| it.records[2].header_count = Some(1_000_000)),
    ("fewer_than_no_headers_are_counted", |it| it.records[1].header_count = Some(-1)),
    ("a_header_without_a_key", |it| it.records[1].headers[0].0 = null()),
    ("a_header_key_of_minus_2_bytes", |it| it.records[1].headers[0].0 = (-2, Vec::new())),
    ("a_header_with_an_empty_key", |it| it.records[1].headers[0].0 = field(b"")),
    ("a_header_key_that_is_no_text", |it| it.records[1].headers[0].0 = field(&[0xff, 0xfe])),
    ("a_header_key_that_is_longer_than_its_record", |it| it.records[1].headers[1].0.0 = 100),
    ("a_header_value_of_minus_2_bytes", |it| it.records[1].headers[0].1 = (-2, Vec::new())),
    ("a_header_value_that_is_longer_than_its_record", |it| it.records[1].headers[1].1.0 = 100),
    ("bytes_behind_the_headers", |it| it.records[1].behind = vec![0; 3]),
    ("a_byte_behind_the_records", |it| it.tail = vec![0]),
    ("a_record_too_many", |it| {
        it.records.push(it.records[2].clone());
        it.records[3].offset = varint(3);
    }),
    ("the_last_byte_is_missing", |it| it.cut = 1),
    ("the_last_record_is_missing", |it| {
        it.records.pop();
    }),
    ("half_of_the_last_record_is_missing", |it| it.cut = 8),
];

/// Keys and timestamps that a topic can have rules about.
pub(super) const OF_TOPICS: &[Fault] = &[
    ("nothing", |_| ()),
    ("no_key", |it| it.records[1].key = null()),
    ("no_keys_at_all", |it| {
        for record in &mut it.records {
            record.key = null();
        }
        it.records.push(it.records[2].clone());
        it.records[3].offset = varint(3);
        (it.count, it.last_offset_delta) = (4, 3);
    }),
    ("a_key_of_minus_2_bytes", |it| it.records[1].key = (-2, Vec::new())),
    ("a_record_is_25_years_older", |it| it.records[1].timestamp = varint(-A_GENERATION)),
    ("a_record_is_of_the_future", |it| it.records[1].timestamp = varint(BASE)),
    ("a_record_is_of_the_future_and_one_has_no_key", |it| {
        it.records[1].timestamp = varint(BASE);
        it.records[2].key = null();
    }),
    ("a_record_is_of_the_future_and_the_header_hides_it", |it| {
        it.records[1].timestamp = varint(BASE);
        it.max_timestamp = BASE;
    }),
    ("the_greatest_timestamp_is_of_the_future_and_no_record", |it| it.max_timestamp = 2 * BASE),
    ("the_greatest_timestamp_is_unset", |it| it.max_timestamp = -1),
    ("no_timestamps", |it| {
        (it.base_timestamp, it.max_timestamp) = (-1, -1);
        it.records.iter_mut().for_each(|record| record.timestamp = varint(0));
    }),
    ("a_timestamp_that_is_unset", |it| it.records[1].timestamp = varint(-BASE - 1)),
    ("it_says_log_append_time", |it| it.attributes = 0x08),
    ("it_says_log_append_time_without_a_time", |it| {
        (it.attributes, it.max_timestamp) = (0x08, -1);
        it.records[1].value = null();
        it.records[2].value = (-7, Vec::new());
    }),
    ("it_says_log_append_time_and_has_no_keys", |it| {
        it.attributes = 0x08;
        it.records[0].key = null();
        it.records[2].key = (-7, Vec::new());
    }),
    ("it_has_a_delete_horizon", |it| it.attributes = 0x40),
    ("it_has_an_unused_attribute", |it| it.attributes = 0x80),
    ("offsets_with_gaps", |it| {
        it.records[1].offset = varint(2);
        it.records[2].offset = varint(4);
    }),
    ("a_producer_that_nobody_knows", |it| it.producer = (987_654, 3, 7)),
    ("a_header_without_a_key", |it| it.records[1].headers[0].0 = null()),
];
