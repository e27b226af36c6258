//! One file from one address: into memory when small, else through a `.part` file that a later
//! attempt continues.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    address::Address,
    cause::FetchCause,
    http::{Agents, Ask, BodyStream, HttpAnswer, Validators, body_cause},
    options::TransportOptions,
};
use rpmkit_types::{Checksum, ChecksumKind, Hasher};

/// Nothing that is read into memory is larger: repomd.xml, metalinks, keys, signatures.
const SMALL: u64 = 32 << 20;

/// What is known beforehand about a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expect<'a> {
    /// Digest it must have.
    pub checksum: Option<&'a Checksum>,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// A length that no sound file of its kind reaches, where `size` is not known.
    pub at_most: Option<u64>,
}

/// A small file.
pub struct Small {
    /// Its content.
    pub data: Vec<u8>,
    /// What the server said about this version.
    pub validators: Validators,
}

/// What is known about a file after its transfer.
pub struct Arrived {
    /// `Content-Disposition` of the answer, if there was an answer.
    pub disposition: Option<String>,
    /// Address after redirections.
    pub address: Address,
}

/// Reads a small file whole. `None` when it is still the version `ask` names.
pub fn small(
    agents: &Agents,
    address: &Address,
    options: &TransportOptions,
    ask: &Ask<'_>,
) -> Result<Option<Small>, FetchCause> {
    let mut stream = match agents.open(address, options, ask)? {
        HttpAnswer::Stream(stream) => stream,
        HttpAnswer::NotModified => return Ok(None),
        HttpAnswer::NoSuchRange => return Err(FetchCause::Status(416)),
    };
    let mut data = Vec::new();
    let mut pace = Pace::new(options);
    copy(&mut stream, options, &mut pace, |bytes| {
        data.extend_from_slice(bytes);
        if data.len() as u64 > SMALL {
            return Err(FetchCause::Content(format!(
                "it is larger than {SMALL} bytes"
            )));
        }
        Ok(())
    })?;
    check_length(stream.length, data.len() as u64)?;
    Ok(Some(Small {
        data,
        validators: stream.validators,
    }))
}

/// Brings a file to `part`, going on where an earlier attempt stopped, and checks it. The caller
/// holds a lock on `part` and renames it into place. `on_bytes` hears of every change of the
/// number of bytes that are there; it falls when a useless beginning is thrown away.
pub fn to_part(
    agents: &Agents,
    address: &Address,
    options: &TransportOptions,
    part: &Path,
    expect: Expect<'_>,
    on_bytes: &dyn Fn(i64),
) -> Result<Arrived, FetchCause> {
    let mut fresh = false;
    loop {
        let mut reported = 0_i64;
        let mut on_total = |total: u64| {
            let total = i64::try_from(total).unwrap_or(i64::MAX);
            on_bytes(total - reported);
            reported = total;
        };
        let outcome = attempt(agents, address, options, part, expect, fresh, &mut on_total);
        let (resumed, outcome) = match outcome {
            Ok(arrived) => return Ok(arrived),
            Err(failed) => failed,
        };
        // Bytes that stay in the part file are counted again by the next attempt.
        on_bytes(-reported);
        match outcome {
            FetchCause::Digest { .. } | FetchCause::Length { .. } | FetchCause::Content(_)
                if resumed && !fresh =>
            {
                // The beginning may be of another version: once more, from the first byte.
                fresh = true;
            }
            FetchCause::Digest { .. } => {
                discard(part)?;
                return Err(outcome);
            }
            other => return Err(other),
        }
    }
}

/// Failure of an attempt, and whether it went on from an earlier one.
type Failed = (bool, FetchCause);

fn attempt(
    agents: &Agents,
    address: &Address,
    options: &TransportOptions,
    part: &Path,
    expect: Expect<'_>,
    fresh: bool,
    on_total: &mut dyn FnMut(u64),
) -> Result<Arrived, Failed> {
    let first = |cause| (false, cause);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(part)
        .map_err(local("open", part))
        .map_err(first)?;
    let kind = expect.checksum.map_or(ChecksumKind::Sha256, |sum| sum.kind);
    let mut have = file
        .metadata()
        .map_err(local("read", part))
        .map_err(first)?
        .len();
    let version = if expect.checksum.is_some() {
        None
    } else {
        note_of(part, address)
    };
    let limit = expect.size.or(expect.at_most);
    let too_long = limit.is_some_and(|limit| have > limit);
    let unguarded = expect.checksum.is_none() && version.is_none();
    if have > 0 && (fresh || too_long || unguarded) {
        file.set_len(0)
            .map_err(local("truncate", part))
            .map_err(first)?;
        have = 0;
    }
    let mut hasher = Hasher::new(kind);
    if have > 0 {
        rehash(&mut file, part, &mut hasher).map_err(first)?;
        on_total(have);
        if expect.size == Some(have) && expect.checksum.is_some() {
            // All of it was there already; only the rename was missing.
            return finish(hasher, have, expect, None, address.clone()).map_err(|e| (true, e));
        }
    }
    let resumed = have > 0;
    let ask = Ask {
        from: have,
        if_range: version.as_deref(),
        unless: None,
        fresh,
    };
    let mut stream = match agents
        .open(address, options, &ask)
        .map_err(|e| (resumed, e))?
    {
        HttpAnswer::Stream(stream) => stream,
        HttpAnswer::NotModified | HttpAnswer::NoSuchRange => {
            return Err((
                true,
                FetchCause::Content("the server has no such part of the file".to_owned()),
            ));
        }
    };
    if stream.start != have {
        // The server gives the whole file.
        file.set_len(0)
            .map_err(local("truncate", part))
            .map_err(first)?;
        file.rewind()
            .map_err(local("rewind", part))
            .map_err(first)?;
        hasher = Hasher::new(kind);
        have = 0;
        on_total(0);
    }
    if expect.checksum.is_none() {
        write_note(part, address, &stream.validators).map_err(first)?;
    }
    let resumed = have > 0;
    let mut total = have;
    let mut pace = Pace::new(options);
    let begun = have;
    copy(&mut stream, options, &mut pace, |bytes| {
        file.write_all(bytes).map_err(local("write", part))?;
        hasher.update(bytes);
        total += bytes.len() as u64;
        on_total(total);
        match expect.size {
            Some(size) if total > size => Err(FetchCause::Length {
                expected: size,
                found: total,
            }),
            _ => match expect.at_most {
                Some(limit) if total > limit => Err(FetchCause::Content(format!(
                    "it is larger than {limit} bytes"
                ))),
                _ => Ok(()),
            },
        }
    })
    .map_err(|e| (resumed, e))?;
    check_length(stream.length, total - begun).map_err(|e| (resumed, e))?;
    finish(hasher, total, expect, stream.disposition, stream.address).map_err(|e| (resumed, e))
}

