//! What processes cost: processor time and resident memory, as the system counts them.

use std::fs;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A process that is watched while it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Seconds of processor time while it was measured.
    pub cpu_seconds: f64,
    /// The most memory that it has held since its start, in bytes.
    pub peak_memory: u64,
    /// The memory that it held in the end, in bytes.
    pub memory: u64,
}

/// Processor time that this process has used, in seconds.
#[expect(clippy::cast_precision_loss, reason = "seconds and nanoseconds of one process")]
pub(crate) fn own_cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Processor time that a process has used, in seconds; nothing where the system has no `/proc`, or the process is gone.
pub(crate) fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = ticks(&stat)?;
    #[expect(clippy::cast_precision_loss, reason = "hundredths of seconds")]
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// What a process has used since it had used `before` seconds.
pub(crate) fn since(pid: u32, before: f64) -> Option<Usage> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(Usage {
        cpu_seconds: cpu_seconds(pid)? - before,
        peak_memory: kilobytes(&status, "VmHWM:")? * 1_024,
        memory: kilobytes(&status, "VmRSS:")? * 1_024,
    })
}

/// User and system time, fields 14 and 15 of `/proc/PID/stat` (proc(5)). The name before them may hold spaces and brackets.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let (user, system) = (fields.next()?, fields.next()?);
    Some(user.parse::<u64>().ok()? + system.parse::<u64>().ok()?)
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_behind_the_name() {
        let stat = "42 (a name) (odd) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 8 0 9000 1 2";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("nonsense"), None);
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t1024 kB\n";
        assert_eq!(
            (kilobytes(status, "VmHWM:"), kilobytes(status, "VmX:")),
            (Some(2_048), None)
        );
    }

    #[test]
    fn a_process_that_is_gone_has_no_figures() {
        assert_eq!(since(u32::MAX, 0.0), None);
        assert!(own_cpu_seconds() > 0.0);
    }
}
