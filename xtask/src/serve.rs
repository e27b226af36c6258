//! A small file server on the loopback interface, for the demo and the tests: GET and HEAD, ranges, keep-alive.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};

/// A connection nobody speaks on is closed after this long.
const IDLE: Duration = Duration::from_secs(30);

/// A head line longer than this is nobody's we serve.
const LINE_LIMIT: u64 = 16 * 1024;

/// A running server; it lives as long as the process.
pub struct Server {
    address: SocketAddr,
}

impl Server {
    /// Serves `root` on a loopback port (0: any free one), in the background.
    pub fn start(root: &Path, port: u16) -> Result<Self> {
        let root = Arc::new(
            root.canonicalize()
                .with_context(|| format!("cannot serve `{}`", root.display()))?,
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("cannot listen on port {port} of the loopback interface"))?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let root = Arc::clone(&root);
                // A client that goes away in the middle is its own business.
                std::thread::spawn(move || drop(converse(&root, stream)));
            }
        });
        Ok(Self { address })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn converse(root: &Path, stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(request) = HttpRequest::read(&mut reader)? {
        let close = request.close;
        answer(root, &request, &mut writer)?;
        if close {
            break;
        }
    }
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct HttpRequest {
    method: String,
    target: String,
    range: Option<String>,
    if_range: Option<String>,
    if_none_match: Option<String>,
    close: bool,
}

impl HttpRequest {
    fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.by_ref().take(LINE_LIMIT).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let mut request = HttpRequest {
            method: words.next().unwrap_or_default().to_owned(),
            target: words.next().unwrap_or_default().to_owned(),
            close: words.next() != Some("HTTP/1.1"),
            ..Self::default()
        };
        loop {
            let mut line = String::new();
            if reader.by_ref().take(LINE_LIMIT).read_line(&mut line)? == 0 || line.trim().is_empty()
            {
                return Ok(Some(request));
            }
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim().to_owned();
            match key.to_ascii_lowercase().as_str() {
                "range" => request.range = Some(value),
                "if-range" => request.if_range = Some(value),
                "if-none-match" => request.if_none_match = Some(value),
                "connection" if value.eq_ignore_ascii_case("close") => request.close = true,
                _ => {}
            }
        }
    }
}

fn answer(root: &Path, request: &HttpRequest, out: &mut impl Write) -> std::io::Result<()> {
    if request.method != "GET" && request.method != "HEAD" {
        return status(out, "405 Method Not Allowed", "Allow: GET, HEAD\r\n");
    }
    let Some(path) = locate(root, &request.target) else {
        return status(out, "404 Not Found", "");
    };
    let Ok(mut file) = File::open(&path) else {
        return status(out, "404 Not Found", "");
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return status(out, "404 Not Found", "");
    }
    let length = meta.len();
    let stamp = meta
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default()
        .as_nanos();
    let tag = format!("\"{length:x}-{stamp:x}\"");
    if request.if_none_match.as_deref() == Some(tag.as_str()) {
        return status(out, "304 Not Modified", &format!("ETag: {tag}\r\n"));
    }
    let wanted = request
        .range
        .as_deref()
        .filter(|_| request.if_range.as_ref().is_none_or(|known| *known == tag));
    let (first, count, head) = match wanted.map(|text| range(text, length)) {
        Some(Asked::Part(first, last)) => (
            first,
            last - first + 1,
            format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{last}/{length}\r\n"
            ),
        ),
        Some(Asked::Beyond) => {
            return status(
                out,
                "416 Range Not Satisfiable",
                &format!("Content-Range: bytes */{length}\r\n"),
            );
        }
        Some(Asked::Whole) | None => (0, length, "HTTP/1.1 200 OK\r\n".to_owned()),
    };
    write!(
        out,
        "{head}Content-Length: {count}\r\nAccept-Ranges: bytes\r\nETag: {tag}\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )?;
    if request.method == "GET" {
        file.seek(SeekFrom::Start(first))?;
        std::io::copy(&mut file.take(count), out)?;
    }
    out.flush()
}

fn status(out: &mut impl Write, status: &str, fields: &str) -> std::io::Result<()> {
    write!(
        out,
        "HTTP/1.1 {status}\r\n{fields}Content-Length: 0\r\n\r\n"
    )
}

/// What a `Range:` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// First and last byte.
    Part(u64, u64),
    /// Nothing we understand: everything.
    Whole,
    /// Something the file does not have.
    Beyond,
}

fn range(text: &str, length: u64) -> Asked {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|spec| spec.split_once('-'))
    else {
        return Asked::Whole;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), _) if first >= length => Asked::Beyond,
        (Ok(first), Ok(last)) if last >= first => Asked::Part(first, last.min(length - 1)),
        (Ok(first), Err(_)) if last.is_empty() => Asked::Part(first, length - 1),
        (Err(_), Ok(tail)) if first.is_empty() && tail > 0 && length > 0 => {
            Asked::Part(length.saturating_sub(tail), length - 1)
        }
        _ => Asked::Whole,
    }
}

/// The file a request target means; never one outside `root`.
fn locate(root: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, more)) = rest.split_first() {
        rest = more;
        if byte == b'%' && rest.len() >= 2 {
            let code = std::str::from_utf8(&rest[..2]).ok()?;
            bytes.push(u8::from_str_radix(code, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    let relative = PathBuf::from(String::from_utf8(bytes).ok()?.trim_start_matches('/'));
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| root.join(relative))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(range("bytes=2-4", 10), Asked::Part(2, 4));
        assert_eq!(range("bytes=2-", 10), Asked::Part(2, 9));
        assert_eq!(range("bytes=-3", 10), Asked::Part(7, 9));
        assert_eq!(range("bytes=2-400", 10), Asked::Part(2, 9));
        assert_eq!(range("bytes=10-", 10), Asked::Beyond);
        assert_eq!(range("lines=1-2", 10), Asked::Whole);
        assert_eq!(range("bytes=4-2", 10), Asked::Whole);
    }

    #[test]
    fn no_way_out_of_the_root() {
        let root = Path::new("/srv");
        assert_eq!(locate(root, "/a%2Bb/c?x"), Some("/srv/a+b/c".into()));
        assert_eq!(locate(root, "/../etc/passwd"), None);
        assert_eq!(locate(root, "/%2e%2e/etc/passwd"), None);
    }

    #[test]
    fn serves_parts_of_files_over_one_connection() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "0123456789").unwrap();
        let server = Server::start(dir.path(), 0).unwrap();
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(b"GET /f HTTP/1.1\r\nRange: bytes=3-5\r\n\r\nGET /nope HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 206"), "{text}");
        assert!(
            text.contains("Content-Range: bytes 3-5/10")
                && text.contains("\r\n\r\n345HTTP/1.1 404"),
            "{text}"
        );
    }
}
