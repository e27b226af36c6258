//! Connections: one pooled agent for each way of connecting, and one open stream for each request.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::Engine;
use ureq::{
    Agent,
    config::{IpFamily, RedirectAuthHeaders},
    http::{HeaderMap, header},
    tls::{Certificate, ClientCert, PemItem, RootCerts, TlsConfig, parse_pem},
};
use url::Url;

use super::{
    address::Address,
    conf::{IpVersion, TransportOptions},
    error::{Cause, RepoError},
};

/// Where hosts keep the authorities they trust: Debian and its kin, Fedora and its kin, SUSE, and
/// the p11-kit extract.
const HOST_AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// Proxies the front end found in its environment; a repository's own `proxy` goes before them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Proxies {
    /// For `http://` addresses.
    pub http: Option<String>,
    /// For `https://` addresses.
    pub https: Option<String>,
    /// Hosts to talk to directly, as in `no_proxy`: names, `.domains`, `*`, separated by commas.
    pub no_proxy: String,
}

/// What a server said about one version of a file, for asking again.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Validators {
    pub etag: Option<String>,
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
pub(super) struct Ask<'a> {
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
pub(super) struct Stream {
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
pub(super) enum Answer {
    /// Here it comes.
    Stream(Box<Stream>),
    /// Still the version asked about.
    NotModified,
    /// The file has no such byte: what is there already is no beginning of it.
    NoSuchRange,
}

/// Agents by what they depend on.
pub(super) struct Agents {
    made: Mutex<HashMap<(TransportOptions, bool), Agent>>,
    proxies: Proxies,
    user_agent: String,
}

impl Agents {
    pub fn new(proxies: Proxies, user_agent: String) -> Self {
        Self {
            made: Mutex::default(),
            proxies,
            user_agent,
        }
    }

    /// Checks that the options can be used, before anything is transferred.
    pub fn check(
        &self,
        repo: &str,
        address: &Address,
        options: &TransportOptions,
    ) -> Result<(), RepoError> {
        match address {
            Address::Local(_) => Ok(()),
            Address::Remote(url) => {
                self.agent(url, options)
                    .map(drop)
                    .map_err(|e| RepoError::Option {
                        repo: repo.to_owned(),
                        option: e.0,
                        reason: e.1,
                    })
            }
        }
    }

