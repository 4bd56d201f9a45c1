//! Which partitions a filter chooses, where it is simple enough to tell: equalities and `IN` lists on identity partition
//! columns, joined by `AND`. Everything else Spark resolves with column statistics that facts do not hold.

use drls_plugin::columns::Columns;
use drls_plugin::facts::PartitionSpec;

use crate::group::Cell;

/// What is known of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    /// No filter: the whole table.
    Whole,
    /// Each column has one of the values.
    Equal(Vec<(String, Vec<String>)>),
    /// Something else.
    Other,
}

impl Filter {
    /// # Errors
    /// A sentence, where a simple filter names a column that the table does not have.
    pub(crate) fn parse(text: &str, columns: Columns<'_>) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::Whole);
        }
        let Some(terms) = tokens(text).and_then(|tokens| conjunction(&tokens)) else {
            return Ok(Self::Other);
        };
        for (column, _) in &terms {
            // Spark resolves columns without case.
            if !columns.0.iter().any(|f| f.path.eq_ignore_ascii_case(column)) {
                columns.find(column)?;
            }
        }
        Ok(Self::Equal(terms))
    }

    /// The chosen cells; none where partitions alone do not tell.
    pub(crate) fn choose(&self, cells: &[Cell], specs: &[PartitionSpec]) -> Option<Vec<Cell>> {
        let terms = match self {
            Self::Whole => return Some(cells.to_vec()),
            Self::Equal(terms) => terms,
            Self::Other => return None,
        };
        let mut chosen = Vec::new();
        for cell in cells {
            let spec = specs.iter().find(|s| s.id == cell.spec)?;
            if matches(cell, spec, terms)? {
                chosen.push(cell.clone());
            }
        }
        Some(chosen)
    }
}

/// Whether the cell's partition fits every term; none where its spec has no identity field for a column.
fn matches(cell: &Cell, spec: &PartitionSpec, terms: &[(String, Vec<String>)]) -> Option<bool> {
    let mut all = true;
    for (column, values) in terms {
        let field = spec.fields.iter().find(|f| f.transform == "identity" && f.source.eq_ignore_ascii_case(column))?;
        let value = cell
            .path
            .split('/')
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| unescape(name) == field.name)?
            .1;
        let value = unescape(value);
        all &= values.iter().any(|wanted| same(wanted, &value));
    }
    Some(all)
}

fn same(a: &str, b: &str) -> bool {
    a == b || matches!((a.parse::<i64>(), b.parse::<i64>()), (Ok(a), Ok(b)) if a == b)
}

/// Partition paths are URL-encoded (Iceberg `PartitionSpec.partitionToPath`).
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, code) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// None where the text holds anything but words, literals, `=`, commas and brackets.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '=' | '(' | ')' | ',' => tokens.push(Token::Mark(c)),
            '\'' => {
                let mut literal = String::new();
                loop {
                    match chars.next()? {
                        '\'' if chars.peek() == Some(&'\'') => literal.push(chars.next()?),
                        '\'' => break,
                        c => literal.push(c),
                    }
                }
                tokens.push(Token::Text(literal));
            }
            '`' => {
                let mut name = String::new();
                loop {
                    match chars.next()? {
                        '`' => break,
                        c => name.push(c),
                    }
                }
                tokens.push(Token::Word(name));
            }
            c if is_name(c) || c == '-' => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| is_name(*c) || *c == '.') {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            _ => return None,
        }
    }
    Some(tokens)
}

/// Letters of all scripts: what is not ASCII is taken for one.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

fn conjunction(tokens: &[Token]) -> Option<Vec<(String, Vec<String>)>> {
    tokens.split(|t| is_word(t, "and")).map(term).collect()
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(w) if w.eq_ignore_ascii_case(word))
}

fn term(tokens: &[Token]) -> Option<(String, Vec<String>)> {
    let (Token::Word(column), rest) = tokens.split_first()? else { return None };
    let values = match rest {
        [Token::Mark('='), value @ ..] => vec![literal(value)?],
        [word, Token::Mark('('), values @ .., Token::Mark(')')] if is_word(word, "in") => {
            values.split(|t| *t == Token::Mark(',')).map(literal).collect::<Option<_>>()?
        }
        _ => return None,
    };
    Some((column.clone(), values))
}

fn literal(tokens: &[Token]) -> Option<String> {
    match tokens {
        [Token::Text(text)] => Some(text.clone()),
        [Token::Word(number)] if number.parse::<i64>().is_ok() => Some(number.clone()),
        [word, Token::Text(text)] if is_word(word, "date") => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{cell, facts, file};

    fn paths(text: &str) -> Option<Vec<String>> {
        let facts = facts(vec![
            cell("region=eu", 1, vec![file(1)]),
            cell("region=a%2Fb", 1, vec![]),
            cell("region=7", 1, vec![]),
        ]);
        let filter = Filter::parse(text, Columns(&facts.fields)).unwrap();
        Some(filter.choose(&facts.cells, &facts.specs)?.into_iter().map(|c| c.path).collect())
    }

    #[test]
    fn chooses_partitions_by_equality() {
        assert_eq!(paths("").unwrap().len(), 3);
        assert_eq!(paths("region = 'eu'"), Some(vec!["region=eu".into()]));
        assert_eq!(paths("`region` in ('eu', 'a/b')"), Some(vec!["region=eu".into(), "region=a%2Fb".into()]));
        assert_eq!(paths("REGION = 07"), Some(vec!["region=7".into()]));
        assert_eq!(paths("region = 'eu' AND region = 'us'"), Some(vec![]));
    }

    #[test]
    fn leaves_everything_else_to_spark() {
        for text in [
            "region > 'a'",
            "region = 'eu' OR region = 'us'",
            "id = 4",
            "lower(region) = 'eu'",
            "region = 'eu",
            "region like 'e%'",
        ] {
            assert_eq!(paths(text), None, "{text}");
        }
    }

    #[test]
    fn does_not_guess_at_files_of_a_spec_without_the_column() {
        let facts = facts(vec![cell("", 0, vec![file(1)])]);
        let filter = Filter::parse("region = 'eu'", Columns(&facts.fields)).unwrap();
        assert!(filter.choose(&facts.cells, &facts.specs).is_none());
    }

    #[test]
    fn names_the_column_that_was_meant() {
        let facts = facts(vec![]);
        let error = Filter::parse("regoin = 'eu'", Columns(&facts.fields)).unwrap_err();
        assert_eq!(error, "the table has no column \"regoin\"; did you mean \"region\"?");
    }
}
