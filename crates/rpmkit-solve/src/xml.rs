//! What all our XML readers share: attributes without allocation, text with its entities, errors
//! with a place.

use std::{borrow::Cow, io::BufRead};

use quick_xml::{Reader, events::Event};

/// A reading error, still without the name of its file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", place(*.at))]
pub struct XmlError {
    /// Offset in the uncompressed document; zero where the text says more.
    pub at: u64,
    /// What was wrong.
    pub what: String,
}

fn place(at: u64) -> String {
    match at {
        0 => String::new(),
        at => format!("at byte {at}: "),
    }
}

/// The part of a name behind its namespace prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Goes through `key="value"` pairs as they stand between a tag's name and its end.
pub(crate) fn attributes(mut raw: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    std::iter::from_fn(move || {
        let (key, rest) = raw.split_once('=')?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = rest[1..].split_once(quote)?;
        raw = after;
        Some((key.trim(), unescaped(value)))
    })
}

fn unescaped(value: &str) -> Cow<'_, str> {
    if value.contains('&') {
        quick_xml::escape::unescape(value).unwrap_or(Cow::Borrowed(value))
    } else {
        Cow::Borrowed(value)
    }
}

/// One step of a document as our readers see it.
pub(crate) enum XmlTag<'a> {
    /// `<name …>`: local name and raw attributes. An empty element is followed by its end.
    Start(&'a str, &'a str),
    /// `</name>`
    End(&'a str),
    /// Text, entities resolved; may come in pieces.
    Text(&'a str),
}

/// Walks a document, calling `each` for every tag and piece of text.
pub(crate) fn walk<E: From<XmlError>>(
    input: impl BufRead,
    mut each: impl FnMut(XmlTag<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = Reader::from_reader(input);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.expand_empty_elements = false;
    let mut buffer = Vec::with_capacity(1 << 16);
    let mut depth = 0u32;
    let mut seen = false;
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        match event {
            Ok(Event::Start(tag)) => {
                depth += 1;
                seen = true;
                each(XmlTag::Start(
                    local(tag.name().as_ref()),
                    tag.attributes_raw(),
                ))?;
            }
            Ok(Event::Empty(tag)) => {
                seen = true;
                let name = tag.name();
                each(XmlTag::Start(local(name.as_ref()), tag.attributes_raw()))?;
                each(XmlTag::End(local(name.as_ref())))?;
            }
            Ok(Event::End(tag)) => {
                depth = depth.saturating_sub(1);
                each(XmlTag::End(local(tag.name().as_ref())))?;
            }
            Ok(Event::Text(text)) => each(XmlTag::Text(&text.into_inner()))?,
            Ok(Event::CData(text)) => each(XmlTag::Text(&text.into_inner()))?,
            Ok(Event::GeneralRef(name)) => {
                let at = reader.buffer_position();
                let bad = |what: String| E::from(XmlError { at, what });
                if let Some(c) = name.resolve_char_ref().map_err(|e| bad(e.to_string()))? {
                    each(XmlTag::Text(c.encode_utf8(&mut [0; 4])))?;
                } else {
                    let name = name.into_inner();
                    let text = quick_xml::escape::resolve_predefined_entity(&name)
                        .ok_or_else(|| bad(format!("unknown entity `&{name};`")))?;
                    each(XmlTag::Text(text))?;
                }
            }
            Ok(Event::Eof) => {
                if depth > 0 || !seen {
                    return Err(E::from(XmlError {
                        at: reader.buffer_position(),
                        what: "the document ends too early".to_owned(),
                    }));
                }
                return Ok(());
            }
            Ok(_) => {}
            Err(error) => {
                return Err(E::from(XmlError {
                    at: reader.error_position(),
                    what: error.to_string(),
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn attributes_and_entities_are_read() {
        let got: Vec<_> = attributes(r#" name="a" flags='GE' n="(x &lt; 1)" "#).collect();
        let want = [("name", "a"), ("flags", "GE"), ("n", "(x < 1)")];
        assert_eq!(got.len(), 3);
        assert!(got.iter().zip(want).all(|(g, w)| (g.0, &*g.1) == w));
    }

    #[test]
    fn text_with_references_comes_whole() {
        let mut text = String::new();
        walk::<XmlError>(&b"<a><b:c>x &amp; &#121;</b:c></a>"[..], |tag| {
            if let XmlTag::Text(t) = tag {
                text.push_str(t);
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(text, "x & y");
    }

    #[test]
    fn a_cut_document_is_an_error() {
        for cut in ["<a><b>", "", "<a><b", "<a>&nope;</a>"] {
            let got = walk::<XmlError>(cut.as_bytes(), |_| Ok(()));
            assert!(got.is_err(), "{cut}");
        }
    }
}
