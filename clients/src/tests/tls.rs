//! The way to an upstream over TLS: who each side must be to the other.

use std::{fs, path::PathBuf, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio::runtime::Handle;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer},
        server::WebPkiClientVerifier,
    },
};

use super::{Recorded, Reply, Server, calls::Clients, clients_at, cx, me, ok, outcome, unheard};
use crate::{TlsFiles, TransportError};

const HERE: &str = "127.0.0.1";

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

/// What somebody shows of themselves.
struct Shown {
    pem: String,
    key_pem: String,
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("sound");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Self { issuer: Issuer::new(params, key), pem, der }
    }

    fn issue(&self, host: &str, usage: ExtendedKeyUsagePurpose) -> Shown {
        let mut params = CertificateParams::new([host.to_owned()]).expect("sound");
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let (pem, der, key_pem) = (certificate.pem(), certificate.der().clone(), key.serialize_pem());
        Shown { pem, key_pem, der, key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
    }

    fn client(&self) -> Shown {
        self.issue("gateway.test", ExtendedKeyUsagePurpose::ClientAuth)
    }
}

/// An upstream that believes clients of `theirs` alone, and the folder of the gateway's files.
struct Guarded {
    ours: Authority,
    theirs: Authority,
    server: Server,
    folder: tempfile::TempDir,
}

impl Guarded {
    async fn new(host: &str) -> Self {
        let (ours, theirs) = (Authority::new("upstreams"), Authority::new("gateways"));
        let shown = ours.issue(host, ExtendedKeyUsagePurpose::ServerAuth);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(theirs.der.clone()).expect("a root");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier.build().expect("a verifier"))
            .with_single_cert(vec![shown.der, ours.der.clone()], shown.key)
            .expect("a certificate");
        let answer = |_: &Recorded| -> Reply { ok(&me("ada")) };
        let server = Server::start_tls(TlsAcceptor::from(Arc::new(tls)), answer).await;
        Self { ours, theirs, server, folder: tempfile::tempdir().expect("a folder") }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("written");
        path
    }

    /// The upstream's own authority, and `client` in one file with its key.
    fn files(&self, client: Option<&Shown>) -> TlsFiles {
        TlsFiles {
            client_cert: client
                .map(|shown| self.write("client.pem", &format!("{}{}", shown.pem, shown.key_pem))),
            client_key: None,
            ca: Some(self.write("ca.pem", &self.ours.pem)),
        }
    }

    fn clients(&self, files: &TlsFiles) -> Clients {
        clients_at(&self.server.url, |config| config.tls = files.clone(), unheard(), Handle::current())
    }
}

async fn asked(clients: &Clients) -> &'static str {
    outcome(&clients.me(&cx()).await)
}

#[tokio::test]
async fn a_client_with_the_right_certificate_is_let_in() {
    let it = Guarded::new(HERE).await;
    let shown = it.theirs.client();
    assert_eq!(asked(&it.clients(&it.files(Some(&shown)))).await, "ok", "key and certificate in one file");
    let apart = TlsFiles {
        client_cert: Some(it.write("cert.pem", &shown.pem)),
        client_key: Some(it.write("key.pem", &shown.key_pem)),
        ..it.files(None)
    };
    assert_eq!(asked(&it.clients(&apart)).await, "ok", "in two files");
    assert_eq!(it.server.requests().len(), 2);
    assert!(it.server.requests()[0].header("authorization").is_some(), "it bears a token all the same");
}

#[tokio::test]
async fn a_client_without_a_certificate_or_with_a_foreign_one_is_not() {
    let it = Guarded::new(HERE).await;
    assert_eq!(asked(&it.clients(&it.files(None))).await, "connect");
    let foreign = Authority::new("foreign").client();
    assert_eq!(asked(&it.clients(&it.files(Some(&foreign)))).await, "connect");
    assert!(it.server.requests().is_empty());
    assert_eq!(it.server.connections(), 2, "it was the upstream that refused");
}

