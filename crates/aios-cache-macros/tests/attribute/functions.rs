//! Which functions the attribute goes on: methods, free functions, generics, all kinds of arguments and results.

use std::sync::Arc;

use aios_cache::{Cached, LoadError, Namespace, cached};

use crate::{Calls, Failure, cache};

#[derive(Clone)]
struct Service {
    names: Namespace<String>,
    calls: Calls,
}

impl Service {
    fn new() -> Self {
        let names = cache().namespace("names").build().unwrap();
        Self {
            names,
            calls: Calls::default(),
        }
    }

    /// Borrows `self` and everything else.
    #[cached(in = self.names)]
    pub(crate) async fn borrowed(&self, first: &str, second: Option<&str>, rest: &[u8]) -> Result<String, Failure> {
        Ok(format!("{first} {second:?} {rest:?} {}", self.calls.count()))
    }

    /// Arguments whose names the expansion might want for itself, one of them changed by the body.
    #[cached(in = self.names, ttl = "5m", tags("{key}"))]
    #[allow(clippy::too_many_arguments)]
    async fn hygienic(
        &self,
        key: u8,
        mut namespace: u8,
        policy: u8,
        place: u8,
        load: u8,
        cached: u8,
        error: u8,
        this: u8,
        argument_0: u8,
    ) -> Result<String, Failure> {
        namespace += 1;
        Ok(format!(
            "{:?}",
            [key, namespace, policy, place, load, cached, error, this, argument_0]
        ))
    }

    #[cached(in = self.names, key = "arc")]
    async fn by_arc(self: Arc<Self>) -> Result<String, Failure> {
        Ok(self.calls.count().to_string())
    }

    #[cached(in = self.names, key = "borrowed-arc")]
    async fn by_borrowed_arc(self: &Arc<Self>) -> Result<String, Failure> {
        Ok(self.calls.count().to_string())
    }

    #[cached(in = self.names, key = "value")]
    async fn by_value(self) -> Result<String, Failure> {
        Ok(self.calls.count().to_string())
    }

    /// Returns early, and with a question mark.
    #[cached(in = self.names)]
    async fn early(&self, text: String) -> Result<String, Failure> {
        if text.is_empty() {
            return Err(Failure::Source("empty".to_owned()));
        }
        let number: u32 = text.parse().map_err(|_| Failure::Source("no number".to_owned()))?;
        Ok((number + 1).to_string())
    }
}

#[tokio::test]
async fn borrowed_arguments_outlive_the_call() {
    let service = Service::new();
    let first = service.borrowed("a", Some("b"), &[1, 2]).await.unwrap();
    assert_eq!(first, r#"a Some("b") [1, 2] 1"#);
    assert_eq!(service.borrowed("a", Some("b"), &[1, 2]).await.unwrap(), first);
    assert_eq!(service.borrowed("a", None, &[]).await.unwrap(), "a None [] 2");
}

#[tokio::test]
async fn no_name_of_the_expansion_is_one_of_the_user_s() {
    let service = Service::new();
    let all = service.hygienic(1, 2, 3, 4, 5, 6, 7, 8, 9).await.unwrap();
    assert_eq!(all, "[1, 3, 3, 4, 5, 6, 7, 8, 9]");
    assert_eq!(service.hygienic_cached(1, 2, 3, 4, 5, 6, 7, 8, 9).tags(), ["1"]);
}

#[tokio::test]
async fn self_comes_in_any_way_but_mutable() {
    let service = Arc::new(Service::new());
    assert_eq!(Arc::clone(&service).by_arc().await.unwrap(), "1");
    assert_eq!(Arc::clone(&service).by_arc().await.unwrap(), "1");
    assert_eq!(service.by_borrowed_arc().await.unwrap(), "2");
    assert_eq!(Service::clone(&service).by_value().await.unwrap(), "3");
    assert_eq!(Service::clone(&service).by_value().await.unwrap(), "3");
}

#[tokio::test]
async fn a_body_returns_early() {
    let service = Service::new();
    assert_eq!(service.early("7".to_owned()).await.unwrap(), "8");
    assert_eq!(
        service.early(String::new()).await,
        Err(Failure::Source("empty".to_owned()))
    );
    assert_eq!(
        service.early("x".to_owned()).await,
        Err(Failure::Source("no number".to_owned()))
    );
}

/// A free function; its namespace is an argument, and so is left out of the key by itself.
#[cached(in = squares, skip(calls))]
async fn square(squares: &Namespace<u64>, calls: &Calls, number: u64) -> Result<u64, Failure> {
    calls.count();
    Ok(number * number)
}

#[tokio::test]
async fn a_free_function_is_cached() {
    let squares = cache().namespace("squares").build().unwrap();
    let calls = Calls::default();
    assert_eq!(square(&squares, &calls, 12).await.unwrap(), 144);
    assert_eq!(square(&squares, &calls, 12).await.unwrap(), 144);
    assert_eq!(square(&squares, &calls, 13).await.unwrap(), 169);
    assert_eq!(calls.so_far(), 2);
    assert_eq!(square_cached(&squares, &calls, 12).key(), "square:12");
}

/// Generic over where it gets values from, with a bound of its own.
#[derive(Clone)]
struct Generic<S> {
    source: S,
    values: Namespace<String>,
}

trait Source {
    fn value(&self) -> String;
}

impl Source for &'static str {
    fn value(&self) -> String {
        (*self).to_owned()
    }
}

