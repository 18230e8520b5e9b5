//! `cargo xtask seed`: fills a database with a large, believable data set, the same for the same seed.

use std::hint::black_box;
use std::time::Instant;

use aios_db::bulk::{self, Dataset, LoadSummary, Progress};
use aios_db::{AnyConnection, migrations};
use aios_domain::Timestamp;
use aios_workload::seed::{SeedData, Size};
use chrono::{NaiveTime, Utc};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::failure::Failure;
use crate::migrate;

/// Fill a database with made-up agents, users, installations and reviews.
///
/// The database is the one that DATABASE_URL names (postgres://… or sqlite://…; default: sqlite://data/aios.db). It is
/// migrated first. All rows come in one transaction: a seed that is interrupted leaves nothing behind. The same
/// numbers, seed and end give the same rows, ids included.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many agents; each has two installations on average, a few of them thousands
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    agents: u64,
    /// How many reviews
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    reviews: u64,
    /// How many users
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    users: u64,
    /// Another number gives other rows
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The moment at which the data end, such as 2026-11-01T00:00:00Z [default: today, 00:00 UTC]
    #[arg(long)]
    until: Option<Timestamp>,
    /// Add to a database that holds data already; needs a seed that was not used there before
    #[arg(long)]
    append: bool,
    /// Make the rows and count them, but write nothing and open no database: shows what making them costs
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let until = args
        .until
        .unwrap_or_else(|| Utc::now().with_time(NaiveTime::MIN).single().unwrap_or_default());
    let size = Size {
        agents: args.agents,
        reviews: args.reviews,
        users: args.users,
    };
    let data = SeedData::new(args.seed, size, until).ok_or_else(|| {
        Failure::new("a user reviews an agent once: ask for fewer reviews, or for more users or agents")
    })?;
    if args.dry_run {
        let started = Instant::now();
        print_summary(&made(&data), "nowhere", started.elapsed().as_secs_f64());
        return Ok(());
    }
    let mut connection = open(args.append)?;

    let bar = ProgressBar::new(data.expected_rows()).with_style(style()?);
    let started = Instant::now();
    let mut report = Report::new(&bar);
    let summary = bulk::load(&mut connection, &data, &mut |progress| report.tell(progress))
        .map_err(Failure::because("can't write the rows; the database is as it was"))?;
    bar.finish_and_clear();
    print_summary(
        &summary,
        &connection.kind().to_string(),
        started.elapsed().as_secs_f64(),
    );
    println!(
        "The same again: --seed {} --until {}",
        args.seed,
        until.format("%Y-%m-%dT%H:%M:%SZ")
    );
    Ok(())
}

/// Makes every row once, as a load does.
fn made(data: &SeedData) -> LoadSummary {
    fn count<T>(rows: impl Iterator<Item = T>) -> u64 {
        rows.map(black_box).count() as u64
    }
    LoadSummary {
        rows: vec![
            ("users", count(data.users())),
            ("marketplace_agents", count(data.agents())),
            ("agent_installations", count(data.installations())),
            ("agent_reviews", count(data.reviews())),
            ("agent_analytics", count(data.events())),
        ],
    }
}

fn open(append: bool) -> Result<AnyConnection, Failure> {
    let url = migrate::url()?;
    let mut connection = migrate::connect_to(&url)?;
    migrations::run(&mut connection).map_err(Failure::because(format!("can't migrate {url}")))?;
    let is_empty = bulk::is_empty(&mut connection).map_err(Failure::because(format!("can't read {url}")))?;
    if !is_empty && !append {
        return Err(Failure::new(format!(
            "{url} holds data already: seed an empty database, or add to this one by --append and another --seed"
        )));
    }
    Ok(connection)
}

fn style() -> Result<ProgressStyle, Failure> {
    ProgressStyle::with_template("{elapsed_precise} {bar:30} {human_pos}/{human_len} {per_sec}  {msg}")
        .map_err(Failure::because("the progress bar"))
}

/// Turns what the load tells into a bar over all rows whose number is known beforehand.
struct Report<'a> {
    bar: &'a ProgressBar,
    table: &'static str,
    /// The rows of the tables before this one.
    before: u64,
    /// The rows of this one so far.
    here: u64,
}

impl<'a> Report<'a> {
    fn new(bar: &'a ProgressBar) -> Self {
        Self {
            bar,
            table: "",
            before: 0,
            here: 0,
        }
    }

    fn tell(&mut self, progress: Progress) {
        match progress {
            Progress::Working(what) => self.bar.set_message(what),
            Progress::Rows(table, rows) => {
                if table != self.table {
                    self.before += self.here;
                    self.table = table;
                    self.bar.set_message(table);
                }
                let is_known = !matches!(table, "tags" | "agent_tags" | "agent_analytics");
                self.here = if is_known { rows } else { 0 };
                self.bar.set_position(self.before + self.here);
            }
        }
    }
}

/// Table by table, and all together with the time it took.
fn print_summary(summary: &LoadSummary, place: &str, seconds: f64) {
    for (table, rows) in &summary.rows {
        println!("{:>14}  {table}", HumanCount(*rows).to_string());
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people to read"
    )]
    let rate = (summary.total() as f64 / seconds.max(0.001)) as u64;
    println!(
        "{:>14}  rows into {place} in {seconds:.1} s ({} rows a second)",
        HumanCount(summary.total()).to_string(),
        HumanCount(rate)
    );
}

#[cfg(test)]
mod tests {
    use aios_db::store::categories::category_counts;
    use aios_db::store::stats::marketplace_stats;
    use aios_test_support::{TestDatabase, on_both_databases};

    use super::*;

    on_both_databases! {
        fn what_was_seeded_is_counted_right(database: &TestDatabase) {
            let size = Size { agents: 500, reviews: 1_500, users: 60 };
            let data = SeedData::new(1, size, "2026-11-01T00:00:00Z".parse().unwrap()).unwrap();
            let connection = &mut database.connection();
            let summary = bulk::load(connection, &data, &mut |_| {}).unwrap();
            let rows: Vec<u64> = summary.rows.iter().map(|(_, rows)| *rows).collect();
            let [60, tags, 500, agent_tags, 1_000, 1_500, events] = rows[..] else {
                panic!("{rows:?}");
            };
            assert!(tags > 100 && agent_tags > 1_000 && events > 50, "{rows:?}");

            let stats = marketplace_stats(connection).unwrap();
            let active: Vec<_> = data.agents().filter(|agent| agent.is_active).collect();
            assert_eq!(stats.total_agents, i64::try_from(active.len()).unwrap());
            assert_eq!(stats.total_installs, active.iter().map(|agent| agent.install_count).sum::<i64>());
            assert_eq!(stats.trending_agents.len(), 6);
            let counted: i64 = category_counts(connection).unwrap().iter().map(|category| category.count).sum();
            assert_eq!(counted, i64::try_from(active.iter().filter(|agent| agent.draft.category.is_some()).count()).unwrap());
        }
    }
}
