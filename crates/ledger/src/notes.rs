//! The sentences about numbers that are shown outside of the table, and about what is not certain.

use crate::books::Books;
use crate::sheet::Numbers;

/// Describes the numbers that are not 0 outside of the table.
pub(crate) fn notes_on(total: &Numbers, books: &Books, is_incomplete: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |count: u64, begin: &str, what: &str, end: &str| {
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            notes.push(format!("{begin}: {count} {what}{plural}.{end}"));
        }
    };
    note(
        total.open,
        "Open in transactions",
        "record",
        " A consumer of committed records does not get past the first one.",
    );
    note(
        total.aborted,
        "Aborted in transactions",
        "record",
        " Consumers of committed records skip them.",
    );
    let deleted = "Deleted on request, by retention or by compaction";
    note(total.deleted, deleted, "acknowledged record", "");
    note(
        books.beyond_limit,
        "The ledger is full. Sent and not in the table",
        "record",
        " Run the program with fewer records.",
    );
    if books.beyond_limit == 0 {
        let unseen = "On the cluster, though the ledger did not see them come";
        note(total.not_noted, unseen, "record", " Were they there before the program started?");
    }
    note(books.unreadable, "Damaged when they came, and rejected", "batch of records", "");
    if is_incomplete {
        notes.push("The ledger is incomplete: it failed while it noted a call.".to_owned());
    }
    notes
}
