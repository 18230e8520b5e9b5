//! The pools: in order, bounded, for those who still wait; and what they say of themselves.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aios_db::{AnyConnection, Database, DatabaseConfig, DbResult, Interest, PoolStatus};
use aios_domain::{ErrorKind, Result};
use aios_test_support::{TestDatabase, eventually, on_both_databases};

/// A pool that runs one write at a time.
fn narrow(database: &TestDatabase, change: impl FnOnce(&mut DatabaseConfig)) -> Database {
    let mut config = DatabaseConfig {
        pool_size: 1,
        max_overflow: 0,
        ..DatabaseConfig::new(database.url().clone())
    };
    change(&mut config);
    Database::new(&config)
}

/// The pool that writes.
fn writer(database: &Database) -> PoolStatus {
    let pools = database.pools();
    pools.into_iter().find(|pool| pool.name != "read").unwrap()
}

/// A write that holds its connection until it is told to end.
struct Holder(Sender<()>);

impl Holder {
    fn of(database: &Database) -> (Self, tokio::task::JoinHandle<Result<()>>) {
        let (let_go, may_go): (Sender<()>, Receiver<()>) = channel();
        let database = database.clone();
        let holding = tokio::task::spawn_local(async move {
            let hold = move |_: &mut AnyConnection| {
                let _ = may_go.recv();
                Ok(())
            };
            database.write(hold).await
        });
        (Self(let_go), holding)
    }

    async fn holds(&self, database: &Database) {
        while writer(database).used == 0 {
            tokio::task::yield_now().await;
        }
    }

    fn let_go(self) {
        self.0.send(()).unwrap();
    }
}

/// Polls a future once, as who asks does before it waits.
fn begin<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[expect(clippy::unnecessary_wraps, reason = "operations return results")]
fn nothing(_: &mut AnyConnection) -> DbResult<()> {
    Ok(())
}