    /// Opens one file.
    pub fn open(
        &self,
        address: &Address,
        options: &TransportOptions,
        ask: &Ask<'_>,
    ) -> Result<Answer, Cause> {
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
    ) -> Result<Answer, Cause> {
        let agent = self
            .agent(url, options)
            .map_err(|(option, reason)| Cause::Content(format!("option `{option}`: {reason}")))?;
        let (url, credentials) = credentials(url, options);
        let mut request = agent.get(url.as_str());
        if let Some(value) = credentials {
            request = request.header(header::AUTHORIZATION, value);
        }
        if ask.from > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", ask.from));
            if let Some(version) = ask.if_range {
                request = request.header(header::IF_RANGE, version);
            }
        }
        if let Some(known) = ask.unless {
            if let Some(tag) = &known.etag {
                request = request.header(header::IF_NONE_MATCH, tag);
            }
            if let Some(date) = &known.last_modified {
                request = request.header(header::IF_MODIFIED_SINCE, date);
            }
        }
        if ask.fresh {
            request = request.header(header::CACHE_CONTROL, "no-cache");
        }
        let response = request.call().map_err(|e| cause(e, options.timeout))?;
        let status = response.status().as_u16();
        let headers = response.headers();
        match status {
            200 | 203 | 206 => {}
            304 if ask.unless.is_some() => return Ok(Answer::NotModified),
            416 if ask.from > 0 => return Ok(Answer::NoSuchRange),
            _ => return Err(Cause::Status(status)),
        }
        let start = if status == 206 {
            match range_start(headers) {
                Some(start) if start == ask.from => start,
                _ => {
                    return Err(Cause::Content(
                        "the server sent another part than was asked for".to_owned(),
                    ));
                }
            }
        } else {
            0
        };
        let text = |name| {
            headers.get(name).map(|value: &header::HeaderValue| {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            })
        };
        let validators = Validators {
            etag: text(header::ETAG),
            last_modified: text(header::LAST_MODIFIED),
        };
        let disposition = text(header::CONTENT_DISPOSITION);
        let address = final_address(&response).unwrap_or(Address::Remote(url));
        let length = response.body().content_length();
        let reader = response
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader();
        Ok(Answer::Stream(Box::new(Stream {
            reader: Box::new(reader),
            length,
            start,
            validators,
            disposition,
            address,
        })))
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
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .save_redirect_history(true)
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

fn open_local(path: &Path, ask: &Ask<'_>) -> Result<Answer, Cause> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Cause::Missing,
        _ => Cause::Connection(source.to_string()),
    };
    let mut file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if meta.is_dir() {
        return Err(Cause::Content("it is a directory".to_owned()));
    }
    let length = meta.len();
    if ask.from > length {
        return Ok(Answer::NoSuchRange);
    }
    file.seek(SeekFrom::Start(ask.from)).map_err(failed)?;
    Ok(Answer::Stream(Box::new(Stream {
        reader: Box::new(file),
        length: Some(length - ask.from),
        start: ask.from,
        validators: Validators::default(),
        disposition: None,
        address: Address::Local(path.to_owned()),
    })))
}

fn final_address(response: &ureq::http::Response<ureq::Body>) -> Option<Address> {
    use ureq::ResponseExt;
    Url::parse(&response.get_uri().to_string())
        .ok()
        .map(Address::Remote)
}

fn range_start(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (start, _) = value.strip_prefix("bytes")?.trim_start().split_once('-')?;
    start.parse().ok()
}

/// Moves a name and password out of the URL into a header; the repository's own go before them.
fn credentials(url: &Url, options: &TransportOptions) -> (Url, Option<String>) {
    let mut plain = url.clone();
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
    // Both fail only for URLs without a host, and those never become addresses.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    let pair = match &options.username {
        Some(name) => Some((name.clone(), options.password.clone().unwrap_or_default())),
        None => from_url,
    };
    let value = pair.map(|(name, password)| {
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        format!("Basic {text}")
    });
    (plain, value)
}

/// Sorts what `ureq` reports into our causes.
pub(super) fn cause(error: ureq::Error, timeout: Duration) -> Cause {
    match error {
        ureq::Error::Timeout(_) => Cause::Timeout(timeout),
        ureq::Error::HostNotFound => Cause::Connection("the host name is not known".to_owned()),
        // rustls hands its refusals up as invalid data.
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            Cause::Tls(e.to_string())
        }
        ureq::Error::Io(e) => Cause::Connection(e.to_string()),
        ureq::Error::Rustls(e) => Cause::Tls(e.to_string()),
        ureq::Error::Pem(e) => Cause::Tls(e.to_string()),
        ureq::Error::Tls(e) => Cause::Tls(e.to_owned()),
        ureq::Error::StatusCode(code) => Cause::Status(code),
        ureq::Error::BadUri(e) => Cause::Content(e),
        ureq::Error::TooManyRedirects => Cause::Content("too many redirections".to_owned()),
        other => Cause::Connection(other.to_string()),
    }
}

/// As [`cause`], for an error met while the body is read.
pub(super) fn body_cause(error: std::io::Error, timeout: Duration) -> Cause {
    match error.kind() {
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => Cause::Timeout(timeout),
        _ => cause(ureq::Error::from(error), timeout),
    }
}

