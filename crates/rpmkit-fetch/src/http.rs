//! Connections: one pooled agent for each way of connecting, and one open stream for each request.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::Engine;
use ureq::{
    Agent,
    config::IpFamily,
    http::{HeaderMap, HeaderName, header},
};
use url::Url;

use super::{
    address::{Address, is_clean},
    cause::FetchCause,
    connect::{Proxies, proxy, tls},
    forward::{self, Forward},
    options::{IpVersion, TransportOptions},
};

/// Redirections followed for one request.
const REDIRECTIONS: usize = 10;

/// What a server said about one version of a file, for asking again.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

impl Validators {
    /// The validator that may guard a partial request; a weak tag may not (RFC 9110, 13.1.5).
    pub fn strong(&self) -> Option<&str> {
        self.etag
            .as_deref()
            .filter(|tag| !tag.starts_with("W/"))
            .or(self.last_modified.as_deref())
    }
}

/// How a request is to be made.
#[derive(Debug, Default, Clone)]
pub struct Ask<'a> {
    /// Begin at this byte.
    pub from: u64,
    /// … but only if the file is still this version.
    pub if_range: Option<&'a str>,
    /// Answer with "not modified" when the file is still this version.
    pub unless: Option<&'a Validators>,
    /// Caches on the way must ask the server.
    pub fresh: bool,
}

/// An answer whose body has not been read yet.
pub struct BodyStream {
    /// The body.
    pub reader: Box<dyn Read + Send>,
    /// Bytes the body announces.
    pub length: Option<u64>,
    /// Position of the first byte in the file.
    pub start: u64,
    /// For asking again.
    pub validators: Validators,
    /// `Content-Disposition`.
    pub disposition: Option<String>,
    /// Address after redirections.
    pub address: Address,
}

/// What a request led to.
pub enum HttpAnswer {
    /// Here it comes.
    Stream(Box<BodyStream>),
    /// Still the version asked about.
    NotModified,
    /// The file has no such byte: what is there already is no beginning of it.
    NoSuchRange,
}

/// Agents by what they depend on.
pub struct Agents {
    made: Mutex<HashMap<(TransportOptions, bool), Agent>>,
    proxies: Proxies,
    user_agent: String,
}

impl Agents {
    /// No connections yet; `user_agent` is told where the options name none.
    pub fn new(proxies: Proxies, user_agent: String) -> Self {
        Self {
            made: Mutex::default(),
            proxies,
            user_agent,
        }
    }

    /// Checks that the options can be used, before anything is transferred.
    ///
    /// # Errors
    /// The option that cannot be used, and why.
    pub fn check(
        &self,
        address: &Address,
        options: &TransportOptions,
    ) -> Result<(), (&'static str, String)> {
        match address {
            Address::Local(_) => Ok(()),
            Address::Remote(url) => self.agent(url, options).map(drop),
        }
    }

    /// Opens one file.
    pub fn open(
        &self,
        address: &Address,
        options: &TransportOptions,
        ask: &Ask<'_>,
    ) -> Result<HttpAnswer, FetchCause> {
        match address {
            Address::Local(path) => open_local(path, ask),
            Address::Remote(url) => self.open_remote(url, options, ask),
        }
    }

