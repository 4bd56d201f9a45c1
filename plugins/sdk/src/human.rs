//! Figures for people: in titles and warnings. Machines read `evidence`.

/// A size in binary units, three digits at most.
///
/// ```
/// use drls_plugin::human::bytes;
/// assert_eq!(bytes(999), "999 B");
/// assert_eq!(bytes(1_536), "1.5 KiB");
/// assert_eq!(bytes(536_870_912), "512 MiB");
/// assert_eq!(bytes(1_048_575), "1 MiB");
/// ```
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", short(value), UNITS[unit])
}

/// A time span in its largest fitting unit.
///
/// ```
/// use drls_plugin::human::duration;
/// assert_eq!(duration(450), "450 ms");
/// assert_eq!(duration(90_000), "1.5 min");
/// assert_eq!(duration(5 * 86_400_000), "5 days");
/// assert_eq!(duration(86_400_000), "1 day");
/// ```
pub fn duration(milliseconds: u64) -> String {
    let ms = milliseconds as f64;
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{} s", short(ms / 1e3)),
        60_000..3_600_000 => format!("{} min", short(ms / 6e4)),
        3_600_000..86_400_000 => format!("{} h", short(ms / 3.6e6)),
        _ => match short(ms / 8.64e7).as_str() {
            "1" => "1 day".into(),
            days => format!("{days} days"),
        },
    }
}

/// A number with its noun, digits in groups of three.
///
/// ```
/// use drls_plugin::human::count;
/// assert_eq!(count(1, "file"), "1 file");
/// assert_eq!(count(336_776, "row"), "336,776 rows");
/// assert_eq!(count(2, "entry"), "2 entries");
/// ```
pub fn count(n: u64, noun: &str) -> String {
    match (n, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{} {stem}ies", number(n)),
        _ => format!("{} {noun}s", number(n)),
    }
}

/// A number, digits in groups of three.
///
/// ```
/// assert_eq!(drls_plugin::human::number(1_234_567), "1,234,567");
/// ```
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share of one as a percentage.
///
/// ```
/// use drls_plugin::human::percent;
/// assert_eq!(percent(0.75), "75 %");
/// assert_eq!(percent(0.053), "5.3 %");
/// assert_eq!(percent(0.997), "100 %");
/// ```
pub fn percent(share: f64) -> String {
    format!("{} %", short(share * 100.0))
}

/// One decimal under ten, none above, and never ".0". In whole numbers: the formatting of floats is 10 KB of code.
fn short(value: f64) -> String {
    let tenths = (value * 10.0).round() as u64;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => whole.to_string(),
        (whole, tenth) if whole < 10 => format!("{whole}.{tenth}"),
        _ => (value.round() as u64).to_string(),
    }
}
