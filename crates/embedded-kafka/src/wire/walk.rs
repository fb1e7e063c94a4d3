//! The walk over the bytes of a request, field by field, without keeping anything.

use super::shape::{Field, Kind, Shape};

/// The most elements of arrays, at all depths together, that one request may have.
pub(crate) const MAX_ELEMENTS: usize = 1_000_000;

/// The reason why a request is rejected before it is decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MalformedRequest {
    /// The bytes end before the request does.
    #[error("{field} needs {needed} bytes and {left} are left")]
    Truncated {
        /// The field at which the bytes end.
        field: &'static str,
        /// Bytes that the field says it has.
        needed: usize,
        /// Bytes after the field's length.
        left: usize,
    },
    /// An array claims more elements than the bytes that are left can hold.
    #[error("{field} claims {count} elements of at least {least} bytes and {left} bytes are left")]
    Count {
        /// The array.
        field: &'static str,
        /// Elements that it claims.
        count: usize,
        /// Bytes that an element takes at least.
        least: usize,
        /// Bytes after the count.
        left: usize,
    },
    /// A length or count below −1, which stands for null.
    #[error("{field} has the length {length}")]
    Negative {
        /// The field with the length.
        field: &'static str,
        /// The length as it came.
        length: i32,
    },
    /// A varint continues after its fifth byte, or its fifth byte has bits beyond the 32nd.
    #[error("{field} has a length of more than 32 bits")]
    Varint {
        /// The field with the length.
        field: &'static str,
    },
    /// A tagged field that the protocol knows, but not in this version.
    #[error("the tagged field {field} does not exist in version {version}")]
    Tag {
        /// The tagged field.
        field: &'static str,
        /// The request's version.
        version: i16,
    },
    /// More elements than any client sends.
    #[error("the request has more than {} elements", MAX_ELEMENTS)]
    Elements,
}

/// The result of a walk to the end of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Bytes that the request takes.
    pub(crate) bytes: usize,
    /// Elements of all its arrays together, and tagged fields without a description.
    pub(crate) elements: usize,
}

/// Walks one request of `version` from the beginning of `bytes`, to check that it can be decoded
/// without allocating more than the bytes justify.
///
/// `version` is one that the decoder supports. Bytes after the end of the request are ignored, as
/// Apache Kafka does.
///
/// # Errors
///
/// [`MalformedRequest`] if a length, a count or a varint contradicts the bytes that are left, if
/// the bytes end too early, or if the request has more elements than any client sends.
pub(crate) fn walk(shape: &Shape, version: i16, bytes: &[u8]) -> Result<Extent, MalformedRequest> {
    let flexible = version >= shape.flexible_since;
    let mut walker = Walker { left: bytes, version, flexible, elements: 0 };
    walker.fields(shape.fields)?;
    Ok(Extent { bytes: bytes.len() - walker.left.len(), elements: walker.elements })
}

struct Walker<'a> {
    left: &'a [u8],
    version: i16,
    flexible: bool,
    elements: usize,
}

