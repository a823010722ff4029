//! One connection, plain or with TLS, on which requests are written by hand: who signs in a connection must hold it.

use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sitewright_sim::Identity;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A connection.
pub(crate) struct Line {
    stream: BufReader<Box<dyn Stream>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// The values of `WWW-Authenticate`.
    pub(crate) challenges: Vec<String>,
    pub(crate) body: String,
}

impl Answered {
    /// The token of the only challenge, which is of this scheme.
    pub(crate) fn token(&self, scheme: &str) -> Vec<u8> {
        let [challenge] = &self.challenges[..] else {
            panic!("found {:?}", self.challenges);
        };
        let token = challenge.strip_prefix(scheme).map(str::trim);
        STANDARD.decode(token.unwrap()).unwrap()
    }
}

impl Line {
    pub(crate) fn plain(url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        Self {
            stream: BufReader::new(Box::new(stream)),
        }
    }

    /// With TLS, trusting one authority; gives the server's certificate, too.
    pub(crate) fn tls(
        url: &str,
        authority: &str,
        identity: Option<&Identity>,
    ) -> (Self, CertificateDer<'static>) {
        let mut roots = RootCertStore::empty();
        let trusted = CertificateDer::from_pem_slice(authority.as_bytes()).unwrap();
        roots.add(trusted).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder
                    .with_client_auth_cert(vec![certificate], key)
                    .unwrap()
            }
        };
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut tcp = TcpStream::connect(url.strip_prefix("https://").unwrap()).unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let patience = Some(Duration::new(10, 0));
        tcp.set_read_timeout(patience).unwrap();
        while client.is_handshaking() {
            client.complete_io(&mut tcp).unwrap();
        }
        let shown = client.peer_certificates().unwrap()[0].clone().into_owned();
        let stream = StreamOwned::new(client, tcp);
        let line = Self {
            stream: BufReader::new(Box::new(stream)),
        };
        (line, shown)
    }

    /// Posts a form with these values of `Authorization`.
    pub(crate) fn post(&mut self, path: &str, form: &str, authorization: Option<&str>) -> Answered {
        let authorization = authorization
            .map(|value| format!("Authorization: {value}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(request.as_bytes()).unwrap();
        stream.flush().unwrap();
        self.read()
    }

    /// Says whether the server ends the connection, unasked, within a few seconds.
    pub(crate) fn is_hung_up(&mut self) -> bool {
        match self.stream.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    fn read(&mut self) -> Answered {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let (mut challenges, mut length) = (Vec::new(), 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "www-authenticate" => challenges.push(value.to_owned()),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        Answered {
            status,
            challenges,
            body: String::from_utf8(body).unwrap(),
        }
    }
}
