//! The state of the registry, which follows from the records of `_schemas` in their order.
//!
//! Only [`Store::apply`] changes it. It owns no socket, clock, or task.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{Config, Level, Mode, Schema};
use crate::record::Event;

/// A version of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) version: i32,
    pub(crate) id: i32,
    pub(crate) schema: Arc<Schema>,
    /// Whether it is soft deleted: readers of old records can still find it by id.
    pub(crate) deleted: bool,
}

/// A schema id and its uses.
#[derive(Debug)]
struct Identified {
    schema: Arc<Schema>,
    /// The subjects and versions with it, deleted ones included.
    used: BTreeSet<(String, i32)>,
}

/// A filter for versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionFilter {
    Live,
    Deleted,
    All,
}

impl VersionFilter {
    fn holds(self, version: &Version) -> bool {
        match self {
            Self::Live => !version.deleted,
            Self::Deleted => version.deleted,
            Self::All => true,
        }
    }
}

/// The state of a registry.
#[derive(Debug, Default)]
pub(crate) struct Store {
    subjects: BTreeMap<String, BTreeMap<i32, Version>>,
    ids: BTreeMap<i32, Identified>,
    id_of: HashMap<Arc<Schema>, i32>,
    id_of_guid: HashMap<String, i32>,
    /// The highest id that was ever allocated.
    highest_id: i32,
    config: Option<Config>,
    configs: BTreeMap<String, Config>,
    mode: Option<Mode>,
    modes: BTreeMap<String, Mode>,
}

impl Store {
    /// Creates an empty state whose ids start after an allocated one.
    pub(crate) fn after(given: i32) -> Self {
        Self { highest_id: given, ..Self::default() }
    }

    /// Applies a record to the state.
    pub(crate) fn apply(&mut self, event: Event) {
        match event {
            Event::Registered { subject, version, id, schema, deleted } => {
                self.remove_version(&subject, version);
                self.remember_id(id, &schema, &subject, version);
                let versions = self.subjects.entry(subject).or_default();
                versions.insert(version, Version { version, id, schema, deleted });
            }
            Event::Removed { subject, version } => self.remove_version(&subject, version),
            Event::SubjectDeleted { subject, version } => {
                let versions = self.subjects.get_mut(&subject).into_iter().flatten();
                for (_, entry) in versions.filter(|(number, _)| **number <= version) {
                    entry.deleted = true;
                }
            }
            Event::SubjectCleared { subject } => {
                for version in self.versions(&subject, VersionFilter::Deleted) {
                    self.remove_version(&subject, version.version);
                }
            }
            Event::Config { subject: None, config } => self.config = config,
            Event::Config { subject: Some(subject), config } => {
                set(&mut self.configs, subject, config);
            }
            Event::Mode { subject: None, mode } => self.mode = mode,
            Event::Mode { subject: Some(subject), mode } => set(&mut self.modes, subject, mode),
            Event::Noop => {}
        }
    }

    fn remember_id(&mut self, id: i32, schema: &Arc<Schema>, subject: &str, version: i32) {
        self.highest_id = self.highest_id.max(id);
        // An import can give a schema a second id; from then on, the lower one is used.
        let known = self.id_of.entry(schema.clone()).or_insert(id);
        *known = id.min(*known);
        self.id_of_guid.insert(schema.guid(), *known);
        let used = BTreeSet::new();
        let entry = self.ids.entry(id).or_insert(Identified { schema: schema.clone(), used });
        entry.used.insert((subject.to_owned(), version));
    }

    fn remove_version(&mut self, subject: &str, version: i32) {
        let Some(versions) = self.subjects.get_mut(subject) else {
            return;
        };
        let Some(removed) = versions.remove(&version) else {
            return;
        };
        if versions.is_empty() {
            self.subjects.remove(subject);
        }
        let Some(identified) = self.ids.get_mut(&removed.id) else {
            return;
        };
        identified.used.remove(&(subject.to_owned(), version));
        if identified.used.is_empty() {
            self.ids.remove(&removed.id);
            if self.id_of.get(&removed.schema) == Some(&removed.id) {
                self.id_of.remove(&removed.schema);
                self.id_of_guid.remove(&removed.schema.guid());
            }
        }
    }

    /// Returns the names of subjects with such versions, in order.
    pub(crate) fn subjects(&self, which: VersionFilter) -> Vec<String> {
        // A subject counts as deleted when all of its versions are deleted.
        let is_listed = |versions: &BTreeMap<i32, Version>| match which {
            VersionFilter::All => true,
            VersionFilter::Live => versions.values().any(|version| !version.deleted),
            VersionFilter::Deleted => versions.values().all(|version| version.deleted),
        };
        let listed = self.subjects.iter().filter(|(_, versions)| is_listed(versions));
        listed.map(|(subject, _)| subject.clone()).collect()
    }

