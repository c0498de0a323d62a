//! Requests as they are sealed: the length of a JSON head, the head, the bytes.

use crossdock_engine::view::Inbound;
use crossdock_engine::{Request, Result};
use crossdock_model::time::Millis;

use crate::sqlite::statement::{Cells, to_json, unreadable};
use crate::vault::{Bound, Vault};

/// A request in one piece.
pub(in crate::sqlite) fn pack(request: &Request) -> Result<Vec<u8>> {
    let head = (&request.method, &request.query, &request.headers, &request.file);
    let head = to_json("the head of a request", &head)?;
    let mut packed = Vec::with_capacity(4 + head.len() + request.body.len());
    packed.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
    packed.extend_from_slice(head.as_bytes());
    packed.extend_from_slice(&request.body);
    Ok(packed)
}

/// Method, query, headers and file name.
#[derive(serde::Deserialize)]
struct Head(String, String, Vec<(String, String)>, Option<String>);

/// The request that was packed.
pub(in crate::sqlite) fn unpack(packed: &[u8]) -> Result<Request> {
    let wrong = |reason: &str| unreadable("a stored request", reason);
    let (length, rest) = packed.split_first_chunk::<4>().ok_or_else(|| wrong("it is too short"))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| wrong("its head is too long"))?;
    let (head, body) = rest.split_at_checked(length).ok_or_else(|| wrong("its head is cut off"))?;
    let Head(method, query, headers, file) =
        serde_json::from_slice(head).map_err(|error| wrong(&error.to_string()))?;
    Ok(Request { method, query, headers, body: body.to_vec(), file })
}

/// Reads a request with its bytes.
pub(in crate::sqlite) fn inbound(cells: &mut Cells<'_>, vault: &Vault) -> Result<Inbound> {
    let (id, connector, received_at) = (cells.next()?, cells.next()?, Millis(cells.next()?));
    let (trace, attempts) = (cells.next()?, cells.next()?);
    let day: Option<i64> = cells.next()?;
    let (sealed, key): (Option<&[u8]>, Option<&[u8]>) = (cells.next()?, cells.next()?);
    let request = match (day, sealed, key) {
        (Some(day), Some(sealed), Some(key)) => {
            let plain = vault.open_key(Bound::DayKey(day), key)?.open(Bound::Inbound(id), sealed)?;
            Some(unpack(&plain)?)
        }
        _ => None,
    };
    Ok(Inbound { id, connector, received_at, trace, attempts, request })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_packed() {
        let request = Request {
            method: "POST".into(),
            query: "a=b".into(),
            headers: vec![("topic".into(), "orders/create".into())],
            body: vec![0, 1, 255],
            file: Some("orders.csv".into()),
        };
        let packed = pack(&request).unwrap();
        assert_eq!(unpack(&packed).unwrap(), request);
        assert!(unpack(&packed[..5]).is_err());
        assert!(unpack(&[]).is_err());
    }
}
