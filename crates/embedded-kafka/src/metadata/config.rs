//! stub
use super::Refusal;
use std::collections::BTreeMap;
#[derive(Debug, Clone, Default)]
pub(crate) struct TopicConfig {
    overrides: BTreeMap<String, String>,
}
impl TopicConfig {
    pub(crate) fn from_overrides(overrides: BTreeMap<String, String>) -> Self {
        Self { overrides }
    }
    pub(crate) fn overrides(&self) -> &BTreeMap<String, String> {
        &self.overrides
    }
    pub(crate) fn min_insync_replicas(&self) -> i32 {
        1
    }
    pub(crate) fn create(c: &[(String, Option<String>)]) -> Result<Self, Refusal> {
        Ok(Self {
            overrides: c
                .iter()
                .filter_map(|(a, b)| Some((a.clone(), b.clone()?)))
                .collect(),
        })
    }
}
