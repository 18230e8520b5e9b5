use aios_cache::{LoadError, Namespace, cached};

#[derive(Debug)]
struct Failure;

impl From<LoadError<Failure>> for Failure {
    fn from(_: LoadError<Failure>) -> Self {
        Self
    }
}

#[cached(ttl = "5m")]
async fn name(id: u64) -> Result<String, Failure> {
    Ok(id.to_string())
}

fn main() {}
