use aios_cache::{LoadError, Namespace, cached};

#[derive(Debug)]
struct Failure;

impl From<LoadError<Failure>> for Failure {
    fn from(_: LoadError<Failure>) -> Self {
        Self
    }
}

#[derive(Clone)]
struct Query;

#[cached(in = names)]
async fn by_default(names: Namespace<String>, query: Query) -> Result<String, Failure> {
    drop(query);
    Ok(String::new())
}

#[cached(in = names, key = "{query}")]
async fn by_template(names: Namespace<String>, query: Query) -> Result<String, Failure> {
    drop(query);
    Ok(String::new())
}

fn main() {}
