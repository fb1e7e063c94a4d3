use proptest::prelude::*;

use super::super::batch::has_valid_crc;
use super::super::log_settings::TimestampType;
use super::super::records::Records;
use super::super::test_batches::{TestRecord, batch, batch_with, payload, to_bytes};
use super::*;

/// Validates for a partition of this name, which only messages show.
fn validate(
    records: &Bytes,
    settings: &LogSettings,
    now: Timestamp,
) -> Result<ValidBatch, BatchRejection> {
    super::validate(records, &"flights-0", settings, now, true)
}

const NOW: Timestamp = 1_800_000_000_000;
const RECORDS: &[TestRecord] = &[
    (NOW - 10, Some("JFK"), "New York"),
    (NOW + 5, Some("EWR"), "Newark"),
    (NOW - 20, None, "no key"),
];
const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

fn code(records: &Bytes, settings: &LogSettings) -> Result<(), ResponseError> {
    validate(records, settings, NOW).map(|_| ()).map_err(|rejection| rejection.code)
}

fn changed(change: impl FnOnce(&mut BatchHeader)) -> Bytes {
    to_bytes(&batch_with(RECORDS, Compression::None, change))
}

#[test]
fn a_good_batch_comes_out_as_it_went_in() {
    for codec in CODECS {
        let sent = to_bytes(&batch(RECORDS, codec));
        let valid = validate(&sent, &LogSettings::default(), NOW).unwrap();
        assert_eq!(to_bytes(&valid), sent);
        assert_eq!(valid.header().max_timestamp, NOW + 5);
    }
}

#[test]
fn exactly_one_batch_is_expected() {
    let settings = LogSettings::default();
    let sent = to_bytes(&batch(RECORDS, Compression::None));
    assert_eq!(code(&Bytes::new(), &settings), Err(ResponseError::InvalidRecord));
    let two = Bytes::from([&sent[..], &sent[..]].concat());
    assert_eq!(code(&two, &settings), Err(ResponseError::InvalidRecord));
    let torn = sent.slice(..sent.len() - 1);
    assert_eq!(code(&torn, &settings), Err(ResponseError::InvalidRecord));
    // Too few bytes for another batch are cut off.
    let with_rest = Bytes::from([&sent[..], &[0; 10]].concat());
    assert_eq!(to_bytes(&validate(&with_rest, &settings, NOW).unwrap()), sent);
}

#[test]
fn other_formats_are_rejected() {
    let settings = LogSettings::default();
    let mut old = to_bytes(&batch(RECORDS, Compression::None)).to_vec();
    old[16] = 1;
    assert_eq!(code(&old.clone().into(), &settings), Err(ResponseError::InvalidRecord));
    old[16] = 3;
    assert_eq!(code(&old.into(), &settings), Err(ResponseError::CorruptMessage));
}

#[test]
fn any_flipped_bit_after_the_epoch_is_noticed() {
    let settings = LogSettings::default();
    let sent = to_bytes(&batch(RECORDS, Compression::None));
    for at in 17..sent.len() {
        let mut flipped = sent.to_vec();
        flipped[at] ^= 1;
        assert_eq!(code(&flipped.into(), &settings), Err(ResponseError::CorruptMessage), "{at}");
    }
}

#[test]
fn counts_and_offsets_must_agree() {
    let settings = LogSettings::default();
    let rejected = Err(ResponseError::InvalidRecord);
    assert_eq!(code(&changed(|header| header.record_count = 2), &settings), rejected);
    assert_eq!(code(&changed(|header| header.last_offset_delta = 3), &settings), rejected);
    assert_eq!(code(&changed(|header| header.base_offset = 1), &settings), rejected);
    for count in [-1, 0, 2, 4, i32::MAX] {
        let claimed = changed(|header| {
            header.record_count = count;
            header.last_offset_delta = count.wrapping_sub(1);
        });
        assert_eq!(code(&claimed, &settings), rejected, "{count}");
    }
}

#[test]
fn only_compressed_records_need_the_offsets_0_1_2() {
    for codec in CODECS {
        let records = codec.compress(&payload(&RECORDS[..1]).repeat(2)).unwrap();
        let mut header = BatchHeader::new(2, NOW, NOW);
        header.set_payload(codec, records.len()).unwrap();
        header.set_create_time(NOW - 10);
        header.seal(&records);
        let sent = to_bytes(&ValidBatch::new(header, records.into()));
        let expected = match codec {
            Compression::None => Ok(()),
            _ => Err(ResponseError::UnknownServerError),
        };
        assert_eq!(code(&sent, &LogSettings::default()), expected, "{codec:?}");
        // Rewritten records count up by themselves.
        let target = if codec == Compression::None { Compression::Lz4 } else { Compression::None };
        let settings = LogSettings { compression: Some(target), ..LogSettings::default() };
        let valid = validate(&sent, &settings, NOW).unwrap();
        let written = target.decompress(valid.payload(), 1 << 20).unwrap();
        let records = Records::new(valid.header(), &written).unwrap();
        let offsets: Vec<i32> = records.map(|record| record.unwrap().offset_delta).collect();
        assert_eq!(offsets, [0, 1], "{codec:?}");
    }
}

