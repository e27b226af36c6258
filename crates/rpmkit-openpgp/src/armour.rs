//! OpenPGP's text form (RFC 9580, 6), as lenient as what people have asks for: text before, between
//! and after the blocks, lines with blanks at their ends, no checksum. The checksum is not looked
//! at; RFC 9580 takes that away, and what is inside is signed.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const BEGIN: &str = "-----BEGIN PGP ";
const END: &str = "-----END PGP ";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a file is made of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// No text form: the bytes themselves.
    Binary,
    /// Blocks of text.
    Blocks(Vec<Block>),
}

/// One block of text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// What it says it is, as `PUBLIC KEY BLOCK`.
    pub kind: String,
    /// Its bytes, or what is wrong with it.
    pub data: Result<Vec<u8>, &'static str>,
}

/// Takes a file apart.
pub(crate) fn read(data: &[u8]) -> Form {
    let mut blocks = Vec::new();
    let mut lines = data
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .map(|line| line.trim_ascii());
    while let Some(line) = lines.next() {
        if let Some(kind) = marker(line, BEGIN) {
            blocks.push(block(kind, &mut lines));
        }
    }
    if blocks.is_empty() {
        Form::Binary
    } else {
        Form::Blocks(blocks)
    }
}

fn block<'a>(kind: String, lines: &mut impl Iterator<Item = &'a [u8]>) -> Block {
    let mut text = Vec::new();
    let mut done = false;
    for line in lines {
        if marker(line, END).is_some() {
            let data = BASE64.decode(&text).map_err(|_| "its text is damaged");
            return Block { kind, data };
        }
        // Headers come first and have a colon; the checksum comes last and begins with `=`.
        done |= line.starts_with(b"=") && !text.is_empty();
        if !done && !line.contains(&b':') {
            text.extend_from_slice(line);
        }
    }
    Block {
        kind,
        data: Err("its text ends before the END line"),
    }
}

fn marker(line: &[u8], start: &str) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    let kind = line.strip_prefix(start)?.strip_suffix("-----")?;
    Some(kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Block {
        match read(text.as_bytes()) {
            Form::Blocks(mut blocks) if blocks.len() == 1 => blocks.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_people_have() {
        let begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
        let end = "-----END PGP PUBLIC KEY BLOCK-----";
        for text in [
            format!("{begin}\n\naGVs\nbG8=\n=abcd\n{end}\n"),
            format!("{begin}\r\nVersion: 1\r\n\r\naGVs\r\nbG8=\r\n=abcd\r\n{end}\r\n"),
            format!("pub 2048\n{begin}\nVersion: 1\nComment: x\n\naGVsbG8=  \n{end}\nbye = you\n"),
            format!("  {begin}\naGVsbG8\n{end}"),
        ] {
            let block = only(&text);
            assert_eq!(block.kind, "PUBLIC KEY BLOCK");
            assert_eq!(block.data.as_deref(), Ok(&b"hello"[..]), "{text}");
        }
        assert!(only(&format!("{begin}\n\naGVs")).data.is_err());
        assert!(only(&format!("{begin}\n\na!Vs\n{end}")).data.is_err());
        assert_eq!(read(b"\x99\x01"), Form::Binary);
        let two = format!("{begin}\n\naGVs\n{end}\ntext\n{begin}\n\naGVs\n{end}\n");
        assert!(matches!(read(two.as_bytes()), Form::Blocks(blocks) if blocks.len() == 2));
    }
}
