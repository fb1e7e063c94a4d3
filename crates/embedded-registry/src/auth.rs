//! Basic authentication with one user name and password, which do not appear in logs or errors.

use std::fmt;

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(hidden)")
    }
}

impl Credentials {
    /// Returns whether a request with this `Authorization` header is accepted.
    pub(crate) fn accepts(&self, header: Option<&HeaderValue>) -> bool {
        let given = header.and_then(|header| header.to_str().ok()).and_then(|header| {
            let (scheme, token) = header.split_once(' ')?;
            scheme.eq_ignore_ascii_case("basic").then_some(token)
        });
        let given = given.and_then(|token| STANDARD.decode(token.trim()).ok());
        let expected = format!("{}:{}", self.username, self.password);
        given.is_some_and(|given| equal(&given, expected.as_bytes()))
    }
}

/// Compares all bytes, so that the time it takes does not depend on the first wrong one.
fn equal(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_name_and_password_are_accepted() {
        let credentials = Credentials { username: "anna".into(), password: "s:cret".into() };
        let rows = [
            (format!("Basic {}", STANDARD.encode("anna:s:cret")), true),
            (format!("basic {}", STANDARD.encode("anna:s:cret")), true),
            (format!("Basic {}", STANDARD.encode("anna:s:cre")), false),
            (format!("Bearer {}", STANDARD.encode("anna:s:cret")), false),
            ("Basic %%%".to_owned(), false),
        ];
        for (header, admitted) in rows {
            let header = HeaderValue::from_str(&header).unwrap();
            assert_eq!(credentials.accepts(Some(&header)), admitted);
        }
        assert!(!credentials.accepts(None));
        assert!(!format!("{credentials:?}").contains("cret"));
    }
}
