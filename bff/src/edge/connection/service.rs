//! The application, as a connection calls it.
//!
//! - Each request is a turn of its connection, from its head to the end of its answer.
//! - `100 Continue` is sent when a handler first asks for the body, and to nobody else: what the head alone decides
//!   is answered without it (RFC 9110 section 10.1.1).
//! - Streams for HTTP/1.0 end with the connection: those callers know no chunks (RFC 9112 section 6.1).

use std::{
    cell::{Cell, OnceCell},
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use actix_http::{
    BoxedPayloadStream, ConnectionType, HttpMessage, Payload, Request, Response,
    body::{BodySize, BoxBody, MessageBody},
    error::PayloadError,
};
use actix_service::Service;
use actix_web::http::{StatusCode, Version};
use bytes::Bytes;
use futures_util::Stream;
use pin_project_lite::pin_project;

use super::{
    framing::Body,
    turn::{Turn, Turns, body_of},
};

/// The answer to a request that waited for `100 Continue`, on its way.
type Answering<B> = Pin<Box<dyn Future<Output = Result<Response<Answered<B>>, Response<BoxBody>>>>>;

/// The application of one worker, once it is made: shared by the two ways into it.
pub(super) type Application<S> = Rc<OnceCell<Rc<S>>>;

/// Answers requests, and goes on answering those that had to wait for [`continued`].
pub(super) struct InTurns<S, B> {
    application: Rc<S>,
    draining: Arc<AtomicBool>,
    bodies: PhantomData<B>,
}

impl<S, B> InTurns<S, B> {
    /// `draining`: connections close behind their next answers.
    pub(super) fn new(application: Rc<S>, draining: Arc<AtomicBool>) -> Self {
        Self { application, draining, bodies: PhantomData }
    }
}

impl<S, B> Service<Request> for InTurns<S, B>
where
    S: Service<Request>,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    type Response = Response<Answered<B>>;
    type Error = Response<BoxBody>;
    type Future = Answer<S::Future, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.application.poll_ready(cx).map_err(Into::into)
    }

    fn call(&self, mut request: Request) -> Self::Future {
        // Every request that comes from a connection has one; what stands in for another does not.
        let Some(turn) = turn(&mut request) else {
            let answer = request.extensions_mut().remove::<Answering<B>>();
            return Answer::Begun { answer };
        };
        let old = request.version() == Version::HTTP_10;
        let last = self.draining.load(Ordering::Relaxed);
        Answer::New { answer: self.application.call(request), turn: Some(turn), old, last }
    }
}

fn turn(request: &mut Request) -> Option<Turn> {
    let none = matches!(request.payload(), Payload::None);
    let turns = request.conn_data::<Turns>()?;
    Some(turns.begin(if none { Body::None } else { body_of(request.headers()) }))
}

pin_project! {
    /// An answer on its way.
    #[project = AnswerProjection]
    pub(super) enum Answer<F, B> {
        // `old`: for HTTP/1.0. `last`: the connection closes behind it.
        New { #[pin] answer: F, turn: Option<Turn>, old: bool, last: bool },
        Begun { answer: Option<Answering<B>> },
    }
}

impl<F, R, E, B> Future for Answer<F, B>
where
    F: Future<Output = Result<R, E>>,
    R: Into<Response<B>>,
    E: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    type Output = Result<Response<Answered<B>>, Response<BoxBody>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AnswerProjection::New { answer, turn, old, last } => {
                let answered = ready!(answer.poll(cx));
                let (turn, old, last) = (turn.take(), *old, *last);
                Poll::Ready(match answered {
                    Ok(response) => Ok(in_turn(response.into(), turn, old, last)),
                    Err(error) => {
                        Err(in_turn(error.into(), turn, old, last).map_body(|_, body| BoxBody::new(body)))
                    }
                })
            }
            AnswerProjection::Begun { answer: Some(answer) } => answer.as_mut().poll(cx),
            AnswerProjection::Begun { answer: None } => {
                Poll::Ready(Err(Response::new(StatusCode::INTERNAL_SERVER_ERROR)))
            }
        }
    }
}

fn in_turn<B: MessageBody>(
    mut response: Response<B>,
    turn: Option<Turn>,
    old: bool,
    last: bool,
) -> Response<Answered<B>> {
    let endless = old && response.body().size() == BodySize::Stream;
    if endless {
        response.head_mut().no_chunking(true);
    }
    let refused = response.status() == StatusCode::TOO_MANY_REQUESTS;
    let too_often = turn.as_ref().is_some_and(|turn| turn.refused(refused));
    if endless || too_often || last && !response.upgrade() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response.map_body(|_, body| Answered { body, _turn: turn })
}

pin_project! {
    /// A body whose end is the end of a turn.
    pub(super) struct Answered<B> {
        #[pin]
        body: B,
        _turn: Option<Turn>,
    }
}

impl<B: MessageBody> MessageBody for Answered<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        self.project().body.poll_next(cx)
    }
}

/// Answers a request that bears `Expect: 100-continue`, as far as that goes without its body. `last`: the connection
/// closes behind the answer.
///
/// # Errors
/// The answer, where the body was not asked for. Else what stands in for the request: [`InTurns`] takes it up when
/// `100 Continue` was sent.
pub(super) async fn continued<S, B>(
    application: Application<S>,
    mut request: Request,
    last: bool,
) -> Result<Request, Response<BoxBody>>
where
    S: Service<Request> + 'static,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let Some(service) = application.get().cloned() else {
        return Err(Response::new(StatusCode::SERVICE_UNAVAILABLE));
    };
    let turns = request.conn_data::<Turns>().cloned();
    let asked = Rc::new(Cell::new(false));
    let turn = turn(&mut request);
    let payload: BoxedPayloadStream =
        Box::pin(OnDemand { payload: request.take_payload(), asked: Rc::clone(&asked) });
    request = request.replace_payload(Payload::Stream { payload }).0;
    let old = false;
    let mut answer: Answering<B> = Box::pin(Answer::New { answer: service.call(request), turn, old, last });
    let early = poll_fn(|cx| match answer.as_mut().poll(cx) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if asked.get() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    let Some(answer) = early.await else {
        let stand_in = Request::new();
        stand_in.extensions_mut().insert(answer);
        return Ok(stand_in);
    };
    let mut refusal = match answer {
        Ok(response) => response.map_body(|_, body| BoxBody::new(body)),
        Err(response) => response,
    };
    if let Some(turns) = turns {
        turns.abandoned.set(true);
    }
    // Whether the body comes all the same is the caller's choice, and cannot be told from the next request.
    refusal.head_mut().set_connection_type(ConnectionType::Close);
    Err(refusal)
}

/// A body that notes that it was asked for.
struct OnDemand {
    payload: Payload,
    asked: Rc<Cell<bool>>,
}

impl Stream for OnDemand {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.asked.set(true);
        Pin::new(&mut this.payload).poll_next(cx)
    }
}
