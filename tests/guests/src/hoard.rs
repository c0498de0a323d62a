//! Makes the host hold what the plugin does not: bodies that are begun and never sent, requests that are sent and
//! never end.

use crossdock_sdk::prelude::*;

/// Begins `count` requests, fills their bodies with as much as the host takes, and sends none.
#[cfg(target_arch = "wasm32")]
pub fn unsent() -> Outcome {
    let hoard: Vec<_> = (0..crate::count()).map(|_| wire::begin()).collect();
    let taken: usize = hoard.iter().map(wire::Begun::fill).sum();
    crate::note(&taken.to_string())
}

/// Sends `count` requests and writes a MiB into the body of each, without ending one.
#[cfg(target_arch = "wasm32")]
pub fn open() -> Outcome {
    let hoard: Vec<_> = (0..crate::count()).map(|_| wire::begin().send()).collect();
    let taken: usize = hoard.iter().map(|open| open.write(1 << 20)).sum();
    crate::note(&taken.to_string())
}

#[cfg(target_arch = "wasm32")]
mod wire {
    use wasip2::http::outgoing_handler;
    use wasip2::http::types::{
        Fields, FutureIncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
    };
    use wasip2::io::streams::OutputStream;

    pub struct Begun {
        request: OutgoingRequest,
        // Dropped before the body that it belongs to.
        stream: OutputStream,
        body: OutgoingBody,
    }

    pub struct Open {
        stream: OutputStream,
        _body: OutgoingBody,
        _answer: Option<FutureIncomingResponse>,
    }

    pub fn begin() -> Begun {
        let request = OutgoingRequest::new(Fields::new());
        let url = crate::url();
        let _ = request.set_method(&Method::Post);
        let _ = request.set_scheme(Some(&Scheme::Http));
        let _ = request.set_authority(Some(url.trim_start_matches("http://")));
        let _ = request.set_path_with_query(Some("/"));
        let Ok(body) = request.body() else { panic!("a request has a body") };
        let Ok(stream) = body.write() else { panic!("a body has a stream") };
        Begun { request, stream, body }
    }

    impl Begun {
        /// Writes as long as the host takes something without waiting. Answers how much it took.
        pub fn fill(&self) -> usize {
            let mut taken = 0;
            while let Ok(room @ 1..) = self.stream.check_write() {
                let piece = vec![b'x'; room as usize];
                if self.stream.write(&piece).is_err() {
                    break;
                }
                taken += piece.len();
            }
            taken
        }

        pub fn send(self) -> Open {
            let answer = outgoing_handler::handle(self.request, None).ok();
            Open { stream: self.stream, _body: self.body, _answer: answer }
        }
    }

    impl Open {
        /// Writes so many bytes. Answers how many the host took.
        pub fn write(&self, bytes: usize) -> usize {
            let piece = [b'x'; 4096];
            let pieces = 0..bytes / piece.len();
            pieces.take_while(|_| self.stream.blocking_write_and_flush(&piece).is_ok()).count() * piece.len()
        }
    }
}

/// Outside of a component there is no host to burden.
#[cfg(not(target_arch = "wasm32"))]
pub fn unsent() -> Outcome {
    crate::note("0")
}

/// Outside of a component there is no host to burden.
#[cfg(not(target_arch = "wasm32"))]
pub fn open() -> Outcome {
    crate::note("0")
}
