//! Which rules a statement breaks, given what the migrations before it have made.

use std::collections::{HashMap, HashSet};

use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, BinaryOperator, ColumnDef, ColumnOption, DataType, Expr,
    FromTable, GeneratedExpressionMode, Ident, InTarget, ObjectName, ObjectType, Statement, TableConstraint,
    TableFactor, TableWithJoins,
};

use super::rules::Rule;
use super::sql::{Form, Part};

/// What earlier migrations, and earlier statements of this one, have made.
#[derive(Default)]
pub(crate) struct Known {
    /// Checks that a column is not null, by table and name.
    not_null_checks: HashMap<(String, String), NotNullCheck>,
    /// Made by this migration: nobody uses them yet.
    new_tables: HashSet<String>,
    new_indexes: HashSet<String>,
    /// Constraints that this migration has added without validating them.
    new_constraints: HashSet<String>,
}

struct NotNullCheck {
    column: String,
    is_validated: bool,
}

impl Known {
    /// The next migration begins.
    pub(crate) fn next_migration(&mut self) {
        self.new_tables.clear();
        self.new_indexes.clear();
        self.new_constraints.clear();
    }

    /// The rules that this statement breaks, in their order; remembers what it makes.
    pub(crate) fn judge(&mut self, part: &Part) -> Vec<Rule> {
        let mut broken = match part.form {
            Form::Rewrite => vec![Rule::Rewrite],
            Form::Reindex if part.is_concurrent => Vec::new(),
            Form::Vacuum => Vec::new(),
            Form::Reindex => vec![Rule::Reindex],
            Form::Plain => match &part.statement {
                Ok(statement) => self.judge_statement(statement, part.is_concurrent),
                Err(_) => vec![Rule::Unreadable],
            },
        };
        broken.sort_unstable();
        broken.dedup();
        broken
    }

    fn judge_statement(&mut self, statement: &Statement, is_concurrent: bool) -> Vec<Rule> {
        match statement {
            Statement::CreateTable(create) => {
                self.new_tables.insert(name(&create.name));
                Vec::new()
            }
            Statement::CreateIndex(create) => {
                self.new_indexes.extend(create.name.as_ref().map(name));
                let is_named = create.name.is_some() && create.if_not_exists;
                match () {
                    () if is_concurrent => only_if(!is_named, Rule::Repeatable),
                    () => only_if(!self.is_new(&create.table_name), Rule::CreateIndex),
                }
            }
            Statement::Drop {
                object_type,
                names,
                if_exists,
                ..
            } => self.judge_drop(*object_type, names, *if_exists, is_concurrent),
            Statement::AlterTable(alter) => self.judge_alter(alter),
            Statement::RenameTable(_) => vec![Rule::Rename],
            Statement::Lock(_) | Statement::LockTables { .. } => vec![Rule::LockTable],
            Statement::Truncate(truncate) => {
                let all_new = truncate.table_names.iter().all(|table| self.is_new(&table.name));
                only_if(!all_new, Rule::Drop)
            }
            Statement::Update(update) => only_if(
                self.changes_much([&update.table], update.selection.as_ref()),
                Rule::WholeTable,
            ),
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
                only_if(self.changes_much(tables, delete.selection.as_ref()), Rule::WholeTable)
            }
            _ => Vec::new(),
        }
    }

    fn judge_drop(&self, kind: ObjectType, names: &[ObjectName], if_exists: bool, is_concurrent: bool) -> Vec<Rule> {
        match kind {
            ObjectType::Index if is_concurrent => only_if(!if_exists, Rule::Repeatable),
            ObjectType::Index => {
                let all_new = names.iter().all(|index| self.new_indexes.contains(&name(index)));
                only_if(!all_new, Rule::DropIndex)
            }
            ObjectType::Table | ObjectType::View | ObjectType::MaterializedView | ObjectType::Schema => {
                only_if(!names.iter().all(|table| self.is_new(table)), Rule::Drop)
            }
            _ => Vec::new(),
        }
    }

    fn judge_alter(&mut self, alter: &AlterTable) -> Vec<Rule> {
        let table = name(&alter.name);
        let is_new = self.is_new(&alter.name);
        let mut broken = Vec::new();
        for operation in &alter.operations {
            // What is made is remembered of a new table, too; what is done to it hurts nobody.
            let rules = self.judge_operation(&table, operation);
            if !is_new {
                broken.extend(rules);
            }
        }
        broken
    }

    fn judge_operation(&mut self, table: &str, operation: &AlterTableOperation) -> Vec<Rule> {
        match operation {
            AlterTableOperation::AddColumn { column_def, .. } => added_column(column_def),
            AlterTableOperation::AlterColumn { column_name, op } => match op {
                AlterColumnOperation::SetDataType { .. } => vec![Rule::ColumnType],
                AlterColumnOperation::SetNotNull => {
                    only_if(!self.is_checked(table, &ident(column_name)), Rule::SetNotNull)
                }
                _ => Vec::new(),
            },
            AlterTableOperation::AddConstraint { constraint, not_valid } => {
                self.added_constraint(table, constraint, *not_valid)
            }
            AlterTableOperation::ValidateConstraint { name } => {
                let key = (table.to_owned(), ident(name));
                let is_new = self.new_constraints.contains(&key.1);
                if let Some(check) = self.not_null_checks.get_mut(&key) {
                    check.is_validated = true;
                }
                only_if(is_new, Rule::ValidateTogether)
            }
            AlterTableOperation::DropConstraint { name, .. } => {
                self.not_null_checks.remove(&(table.to_owned(), ident(name)));
                Vec::new()
            }
            AlterTableOperation::RenameColumn { .. } | AlterTableOperation::RenameTable { .. } => vec![Rule::Rename],
            AlterTableOperation::DropColumn { .. } => vec![Rule::Drop],
            AlterTableOperation::SetLogged | AlterTableOperation::SetUnlogged => vec![Rule::Rewrite],
            _ => Vec::new(),
        }
    }

    fn added_constraint(&mut self, table: &str, constraint: &TableConstraint, not_valid: bool) -> Vec<Rule> {
        let (constraint_name, is_checked_by_reading) = match constraint {
            TableConstraint::Check(check) => {
                if let (Some(name), Expr::IsNotNull(column)) = (&check.name, check.expr.as_ref())
                    && let Expr::Identifier(column) = column.as_ref()
                {
                    let check = NotNullCheck {
                        column: ident(column),
                        is_validated: !not_valid,
                    };
                    self.not_null_checks.insert((table.to_owned(), ident(name)), check);
                }
                (&check.name, true)
            }
            TableConstraint::ForeignKey(key) => (&key.name, true),
            TableConstraint::PrimaryKeyUsingIndex(_) | TableConstraint::UniqueUsingIndex(_) => return Vec::new(),
            _ => return vec![Rule::UsingIndex],
        };
        if not_valid {
            self.new_constraints.extend(constraint_name.as_ref().map(ident));
        }
        only_if(is_checked_by_reading && !not_valid, Rule::NotValid)
    }

    /// A validated check says that the column is not null.
    fn is_checked(&self, table: &str, column: &str) -> bool {
        self.not_null_checks
            .iter()
            .any(|((of, _), check)| of == table && check.column == column && check.is_validated)
    }

    fn is_new(&self, table: &ObjectName) -> bool {
        self.new_tables.contains(&name(table))
    }

    fn changes_much<'a>(&self, tables: impl IntoIterator<Item = &'a TableWithJoins>, condition: Option<&Expr>) -> bool {
        let all_new = tables
            .into_iter()
            .all(|table| matches!(&table.relation, TableFactor::Table { name, .. } if self.is_new(name)));
        !all_new && !condition.is_some_and(is_narrow)
    }
}

