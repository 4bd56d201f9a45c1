//! Instants as the host and the HTTP contract write them: milliseconds since the Unix epoch, and RFC 3339 text.

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

/// Milliseconds of a day.
pub const DAY: u64 = 86_400_000;

/// Reads RFC 3339 text with any offset.
///
/// # Errors
/// A sentence that says what would be right.
///
/// ```
/// use drls_plugin::time::parse;
/// assert_eq!(parse("2026-11-23T12:00:00Z"), Ok(1_795_435_200_000));
/// assert_eq!(parse("2026-11-23T13:00:00.5+01:00"), Ok(1_795_435_200_500));
/// assert!(parse("yesterday").is_err());
/// ```
pub fn parse(text: &str) -> Result<i64, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .and_then(|instant| i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).ok())
        .ok_or_else(|| format!("\"{text}\" is not an RFC 3339 time such as \"2026-11-23T12:00:00Z\""))
}

/// Writes an instant in UTC; milliseconds only where there are some.
///
/// ```
/// use drls_plugin::time::format;
/// assert_eq!(format(1_795_435_200_000), "2026-11-23T12:00:00Z");
/// assert_eq!(format(1_795_435_200_500), "2026-11-23T12:00:00.5Z");
/// ```
pub fn format(milliseconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .ok()
        .and_then(|instant| instant.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{milliseconds} ms"))
}

/// Age of `then` at `now`, milliseconds; 0 for the future.
pub fn age(then: i64, now: i64) -> u64 {
    u64::try_from(now.saturating_sub(then)).unwrap_or(0)
}
