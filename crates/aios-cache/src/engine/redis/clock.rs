//! What time it is at the server.
//!
//! An entry's remaining time could be asked for with each read, as a second command. That costs a tenth of a round trip on
//! one machine. So each entry says when it ends, by the server's clock, and this side knows that clock from the last check:
//! what the server said then, and how much time has gone by since. Nobody's wall clock is asked but the one by which the
//! server itself ends its entries. The estimate is ahead of that clock, by the time that the check's answer took at most,
//! so that entries seem to end too early rather than too late.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::engine::Stored;

/// For how long the answer to a check is believed. Caches check every second; longer than this the two clocks, or a machine
/// that was suspended, could go apart.
const BELIEVED_FOR: Duration = Duration::from_secs(10);

/// The remaining time of what does not say when it ends: some, so that it is looked at, and counted as what it is.
const ALMOST_NONE: Duration = Duration::from_millis(1);

/// The server's clock, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<Option<Reading>>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Milliseconds since 1970, as the server said.
    said: u64,
    /// Before it was asked.
    asked: Instant,
}

impl ServerClock {
    pub(super) fn read(&self, said: u64, asked: Instant) {
        *self.0.lock() = Some(Reading { said, asked });
    }

    /// The server's time, if it was asked lately.
    pub(super) fn now(&self) -> Option<u64> {
        let reading = (*self.0.lock())?;
        let since = reading.asked.elapsed();
        // Both were rounded down, and together they may lack one.
        let milliseconds = u64::try_from(since.as_millis()).ok()?.saturating_add(1);
        (since < BELIEVED_FOR).then(|| reading.said.saturating_add(milliseconds))
    }
}

/// An entry by what it says itself. One that has ended by our reckoning, though the server still has it, is none.
pub(super) fn entry_at(value: Vec<u8>, now: u64) -> Option<Stored> {
    let (ends, bytes) = split(value);
    let remaining = match ends {
        Some(ends) => Duration::from_millis(ends.checked_sub(now).filter(|left| *left > 0)?),
        None => ALMOST_NONE,
    };
    Some(Stored { bytes, remaining })
}

/// An entry whose remaining time the server told.
pub(super) fn entry_with(value: Vec<u8>, remaining: Duration) -> Stored {
    let (_, bytes) = split(value);
    Stored { bytes, remaining }
}

/// When an entry ends, and what is kept: `MILLISECONDS:BYTES`. What was not written by us may lack the first.
fn split(value: Vec<u8>) -> (Option<u64>, Bytes) {
    let value = Bytes::from(value);
    let mut ends: u64 = 0;
    for (index, &byte) in value.iter().enumerate().take(16) {
        match byte {
            b'0'..=b'9' => ends = ends * 10 + u64::from(byte - b'0'),
            b':' if index > 0 => return (Some(ends), value.slice(index + 1..)),
            _ => break,
        }
    }
    (None, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_when_it_ends() {
        let entry = entry_at(b"1764066044123:a:b".to_vec(), 1_764_066_040_000).unwrap();
        assert_eq!(entry.bytes, "a:b");
        assert_eq!(entry.remaining, Duration::from_millis(4_123));
        assert_eq!(
            entry_at(b"1764066044123:".to_vec(), 1_764_066_044_122).unwrap().bytes,
            ""
        );
        assert_eq!(entry_at(b"1764066044123:a".to_vec(), 1_764_066_044_123), None);
        assert_eq!(entry_at(b"1764066044123:a".to_vec(), 1_764_066_099_999), None);
    }

    #[test]
    fn what_does_not_say_it_is_handed_on() {
        for foreign in ["", ":", "rubbish", "12", "12x:y", "-1:a", "12345678901234567890:a"] {
            let entry = entry_at(foreign.as_bytes().to_vec(), 0).unwrap();
            assert_eq!((entry.bytes, entry.remaining), (Bytes::from(foreign), ALMOST_NONE));
        }
    }

    #[test]
    fn the_servers_clock_goes_on_from_the_last_check() {
        let clock = ServerClock::default();
        assert_eq!(clock.now(), None);
        let asked = Instant::now().checked_sub(Duration::from_secs(3)).unwrap();
        clock.read(1_000_000, asked);
        let now = clock.now().unwrap();
        assert!((1_003_000..1_010_000).contains(&now), "{now}");
        clock.read(1_000_000, Instant::now().checked_sub(BELIEVED_FOR).unwrap());
        assert_eq!(clock.now(), None, "that was too long ago");
    }
}
