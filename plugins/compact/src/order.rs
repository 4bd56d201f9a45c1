//! Checks the columns that a sort or a z-order goes by.

use drls_plugin::columns::Columns;
use drls_plugin::facts::{Field, PartitionSpec, SortField};
use drls_plugin::{Problems, names};

use crate::arguments::Strategy;

const POINTER: &str = "/order";
const EXAMPLE: &str = "\"id DESC NULLS LAST, name\"";

/// Adds every mistake in `order` to `problems`. `sort_order`: the table's own.
pub(crate) fn check(
    strategy: Strategy,
    order: &str,
    fields: &[Field],
    sort_order: &[SortField],
    spec: Option<&PartitionSpec>,
    problems: &mut Problems,
) {
    let columns = Columns(fields);
    let blank = order.trim().is_empty();
    match strategy {
        Strategy::Binpack if blank => {}
        Strategy::Binpack => {
            problems.add(POINTER, "binpack keeps the order of rows; leave it out, or choose sort or zorder")
        }
        Strategy::Sort if blank && sort_order.is_empty() => {
            problems.add(POINTER, format!("the table has no sort order of its own; say one, such as {EXAMPLE}"));
        }
        Strategy::Sort if blank => {}
        Strategy::Sort => {
            items(order).iter().filter_map(|i| sort_problem(i, columns)).for_each(|p| problems.add(POINTER, p))
        }
        Strategy::Zorder if blank => problems.add(POINTER, "zorder needs the columns to interleave, such as \"a, b\""),
        Strategy::Zorder => zorder(order, columns, spec, problems),
    }
}

/// Splits at commas outside brackets.
fn items(order: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = order.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(str::trim).collect()
}

fn zorder(order: &str, columns: Columns<'_>, spec: Option<&PartitionSpec>, problems: &mut Problems) {
    let constant =
        |f: &Field| spec.is_some_and(|s| s.fields.iter().any(|p| p.source_id == f.id && p.transform == "identity"));
    let mut varying = 0;
    for item in items(order) {
        match column(item, columns) {
            Err(problem) => problems.add(POINTER, problem),
            Ok(f) if f.path.contains('.') || is_nested(f) => {
                problems.add(
                    POINTER,
                    format!("\"{}\" is nested; zorder takes top-level columns of primitive types", f.path),
                );
            }
            Ok(f) => varying += usize::from(!constant(f)),
        }
    }
    if problems.is_empty() && varying == 0 {
        problems.add(POINTER, "every column of it is constant within a partition; name one that varies");
    }
}

fn sort_problem(item: &str, columns: Columns<'_>) -> Option<String> {
    let (expression, words) = match item.rfind(')') {
        Some(end) => item.split_at(end + 1),
        None => item.split_at(item.find(char::is_whitespace).unwrap_or(item.len())),
    };
    let words = words.to_ascii_uppercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    let rest = match words.as_slice() {
        ["ASC" | "DESC", rest @ ..] | rest => rest,
    };
    if !matches!(rest, [] | ["NULLS", "FIRST" | "LAST"]) {
        return Some(format!(
            "\"{item}\" is not a column with ASC or DESC and NULLS FIRST or NULLS LAST, as in {EXAMPLE}"
        ));
    }
    let Some((function, inner)) = expression.trim_end_matches(')').split_once('(') else {
        return column(expression, columns).err();
    };
    const TRANSFORMS: [&str; 10] =
        ["bucket", "truncate", "year", "years", "month", "months", "day", "days", "hour", "hours"];
    let function = function.trim();
    if function.eq_ignore_ascii_case("zorder") {
        return Some("zorder(..) is a strategy of its own: say strategy zorder and the columns here".into());
    }
    if !TRANSFORMS.iter().any(|t| t.eq_ignore_ascii_case(function)) {
        let near = names::hint(function, TRANSFORMS);
        return Some(format!("\"{function}\" is not a partition transform{near}"));
    }
    // bucket(16, id) and truncate(4, name) have the column last.
    column(inner.rsplit(',').next().unwrap_or(inner), columns).err()
}

fn column<'a>(name: &str, columns: Columns<'a>) -> Result<&'a Field, String> {
    let name = name.trim().trim_matches('`');
    if name.is_empty() {
        return Err(format!("a column is missing; write it as in {EXAMPLE}"));
    }
    let same = columns.0.iter().find(|f| f.path.eq_ignore_ascii_case(name));
    same.map_or_else(|| columns.find(name), Ok)
}

fn is_nested(field: &Field) -> bool {
    ["struct<", "list<", "map<"].iter().any(|kind| field.data_type.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::facts;
    use drls_plugin::Error;

    fn told(strategy: Strategy, order: &str) -> Vec<String> {
        let facts = facts(vec![]);
        let mut problems = Problems::default();
        check(strategy, order, &facts.fields, &facts.sort_order, facts.specs.get(1), &mut problems);
        match problems.check() {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| f.detail).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn takes_what_spark_takes() {
        for order in
            ["id", "id desc nulls last, note ASC", "bucket(16, id), truncate(2, `note`) DESC", "place.city", "ID"]
        {
            assert_eq!(told(Strategy::Sort, order), [""; 0], "{order}");
        }
        assert_eq!(told(Strategy::Zorder, "id, note"), [""; 0]);
        assert_eq!(told(Strategy::Binpack, ""), [""; 0]);
    }

    #[test]
    fn names_every_unknown_column_with_the_nearest() {
        let told = told(Strategy::Sort, "idd, ntoe desc");
        assert_eq!(told.len(), 2);
        assert_eq!(told[1], "the table has no column \"ntoe\"; did you mean \"note\"?");
    }

    #[test]
    fn refuses_what_is_no_order() {
        for order in ["id upwards", "id,", "lower(note)", "zorder(id, note)", "id NULLS"] {
            assert_eq!(told(Strategy::Sort, order).len(), 1, "{order}");
        }
    }

    #[test]
    fn refuses_an_order_that_is_missing_or_not_wanted() {
        assert!(told(Strategy::Sort, "")[0].contains("no sort order of its own"));
        assert!(told(Strategy::Zorder, " ")[0].contains("needs the columns"));
        assert!(told(Strategy::Binpack, "id")[0].contains("keeps the order"));
    }

    #[test]
    fn zorder_takes_no_nested_and_not_only_constant_columns() {
        assert!(told(Strategy::Zorder, "place.city")[0].contains("nested"));
        assert!(told(Strategy::Zorder, "region")[0].contains("constant within a partition"));
        assert_eq!(told(Strategy::Zorder, "region, id"), [""; 0]);
    }
}