impl<S: Source + Clone + Send + Sync + 'static> Generic<S> {
    #[cached(in = self.values, key = "{N}:{which.as_ref()}")]
    async fn value<T, const N: usize>(&self, which: T) -> Result<String, Failure>
    where
        T: AsRef<str> + Clone + Send + Sync + 'static,
    {
        Ok(self.source.value().repeat(N) + which.as_ref())
    }
}

#[tokio::test]
async fn generics_and_where_clauses_are_kept() {
    let generic = Generic {
        source: "x",
        values: cache().namespace("values").build().unwrap(),
    };
    assert_eq!(generic.value::<_, 2>("a").await.unwrap(), "xxa");
    assert_eq!(generic.value::<_, 3>("a".to_owned()).await.unwrap(), "xxxa");
    assert_eq!(generic.value_cached::<_, 3>("a").key(), "3:a");
}

/// A value that can't be cloned.
#[derive(Debug, PartialEq, Eq)]
struct Heavy(u32);

type SourceResult<T> = Result<T, Failure>;

#[derive(Clone)]
struct Results {
    heavy: Namespace<Heavy>,
    maybe: Namespace<Option<u32>>,
    calls: Calls,
}

impl Results {
    fn new() -> Self {
        let cache = cache();
        Self {
            heavy: cache.namespace("heavy").build().unwrap(),
            maybe: cache.namespace("maybe").build().unwrap(),
            calls: Calls::default(),
        }
    }

    #[cached(in = self.heavy)]
    async fn heavy(&self, id: u32) -> Result<Cached<Heavy>, Failure> {
        self.calls.count();
        Ok(Heavy(id))
    }

    #[cached(in = self.heavy)]
    async fn aliased(&self, id: u32) -> SourceResult<Cached<Heavy>> {
        Ok(Heavy(id))
    }

    /// The cache's own error, as it is: the body's is within.
    #[cached(in = self.heavy)]
    async fn own_error(&self, id: u32) -> Result<Cached<Heavy>, LoadError<&'static str>> {
        if id == 0 { Err("zero") } else { Ok(Heavy(id)) }
    }

    #[cached(in = self.maybe, negative_ttl = "10s")]
    async fn maybe(&self, id: u32) -> Result<Option<u32>, Failure> {
        Ok((id > 0).then_some(id))
    }
}

#[tokio::test]
async fn a_shared_result_is_not_cloned() {
    let results = Results::new();
    let (first, second) = (results.heavy(7).await.unwrap(), results.heavy(7).await.unwrap());
    assert_eq!(*first, Heavy(7));
    assert!(Cached::ptr_eq(&first, &second));
    assert_eq!(results.calls.so_far(), 1);
    assert_eq!(*results.aliased(8).await.unwrap(), Heavy(8));
}

#[tokio::test]
async fn the_cache_s_own_error_is_handed_on_as_it_is() {
    let results = Results::new();
    assert_eq!(results.own_error(0).await.unwrap_err().failed(), Some(&"zero"));
    assert_eq!(*results.own_error(1).await.unwrap(), Heavy(1));
}

#[tokio::test]
async fn none_is_a_negative_result() {
    let results = Results::new();
    assert_eq!(
        (results.maybe(0).await, results.maybe(3).await),
        (Ok(None), Ok(Some(3)))
    );
    let negative = |id| results.maybe_cached(id).peek().unwrap().is_negative();
    assert!(negative(0) && !negative(3));
}

mod renamed {
    pub(crate) use aios_cache as library;
}

#[cached(crate = crate::functions::renamed::library, namespace = squares, key = "{number}", handle = "handle_of_cube")]
async fn cube(squares: Namespace<u64>, number: u64) -> Result<u64, Failure> {
    Ok(number * number * number)
}

#[tokio::test]
async fn the_crate_and_the_handle_may_have_other_names() {
    let squares = cache().namespace("cubes").build().unwrap();
    assert_eq!(cube(squares.clone(), 3).await.unwrap(), 27);
    assert_eq!(*handle_of_cube(squares, 3).peek().unwrap(), 27);
}

mod visible {
    use super::*;

    /// Documented, with attributes of all kinds.
    #[must_use = "it is asked for"]
    #[cached(in = numbers, key = "{n}")]
    #[tracing::instrument(skip_all)]
    #[allow(clippy::unused_async)]
    pub(crate) async fn number(numbers: &Namespace<u64>, n: u64) -> Result<u64, Failure> {
        Ok(n)
    }
}

#[tokio::test]
async fn visibility_and_other_attributes_are_kept() {
    let numbers = cache().namespace("numbers").build().unwrap();
    assert_eq!(visible::number(&numbers, 5).await.unwrap(), 5);
    assert_eq!(visible::number_cached(&numbers, 5).get().await.unwrap().to_value(), 5);
}

#[tokio::test]
async fn futures_and_handles_can_be_sent() {
    fn sent<T: Send + 'static>(value: T) -> T {
        value
    }
    let service = Service::new();
    let call = sent(service.early_cached("1".to_owned()));
    let task = tokio::spawn(async move { service.early("1".to_owned()).await });
    assert_eq!(task.await.unwrap().unwrap(), "2");
    assert_eq!(
        *tokio::spawn(async move { call.get().await }).await.unwrap().unwrap(),
        "2"
    );
}
