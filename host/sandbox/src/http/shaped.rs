//! A body that is counted, slowed down, broken off or changed on its way.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::ClosedOnPurpose;
use crate::control::pass_time;
use crate::server::Server;

/// Pieces of a slow body that come in a second.
const PIECES_PER_SECOND: u64 = 20;

/// Before a connection is broken off, what was written must have left the buffers.
const FLUSH: Duration = Duration::from_millis(50);

/// How a body is changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// It breaks off after so many bytes, if there are more.
    pub(super) close_after: Option<u64>,
    pub(super) bytes_per_second: Option<u64>,
    /// The place of a byte that becomes another.
    pub(super) wrong_byte: Option<u64>,
    /// Becomes true when it breaks off.
    pub(super) broke_off: Arc<AtomicBool>,
}

/// Whose bytes are counted: the server, and the number of the request.
pub(super) type Counted = (Arc<Server>, u64);

struct Shaped {
    inner: Body,
    shape: Shape,
    counted: Option<Counted>,
    /// Bytes that have passed.
    passed: u64,
    /// What is here and has not passed yet.
    waiting: Bytes,
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

pub(super) fn shaped(inner: Body, shape: Shape, counted: Option<Counted>) -> Body {
    Body::new(Shaped {
        inner,
        shape,
        counted,
        passed: 0,
        waiting: Bytes::new(),
        pause: None,
    })
}

impl Shaped {
    /// How much of what waits may pass now; `None` when the body breaks off here.
    fn allowance(&self) -> Option<usize> {
        let mut allowed = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        if let Some(rate) = self.shape.bytes_per_second {
            allowed = allowed.min((rate / PIECES_PER_SECOND).max(1));
        }
        if let Some(limit) = self.shape.close_after {
            allowed = allowed.min(limit.saturating_sub(self.passed));
        }
        // It is not larger than what waits, which is in memory.
        usize::try_from(allowed).ok().filter(|allowed| *allowed > 0)
    }

    fn next_piece(&mut self, length: usize) -> Bytes {
        let mut piece = self.waiting.split_to(length);
        let place = self
            .shape
            .wrong_byte
            .and_then(|at| at.checked_sub(self.passed));
        if let Some(place) = place.and_then(|place| usize::try_from(place).ok())
            && place < piece.len()
        {
            let mut changed = piece.to_vec();
            changed[place] ^= 0xff;
            piece = changed.into();
        }
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.passed += length;
        if let Some((server, number)) = &self.counted {
            let passed = self.passed;
            server
                .control
                .change_request(*number, |request| request.bytes_in = passed);
        }
        if let Some(rate) = self.shape.bytes_per_second {
            let micros = length.saturating_mul(1_000_000) / rate;
            self.pause = Some(Box::pin(pass_time(Duration::from_micros(micros))));
        } else if self.shape.close_after == Some(self.passed) {
            self.pause = Some(Box::pin(pass_time(FLUSH)));
        }
        piece
    }
}

impl HttpBody for Shaped {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            if !self.waiting.is_empty() {
                let Some(length) = self.allowance() else {
                    self.shape.broke_off.store(true, Ordering::Relaxed);
                    return Poll::Ready(Some(Err(axum::Error::new(ClosedOnPurpose))));
                };
                let piece = self.next_piece(length);
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.waiting = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let waiting = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(waiting));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(waiting));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn read(shape: Shape) -> Result<String, String> {
        let body = shaped(Body::from("hello world"), shape, None);
        let bytes = to_bytes(body, 1000).await;
        bytes
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_body_is_changed_as_asked() {
        assert_eq!(read(Shape::default()).await.unwrap(), "hello world");
        let slow = Shape {
            bytes_per_second: Some(1000),
            ..Shape::default()
        };
        assert_eq!(read(slow).await.unwrap(), "hello world");
        for (limit, is_whole) in [(0, false), (10, false), (11, true), (12, true)] {
            let cut = Shape {
                close_after: Some(limit),
                ..Shape::default()
            };
            assert_eq!(read(cut).await.is_ok(), is_whole, "{limit}");
        }
        let body = shaped(
            Body::from("abc"),
            Shape {
                wrong_byte: Some(1),
                ..Shape::default()
            },
            None,
        );
        let bytes = to_bytes(body, 10).await.unwrap();
        assert_eq!(&*bytes, [b'a', b'b' ^ 0xff, b'c']);
    }
}
