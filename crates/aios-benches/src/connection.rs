//! A keep-alive connection that has one request under way at a time and never blocks.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::response::{Answer, ResponseReader};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Room for what is read at once; shared by all connections of a thread.
pub(crate) const SCRATCH: usize = 128 * 1024;

/// A request, written out once.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    /// All of it: line, headers, body.
    pub(crate) bytes: Vec<u8>,
    /// Whether it is a HEAD, to which the answer has no body.
    pub(crate) is_head: bool,
}

impl Prepared {
    /// The request of a text that is one.
    pub(crate) fn new(text: String) -> Self {
        let bytes = text.into_bytes();
        let is_head = bytes.starts_with(b"HEAD ");
        Self { bytes, is_head }
    }
}

/// Why an exchange came to nothing. The connection is of no use after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The server ended the connection before the answer was whole.
    Closed,
    /// What came was no answer.
    Malformed,
    /// The socket failed.
    Socket(ErrorKind),
}

impl Trouble {
    /// What to call it in a table of errors.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Closed => "connection closed".to_owned(),
            Self::Malformed => "malformed answer".to_owned(),
            Self::Socket(kind) => kind.to_string(),
        }
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    reader: ResponseReader,
    /// What the socket did not take at once.
    unsent: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            reader: ResponseReader::default(),
            unsent: Vec::new(),
        })
    }

    /// Sends a request. The one before has been answered.
    pub(crate) fn send(&mut self, request: &Prepared) -> Result<(), Trouble> {
        self.reader.begin(request.is_head);
        let sent = write(&mut self.stream, &request.bytes)?;
        self.unsent.clear();
        self.unsent
            .extend_from_slice(request.bytes.get(sent..).unwrap_or_default());
        Ok(())
    }

    /// Goes on after the socket has become ready: `None` while the answer is not whole.
    pub(crate) fn advance(&mut self, scratch: &mut [u8]) -> Result<Option<Answer>, Trouble> {
        if !self.unsent.is_empty() {
            let sent = write(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
        }
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Err(Trouble::Closed),
                Ok(length) => {
                    let bytes = scratch.get(..length).unwrap_or_default();
                    if let Some(answer) = self.reader.feed(bytes, None).map_err(|_| Trouble::Malformed)? {
                        return Ok(Some(answer));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Trouble::Socket(error.kind())),
            }
        }
    }

    /// Whether a part of the request waits for room in the socket.
    pub(crate) fn is_sending(&self) -> bool {
        !self.unsent.is_empty()
    }
}

/// Writes as much as the socket takes.
fn write(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize, Trouble> {
    let mut sent = 0;
    while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
        match stream.write(rest) {
            Ok(0) => return Err(Trouble::Closed),
            Ok(length) => sent += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Trouble::Socket(error.kind())),
        }
    }
    Ok(sent)
}
