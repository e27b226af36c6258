//! Values as Python prints them: mock's logs show commands and environments that way.

pub use rpmkit_core::config::str_repr as quoted;

/// `['a', 'b']`
pub fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|i| quoted(i)).collect();
    format!("[{}]", items.join(", "))
}

/// `{'K': 'v'}`
pub fn dict(items: &[(String, String)]) -> String {
    let items: Vec<String> = items
        .iter()
        .map(|(k, v)| format!("{}: {}", quoted(k), quoted(v)))
        .collect();
    format!("{{{}}}", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_dictionaries_are_pythons() {
        assert_eq!(list(&["a".into(), "b".into()]), "['a', 'b']");
        assert_eq!(dict(&[("k".into(), "v".into())]), "{'k': 'v'}");
    }
}
