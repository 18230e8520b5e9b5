//! SQLite's plans, as lines such as `SEARCH agent_reviews USING INDEX idx_reviews_user_agent (user_id=? AND agent_id=?)`.

use super::Findings;

pub(super) fn read(lines: &[String]) -> Findings {
    let mut findings = Findings::default();
    for line in lines {
        step(line.trim(), &mut findings);
    }
    findings
}

fn step(line: &str, findings: &mut Findings) {
    let words: Vec<&str> = line.split(' ').collect();
    let after = |mark: &str| {
        let place = words.iter().position(|word| *word == mark)?;
        words.get(place + 1).copied()
    };
    let table = words.get(1).copied().unwrap_or_default();
    if let Some(index) = after("INDEX").filter(|index| *index != "(") {
        // `AUTOMATIC COVERING INDEX (…)` is one that SQLite makes for this statement alone.
        if !index.starts_with('(') {
            findings.indexes.insert(index.to_owned());
        }
    }
    let virtual_range = after("INDEX").is_some_and(|index| index.contains(':')) && line.contains("VIRTUAL TABLE");
    match words.first().copied() {
        Some("SCAN")
            if !line.contains(" INDEX ")
                && !NO_TABLES.contains(&table)
                && !table.starts_with('(')
                && after("CONSTANT").is_none() =>
        {
            findings.scans.insert(table.to_owned());
        }
        Some("SCAN") if virtual_range => {
            findings.indexes.retain(|index| !index.contains(':'));
            // A virtual table that is given nothing to look for is read from end to end.
            if after("INDEX").is_some_and(|index| index.ends_with(':')) && !NO_TABLES.contains(&table) {
                findings.scans.insert(table.to_owned());
            }
        }
        Some("USE") if line.starts_with("USE TEMP B-TREE FOR") && line.ends_with("ORDER BY") => findings.sorts = true,
        _ => {}
    }
}

/// What is scanned and no table of ours: rows of a subquery, of a list of values.
const NO_TABLES: [&str; 11] = [
    "CONSTANT",
    "json_each",
    "asked",
    "changed",
    "recent",
    "excluded",
    "keys",
    "c",
    "s",
    "matches",
    "parent",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Findings {
        read(&lines.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn steps_are_read() {
        let findings = of(&[
            "SCAN marketplace_agents USING INDEX idx_agents_popular",
            "  SEARCH tags USING COVERING INDEX sqlite_autoindex_tags_2 (name=?)",
            "SCAN agent_reviews",
            "SCAN CONSTANT ROW",
            "SCAN 32 CONSTANT ROWS",
        ]);
        let indexes: Vec<&str> = findings.indexes.iter().map(String::as_str).collect();
        assert_eq!(indexes, ["idx_agents_popular", "sqlite_autoindex_tags_2"]);
        assert_eq!(findings.scans.iter().collect::<Vec<_>>(), ["agent_reviews"]);
        assert!(!findings.sorts);
        assert!(of(&["USE TEMP B-TREE FOR ORDER BY"]).sorts);
        assert!(of(&["USE TEMP B-TREE FOR LAST TERM OF ORDER BY"]).sorts);
    }
}
