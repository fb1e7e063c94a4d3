//! Checks the addresses of a cluster before librdkafka reads them.
//!
//! librdkafka accepts what it can parse: the port 99999 becomes 34463, `abc` becomes 0, and an
//! address with an unknown protocol is left out. The client then waits for a broker that does not
//! exist, or connects to the wrong one.

use crate::Error;

/// The protocols that librdkafka accepts before `://`. It must match `security.protocol`.
const PROTOCOLS: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];

/// Checks a list of `host:port`, separated by commas. If the port is missing, librdkafka uses 9092.
///
/// # Errors
/// [`Error::NoBootstrapServers`] if there is no address, and [`Error::Address`] for the first one
/// that librdkafka would misread.
pub fn check(brokers: &str, security_protocol: &str) -> Result<(), Error> {
    let named: Vec<&str> = brokers.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
    if named.is_empty() {
        return Err(Error::NoBootstrapServers);
    }
    named.into_iter().try_for_each(|address| {
        fault(address, security_protocol)
            .map_or(Ok(()), |reason| Err(Error::Address { address: address.to_owned(), reason }))
    })
}

/// Returns what is wrong with one address, if anything.
fn fault(address: &str, security_protocol: &str) -> Option<String> {
    let rest = match address.split_once("://") {
        Some((protocol, rest)) if protocol.eq_ignore_ascii_case(security_protocol) => rest,
        Some((protocol, rest)) => return Some(of_protocol(protocol, rest)),
        None => address,
    };
    if let Some(between) = rest.chars().find(|it| *it == ';' || it.is_whitespace()) {
        return Some(format!("addresses are separated by commas, and this has {between:?} in it"));
    }
    if let Some((before, _)) = rest.split_once('/') {
        return Some(format!("nothing follows the port: write {before}"));
    }
    // The last colon of an IPv6 address does not start a port, unless the address is in brackets.
    let (host, port) = match rest.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(None) => return Some("the bracket of the IPv6 address is not closed".to_owned()),
        Some(Some((host, port))) => (host, port.strip_prefix(':')),
        None if rest.matches(':').count() > 1 => {
            return Some(format!("write an IPv6 address in brackets: [{rest}]:9092"));
        }
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Some("the host before the port is missing".to_owned());
    }
    match port.map(str::parse::<u16>) {
        None | Some(Ok(1..)) => None,
        Some(_) => Some("a port is a number from 1 to 65535".to_owned()),
    }
}

fn of_protocol(protocol: &str, rest: &str) -> String {
    if PROTOCOLS.contains(&protocol.to_ascii_lowercase().as_str()) {
        let protocol = protocol.to_ascii_uppercase();
        return format!(
            "the protocol is a setting of its own: write {rest}, and set security.protocol (or \
             KAFKA_SECURITY_PROTOCOL) to {protocol}"
        );
    }
    format!("Kafka has a protocol of its own, and its address is no URL: write {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(brokers: &str) -> String {
        check(brokers, "plaintext").expect_err(brokers).to_string()
    }

    #[test]
    fn what_librdkafka_reads_as_it_is_meant_passes() {
        for brokers in [
            "127.0.0.1:9092",
            "broker-1:9092,broker-2:9092",
            "a:1, b:65535 ,, ",
            "localhost",
            "[::1]:9092",
            "[::1]",
            "PLAINTEXT://127.0.0.1:9092",
            "kafka_1.example.com:9092",
        ] {
            check(brokers, "plaintext").unwrap();
        }
        check("SASL_SSL://broker:9093", "sasl_ssl").unwrap();
    }

    #[test]
    fn what_it_would_misread_is_rejected_with_what_to_write() {
        for (brokers, remedy) in [
            ("http://127.0.0.1:9092", "write 127.0.0.1:9092"),
            ("https://broker", "its address is no URL: write broker"),
            ("SASL_SSL://broker:9093", "to SASL_SSL"),
            ("a:9092,ssl://broker:9093", "write broker:9093, and set security.protocol"),
            ("127.0.0.1:65536", "from 1 to 65535"),
            ("127.0.0.1:99999", "from 1 to 65535"),
            ("127.0.0.1:0", "from 1 to 65535"),
            ("127.0.0.1:-1", "from 1 to 65535"),
            ("127.0.0.1:", "from 1 to 65535"),
            ("127.0.0.1:abc", "from 1 to 65535"),
            ("a:9092;b:9092", "separated by commas"),
            ("a:9092 b:9092", "separated by commas"),
            ("127.0.0.1:9092/", "write 127.0.0.1:9092"),
            ("::1:9092", "in brackets"),
            ("[::1:9092", "is not closed"),
            (":9092", "the host before the port is missing"),
        ] {
            assert!(rejected(brokers).contains(remedy), "{brokers}: {}", rejected(brokers));
        }
    }

    #[test]
    fn no_address_is_an_error_of_its_own() {
        for brokers in ["", " ", ",", " , "] {
            assert!(matches!(check(brokers, "plaintext"), Err(Error::NoBootstrapServers)));
        }
    }
}
