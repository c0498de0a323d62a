//! The interfaces that a plugin imports, served by the installed test host.

/// `wasi:http` in the sandbox.
pub(crate) mod http {
    use crate::http::transport::{RawRequest, RawResponse, TransportError};
    use crate::testing::host::with;
    use crate::testing::sent_request::SentRequest;

    pub(crate) fn send(request: &RawRequest) -> Result<RawResponse, TransportError> {
        let Some((_, rest)) = request.url.split_once("://") else {
            return Err(TransportError::Malformed("its address is malformed".into()));
        };
        let path = rest.find(['/', '?']).map_or("/", |at| rest.get(at..).unwrap_or_default());
        let sent = SentRequest {
            method: request.method.name(),
            path: path.to_owned(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        };
        let (expected, fallback) = with(|state| {
            state.sent.push(sent.clone());
            let expected = state.host.script.pop_front();
            let fallback = if expected.is_none() { state.host.fallback.as_mut() } else { None };
            let fallback = fallback.map(|respond| respond(&sent));
            (expected, fallback)
        });
        match (expected, fallback) {
            (Some(expected), _) => expected.respond_to(&sent),
            (None, Some((status, body))) => Ok(RawResponse { status, headers: Vec::new(), body }),
            (None, None) => {
                panic!("the plugin sent {} {}, and no further request was expected", sent.method, sent.path)
            }
        }
    }
}

/// `crossdock:host/config`. Without a host no setting is set.
pub(crate) mod config {
    use crate::testing::host::with_installed;

    pub(crate) fn get(name: &str) -> Option<String> {
        with_installed(|state| state?.host.settings.get(name).cloned())
    }
}

/// `crossdock:host/log`. Without a host messages are dropped.
pub(crate) mod log {
    use crate::bindings::base::crossdock::host::log::Level;
    use crate::testing::host::with_installed;

    pub(crate) fn write(level: Level, message: &str) {
        with_installed(|state| {
            if let Some(state) = state {
                state.log.push((level, message.to_owned()));
            }
        });
    }
}

/// `crossdock:host/references`.
pub(crate) mod references {
    use crate::common::{Entity, Reference};
    use crate::testing::host::with;

    pub(crate) fn find(entity: &Entity) -> Vec<Reference> {
        with(|state| {
            let of_entity = state.host.references.iter().filter(|(other, _)| other == entity);
            of_entity.map(|(_, reference)| reference.clone()).collect()
        })
    }

    pub(crate) fn resolve(kind: &str, id: &str) -> Option<Entity> {
        with(|state| {
            let mut references = state.host.references.iter();
            references
                .find(|(_, other)| other.kind == kind && other.id == id)
                .map(|(entity, _)| entity.clone())
        })
    }
}

/// `crossdock:host/mappings`.
pub(crate) mod mappings {
    use crate::testing::host::with;

    pub(crate) fn get(table: &str, value: &str) -> Option<String> {
        with(|state| state.host.mappings.get(&(table.to_owned(), value.to_owned())).cloned())
    }
}

/// `crossdock:host/stores`.
pub(crate) mod stores {
    use crate::bindings::base::crossdock::host::stores::Store;
    use crate::testing::host::with;

    pub(crate) fn get(id: &str) -> Option<Store> {
        with(|state| state.host.stores.iter().map(|(store, _)| store).find(|store| store.id == id).cloned())
    }

    pub(crate) fn find(system: &str, code: &str) -> Option<Store> {
        let has_code = |codes: &[(String, String)]| codes.iter().any(|(s, c)| s == system && c == code);
        with(|state| {
            state.host.stores.iter().find(|(_, codes)| has_code(codes)).map(|(store, _)| store.clone())
        })
    }
}

/// `crossdock:host/files`: a folder that accepts every plain name once.
pub(crate) mod files {
    use crate::bindings::base::crossdock::host::files::Refusal;
    use crate::testing::host::{Folder, with};

    pub(crate) fn put(name: &str, content: &[u8]) -> Result<(), Refusal> {
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        with(|state| {
            let written: usize = state.files.iter().map(|(_, content)| content.len()).sum();
            let total = u64::try_from(written + content.len()).unwrap_or(u64::MAX);
            match state.host.folder {
                Folder::Missing => return Err(Refusal::NoFolder),
                Folder::Limited(limit) if total > limit => return Err(Refusal::TooLarge(limit)),
                Folder::Limited(_) | Folder::Unlimited => {}
            }
            if !is_plain || state.files.iter().any(|(other, _)| other == name) {
                return Err(Refusal::BadName);
            }
            state.files.push((name.to_owned(), content.to_vec()));
            Ok(())
        })
    }
}

/// `crossdock:host/numbers`.
pub(crate) mod numbers {
    use crate::testing::host::with;

    pub(crate) fn next(sequence: &str) -> u64 {
        with(|state| {
            let last = state.host.last_numbers.entry(sequence.to_owned()).or_default();
            *last += 1;
            *last
        })
    }
}
