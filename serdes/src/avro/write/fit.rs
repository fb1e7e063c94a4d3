//! Determines which types can hold a value, and converts numbers to floats.

use super::super::logical::Logical;
use super::super::schema::Kind;
use super::super::tree::Tree;

/// Returns the bytes if a value is bytes. serde represents `Vec<u8>` and `[u8; 16]` as numbers.
pub(super) fn raw(tree: &Tree) -> Option<Vec<u8>> {
    match tree {
        Tree::Bytes(bytes) => Some(bytes.clone()),
        Tree::Seq(items) => items
            .iter()
            .map(|item| match item {
                Tree::Integer(number, _) => u8::try_from(*number).ok(),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// Returns the nearest float, as in Java, but never an unintended infinity. Numbers without a
/// fraction keep all their digits.
pub(super) fn float(tree: &Tree) -> Option<f32> {
    match tree {
        Tree::Float(it) => Some(*it),
        Tree::Double(it) => {
            let nearest = *it as f32;
            (nearest.is_finite() || !it.is_finite()).then_some(nearest)
        }
        Tree::Integer(number, _) => {
            let nearest = *number as f32;
            (nearest as i128 == *number && *number != i128::MAX).then_some(nearest)
        }
        _ => None,
    }
}

pub(super) fn double(tree: &Tree) -> Option<f64> {
    match tree {
        Tree::Float(it) => Some(f64::from(*it)),
        Tree::Double(it) => Some(*it),
        Tree::Integer(number, _) => {
            let nearest = *number as f64;
            (nearest as i128 == *number && *number != i128::MAX).then_some(nearest)
        }
        _ => None,
    }
}

/// Returns how well a value matches a type, regardless of its size: the lower, the better; `None`
/// if it does not match.
pub(super) fn rank(tree: &Tree, kind: &Kind, logical: Option<Logical>) -> Option<u8> {
    let is_bytes = raw(tree).is_some();
    Some(match (tree, kind, logical) {
        (Tree::Null, Kind::Null, _) | (Tree::Bool(_), Kind::Boolean, _) => 0,
        (Tree::Integer(_, is_narrow), Kind::Int, _) => u8::from(!is_narrow),
        (Tree::Integer(_, is_narrow), Kind::Long, _) => u8::from(*is_narrow),
        (Tree::Huge(_), Kind::Int | Kind::Long, _) => 3,
        (Tree::Float(_), Kind::Float, _) | (Tree::Double(_), Kind::Double, _) => 0,
        (Tree::Float(_), Kind::Double, _) | (Tree::Double(_), Kind::Float, _) => 1,
        (Tree::Integer(..) | Tree::Huge(_), Kind::Double, _) => 4,
        (Tree::Integer(..) | Tree::Huge(_), Kind::Float, _) => 5,
        (Tree::Text(_), Kind::String, None) => 0,
        (Tree::Text(_), Kind::String, Some(_)) => 1,
        (Tree::Text(_), Kind::Enum(_), _) => 1,
        (Tree::Text(_), Kind::Fixed(..), Some(Logical::Uuid)) => 1,
        (Tree::Decimal(_), Kind::String, _) => 6,
        (
            Tree::Text(_) | Tree::Decimal(_) | Tree::Integer(..) | Tree::Huge(_),
            Kind::Bytes | Kind::Fixed(..),
            Some(Logical::Decimal { .. } | Logical::BigDecimal),
        ) => 2,
        (Tree::Text(_), Kind::Bytes, None) => 3,
        (Tree::Seq(_), Kind::Array(_), _) => 0,
        (Tree::Seq(parts), Kind::Fixed(..), Some(Logical::Duration)) if parts.len() == 3 => 1,
        (_, Kind::Bytes, None) if is_bytes => 1,
        (_, Kind::Fixed(..), None) if is_bytes => 1,
        (_, Kind::Bytes | Kind::Fixed(..), Some(_)) if is_bytes => 2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::word;
    use super::*;

    #[test]
    fn a_float_is_the_nearest_one_and_never_becomes_infinite() {
        assert_eq!(float(&Tree::Double(0.1)), Some(0.1_f32));
        assert_eq!(float(&Tree::Double(1e300)), None);
        assert_eq!(float(&Tree::Double(f64::from(f32::MAX))), Some(f32::MAX));
        assert_eq!(float(&Tree::Double(f64::NEG_INFINITY)), Some(f32::NEG_INFINITY));
        assert!(float(&Tree::Double(f64::NAN)).is_some_and(f32::is_nan));
        assert!(double(&Tree::Float(-0.0)).is_some_and(f64::is_sign_negative));
        assert_eq!(float(&Tree::Integer(1 << 24, false)), Some(16_777_216.0));
        assert_eq!(float(&Tree::Integer((1 << 24) + 1, false)), None);
        assert_eq!(double(&Tree::Integer((1 << 53) + 1, false)), None);
        assert_eq!(double(&Tree::Integer(i128::MAX, false)), None);
        assert_eq!(word(&Tree::Integer(1 << 31, false)), "long");
    }
}
