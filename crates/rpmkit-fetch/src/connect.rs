//! How to connect: proxies, trusted authorities, client certificates.

use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, ClientCert, PemItem, RootCerts, TlsConfig, parse_pem};
use url::Url;

use super::options::TransportOptions;

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

/// The proxy for a kind of address, if there is one. The error says why it cannot be used.
pub fn proxy(
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

/// What to trust and to show. The error names the option.
pub fn tls(options: &TransportOptions) -> Result<TlsConfig, (&'static str, String)> {
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
