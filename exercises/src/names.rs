//! Names that a program cannot know before it runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Returns `base` with a suffix that no other run has.
pub(crate) fn fresh(base: &str) -> String {
    let nanoseconds =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_nanos() as u64);
    let counted = NEXT.fetch_add(1, Ordering::Relaxed);
    let mixed = nanoseconds.rotate_left(17) ^ (u64::from(std::process::id()) << 20) ^ counted;
    format!("{base}-{:06x}", mixed & 0xff_ffff)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_comes_twice() {
        let names: BTreeSet<String> = (0..50).map(|_| fresh("orders")).collect();
        assert!(names.len() > 45, "{names:?}");
        assert!(names.iter().all(|it| it.starts_with("orders-") && it.len() == 13));
    }
}
