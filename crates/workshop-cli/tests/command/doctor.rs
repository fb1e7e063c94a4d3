//! `cargo workshop doctor`. What it finds on machines that lack something is tested in the package
//! `doctor`.

use std::net::TcpListener;

use crate::process::Data;

#[test]
fn a_machine_that_built_the_command_is_ready_although_a_port_is_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let printed = Data::new().printed(&["doctor", "--registry-port", &port]);
    assert!(printed.contains(&format!("{port} in use")), "{printed}");
    assert!(printed.contains("This machine is ready"), "{printed}");
    let json = Data::new().printed(&["doctor", "--json", "--registry-port", &port]);
    assert!(json.starts_with("{\"ready\":true,\"checks\":[{"), "{json}");
}
