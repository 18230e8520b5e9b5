//! One request and its whole answer, for what is done before and after the clock runs.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::connection::{Prepared, SCRATCH};
use crate::error::{BenchError, Result};
use crate::response::ResponseReader;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An answer, kept whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body, without the framing of chunks and with its content-coding.
    pub body: Vec<u8>,
}

impl Exchange {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// Where it is none.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).map_err(BenchError::because(format!(
            "an answer with status {} is no JSON",
            self.status
        )))
    }
}

/// Keeps a connection for requests that follow each other.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Client {
    /// A client of a server; connects when it is needed.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// Where the server can't be reached, or answers with something else than HTTP.
    pub fn send(&mut self, request: &str) -> Result<Exchange> {
        let failed = |what: &'static str| {
            let address = self.address;
            move |error: std::io::Error| BenchError::new(format!("{what} {address}: {error}"))
        };
        let request = Prepared::new(request.to_owned());
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => open(self.address).map_err(failed("can't reach"))?,
        };
        stream.write_all(&request.bytes).map_err(failed("can't write to"))?;
        let mut raw = Raw::default();
        raw.reader.begin(request.is_head);
        let mut scratch = vec![0; SCRATCH];
        loop {
            let length = stream.read(&mut scratch).map_err(failed("can't read from"))?;
            let bytes = scratch.get(..length).unwrap_or_default();
            if bytes.is_empty() {
                return Err(BenchError::new(format!("{} closed the connection", self.address)));
            }
            raw.head.extend_from_slice(bytes);
            let answer = raw.reader.feed(bytes, Some(&mut raw.body));
            let answer = answer
                .map_err(|_| BenchError::new(format!("{} answers with something else than HTTP", self.address)))?;
            if let Some(answer) = answer {
                self.stream = (!answer.closes).then_some(stream);
                return Ok(Exchange {
                    status: answer.status,
                    headers: headers(&raw.head),
                    body: raw.body,
                });
            }
        }
    }
}

/// An answer on its way.
#[derive(Default)]
struct Raw {
    reader: ResponseReader,
    /// Everything that has come, of which the head is used.
    head: Vec<u8>,
    body: Vec<u8>,
}

fn open(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

fn headers(raw: &[u8]) -> Vec<(String, String)> {
    let lines = raw.split(|&byte| byte == b'\n').skip(1);
    let lines = lines.map(|line| String::from_utf8_lossy(line).trim_end().to_owned());
    let head = lines.take_while(|line| !line.is_empty());
    head.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    })
    .collect()
}
