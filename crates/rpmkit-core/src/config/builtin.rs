//! The definitions in `configs/`, compiled in so that one binary is enough. A file of the same name in
//! a configuration directory takes the place of the one here.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../configs/", $name)))),*]
    };
}

/// Names, relative to `configs/`, and texts.
const FILES: &[(&str, &str)] = files!["chroots.toml"];

/// The text of a compiled-in file.
pub(super) fn text(name: &str) -> Option<&'static str> {
    FILES
        .iter()
        .find(|(file, _)| *file == name)
        .map(|(_, text)| *text)
}
