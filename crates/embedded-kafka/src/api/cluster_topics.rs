//! The topics of the cluster as group coordinators see them.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::group::Topics;
use crate::metadata::Metadata;

/// Looks topics up in the cluster's metadata.
pub(super) struct ClusterTopics<'a>(pub(super) &'a Metadata);

impl Topics for ClusterTopics<'_> {
    fn find(&self, name: &str) -> Option<(Uuid, i32)> {
        let topic = self.0.topic(name)?;
        Some((topic.id, i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX)))
    }

    fn name(&self, id: Uuid) -> Option<String> {
        self.0.topic_by_id(id).map(|topic| topic.name.to_string())
    }

    fn matching(&self, is_match: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        let topics = self.0.topics().into_iter();
        topics.filter(|topic| is_match(&topic.name)).map(|topic| topic.name.to_string()).collect()
    }
}
