//! How much Redis holds, asked in its own protocol: one command does not need a client.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Bytes that keys and values take, as `INFO memory` tells. Nothing where Redis can't be asked without a password or TLS.
pub(crate) fn used_bytes(url: &str) -> Option<u64> {
    let place = url.strip_prefix("redis://")?.split('/').next()?;
    let place = if place.contains(':') {
        place.to_owned()
    } else {
        format!("{place}:6379")
    };
    let mut stream = TcpStream::connect(place).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(b"INFO memory\r\nQUIT\r\n").ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    read(&said)
}

fn read(said: &str) -> Option<u64> {
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("used_memory_dataset:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_found() {
        assert_eq!(
            read("$99\r\n# Memory\r\nused_memory:9\r\nused_memory_dataset:1234\r\n"),
            Some(1_234)
        );
        assert_eq!(read("-NOAUTH Authentication required.\r\n"), None);
    }
}