#[test]
fn a_producer_without_sequence_numbers_is_rejected() {
    let sent = changed(|header| header.producer_id = 5);
    assert_eq!(code(&sent, &LogSettings::default()), Err(ResponseError::InvalidRecord));
}

#[test]
fn clients_write_no_control_batches() {
    let mut bytes = to_bytes(&batch(RECORDS, Compression::None)).to_vec();
    bytes[22] |= 0x20;
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(code(&bytes.into(), &LogSettings::default()), Err(ResponseError::InvalidRecord));
}

#[test]
fn sizes_have_limits() {
    let sent = to_bytes(&batch(RECORDS, Compression::None));
    let exact = LogSettings { max_message_bytes: sent.len(), ..LogSettings::default() };
    assert_eq!(code(&sent, &exact), Ok(()));
    let less = LogSettings { max_message_bytes: sent.len() - 1, ..LogSettings::default() };
    assert_eq!(code(&sent, &less), Err(ResponseError::MessageTooLarge));
    let small = LogSettings { segment_bytes: sent.len() as u64 - 1, ..LogSettings::default() };
    assert_eq!(code(&sent, &small), Err(ResponseError::RecordListTooLarge));
}

#[test]
fn a_compacted_topic_names_the_records_without_a_key() {
    let settings = LogSettings { compacted: true, ..LogSettings::default() };
    for codec in CODECS {
        let sent = to_bytes(&batch(RECORDS, codec));
        let rejection = validate(&sent, &settings, NOW).unwrap_err();
        assert_eq!(rejection.code, ResponseError::InvalidRecord);
        let indexes: Vec<i32> = rejection.record_errors.iter().map(|(index, _)| *index).collect();
        assert_eq!(indexes, [2]);
        assert_eq!(
            rejection.client_message(),
            Some(
                "One or more records have been rejected due to 1 record errors in total, and only \
                 showing the first three errors at most: [RecordError(batchIndex=2, \
                 message='Compacted topic cannot accept message without key in topic partition \
                 flights-0')]"
            )
        );
        assert_eq!(code(&to_bytes(&batch(&RECORDS[..2], codec)), &settings), Ok(()));
    }
}

#[test]
fn a_wrong_timestamp_outweighs_a_missing_key() {
    let settings =
        LogSettings { compacted: true, timestamp_after_max_ms: 4, ..LogSettings::default() };
    let sent = to_bytes(&batch(RECORDS, Compression::None));
    let rejection = validate(&sent, &settings, NOW).unwrap_err();
    assert_eq!(rejection.code, ResponseError::InvalidTimestamp);
    assert_eq!(
        rejection.record_errors[0].1,
        "Timestamp 1800000000005 of message with offset 1 is out of range. The timestamp should \
         be within [-9223370236854775807, 1800000000004]"
    );
    assert!(rejection.record_errors[1].1.starts_with("Compacted topic cannot accept"));
}

#[test]
fn only_errors_before_the_partition_name_no_start_offset() {
    let settings = LogSettings::default();
    let rejected = |sent: &Bytes| validate(sent, &settings, NOW).unwrap_err().names_start_offset;
    assert!(!rejected(&Bytes::new()));
    assert!(!rejected(&changed(|header| header.record_count = 2).slice(..70)));
    assert!(rejected(&changed(|header| header.record_count = 2)));
    assert_eq!(validate(&Bytes::new(), &settings, NOW).unwrap_err().client_message(), None);
}

#[test]
fn garbage_instead_of_compressed_records_is_noticed() {
    let settings = LogSettings::default();
    for codec in &CODECS[1..] {
        let mut header = BatchHeader::new(1, NOW, NOW);
        header.set_payload(*codec, 7).unwrap();
        header.seal(b"garbage");
        let sent = to_bytes(&ValidBatch::new(header, Bytes::from_static(b"garbage")));
        assert_eq!(code(&sent, &settings), Err(ResponseError::UnknownServerError));
    }
}

#[test]
fn timestamps_must_be_near() {
    let settings = LogSettings {
        timestamp_before_max_ms: 15,
        timestamp_after_max_ms: 4,
        ..LogSettings::default()
    };
    for codec in CODECS {
        let rejection = validate(&to_bytes(&batch(RECORDS, codec)), &settings, NOW).unwrap_err();
        assert_eq!(rejection.code, ResponseError::InvalidTimestamp);
        let indexes: Vec<i32> = rejection.record_errors.iter().map(|(index, _)| *index).collect();
        assert_eq!(indexes, [1, 2]);
    }
    let ahead = LogSettings { timestamp_after_max_ms: 4, ..LogSettings::default() };
    for codec in CODECS {
        let sent = to_bytes(&batch(RECORDS, codec));
        assert_eq!(code(&sent, &ahead), Err(ResponseError::InvalidTimestamp));
    }
}

