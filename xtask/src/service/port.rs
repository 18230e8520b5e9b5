//! Ports that nobody listens on.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// A TCP port of the loopback address that was free a moment ago. Somebody may take it before we do, so the caller
/// tries again with another one when its server cannot bind it.
pub(crate) fn free() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_can_be_listened_on() {
        // Another process may take the port in between, but not sixteen times in a row.
        let bound = (0..16).any(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, free().unwrap())).is_ok());
        assert!(bound);
    }

    #[test]
    fn a_port_in_use_is_not_offered() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!((0..64).all(|_| free().unwrap() != port));
    }
}