#[tokio::test]
async fn an_upstream_of_an_unknown_authority_or_another_name_is_not_spoken_to() {
    let it = Guarded::new(HERE).await;
    let shown = it.theirs.client();
    let foreign = Authority::new("foreign").pem;
    let unknown = TlsFiles { ca: Some(it.write("foreign.pem", &foreign)), ..it.files(Some(&shown)) };
    assert_eq!(asked(&it.clients(&unknown)).await, "connect", "another authority");
    let system = TlsFiles { ca: None, ..it.files(Some(&shown)) };
    assert_eq!(asked(&it.clients(&system)).await, "connect", "the system does not know it either");
    assert!(it.server.requests().is_empty());

    let elsewhere = Guarded::new("elsewhere.test").await;
    let shown = elsewhere.theirs.client();
    assert_eq!(asked(&elsewhere.clients(&elsewhere.files(Some(&shown)))).await, "connect", "another name");
    assert!(elsewhere.server.requests().is_empty());
}

#[tokio::test]
async fn new_certificates_count_without_a_restart_and_broken_ones_never() {
    let it = Guarded::new(HERE).await;
    let foreign = Authority::new("foreign").client();
    let clients = it.clients(&it.files(Some(&foreign)));
    assert_eq!(asked(&clients).await, "connect");
    assert!(clients.reload_files().is_empty(), "nothing is new");

    it.files(Some(&it.theirs.client()));
    let changed: Vec<_> = clients.reload_files().into_iter().map(Result::unwrap).collect();
    assert_eq!(changed, ["accounts", "catalogue", "orders"]);
    assert_eq!(asked(&clients).await, "ok");

    let text = it.write("client.pem", "planted");
    let refused = clients.reload_files();
    assert_eq!(refused.len(), 3);
    for error in refused.into_iter().map(Result::unwrap_err) {
        let said = format!("{error} {error:?}");
        assert!(said.contains(&text.display().to_string()) && !said.contains("planted"), "{said}");
    }
    fs::remove_file(&text).expect("removed");
    assert!(clients.reload_files().iter().all(|one| matches!(one, Err(TransportError::File { .. }))));
    assert_eq!(asked(&clients).await, "ok", "with those of before");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_and_not_shown() {
    let it = Guarded::new(HERE).await;
    let (shown, other) = (it.theirs.client(), it.theirs.client());
    let config = |files: TlsFiles| {
        let mut config = super::config_at(&it.server.url, "accounts");
        config.tls = files;
        config
    };
    let cert = |text: &str| TlsFiles { client_cert: Some(it.write("bad.pem", text)), ..TlsFiles::default() };
    let ca = |text: &str| TlsFiles { ca: Some(it.write("bad.pem", text)), ..TlsFiles::default() };
    let encrypted = shown.key_pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let not_der = "-----BEGIN CERTIFICATE-----\ncGxhbnRlZA==\n-----END CERTIFICATE-----\n";
    for files in [
        cert(""),
        cert("planted"),
        cert(&shown.pem),
        cert(&shown.key_pem),
        cert(&format!("{}{encrypted}", shown.pem)),
        cert(&format!("{}{}", shown.pem, other.key_pem)),
        ca(""),
        ca("planted"),
        ca(not_der),
        ca(&shown.key_pem),
    ] {
        let error = config(files.clone()).connections().expect_err("no client");
        let said = format!("{error} {error:?}");
        assert!(matches!(error, TransportError::Tls { .. }), "{files:?} {said}");
        assert!(said.contains("bad.pem") && !said.contains("BEGIN") && !said.contains("planted"), "{said}");
    }
    let mut plain = config(it.files(None));
    plain.url.set_scheme("http").expect("a scheme");
    assert!(plain.checked_base().is_err(), "without TLS nobody is checked");
    let key = TlsFiles { client_key: Some(it.write("key.pem", &shown.key_pem)), ..TlsFiles::default() };
    assert!(config(key).checked_base().is_err(), "a key alone");
}
