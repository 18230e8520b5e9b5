use aios_cache::{LoadError, Namespace, cached};

#[derive(Debug)]
struct Failure;

impl From<LoadError<Failure>> for Failure {
    fn from(_: LoadError<Failure>) -> Self {
        Self
    }
}

struct Agent;

#[cached(in = agents)]
async fn agent(agents: Namespace<Agent>, id: u64) -> Result<Agent, Failure> {
    let _ = id;
    Ok(Agent)
}

fn main() {}
