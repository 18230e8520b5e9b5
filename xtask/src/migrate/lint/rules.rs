//! The rules of the lint: their names, what each protects from, and what to write instead.

/// What a migration may not do without a written reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    CreateIndex,
    DropIndex,
    Reindex,
    AddColumnRewrite,
    AddColumnNotNull,
    AddColumnConstraint,
    ColumnType,
    SetNotNull,
    NotValid,
    ValidateTogether,
    UsingIndex,
    Rename,
    Drop,
    LockTable,
    Rewrite,
    WholeTable,
    Alone,
    InTransaction,
    Repeatable,
    Unreadable,
}

/// A rule in words.
pub(crate) struct Words {
    /// As it is called in reports and in `-- lint: allow NAME: reason`.
    pub(crate) name: &'static str,
    /// What happens to a database in service.
    pub(crate) why: &'static str,
    /// What to write.
    pub(crate) instead: &'static str,
}

impl Rule {
    pub(crate) const ALL: [Self; 20] = [
        Self::CreateIndex,
        Self::DropIndex,
        Self::Reindex,
        Self::AddColumnRewrite,
        Self::AddColumnNotNull,
        Self::AddColumnConstraint,
        Self::ColumnType,
        Self::SetNotNull,
        Self::NotValid,
        Self::ValidateTogether,
        Self::UsingIndex,
        Self::Rename,
        Self::Drop,
        Self::LockTable,
        Self::Rewrite,
        Self::WholeTable,
        Self::Alone,
        Self::InTransaction,
        Self::Repeatable,
        Self::Unreadable,
    ];

    /// The rule with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        self.words().name
    }

    /// Whether the rule holds for `down.sql` too. The way back is taken by a person, and drops what the way forward made;
    /// of it only what can't work is refused.
    pub(crate) fn holds_for_the_way_back(self) -> bool {
        matches!(self, Self::Alone | Self::InTransaction | Self::Repeatable)
    }

    #[expect(clippy::too_many_lines, reason = "one table of texts")]
    pub(crate) fn words(self) -> Words {
        let (name, why, instead) = match self {
            Self::CreateIndex => (
                "create-index",
                "CREATE INDEX lets nobody write to the table until it is built",
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS, alone in a migration with run_in_transaction = false \
                 (`cargo xtask migrate new NAME --concurrently`)",
            ),
            Self::DropIndex => (
                "drop-index",
                "DROP INDEX waits for every query of the table, and every later query waits behind it",
                "DROP INDEX CONCURRENTLY IF EXISTS, alone in a migration with run_in_transaction = false",
            ),
            Self::Reindex => (
                "reindex",
                "REINDEX lets nobody write to the table, nor read by the index, until it is built anew",
                "REINDEX … CONCURRENTLY, by hand or alone in a migration with run_in_transaction = false",
            ),
            Self::AddColumnRewrite => (
                "add-column-rewrite",
                "a stored generated column, a serial or identity column, or a default that differs from row to row makes \
                 PostgreSQL write the whole table anew, and nobody can read it meanwhile",
                "the column without it, filled in batches or by the program, and the default for new rows by \
                 ALTER COLUMN … SET DEFAULT",
            ),
            Self::AddColumnNotNull => (
                "add-column-not-null",
                "a NOT NULL column without a default is refused where the table has rows",
                "the column with a constant default, or without NOT NULL; see set-not-null",
            ),
            Self::AddColumnConstraint => (
                "add-column-constraint",
                "a constraint that comes with its column reads the whole table, or builds an index, while nobody can use it",
                "the column alone, then ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in the next migration; for UNIQUE an \
                 index that is made concurrently, then ADD CONSTRAINT … UNIQUE USING INDEX",
            ),
            Self::ColumnType => (
                "column-type",
                "another type writes the whole table and its indexes anew, and nobody can read it meanwhile",
                "a new column that is filled in batches and takes over; where the type only grows (varchar to text) no row is \
                 written: say so as the reason",
            ),
            Self::SetNotNull => (
                "set-not-null",
                "SET NOT NULL reads the whole table while nobody can use it, unless a validated check says the same already",
                "ADD CONSTRAINT … CHECK (COLUMN IS NOT NULL) NOT VALID, then VALIDATE CONSTRAINT in the next migration, then \
                 SET NOT NULL and DROP CONSTRAINT in a third",
            ),
            Self::NotValid => (
                "not-valid",
                "a new foreign key or check reads the whole table while nobody can write to it",
                "ADD CONSTRAINT … NOT VALID here, and VALIDATE CONSTRAINT in the next migration",
            ),
            Self::ValidateTogether => (
                "validate-together",
                "VALIDATE CONSTRAINT in the transaction that adds the constraint reads the table under the lock of the addition",
                "VALIDATE CONSTRAINT in a migration of its own",
            ),
            Self::UsingIndex => (
                "using-index",
                "a new UNIQUE, PRIMARY KEY or EXCLUDE constraint builds its index while nobody can use the table",
                "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then ADD CONSTRAINT … UNIQUE USING INDEX",
            ),
            Self::Rename => (
                "rename",
                "servers of the version before still use the old name, and fail",
                "a new column or view beside the old one, which goes when no server uses it any more",
            ),
            Self::Drop => (
                "drop",
                "servers of the version before may still use it, and what is in it is lost",
                "nothing, until a released version no longer uses it; then this, with that version as the reason",
            ),
            Self::LockTable => (
                "lock-table",
                "LOCK TABLE keeps everybody off the table until the migration ends",
                "nothing: statements take the locks that they need",
            ),
            Self::Rewrite => (
                "rewrite",
                "VACUUM FULL, CLUSTER and SET LOGGED write the whole table anew, and nobody can read it meanwhile",
                "pg_repack by hand, at a quiet time",
            ),
            Self::WholeTable => (
                "whole-table",
                "an UPDATE or DELETE without a condition of the form COLUMN = VALUE may change every row: all of them stay \
                 locked until the migration ends, and a copy of each is left behind",
                "batches by the program's housekeeping, after the migration",
            ),
            Self::Alone => (
                "alone",
                "several statements outside a transaction are done in part when one of them fails, and PostgreSQL puts statements \
                 that are sent together into one transaction, in which CONCURRENTLY can't run",
                "one statement in each migration with run_in_transaction = false",
            ),
            Self::InTransaction => (
                "in-transaction",
                "CONCURRENTLY and VACUUM can't run inside a transaction",
                "a metadata.toml beside up.sql that says run_in_transaction = false",
            ),
            Self::Repeatable => (
                "repeatable",
                "what runs outside a transaction may be done without being written down, where the program dies between the two, \
                 and is then run again",
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS NAME, or DROP INDEX CONCURRENTLY IF EXISTS NAME",
            ),
            Self::Unreadable => (
                "unreadable",
                "this statement can't be read, so nobody knows what it locks",
                "plain DDL; or say in the reason which locks it takes, and for how long",
            ),
        };
        Words { name, why, instead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_its_name() {
        for rule in Rule::ALL {
            assert_eq!(Rule::named(rule.name()), Some(rule));
        }
    }
}
