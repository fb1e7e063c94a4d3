//! Encodes values that contain no other values, and checks their range.

use uuid::Uuid;

use super::super::decimal;
use super::super::logical::Logical;
use super::super::mismatch::Mismatch;
use super::super::schema::{Enum, Id, Kind};
use super::super::tree::Tree;
use super::super::varint;
use super::Encoder;
use super::fit::{double, float, raw};

impl Encoder<'_> {
    pub(super) fn scalar(&mut self, tree: &Tree, id: Id) -> Result<(), Mismatch> {
        let schema = self.schema;
        let found = schema.get(id);
        match (&found.kind, tree) {
            (Kind::Null, Tree::Null) => {}
            (Kind::Boolean, Tree::Bool(it)) => self.out.push(u8::from(*it)),
            (Kind::Int, Tree::Integer(number, _)) => {
                let within = i64::from(i32::MIN)..=i64::from(i32::MAX);
                let number = self.number(*number, id, (*within.start(), *within.end()))?;
                self.long(number);
            }
            (Kind::Long, Tree::Integer(number, _)) => {
                let number = self.number(*number, id, (i64::MIN, i64::MAX))?;
                self.long(number);
            }
            (Kind::Int | Kind::Long, Tree::Huge(_)) => return Err(self.out_of_range(id)),
            (Kind::Float, _) => {
                let number = float(tree).ok_or_else(|| self.no_float(tree, id))?;
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            (Kind::Double, _) => {
                let number = double(tree).ok_or_else(|| self.no_float(tree, id))?;
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            (Kind::Bytes, _) => {
                let bytes = self.bytes_of(tree, id)?;
                self.bytes(&bytes);
            }
            (Kind::Fixed(_, size), _) => {
                let bytes = self.fixed(tree, id, *size)?;
                self.out.extend_from_slice(&bytes);
            }
            (Kind::String, _) => {
                let text = self.text(tree, id)?;
                self.bytes(text.as_bytes());
            }
            (Kind::Enum(of), _) => self.symbol(tree, of, id)?,
            _ => return Err(self.mismatch(tree, id)),
        }
        Ok(())
    }

    fn number(&self, number: i128, id: Id, (least, most): (i64, i64)) -> Result<i64, Mismatch> {
        let held = i64::try_from(number).ok().filter(|it| (least..=most).contains(it));
        let held = held.ok_or_else(|| self.out_of_range(id))?;
        match self.schema.get(id).logical {
            Some(Logical::TimeOfDay { units, .. }) if !(0..units).contains(&held) => {
                Err(self.out_of_range(id))
            }
            _ => Ok(held),
        }
    }

    fn out_of_range(&self, id: Id) -> Mismatch {
        let found = self.schema.get(id);
        let (least, most) = match (found.logical, &found.kind) {
            (Some(Logical::TimeOfDay { units, .. }), _) => (0, units - 1),
            (_, Kind::Int) => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        let label = self.schema.label(id);
        Mismatch::new(format!(
            "is out of range: the schema says {label}, which holds {least} to {most}"
        ))
    }

    fn no_float(&self, tree: &Tree, id: Id) -> Mismatch {
        let label = self.schema.label(id);
        match tree {
            Tree::Double(_) => Mismatch::new(format!("is out of range: the schema says {label}")),
            Tree::Integer(..) | Tree::Huge(_) => Mismatch::new(format!(
                "is a number with more digits than {label} holds, but the schema says {label}"
            )),
            _ => self.mismatch(tree, id),
        }
    }

    fn bytes_of(&self, tree: &Tree, id: Id) -> Result<Vec<u8>, Mismatch> {
        let logical = self.schema.get(id).logical;
        match (logical, raw(tree)) {
            (Some(Logical::Decimal { precision, .. }), Some(bytes)) => {
                match decimal::has_room(&bytes, precision) {
                    true => Ok(bytes),
                    false => Err(too_many_digits(precision)),
                }
            }
            (Some(Logical::Decimal { precision, scale }), None) => {
                self.unscaled(tree, id, (precision, scale))
            }
            (Some(Logical::BigDecimal), None) => self.big_decimal(tree, id),
            (_, Some(bytes)) => Ok(bytes),
            // Like Avro itself, which reads a string as bytes.
            (_, None) => match tree {
                Tree::Text(text) => Ok(text.as_bytes().to_vec()),
                _ => Err(self.mismatch(tree, id)),
            },
        }
    }

    /// Returns the bytes of an unscaled decimal.
    fn unscaled(
        &self,
        tree: &Tree,
        id: Id,
        (precision, scale): (usize, usize),
    ) -> Result<Vec<u8>, Mismatch> {
        let text = self.decimal(tree, id)?;
        let number = decimal::parse(&text).ok_or_else(|| self.no_decimal(id))?;
        number.unscaled(precision, scale).map_err(Mismatch::new)
    }

    /// Encodes the number with its length, and then its scale.
    fn big_decimal(&self, tree: &Tree, id: Id) -> Result<Vec<u8>, Mismatch> {
        let text = self.decimal(tree, id)?;
        let number = decimal::parse(&text).ok_or_else(|| self.no_decimal(id))?;
        let (unscaled, scale) = number.with_its_scale().map_err(Mismatch::new)?;
        let mut bytes = Vec::new();
        varint::write(i64::try_from(unscaled.len()).unwrap_or(i64::MAX), &mut bytes);
        bytes.extend_from_slice(&unscaled);
        varint::write(i64::from(scale), &mut bytes);
        Ok(bytes)
    }

    fn fixed(&self, tree: &Tree, id: Id, size: usize) -> Result<Vec<u8>, Mismatch> {
        let logical = self.schema.get(id).logical;
        match (logical, tree) {
            (Some(Logical::Duration), Tree::Seq(parts)) if parts.len() == 3 => {
                return self.duration(parts);
            }
            _ => {}
        }
        if let Some(bytes) = raw(tree) {
            return self.fixed_bytes(bytes, id, size);
        }
        match logical {
            Some(Logical::Uuid) => self.uuid(tree, id).map(|it| it.as_bytes().to_vec()),
            Some(Logical::Decimal { precision, scale }) => {
                let unscaled = self.unscaled(tree, id, (precision, scale))?;
                let is_negative = unscaled.first().is_some_and(|it| *it >= 0x80);
                // The schema's precision is limited by its size.
                let missing = size.saturating_sub(unscaled.len());
                let mut bytes = vec![if is_negative { 0xff } else { 0 }; missing];
                bytes.extend_from_slice(&unscaled);
                Ok(bytes)
            }
            _ => Err(self.mismatch(tree, id)),
        }
    }

    fn fixed_bytes(&self, bytes: Vec<u8>, id: Id, size: usize) -> Result<Vec<u8>, Mismatch> {
        if bytes.len() != size {
            let (label, found) = (self.schema.label(id), bytes.len());
            return Err(Mismatch::new(format!(
                "has {found} bytes, but the schema says {label}, which has {size}"
            )));
        }
        match self.schema.get(id).logical {
            Some(Logical::Decimal { precision, .. }) if !decimal::has_room(&bytes, precision) => {
                Err(too_many_digits(precision))
            }
            _ => Ok(bytes),
        }
    }

    fn duration(&self, parts: &[Tree]) -> Result<Vec<u8>, Mismatch> {
        let mut bytes = Vec::with_capacity(12);
        for (at, part) in parts.iter().enumerate() {
            let number = match part {
                Tree::Integer(number, _) => u32::try_from(*number).ok(),
                _ => None,
            };
            let problem = "is not a number that duration holds: months, days and milliseconds are";
            let number = number.ok_or_else(|| Mismatch::new(format!("{problem} u32")).at(at))?;
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        Ok(bytes)
    }

    fn text(&self, tree: &Tree, id: Id) -> Result<String, Mismatch> {
        if self.schema.get(id).logical == Some(Logical::Uuid) {
            let uuid = self.uuid(tree, id)?;
            return Ok(match tree {
                // Text of 36 characters is the form with hyphens, in upper or lower case.
                Tree::Text(text) if text.len() == 36 => text.clone(),
                _ => uuid.to_string(),
            });
        }
        match tree {
            Tree::Text(text) | Tree::Decimal(text) => Ok(text.clone()),
            Tree::Variant(name, held) if **held == Tree::Null => Ok((*name).to_owned()),
            _ => Err(self.mismatch(tree, id)),
        }
    }

    fn uuid(&self, tree: &Tree, id: Id) -> Result<Uuid, Mismatch> {
        let no_uuid = || Mismatch::new("is not a UUID, but the schema says uuid");
        match tree {
            Tree::Text(text) => Uuid::try_parse(text).map_err(|_| no_uuid()),
            _ => match raw(tree) {
                Some(bytes) => Uuid::from_slice(&bytes).map_err(|_| no_uuid()),
                None => Err(self.mismatch(tree, id)),
            },
        }
    }

    /// Returns a decimal as text. A float is rejected: most floats are not the intended number.
    fn decimal(&self, tree: &Tree, id: Id) -> Result<String, Mismatch> {
        match tree {
            Tree::Text(text) | Tree::Decimal(text) => Ok(text.clone()),
            Tree::Integer(number, _) => Ok(number.to_string()),
            Tree::Huge(number) => Ok(number.to_string()),
            _ => Err(self.mismatch(tree, id)),
        }
    }

    fn no_decimal(&self, id: Id) -> Mismatch {
        Mismatch::new(format!("is not a number, but the schema says {}", self.schema.label(id)))
    }

    fn symbol(&mut self, tree: &Tree, of: &Enum, id: Id) -> Result<(), Mismatch> {
        let symbol = match tree {
            Tree::Text(text) => text.as_str(),
            Tree::Variant(name, held) if **held == Tree::Null => name,
            _ => return Err(self.mismatch(tree, id)),
        };
        let at = of.symbols.iter().position(|it| it == symbol);
        let at = at.and_then(|at| i64::try_from(at).ok());
        let none = || Mismatch::new(format!("is not one of {}", of.symbols.join(", ")));
        self.long(at.ok_or_else(none)?);
        Ok(())
    }
}

fn too_many_digits(precision: usize) -> Mismatch {
    Mismatch::new(format!("has more digits than its precision, {precision}, holds"))
}
