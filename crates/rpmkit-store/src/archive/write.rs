//! A merged view as a tar stream (POSIX pax format).

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use tar::{Builder, EntryType, Header};

use super::Pack;
use crate::ops::{OpAt, OpError, walk};

/// Writes all files of the view, the end of the archive included.
pub(crate) fn write_root(input: &Pack, out: &mut dyn Write) -> Result<(), OpError> {
    let mut out = Out {
        builder: Builder::new(out),
        names: HashMap::new(),
    };
    let places: Vec<PathBuf> = input
        .volumes
        .iter()
        .map(|(_, place)| PathBuf::from(place.trim_start_matches('/')))
        .collect();
    let mut seen = vec![false; places.len()];
    walk(&input.layers, &mut |path, node| {
        for (place, seen) in places.iter().zip(&mut seen) {
            if path == place {
                *seen = true;
            }
            // What the volume hides in a chroot is hidden here, too.
            if path.starts_with(place) {
                return Ok(());
            }
        }
        out.entry(path, &node.real, &node.meta)
    })?;
    for (((host, _), place), seen) in input.volumes.iter().zip(&places).zip(seen) {
        let is_empty = fs::read_dir(host).is_ok_and(|mut d| d.next().is_none());
        if !host.exists() || (is_empty && !seen) {
            continue;
        }
        walk(std::slice::from_ref(host), &mut |path, node| {
            out.entry(&place.join(path), &node.real, &node.meta)
        })?;
    }
    out.builder.finish().at("write", &input.dest)
}

struct Out<'a> {
    builder: Builder<&'a mut dyn Write>,
    /// First names of files that have several.
    names: HashMap<(u64, u64), PathBuf>,
}

impl Out<'_> {
    fn entry(&mut self, path: &Path, real: &Path, meta: &fs::Metadata) -> Result<(), OpError> {
        let kind = meta.file_type();
        if kind.is_socket() {
            return Ok(());
        }
        // `walk` joins the root itself as an empty path; tar calls it `./`.
        let name = match path.as_os_str().as_bytes() {
            b"" => PathBuf::from("./"),
            _ => path.components().collect(),
        };
        let mut header = Header::new_ustar();
        header.set_mode(meta.mode() & 0o7777);
        header.set_uid(u64::from(meta.uid()));
        header.set_gid(u64::from(meta.gid()));
        header.set_mtime(u64::try_from(meta.mtime()).unwrap_or(0));
        header.set_size(0);
        let mut pax = Pax::default();
        if meta.mtime_nsec() != 0 && meta.mtime() >= 0 {
            let time = format!("{}.{:09}", meta.mtime(), meta.mtime_nsec());
            pax.add("mtime", time.as_bytes());
        }
        let mut link = None;
        if kind.is_dir() {
            header.set_entry_type(EntryType::Directory);
        } else if let Some(first) = self.names.get(&(meta.dev(), meta.ino())) {
            header.set_entry_type(EntryType::Link);
            link = Some(first.clone());
        } else if kind.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            link = Some(fs::read_link(real).at("read link", real)?);
        } else if kind.is_file() {
            header.set_entry_type(EntryType::Regular);
            header.set_size(meta.len());
        } else if kind.is_fifo() {
            header.set_entry_type(EntryType::Fifo);
        } else {
            let block = kind.is_block_device();
            header.set_entry_type(if block {
                EntryType::Block
            } else {
                EntryType::Char
            });
            let number = |n: u64| u32::try_from(n).unwrap_or(0);
            header
                .set_device_major(number(nix::sys::stat::major(meta.rdev())))
                .and_then(|()| header.set_device_minor(number(nix::sys::stat::minor(meta.rdev()))))
                .at("describe", real)?;
        }
        let is_link = header.entry_type() == EntryType::Link;
        if !kind.is_dir() && !is_link && meta.nlink() > 1 {
            self.names.insert((meta.dev(), meta.ino()), name.clone());
        }
        if !is_link {
            attributes(real, &mut pax)?;
        }
        self.write(&mut header, &name, link.as_deref(), pax, |out| {
            if kind.is_file() && !is_link {
                let file = File::open(real)?;
                // Exactly as much as the header says, even if somebody changes the file.
                let copied = io::copy(&mut file.take(meta.len()), out)?;
                if copied < meta.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(())
        })
        .at("archive", real)
    }

    fn write(
        &mut self,
        header: &mut Header,
        name: &Path,
        link: Option<&Path>,
        mut pax: Pax,
        data: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if header.set_path(name).is_err() || !name.as_os_str().is_ascii() {
            pax.add("path", name.as_os_str().as_bytes());
            header.set_path("long-name")?;
        }
        if let Some(link) = link {
            // Written raw: `set_link_name` would tidy the target.
            let bytes = link.as_os_str().as_bytes();
            if bytes.len() > 100 || !bytes.is_ascii() {
                pax.add("linkpath", bytes);
                header.set_link_name_literal("long-target")?;
            } else {
                header.set_link_name_literal(bytes)?;
            }
        }
        if !pax.0.is_empty() {
            let mut extra = Header::new_ustar();
            extra.set_entry_type(EntryType::XHeader);
            extra.set_path("pax-header")?;
            extra.set_mode(0o644);
            extra.set_size(pax.0.len() as u64);
            extra.set_cksum();
            self.builder.append(&extra, pax.0.as_slice())?;
        }
        header.set_cksum();
        let size = header.entry_size()?;
        let out: &mut dyn Write = *self.builder.get_mut();
        out.write_all(header.as_bytes())?;
        data(out)?;
        let padding = (512 - size % 512) % 512;
        io::copy(&mut io::repeat(0).take(padding), out)?;
        Ok(())
    }
}

/// Extended attributes, without overlayfs's marks; those of an overlay inside lose their escape.
fn attributes(real: &Path, pax: &mut Pax) -> Result<(), OpError> {
    for name in xattr::list(real).at("read attributes of", real)? {
        let Some(text) = name.to_str() else { continue };
        if text.starts_with("security.selinux") || text.starts_with("trusted.") {
            continue;
        }
        let text = match text.strip_prefix("user.overlay.") {
            Some(inner) => match inner.strip_prefix("overlay.") {
                Some(inner) => format!("user.overlay.{inner}"),
                None => continue,
            },
            None => text.to_owned(),
        };
        if let Some(value) = xattr::get(real, &name).at("read attributes of", real)? {
            pax.add(&format!("SCHILY.xattr.{text}"), &value);
        }
    }
    Ok(())
}

/// Records of a pax header: `LENGTH KEY=VALUE\n`, the length including itself.
#[derive(Default)]
struct Pax(Vec<u8>);

impl Pax {
    fn add(&mut self, key: &str, value: &[u8]) {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        self.0
            .extend_from_slice(format!("{length} {key}=").as_bytes());
        self.0.extend_from_slice(value);
        self.0.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_lengths_count_themselves() {
        for n in [1, 2, 90, 91, 92, 93, 980, 990, 995] {
            let mut pax = Pax::default();
            pax.add("k", &vec![b'x'; n]);
            let text = String::from_utf8_lossy(&pax.0).into_owned();
            let length = text.split(' ').next().and_then(|l| l.parse::<usize>().ok());
            assert_eq!(length, Some(text.len()));
        }
    }
}
