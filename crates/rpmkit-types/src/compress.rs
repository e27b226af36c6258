//! Reading files that may be compressed, told by their first bytes and not by their names.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// Opens a plain, gzip, zstd, xz, lzma or bzip2 file for reading its content.
pub fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    reader(BufReader::with_capacity(1 << 17, File::open(path)?))
}

/// As [`open`], for any buffered stream.
pub fn reader(mut input: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let magic = input.fill_buf()?;
    Ok(match magic {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            // rpm and createrepo may use windows of up to 2 GiB (`--ultra`, `--long=31`).
            decoder.window_log_max(31)?;
            Box::new(decoder)
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(input))
        }
        [0x5d, 0x00, 0x00, ..] => {
            let stream = liblzma::stream::Stream::new_lzma_decoder(u64::MAX)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        _ => Box::new(input),
    })
}
