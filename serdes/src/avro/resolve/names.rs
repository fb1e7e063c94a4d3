//! Matches the names of types, and of fields.

use super::super::schema::{Field, Name, Record};

/// Returns whether a writer's type matches one of the reader's: by its name, regardless of the
/// namespace, or by an alias of the reader.
pub(super) fn is_same(writer: &Name, reader: &Name, with_aliases: bool) -> bool {
    writer.short() == reader.short() || with_aliases && was_called(writer, reader)
}

/// Returns whether the reader has the writer's name as an alias.
pub(super) fn was_called(writer: &Name, reader: &Name) -> bool {
    reader.aliases.contains(&writer.full)
}

/// Returns, for each field of the writer, the fields of the reader that it fills.
///
/// An alias takes precedence over a field of the same name, as in Java, which renames the writer's
/// fields first. If two fields match one field, the one with its name fills it; a remaining field
/// of the reader then takes a field that matches its name or alias, even if that one already fills
/// another: the registry accepts both.
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
        // A field that fills no other one, or any field if there is no default.
        let is_free = |at: &usize| field.default.is_none() || feeds[*at].is_empty();
        let source = sources(field, writer).find(is_free);
        if let Some(at) = source {
            feeds[at].push(place);
        }
    }
    feeds
}

/// Returns the writer's fields that can fill a reader's field: the one with its name, then those
/// with its aliases.
fn sources<'a>(field: &'a Field, writer: &'a Record) -> impl Iterator<Item = usize> + 'a {
    let names = std::iter::once(&field.name).chain(&field.aliases);
    names.filter_map(|name| writer.fields.iter().position(|it| it.name == *name))
}
