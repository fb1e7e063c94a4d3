//! Chooses the branch of a union for a value.
//!
//! The type of the value decides, as in Java: an `i64` is a `long` if the union has one, and never
//! becomes a `double` because the union has an `int` that is too small. Of several records, the one
//! with the struct's name is chosen, or else the first that fits.

use super::super::mismatch::Mismatch;
use super::super::schema::{Id, Kind, Name, Schema, is_word};
use super::super::tree::Tree;
use super::fit::rank;
use super::{Encoder, word};

impl Encoder<'_> {
    pub(super) fn union(&mut self, tree: &Tree, branches: &[Id]) -> Result<(), Mismatch> {
        if let Tree::Variant(variant, held) = tree {
            return self.variant(variant, held, tree, branches);
        }
        let candidates = self.candidates(tree, branches);
        self.first_that_fits(tree, &candidates, branches)
    }

    /// Writes a variant as the branch with its name, or else as a branch that can hold any variant.
    fn variant(
        &mut self,
        variant: &'static str,
        held: &Tree,
        tree: &Tree,
        branches: &[Id],
    ) -> Result<(), Mismatch> {
        let schema = self.schema;
        if *held == Tree::Null {
            let has_symbol = |id: Id| match &schema.get(id).kind {
                Kind::Enum(of) => of.symbols.iter().any(|it| it == variant),
                _ => false,
            };
            if let Some(at) = branches.iter().position(|id| has_symbol(*id)) {
                return self.branch(tree, at, branches[at]);
            }
        }
        if let Some(at) = branches.iter().position(|id| is_called(schema, *id, variant)) {
            return self.branch(held, at, branches[at]);
        }
        let is_candidate = |id: Id| match &schema.get(id).kind {
            Kind::String | Kind::Enum(_) => *held == Tree::Null,
            Kind::Map(_) => *held != Tree::Null,
            Kind::Record(record) => {
                record.fields.iter().any(|it| it.name == variant || it.name == "type")
            }
            _ => false,
        };
        let candidates: Vec<usize> =
            (0..branches.len()).filter(|at| is_candidate(branches[*at])).collect();
        if candidates.is_empty() {
            let labels = schema.labels(branches);
            return Err(Mismatch::new(format!(
                "is the variant {variant}, but the schema says {labels}: none has that name"
            )));
        }
        self.first_that_fits(tree, &candidates, branches)
    }

    /// Returns the positions of the branches that can hold a value, the most likely first.
    fn candidates(&self, tree: &Tree, branches: &[Id]) -> Vec<usize> {
        let mut ranked: Vec<(u8, usize)> = Vec::new();
        for (at, id) in branches.iter().enumerate() {
            let found = self.schema.get(*id);
            let rank = match (tree, &found.kind) {
                (Tree::Fields(Some(name), _), Kind::Record(it)) if is_name(&it.name, name) => {
                    return vec![at];
                }
                (Tree::Fields(Some(_), _), Kind::Record(_)) => Some(0),
                (Tree::Fields(Some(_), _), Kind::Map(_)) => Some(1),
                (Tree::Fields(None, _), Kind::Map(_)) => Some(0),
                (Tree::Fields(None, _), Kind::Record(_)) => Some(1),
                (Tree::Null, Kind::Record(it)) if it.fields.is_empty() => Some(1),
                (_, kind) => rank(tree, kind, found.logical),
            };
            ranked.extend(rank.map(|rank| (rank, at)));
        }
        ranked.sort_by_key(|it| it.0);
        // If there is an integer, a number without a fraction is written as one, and never as a
        // float.
        let is_integer =
            |at: usize| matches!(self.schema.get(branches[at]).kind, Kind::Int | Kind::Long);
        if ranked.iter().any(|it| is_integer(it.1)) {
            ranked.retain(|it| it.0 < 4);
        }
        ranked.into_iter().map(|it| it.1).collect()
    }

    fn first_that_fits(
        &mut self,
        tree: &Tree,
        candidates: &[usize],
        branches: &[Id],
    ) -> Result<(), Mismatch> {
        if let [only] = candidates {
            return self.branch(tree, *only, branches[*only]);
        }
        self.trying += 1;
        let start = self.out.len();
        let mut fits = false;
        for at in candidates {
            self.out.truncate(start);
            fits = self.branch(tree, *at, branches[*at]).is_ok();
            if fits {
                break;
            }
        }
        self.trying -= 1;
        if fits {
            return Ok(());
        }
        self.out.truncate(start);
        if self.depth.is_too_deep() {
            return Err(Mismatch::too_deep());
        }
        let labels = match candidates {
            [] => {
                let null = |id: &Id| matches!(self.schema.get(*id).kind, Kind::Null);
                let real: Vec<Id> = branches.iter().copied().filter(|id| !null(id)).collect();
                // In a union with null, the other branch is the expected one.
                self.schema.labels(if real.len() == 1 { &real } else { branches })
            }
            _ => self.schema.labels(branches),
        };
        Err(Mismatch::new(format!("is {}, but the schema says {labels}", word(tree))))
    }

    fn branch(&mut self, tree: &Tree, at: usize, id: Id) -> Result<(), Mismatch> {
        self.long(i64::try_from(at).unwrap_or(i64::MAX));
        self.value(tree, id)
    }
}

/// Returns whether a program uses this name for a type, with its namespace or without.
fn is_name(of: &Name, name: &str) -> bool {
    of.full == name || of.short() == name
}

/// Returns whether a variant of this name stands for this branch: by the name of a named type, or
/// else by Avro's name for the type, such as `Int`, `TimestampMillis`, or `string`.
fn is_called(schema: &Schema, id: Id, variant: &str) -> bool {
    let found = schema.get(id);
    if let Some(name) = found.kind.name() {
        return is_name(name, variant);
    }
    [found.kind.word(), schema.label(id)].iter().any(|word| is_word(word, variant))
}