    fn open_remote(
        &self,
        url: &Url,
        options: &TransportOptions,
        ask: &Ask<'_>,
    ) -> Result<HttpAnswer, FetchCause> {
        let (mut url, mut credentials) = credentials(url, options);
        // Followed here and not by the library, which compares no more than the host's name: a
        // name and a password are for one scheme, host and port.
        for _ in 0..REDIRECTIONS {
            let mut headers = ask_headers(ask);
            if let Some(value) = &credentials {
                headers.push((header::AUTHORIZATION, value.clone()));
            }
            let answer = match self.forward(&url, options)? {
                Some(proxy) => self.by_proxy(&proxy, &url, options, headers)?,
                None => self.call(&url, options, &headers)?,
            };
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                let reader = answer.body;
                return sort(
                    ask,
                    answer.status,
                    &answer.headers,
                    answer.length,
                    reader,
                    url,
                );
            }
            let target = answer
                .headers
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok().filter(|text| is_clean(text)))
                .and_then(|text| url.join(text).ok())
                .filter(|target| matches!(target.scheme(), "http" | "https"))
                .ok_or_else(|| FetchCause::Content("it redirects to nowhere".to_owned()))?;
            if target.origin() != url.origin() {
                credentials = None;
            }
            // What a redirection brings along is nobody's password.
            url = without_user(target);
        }
        Err(FetchCause::Content("too many redirections".to_owned()))
    }

    /// The proxy that has to be sent the whole URL, if that is the way to this address.
    fn forward(
        &self,
        url: &Url,
        options: &TransportOptions,
    ) -> Result<Option<Forward>, FetchCause> {
        if url.scheme() != "http" {
            return Ok(None);
        }
        let found = proxy(options, &self.proxies, false)
            .map_err(|reason| FetchCause::Content(format!("option `proxy`: {reason}")))?;
        let Some(found) = found.filter(|p| p.protocol() == ureq::ProxyProtocol::Http) else {
            return Ok(None);
        };
        if let Ok(uri) = url.as_str().parse()
            && found.is_no_proxy(&uri)
        {
            return Ok(None);
        }
        Ok(Some(Forward {
            host: found.host().trim_matches(['[', ']']).to_owned(),
            port: found.port(),
            authorization: found
                .username()
                .map(|name| basic(name, found.password().unwrap_or_default())),
        }))
    }

    fn by_proxy(
        &self,
        proxy: &Forward,
        url: &Url,
        options: &TransportOptions,
        mut headers: Vec<(HeaderName, String)>,
    ) -> Result<forward::ProxyAnswer, FetchCause> {
        let agent = options.user_agent.as_ref().unwrap_or(&self.user_agent);
        headers.push((header::USER_AGENT, agent.clone()));
        headers.push((header::ACCEPT, "*/*".to_owned()));
        headers.push((header::ACCEPT_ENCODING, "identity".to_owned()));
        let timeout = (!options.timeout.is_zero()).then_some(options.timeout);
        proxy.get(url, &headers, timeout)
    }

    fn call(
        &self,
        url: &Url,
        options: &TransportOptions,
        headers: &[(HeaderName, String)],
    ) -> Result<forward::ProxyAnswer, FetchCause> {
        let agent = self.agent(url, options).map_err(|(option, reason)| {
            FetchCause::Content(format!("option `{option}`: {reason}"))
        })?;
        let mut request = agent.get(url.as_str());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.call().map_err(|e| cause(e, options.timeout))?;
        let length = response.body().content_length();
        let (head, body) = response.into_parts();
        let reader = body.into_with_config().limit(u64::MAX).reader();
        Ok(forward::ProxyAnswer {
            status: head.status.as_u16(),
            headers: head.headers,
            length,
            body: Box::new(reader),
        })
    }

    fn agent(
        &self,
        url: &Url,
        options: &TransportOptions,
    ) -> Result<Agent, (&'static str, String)> {
        let secure = url.scheme() == "https";
        let key = (options.clone(), secure);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = made.get(&key) {
            return Ok(agent.clone());
        }
        let user_agent = options.user_agent.as_ref().unwrap_or(&self.user_agent);
        let timeout = (!options.timeout.is_zero()).then_some(options.timeout);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(user_agent.clone())
            .accept("*/*")
            .accept_encoding("identity")
            .timeout_connect(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections_per_host(20)
            .ip_family(match options.ip_version {
                IpVersion::Any => IpFamily::Any,
                IpVersion::V4 => IpFamily::Ipv4Only,
                IpVersion::V6 => IpFamily::Ipv6Only,
            })
            .proxy(proxy(options, &self.proxies, secure).map_err(|e| ("proxy", e))?);
        if secure {
            config = config.tls_config(tls(options)?);
        }
        let agent = Agent::new_with_config(config.build());
        made.insert(key, agent.clone());
        Ok(agent)
    }
}

fn open_local(path: &Path, ask: &Ask<'_>) -> Result<HttpAnswer, FetchCause> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => FetchCause::Missing,
        _ => FetchCause::Connection(source.to_string()),
    };
    // A named pipe would make the opening wait.
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(FetchCause::Content("it is no regular file".to_owned()));
    }
    let mut file = File::open(path).map_err(failed)?;
    let length = meta.len();
    if ask.from > length {
        return Ok(HttpAnswer::NoSuchRange);
    }
    file.seek(SeekFrom::Start(ask.from)).map_err(failed)?;
    Ok(HttpAnswer::Stream(Box::new(BodyStream {
        reader: Box::new(file),
        length: Some(length - ask.from),
        start: ask.from,
        validators: Validators::default(),
        disposition: None,
        address: Address::Local(path.to_owned()),
    })))
}

