use aios_cache::{LoadError, Namespace, cached};

#[derive(Debug)]
struct Failure;

impl From<LoadError<Failure>> for Failure {
    fn from(_: LoadError<Failure>) -> Self {
        Self
    }
}

#[cached(in = names, key = "user:{idd}")]
async fn unknown(names: Namespace<String>, id: u64) -> Result<String, Failure> {
    Ok(id.to_string())
}

#[cached(in = names, key = "{id}", tags("user:{self.id}"))]
async fn no_self(names: Namespace<String>, id: u64) -> Result<String, Failure> {
    Ok(id.to_string())
}

#[cached(in = names, key = "{id:?}")]
async fn formatted(names: Namespace<String>, id: u64) -> Result<String, Failure> {
    Ok(id.to_string())
}

#[cached(in = names, key = "{id")]
async fn open(names: Namespace<String>, id: u64) -> Result<String, Failure> {
    Ok(id.to_string())
}

#[cached(in = names, key = "{id}-{page}")]
async fn close(names: Namespace<String>, id: u64, page: u32) -> Result<String, Failure> {
    Ok(format!("{id}{page}"))
}

#[cached(in = names, key = "{id}")]
async fn forgotten(names: Namespace<String>, id: u64, page: u32) -> Result<String, Failure> {
    Ok(format!("{id}{page}"))
}

#[cached(in = names, skip(pages))]
async fn skipped(names: Namespace<String>, id: u64, page: u32) -> Result<String, Failure> {
    Ok(format!("{id}{page}"))
}

fn main() {}
