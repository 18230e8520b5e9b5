//! A server that answers every request alike and counts them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A server on a thread of its own, for as long as the process lives.
pub(crate) struct Tiny {
    pub(crate) address: SocketAddr,
    answered: Arc<AtomicU64>,
}

impl Tiny {
    /// `answer` gets the request's first line and its number, counted from 1, and hands back the whole answer; a connection
    /// ends after an answer that says so.
    pub(crate) fn start(answer: impl Fn(&str, u64) -> String + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, answered) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
        let counter = Arc::clone(&answered);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, counter) = (answer.clone(), Arc::clone(&counter));
                thread::spawn(move || serve(&stream.unwrap(), &answer, &counter));
            }
        });
        Self { address, answered }
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }
}

fn serve(stream: &TcpStream, answer: &impl Fn(&str, u64) -> String, answered: &AtomicU64) -> Option<()> {
    let (mut lines, mut out) = (BufReader::new(stream).lines(), stream);
    loop {
        let first = lines.next()?.ok()?;
        while !lines.next()?.ok()?.is_empty() {}
        let text = answer(&first, answered.fetch_add(1, Ordering::SeqCst) + 1);
        out.write_all(text.as_bytes()).ok()?;
        if text.contains("connection: close") {
            return None;
        }
    }
}
