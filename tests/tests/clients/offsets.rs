//! Which offset may be committed, against a model that keeps every record and looks at all of them.

use helpers::ContiguousOffsets;
use proptest::collection::vec;
use proptest::prelude::*;

/// What a program does with a partition.
#[derive(Clone, Debug)]
enum Step {
    /// Begins the next record, so many offsets behind the last.
    Begin { gap: i64 },
    /// Finishes one of those that were ever begun, perhaps for the second time.
    Finish { which: prop::sample::Index },
    /// The partition is taken away. Where it comes back, if it does, is not known.
    Forget,
}

fn step() -> impl Strategy<Value = (i32, Step)> {
    let step = prop_oneof![
        5 => (1_i64..4).prop_map(|gap| Step::Begin { gap }),
        5 => any::<prop::sample::Index>().prop_map(|which| Step::Finish { which }),
        1 => Just(Step::Forget),
    ];
    (0..2, step)
}

/// Every record of a partition since it was assigned, and whether it is finished.
#[derive(Default)]
struct Partition {
    records: Vec<(i64, bool)>,
    ready: Option<i64>,
    /// The offsets that any work was begun for, also before the partition was taken away.
    ever: Vec<i64>,
}

impl Partition {
    fn begin(&mut self, gap: i64) -> i64 {
        let last = self.records.last().map(|(offset, _)| *offset);
        let offset = last.or(self.ready.map(|it| it - 1)).unwrap_or(-1) + gap;
        self.records.push((offset, false));
        self.ready = self.ready.or(Some(offset));
        self.ever.push(offset);
        offset
    }

    fn finish(&mut self, offset: i64) -> Option<i64> {
        let record = self.records.iter_mut().find(|(it, finished)| *it == offset && !*finished)?;
        record.1 = true;
        let unfinished = self.records.iter().find(|(_, finished)| !finished);
        let behind = self.records.last().map(|(offset, _)| offset + 1);
        let ready = unfinished.map(|(offset, _)| *offset).or(behind);
        let moved = ready > self.ready;
        self.ready = self.ready.max(ready);
        ready.filter(|_| moved)
    }

    fn in_work(&self) -> usize {
        self.records.iter().filter(|(_, finished)| !finished).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_says_what_one_who_remembers_every_record_says(steps in vec(step(), 0..200)) {
        let mut tracked = ContiguousOffsets::new();
        let mut model = [Partition::default(), Partition::default()];
        for (partition, step) in steps {
            let known = &mut model[partition as usize];
            match step {
                Step::Begin { gap } => {
                    let offset = known.begin(gap);
                    tracked.begun("departures", partition, offset);
                }
                Step::Finish { which } if !known.ever.is_empty() => {
                    let offset = *which.get(&known.ever);
                    let said = tracked.finished("departures", partition, offset);
                    prop_assert_eq!(said, known.finish(offset));
                }
                Step::Finish { .. } => {
                    prop_assert_eq!(tracked.finished("departures", partition, 0), None);
                }
                Step::Forget => {
                    tracked.remove("departures", partition);
                    known.records.clear();
                    known.ready = None;
                }
            }
            let in_work: usize = model.iter().map(Partition::in_work).sum();
            prop_assert_eq!(tracked.in_flight(), in_work);
        }
    }
}
