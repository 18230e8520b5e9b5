//! What is kept of each route and job, in fixed memory.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use super::context::{Tallies, Tally};
use super::report::{RequestFigures, RouteFigures, StatementFigures, Times};
use super::table::site_text;

/// So many are told apart. There are fewer routes; this is for the day when somebody gives paths for routes.
const MOST: usize = 256;
const OTHERS: &str = "all others";

/// The figures of all routes.
#[derive(Default)]
pub(crate) struct Routes(Mutex<HashMap<String, Route>>);

#[derive(Default)]
struct Route {
    requests: u64,
    statements: u64,
    times: Times,
    worst_took: Duration,
    worst: Option<RequestFigures>,
}

impl Routes {
    /// A request is over.
    pub(super) fn add(&self, name: String, times: Times, tallies: &Tallies) {
        let (statements, took) = tallies.iter().fold((0, Duration::ZERO), |(calls, took), tally| {
            (calls + tally.calls, took + tally.took)
        });
        let mut routes = self.0.lock();
        let name = if routes.len() >= MOST && !routes.contains_key(&name) {
            OTHERS.to_owned()
        } else {
            name
        };
        let route = routes.entry(name).or_default();
        route.requests += 1;
        route.statements += statements;
        route.times = sum(route.times, times);
        if route.worst.is_none() || took > route.worst_took {
            route.worst_took = took;
            route.worst = Some(RequestFigures {
                times,
                statements: tallies.iter().map(statement).collect(),
            });
        }
    }

    /// All, those that took most of the database's time first.
    pub(crate) fn report(&self) -> Vec<RouteFigures> {
        let routes = self.0.lock();
        let figures = routes.iter().map(|(name, route)| RouteFigures {
            route: name.clone(),
            requests: route.requests,
            statements: route.statements,
            times: route.times,
            worst: route.worst.clone(),
        });
        let mut figures: Vec<RouteFigures> = figures.collect();
        drop(routes);
        figures.sort_by(|a, b| {
            b.times
                .database
                .cmp(&a.times.database)
                .then_with(|| a.route.cmp(&b.route))
        });
        figures
    }
}

fn sum(a: Times, b: Times) -> Times {
    Times {
        queue: a.queue + b.queue,
        thread: a.thread + b.thread,
        pool: a.pool + b.pool,
        database: a.database + b.database,
    }
}

fn statement(tally: &Tally) -> StatementFigures {
    StatementFigures {
        fingerprint: tally.entry.fingerprint,
        sql: tally.entry.text.clone(),
        call_site: tally.site.map(site_text),
        calls: tally.calls,
        took: tally.took,
        rows: tally.rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_than_its_places() {
        let routes = Routes::default();
        for number in 0..MOST + 10 {
            routes.add(format!("GET /{number}"), Times::default(), &Tallies::default());
        }
        let report = routes.report();
        assert_eq!(report.len(), MOST + 1);
        let others = report.iter().find(|route| route.route == OTHERS).unwrap();
        assert_eq!(others.requests, 10);
    }
}
