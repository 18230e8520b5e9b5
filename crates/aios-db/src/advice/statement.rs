//! What a statement asks of each table, read from its SQL: columns compared for equality, ranges, order, and conditions.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, ObjectNamePart, OrderBy, OrderByKind,
    OrderBySort, Query, Select, SetExpr, Statement, TableFactor, TableWithJoins, UnaryOperator, UpdateTableFromKind,
    Value, Visit, Visitor, visit_expressions,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use super::quoted;
use crate::connection::DatabaseKind;

/// The columns of each table.
pub(super) type Columns = BTreeMap<String, Vec<String>>;

/// What one statement asks of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) table: String,
    /// Columns that are compared with a value, or with a column of another table.
    pub(super) equal: Vec<String>,
    /// Columns that have to be less or more than something.
    pub(super) ranged: Vec<String>,
    /// The order that is asked for, where all of it is this table's.
    pub(super) order: Vec<Key>,
    /// Conditions without a value, such as `is_active`.
    pub(super) conditions: Vec<String>,
}

/// A column of an index or of an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) column: String,
    pub(super) descending: bool,
    /// `None`: as the database does by itself.
    pub(super) nulls_first: Option<bool>,
}

/// Which tables a statement reads or changes, and what it asks of each; `None` where its SQL can't be read.
pub(super) fn wishes(sql: &str, kind: DatabaseKind, columns: &Columns) -> Option<Vec<Wish>> {
    let mut reader = Reader {
        columns,
        wishes: Vec::new(),
    };
    for statement in parse(sql, kind)? {
        let _ = statement.visit(&mut reader);
    }
    Some(reader.wishes)
}

/// The statements of a text, each as SQL of its own; `None` where it can't be read.
pub(super) fn split(text: &str, kind: DatabaseKind) -> Option<Vec<String>> {
    Some(parse(text, kind)?.iter().map(ToString::to_string).collect())
}

/// Longer statements are left: they can be nested so deeply that a thread has no room for reading them.
const LONGEST: usize = 16 * 1024;

fn parse(sql: &str, kind: DatabaseKind) -> Option<Vec<Statement>> {
    if sql.len() > LONGEST {
        return None;
    }
    // The parser knows two of PostgreSQL's four locks; which one it is makes no difference to an index.
    let sql = sql
        .replace("FOR NO KEY UPDATE", "FOR UPDATE")
        .replace("FOR KEY SHARE", "FOR SHARE");
    let dialect: &dyn Dialect = match kind {
        DatabaseKind::Postgres => &PostgreSqlDialect {},
        DatabaseKind::Sqlite => &SQLiteDialect {},
    };
    Parser::parse_sql(dialect, &sql).ok()
}

/// Visits each query of a statement, wherever it stands in it.
struct Reader<'a> {
    columns: &'a Columns,
    wishes: Vec<Wish>,
}

impl Visitor for Reader<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.body(&query.body, query.order_by.as_ref());
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Update(update) => {
                let mut from = vec![&update.table];
                if let Some(UpdateTableFromKind::BeforeSet(more) | UpdateTableFromKind::AfterSet(more)) = &update.from {
                    from.extend(more);
                }
                self.part(&from, update.selection.as_ref(), None);
            }
            Statement::Delete(delete) => {
                let (sqlparser::ast::FromTable::WithFromKeyword(tables)
                | sqlparser::ast::FromTable::WithoutKeyword(tables)) = &delete.from;
                let from: Vec<&TableWithJoins> = tables.iter().chain(delete.using.iter().flatten()).collect();
                self.part(&from, delete.selection.as_ref(), None);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Reader<'_> {
    fn body(&mut self, body: &SetExpr, order: Option<&OrderBy>) {
        match body {
            SetExpr::Select(select) => self.select(select, order),
            // The order is that of all of them together, which no index has.
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left, None);
                self.body(right, None);
            }
            _ => {}
        }
    }

    fn select(&mut self, select: &Select, order: Option<&OrderBy>) {
        let groups = match &select.group_by {
            GroupByExpr::Expressions(by, _) => !by.is_empty(),
            GroupByExpr::All(_) => true,
        };
        let order = order.filter(|_| !groups && select.distinct.is_none());
        let from: Vec<&TableWithJoins> = select.from.iter().collect();
        self.part(&from, select.selection.as_ref(), order);
    }

    fn part(&mut self, from: &[&TableWithJoins], selection: Option<&Expr>, order: Option<&OrderBy>) {
        let mut scope = Scope {
            columns: self.columns,
            names: Vec::new(),
            wishes: Vec::new(),
        };
        for table in from {
            scope.table(&table.relation);
            for join in &table.joins {
                scope.table(&join.relation);
            }
        }
        for join in from.iter().flat_map(|table| &table.joins) {
            if let Some(JoinConstraint::On(on)) = constraint(&join.join_operator) {
                scope.condition(on);
            }
        }
        if let Some(selection) = selection {
            scope.condition(selection);
        }
        if let Some(order) = order {
            scope.order(order);
        }
        self.wishes.extend(scope.wishes);
    }
}

