//! Digests: SHA-256 in hexadecimal among the engine's rows, its bytes in the database.

use sha2::{Digest as _, Sha256};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Sqlite, Type, TypeInfo as _, ValueRef as _};

/// A digest as it is stored. Any text that is not hexadecimal is stored as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Digest(pub(in crate::sqlite) String);

impl Type<Sqlite> for Digest {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }

    fn compatible(_: &SqliteTypeInfo) -> bool {
        true
    }
}

impl Encode<'_, Sqlite> for Digest {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        match hex::decode(&self.0) {
            Ok(bytes) if hex::encode(&bytes) == self.0 => {
                <Vec<u8> as Encode<'_, Sqlite>>::encode_by_ref(&bytes, buffer)
            }
            _ => <String as Encode<'_, Sqlite>>::encode_by_ref(&self.0, buffer),
        }
    }
}

impl Decode<'_, Sqlite> for Digest {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.type_info().name() == "BLOB" {
            return Ok(Self(hex::encode(<&[u8] as Decode<'_, Sqlite>>::decode(value)?)));
        }
        Ok(Self(<String as Decode<'_, Sqlite>>::decode(value)?))
    }
}

/// How many bytes of the number in a key stand before its hash.
const NUMBER_BYTES: usize = 6;

/// What identifies an idempotency key for ever: 128 bits of its SHA-256, behind the lower 48 bits of the number in it.
///
/// Sources number what they report, so keys that come together lie together. A hash alone would fall anywhere in the
/// table, and each key would change a page of its own.
pub(in crate::sqlite) fn key_hash(key: &str) -> [u8; NUMBER_BYTES + 16] {
    let number = number_in(key).to_be_bytes().into_iter().skip(size_of::<u64>() - NUMBER_BYTES);
    let mut hash = [0; NUMBER_BYTES + 16];
    for (to, from) in hash.iter_mut().zip(number.chain(Sha256::digest(key.as_bytes()))) {
        *to = from;
    }
    hash
}

/// The longest number in a text, the first of equally long ones; 0 where there is none.
fn number_in(text: &str) -> u64 {
    let mut longest = "";
    for digits in text.split(|c: char| !c.is_ascii_digit()) {
        if digits.len() > longest.len() {
            longest = digits;
        }
    }
    longest.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_numbered_in_a_row_lie_side_by_side() {
        let key = |number: u64| key_hash(&format!("shopify/acme-2/order/{number}/placed"));
        assert!((5_100_000_000..5_100_000_050).is_sorted_by(|a, b| key(*a) < key(*b)));
        assert_ne!(key_hash("shopify/acme/order/7/placed"), key_hash("shopify/acme/order/7/paid"));
        for (text, number) in [("", 0), ("a", 0), ("a-12/b-345", 345), ("12/34", 12)] {
            assert_eq!(number_in(text), number, "{text}");
        }
    }
}
