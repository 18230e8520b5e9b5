//! Compression: whole bodies at once, for what is kept, and bodies on their way out.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use async_compression::Level;
use async_compression::futures::bufread::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use async_compression::zstd::CParameter;
use futures_util::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use futures_util::{FutureExt, Stream, TryStreamExt};

use super::coding::Coding;

/// Bodies of fewer bytes go out as they are: a coding saves less than its header costs the next packet.
pub(crate) const LEAST: usize = 1_024;

/// How much work goes into a coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// While somebody waits.
    Fast,
    /// Beside all requests, once for many answers.
    High,
}

impl Effort {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::High => "high",
        }
    }

    fn level(self, coding: Coding) -> Level {
        // docs/delivery.md has the sizes and times behind these.
        Level::Precise(match (coding, self) {
            (Coding::Brotli, Self::Fast) => 2,
            (Coding::Brotli, Self::High) => 11,
            (Coding::Gzip | Coding::Zstd, Self::Fast) => 3,
            (Coding::Zstd, Self::High) => 19,
            (Coding::Gzip, Self::High) => 9,
            (Coding::Identity, _) => 0,
        })
    }
}

type Encoder = Pin<Box<dyn AsyncRead + Send>>;

fn encoder(source: impl AsyncBufRead + Send + 'static, length: usize, coding: Coding, effort: Effort) -> Encoder {
    let level = effort.level(coding);
    match coding {
        Coding::Brotli => Box::pin(BrotliEncoder::with_quality(source, level)),
        Coding::Zstd => Box::pin(ZstdEncoder::with_quality_and_params(source, level, &fitting(length))),
        Coding::Gzip => Box::pin(GzipEncoder::with_quality(source, level)),
        Coding::Identity => Box::pin(source),
    }
}

/// The longest that zstd looks back, as a power of two: 8 MiB, which browsers can do with (RFC 9659).
const WIDEST: u32 = 23;
/// The shortest: what tables take is nothing by then.
const NARROWEST: u32 = 14;

/// Tables of zstd that are as large as the body. Left to itself it makes those of a body without end: 85 MiB at the highest
/// level, which takes fifteen times as long to fill as a page of a list to compress.
fn fitting(length: usize) -> [CParameter; 3] {
    let bits = length.max(1).next_power_of_two().trailing_zeros();
    let bits = bits.clamp(NARROWEST, WIDEST);
    [
        CParameter::window_log(bits),
        CParameter::hash_log(bits),
        CParameter::chain_log(bits),
    ]
}

/// The whole body in this coding.
pub(crate) fn whole(body: &Bytes, coding: Coding, effort: Effort) -> Option<Bytes> {
    let mut encoded = Vec::with_capacity(body.len() / 4);
    let source = futures_util::io::Cursor::new(body.clone());
    // Memory never makes a reader wait, so one poll goes through.
    let read = encoder(source, body.len(), coding, effort)
        .read_to_end(&mut encoded)
        .now_or_never()?;
    read.is_ok().then(|| encoded.into())
}

/// A body that is compressed while it goes out. Nothing of it is kept, and its length is not known before.
pub(crate) struct Compressed {
    encoder: Encoder,
}

/// What is read from an encoder at a time, in bytes.
const CHUNK: usize = 16 * 1_024;

impl Compressed {
    /// Of chunks that are `length` bytes together.
    pub(crate) fn new(
        chunks: impl Stream<Item = std::io::Result<Bytes>> + Send + Unpin + 'static,
        length: usize,
        coding: Coding,
    ) -> Self {
        Self {
            encoder: encoder(chunks.into_async_read(), length, coding, Effort::Fast),
        }
    }
}

impl MessageBody for Compressed {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut chunk = vec![0; CHUNK];
        let mut filled = 0;
        while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.encoder.as_mut().poll_read(context, rest) {
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(Ok(read)) => filled += read,
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Pending if filled > 0 => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        chunk.truncate(filled);
        Poll::Ready((filled > 0).then(|| Ok(chunk.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], coding: Coding) -> Vec<u8> {
        use async_compression::futures::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
        let mut decoder: Encoder = match coding {
            Coding::Brotli => Box::pin(BrotliDecoder::new(futures_util::io::Cursor::new(bytes.to_vec()))),
            Coding::Zstd => Box::pin(ZstdDecoder::new(futures_util::io::Cursor::new(bytes.to_vec()))),
            Coding::Gzip => Box::pin(GzipDecoder::new(futures_util::io::Cursor::new(bytes.to_vec()))),
            Coding::Identity => unreachable!("nothing is decoded"),
        };
        let mut text = Vec::new();
        decoder.read_to_end(&mut text).now_or_never().unwrap().unwrap();
        text
    }

    fn text() -> Bytes {
        let lines = (0..2_000).map(|line| format!("line {line} of a text that repeats itself"));
        lines.collect::<Vec<_>>().join("\n").into()
    }

    #[test]
    fn every_coding_and_effort_makes_a_text_smaller_and_loses_nothing() {
        let text = text();
        for coding in Coding::COMPRESSED {
            for effort in [Effort::Fast, Effort::High] {
                let encoded = whole(&text, coding, effort).unwrap();
                assert!(encoded.len() < text.len() / 4, "{} {}", coding.name(), effort.name());
                assert_eq!(decoded(&encoded, coding), text);
            }
        }
    }

    #[test]
    fn zstd_loses_nothing_whatever_the_length_and_whatever_length_was_told() {
        for length in [0, 1, 16_383, 16_384, 16_385, 300_000] {
            let text: Bytes = text().iter().copied().cycle().take(length).collect();
            for effort in [Effort::Fast, Effort::High] {
                let encoded = whole(&text, Coding::Zstd, effort).unwrap();
                assert_eq!(decoded(&encoded, Coding::Zstd), text);
            }
            let source = futures_util::io::Cursor::new(text.clone());
            let mut told_wrong = encoder(source, 5, Coding::Zstd, Effort::High);
            let mut encoded = Vec::new();
            told_wrong.read_to_end(&mut encoded).now_or_never().unwrap().unwrap();
            assert_eq!(decoded(&encoded, Coding::Zstd), text);
        }
    }

    #[test]
    fn a_stream_has_the_same_bytes_as_the_whole() {
        let text = text();
        for coding in Coding::COMPRESSED {
            let chunks: Vec<_> = text
                .chunks(777)
                .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                .collect();
            let mut body = Box::pin(Compressed::new(futures_util::stream::iter(chunks), text.len(), coding));
            let mut sent = Vec::new();
            let mut context = Context::from_waker(std::task::Waker::noop());
            while let Poll::Ready(Some(chunk)) = body.as_mut().poll_next(&mut context) {
                sent.extend_from_slice(&chunk.unwrap());
            }
            assert_eq!(decoded(&sent, coding), text, "{}", coding.name());
        }
    }
}