fn added_column(column: &ColumnDef) -> Vec<Rule> {
    let mut broken = Vec::new();
    let (mut is_not_null, mut has_default) = (false, false);
    for option in &column.options {
        match &option.option {
            ColumnOption::NotNull => is_not_null = true,
            ColumnOption::Default(value) => {
                has_default = true;
                broken.extend(only_if(!is_constant(value), Rule::AddColumnRewrite));
            }
            ColumnOption::Generated {
                generation_expr_mode, ..
            } => {
                has_default = true;
                let is_virtual = *generation_expr_mode == Some(GeneratedExpressionMode::Virtual);
                broken.extend(only_if(!is_virtual, Rule::AddColumnRewrite));
            }
            ColumnOption::Identity(_) => broken.push(Rule::AddColumnRewrite),
            ColumnOption::PrimaryKey(_)
            | ColumnOption::Unique(_)
            | ColumnOption::ForeignKey(_)
            | ColumnOption::Check(_) => broken.push(Rule::AddColumnConstraint),
            _ => {}
        }
    }
    let is_serial = is_serial(&column.data_type);
    broken.extend(only_if(is_serial, Rule::AddColumnRewrite));
    broken.extend(only_if(
        is_not_null && !has_default && !is_serial,
        Rule::AddColumnNotNull,
    ));
    broken
}

fn is_serial(data_type: &DataType) -> bool {
    let written = data_type.to_string().to_ascii_lowercase();
    ["serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"].contains(&written.as_str())
}

/// PostgreSQL evaluates the default once and writes no row: literals, and functions that say the same throughout a statement.
fn is_constant(value: &Expr) -> bool {
    const STABLE: [&str; 7] = [
        "now",
        "current_timestamp",
        "current_date",
        "current_time",
        "localtimestamp",
        "transaction_timestamp",
        "statement_timestamp",
    ];
    match value {
        Expr::Value(_) | Expr::TypedString { .. } => true,
        Expr::UnaryOp { expr, .. } | Expr::Cast { expr, .. } | Expr::Nested(expr) => is_constant(expr),
        Expr::Array(array) => array.elem.iter().all(is_constant),
        Expr::Function(function) => STABLE.contains(&name(&function.name).as_str()),
        _ => false,
    }
}

/// Of the conditions that all must hold, one compares a column with a value, or with some.
fn is_narrow(condition: &Expr) -> bool {
    match condition {
        Expr::Nested(inner) => is_narrow(inner),
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::And => is_narrow(left) || is_narrow(right),
            BinaryOperator::Eq => is_column(left) && is_constant(right),
            _ => false,
        },
        Expr::In {
            expr,
            target: InTarget::List(list),
            negated,
            ..
        } => !negated && is_column(expr) && list.iter().all(is_constant),
        _ => false,
    }
}

fn is_column(expression: &Expr) -> bool {
    matches!(expression, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}

fn only_if(is_broken: bool, rule: Rule) -> Vec<Rule> {
    if is_broken { vec![rule] } else { Vec::new() }
}

/// A name without its schema, as PostgreSQL compares it.
fn name(name: &ObjectName) -> String {
    let last = name.0.last().and_then(|part| part.as_ident());
    last.map(ident).unwrap_or_default()
}

fn ident(name: &Ident) -> String {
    if name.quote_style.is_some() {
        name.value.clone()
    } else {
        name.value.to_ascii_lowercase()
    }
}
