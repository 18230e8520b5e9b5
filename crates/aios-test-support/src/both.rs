//! One test body, two tests: on PostgreSQL and on SQLite.

/// Makes each function two tests, `NAME::sqlite` and `NAME::postgres`, that hand it a migrated database.
///
/// ```
/// use aios_test_support::{TestDatabase, on_both_databases};
///
/// on_both_databases! {
///     fn a_database_has_a_url(database: &TestDatabase) {
///         assert!(!database.url().to_string().is_empty());
///     }
///
///     async fn its_pool_answers(database: &TestDatabase) -> aios_domain::Result<()> {
///         database.pool().read(|_connection| Ok(())).await
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! on_both_databases {
    () => {};
    ($(#[$attribute:meta])* async fn $name:ident($database:ident: $type:ty) $(-> $result:ty)? $body:block $($rest:tt)*) => {
        mod $name {
            #[allow(unused_imports, clippy::wildcard_imports, reason = "the body sees what stands around it")]
            use super::*;

            $(#[$attribute])*
            async fn body($database: $type) $(-> $result)? $body

            #[test]
            fn sqlite() $(-> $result)? {
                $crate::block_on(body(&$crate::TestDatabase::sqlite()))
            }

            #[test]
            fn postgres() $(-> $result)? {
                $crate::block_on(body(&$crate::TestDatabase::postgres()))
            }
        }

        $crate::on_both_databases! { $($rest)* }
    };
    ($(#[$attribute:meta])* fn $name:ident($database:ident: $type:ty) $(-> $result:ty)? $body:block $($rest:tt)*) => {
        mod $name {
            #[allow(unused_imports, clippy::wildcard_imports, reason = "the body sees what stands around it")]
            use super::*;

            $(#[$attribute])*
            fn body($database: $type) $(-> $result)? $body

            #[test]
            fn sqlite() $(-> $result)? {
                body(&$crate::TestDatabase::sqlite())
            }

            #[test]
            fn postgres() $(-> $result)? {
                body(&$crate::TestDatabase::postgres())
            }
        }

        $crate::on_both_databases! { $($rest)* }
    };
}

/// Runs a future to its end on this thread; it may spawn futures that are not `Send`.
///
/// # Panics
/// When the operating system refuses what an event loop needs.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event loop can be started");
    tokio::task::LocalSet::new().block_on(&runtime, future)
}