fn finish(
    hasher: Hasher,
    total: u64,
    expect: Expect<'_>,
    disposition: Option<String>,
    address: Address,
) -> Result<Arrived, FetchCause> {
    check_length(expect.size, total)?;
    let found = hasher.finish();
    match expect.checksum {
        Some(expected) if *expected != found => Err(FetchCause::Digest {
            expected: expected.to_string(),
            found,
        }),
        _ => Ok(Arrived {
            disposition,
            address,
        }),
    }
}

fn check_length(expected: Option<u64>, found: u64) -> Result<(), FetchCause> {
    match expected {
        Some(expected) if expected != found => Err(FetchCause::Length { expected, found }),
        _ => Ok(()),
    }
}

fn rehash(file: &mut File, part: &Path, hasher: &mut Hasher) -> Result<(), FetchCause> {
    file.seek(SeekFrom::Start(0)).map_err(local("read", part))?;
    let mut buffer = vec![0; 1 << 17];
    loop {
        match file.read(&mut buffer).map_err(local("read", part))? {
            0 => return Ok(()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// Reads the stream to its end, watching the pace.
fn copy(
    stream: &mut BodyStream,
    options: &TransportOptions,
    pace: &mut Pace,
    mut sink: impl FnMut(&[u8]) -> Result<(), FetchCause>,
) -> Result<(), FetchCause> {
    let mut buffer = vec![0; 1 << 17];
    let mut taken = 0_u64;
    loop {
        let n = match stream.reader.read(&mut buffer) {
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => {
                // An answer that ends early is a truncated file before it is anything else.
                return Err(match stream.length {
                    Some(expected) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                        FetchCause::Length {
                            expected,
                            found: taken,
                        }
                    }
                    _ => body_cause(e, options.timeout),
                });
            }
        };
        if n == 0 {
            return Ok(());
        }
        taken += n as u64;
        sink(&buffer[..n])?;
        pace.took(n as u64)?;
    }
}

/// Gives up a transfer that stays below `minrate` for as long as `timeout`.
struct Pace {
    since: Instant,
    bytes: u64,
    window: Duration,
    minimum: u64,
}

impl Pace {
    fn new(options: &TransportOptions) -> Self {
        Self {
            since: Instant::now(),
            bytes: 0,
            window: options.timeout,
            minimum: options.minrate,
        }
    }

    fn took(&mut self, bytes: u64) -> Result<(), FetchCause> {
        self.bytes += bytes;
        let elapsed = self.since.elapsed();
        if self.window.is_zero() || elapsed < self.window {
            return Ok(());
        }
        let rate = (self.bytes as f64 / elapsed.as_secs_f64()) as u64;
        if rate < self.minimum {
            return Err(FetchCause::Slow {
                rate,
                minimum: self.minimum,
            });
        }
        self.since = Instant::now();
        self.bytes = 0;
        Ok(())
    }
}

/// Where the version of a part file without a digest is written down.
fn note_path(part: &Path) -> PathBuf {
    let mut name = part.as_os_str().to_owned();
    name.push(".version");
    PathBuf::from(name)
}

/// The strong validator of what the part file holds, if it came from this address.
fn note_of(part: &Path, address: &Address) -> Option<String> {
    let text = std::fs::read_to_string(note_path(part)).ok()?;
    let (from, version) = text.split_once('\n')?;
    let version = version.strip_suffix('\n')?;
    (from == address.shown() && !version.is_empty()).then(|| version.to_owned())
}

fn write_note(part: &Path, address: &Address, validators: &Validators) -> Result<(), FetchCause> {
    let path = note_path(part);
    let text = format!(
        "{}\n{}\n",
        address.shown(),
        validators.strong().unwrap_or_default()
    );
    std::fs::write(&path, text).map_err(local("write", &path))
}

/// Removes a part file and its note.
pub fn discard(part: &Path) -> Result<(), FetchCause> {
    for path in [part.to_owned(), note_path(part)] {
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(local("remove", &path)(e));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes the note after the part file has been renamed.
pub fn discard_note(part: &Path) {
    // A note without its part file is never read; the next transfer of that name overwrites it.
    let _ = std::fs::remove_file(note_path(part));
}

fn local<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl Fn(std::io::Error) -> FetchCause + Copy + use<'a> {
    move |source| FetchCause::Local {
        action,
        path: path.to_owned(),
        source,
    }
}
