//! What all our XML readers share: attributes without allocation, text with its entities, errors
//! with a place.

use std::{
    borrow::Cow,
    io::{self, BufRead, Read},
};

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

/// Elements within each other; metadata has six.
const MAX_DEPTH: u32 = 64;
/// Bytes of one tag or one stretch of text.
const MAX_PIECE: usize = 16 << 20;
/// Bytes of one child of the root with all that is in it: one package, one group.
const MAX_RECORD: u64 = 64 << 20;

/// A reader that gives out no more than [`MAX_PIECE`] bytes between two calls of `renew`.
struct Pieces<R> {
    inner: R,
    left: usize,
}

impl<R> Pieces<R> {
    fn renew(&mut self) {
        self.left = MAX_PIECE;
    }
}

impl<R: BufRead> Read for Pieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.fill_buf()?.read(buffer)?;
        self.consume(found);
        Ok(found)
    }
}

impl<R: BufRead> BufRead for Pieces<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a tag or text of more than {MAX_PIECE} bytes"),
            ));
        }
        let there = self.inner.fill_buf()?;
        Ok(&there[..there.len().min(self.left)])
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.inner.consume(count);
    }
}

/// Walks a document, calling `each` for every tag and piece of text.
pub(crate) fn walk<E: From<XmlError>>(
    input: impl BufRead,
    mut each: impl FnMut(XmlTag<'_>) -> Result<(), E>,
) -> Result<(), E> {
    walk_at(input, |_, tag| each(tag))
}

/// As [`walk`], with the offset at which what was found begins.
pub(crate) fn walk_at<E: From<XmlError>>(
    input: impl BufRead,
    mut each: impl FnMut(u64, XmlTag<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = Reader::from_reader(Pieces {
        inner: input,
        left: MAX_PIECE,
    });
    let config = reader.config_mut();
    config.check_end_names = false;
    config.expand_empty_elements = false;
    let mut buffer = Vec::with_capacity(1 << 16);
    let mut depth = 0u32;
    let mut seen = false;
    let mut record = 0;
    loop {
        buffer.clear();
        reader.get_mut().renew();
        if depth == 1 {
            record = reader.buffer_position();
        } else if reader.buffer_position() - record > MAX_RECORD {
            return Err(E::from(XmlError {
                at: record,
                what: format!("one entry of more than {MAX_RECORD} bytes"),
            }));
        }
        let offset = reader.buffer_position();
        let event = reader.read_event_into(&mut buffer);
        match event {
            Ok(Event::Start(tag)) => {
                depth += 1;
                seen = true;
                if depth > MAX_DEPTH {
                    return Err(E::from(XmlError {
                        at: reader.buffer_position(),
                        what: format!("elements nested more than {MAX_DEPTH} deep"),
                    }));
                }
                each(
                    offset,
                    XmlTag::Start(local(tag.name().as_ref()), tag.attributes_raw()),
                )?;
            }
            Ok(Event::Empty(tag)) => {
                seen = true;
                let name = tag.name();
                each(
                    offset,
                    XmlTag::Start(local(name.as_ref()), tag.attributes_raw()),
                )?;
                each(offset, XmlTag::End(local(name.as_ref())))?;
            }
            Ok(Event::End(tag)) => {
                depth = depth.saturating_sub(1);
                each(offset, XmlTag::End(local(tag.name().as_ref())))?;
            }
            Ok(Event::Text(text)) => each(offset, XmlTag::Text(&text.into_inner()))?,
            Ok(Event::CData(text)) => each(offset, XmlTag::Text(&text.into_inner()))?,
            Ok(Event::GeneralRef(name)) => {
                let at = reader.buffer_position();
                let bad = |what: String| E::from(XmlError { at, what });
                if let Some(c) = name.resolve_char_ref().map_err(|e| bad(e.to_string()))? {
                    each(offset, XmlTag::Text(c.encode_utf8(&mut [0; 4])))?;
                } else {
                    let name = name.into_inner();
                    let text = quick_xml::escape::resolve_predefined_entity(&name)
                        .ok_or_else(|| bad(format!("unknown entity `&{name};`")))?;
                    each(offset, XmlTag::Text(text))?;
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
    fn depth_and_sizes_are_limited() {
        let refused = |input: &mut dyn BufRead| {
            let error = walk::<XmlError>(input, |_| Ok(())).unwrap_err();
            error.what
        };
        let deep = "<a>".repeat(100_000);
        assert!(refused(&mut deep.as_bytes()).contains("nested"));
        let spaces = || io::BufReader::new(io::repeat(b' ').take(1 << 30));
        assert!(refused(&mut b"<a>".chain(spaces())).contains("a tag or text"));
        assert!(refused(&mut b"<a x='".chain(spaces())).contains("a tag or text"));
        let many = "<p><q/>".to_owned() + &"<f>/usr/share/x</f>".repeat(4 << 20);
        assert!(refused(&mut b"<a>".chain(many.as_bytes())).contains("one entry"));
    }

    #[test]
    fn a_cut_document_is_an_error() {
        for cut in ["<a><b>", "", "<a><b", "<a>&nope;</a>"] {
            let got = walk::<XmlError>(cut.as_bytes(), |_| Ok(()));
            assert!(got.is_err(), "{cut}");
        }
    }
}