on_both_databases! {
    async fn who_comes_first_is_served_first(database: &TestDatabase) {
        let pool = narrow(database, |_| {});
        let (holder, holding) = Holder::of(&pool);
        holder.holds(&pool).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut asked: Vec<_> = (0..50)
            .map(|number| {
                let (pool, served) = (pool.clone(), Arc::clone(&served));
                let serve = move |_: &mut AnyConnection| {
                    served.lock().unwrap().push(number);
                    Ok(())
                };
                Box::pin(async move { pool.write(serve).await })
            })
            .collect();
        for operation in &mut asked {
            assert!(begin(operation.as_mut()).is_pending());
        }
        assert_eq!((writer(&pool).waiting, writer(&pool).used), (50, 1));
        holder.let_go();
        // They are waited for in the opposite order, which is of no account; but all of them have to be driven.
        let ends: Vec<_> = asked.into_iter().rev().map(tokio::task::spawn_local).collect();
        for end in ends {
            end.await.unwrap().unwrap();
        }
        holding.await.unwrap().unwrap();
        assert_eq!(*served.lock().unwrap(), (0..50).collect::<Vec<_>>());
        assert_eq!((writer(&pool).waiting, writer(&pool).used, writer(&pool).done), (0, 0, 51));
    }

    async fn more_than_may_wait_are_refused_at_once_and_as_exhausted(database: &TestDatabase) {
        let pool = narrow(database, |config| config.max_waiting = 1);
        let (holder, holding) = Holder::of(&pool);
        holder.holds(&pool).await;
        let mut waits = Box::pin(pool.write(nothing));
        assert!(begin(waits.as_mut()).is_pending());
        let refused = pool.write(nothing).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Overloaded);
        assert!(refused.retry_after().is_some());
        holder.let_go();
        waits.await.unwrap();
        holding.await.unwrap().unwrap();
        assert_eq!((writer(&pool).shed, writer(&pool).unreachable), (1, 0));
    }

    async fn who_waits_for_too_long_is_refused_as_exhausted(database: &TestDatabase) {
        let pool = narrow(database, |config| config.wait_timeout = Duration::from_millis(1));
        let (holder, holding) = Holder::of(&pool);
        holder.holds(&pool).await;
        let refused = pool.write(nothing).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Overloaded);
        assert_eq!((writer(&pool).shed, writer(&pool).waiting), (1, 0));
        holder.let_go();
        holding.await.unwrap().unwrap();
        pool.write(nothing).await.unwrap();
    }

    async fn what_nobody_waits_for_any_more_does_not_run(database: &TestDatabase) {
        let pool = narrow(database, |_| {});
        let (holder, holding) = Holder::of(&pool);
        holder.holds(&pool).await;
        let ran = Arc::new(Mutex::new(0));
        let count = |ran: &Arc<Mutex<i32>>| {
            let ran = Arc::clone(ran);
            move |_: &mut AnyConnection| {
                *ran.lock().unwrap() += 1;
                Ok(())
            }
        };
        // One whose request is dropped while it waits, as at its deadline.
        let mut dropped = Box::pin(pool.write(count(&ran)));
        assert!(begin(dropped.as_mut()).is_pending());
        drop(dropped);
        assert_eq!(writer(&pool).waiting, 0, "its place in the queue is free");
        // One that is carried out by a task of its own, which outlives who asked.
        let (interest, wanted) = Interest::new();
        let mut unwanted = pin!(pool.write_wanted(wanted, count(&ran)));
        assert!(begin(unwanted.as_mut()).is_pending());
        drop(interest);
        assert_eq!(unwanted.await.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!((writer(&pool).waiting, writer(&pool).abandoned), (0, 1));
        holder.let_go();
        holding.await.unwrap().unwrap();
        pool.write(nothing).await.unwrap();
        assert_eq!(*ran.lock().unwrap(), 0);
    }

    async fn what_has_begun_is_finished_and_gives_its_place_back(database: &TestDatabase) {
        let pool = narrow(database, |_| {});
        let (holder, holding) = Holder::of(&pool);
        holder.holds(&pool).await;
        holding.abort();
        assert!(holding.await.unwrap_err().is_cancelled());
        assert_eq!(writer(&pool).used, 1);
        holder.let_go();
        pool.write(nothing).await.unwrap();
        assert_eq!(writer(&pool).done, 2);
    }

    async fn a_panic_costs_its_connection_and_no_place(database: &TestDatabase) {
        let pool = narrow(database, |_| {});
        for _ in 0..3 {
            let error = pool.write(|_| -> DbResult<()> { panic!("of the test") }).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
        }
        pool.write(nothing).await.unwrap();
        assert_eq!(writer(&pool).used, 0);
    }

    async fn who_holds_a_connection_for_too_long_is_told_with_its_place_in_the_code(database: &TestDatabase) {
        let pool = narrow(database, |config| config.hold_warning = Duration::from_millis(1));
        let (holder, holding) = Holder::of(&pool);
        holder.holds(&pool).await;
        eventually("the watchdog has seen it", || writer(&pool).held_too_long == 1);
        let status = writer(&pool);
        assert!(status.longest_held_by.unwrap().contains("pool.rs:"));
        assert!(status.longest_hold >= Duration::from_millis(1));
        holder.let_go();
        holding.await.unwrap().unwrap();
        assert_eq!((writer(&pool).longest_held_by, writer(&pool).used), (None, 0));
    }
}

#[test]
fn connections_beyond_those_that_are_kept_are_opened_under_load() {
    let database = TestDatabase::postgres();
    aios_test_support::block_on(async {
        let pool = Database::new(&DatabaseConfig {
            pool_size: 2,
            max_overflow: 3,
            ..DatabaseConfig::new(database.url().clone())
        });
        // None of them ends before all of them run.
        let barrier = Arc::new(Barrier::new(5));
        let operation = |_| {
            let (pool, barrier) = (pool.clone(), Arc::clone(&barrier));
            let meet = move |_: &mut AnyConnection| {
                barrier.wait();
                Ok(())
            };
            tokio::task::spawn_local(async move { pool.read(meet).await })
        };
        let operations: Vec<_> = (0..5).map(operation).collect();
        for operation in operations {
            operation.await.unwrap().unwrap();
        }
        assert_eq!((writer(&pool).max, writer(&pool).done), (5, 5));
    });
}
