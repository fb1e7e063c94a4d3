//! Names that a program cannot know before it runs.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// It begins at random: processes that run at the same time must not mark theirs with one name.
static NEXT: LazyLock<AtomicU64> =
    LazyLock::new(|| AtomicU64::new(RandomState::new().hash_one("names")));

/// Returns `base` with a suffix that no other name of this process has, and probably no other run.
pub(crate) fn fresh(base: &str) -> String {
    let counted = NEXT.fetch_add(1, Ordering::Relaxed);
    // An odd factor keeps the numbers apart, and makes neighbors look different.
    let mixed = counted.wrapping_mul(0x9e_3779);
    format!("{base}-{:06x}", mixed & 0xff_ffff)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_comes_twice() {
        let names: BTreeSet<String> = (0..10_000).map(|_| fresh("orders")).collect();
        assert_eq!(names.len(), 10_000);
        assert!(names.iter().all(|it| it.starts_with("orders-") && it.len() == 13));
    }
}
