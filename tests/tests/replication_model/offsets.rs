//! Offsets that a group commits outside of transactions, and those that transactions commit.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use workshop_tests::{eventually, requests};

use super::requests::committed;
use super::transaction::{Fate, Transaction};
use super::world::{COORDINATOR_MOVES, GROUP, Outcome, TOPIC, TRANSACTIONAL_GROUP, World};

impl World {
    /// The group commits the next offset.
    pub(crate) fn commit(&mut self) -> Outcome {
        self.promised.sent_offset += 1;
        let offset = self.promised.sent_offset;
        if let Some(node) = self.coordinator(0, GROUP)
            && let Some(answer) = self.ask(node, 8, &requests::commit(GROUP, TOPIC, 0, offset, ""))
        {
            match answer.topics[0].partitions[0].error_code {
                0 => self.promised.offset = offset,
                error => prop_assert!(COORDINATOR_MOVES.contains(&error), "commit: {error}"),
            }
        }
        self.check_offset().map(drop)
    }

    /// Whether the group's offset could be read.
    fn check_offset(&mut self) -> Result<bool, TestCaseError> {
        let Some(node) = self.coordinator(0, GROUP) else {
            return Ok(false);
        };
        let Some(answer) = self.ask(node, 7, &committed(GROUP, TOPIC)) else {
            return Ok(false);
        };
        if answer.error_code != 0 {
            prop_assert!(COORDINATOR_MOVES.contains(&answer.error_code), "{}", answer.error_code);
            return Ok(false);
        }
        let found = &answer.topics[0].partitions[0];
        prop_assert_eq!(found.error_code, 0);
        let offset = found.committed_offset;
        let range = self.promised.offset..=self.promised.sent_offset;
        prop_assert!(range.contains(&offset), "offset {} of {:?}", offset, range);
        // What was read counts, whether it was acknowledged or not.
        self.promised.offset = offset;
        Ok(true)
    }

    /// In the end the offsets are those that were promised.
    pub(crate) fn check_offsets(&mut self) -> Outcome {
        let mut read = Ok(false);
        eventually("the group's offset can be read", || {
            read = self.check_offset();
            (!matches!(read, Ok(false))).then_some(())
        });
        read?;
        let offset = eventually("the offset of transactions can be read", || {
            let node = self.coordinator(0, TRANSACTIONAL_GROUP)?;
            let answer = self.ask(node, 7, &committed(TRANSACTIONAL_GROUP, TOPIC))?;
            let found = answer.topics.first()?.partitions.first()?;
            (answer.error_code == 0 && found.error_code == 0).then_some(found.committed_offset)
        });
        let is_committed = |it: &&Transaction| it.fate == Fate::Committed;
        let committed = self.transactions.iter().filter(is_committed).filter_map(|it| it.offset);
        prop_assert_eq!(offset, committed.max().unwrap_or(-1));
        Ok(())
    }
}
