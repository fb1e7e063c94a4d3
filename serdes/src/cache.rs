//! What was asked once is not asked again. Schemas never change, so nothing grows old.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// Values by key, made when they are first asked for. What fails is not kept: it may succeed later.
#[derive(Debug)]
pub(crate) struct Cache<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K: Eq + Hash, V> Cache<K, V> {
    pub(crate) fn new() -> Self {
        Cache(Mutex::new(HashMap::new()))
    }

    /// The value of a key. Two that ask at once for a new one may both make it: the first stays.
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

    /// Returns the value of a key, made at once where it is new.
    pub(crate) fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> Arc<V> {
        self.0.lock().entry(key).or_insert_with(|| Arc::new(make())).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_failed_is_tried_again_and_what_is_known_is_not() {
        let cache = Cache::new();
        assert_eq!(cache.get(1, async || Err::<i32, _>("gone")).await, Err("gone"));
        assert_eq!(*cache.get(1, async || Ok::<_, &str>(10)).await.unwrap(), 10);
        assert_eq!(*cache.get(1, async || Err("not asked")).await.unwrap(), 10);
    }
}
