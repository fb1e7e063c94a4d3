//! 7,884 real airports.
//!
//! data/README.md says where they come from, under which license, and what each field holds.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;

/// One airport that has an IATA code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Airport {
    /// IATA location code, three capital letters, unique.
    pub iata: String,
    /// ICAO location indicator, four characters.
    pub icao: String,
    /// The airport's name.
    pub name: String,
    /// The city; may be empty.
    pub city: String,
    /// State, province or region; may be empty.
    pub subdivision: String,
    /// ISO 3166-1 alpha-2 code of the country, and `XK` for Kosovo.
    pub country: String,
    /// Height above mean sea level, in feet.
    pub elevation_ft: f64,
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Name in the IANA time zone database, such as `America/New_York`.
    pub time_zone: String,
}

/// Reads all airports, sorted by IATA code, from the workshop's data/airports.json.
///
/// # Errors
/// [`Error::File`] where the file is not where this crate was compiled to look for it: [`read`]
/// takes another path.
pub fn all() -> Result<Vec<Airport>, Error> {
    read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/airports.json"))
}

/// Reads airports from a JSON array in another file.
///
/// # Errors
/// [`Error::File`] where it cannot be read, or does not hold airports.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Airport>, Error> {
    let failed = |source| Error::File { path: path.as_ref().to_owned(), source };
    let file = File::open(path.as_ref()).map_err(failed)?;
    serde_json::from_reader(BufReader::new(file)).map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_airports_are_there_sorted_and_unique() {
        let airports = all().unwrap();
        assert_eq!(airports.len(), 7884);
        assert!(airports.windows(2).all(|pair| pair[0].iata < pair[1].iata));
        assert!(airports.iter().all(|airport| airport.iata.len() == 3));
        let kennedy = airports.iter().find(|airport| airport.iata == "JFK").unwrap();
        assert_eq!(kennedy.icao, "KJFK");
        assert_eq!(kennedy.time_zone, "America/New_York");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read("/nowhere/airports.json").unwrap_err();
        assert!(error.to_string().contains("/nowhere/airports.json"), "{error}");
    }
}
