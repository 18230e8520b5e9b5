//! Bodies that nobody reads to their end. The server under us waits for the rest of a chunked body once its reader is gone,
//! however slowly it comes. As long as there is a reader, it closes the connection after the answer, as it does with bodies
//! of a known length; so the reader is kept until the answer is out.

use std::cell::RefCell;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpResponse, ResponseError};
use futures_util::future::{Either, LocalBoxFuture, MapOk};
use futures_util::{FutureExt, Stream, TryFutureExt};

/// Puts this around an application.
pub(crate) struct Unread;

/// An application with this around it.
pub(crate) struct UnreadService<S> {
    inner: S,
}

impl<S, B> Transform<S, ServiceRequest> for Unread
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B, Held>>;
    type Error = actix_web::Error;
    type Transform = UnreadService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(UnreadService { inner: service }))
    }
}

/// Most requests have no chunked body, and pass without an allocation.
type Answering<F, B> = Either<
    MapOk<F, fn(ServiceResponse<B>) -> ServiceResponse<EitherBody<B, Held>>>,
    LocalBoxFuture<'static, Result<ServiceResponse<EitherBody<B, Held>>, actix_web::Error>>,
>;

impl<S, B> Service<ServiceRequest> for UnreadService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B, Held>>;
    type Error = actix_web::Error;
    type Future = Answering<S::Future, B>;

    forward_ready!(inner);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        if !request.chunked().unwrap_or(false) {
            let pass: fn(_) -> _ = |answer: ServiceResponse<B>| answer.map_body(|_, body| EitherBody::left(body));
            return Either::Left(self.inner.call(request).map_ok(pass));
        }
        let reader = Reader(Rc::new(RefCell::new(request.take_payload())));
        let kept = reader.clone();
        request.set_payload(Payload::Stream {
            payload: Box::pin(reader),
        });
        let answering = self.inner.call(request).map(move |answered| match answered {
            Ok(answer) => Ok(answer.map_body(|_, body| {
                let body = body.boxed();
                EitherBody::right(Held { body, _reader: kept })
            })),
            Err(error) => Err(Failed { error, reader: kept }.into()),
        });
        Either::Right(answering.boxed_local())
    }
}

/// A body that is read here and kept there.
#[derive(Clone)]
struct Reader(Rc<RefCell<Payload>>);

impl Stream for Reader {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Borrowed for this call alone, and on this thread.
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// The body of an answer, and the reader of the request's until it is out.
pub(crate) struct Held {
    body: BoxBody,
    _reader: Reader,
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// A failure whose answer has such a body.
struct Failed {
    error: actix_web::Error,
    reader: Reader,
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for Failed {
    fn status_code(&self) -> StatusCode {
        self.error.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let held = |body| Held {
            body,
            _reader: self.reader.clone(),
        };
        let answer = self.error.error_response();
        answer.map_body(|_, body| held(body)).map_into_boxed_body()
    }
}
