//! The little of ELF that rpm's dependency generator reads: a library's name and the versions it defines.

/// Provides of an ELF shared library as rpm writes them: `libz.so.1()(64bit)`, `libz.so.1(ZLIB_1.2)(64bit)`.
/// Anything that is no little-endian ELF library with a name gives nothing.
pub fn provides(bytes: &[u8]) -> Vec<String> {
    read(bytes).unwrap_or_default()
}

struct Elf<'a> {
    bytes: &'a [u8],
    wide: bool,
    /// Loaded segments: virtual address, offset, size in the file.
    loads: Vec<(u64, u64, u64)>,
}

impl<'a> Elf<'a> {
    fn number(&self, at: u64, size: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let mut raw = [0; 8];
        raw[..size].copy_from_slice(self.bytes.get(at..at.checked_add(size)?)?);
        Some(u64::from_le_bytes(raw))
    }

    /// A word of the file's class. No sane offset or address is larger than this: sums of a few cannot overflow.
    fn word(&self, at: u64) -> Option<u64> {
        self.number(at, if self.wide { 8 } else { 4 })
            .filter(|value| *value < 1 << 56)
    }

    fn offset(&self, address: u64) -> Option<u64> {
        let (start, offset, _) = self.loads.iter().find(|(start, _, size)| {
            (*start..start.checked_add(*size).unwrap_or(0)).contains(&address)
        })?;
        Some(address - start + offset)
    }

    fn text(&self, at: u64) -> Option<&'a str> {
        let rest = self.bytes.get(usize::try_from(at).ok()?..)?;
        std::str::from_utf8(&rest[..rest.iter().position(|byte| *byte == 0)?]).ok()
    }
}

fn read(bytes: &[u8]) -> Option<Vec<String>> {
    const LOAD: u64 = 1;
    const DYNAMIC: u64 = 2;
    if !bytes.starts_with(b"\x7fELF") || bytes.get(5) != Some(&1) {
        return None;
    }
    let wide = bytes.get(4) == Some(&2);
    let mut elf = Elf {
        bytes,
        wide,
        loads: Vec::new(),
    };
    let (table, entry_size, count) = if wide {
        (elf.word(32)?, elf.number(54, 2)?, elf.number(56, 2)?)
    } else {
        (elf.word(28)?, elf.number(42, 2)?, elf.number(44, 2)?)
    };
    let mut dynamic = None;
    for index in 0..count {
        let at = table.checked_add(index * entry_size)?;
        let (offset, address, size) = if wide {
            (elf.word(at + 8)?, elf.word(at + 16)?, elf.word(at + 32)?)
        } else {
            (elf.word(at + 4)?, elf.word(at + 8)?, elf.word(at + 16)?)
        };
        match elf.number(at, 4)? {
            LOAD => elf.loads.push((address, offset, size)),
            DYNAMIC => dynamic = Some((offset, size)),
            _ => {}
        }
    }
    let (start, size) = dynamic?;
    let size = size.min(bytes.len() as u64);
    let step = if wide { 16 } else { 8 };
    let tag = |wanted: u64| {
        (0..size / step).find_map(|index| {
            let at = start + index * step;
            (elf.word(at)? == wanted)
                .then(|| elf.word(at + step / 2))
                .flatten()
        })
    };
    let strings = elf.offset(tag(5)?)?;
    let name = elf.text(strings + tag(14)?)?;
    let mark = if wide { "(64bit)" } else { "" };
    let mut out = vec![if wide {
        format!("{name}()(64bit)")
    } else {
        name.to_owned()
    }];
    // DT_VERDEF and DT_VERDEFNUM: a linked list of definitions, each with its name in a first auxiliary record.
    if let (Some(address), Some(count)) = (tag(0x6fff_fffc), tag(0x6fff_fffd)) {
        let mut at = elf.offset(address)?;
        for _ in 0..count {
            const BASE: u64 = 1;
            let auxiliary = at + elf.number(at + 12, 4)?;
            if elf.number(at + 2, 2)? & BASE == 0 {
                let version = elf.text(strings + elf.number(auxiliary, 4)?)?;
                out.push(format!("{name}({version}){mark}"));
            }
            match elf.number(at + 16, 4)? {
                0 => break,
                next => at += next,
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_provides_nothing() {
        assert!(provides(b"").is_empty());
        assert!(provides(b"\x7fELF\x02\x01").is_empty());
        assert!(provides(&[b"\x7fELF\x02\x01".as_slice(), &[0xff; 200]].concat()).is_empty());
    }

    #[test]
    fn the_c_library_of_this_machine_is_read() {
        let found = walkdir::WalkDir::new("/usr/lib")
            .max_depth(2)
            .into_iter()
            .filter_map(Result::ok)
            .find(|entry| entry.file_name() == "libc.so.6")
            .and_then(|entry| std::fs::read(entry.path()).ok());
        // Other C libraries have other names: there is nothing to compare with then.
        if let Some(bytes) = found {
            let out = provides(&bytes);
            assert!(
                out.iter()
                    .any(|one| one.starts_with("libc.so.6()") || one == "libc.so.6"),
                "{out:?}"
            );
            assert!(
                out.iter()
                    .any(|one| one.starts_with("libc.so.6(GLIBC_2.34)")),
                "{out:?}"
            );
        }
    }
}
