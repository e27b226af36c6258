//! https with an authority of our own, and client certificates.

use std::{path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

use crate::{
    fixture::{Cache, Repo, one},
    server::Server,
};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(dir: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        std::fs::write(dir.join("ca.pem"), issuer.pem()).unwrap();
        Self(issuer)
    }

    fn issue(&self, name: &str) -> (CertificateDer<'static>, KeyPair, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        (cert.der().clone(), key, cert.pem())
    }
}

fn config(authority: &Authority, name: &str, want_client: bool) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if want_client {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let (cert, key, _) = authority.issue(name);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Arc::new(builder.with_single_cert(vec![cert], key).unwrap())
}

#[test]
fn an_authority_of_our_own_is_trusted() {
    let repo = Repo::new();
    let certs = tempfile::tempdir().unwrap();
    let authority = Authority::new(certs.path());
    let server = Server::start_tls(repo.path(), config(&authority, "localhost", false));
    let base = format!("baseurl={}\n", server.url(""));
    let refresh = |more: &str| {
        Cache::new()
            .fetcher()
            .refresh(&one(&format!("{base}{more}")).repos[0])
    };
    let error = refresh("").unwrap_err();
    assert!(
        error.to_string().contains("encrypted connection failed"),
        "{error}"
    );
    assert!(
        error.hints().iter().any(|h| h.0.contains("sslcacert")),
        "{error:?}"
    );
    refresh(&format!("sslcacert={}/ca.pem", certs.path().display())).unwrap();
    refresh(&format!("sslcacert={}", certs.path().display())).unwrap();
    refresh("sslverify=0").unwrap();

    let other = Server::start_tls(repo.path(), config(&authority, "elsewhere.invalid", false));
    let lines = format!(
        "baseurl={}\nsslcacert={}/ca.pem",
        other.url(""),
        certs.path().display()
    );
    assert!(
        Cache::new()
            .fetcher()
            .refresh(&one(&lines).repos[0])
            .is_err()
    );
}

#[test]
fn client_certificates_are_shown() {
    let repo = Repo::new();
    let certs = tempfile::tempdir().unwrap();
    let dir = certs.path();
    let authority = Authority::new(dir);
    let (_, key, pem) = authority.issue("me");
    std::fs::write(dir.join("me.pem"), &pem).unwrap();
    std::fs::write(dir.join("me.key"), key.serialize_pem()).unwrap();
    std::fs::write(dir.join("both"), pem + &key.serialize_pem()).unwrap();
    let server = Server::start_tls(repo.path(), config(&authority, "localhost", true));
    let base = format!(
        "baseurl={}\nsslcacert={}/ca.pem\n",
        server.url(""),
        dir.display()
    );
    let refresh = |more: &str| {
        Cache::new()
            .fetcher()
            .refresh(&one(&format!("{base}{more}")).repos[0])
    };
    assert!(refresh("").is_err());
    let dir = dir.display();
    refresh(&format!(
        "sslclientcert={dir}/me.pem\nsslclientkey={dir}/me.key"
    ))
    .unwrap();
    refresh(&format!("sslclientcert={dir}/both")).unwrap();
    let error = refresh(&format!(
        "sslclientcert={dir}/me.pem\nsslclientkey={dir}/ca.pem"
    ))
    .unwrap_err();
    assert!(
        error.to_string().contains("option `sslclientkey`"),
        "{error}"
    );
}

#[test]
fn tls_goes_through_a_tunnel() {
    let repo = Repo::new();
    let certs = tempfile::tempdir().unwrap();
    let authority = Authority::new(certs.path());
    let server = Server::start_tls(repo.path(), config(&authority, "localhost", false));
    let proxy = Server::start(repo.path());
    let lines = format!(
        "baseurl={}\nsslcacert={}/ca.pem\nproxy={}",
        server.url(""),
        certs.path().display(),
        proxy.url("")
    );
    let refresh = || Cache::new().fetcher().refresh(&one(&lines).repos[0]);
    assert!(refresh().is_err(), "the proxy refuses");
    proxy.allow_tunnels();
    refresh().unwrap();
    assert!(
        proxy
            .requests()
            .iter()
            .all(|r| r.target.starts_with("localhost:"))
    );
}
