//! Debian control data: the paragraphs of a `control` file and the relations (`Depends:` and friends) in them.

use std::collections::BTreeMap;

/// One paragraph: field names in lower case, continuation lines joined with line breaks.
#[derive(Debug, Default, Clone)]
pub struct Paragraph(BTreeMap<String, String>);

impl Paragraph {
    /// Reads the first paragraph of `text`.
    pub fn parse(text: &str) -> Self {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        let mut last: Option<String> = None;
        for line in text.lines().skip_while(|line| line.trim().is_empty()) {
            if line.trim().is_empty() {
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some(value) = last.as_ref().and_then(|key| fields.get_mut(key)) {
                    value.push('\n');
                    value.push_str(line.trim_end());
                }
            } else if let Some((key, value)) = line.split_once(':') {
                let key = key.to_ascii_lowercase();
                fields.insert(key.clone(), value.trim().to_owned());
                last = Some(key);
            }
        }
        Self(fields)
    }

    /// The value of a field, or an empty string.
    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }
}

/// How a version is compared in a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<<`
    Less,
    /// `<=`
    LessEq,
    /// `=`
    Equal,
    /// `>=`
    GreaterEq,
    /// `>>`
    Greater,
}

/// One name in a relation, with its version bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Package or virtual package.
    pub name: String,
    /// Comparison and Debian version.
    pub version: Option<(Op, String)>,
}

/// Splits `a (>= 1) | b, c:any` into groups of alternatives.
pub fn relations(text: &str) -> Vec<Vec<Relation>> {
    text.split(',')
        .map(|group| group.split('|').filter_map(relation).collect::<Vec<_>>())
        .filter(|group| !group.is_empty())
        .collect()
}

fn relation(text: &str) -> Option<Relation> {
    // Architecture lists and build profiles only occur in source packages: cut them off all the same.
    let text = text
        .split(['[', '<'])
        .next()
        .filter(|_| !text.contains("(<"))
        .unwrap_or(text)
        .trim();
    let (name, version) = match text.split_once('(') {
        Some((name, rest)) => (name, rest.trim_end_matches(')').trim()),
        None => (text, ""),
    };
    let name = name.trim().split(':').next().unwrap_or_default().to_owned();
    if name.is_empty() {
        return None;
    }
    let version = [
        ("<<", Op::Less),
        ("<=", Op::LessEq),
        (">=", Op::GreaterEq),
        (">>", Op::Greater),
        ("=", Op::Equal),
    ]
    .into_iter()
    .find_map(|(sign, op)| Some((op, version.strip_prefix(sign)?.trim().to_owned())));
    Some(Relation { name, version })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_and_continuations_are_read() {
        let p =
            Paragraph::parse("Package: x\nDescription: short\n long\n .\n more\n\nPackage: y\n");
        assert_eq!(p.get("package"), "x");
        assert_eq!(p.get("description"), "short\n long\n .\n more");
        assert_eq!(p.get("nope"), "");
    }

    #[test]
    fn alternatives_versions_and_qualifiers_are_read() {
        let groups = relations("perl:any, libc6 (>= 2.34) , a (<< 1:2-3) | b (= 1)");
        assert_eq!(groups.len(), 3);
        assert_eq!(
            groups[0][0],
            Relation {
                name: "perl".into(),
                version: None
            }
        );
        assert_eq!(groups[1][0].version, Some((Op::GreaterEq, "2.34".into())));
        assert_eq!(groups[2][0].version, Some((Op::Less, "1:2-3".into())));
        assert_eq!(groups[2][1].version, Some((Op::Equal, "1".into())));
    }
}
