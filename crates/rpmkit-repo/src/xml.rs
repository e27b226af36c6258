//! A small tree of a small XML document: repomd.xml and metalinks, never package lists.

use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

/// Elements within each other; metalinks have six.
const MAX_DEPTH: usize = 50;
/// Elements of a document. A metalink has some for each of a few hundred mirrors.
const MAX_ELEMENTS: usize = 100_000;
/// Attributes of an element.
const MAX_ATTRIBUTES: usize = 50;

/// An element with everything in it. Names are without prefixes.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub name: String,
    attributes: Vec<(String, String)>,
    text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a whole document. The error says what is wrong and on which line.
    pub fn parse(data: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(data).map_err(|_| "it is not UTF-8 text".to_owned())?;
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        let mut count = 0;
        loop {
            let event = reader.read_event();
            let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let wrong = |reason: &dyn std::fmt::Display| {
                let line = 1 + text[..at.min(text.len())].matches('\n').count();
                format!("line {line}: {reason}")
            };
            let event = event.map_err(|e| wrong(&e))?;
            if matches!(event, Event::Start(_) | Event::Empty(_)) {
                count += 1;
            }
            if open.len() > MAX_DEPTH || count > MAX_ELEMENTS {
                return Err(wrong(&format!(
                    "at most {MAX_ELEMENTS} elements, nested at most {MAX_DEPTH} deep, were expected"
                )));
            }
            match event {
                Event::Start(tag) => open.push(Self::begin(&tag).map_err(|e| wrong(&e))?),
                Event::Empty(tag) => {
                    let element = Self::begin(&tag).map_err(|e| wrong(&e))?;
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(element);
                    }
                }
                Event::End(_) => {
                    if open.len() > 1
                        && let Some(element) = open.pop()
                        && let Some(parent) = open.last_mut()
                    {
                        parent.children.push(element);
                    }
                }
                Event::Text(piece) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&piece.xml10_content());
                    }
                }
                Event::CData(piece) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&piece.xml10_content());
                    }
                }
                Event::GeneralRef(reference) => {
                    let name = reference.xml10_content();
                    let value = match reference.resolve_char_ref().map_err(|e| wrong(&e))? {
                        Some(c) => c.to_string(),
                        None => resolve_predefined_entity(&name)
                            .ok_or_else(|| wrong(&format!("`&{name};` is not known")))?
                            .to_owned(),
                    };
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&value);
                    }
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        if let Some(unclosed) = open.get(1) {
            return Err(format!("it ends inside `<{}>`", unclosed.name));
        }
        open.pop()
            .and_then(|mut document| document.children.pop())
            .ok_or_else(|| "it holds no XML element".to_owned())
    }

    fn begin(tag: &BytesStart<'_>) -> Result<Self, String> {
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            if attributes.len() >= MAX_ATTRIBUTES {
                return Err(format!("more than {MAX_ATTRIBUTES} attributes"));
            }
            let attribute = attribute.map_err(|e| e.to_string())?;
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|e| e.to_string())?;
            let key = attribute.key.local_name().as_ref().to_owned();
            attributes.push((key, value.into_owned()));
        }
        Ok(Self {
            name: tag.local_name().as_ref().to_owned(),
            attributes,
            ..Self::default()
        })
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// An attribute, by its name without prefix.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The text directly in it, without blanks around it.
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// The text of a child.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(Self::text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_document_becomes_a_tree() {
        let root = Element::parse(
            b"<?xml version='1.0'?>\n<!-- x --><a:r k='1&amp;2'><b>x &lt;&#65;</b><c/><b>y</b></a:r>",
        )
        .unwrap();
        assert_eq!(root.name, "r");
        assert_eq!(root.attribute("k"), Some("1&2"));
        assert_eq!(
            root.all("b").map(Element::text).collect::<Vec<_>>(),
            ["x <A", "y"]
        );
        assert!(root.child("c").is_some());
    }

    #[test]
    fn broken_documents_are_refused_with_their_line() {
        for (text, part) in [
            (&b""[..], "no XML element"),
            (b"<a>\n<b>\n</a>", "line 3"),
            (b"<a><b>", "ends inside `<a>`"),
            (b"<a>&nope;</a>", "nope"),
            (b"\xff\xfe", "UTF-8"),
            ("<a>".repeat(100_000).as_bytes(), "nested"),
            (
                ("<r>".to_owned() + &"<a/>".repeat(200_000)).as_bytes(),
                "elements",
            ),
            (
                format!(
                    "<a {}/>",
                    (0..60).map(|n| format!("k{n}='' ")).collect::<String>()
                )
                .as_bytes(),
                "50 attributes",
            ),
        ] {
            let error = Element::parse(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
