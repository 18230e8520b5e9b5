//! The outbox of invalidations: there exactly when the write is, listed oldest first, deleted by id.

use aios_db::store::outbox::{
    InvalidationId, invalidation_delete, invalidation_delete_before, invalidation_insert, invalidation_list,
};
use aios_db::{DbError, DbResult, in_transaction};
use aios_domain::{Error, Timestamp};
use aios_test_support::{TestDatabase, on_both_databases};
use chrono::TimeDelta;

fn now() -> Timestamp {
    "2026-01-31T12:00:00.123456Z".parse().unwrap()
}

fn tags(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|&tag| tag.to_owned()).collect()
}

on_both_databases! {
    fn what_was_kept_is_listed_oldest_first_and_page_by_page(database: &TestDatabase) {
        let mut connection = database.connection();
        let ids: Vec<InvalidationId> = (0..5).map(|_| InvalidationId::new()).collect();
        for (place, &id) in ids.iter().enumerate().rev() {
            let made = now() + TimeDelta::seconds(i64::try_from(place).unwrap());
            invalidation_insert(&mut connection, id, &tags(&["agents", &format!("agent:{place}")]), made).unwrap();
        }
        let first = invalidation_list(&mut connection, None, 3).unwrap();
        assert_eq!(first.iter().map(|row| row.id).collect::<Vec<_>>(), ids[..3]);
        assert_eq!((&first[1].tags, first[1].created_at), (&tags(&["agents", "agent:1"]), now() + TimeDelta::seconds(1)));
        let rest = invalidation_list(&mut connection, Some(ids[2]), 100).unwrap();
        assert_eq!(rest.iter().map(|row| row.id).collect::<Vec<_>>(), ids[3..]);
    }

    fn a_write_that_is_taken_back_leaves_no_invalidation(database: &TestDatabase) {
        let mut connection = database.connection();
        let refused: DbResult<()> = in_transaction(&mut connection, |c| {
            invalidation_insert(c, InvalidationId::new(), &tags(&["agents"]), now())?;
            Err(Error::not_found("agent").into())
        });
        assert!(matches!(refused, Err(DbError::Domain(_))));
        assert_eq!(invalidation_list(&mut connection, None, 10).unwrap(), []);
    }

    fn an_invalidation_of_nothing_is_refused(database: &TestDatabase) {
        let mut connection = database.connection();
        assert!(invalidation_insert(&mut connection, InvalidationId::new(), &[], now()).is_err());
    }

    fn two_servers_may_delete_the_same(database: &TestDatabase) {
        let mut connections = [database.connection(), database.connection()];
        let ids: Vec<InvalidationId> = (0..700).map(|_| InvalidationId::new()).collect();
        for &id in &ids {
            invalidation_insert(&mut connections[0], id, &tags(&["agents"]), now()).unwrap();
        }
        assert_eq!(invalidation_delete(&mut connections[0], &ids[..600]).unwrap(), 600);
        assert_eq!(invalidation_delete(&mut connections[1], &ids).unwrap(), 100);
        assert_eq!(invalidation_delete(&mut connections[1], &[]).unwrap(), 0);
        assert_eq!(invalidation_list(&mut connections[0], None, 10).unwrap(), []);
    }

    fn what_is_too_old_to_matter_is_deleted_by_its_age(database: &TestDatabase) {
        let mut connection = database.connection();
        let (old, new) = (InvalidationId::new(), InvalidationId::new());
        invalidation_insert(&mut connection, old, &tags(&["agents"]), now()).unwrap();
        invalidation_insert(&mut connection, new, &tags(&["agents"]), now() + TimeDelta::days(1)).unwrap();
        assert_eq!(invalidation_delete_before(&mut connection, now() + TimeDelta::hours(1)).unwrap(), 1);
        assert_eq!(invalidation_list(&mut connection, None, 10).unwrap()[0].id, new);
    }
}
