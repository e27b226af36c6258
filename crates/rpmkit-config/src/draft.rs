//! A configuration while it is being put together: mock's `config_opts`.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{
    Dict, HostFacts, Message, Origin, Value,
    heap::Cell,
    options::{ALIASES, canonical, defaults},
    origin::Origins,
    template::Expander,
};

/// Options by name, in order of insertion, and where they came from.
pub(super) struct Draft {
    options: IndexMap<String, Cell>,
    pub(super) origins: Origins,
    pub(super) messages: Vec<Message>,
    /// Files that took part, in order, without repetition.
    pub(super) files: Vec<String>,
}

impl Draft {
    pub(super) fn new(host: &HostFacts) -> Self {
        let options = defaults(host)
            .0
            .into_iter()
            .filter_map(|(key, value)| match key {
                Value::Str(name) => Some((name, Cell::new(value))),
                _ => None,
            })
            .collect();
        Self {
            options,
            origins: Origins::default(),
            messages: Vec::new(),
            files: Vec::new(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Cell> {
        self.options.get(canonical(name)).cloned()
    }

    /// The value as it is now; `None` too for one that contains itself, which is reported at the end.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.get(name)?.value().ok()
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        // Python's `in` goes through `__getitem__`, which follows aliases.
        self.options.contains_key(canonical(name))
    }

    pub(super) fn set_cell(&mut self, name: &str, cell: Cell) {
        self.options.insert(canonical(name).to_owned(), cell);
    }

    /// Sets an option and notes where from.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>, origin: Origin) {
        self.set_cell(name, Cell::new(value.into()));
        self.origins.set(&[canonical(name).to_owned()], origin);
    }

    /// Sets a key of an option that is a dictionary, which is made if need be.
    pub(super) fn set_below(&mut self, name: &str, key: &str, value: Value, origin: Origin) {
        let dict = match self.get(name) {
            Some(Cell::Dict(dict)) => dict,
            _ => {
                let cell = Cell::dict();
                self.set_cell(name, cell.clone());
                match cell {
                    Cell::Dict(dict) => dict,
                    _ => return,
                }
            }
        };
        dict.borrow_mut().insert(key.into(), Cell::new(value));
        self.origins
            .set(&[canonical(name).to_owned(), key.to_owned()], origin);
    }

    /// Gives an entry of a dictionary another key; it moves to the end, as in mock.
    pub(super) fn rename_below(&mut self, name: &str, key: &Value, new: &str) {
        let Some(Cell::Dict(dict)) = self.get(name) else {
            return;
        };
        let Some(cell) = dict.borrow_mut().shift_remove(key) else {
            return;
        };
        dict.borrow_mut().insert(new.into(), cell);
        let origin = self.origins.get(&[name, &key.to_string()]).clone();
        self.origins.set(&[name.to_owned(), new.to_owned()], origin);
    }

    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.options.shift_remove(name).is_some()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.options.keys().map(String::as_str)
    }

    pub(super) fn add_file(&mut self, file: String) {
        if !self.files.contains(&file) {
            self.files.push(file);
        }
    }

    /// The options as they are now, each also under its other names.
    pub(super) fn with_aliases(&self) -> Dict {
        let mut all = self.finish().unwrap_or_default();
        for (alias, option) in ALIASES {
            if let Some(value) = all.get(option).cloned() {
                all.set(*alias, value);
            }
        }
        all
    }

    /// Expands templates against the options as they are now.
    pub(super) fn expander(&self) -> Expander {
        Expander::new(Arc::new(self.finish().unwrap_or_default()))
    }

    /// The finished options, or the name of one that contains itself.
    pub(super) fn finish(&self) -> Result<Dict, String> {
        let mut dict = Dict::new();
        for (name, cell) in &self.options {
            let value = cell.value().map_err(|_| name.clone())?;
            dict.set(name.as_str(), value);
        }
        Ok(dict)
    }
}
