//! How the description of a request is written down: fields, their kinds, and the versions that
//! have them.

/// The description of one request.
#[derive(Debug)]
pub(super) struct Shape {
    /// The first version in the flexible encoding: lengths as varints, tagged fields after the
    /// fields of each structure (KIP-482).
    pub(super) flexible_since: i16,
    pub(super) fields: &'static [Field],
}

/// A request without a flexible version.
pub(super) const NEVER: i16 = i16::MAX;

/// One field of a structure, in the order of the wire.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The first version that has the field.
    pub(super) since: i16,
    /// The last version that has the field.
    pub(super) until: i16,
    /// The number of a tagged field, which stands behind the others and may be absent.
    pub(super) tag: Option<u32>,
}

/// What a field holds. Whether it may be null is not said here: null takes no memory, and the
/// decoder knows where it is not allowed.
#[derive(Debug)]
pub(super) enum Kind {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Uuid,
    String,
    /// A string whose length is an i16 in every version: the header's client id, which a broker
    /// must be able to read whatever the version (KIP-511).
    PlainString,
    /// Bytes, record batches among them.
    Bytes,
    Array(&'static Kind),
    Struct(&'static [Field]),
    /// A structure behind a byte that says whether it is there.
    NullableStruct(&'static [Field]),
}

/// A description whose versions are flexible from `flexible_since` on.
pub(super) const fn shape(flexible_since: i16, fields: &'static [Field]) -> Shape {
    Shape { flexible_since, fields }
}

/// A field that every version has, unless it is narrowed.
pub(super) const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, since: 0, until: i16::MAX, tag: None }
}

impl Field {
    /// The field exists from `version` on.
    pub(super) const fn since(mut self, version: i16) -> Self {
        self.since = version;
        self
    }

    /// The field exists up to and including `version`.
    pub(super) const fn until(mut self, version: i16) -> Self {
        self.until = version;
        self
    }

    /// The field is tagged with `number`.
    pub(super) const fn tag(mut self, number: u32) -> Self {
        self.tag = Some(number);
        self
    }

    /// Whether `version` has the field, in its place or by its tag.
    pub(super) fn exists_in(&self, version: i16) -> bool {
        self.since <= version && version <= self.until
    }
}

impl Kind {
    /// The least number of bytes that a value takes on the wire in `version`.
    pub(super) fn least_size(&self, version: i16, flexible: bool) -> usize {
        match self {
            Self::Boolean | Self::Int8 | Self::NullableStruct(_) => 1,
            Self::Int16 | Self::PlainString => 2,
            Self::Int32 => 4,
            Self::Int64 => 8,
            Self::Uuid => 16,
            Self::String | Self::Bytes | Self::Array(_) if flexible => 1,
            Self::String => 2,
            Self::Bytes | Self::Array(_) => 4,
            Self::Struct(fields) => {
                let in_place = fields.iter().filter(|f| f.tag.is_none() && f.exists_in(version));
                let least: usize = in_place.map(|f| f.kind.least_size(version, flexible)).sum();
                // The number of tagged fields takes a byte, even where it is zero.
                least + usize::from(flexible)
            }
        }
    }

    /// The number of bytes of a value, for kinds whose values are all of the same size.
    pub(super) fn fixed_size(&self) -> Option<usize> {
        match self {
            Self::Boolean | Self::Int8 => Some(1),
            Self::Int16 => Some(2),
            Self::Int32 => Some(4),
            Self::Int64 => Some(8),
            Self::Uuid => Some(16),
            _ => None,
        }
    }
}
