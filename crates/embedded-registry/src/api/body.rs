//! Bodies of requests.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ApiError;
use crate::lenient;

/// Reads a body.
///
/// # Errors
///
/// 422 for an empty body and for `null`; 400 for a body that is not JSON or has the wrong fields.
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let null = || ApiError::unprocessable("the body must not be null (was null)");
    if bytes.trim_ascii().is_empty() {
        return Err(null());
    }
    let bad = |error: serde_json::Error| ApiError::bad_request(error.to_string());
    match serde_json::from_slice(bytes).map_err(bad)? {
        Value::Null => Err(null()),
        object @ Value::Object(_) => serde_json::from_value(object).map_err(bad),
        other => {
            let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
            Err(ApiError::bad_request(lenient::mismatched(name, &other)))
        }
    }
}
