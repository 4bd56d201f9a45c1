//! Sizes and times as people write them.

use std::time::Duration;

/// "64 MiB" in bytes.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
    number(text, &units).ok_or_else(|| format!("{text:?} is not a size; write \"64 MiB\" (B, KiB, MiB or GiB)"))
}

/// "500 ms" as a time.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let ms = number(text, &[("ms", 1), ("s", 1000)]);
    ms.map(Duration::from_millis).ok_or_else(|| format!("{text:?} is not a time; write \"500 ms\" or \"2 s\""))
}

fn number(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    number.checked_mul(*factor).filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes_and_times() {
        assert_eq!(bytes("64 MiB"), Ok(64 << 20));
        assert_eq!(bytes("10B"), Ok(10));
        assert_eq!(time("2 s"), Ok(Duration::from_secs(2)));
        for wrong in ["64", "64 MB", "-1 MiB", "0 B", "99999999999 GiB", "MiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert!(time("5 min").is_err());
    }
}
