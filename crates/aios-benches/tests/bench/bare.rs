//! The bare server hands out what it was given.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use aios_benches::bare::{Hosted, Stored};
use aios_benches::exchange::Client;
use aios_benches::request::Request;

#[test]
fn the_answer_is_the_one_that_was_stored() {
    let stored = Stored {
        status: 200,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("content-encoding".to_owned(), "br".to_owned()),
            ("etag".to_owned(), "\"x\"".to_owned()),
        ],
        body: vec![0, 159, 146, 150],
    };
    let hosted = Hosted {
        workers: 1,
        answers: vec![("/all".to_owned(), stored.clone())],
    };
    let mut bare = Command::new(env!("CARGO_BIN_EXE_aios-bare"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = bare.stdin.take().unwrap();
    input.write_all(&serde_json::to_vec(&hosted).unwrap()).unwrap();
    drop(input);
    let mut address = String::new();
    BufReader::new(bare.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();

    let mut client = Client::new(address.trim().parse().unwrap());
    let exchange = client.send(&Request::new("GET", "/all", "bare").done()).unwrap();
    assert_eq!(Stored::with_all_headers(&exchange).body, stored.body);
    let mut headers = Stored::with_all_headers(&exchange).headers;
    headers.sort();
    let mut expected = stored.headers;
    expected.sort();
    assert_eq!(headers, expected);
    bare.kill().unwrap();
    bare.wait().unwrap();
}
