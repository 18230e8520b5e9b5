//! Threads of their own for queries, so that no event loop ever waits for a database.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

use parking_lot::{Condvar, Mutex};

type Job = Box<dyn FnOnce() + Send>;

/// A set of threads that grows with the work up to a limit. Dropping it lets the jobs that wait finish, then ends it.
pub(crate) struct Executor {
    shared: Arc<Shared>,
    name: Arc<str>,
    limit: usize,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Executor {
    pub(crate) fn new(name: Arc<str>, limit: usize) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        Self { shared, name, limit }
    }

    /// Runs `job` on a thread of this executor. Whoever calls bounds how many wait.
    pub(crate) fn spawn(&self, job: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let mut state = self.shared.state.lock();
        state.jobs.push_back(Box::new(job));
        if state.idle >= state.jobs.len() || state.threads >= self.limit {
            drop(state);
            self.shared.changed.notify_one();
            return Ok(());
        }
        state.threads += 1;
        let number = state.threads;
        drop(state);
        let shared = Arc::clone(&self.shared);
        let started = thread::Builder::new()
            .name(format!("{}-{number}", self.name))
            .spawn(move || shared.work())
            .map(drop);
        if started.is_err() {
            let mut state = self.shared.state.lock();
            state.threads -= 1;
            // Another thread will get to it; without any, nobody would.
            if state.threads > 0 {
                return Ok(());
            }
            state.jobs.pop_back();
        }
        started
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // A panic is the job's own: its caller finds the answer missing. The thread goes on.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                state = self.state.lock();
            } else if state.closed {
                state.threads -= 1;
                return;
            } else {
                state.idle += 1;
                self.changed.wait(&mut state);
                state.idle -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn every_job_runs_once_and_never_more_than_the_limit_at_a_time() {
        let executor = Executor::new("test".into(), 3);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (done, finished) = mpsc::channel();
        for i in 0..100 {
            let (running, most, done) = (Arc::clone(&running), Arc::clone(&most), done.clone());
            executor
                .spawn(move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    done.send(i).unwrap();
                })
                .unwrap();
        }
        drop(done);
        drop(executor);
        let mut numbers: Vec<i32> = finished.iter().collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    }

    #[test]
    fn a_panic_ends_one_job_and_not_the_thread() {
        let executor = Executor::new("test".into(), 1);
        executor.spawn(|| panic!("of the test")).unwrap();
        let (done, finished) = mpsc::channel();
        executor.spawn(move || done.send(()).unwrap()).unwrap();
        finished.recv().unwrap();
    }
}
