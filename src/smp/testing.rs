//! A tiny HTTP server for tests: answers with what a closure makes of each request.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests measure, listen and wait"
)]
#![expect(
    clippy::unwrap_used,
    clippy::unnecessary_wraps,
    reason = "a server for tests only"
)]

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) line: String,
    pub(crate) headers: String,
    pub(crate) body: String,
    /// Number of the connection it came on.
    pub(crate) connection: usize,
}

impl Got {
    /// The method of the call: by `SOAPAction`, else by the path.
    pub(crate) fn method(&self) -> String {
        let action = self.headers.lines().find_map(|line| {
            line.to_lowercase()
                .starts_with("soapaction:")
                .then(|| line.to_owned())
        });
        let path = self.line.split(' ').nth(1).unwrap_or_default().to_owned();
        action
            .unwrap_or(path)
            .trim_matches(['"', ' '])
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .trim_matches('"')
            .to_owned()
    }
}

/// What the server says: a whole HTTP response, or nothing and the connection is cut.
pub(crate) type Said = Option<Vec<u8>>;

/// An answer with a status and XML.
pub(crate) fn answer(status: u16, body: &str) -> Said {
    Some(
        format!(
            "HTTP/1.1 {status} X\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

/// A SOAP answer with a result.
pub(crate) fn soap(method: &str, result: &str) -> Said {
    answer(
        200,
        &format!(
            "<?xml version='1.0'?><s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>\
             <{method}Response xmlns='urn:x'><{method}Result>{result}</{method}Result></{method}Response></s:Body></s:Envelope>"
        ),
    )
}

/// One resource of a list.
pub(crate) fn listed(name: &str, guid: &str) -> String {
    format!("<ResourceDataInfo><Name>{name}</Name><Guid>{{{guid}}}</Guid></ResourceDataInfo>")
}

/// A running server.
pub(crate) struct Server {
    pub(crate) url: url::Url,
    pub(crate) seen: Arc<Mutex<Vec<Got>>>,
}

impl Server {
    /// How many requests called `method`.
    pub(crate) fn count(&self, method: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|got| got.method() == method).count()
    }
}

/// Starts a server on loopback.
pub(crate) async fn serve(handler: impl Fn(&Got) -> Said + Send + Sync + 'static) -> Server {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (handler, log) = (Arc::new(handler), Arc::clone(&seen));
    tokio::spawn(async move {
        let mut connection = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            connection += 1;
            let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
            tokio::spawn(async move {
                let mut buffer = Vec::new();
                loop {
                    let end = loop {
                        if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                            break end + 4;
                        }
                        if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                            return;
                        }
                    };
                    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
                    let length = head
                        .lines()
                        .find_map(|line| {
                            line.to_lowercase()
                                .strip_prefix("content-length:")
                                .map(|length| length.trim().parse::<usize>().unwrap())
                        })
                        .unwrap_or(0);
                    while buffer.len() < end + length {
                        if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let (line, headers) = head.split_once("\r\n").unwrap();
                    let got = Got {
                        line: line.to_owned(),
                        headers: headers.to_owned(),
                        body: String::from_utf8_lossy(&buffer[end..end + length]).into_owned(),
                        connection,
                    };
                    buffer.drain(..end + length);
                    let said = handler(&got);
                    log.lock().unwrap().push(got);
                    match said {
                        Some(bytes) => {
                            if stream.write_all(&bytes).await.is_err() {
                                return;
                            }
                        }
                        None => return,
                    }
                }
            });
        }
    });
    Server { url, seen }
}

/// A profile in which everything is known.
pub(crate) fn profile() -> crate::profile::Profile {
    crate::profile::from_yaml("test", include_str!("testing.yaml")).unwrap()
}
