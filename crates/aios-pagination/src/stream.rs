//! All rows of a listing as a stream that fetches page by page.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::cursor::Cursor;
use crate::page::Page;

/// All rows of a listing: `fetch` is called without a cursor, then with each page's `next`, when the rows before are used up.
///
/// One page is held at a time, and nothing is fetched before it is asked for, so a slow reader slows the fetching. The
/// stream ends after the last page, or after an error.
///
/// ```
/// use aios_pagination::{At, CursorCodec, Order, rows};
/// use futures_util::{FutureExt as _, TryStreamExt as _};
///
/// let order = Order::named("numbers").unique_asc(|number: &u64| *number);
/// let numbers: Vec<u64> = (0..95).collect();
/// let codec = CursorCodec::unsigned();
/// let pager = order.pager(&codec).limit(10);
/// let all = rows(async |cursor: Option<aios_pagination::Cursor>| {
///     // Here a service asks its database, on a thread that may block, or another service.
///     pager.page(&numbers, At::from(cursor.as_ref().map(|cursor| cursor.as_str())))
/// });
/// let all: Vec<&u64> = all.try_collect().now_or_never().expect("nothing waits")?;
/// assert_eq!(all.len(), 95);
/// # Ok::<(), aios_pagination::PageError>(())
/// ```
pub fn rows<F, Fut, T, E>(fetch: F) -> Rows<F, Fut, T>
where
    F: FnMut(Option<Cursor>) -> Fut,
    Fut: Future<Output = Result<Page<T>, E>>,
{
    Rows {
        fetch,
        page: Vec::new().into_iter(),
        state: State::At(None),
    }
}

/// The stream made by [`rows`].
pub struct Rows<F, Fut, T> {
    fetch: F,
    page: std::vec::IntoIter<T>,
    state: State<Fut>,
}

enum State<Fut> {
    /// The next page is at this cursor.
    At(Option<Cursor>),
    /// It is being fetched.
    Fetching(Pin<Box<Fut>>),
    /// There is none.
    Done,
}

/// Neither the rows nor the function are ever pinned; the future is in a box of its own.
impl<F, Fut, T> Unpin for Rows<F, Fut, T> {}

impl<F, Fut, T> fmt::Debug for Rows<F, Fut, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("fetched", &self.page.len())
            .finish_non_exhaustive()
    }
}

impl<F, Fut, T, E> Stream for Rows<F, Fut, T>
where
    F: FnMut(Option<Cursor>) -> Fut,
    Fut: Future<Output = Result<Page<T>, E>>,
{
    type Item = Result<T, E>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(row) = this.page.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            match &mut this.state {
                State::Done => return Poll::Ready(None),
                State::At(cursor) => {
                    let cursor = cursor.take();
                    this.state = State::Fetching(Box::pin((this.fetch)(cursor)));
                }
                State::Fetching(future) => match ready!(future.as_mut().poll(context)) {
                    Ok(page) => {
                        this.page = page.items.into_iter();
                        this.state = match page.next {
                            Some(next) => State::At(Some(next)),
                            None => State::Done,
                        };
                    }
                    Err(error) => {
                        this.state = State::Done;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let fetched = self.page.len();
        match self.state {
            State::Done => (fetched, Some(fetched)),
            _ => (fetched, None),
        }
    }
}
