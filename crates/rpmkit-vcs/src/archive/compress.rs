//! Compression by an archive's name, with everything that varies from run to run switched off.

use std::{
    io::{self, Write},
    path::Path,
};

use super::ScmError;

/// Compressors, as GNU tar's `--auto-compress` tells them by suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveCompression {
    /// `.tar`
    None,
    /// `.tar.gz`, `.tgz`, `.taz`
    Gzip,
    /// `.tar.bz2`, `.tbz`, `.tbz2`, `.tz2`
    Bzip2,
    /// `.tar.xz`, `.txz`
    Xz,
    /// `.tar.lzma`, `.tlz`
    Lzma,
    /// `.tar.zst`, `.tzst`
    Zstd,
}

impl ArchiveCompression {
    /// Tells by the end of a name.
    ///
    /// # Errors
    /// [`ScmError::ArchiveFormat`] for anything that is no tar archive we can write.
    pub fn of_name(path: &Path) -> Result<Self, ScmError> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        let table: &[(&[&str], Self)] = &[
            (&[".tar"], Self::None),
            (&[".tar.gz", ".tgz", ".taz"], Self::Gzip),
            (&[".tar.bz2", ".tbz", ".tbz2", ".tz2"], Self::Bzip2),
            (&[".tar.xz", ".txz"], Self::Xz),
            (&[".tar.lzma", ".tlz"], Self::Lzma),
            (&[".tar.zst", ".tzst"], Self::Zstd),
            (&[".crate"], Self::Gzip),
        ];
        for (suffixes, compression) in table {
            if suffixes.iter().any(|suffix| lower.ends_with(suffix)) {
                return Ok(*compression);
            }
        }
        let suffix = name
            .rsplit_once('.')
            .map(|(_, end)| format!(".{end}"))
            .unwrap_or_else(|| name.clone());
        Err(ScmError::ArchiveFormat { name, suffix })
    }
}

/// A compressing writer.
pub(crate) enum Packer<W: Write> {
    Plain(W),
    Gzip(flate2::write::GzEncoder<W>),
    Bzip2(bzip2::write::BzEncoder<W>),
    Xz(liblzma::write::XzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Packer<W> {
    pub fn new(out: W, compression: ArchiveCompression) -> io::Result<Self> {
        Ok(match compression {
            ArchiveCompression::None => Self::Plain(out),
            // No name and no time in the header, like `gzip -n`; 3 is "Unix".
            ArchiveCompression::Gzip => Self::Gzip(
                flate2::GzBuilder::new()
                    .mtime(0)
                    .operating_system(3)
                    .write(out, flate2::Compression::new(6)),
            ),
            ArchiveCompression::Bzip2 => Self::Bzip2(bzip2::write::BzEncoder::new(
                out,
                bzip2::Compression::new(9),
            )),
            // One thread always: the number of threads shows in the bytes.
            ArchiveCompression::Xz => Self::Xz(liblzma::write::XzEncoder::new(out, 6)),
            ArchiveCompression::Lzma => {
                let options = liblzma::stream::LzmaOptions::new_preset(6)?;
                Self::Xz(liblzma::write::XzEncoder::new_stream(
                    out,
                    liblzma::stream::Stream::new_lzma_encoder(&options)?,
                ))
            }
            ArchiveCompression::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(out, 3)?),
        })
    }

    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Plain(out) => Ok(out),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Bzip2(encoder) => encoder.finish(),
            Self::Xz(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(data),
            Self::Gzip(out) => out.write(data),
            Self::Bzip2(out) => out.write(data),
            Self::Xz(out) => out.write(data),
            Self::Zstd(out) => out.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.flush(),
            Self::Bzip2(out) => out.flush(),
            Self::Xz(out) => out.flush(),
            Self::Zstd(out) => out.flush(),
        }
    }
}
