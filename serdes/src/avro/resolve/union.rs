//! Chooses the branch of a reader's union for a writer's type.

use std::sync::Arc;

use super::super::plan::Step;
use super::super::schema::{Id, Kind, Name};
use super::super::value::Branch;
use super::names::{is_same, was_called};
use super::{Planner, number};

impl Planner<'_> {
    pub(super) fn reader_union(&mut self, writer: Id, branches: &[Id]) -> Step {
        match self.matching(writer, branches) {
            Some(branch) => {
                let of = Arc::new(self.described(branch));
                Step::Branch(of, self.step(writer, branch))
            }
            None => {
                let (written, wanted) = (self.writer.label(writer), self.reader.labels(branches));
                let problem = format!("is {written}, but the reader's schema says {wanted}");
                Step::Rejected(None, problem)
            }
        }
    }

    /// Returns the first branch of the same type, or else the first one that the type promotes to.
    fn matching(&mut self, writer: Id, branches: &[Id]) -> Option<Id> {
        let written = &self.writer.get(writer).kind;
        let alikes = |branch: &&Id| {
            let wanted = &self.reader.get(**branch).kind;
            std::mem::discriminant(written) == std::mem::discriminant(wanted)
        };
        let alikes: Vec<Id> = branches.iter().filter(alikes).copied().collect();
        // A type's own name takes precedence over an alias of another type.
        let named = |is_it: fn(&Name, &Name) -> bool| {
            alikes.iter().find(|branch| {
                let wanted = self.reader.get(**branch).kind.name();
                written.name().zip(wanted).is_none_or(|(old, new)| is_it(old, new))
            })
        };
        let is_exactly: fn(&Name, &Name) -> bool = |old, new| old.full == new.full;
        if let Some(branch) =
            named(is_exactly).or_else(|| named(was_called).filter(|_| self.with_aliases))
        {
            return Some(*branch);
        }
        let mut alike = None;
        for branch in &alikes {
            let wanted = &self.reader.get(*branch).kind;
            let Some((old, new)) = written.name().zip(wanted.name()) else {
                continue;
            };
            let is_alike = match written {
                Kind::Record(_) => self.reads(writer, *branch),
                Kind::Fixed(_, size) => {
                    is_same(old, new, self.with_aliases)
                        && matches!(wanted, Kind::Fixed(_, it) if it == size)
                }
                _ => is_same(old, new, self.with_aliases),
            };
            if is_alike && (alike.is_none() || old.short() == new.short()) {
                alike = Some(*branch);
            }
        }
        alike.or_else(|| {
            let grows = |branch: &&Id| {
                let wanted = &self.reader.get(**branch).kind;
                number(written, wanted).is_some()
                    || matches!(
                        (written, wanted),
                        (Kind::Bytes, Kind::String) | (Kind::String, Kind::Bytes)
                    )
            };
            branches.iter().find(grows).copied()
        })
    }

    /// Returns whether a record can be read as another; checks its fields but not their contents.
    fn reads(&mut self, writer: Id, reader: Id) -> bool {
        let step = self.step(writer, reader);
        let is_refused = |step: usize| matches!(self.steps[step], Step::Rejected(..));
        match &self.steps[step] {
            Step::Rejected(..) => false,
            Step::Record(record) => record
                .written
                .iter()
                .flat_map(|field| &field.fields)
                .all(|(_, step)| !is_refused(*step)),
            _ => true,
        }
    }

    fn described(&self, branch: Id) -> Branch {
        let kind = &self.reader.get(branch).kind;
        match kind.name() {
            Some(name) => {
                Branch { is_named: true, names: vec![name.full.clone(), name.short().to_owned()] }
            }
            None => {
                let names = vec![kind.word().to_owned(), self.reader.label(branch).to_owned()];
                Branch { is_named: false, names }
            }
        }
    }
}
