//! The shape of a request: its fields, their kinds, and the versions that have them.

/// The shape of one request.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The first version in the flexible encoding: lengths as varints, tagged fields after the
    /// fields of each structure (KIP-482).
    pub(crate) flexible_since: i16,
    pub(crate) fields: &'static [Field],
}

/// One field of a structure, in the order of the wire.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The first version that has the field.
    pub(crate) since: i16,
    /// The last version that has the field.
    pub(crate) until: i16,
    /// The number of a tagged field, which comes after the others and may be absent.
    pub(crate) tag: Option<u32>,
}

/// The kind of a field's value. A kind does not say whether null is allowed: null takes no memory,
/// and the decoder knows where it is not allowed.
#[derive(Debug)]
pub(crate) enum Kind {
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
    /// A structure after a byte that says whether it is there.
    NullableStruct(&'static [Field]),
}

impl Shape {
    /// Describes a request whose encoding is flexible from `version` on.
    pub(crate) const fn flexible_since(version: i16, fields: &'static [Field]) -> Self {
        Self { flexible_since: version, fields }
    }

    /// Describes a request without a flexible version.
    pub(crate) const fn never_flexible(fields: &'static [Field]) -> Self {
        Self { flexible_since: i16::MAX, fields }
    }
}

/// Describes a field that every version has, unless it is narrowed.
pub(crate) const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, since: 0, until: i16::MAX, tag: None }
}

impl Field {
    /// Narrows the field to the versions from `version` on.
    pub(crate) const fn since(mut self, version: i16) -> Self {
        self.since = version;
        self
    }

    /// Narrows the field to the versions up to and including `version`.
    pub(crate) const fn until(mut self, version: i16) -> Self {
        self.until = version;
        self
    }

    /// Makes it the tagged field `number`.
    pub(crate) const fn tag(mut self, number: u32) -> Self {
        self.tag = Some(number);
        self
    }

    /// Returns whether `version` has the field, in its place or by its tag.
    pub(crate) fn exists_in(&self, version: i16) -> bool {
        self.since <= version && version <= self.until
    }
}

impl Kind {
    /// Returns the least number of bytes that a value takes on the wire in `version`.
    pub(crate) fn least_size(&self, version: i16, flexible: bool) -> usize {
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
                // The number of tagged fields takes a byte, even if it is zero.
                least + usize::from(flexible)
            }
        }
    }

    /// Returns the number of bytes of a value, for kinds whose values are all of the same size.
    pub(crate) fn fixed_size(&self) -> Option<usize> {
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