fn constraint(join: &JoinOperator) -> Option<&JoinConstraint> {
    match join {
        JoinOperator::Join(on)
        | JoinOperator::Inner(on)
        | JoinOperator::Left(on)
        | JoinOperator::LeftOuter(on)
        | JoinOperator::Right(on)
        | JoinOperator::RightOuter(on)
        | JoinOperator::FullOuter(on) => Some(on),
        _ => None,
    }
}

/// The tables of one `FROM`: what stands outside of it is a value here.
struct Scope<'a> {
    columns: &'a Columns,
    /// What each is called here.
    names: Vec<String>,
    wishes: Vec<Wish>,
}

impl Scope<'_> {
    fn table(&mut self, factor: &TableFactor) {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } = factor
        else {
            return;
        };
        let Some(ObjectNamePart::Identifier(table)) = name.0.last() else {
            return;
        };
        if !self.columns.contains_key(&table.value) {
            return;
        }
        let called = alias.as_ref().map_or(&table.value, |alias| &alias.name.value);
        self.names.push(called.clone());
        self.wishes.push(Wish {
            table: table.value.clone(),
            ..Wish::default()
        });
    }

    /// The place of the table, and the column, where the expression is a plain column of this scope.
    fn column(&self, expr: &Expr) -> Option<(usize, String)> {
        let has = |place: usize, column: &Ident| {
            let columns = self.wishes.get(place).and_then(|wish| self.columns.get(&wish.table));
            columns.is_some_and(|columns| columns.contains(&column.value))
        };
        match expr {
            Expr::Nested(inner) => self.column(inner),
            Expr::Identifier(column) => {
                let mut owners = (0..self.wishes.len()).filter(|place| has(*place, column));
                let owner = owners.next()?;
                owners.next().is_none().then(|| (owner, column.value.clone()))
            }
            Expr::CompoundIdentifier(parts) => {
                let [.., table, column] = parts.as_slice() else {
                    return None;
                };
                let place = self.names.iter().position(|name| *name == table.value)?;
                has(place, column).then(|| (place, column.value.clone()))
            }
            _ => None,
        }
    }

    /// Whether an expression needs a row of this table.
    fn needs(&self, expr: &Expr, place: usize) -> bool {
        let found = visit_expressions(expr, |inner| match self.column(inner) {
            Some((owner, _)) if owner == place => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        found.is_break()
    }

    fn condition(&mut self, expr: &Expr) {
        match expr {
            Expr::Nested(inner) => self.condition(inner),
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::And => {
                    self.condition(left);
                    self.condition(right);
                }
                BinaryOperator::Eq => self.equal(left, right),
                BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq => {
                    self.compared(left, right, |wish| &mut wish.ranged);
                    self.compared(right, left, |wish| &mut wish.ranged);
                }
                _ => {}
            },
            Expr::Between {
                expr, negated: false, ..
            } => self.of(expr, |wish| &mut wish.ranged),
            Expr::In {
                expr, negated: false, ..
            } => self.of(expr, |wish| &mut wish.equal),
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } => self.compared(left, right, |wish| &mut wish.equal),
            _ => self.bare(expr),
        }
    }

    fn equal(&mut self, left: &Expr, right: &Expr) {
        let is_true = |expr: &Expr| matches!(expr, Expr::Value(value) if value.value == Value::Boolean(true));
        match (is_true(left), is_true(right)) {
            (false, true) => self.bare(left),
            (true, false) => self.bare(right),
            _ => {
                self.compared(left, right, |wish| &mut wish.equal);
                self.compared(right, left, |wish| &mut wish.equal);
            }
        }
    }

    fn compared(&mut self, column: &Expr, with: &Expr, list: impl Fn(&mut Wish) -> &mut Vec<String>) {
        if self.column(column).is_some_and(|(place, _)| !self.needs(with, place)) {
            self.of(column, list);
        }
    }

    fn of(&mut self, column: &Expr, list: impl Fn(&mut Wish) -> &mut Vec<String>) {
        if let Some((place, column)) = self.column(column)
            && let Some(wish) = self.wishes.get_mut(place)
        {
            let list = list(wish);
            if !list.contains(&column) {
                list.push(column);
            }
        }
    }

    /// A condition without a value: it belongs into the index's own.
    fn bare(&mut self, expr: &Expr) {
        let found = match expr {
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => self
                .column(expr)
                .map(|(place, column)| (place, format!("NOT {}", quoted(&column)))),
            Expr::IsNull(expr) => self
                .column(expr)
                .map(|(place, column)| (place, format!("{} IS NULL", quoted(&column)))),
            Expr::IsNotNull(expr) => self
                .column(expr)
                .map(|(place, column)| (place, format!("{} IS NOT NULL", quoted(&column)))),
            _ => self.column(expr).map(|(place, column)| (place, quoted(&column))),
        };
        if let Some((place, condition)) = found
            && let Some(wish) = self.wishes.get_mut(place)
            && !wish.conditions.contains(&condition)
        {
            wish.conditions.push(condition);
        }
    }

    fn order(&mut self, order: &OrderBy) {
        let OrderByKind::Expressions(by) = &order.kind else {
            return;
        };
        let keys: Option<Vec<(usize, Key)>> = by
            .iter()
            .map(|by| {
                let (place, column) = self.column(&by.expr)?;
                let descending = match &by.options.sort {
                    None | Some(OrderBySort::Asc) => false,
                    Some(OrderBySort::Desc) => true,
                    Some(OrderBySort::Using(_)) => return None,
                };
                let nulls_first = by.options.nulls_first;
                Some((
                    place,
                    Key {
                        column,
                        descending,
                        nulls_first,
                    },
                ))
            })
            .collect();
        let Some(keys) = keys else { return };
        let first = keys.first().map(|(place, _)| *place);
        if keys.iter().any(|(place, _)| Some(*place) != first) {
            return;
        }
        if let Some(wish) = first.and_then(|place| self.wishes.get_mut(place)) {
            wish.order = keys.into_iter().map(|(_, key)| key).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str, kind: DatabaseKind) -> Vec<String> {
        let table = |name: &str, columns: &[&str]| (name.to_owned(), columns.iter().map(ToString::to_string).collect());
        let columns = Columns::from([
            table("agents", &["id", "category", "rating", "is_active", "name"]),
            table("reviews", &["id", "agent_id", "stars", "created_at"]),
        ]);
        let shown = |wish: Wish| {
            let order = wish.order.iter().map(|key| {
                let sign = if key.descending { "-" } else { "" };
                format!("{sign}{}", key.column)
            });
            let order: Vec<String> = order.collect();
            format!(
                "{}: ={} <{} by {} if {}",
                wish.table,
                wish.equal.join(","),
                wish.ranged.join(","),
                order.join(","),
                wish.conditions.join(",")
            )
        };
        wishes(sql, kind, &columns).unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn what_a_statement_asks_of_each_table_is_read() {
        for (sql, expected) in [
            (
                r#"SELECT "agents"."id" FROM "agents" WHERE "agents"."is_active" AND ("agents"."category" = $1) AND (rating, id) < ($2, $3) ORDER BY "agents"."rating" DESC, "agents"."id" DESC LIMIT $4"#,
                vec!["agents: =category < by -rating,-id if is_active"],
            ),
            (
                "SELECT 1 FROM agents a JOIN reviews r ON r.agent_id = a.id WHERE r.stars >= 4 AND a.name = ANY($1) ORDER BY r.created_at, a.id",
                vec!["agents: =id,name < by  if ", "reviews: =agent_id <stars by  if "],
            ),
            (
                "SELECT id, (SELECT max(created_at) FROM reviews r WHERE r.agent_id = agents.id AND r.stars IN (1, 2)) FROM agents WHERE name = category OR rating = 1",
                vec!["agents: = < by  if ", "reviews: =agent_id,stars < by  if "],
            ),
            (
                "WITH x AS (SELECT * FROM reviews WHERE stars BETWEEN 1 AND 2) SELECT count(*) FROM x GROUP BY stars ORDER BY stars",
                vec!["reviews: = <stars by  if "],
            ),
            (
                "UPDATE agents SET rating = 1 FROM reviews WHERE agent_id = agents.id AND is_active = true",
                vec!["agents: =id < by  if is_active", "reviews: =agent_id < by  if "],
            ),
            (
                "DELETE FROM reviews WHERE created_at < now() AND stars IS NULL",
                vec!["reviews: = <created_at by  if stars IS NULL"],
            ),
            (
                "SELECT id FROM agents UNION ALL SELECT id FROM reviews WHERE lower(stars) = 'a' ORDER BY 1",
                vec!["agents: = < by  if ", "reviews: = < by  if "],
            ),
        ] {
            assert_eq!(read(sql, DatabaseKind::Postgres), expected, "{sql}");
        }
        let sql = "SELECT `agents`.`id` FROM `agents` WHERE (`agents`.`is_active` AND (`agents`.`category` = ?)) ORDER BY `agents`.`rating` DESC LIMIT ?";
        assert_eq!(
            read(sql, DatabaseKind::Sqlite),
            ["agents: =category < by -rating if is_active"]
        );
        let locked = "SELECT 1 FROM agents WHERE name = $1 FOR NO KEY UPDATE";
        assert_eq!(read(locked, DatabaseKind::Postgres), ["agents: =name < by  if "]);
        assert_eq!(wishes("no SQL", DatabaseKind::Sqlite, &Columns::new()), None);
    }

    #[test]
    fn a_text_is_taken_apart() {
        let statements = split("SELECT 1; -- so\nSELECT ';' ;", DatabaseKind::Postgres).unwrap();
        assert_eq!(statements, ["SELECT 1", "SELECT ';'"]);
    }
}
