use aios_cache::{LoadError, Namespace, cached};

#[derive(Debug)]
struct Failure;

impl From<LoadError<Failure>> for Failure {
    fn from(_: LoadError<Failure>) -> Self {
        Self
    }
}

#[cached(in = names, key = "x")]
async fn mutable(names: Namespace<String>, id: &mut u64) -> Result<String, Failure> {
    Ok(id.to_string())
}

#[cached(in = names, key = "x")]
async fn pattern(names: Namespace<String>, (id, page): (u64, u64)) -> Result<String, Failure> {
    Ok(format!("{id}{page}"))
}

#[cached(in = names, key = "x")]
async fn inside(names: Namespace<String>, ids: Vec<&str>) -> Result<String, Failure> {
    Ok(ids.concat())
}

fn main() {}