fn ask_headers(ask: &Ask<'_>) -> Vec<(HeaderName, String)> {
    let mut headers = Vec::new();
    if ask.from > 0 {
        headers.push((header::RANGE, format!("bytes={}-", ask.from)));
        if let Some(version) = ask.if_range {
            headers.push((header::IF_RANGE, version.to_owned()));
        }
    }
    if let Some(known) = ask.unless {
        if let Some(tag) = &known.etag {
            headers.push((header::IF_NONE_MATCH, tag.clone()));
        }
        if let Some(date) = &known.last_modified {
            headers.push((header::IF_MODIFIED_SINCE, date.clone()));
        }
    }
    if ask.fresh {
        headers.push((header::CACHE_CONTROL, "no-cache".to_owned()));
    }
    headers
}

/// Tells apart what an answer means.
fn sort(
    ask: &Ask<'_>,
    status: u16,
    headers: &HeaderMap,
    length: Option<u64>,
    reader: Box<dyn Read + Send>,
    url: Url,
) -> Result<HttpAnswer, FetchCause> {
    match status {
        200 | 203 | 206 => {}
        304 if ask.unless.is_some() => return Ok(HttpAnswer::NotModified),
        416 if ask.from > 0 => return Ok(HttpAnswer::NoSuchRange),
        _ => return Err(FetchCause::Status(status)),
    }
    let start = match (status, range_start(headers)) {
        (206, Some(start)) if start == ask.from => start,
        (206, _) => {
            return Err(FetchCause::Content(
                "the server sent another part than was asked for".to_owned(),
            ));
        }
        _ => 0,
    };
    let text = |name| {
        headers.get(name).map(|value: &header::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        })
    };
    Ok(HttpAnswer::Stream(Box::new(BodyStream {
        reader,
        length,
        start,
        validators: Validators {
            etag: text(header::ETAG),
            last_modified: text(header::LAST_MODIFIED),
        },
        disposition: text(header::CONTENT_DISPOSITION),
        address: Address::Remote(url),
    })))
}

fn range_start(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (start, _) = value.strip_prefix("bytes")?.trim_start().split_once('-')?;
    start.parse().ok()
}

/// Moves a name and password out of the URL into a header; the repository's own go before them.
fn credentials(url: &Url, options: &TransportOptions) -> (Url, Option<String>) {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let from_url = (!url.username().is_empty()).then(|| {
        (
            decode(url.username()),
            decode(url.password().unwrap_or_default()),
        )
    });
    let pair = match &options.username {
        Some(name) => Some((name.clone(), options.password.clone().unwrap_or_default())),
        None => from_url,
    };
    let value = pair.map(|(name, password)| basic(&name, &password));
    (without_user(url.clone()), value)
}

fn without_user(mut url: Url) -> Url {
    // Both fail only for URLs without a host, and those never become addresses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// The value of an authorization header (RFC 7617).
fn basic(name: &str, password: &str) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    format!("Basic {text}")
}

/// Sorts what `ureq` reports into our causes.
pub fn cause(error: ureq::Error, timeout: Duration) -> FetchCause {
    match error {
        ureq::Error::Timeout(_) => FetchCause::Timeout(timeout),
        ureq::Error::HostNotFound => {
            FetchCause::Connection("the host name is not known".to_owned())
        }
        // rustls hands its refusals up as invalid data.
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            FetchCause::Tls(e.to_string())
        }
        ureq::Error::Io(e) => FetchCause::Connection(e.to_string()),
        ureq::Error::Rustls(e) => FetchCause::Tls(e.to_string()),
        ureq::Error::Pem(e) => FetchCause::Tls(e.to_string()),
        ureq::Error::Tls(e) => FetchCause::Tls(e.to_owned()),
        ureq::Error::StatusCode(code) => FetchCause::Status(code),
        ureq::Error::BadUri(e) => FetchCause::Content(e),
        ureq::Error::TooManyRedirects => FetchCause::Content("too many redirections".to_owned()),
        other => FetchCause::Connection(other.to_string()),
    }
}

/// As [`cause`], for an error met while the body is read.
pub fn body_cause(error: std::io::Error, timeout: Duration) -> FetchCause {
    match error.kind() {
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => {
            FetchCause::Timeout(timeout)
        }
        _ => cause(ureq::Error::from(error), timeout),
    }
}
