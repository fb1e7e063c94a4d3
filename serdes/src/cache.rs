//! Caches what the registry returned. Schemas never change, so entries never expire.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// Values by key, created on first use. Failures are not cached, because a later attempt may
/// succeed.
#[derive(Debug)]
pub(crate) struct Cache<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K: Eq + Hash, V> Cache<K, V> {
    pub(crate) fn new() -> Self {
        Cache(Mutex::new(HashMap::new()))
    }

    /// Returns the value of a key. If two callers request a new key at the same time, both may
    /// create a value: the first one is kept.
    pub(crate) async fn get<E>(
        &self,
        key: K,
        make: impl AsyncFnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E> {
        let known = self.0.lock().get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Arc::new(make().await?);
        Ok(self.0.lock().entry(key).or_insert(made).clone())
    }

    /// Returns the value of a key, and creates it if the key is new.
    pub(crate) fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> Arc<V> {
        self.0.lock().entry(key).or_insert_with(|| Arc::new(make())).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_are_retried_and_known_values_are_not() {
        let cache = Cache::new();
        assert_eq!(cache.get(1, async || Err::<i32, _>("gone")).await, Err("gone"));
        assert_eq!(*cache.get(1, async || Ok::<_, &str>(10)).await.unwrap(), 10);
        assert_eq!(*cache.get(1, async || Err("not asked")).await.unwrap(), 10);
    }
}
