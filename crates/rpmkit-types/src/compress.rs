//! Reading files that may be compressed, told by their first bytes and not by their names.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use liblzma::{
    bufread::XzDecoder,
    stream::{CONCATENATED, Stream},
};

/// Memory a decoder may take for what it looks back at. `zstd --ultra` and `xz -9` need 128 and 64 MiB;
/// what needs more was made to need more.
const MEMORY_LOG: u32 = 28;

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
            decoder.window_log_max(MEMORY_LOG)?;
            Box::new(decoder)
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            let stream = Stream::new_stream_decoder(1 << MEMORY_LOG, CONCATENATED)?;
            Box::new(XzDecoder::new_stream(input, stream))
        }
        [0x5d, 0x00, 0x00, ..] => {
            let stream = Stream::new_lzma_decoder(1 << MEMORY_LOG)?;
            Box::new(XzDecoder::new_stream(input, stream))
        }
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        _ => Box::new(input),
    })
}
