//! GUIDs of schemas, which are the same in every registry.

use reqwest::Method;
use serde::Deserialize;

use super::client::RegistryClient;
use super::rest::read;
use crate::error::Error;
use crate::prefix::SchemaId;

impl RegistryClient {
    /// Returns the GUID of a schema, which is requested once.
    pub(crate) async fn guid(&self, id: SchemaId) -> Result<u128, Error> {
        #[derive(Deserialize)]
        struct Answer {
            guid: Option<String>,
        }
        let ask = async || {
            let doing = || format!("give the GUID of schema {id}");
            let path = format!("/schemas/ids/{id}");
            let answer = self.rest(Method::GET, &path, None, doing()).await?;
            let answer: Answer = read(answer, doing()).await?;
            answer.guid.as_deref().and_then(read_guid).ok_or_else(|| {
                let reason = "it has none, so headers can hold ids only".to_owned();
                Error::Response { doing: doing(), reason }
            })
        };
        self.0.guids.get(id, ask).await.map(|guid| *guid)
    }

    /// Returns the id of the schema with a GUID, which is requested once.
    pub(crate) async fn id_of_guid(&self, guid: u128) -> Result<SchemaId, Error> {
        #[derive(Deserialize)]
        struct InContext {
            id: u32,
        }
        let ask = async || {
            let doing = || format!("give the schema {}", guid_text(guid));
            let path = format!("/schemas/guids/{}/ids", guid_text(guid));
            let answer = self.rest(Method::GET, &path, None, doing()).await?;
            let ids: Vec<InContext> = read(answer, doing()).await?;
            ids.first().map(|found| SchemaId(found.id)).ok_or_else(|| {
                let reason = "no context knows it".to_owned();
                Error::Response { doing: doing(), reason }
            })
        };
        self.0.by_guid.get(guid, ask).await.map(|id| *id)
    }
}

/// Formats a GUID in the registry's notation.
fn guid_text(guid: u128) -> String {
    let digits = format!("{guid:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// Parses a GUID in the registry's notation.
fn read_guid(text: &str) -> Option<u128> {
    let digits = text.replace('-', "");
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_written_and_read() {
        let text = "1d20cbb9-e5e3-5e97-54e7-da170b6e5ddb";
        assert_eq!(read_guid(text).map(guid_text).as_deref(), Some(text));
        assert_eq!(read_guid("1d20"), None);
        assert_eq!(read_guid(&"é".repeat(16)), None);
    }
}