fn proxy(
    options: &TransportOptions,
    given: &Proxies,
    secure: bool,
) -> Result<Option<ureq::Proxy>, String> {
    let (text, own) = match &options.proxy {
        Some(None) => return Ok(None),
        Some(Some(own)) => (own, true),
        None => {
            let text = if secure { &given.https } else { &given.http };
            match text.as_ref().filter(|text| !text.is_empty()) {
                Some(text) => (text, false),
                None => return Ok(None),
            }
        }
    };
    let with_scheme = if text.contains("://") {
        text.clone()
    } else {
        format!("http://{text}")
    };
    let wrong = |reason: &dyn std::fmt::Display| format!("`{text}` is not usable: {reason}");
    let url = Url::parse(&with_scheme).map_err(|e| wrong(&e))?;
    let protocol = url
        .scheme()
        .try_into()
        .map_err(|e: ureq::Error| wrong(&e))?;
    let host = url.host_str().ok_or_else(|| wrong(&"it names no host"))?;
    let mut builder = ureq::Proxy::builder(protocol).host(host);
    if let Some(port) = url.port() {
        builder = builder.port(port);
    }
    let name = options
        .proxy_username
        .clone()
        .or_else(|| (!url.username().is_empty()).then(|| url.username().to_owned()));
    if let Some(name) = name {
        builder = builder.username(&name);
        let password = options.proxy_password.as_deref().or(url.password());
        builder = builder.password(password.unwrap_or_default());
    }
    if !own {
        for host in given.no_proxy.split(',').map(str::trim) {
            if !host.is_empty() {
                builder = builder.no_proxy(host);
            }
        }
    }
    builder.build().map(Some).map_err(|e| wrong(&e))
}

fn tls(options: &TransportOptions) -> Result<TlsConfig, (&'static str, String)> {
    let mut config = TlsConfig::builder().disable_verification(!options.sslverify);
    if let Some(path) = &options.sslcacert {
        let certs = certificates(path).map_err(|e| ("sslcacert", e))?;
        config = config.root_certs(RootCerts::from(certs));
    } else if options.sslverify {
        // The host knows of private authorities; the compiled-in list is for hosts without any.
        let host = HOST_AUTHORITIES
            .iter()
            .find_map(|path| certificates(Path::new(path)).ok());
        if let Some(certs) = host {
            config = config.root_certs(RootCerts::from(certs));
        }
    }
    if let Some(path) = &options.sslclientcert {
        let certs = certificates(path).map_err(|e| ("sslclientcert", e))?;
        // One file may hold both.
        let key_path = options.sslclientkey.as_ref().unwrap_or(path);
        let key = pem_items(key_path)
            .map_err(|e| ("sslclientkey", e))?
            .into_iter()
            .find_map(|item| match item {
                PemItem::PrivateKey(key) => Some(key),
                _ => None,
            })
            .ok_or_else(|| {
                let path = key_path.display();
                ("sslclientkey", format!("`{path}` holds no unencrypted key"))
            })?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&certs, key)));
    }
    Ok(config.build())
}

/// The certificates of a PEM file, or of all files of a directory.
fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = std::fs::read_dir(path)
            .and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect())
            .map_err(|e| format!("cannot read `{}`: {e}", path.display()))?;
        files.retain(|file: &PathBuf| file.is_file());
    }
    let mut certs = Vec::new();
    for file in files {
        certs.extend(pem_items(&file)?.into_iter().filter_map(|item| match item {
            PemItem::Certificate(cert) => Some(cert),
            _ => None,
        }));
    }
    if certs.is_empty() {
        return Err(format!("`{}` holds no certificate", path.display()));
    }
    Ok(certs)
}

fn pem_items(path: &Path) -> Result<Vec<PemItem<'static>>, String> {
    let text = std::fs::read(path).map_err(|e| format!("cannot read `{}`: {e}", path.display()))?;
    parse_pem(&text)
        .collect::<Result<_, _>>()
        .map_err(|e| format!("`{}` is not valid PEM: {e}", path.display()))
}
