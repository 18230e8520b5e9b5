use aios_cache::{LoadError, Namespace, cached};

#[derive(Debug)]
struct Failure;

impl From<LoadError<Failure>> for Failure {
    fn from(_: LoadError<Failure>) -> Self {
        Self
    }
}

trait Names {
    #[cached(in = self.names())]
    async fn name(&self, id: u64) -> Result<String, Failure>;
}

#[derive(Clone)]
struct Service {
    names: Namespace<String>,
}

impl Names for Service {
    #[cached(in = self.names)]
    async fn name(&self, id: u64) -> Result<String, Failure> {
        Ok(id.to_string())
    }
}

fn main() {}
