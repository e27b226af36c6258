//! Reading our files into a configuration.

use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike};

use super::{
    repos::Repos,
    value::{self, Bad},
};
use crate::{
    ConfigError, Origin, Place, Value,
    draft::Draft,
    heap::Cell,
    options::{self, OptionKind},
};

/// Keys that are not options.
const RESERVED: &[&str] = &["extends", "append", "repos", "unset", "$schema"];

/// Parses a file.
pub(crate) fn parse(file: &Path, text: String) -> Result<Document<String>, ConfigError> {
    Document::parse(text.clone()).map_err(|error| ConfigError::Syntax {
        place: Place::at(file, &text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })
}

/// A file of definitions, one a line: chroot names with their options.
pub(crate) struct Chroots(Document<String>);

impl Chroots {
    pub(crate) fn parse(file: &Path, text: String) -> Result<Self, ConfigError> {
        parse(file, text).map(Self)
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .as_table()
            .iter()
            .filter(|(name, item)| *name != "$schema" && item.is_table_like())
            .map(|(name, _)| name)
    }

    /// The definition of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&dyn TableLike> {
        self.0.as_table().get(name)?.as_table_like()
    }

    /// The text the definitions were read from.
    pub(crate) fn text(&self) -> &str {
        self.0.raw()
    }
}

/// The names a table extends, in order, each with its place in the text.
pub(crate) fn extends(
    table: &dyn TableLike,
    file: &Path,
    text: &str,
) -> Result<Vec<(String, Place)>, ConfigError> {
    let Some(item) = table.get("extends") else {
        return Ok(Vec::new());
    };
    let place = place(file, text, item.span().map(|span| span.start));
    let names = match item {
        item if item.is_str() => vec![item.as_str().unwrap_or_default().to_owned()],
        item => match item.as_array() {
            Some(array) if array.iter().all(toml_edit::Value::is_str) => array
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            _ => {
                return Err(ConfigError::Evaluate {
                    place,
                    message: "`extends` is the name of a file or a list of names".to_owned(),
                });
            }
        },
    };
    Ok(names
        .into_iter()
        .map(|name| (name, place.clone()))
        .collect())
}

fn place(file: &Path, text: &str, at: Option<usize>) -> Place {
    at.map_or_else(|| Place::file(file), |at| Place::at(file, text, at))
}

/// Puts the options of a table into the configuration.
pub(crate) fn apply(
    table: &dyn TableLike,
    file: &Path,
    text: &str,
    draft: &mut Draft,
    repos: &mut Repos,
) -> Result<(), ConfigError> {
    let reader = Reader { file, text };
    for (key, item) in table.iter() {
        match key {
            "repos" => reader.repos(item, repos)?,
            "append" => reader.append(item, draft)?,
            "unset" => reader.unset(item, draft)?,
            key if RESERVED.contains(&key) => {}
            key => reader.option(key, item, draft)?,
        }
    }
    Ok(())
}

struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn place(&self, item: &Item) -> Place {
        place(self.file, self.text, item.span().map(|span| span.start))
    }

    fn origin(&self, item: &Item) -> Origin {
        let place = self.place(item);
        Origin::File {
            file: place.file,
            line: place.line,
        }
    }

    fn bad(&self, item: &Item, message: impl Into<String>) -> ConfigError {
        ConfigError::Evaluate {
            place: self.place(item),
            message: message.into(),
        }
    }

    fn convert(&self, item: &Item, kind: Option<OptionKind>) -> Result<Value, ConfigError> {
        value::convert(item, kind).map_err(|(at, message): Bad| ConfigError::Evaluate {
            place: place(
                self.file,
                self.text,
                at.or(item.span().map(|span| span.start)),
            ),
            message,
        })
    }

    /// One option. A table is merged into the dictionary that is there; all else replaces.
    fn option(&self, key: &str, item: &Item, draft: &mut Draft) -> Result<(), ConfigError> {
        let name = if key == "dnf_conf" { "dnf.conf" } else { key };
        // An unquoted `dnf.conf = …` is a table `dnf` to TOML.
        if let (None, Some(table)) = (options::find(name), item.as_table_like()) {
            let dotted = |inner: &str| format!("{name}.{inner}");
            if !table.is_empty()
                && table
                    .iter()
                    .all(|(k, _)| options::find(&dotted(k)).is_some())
            {
                for (inner, item) in table.iter() {
                    self.option(&dotted(inner), item, draft)?;
                }
                return Ok(());
            }
        }
        let kind = options::find(name).map(|spec| spec.kind);
        match item.as_table_like() {
            Some(table) if value::literal(table).is_none() => {
                let base = match draft.get(name) {
                    Some(cell @ Cell::Dict(_)) => cell,
                    _ => {
                        draft.set(name, crate::Dict::new(), self.origin(item));
                        draft.get(name).unwrap_or_else(Cell::dict)
                    }
                };
                let mut path = vec![options::canonical(name).to_owned()];
                self.merge(table, &base, &mut path, draft)
            }
            _ => {
                draft.set(name, self.convert(item, kind)?, self.origin(item));
                Ok(())
            }
        }
    }

    fn merge(
        &self,
        table: &dyn TableLike,
        into: &Cell,
        path: &mut Vec<String>,
        draft: &mut Draft,
    ) -> Result<(), ConfigError> {
        let Cell::Dict(dict) = into else {
            return Ok(());
        };
        for (key, item) in table.iter() {
            path.push(key.to_owned());
            let key = Value::from(key);
            let existing = dict.borrow().get(&key).cloned();
            match (item.as_table_like(), existing) {
                (Some(table), Some(inner @ Cell::Dict(_))) if value::literal(table).is_none() => {
                    self.merge(table, &inner, path, draft)?;
                }
                _ => {
                    let value = self.convert(item, None)?;
                    dict.borrow_mut().insert(key, Cell::new(value));
                    draft.origins.set(path, self.origin(item));
                }
            }
            path.pop();
        }
        Ok(())
    }

    /// `[append]`: what is added to text and lists instead of replacing them.
    fn append(&self, item: &Item, draft: &mut Draft) -> Result<(), ConfigError> {
        let table = item
            .as_table_like()
            .ok_or_else(|| self.bad(item, "`append` is a table of options"))?;
        for (key, item) in table.iter() {
            let name = if key == "dnf_conf" { "dnf.conf" } else { key };
            let more = self.convert(item, None)?;
            let joined = match (draft.value(name), more) {
                (None | Some(Value::None), more) => more,
                (Some(Value::Str(old)), Value::Str(new)) => Value::Str(old + &new),
                (Some(Value::List(mut old)), Value::List(new)) => {
                    old.extend(new);
                    Value::List(old)
                }
                (Some(Value::Tuple(mut old)), Value::List(new)) => {
                    old.extend(new);
                    Value::Tuple(old)
                }
                (Some(old), new) => {
                    let message = format!(
                        "cannot append {} to `{name}`, which is {}",
                        new.type_name(),
                        old.type_name()
                    );
                    return Err(self.bad(item, message));
                }
            };
            draft.set(name, joined, self.origin(item));
        }
        Ok(())
    }

    /// `unset`: names of options that shall not exist.
    fn unset(&self, item: &Item, draft: &mut Draft) -> Result<(), ConfigError> {
        let names = item
            .as_array()
            .ok_or_else(|| self.bad(item, "`unset` is a list of option names"))?;
        for name in names.iter().filter_map(toml_edit::Value::as_str) {
            draft.remove(name);
        }
        Ok(())
    }

    fn repos(&self, item: &Item, repos: &mut Repos) -> Result<(), ConfigError> {
        let wrong = || self.bad(item, "`repos` is a table of repositories, each a table");
        let all = item.as_table_like().ok_or_else(wrong)?;
        for (name, item) in all.iter() {
            if item.as_bool() == Some(false) {
                repos.drop(name);
                continue;
            }
            let settings = item.as_table_like().ok_or_else(wrong)?;
            for (key, item) in settings.iter() {
                repos.set(name, key, self.convert(item, None)?);
            }
        }
        Ok(())
    }
}

/// The files an `extends` name may stand for, in the order they are tried.
pub(crate) fn candidates(name: &str) -> Vec<String> {
    if Path::new(name)
        .extension()
        .is_some_and(|ext| ext == "toml" || ext == "cfg" || ext == "tpl")
    {
        return vec![name.to_owned(), format!("templates/{name}")];
    }
    ["", "templates/"]
        .iter()
        .flat_map(|dir| ["toml", "cfg"].map(|ext| format!("{dir}{name}.{ext}")))
        .collect()
}

/// The same candidates beside the file that names them.
pub(crate) fn beside(file: &Path, names: &[String]) -> Vec<PathBuf> {
    let dir = file.parent().unwrap_or(Path::new(""));
    names.iter().map(|name| dir.join(name)).collect()
}
