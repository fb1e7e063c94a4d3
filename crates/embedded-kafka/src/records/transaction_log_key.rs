//! The key of a record in `__transaction_state`: the transactional id.

use bytes::Bytes;

use super::primitives::{Reader, UnreadableRecord, Writer};

/// The only kind of key in `__transaction_state`.
const KIND: i16 = 0;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionLogKey {
    pub(crate) transactional_id: String,
}

impl TransactionLogKey {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(KIND);
        writer.string(&self.transactional_id);
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        let mut reader = Reader::new(bytes);
        if reader.int16()? != KIND {
            return Err(UnreadableRecord);
        }
        Ok(Self { transactional_id: reader.string(false)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::primitives::testing::from_hex;

    const WRITTEN_BY_KAFKA: &str = "00000009636f756e7465722d31";

    #[test]
    fn kafka_writes_the_same_bytes() {
        let key = TransactionLogKey { transactional_id: "counter-1".into() };
        assert_eq!(key.encode(), from_hex(WRITTEN_BY_KAFKA));
        assert_eq!(TransactionLogKey::decode(&from_hex(WRITTEN_BY_KAFKA)), Ok(key));
    }

    #[test]
    fn another_kind_is_rejected() {
        assert_eq!(TransactionLogKey::decode(&[0, 1, 0, 0]), Err(UnreadableRecord));
    }

    proptest! {
        #[test]
        fn a_key_comes_back(transactional_id in ".{0,60}") {
            let key = TransactionLogKey { transactional_id };
            prop_assert_eq!(TransactionLogKey::decode(&key.encode()), Ok(key));
        }

        #[test]
        fn any_bytes_are_read_or_rejected(bytes: Vec<u8>) {
            let _ = TransactionLogKey::decode(&bytes);
        }
    }
}
