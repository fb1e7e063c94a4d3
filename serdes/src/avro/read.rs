//! Reads bytes into a value. It trusts nothing in a message: what it claims to contain must exist.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::logical::Logical;
use super::mismatch::{Depth, Mismatch};
use super::plan::{Plan, RecordStep, Step, Wanted, Written};
use super::value::AvroValue;
use super::varint;

/// The maximum number of values in a message that take no bytes, such as nulls in an array: a
/// message can claim any number of them.
const MAX_WITHOUT_BYTES: usize = 100_000;

/// An error of reading.
#[derive(Debug)]
pub(super) enum Failure {
    /// The bytes do not match the writer's schema.
    Corrupt,
    /// The bytes match the writer's schema, but the reader's schema cannot hold the value.
    Mismatch(Mismatch),
}

impl Failure {
    fn map(self, change: impl FnOnce(Mismatch) -> Mismatch) -> Self {
        match self {
            Failure::Corrupt => Failure::Corrupt,
            Failure::Mismatch(mismatch) => Failure::Mismatch(change(mismatch)),
        }
    }
}

/// Reads a message from its first byte to its last.
pub(super) fn value(plan: &Plan, bytes: &[u8]) -> Result<AvroValue, Failure> {
    let mut reader = Reader { plan, rest: bytes, depth: Depth::here(), without_bytes: 0 };
    let value = reader.step(plan.root())?;
    if reader.rest.is_empty() { Ok(value) } else { Err(Failure::Corrupt) }
}

struct Reader<'a> {
    plan: &'a Plan,
    rest: &'a [u8],
    depth: Depth,
    without_bytes: usize,
}

impl Reader<'_> {
    fn step(&mut self, step: &Step) -> Result<AvroValue, Failure> {
        if self.depth.is_too_deep() {
            return Err(Failure::Mismatch(Mismatch::too_deep()));
        }
        Ok(match step {
            Step::Pending => return Err(Failure::Corrupt),
            Step::Null => AvroValue::Null,
            Step::Boolean => AvroValue::Boolean(self.boolean()?),
            Step::Number(written, wanted) => self.number(*written, *wanted)?,
            Step::Bytes(is_text, logical) => self.text_or_bytes(*is_text, *logical)?,
            Step::Fixed(size, logical) => fixed(self.take(*size)?, *logical)?,
            Step::Enum(symbols) => {
                let symbol = self.index().and_then(|at| symbols.get(at).ok_or(Failure::Corrupt))?;
                let unknown = "is a symbol that the reader's schema does not know";
                let symbol = symbol.clone().ok_or_else(|| mismatch(unknown))?;
                AvroValue::Enum(symbol)
            }
            Step::Array(items) => AvroValue::Array(self.array(*items)?),
            Step::Map(values) => AvroValue::Map(self.map(*values)?),
            Step::Record(record) => self.record(record)?,
            Step::Branches(branches) => {
                let at = self.index()?;
                let branch = branches.get(at).ok_or(Failure::Corrupt)?;
                self.step(self.plan.get(*branch))?
            }
            Step::Branch(of, step) => {
                AvroValue::Union(of.clone(), Box::new(self.step(self.plan.get(*step))?))
            }
            Step::Rejected(field, problem) => {
                let mismatch = Mismatch::new(problem);
                return Err(Failure::Mismatch(match field {
                    Some(field) => mismatch.in_field(field),
                    None => mismatch,
                }));
            }
        })
    }

    fn record(&mut self, record: &RecordStep) -> Result<AvroValue, Failure> {
        let mut values = vec![AvroValue::Null; record.names.len()];
        for field in &record.written {
            let start = self.rest;
            for (place, step) in &field.fields {
                self.rest = start;
                let name = &record.names[*place];
                let value = self.step(self.plan.get(*step));
                values[*place] = value.map_err(|it| it.map(|it| it.in_field(name)))?;
            }
            if field.fields.is_empty() {
                let left_out = self.step(self.plan.get(field.skip));
                left_out.map_err(|it| it.map(|it| it.in_field(&field.name)))?;
            }
        }
        for (place, value) in &record.defaults {
            values[*place] = value.clone();
        }
        Ok(AvroValue::Record(record.names.clone(), values))
    }

    fn array(&mut self, items: usize) -> Result<Vec<AvroValue>, Failure> {
        let (plan, mut values) = (self.plan, Vec::new());
        while let Some(count) = self.block()? {
            for _ in 0..count {
                let before = self.rest.len();
                let value = self.step(plan.get(items));
                let at = values.len();
                values.push(value.map_err(|it| it.map(|it| it.at(at)))?);
                self.count_if_it_took_nothing(before)?;
            }
        }
        Ok(values)
    }

    fn map(&mut self, values: usize) -> Result<BTreeMap<String, AvroValue>, Failure> {
        let (plan, mut entries) = (self.plan, BTreeMap::new());
        while let Some(count) = self.block()? {
            for _ in 0..count {
                let key = self.text()?;
                let value = self.step(plan.get(values));
                // The last value of a repeated key counts, as in Java.
                entries.insert(key, value.map_err(|it| it.map(Mismatch::in_map))?);
            }
        }
        Ok(entries)
    }

    /// Returns the number of items in the next block; none at the end.
    fn block(&mut self) -> Result<Option<u64>, Failure> {
        let count = self.long()?;
        if count < 0 {
            // The size of the block follows, for readers that skip it.
            self.length()?;
        }
        Ok(Some(count.unsigned_abs()).filter(|count| *count > 0))
    }

    fn count_if_it_took_nothing(&mut self, before: usize) -> Result<(), Failure> {
        self.without_bytes += usize::from(self.rest.len() == before);
        if self.without_bytes > MAX_WITHOUT_BYTES { Err(Failure::Corrupt) } else { Ok(()) }
    }

    fn number(&mut self, written: Written, wanted: Wanted) -> Result<AvroValue, Failure> {
        // Java promotes in the same way: a number without an exact float becomes the nearest one.
        Ok(match (written, wanted) {
            (Written::Int, Wanted::Int) => AvroValue::Int(self.int()?),
            (Written::Int, Wanted::Long) => AvroValue::Long(i64::from(self.int()?)),
            (Written::Int, Wanted::Float) => AvroValue::Float(self.int()? as f32),
            (Written::Int, Wanted::Double) => AvroValue::Double(f64::from(self.int()?)),
            (Written::Long, Wanted::Float) => AvroValue::Float(self.long()? as f32),
            (Written::Long, Wanted::Double) => AvroValue::Double(self.long()? as f64),
            (Written::Long, _) => AvroValue::Long(self.long()?),
            (Written::Float, Wanted::Double) => AvroValue::Double(f64::from(self.float()?)),
            (Written::Float, _) => AvroValue::Float(self.float()?),
            (Written::Double, _) => AvroValue::Double(f64::from_le_bytes(self.array_of()?)),
        })
    }

    fn text_or_bytes(
        &mut self,
        is_text: bool,
        logical: Option<Logical>,
    ) -> Result<AvroValue, Failure> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        if is_text {
            let no_text = |_| mismatch("is not text: its bytes are not UTF-8");
            return Ok(AvroValue::Text(std::str::from_utf8(bytes).map_err(no_text)?.to_owned()));
        }
        match logical {
            Some(Logical::Decimal { scale, .. }) => decimal(bytes, scale),
            Some(Logical::BigDecimal) => big_decimal(bytes),
            _ => Ok(AvroValue::Bytes(bytes.to_vec())),
        }
    }

    fn boolean(&mut self) -> Result<bool, Failure> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Failure::Corrupt),
        }
    }

    fn int(&mut self) -> Result<i32, Failure> {
        i32::try_from(self.long()?).map_err(|_| Failure::Corrupt)
    }

    fn float(&mut self) -> Result<f32, Failure> {
        Ok(f32::from_le_bytes(self.array_of()?))
    }

    fn text(&mut self) -> Result<String, Failure> {
        let length = self.length()?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| Failure::Corrupt)?;
        Ok(text.to_owned())
    }

    fn index(&mut self) -> Result<usize, Failure> {
        usize::try_from(self.long()?).map_err(|_| Failure::Corrupt)
    }

    fn length(&mut self) -> Result<usize, Failure> {
        self.index()
    }

    fn array_of<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], Failure> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Failure::Corrupt)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, length: usize) -> Result<&[u8], Failure> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Failure::Corrupt)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn long(&mut self) -> Result<i64, Failure> {
        varint::read(&mut self.rest).ok_or(Failure::Corrupt)
    }
}

