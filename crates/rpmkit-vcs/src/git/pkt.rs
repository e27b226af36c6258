//! Git's packet lines: four hexadecimal digits of length, then the data (gitprotocol-common).

use std::io::{self, Read};

/// One packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// `0000`
    Flush,
    /// Data, its final newline kept.
    Line(Vec<u8>),
}

/// Adds a packet to a request.
pub(super) fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("{:04x}{text}", text.len() + 4).as_bytes());
}

/// Adds a flush packet.
pub(super) fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

/// Reads the next packet; `None` at the end of the stream.
pub(super) fn read(stream: &mut dyn Read) -> io::Result<Option<Packet>> {
    let mut head = [0; 4];
    let mut got = 0;
    while got < head.len() {
        match stream.read(&mut head[got..])? {
            0 if got == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => got += count,
        }
    }
    let bad = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("`{}` is no packet length of git's", head.escape_ascii()),
        )
    };
    let text = std::str::from_utf8(&head).map_err(|_| bad())?;
    let length = usize::from_str_radix(text, 16).map_err(|_| bad())?;
    match length {
        0 => Ok(Some(Packet::Flush)),
        // 0001 and 0002 belong to version 2, which is not asked for.
        1..=3 => Err(bad()),
        _ => {
            let mut data = vec![0; length - 4];
            stream.read_exact(&mut data)?;
            Ok(Some(Packet::Line(data)))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )]
    use super::*;

    #[test]
    fn packets_are_read_back_and_damage_is_noticed() {
        let mut out = Vec::new();
        line(&mut out, "want x\n");
        flush(&mut out);
        assert_eq!(out, b"000bwant x\n0000");
        let mut stream = out.as_slice();
        assert_eq!(
            read(&mut stream).unwrap(),
            Some(Packet::Line(b"want x\n".to_vec()))
        );
        assert_eq!(read(&mut stream).unwrap(), Some(Packet::Flush));
        assert_eq!(read(&mut stream).unwrap(), None);
        for damaged in [&b"00"[..], b"0003", b"zzzz", b"0009abc"] {
            assert!(read(&mut &*damaged).is_err(), "{damaged:?}");
        }
    }
}
