//! A plugin's last words: the end of what it wrote to standard output and error.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// How much is kept: a panic's message and a stack of names fit.
const KEPT: usize = 4096;

/// How much is told with a failure.
const LINES: usize = 12;

/// Keeps the end of what is written to it.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<VecDeque<u8>>>);

impl Capture {
    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = bytes.get(bytes.len().saturating_sub(KEPT)..).unwrap_or(bytes);
        let over = (kept.len() + end.len()).saturating_sub(KEPT).min(kept.len());
        kept.drain(..over);
        kept.extend(end);
    }

    /// The last lines.
    pub(crate) fn last_words(&self) -> String {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(kept.make_contiguous());
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.get(lines.len().saturating_sub(LINES)..).unwrap_or(&lines).join("\n")
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Capture {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

#[async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Capture {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.keep(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let capture = Capture::default();
        for line in 0..10_000 {
            capture.keep(format!("line {line}\n").as_bytes());
        }
        capture.keep(&vec![b'x'; 3 * KEPT]);
        capture.keep(b"\n\nthe end\n");
        let words = capture.last_words();
        assert!(words.ends_with("x\nthe end"), "{words}");
        assert!(words.len() <= KEPT);
    }
}
