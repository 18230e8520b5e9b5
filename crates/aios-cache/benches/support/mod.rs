//! Contestants who do the same in turn, so that whatever else the machine does hits all of them alike.

use std::time::Duration;

use criterion::Criterion;

/// How many times each has its turn, and for how long about.
const ROUNDS: usize = 41;
const TURN: Duration = Duration::from_millis(20);

/// Does the thing so many times; how long it took.
type Run<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

/// Whether a contest was asked for on the command line, by a part of its name. Spares the others' preparations.
pub(crate) fn is_asked_for(name: &str) -> bool {
    let mut asked = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .peekable();
    asked.peek().is_none() || asked.any(|part| name.contains(&part) || part.contains(name))
}

/// Several ways to do the same. The first is what the others are held against.
pub(crate) struct Contest<'a> {
    name: &'a str,
    contestants: Vec<(&'a str, Run<'a>)>,
}

impl<'a> Contest<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        Self {
            name,
            contestants: Vec::new(),
        }
    }

    pub(crate) fn enter(&mut self, name: &'a str, run: impl FnMut(u64) -> Duration + 'a) {
        self.contestants.push((name, Box::new(run)));
    }

    /// Lets criterion measure each, then prints the medians of turns and their ratios to the first.
    pub(crate) fn run(mut self, criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group(self.name);
        for (name, run) in &mut self.contestants {
            group.bench_function(*name, |bencher| bencher.iter_custom(&mut *run));
        }
        group.finish();
        // Without `--bench` this is `cargo test --benches`, where all has to work and nothing to be measured.
        let has = |flag: &str| std::env::args().any(|argument| argument == flag);
        if has("--bench") && !has("--profile-time") {
            self.take_turns();
        }
    }

    fn take_turns(&mut self) {
        let counts: Vec<u64> = self.contestants.iter_mut().map(|(_, run)| count_of_turn(run)).collect();
        let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); counts.len()];
        for _ in 0..ROUNDS {
            for ((times, (_, run)), count) in rounds.iter_mut().zip(&mut self.contestants).zip(&counts) {
                times.push(nanos(run(*count)) / as_float(*count));
            }
        }
        let first = rounds.first().cloned().unwrap_or_default();
        println!("{}, {ROUNDS} turns each:", self.name);
        for (times, (name, _)) in rounds.iter().zip(&self.contestants) {
            // Each round's ratio by itself, for rounds differ more than contestants do.
            let ratio = median(times.iter().zip(&first).map(|(time, first)| time / first).collect());
            println!("    {name:44} {:>12.1} ns   x {ratio:.3}", median(times.clone()));
        }
    }
}

/// How many times are a turn.
fn count_of_turn(run: &mut Run<'_>) -> u64 {
    let mut count = 1;
    loop {
        let took = run(count);
        if took >= TURN / 2 || count >= 1 << 30 {
            return count;
        }
        count *= 2;
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn as_float(count: u64) -> f64 {
    count as f64
}
