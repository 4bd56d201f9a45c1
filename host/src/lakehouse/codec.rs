//! How cached Iceberg metadata is kept: one version byte, then postcard packed by zstd. A body that does not read back
//! is a miss, never an error: the file that it came from is still there.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Counts up with every change of the cached types.
const VERSION: u8 = 2;

/// zstd level: 1 packs paths with their shared prefixes some ten times, at several hundred MB/s.
const LEVEL: i32 = 1;

/// Packs a value.
pub(super) fn pack<T: Serialize>(value: &T) -> anyhow::Result<Vec<u8>> {
    let mut body = vec![VERSION];
    body.extend(zstd::encode_all(postcard::to_allocvec(value)?.as_slice(), LEVEL)?);
    Ok(body)
}

/// Bytes of a value before it is packed.
pub(super) fn size<T: Serialize>(value: &T) -> u64 {
    let size = postcard::ser_flavors::Size::default();
    postcard::serialize_with_flavor(value, size).map_or(u64::MAX, |bytes: usize| bytes as u64)
}

/// Reads a packed value back; none where it was packed by another version or is damaged.
pub(super) fn unpack<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let (version, packed) = body.split_first()?;
    if *version != VERSION {
        return None;
    }
    postcard::from_bytes(&zstd::decode_all(packed).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_of_what_is_held_and_not_of_what_is_kept() {
        let alike = vec!["s3://lake/warehouse/table/data/region=r0".to_owned(); 1000];
        let packed = pack(&alike).expect("packs");
        assert_eq!(unpack::<Vec<String>>(&packed).as_ref(), Some(&alike));
        assert!(size(&alike) > 40 * 1000);
        assert!(packed.len() < 1000, "{}", packed.len());
    }
}
