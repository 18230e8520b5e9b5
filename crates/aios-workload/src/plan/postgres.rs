//! PostgreSQL's plans, as JSON.

use serde_json::Value;

use super::Findings;

pub(super) fn read(top: &Value) -> Findings {
    let mut findings = Findings::default();
    let plan = top.get("Plan").unwrap_or(&Value::Null);
    let pages = |name: &str| number(plan, name);
    findings.buffers = Some(pages("Shared Hit Blocks") + pages("Shared Read Blocks"));
    walk(plan, &mut findings);
    findings
}

fn walk(node: &Value, findings: &mut Findings) {
    let kind = text(node, "Node Type");
    if let Some(index) = node.get("Index Name").and_then(Value::as_str) {
        findings.indexes.insert(index.to_owned());
    }
    if kind == "Seq Scan"
        && let Some(table) = node.get("Relation Name").and_then(Value::as_str)
    {
        findings.scans.insert(table.to_owned());
    }
    if kind == "Sort" {
        let input = children(node).map(rows).sum();
        findings.sorted = Some(findings.sorted.unwrap_or(0).max(input));
    }
    for child in children(node) {
        walk(child, findings);
    }
}

fn children(node: &Value) -> impl Iterator<Item = &Value> {
    node.get("Plans").and_then(Value::as_array).into_iter().flatten()
}

/// The rows that a node gave in all its loops.
fn rows(node: &Value) -> u64 {
    number(node, "Actual Rows") * number(node, "Actual Loops").max(1)
}

/// A number, which newer versions write with decimals.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of rows and pages are whole, positive and small"
)]
fn number(node: &Value, name: &str) -> u64 {
    node.get(name)
        .and_then(Value::as_f64)
        .map_or(0, |number| number.max(0.0).ceil() as u64)
}

fn text<'a>(node: &'a Value, name: &str) -> &'a str {
    node.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_is_walked_to_its_leaves() {
        let plan = json!({"Plan": {
            "Node Type": "Limit", "Shared Hit Blocks": 7, "Shared Read Blocks": 2,
            "Plans": [{"Node Type": "Sort", "Plans": [
                {"Node Type": "Seq Scan", "Relation Name": "tags", "Actual Rows": 20.0, "Actual Loops": 3},
            ]}, {"Node Type": "Index Only Scan", "Index Name": "idx_a"}]
        }});
        let findings = read(&plan);
        assert_eq!(findings.buffers, Some(9));
        assert_eq!(findings.sorted, Some(60));
        assert!(findings.scans.contains("tags") && findings.indexes.contains("idx_a"));
    }
}