    /// Returns the versions of a subject, in order.
    pub(crate) fn versions(&self, subject: &str, which: VersionFilter) -> Vec<Version> {
        let versions = self.subjects.get(subject).into_iter().flat_map(BTreeMap::values);
        versions.filter(|version| which.holds(version)).cloned().collect()
    }

    /// Returns a version of a subject; `None` means the latest.
    pub(crate) fn version(
        &self,
        subject: &str,
        version: Option<i32>,
        which: VersionFilter,
    ) -> Option<Version> {
        let versions = self.subjects.get(subject)?;
        match version {
            Some(version) => versions.get(&version).filter(|it| which.holds(it)).cloned(),
            None => versions.values().rev().find(|it| which.holds(it)).cloned(),
        }
    }

    /// Returns the latest version of a subject with this schema.
    pub(crate) fn find(
        &self,
        subject: &str,
        schema: &Schema,
        which: VersionFilter,
    ) -> Option<Version> {
        let mut versions = self.subjects.get(subject)?.values().rev();
        versions.find(|it| which.holds(it) && *it.schema == *schema).cloned()
    }

    /// Returns the version number of a subject's next registration. Soft-deleted versions count, so
    /// a number is never reused.
    pub(crate) fn next_version(&self, subject: &str) -> i32 {
        let last = self.subjects.get(subject).and_then(|versions| versions.keys().next_back());
        last.map_or(1, |last| last.saturating_add(1))
    }

    /// Returns the id of a schema, or a new one if it has none.
    pub(crate) fn id_for(&self, schema: &Schema) -> i32 {
        self.id_of.get(schema).copied().unwrap_or(self.highest_id.saturating_add(1))
    }

    /// Returns the highest id of a schema, 0 if there is none.
    pub(crate) fn highest_used_id(&self) -> i32 {
        self.ids.keys().next_back().copied().unwrap_or(0)
    }

    /// Returns the highest allocated id.
    pub(crate) fn highest_id(&self) -> i32 {
        self.highest_id
    }

    /// Returns the schema with this id.
    pub(crate) fn schema(&self, id: i32) -> Option<Arc<Schema>> {
        self.ids.get(&id).map(|identified| identified.schema.clone())
    }

    /// Returns the id of the schema with this GUID.
    pub(crate) fn id_of_guid(&self, guid: &str) -> Option<i32> {
        self.id_of_guid.get(&guid.to_ascii_lowercase()).copied()
    }

    /// Returns the subjects and versions that use an id; `None` if the id does not exist.
    pub(crate) fn uses(&self, id: i32, which: VersionFilter) -> Option<Vec<(String, i32)>> {
        let used = self.ids.get(&id)?.used.iter();
        let is_listed = |(subject, version): &&(String, i32)| {
            self.version(subject, Some(*version), which).is_some()
        };
        Some(used.filter(is_listed).cloned().collect())
    }

    /// Returns the ids of schemas that refer to this version and are not deleted.
    pub(crate) fn referenced_by(&self, subject: &str, version: i32) -> BTreeSet<i32> {
        let live = self.subjects.values().flat_map(BTreeMap::values).filter(|it| !it.deleted);
        let needs = |it: &&Version| {
            let mut references = it.schema.references.iter();
            references.any(|one| one.subject == subject && one.version == version)
        };
        live.filter(needs).map(|it| it.id).collect()
    }

    /// Returns a subject's own setting, or the setting of all.
    pub(crate) fn config(&self, subject: Option<&str>) -> Option<&Config> {
        match subject {
            Some(subject) => self.configs.get(subject),
            None => self.config.as_ref(),
        }
    }

    /// Returns the effective level of a subject, or of all with `None`.
    pub(crate) fn level(&self, subject: Option<&str>) -> Level {
        let own = subject.and_then(|subject| self.configs.get(subject)?.level);
        own.or_else(|| self.config.as_ref()?.level).unwrap_or_default()
    }

    /// Returns whether a subject's schemas are always normalized.
    pub(crate) fn normalizes(&self, subject: &str) -> bool {
        let own = self.configs.get(subject).and_then(|config| config.normalize);
        own.or_else(|| self.config.as_ref()?.normalize).unwrap_or(false)
    }

    /// Returns a subject's own mode, or the mode of all.
    pub(crate) fn own_mode(&self, subject: Option<&str>) -> Option<Mode> {
        match subject {
            Some(subject) => self.modes.get(subject).copied(),
            None => self.mode,
        }
    }

    /// Returns the effective mode of a subject, or of all with `None`.
    pub(crate) fn mode(&self, subject: Option<&str>) -> Mode {
        match (self.mode, subject) {
            (Some(Mode::ReadOnlyOverride), _) => Mode::ReadOnlyOverride,
            (all, Some(subject)) => self.modes.get(subject).copied().or(all).unwrap_or_default(),
            (all, None) => all.unwrap_or_default(),
        }
    }
}

fn set<T>(map: &mut BTreeMap<String, T>, subject: String, value: Option<T>) {
    match value {
        Some(value) => map.insert(subject, value),
        None => map.remove(&subject),
    };
}
