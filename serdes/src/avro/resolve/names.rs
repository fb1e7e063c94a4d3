//! Names that mean the same: those of types, and those of fields.

use super::super::schema::{Field, Name, Record};

/// Whether a writer's type is one of the reader's: by its name, whatever its namespace, or because
/// the reader says that it was called so.
pub(super) fn is_same(writer: &Name, reader: &Name, with_aliases: bool) -> bool {
    writer.short() == reader.short() || with_aliases && was_called(writer, reader)
}

/// Whether the reader says that it had the writer's name.
pub(super) fn was_called(writer: &Name, reader: &Name) -> bool {
    reader.aliases.contains(&writer.full)
}

/// For each field of the writer the reader's fields that it fills.
///
/// A field goes where an alias says, before it goes to the field of its own name; so does Java,
/// which renames the writer's fields first. Where two would go to one field, the one with its name
/// does, and a field of the reader that is left over then takes what has its name or its alias,
/// although another one has taken it: the registry lets both pass.
pub(super) fn feeds(writer: &Record, reader: &Record, with_aliases: bool) -> Vec<Vec<usize>> {
    let named = |name: &str| reader.fields.iter().position(|it| it.name == name);
    let aliased = |name: &String| {
        let is_it = |it: &Field| it.aliases.contains(name);
        reader.fields.iter().rposition(is_it).filter(|_| with_aliases)
    };
    let mut targets: Vec<Option<usize>> =
        writer.fields.iter().map(|it| aliased(&it.name).or_else(|| named(&it.name))).collect();
    for (place, field) in reader.fields.iter().enumerate() {
        let meant = sources(field, writer).find(|at| targets[*at] == Some(place));
        for (at, target) in targets.iter_mut().enumerate() {
            if *target == Some(place) && Some(at) != meant {
                *target = None;
            }
        }
    }
    let mut feeds: Vec<Vec<usize>> =
        targets.into_iter().map(|it| it.into_iter().collect()).collect();
    for (place, field) in reader.fields.iter().enumerate() {
        if feeds.iter().flatten().any(|it| *it == place) {
            continue;
        }
        // One that nobody else takes, or any where there is no default.
        let is_free = |at: &usize| field.default.is_none() || feeds[*at].is_empty();
        let source = sources(field, writer).find(is_free);
        if let Some(at) = source {
            feeds[at].push(place);
        }
    }
    feeds
}

/// The writer's fields that a reader's field could be: the one of its name, then those of its
/// aliases.
fn sources<'a>(field: &'a Field, writer: &'a Record) -> impl Iterator<Item = usize> + 'a {
    let names = std::iter::once(&field.name).chain(&field.aliases);
    names.filter_map(|name| writer.fields.iter().position(|it| it.name == *name))
}
