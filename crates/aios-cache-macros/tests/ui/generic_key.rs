use aios_cache::{LoadError, Namespace, cached};

#[derive(Debug)]
struct Failure;

impl From<LoadError<Failure>> for Failure {
    fn from(_: LoadError<Failure>) -> Self {
        Self
    }
}

#[cached(in = names)]
async fn name<T>(names: Namespace<String>, id: T) -> Result<String, Failure>
where
    T: ToString + Clone + Send + Sync + 'static,
{
    Ok(id.to_string())
}

fn main() {}
