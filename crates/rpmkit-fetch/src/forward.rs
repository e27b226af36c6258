//! `http://` through an HTTP proxy, the plain way: the proxy is sent the whole URL.
//!
//! The HTTP library only knows tunnels (`CONNECT`), and many proxies allow those to port 443
//! alone. This is the little that is needed instead: one GET, no connection kept.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use super::cause::FetchCause;

/// Longest head of an answer.
const HEAD: u64 = 64 << 10;

/// A proxy to send plain requests to.
pub struct Forward {
    pub host: String,
    pub port: u16,
    /// Value of `Proxy-Authorization`.
    pub authorization: Option<String>,
}

/// An answer whose body has not been read.
pub struct ProxyAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    pub length: Option<u64>,
    pub body: Box<dyn Read + Send>,
}

impl Forward {
    /// Asks the proxy for `url`, which holds no name and password.
    pub fn get(
        &self,
        url: &Url,
        headers: &[(HeaderName, String)],
        timeout: Option<Duration>,
    ) -> Result<ProxyAnswer, FetchCause> {
        let failed = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => {
                FetchCause::Timeout(timeout.unwrap_or_default())
            }
            _ => FetchCause::Connection(format!("proxy `{}:{}`: {e}", self.host, self.port)),
        };
        let mut stream = self.connect(timeout).map_err(failed)?;
        let mut plain = url.clone();
        plain.set_fragment(None);
        let mut request = format!("GET {plain} HTTP/1.1\r\nConnection: close\r\n");
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        request.push_str(&format!("Host: {host}\r\n"));
        if let Some(value) = &self.authorization {
            request.push_str(&format!("Proxy-Authorization: {value}\r\n"));
        }
        for (name, value) in headers {
            // A line end in a value would begin another header.
            if value.contains(['\r', '\n']) {
                return Err(FetchCause::Content(format!("`{name}` holds a line end")));
            }
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).map_err(failed)?;
        // The time limit of the stream is for one read: a byte now and then keeps within it.
        let end = timeout.map(|timeout| Instant::now() + timeout);
        let mut reader = BufReader::with_capacity(1 << 16, Until { inner: stream, end });
        let (status, headers) = head(&mut reader).map_err(failed)?;
        // How slow the body may be is for its reader to say.
        reader.get_mut().end = None;

        let chunked = headers
            .get(header::TRANSFER_ENCODING)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
        let length = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .filter(|_| !chunked);
        let body: Box<dyn Read + Send> = match (chunked, length) {
            (true, _) => Box::new(Chunked::new(reader)),
            (false, Some(length)) => Box::new(reader.take(length)),
            (false, None) => Box::new(reader),
        };
        Ok(ProxyAnswer {
            status,
            headers,
            length,
            body,
        })
    }

    fn connect(&self, timeout: Option<Duration>) -> std::io::Result<TcpStream> {
        let mut last = std::io::Error::other("the name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            let tried = match timeout {
                Some(timeout) => TcpStream::connect_timeout(&address, timeout),
                None => TcpStream::connect(address),
            };
            match tried {
                Ok(stream) => {
                    stream.set_read_timeout(timeout)?;
                    stream.set_write_timeout(timeout)?;
                    return Ok(stream);
                }
                Err(e) => last = e,
            }
        }
        Err(last)
    }
}

/// A stream that ends with an error at some time.
struct Until<R> {
    inner: R,
    end: Option<Instant>,
}

impl<R: Read> Read for Until<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.end {
            Some(end) if Instant::now() >= end => Err(std::io::ErrorKind::TimedOut.into()),
            _ => self.inner.read(buffer),
        }
    }
}

/// Reads the status line and the headers.
fn head(reader: &mut impl BufRead) -> std::io::Result<(u16, HeaderMap)> {
    let odd = |what: &str| std::io::Error::other(format!("not an HTTP answer: {what}"));
    let mut limited = reader.take(HEAD);
    let mut line = String::new();
    limited.read_line(&mut line)?;
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split_ascii_whitespace().nth(1)?.parse().ok())
        .ok_or_else(|| odd(line.trim_end()))?;
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        if limited.read_line(&mut line)? == 0 {
            return Err(odd("it ends in its headers"));
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| odd(line))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| odd(name))?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| odd(value))?;
        headers.append(name, value);
    }
}

/// A body in chunks (RFC 9112, 7.1).
struct Chunked<R> {
    inner: R,
    left: u64,
    first: bool,
    done: bool,
}

impl<R: BufRead> Chunked<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            left: 0,
            first: true,
            done: false,
        }
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if (&mut self.inner).take(1024).read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl<R: BufRead> Read for Chunked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.done || buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            if !self.first {
                self.line()?;
            }
            self.first = false;
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            self.left = u64::from_str_radix(size, 16)
                .map_err(|_| std::io::Error::other(format!("`{size}` is no chunk size")))?;
            if self.left == 0 {
                self.done = true;
                return Ok(0);
            }
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |n| n.min(buffer.len()));
        let n = self.inner.read(&mut buffer[..most])?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headers_that_never_end_are_left_by_time_or_by_length() {
        let over = Until {
            inner: std::io::repeat(b'a'),
            end: Some(Instant::now()),
        };
        let error = head(&mut BufReader::new(over)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        let endless = b"HTTP/1.1 200 OK\r\nX: ".chain(std::io::repeat(b'a'));
        assert!(head(&mut BufReader::new(endless)).is_err());
    }

    #[test]
    fn chunks_are_put_together() {
        let mut text = String::new();
        let data = b"5;x=1\r\nhello\r\n1\r\n \r\n05\r\nworld\r\n0\r\n\r\n";
        Chunked::new(&data[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello world");
        for cut in [3, 9, 20, 30] {
            let mut text = Vec::new();
            assert!(Chunked::new(&data[..cut]).read_to_end(&mut text).is_err());
        }
        assert!(
            Chunked::new(&b"zz\r\n"[..])
                .read_to_end(&mut Vec::new())
                .is_err()
        );
    }
}
