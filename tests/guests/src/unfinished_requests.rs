//! Requests that occupy memory of the host and not of the plugin: bodies that are never sent, and requests whose bodies
//! never end.

use crossdock_sdk::prelude::*;

use crate::outcome::note;
#[cfg(target_arch = "wasm32")]
use crate::settings;

/// Creates `count` requests, writes as many bytes into their bodies as the host accepts, and sends none. The note is
/// the number of bytes.
#[cfg(target_arch = "wasm32")]
pub fn unsent() -> Outcome {
    let requests: Vec<_> = (0..settings::count()).map(|_| wasi::create()).collect();
    let accepted: usize = requests.iter().map(wasi::Unsent::fill).sum();
    note(&accepted.to_string())
}

/// Sends `count` requests and writes a MiB into the body of each without finishing it. The note is the number of bytes.
#[cfg(target_arch = "wasm32")]
pub fn open() -> Outcome {
    let requests: Vec<_> = (0..settings::count()).map(|_| wasi::create().send()).collect();
    let accepted: usize = requests.iter().map(|open| open.write(1 << 20)).sum();
    note(&accepted.to_string())
}

#[cfg(target_arch = "wasm32")]
mod wasi {
    use wasip2::http::outgoing_handler;
    use wasip2::http::types::{
        Fields, FutureIncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
    };
    use wasip2::io::streams::OutputStream;

    pub struct Unsent {
        request: OutgoingRequest,
        // Dropped before the body that it belongs to.
        stream: OutputStream,
        body: OutgoingBody,
    }

    pub struct Open {
        stream: OutputStream,
        _body: OutgoingBody,
        _response: Option<FutureIncomingResponse>,
    }

    pub fn create() -> Unsent {
        let request = OutgoingRequest::new(Fields::new());
        let url = crate::settings::url();
        let _ = request.set_method(&Method::Post);
        let _ = request.set_scheme(Some(&Scheme::Http));
        let _ = request.set_authority(Some(url.trim_start_matches("http://")));
        let _ = request.set_path_with_query(Some("/"));
        let Ok(body) = request.body() else { panic!("a request has a body") };
        let Ok(stream) = body.write() else { panic!("a body has a stream") };
        Unsent { request, stream, body }
    }

    impl Unsent {
        /// Writes until the host accepts no more bytes without blocking. Returns the number of bytes accepted.
        pub fn fill(&self) -> usize {
            let mut accepted = 0;
            while let Ok(permitted @ 1..) = self.stream.check_write() {
                let chunk = vec![b'x'; permitted as usize];
                if self.stream.write(&chunk).is_err() {
                    break;
                }
                accepted += chunk.len();
            }
            accepted
        }

        pub fn send(self) -> Open {
            let response = outgoing_handler::handle(self.request, None).ok();
            Open { stream: self.stream, _body: self.body, _response: response }
        }
    }

    impl Open {
        /// Writes this many bytes. Returns the number of bytes accepted.
        pub fn write(&self, bytes: usize) -> usize {
            let chunk = [b'x'; 4096];
            let chunks = 0..bytes / chunk.len();
            chunks.take_while(|_| self.stream.blocking_write_and_flush(&chunk).is_ok()).count() * chunk.len()
        }
    }
}

/// A native build has no host.
#[cfg(not(target_arch = "wasm32"))]
pub fn unsent() -> Outcome {
    note("0")
}

/// A native build has no host.
#[cfg(not(target_arch = "wasm32"))]
pub fn open() -> Outcome {
    note("0")
}
