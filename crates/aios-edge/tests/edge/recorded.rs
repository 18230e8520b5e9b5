//! A recorded API, played on loopback: each request it gets is kept, and answered by the next answer of the recording.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Such as `POST /path`.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A status line without its version, header lines, and a body.
    Says(&'static str, &'static [&'static str], &'static str),
    /// The connection is closed before anything was said.
    HangsUp,
}

/// A server that plays a recording.
pub(crate) struct Recorded {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Recorded {
    pub(crate) fn play(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (answers, keeps) = (answers.to_vec(), Arc::clone(&received));
        thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                keeps.lock().unwrap().push(exchange(stream, &answer));
            }
            // With the listener gone, whoever calls once more is refused.
        });
        Self { address, received }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has got so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The one request that it has got.
    pub(crate) fn only(&self) -> Received {
        let [received] = <[Received; 1]>::try_from(self.received()).unwrap();
        received
    }
}

fn exchange(stream: TcpStream, answer: &Answer) -> Received {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut received = Received {
        line: lines[0].trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
        body: String::new(),
    };
    let length = received
        .header("Content-Length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    received.body = String::from_utf8(body).unwrap();
    if let Answer::Says(status, headers, body) = answer {
        let headers: Vec<String> = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let answer = format!(
            "HTTP/1.1 {status}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            headers.concat(),
            body.len()
        );
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
    }
    received
}
