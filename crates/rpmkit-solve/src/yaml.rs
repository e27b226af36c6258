//! The little of YAML modules.yaml needs: documents of maps, lists and texts.

use saphyr_parser::{Event, Parser};

/// A value. Every scalar is a text: modulemd quotes what must not be taken for a number, and we
/// take none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Yaml {
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// Trouble with its line, counted from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlError {
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Yaml {
    /// The value of a key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The value at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The texts of a list; none for anything else.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.items().iter().filter_map(Self::text).collect()
    }

    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Text(_) | Self::Map(_) => &[],
        }
    }

    pub(crate) fn pairs(&self) -> &[(String, Self)] {
        match self {
            Self::Map(pairs) => pairs,
            Self::Text(_) | Self::List(_) => &[],
        }
    }
}

/// What is being built while events come in.
enum Open {
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>, Option<String>),
}

/// Deeper nesting than any module document has.
const MAX_DEPTH: usize = 100;

/// Reads all documents of a stream.
pub(crate) fn documents(text: &str) -> Result<Vec<Yaml>, YamlError> {
    let mut out = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for step in Parser::new_from_str(text) {
        let (event, span) = step.map_err(|e| YamlError {
            line: e.marker().line(),
            what: e.info().to_owned(),
        })?;
        let error = |what: &str| YamlError {
            line: span.start.line(),
            what: what.to_owned(),
        };
        let value = match event {
            Event::Scalar(text, ..) => Yaml::Text(text.into_owned()),
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() >= MAX_DEPTH {
                    return Err(error("nested too deeply"));
                }
                open.push(if matches!(event, Event::SequenceStart(..)) {
                    Open::List(Vec::new())
                } else {
                    Open::Map(Vec::new(), None)
                });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(items)) => Yaml::List(items),
                Some(Open::Map(pairs, _)) => Yaml::Map(pairs),
                None => return Err(error("something ends that did not begin")),
            },
            Event::Alias(_) => return Err(error("aliases are not used in module metadata")),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => continue,
        };
        match open.last_mut() {
            None => out.push(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(pairs, key)) => match key.take() {
                Some(key) => pairs.push((key, value)),
                None => match value {
                    Yaml::Text(text) => *key = Some(text),
                    Yaml::List(_) | Yaml::Map(_) => {
                        return Err(error("a key that is a text was expected"));
                    }
                },
            },
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn documents_of_maps_and_lists_are_read() {
        let docs =
            documents("---\na: 1\nb:\n- x: [p, \"q\"]\n- |\n  long\n  text\n...\n---\nc: {d: e}\n")
                .unwrap();
        assert_eq!(docs.len(), 2);
        assert_eq!(docs[0].get("a").unwrap().text(), Some("1"));
        let list = docs[0].get("b").unwrap().items();
        assert_eq!(list[0].get("x").unwrap().texts(), ["p", "q"]);
        assert_eq!(list[1].text(), Some("long\ntext\n"));
        assert_eq!(docs[1].at(&["c", "d"]).unwrap().text(), Some("e"));
    }

    #[test]
    fn errors_have_lines() {
        let error = documents("a: 1\nb: [\n").unwrap_err();
        assert!(error.line >= 2, "{error:?}");
        assert!(documents(&"[".repeat(5000)).is_err());
    }
}
