//! Small arithmetic of scores.

/// How far `value` fills `full`: `min(value, full) / full`, from 0 to 1; 1 where there is nothing to fill. This is `n` of
/// the formulas in Apache Amoro's `CommonPartitionEvaluator`.
///
/// ```
/// use drls_plugin::weigh::filled;
/// assert_eq!(filled(3.0, 12.0), 0.25);
/// assert_eq!(filled(30.0, 12.0), 1.0);
/// ```
pub fn filled(value: f64, full: f64) -> f64 {
    if full > 0.0 { value.min(full) / full } else { 1.0 }
}

/// `share` of `weight` points, rounded up as Amoro does: what is worth telling costs a point at least.
///
/// ```
/// use drls_plugin::weigh::points;
/// assert_eq!(points(40, 0.51), 21);
/// assert_eq!(points(40, 0.001), 1);
/// ```
pub fn points(weight: u8, share: f64) -> u8 {
    (f64::from(weight) * share.clamp(0.0, 1.0)).ceil() as u8
}
