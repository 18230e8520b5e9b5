use aios_cache::{LoadError, Namespace, cached};

#[derive(Debug)]
struct Failure;

impl From<LoadError<Failure>> for Failure {
    fn from(_: LoadError<Failure>) -> Self {
        Self
    }
}

#[cached(in = names)]
async fn name(names: Namespace<String>, id: u64) -> String {
    id.to_string()
}

fn main() {}