fn mismatch(problem: &str) -> Failure {
    Failure::Mismatch(Mismatch::new(problem))
}

fn fixed(bytes: &[u8], logical: Option<Logical>) -> Result<AvroValue, Failure> {
    match logical {
        Some(Logical::Decimal { scale, .. }) => decimal(bytes, scale),
        Some(Logical::Uuid) => {
            Uuid::from_slice(bytes).map(AvroValue::Uuid).map_err(|_| Failure::Corrupt)
        }
        Some(Logical::Duration) => {
            let part = |at: usize| {
                let part = bytes.get(4 * at..4 * at + 4)?.try_into().ok()?;
                Some(u32::from_le_bytes(part))
            };
            let parts = (part(0), part(1), part(2));
            let (Some(months), Some(days), Some(millis)) = parts else {
                return Err(Failure::Corrupt);
            };
            Ok(AvroValue::Duration([months, days, millis]))
        }
        _ => Ok(AvroValue::Bytes(bytes.to_vec())),
    }
}

fn decimal(bytes: &[u8], scale: usize) -> Result<AvroValue, Failure> {
    let scale = i64::try_from(scale).map_err(|_| Failure::Corrupt)?;
    match bytes {
        [] => Err(mismatch("is not a decimal: it has no bytes")),
        bytes => Ok(AvroValue::Decimal(bytes.to_vec(), scale)),
    }
}

/// Reads the number with its length, and then its scale.
fn big_decimal(bytes: &[u8]) -> Result<AvroValue, Failure> {
    let no_number = || mismatch("is not a big-decimal");
    let mut rest = bytes;
    let length =
        varint::read(&mut rest).and_then(|it| usize::try_from(it).ok()).ok_or_else(no_number)?;
    let (number, mut rest) = rest.split_at_checked(length).ok_or_else(no_number)?;
    let scale =
        varint::read(&mut rest).and_then(|it| i32::try_from(it).ok()).ok_or_else(no_number)?;
    match number {
        [] => Err(no_number()),
        number => Ok(AvroValue::Decimal(number.to_vec(), i64::from(scale))),
    }
}
