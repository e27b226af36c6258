//! Packets of a key file or a signature, one at a time (RFC 9580, 4.2). They are cut apart here, so
//! that one the library cannot read takes no other with it.

use pgp::packet::{Packet, PacketParser};

/// Bytes of keys or signatures that are read. The largest key of any distribution has 200 kB.
pub(crate) const MOST: usize = 16 << 20;

/// One packet.
pub(crate) struct RawPacket<'a> {
    /// Its number.
    pub tag: u8,
    /// With its header.
    whole: &'a [u8],
}

impl RawPacket<'_> {
    /// The packet as the library has it; `None` when it cannot read it.
    pub fn parse(&self) -> Option<Packet> {
        PacketParser::new(self.whole).next()?.ok()
    }
}

/// Cuts packets apart. After an error there is nothing more.
pub(crate) struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<RawPacket<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let cut = header(self.rest).and_then(|(tag, end)| {
            let whole = self.rest.get(..end).ok_or("a packet is cut short")?;
            Ok(RawPacket { tag, whole })
        });
        self.rest = match &cut {
            Ok(raw) => &self.rest[raw.whole.len()..],
            Err(_) => &[],
        };
        Some(cut)
    }
}

/// Number of the first packet, and where it ends.
fn header(data: &[u8]) -> Result<(u8, usize), &'static str> {
    let byte = |at: usize| data.get(at).copied().ok_or("a packet is cut short");
    let number = |from: usize, count: usize| {
        (from..from + count).try_fold(0_usize, |sum, at| Ok((sum << 8) | usize::from(byte(at)?)))
    };
    let first = byte(0)?;
    if first & 0x80 == 0 {
        return Err("it is no OpenPGP data");
    }
    let (tag, start, length) = if first & 0x40 == 0 {
        let tag = (first >> 2) & 0x0f;
        match first & 3 {
            0 => (tag, 2, number(1, 1)?),
            1 => (tag, 3, number(1, 2)?),
            2 => (tag, 5, number(1, 4)?),
            _ => (tag, 1, data.len() - 1),
        }
    } else {
        let tag = first & 0x3f;
        match byte(1)? {
            length @ 0..=191 => (tag, 2, usize::from(length)),
            192..=223 => (tag, 3, number(1, 2)? - (192 << 8) + 192),
            255 => (tag, 6, number(2, 4)?),
            _ => return Err("a packet has no length"),
        }
    };
    Ok((tag, start + length))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lengths() {
        for (data, tag, end) in [
            (&[0x88, 2, 0, 0][..], 2, 4),
            (&[0x99, 1, 0], 6, 259),
            (&[0x9a, 0, 0, 1, 0], 6, 261),
            (&[0xc2, 191], 2, 193),
            (&[0xc2, 192, 0], 2, 195),
            (&[0xc2, 223, 255], 2, 3 + 8383),
            (&[0xc2, 255, 0, 1, 0, 0], 2, 65542),
        ] {
            assert_eq!(header(data), Ok((tag, end)), "{data:x?}");
        }
        for bad in [&b"text"[..], &[0xc2], &[0xc2, 230], &[0x9a, 0]] {
            assert!(header(bad).is_err(), "{bad:x?}");
        }
        let mut packets = Packets::new(&[0xca, 3, b'P', b'G', b'P', 0xc2, 9, 4]);
        assert_eq!(packets.next().unwrap().ok().unwrap().tag, 10);
        assert!(packets.next().unwrap().is_err());
        assert!(packets.next().is_none());
    }
}
