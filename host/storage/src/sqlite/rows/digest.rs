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

/// The first 16 bytes of the SHA-256 of an idempotency key: what identifies it for ever.
pub(in crate::sqlite) fn key_hash(key: &str) -> [u8; 16] {
    let mut hash = [0; 16];
    for (to, from) in hash.iter_mut().zip(Sha256::digest(key.as_bytes())) {
        *to = from;
    }
    hash
}