#[test]
fn log_append_time_replaces_the_timestamps() {
    let settings = LogSettings {
        timestamp_type: TimestampType::LogAppendTime,
        timestamp_before_max_ms: 1,
        ..LogSettings::default()
    };
    for codec in CODECS {
        let valid = validate(&to_bytes(&batch(RECORDS, codec)), &settings, NOW).unwrap();
        let bytes = to_bytes(&valid);
        assert!(has_valid_crc(valid.header(), &bytes));
        assert!(valid.header().is_log_append_time());
        assert_eq!(valid.header().max_timestamp, NOW);
        // A producer must not claim it, though on other topics Kafka just ignores the claim.
        let claimed = batch_with(RECORDS, codec, |header| header.set_log_append_time(NOW));
        let other = validate(&to_bytes(&claimed), &LogSettings::default(), NOW);
        let other = *other.unwrap().header();
        assert_eq!((other.is_log_append_time(), other.max_timestamp), (false, NOW));
        assert_eq!(code(&to_bytes(&claimed), &settings), Err(ResponseError::InvalidTimestamp));
    }
}

#[test]
fn the_largest_timestamp_of_the_header_is_corrected() {
    for codec in CODECS {
        for claimed in [-1, 3, NOW + 100] {
            let sent = batch_with(RECORDS, codec, |header| header.max_timestamp = claimed);
            let valid = validate(&to_bytes(&sent), &LogSettings::default(), NOW).unwrap();
            assert_eq!(to_bytes(&valid), to_bytes(&batch(RECORDS, codec)), "{codec:?}");
        }
    }
}

#[test]
fn versions_without_zstd_do_not_take_it() {
    for codec in CODECS {
        let sent = to_bytes(&batch(RECORDS, codec));
        let old = super::validate(&sent, &"", &LogSettings::default(), NOW, false);
        let expected = match codec {
            Compression::Zstd => Err(ResponseError::UnsupportedCompressionType),
            _ => Ok(()),
        };
        assert_eq!(old.map(|_| ()).map_err(|rejection| rejection.code), expected);
    }
}

#[test]
fn a_value_that_never_ends_stops_at_the_limit() {
    // The header of a record with a value of 2 GB, and as many zeros as are read.
    let mut records = vec![0, 0, 0, 0, 1];
    super::super::records::write_varlong(&mut records, i64::from(i32::MAX));
    records.resize(super::super::skim::MAX_DECOMPRESSED_BYTES + 1, 0);
    let bomb = Compression::Lz4.compress(&records).unwrap();
    let mut header = BatchHeader::new(1, NOW, NOW);
    header.set_payload(Compression::Lz4, bomb.len()).unwrap();
    header.seal(&bomb);
    let sent = to_bytes(&ValidBatch::new(header, bomb.into()));
    assert_eq!(code(&sent, &LogSettings::default()), Err(ResponseError::MessageTooLarge));
}

#[test]
fn a_topics_compression_rewrites_the_batch() {
    for source in CODECS {
        for target in CODECS {
            let settings = LogSettings { compression: Some(target), ..LogSettings::default() };
            let valid = validate(&to_bytes(&batch(RECORDS, source)), &settings, NOW).unwrap();
            let bytes = to_bytes(&valid);
            let header = BatchHeader::parse(&bytes).unwrap();
            assert_eq!(header.size(), bytes.len());
            assert!(has_valid_crc(&header, &bytes));
            assert_eq!(header.compression(), Some(target));
            let records = target.decompress(valid.payload(), 1 << 20).unwrap();
            assert_eq!(&records[..], &payload(RECORDS)[..]);
        }
    }
}

proptest! {
    #[test]
    fn mutated_batches_never_panic(
        codec in prop::sample::select(&CODECS[..]),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        cut in any::<prop::sample::Index>(),
        fix_crc in any::<bool>(),
    ) {
        let mut bytes = to_bytes(&batch(RECORDS, codec)).to_vec();
        let at = at.index(bytes.len());
        bytes[at] = value;
        if fix_crc {
            let crc = crc32c::crc32c(&bytes[21..]);
            bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        }
        let cut = cut.index(bytes.len() + 1);
        let settings = LogSettings { compacted: true, ..LogSettings::default() };
        for length in [bytes.len(), cut] {
            let bytes = Bytes::copy_from_slice(&bytes[..length]);
            if let Ok(valid) = validate(&bytes, &settings, NOW) {
                prop_assert!(has_valid_crc(valid.header(), &to_bytes(&valid)));
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = validate(&bytes.into(), &LogSettings::default(), NOW);
    }
}