impl Walker<'_> {
    fn fields(&mut self, fields: &'static [Field]) -> Result<(), MalformedRequest> {
        for field in fields {
            if field.tag.is_none() && field.exists_in(self.version) {
                self.value(field.name, &field.kind)?;
            }
        }
        if self.flexible { self.tagged_fields(fields) } else { Ok(()) }
    }

    fn value(&mut self, field: &'static str, kind: &'static Kind) -> Result<(), MalformedRequest> {
        if let Some(size) = kind.fixed_size() {
            return self.skip(field, size);
        }
        match kind {
            Kind::PlainString => {
                let length = self.short_length(field)?;
                self.skip(field, length.unwrap_or(0))
            }
            Kind::String => {
                let length =
                    if self.flexible { self.compact(field)? } else { self.short_length(field)? };
                self.skip(field, length.unwrap_or(0))
            }
            Kind::Bytes => {
                let length = self.length(field)?;
                self.skip(field, length.unwrap_or(0))
            }
            Kind::Array(element) => self.array(field, element),
            Kind::Struct(fields) => self.fields(fields),
            // Kafka writes −1 or 1 for null and present; the decoder takes anything but 1 as null.
            Kind::NullableStruct(fields) => match self.take(field, 1)? {
                [1] => self.fields(fields),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn array(
        &mut self,
        field: &'static str,
        element: &'static Kind,
    ) -> Result<(), MalformedRequest> {
        let Some(count) = self.length(field)? else {
            return Ok(());
        };
        let (least, left) = (element.least_size(self.version, self.flexible), self.left.len());
        // The decoder reserves memory for all elements at once: only as many as can be there.
        if count.checked_mul(least).is_none_or(|size| size > left) {
            return Err(MalformedRequest::Count { field, count, least, left });
        }
        self.count_elements(count)?;
        if let Some(size) = element.fixed_size() {
            return self.skip(field, count * size);
        }
        for _ in 0..count {
            self.value(field, element)?;
        }
        Ok(())
    }

    fn tagged_fields(&mut self, fields: &'static [Field]) -> Result<(), MalformedRequest> {
        let section = "tagged fields";
        let count = self.varint(section)?;
        // A tagged field has at least its tag and its size.
        if count > self.left.len() / 2 {
            return Err(MalformedRequest::Count {
                field: section,
                count,
                least: 2,
                left: self.left.len(),
            });
        }
        for _ in 0..count {
            let tag = self.varint(section)?;
            let size = self.varint(section)?;
            let known = fields.iter().find(|field| field.tag.is_some_and(|t| t as usize == tag));
            match known {
                // As in Kafka, a field with a description is read by it, whatever its size says.
                Some(field) if field.exists_in(self.version) => {
                    self.value(field.name, &field.kind)?;
                }
                Some(field) => {
                    return Err(MalformedRequest::Tag { field: field.name, version: self.version });
                }
                None => {
                    self.count_elements(1)?;
                    self.skip(section, size)?;
                }
            }
        }
        Ok(())
    }

    fn count_elements(&mut self, count: usize) -> Result<(), MalformedRequest> {
        self.elements = self.elements.saturating_add(count);
        if self.elements > MAX_ELEMENTS { Err(MalformedRequest::Elements) } else { Ok(()) }
    }

    /// Returns the length of bytes, or the count of an array; `None` for null.
    fn length(&mut self, field: &'static str) -> Result<Option<usize>, MalformedRequest> {
        if self.flexible {
            return self.compact(field);
        }
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(field, 4)?);
        not_negative(field, i32::from_be_bytes(bytes))
    }

    fn short_length(&mut self, field: &'static str) -> Result<Option<usize>, MalformedRequest> {
        let mut bytes = [0; 2];
        bytes.copy_from_slice(self.take(field, 2)?);
        not_negative(field, i16::from_be_bytes(bytes).into())
    }

    /// Returns a length in the flexible encoding: one more than the length, and 0 for null.
    fn compact(&mut self, field: &'static str) -> Result<Option<usize>, MalformedRequest> {
        Ok(self.varint(field)?.checked_sub(1))
    }

    /// Returns an unsigned varint of at most 32 bits.
    fn varint(&mut self, field: &'static str) -> Result<usize, MalformedRequest> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.take(field, 1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let value = u32::try_from(value).map_err(|_| MalformedRequest::Varint { field })?;
                return Ok(value as usize);
            }
        }
        Err(MalformedRequest::Varint { field })
    }

    fn skip(&mut self, field: &'static str, size: usize) -> Result<(), MalformedRequest> {
        self.take(field, size).map(|_| ())
    }

    fn take(&mut self, field: &'static str, size: usize) -> Result<&[u8], MalformedRequest> {
        let left = self.left.len();
        let Some((taken, rest)) = self.left.split_at_checked(size) else {
            return Err(MalformedRequest::Truncated { field, needed: size, left });
        };
        self.left = rest;
        Ok(taken)
    }
}

fn not_negative(field: &'static str, length: i32) -> Result<Option<usize>, MalformedRequest> {
    match length {
        -1 => Ok(None),
        _ => usize::try_from(length)
            .map(Some)
            .map_err(|_| MalformedRequest::Negative { field, length }),
    }
}
