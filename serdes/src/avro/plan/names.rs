//! Names that mean the same: those of types, and those of fields.

use super::super::schema::{Name, Record};

/// Whether a writer's type is one of the reader's: by its name, whatever its namespace, or because
/// the reader says that it was called so.
pub(super) fn is_same(writer: &Name, reader: &Name) -> bool {
    writer.short() == reader.short() || reader.aliases.contains(&writer.full)
}

/// Whether the writer's name is exactly the reader's, or one that the reader says it had.
pub(super) fn is_exactly(writer: &Name, reader: &Name) -> bool {
    writer.full == reader.full || reader.aliases.contains(&writer.full)
}

/// For each field of the writer the reader's fields that it fills.
///
/// A field goes where an alias says, before it goes to the field of its own name; so does Java,
/// which renames the writer's fields first. A field of the reader that is left over then, and has
/// no default, takes what another one has taken already: the registry lets that pass.
pub(super) fn feeds(writer: &Record, reader: &Record) -> Vec<Vec<usize>> {
    let written = |name: &str| writer.fields.iter().position(|it| it.name == name);
    let wanted = |name: &str| reader.fields.iter().position(|it| it.name == name);
    let mut feeds: Vec<Vec<usize>> = vec![Vec::new(); writer.fields.len()];
    for (at, field) in writer.fields.iter().enumerate() {
        let aliased =
            reader.fields.iter().rposition(|it| it.aliases.contains(&field.name)).filter(|place| {
                // The field that has the name itself comes before one that had it.
                let own = written(&reader.fields[*place].name);
                own.is_none_or(|own| own == at)
            });
        feeds[at].extend(aliased.or_else(|| wanted(&field.name)));
    }
    // Two aliases of one field may both be there: its first one counts.
    for place in 0..reader.fields.len() {
        let sources: Vec<usize> =
            (0..feeds.len()).filter(|at| feeds[*at].contains(&place)).collect();
        if sources.len() > 1 {
            let field = &reader.fields[place];
            let names = std::iter::once(&field.name).chain(&field.aliases);
            let first = names.filter_map(|name| written(name)).find(|at| sources.contains(at));
            for at in sources.into_iter().filter(|at| Some(*at) != first) {
                feeds[at].retain(|it| *it != place);
            }
        }
    }
    for (place, field) in reader.fields.iter().enumerate() {
        let is_fed = feeds.iter().flatten().any(|it| *it == place);
        if !is_fed && field.default.is_none() {
            let mut names = std::iter::once(&field.name).chain(&field.aliases);
            if let Some(at) = names.find_map(|name| written(name)) {
                feeds[at].push(place);
            }
        }
    }
    feeds
}
