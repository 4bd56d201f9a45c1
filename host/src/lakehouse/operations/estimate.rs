//! How long an operation will take, from the jobs of its kind that were seen.

use drls_runtime::answer::Effect;

/// Jobs from which on there is something to go by.
const LEAST_SEEN: usize = 3;

/// So many times the most work that was seen is promised at most: further off a line says nothing.
const REACH: f64 = 4.0;

/// Works that differ by less, as a share, are taken for equal.
const ALIKE: f64 = 0.1;

/// Newest jobs that say what each costs beside its work: Spark gets faster over its first dozens, and a machine's load ends.
const LATELY: usize = 5;

/// What a file costs beside its bytes: 4 MiB, as `spark.sql.files.openCostInBytes` has it.
const OPEN_COST: u64 = 4 << 20;

/// Milliseconds that the promised work will take, by the work and the milliseconds of the jobs that were `seen`, newest
/// first; none where those are too few, or too unlike it.
///
/// A line through them by the median of its slopes and that of the newest offsets (Theil 1950, Sen 1968): one job that found
/// Spark cold or the machine busy does not bend it. It neither falls nor begins below nothing.
pub(super) fn duration(promised: &Effect, seen: &[(Effect, u64)]) -> Option<u64> {
    if seen.len() < LEAST_SEEN {
        return None;
    }
    let points: Vec<(f64, f64)> = seen.iter().map(|(effect, ms)| (work(effect), float(*ms))).collect();
    // What is less than a file's own cost is alike, as manifests are, whose bytes no engine tells afterwards.
    let most = points.iter().map(|(work, _)| *work).fold(float(OPEN_COST), f64::max);
    let promised = work(promised);
    let pairs = points.iter().enumerate().flat_map(|(at, one)| points[at + 1..].iter().map(move |other| (one, other)));
    let apart = pairs.filter(|(a, b)| (a.0 - b.0).abs() > ALIKE * most).map(|(a, b)| (a.1 - b.1) / (a.0 - b.0));
    let slope = median(apart.collect()).filter(|slope| *slope > 0.0);
    // Without a slope the time of all that was seen holds for what is like it.
    let reach = if slope.is_some() { REACH } else { 1.0 + ALIKE };
    if promised > reach * most {
        return None;
    }
    let slope = slope.unwrap_or(0.0);
    let offset =
        median(points.iter().take(LATELY).map(|(work, ms)| ms - slope * work).collect()).unwrap_or(0.0).max(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float of milliseconds saturates")]
    Some((offset + slope * promised).round() as u64)
}

/// Bytes that are read or freed, and so many more for each file that comes or goes. No manifests: a result has them
/// counted, and most promises have not.
fn work(effect: &Effect) -> f64 {
    // What is not promised counts for no work.
    let apart = |before: Option<u64>, after: Option<u64>| before.zip(after).map_or(0, |(b, a)| b.abs_diff(a));
    let files = apart(effect.files_before, effect.files_after)
        + apart(effect.delete_files_before, effect.delete_files_after)
        + effect.snapshots_removed.unwrap_or(0);
    let bytes = float(effect.bytes_read.unwrap_or(0)) + float(effect.bytes_freed.unwrap_or(0));
    bytes + float(files) * float(OPEN_COST)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn float(number: u64) -> f64 {
    number as f64
}

/// Of an even number the lower: what disturbs a job makes it longer.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(mib: u64) -> Effect {
        Effect { bytes_read: Some(mib << 20), ..Effect::default() }
    }

    #[test]
    fn needs_three_jobs() {
        assert_eq!(duration(&reads(10), &[(reads(10), 500), (reads(20), 1000)]), None);
    }

    #[test]
    fn follows_the_work_and_a_cost_that_every_job_has() {
        let seen = [(reads(100), 3_000), (reads(200), 5_000), (reads(300), 7_000)];
        assert_eq!(duration(&reads(1_000), &seen), Some(21_000));
        assert_eq!(duration(&reads(1_000_000), &seen), None, "nobody has seen the like");
        assert_eq!(duration(&reads(0), &seen), Some(1_000));
    }

    #[test]
    fn is_not_bent_by_one_that_found_spark_cold() {
        let seen =
            [(reads(10), 60_000), (reads(100), 2_000), (reads(200), 3_000), (reads(300), 4_000), (reads(400), 5_000)];
        assert_eq!(duration(&reads(200), &seen), Some(3_000));
    }

    #[test]
    fn follows_jobs_that_get_faster() {
        let warming: Vec<_> = [600, 650, 750, 1_200, 1_500, 2_000].map(|ms| (reads(0), ms)).into();
        assert_eq!(duration(&reads(0), &warming[3..]), Some(1_500));
        assert_eq!(duration(&reads(0), &warming[2..]), Some(1_200));
        assert_eq!(duration(&reads(0), &warming), Some(750));
    }

    #[test]
    fn takes_the_middle_where_the_work_says_nothing() {
        let seen = [(reads(0), 40), (reads(0), 900), (reads(0), 50)];
        assert_eq!(duration(&reads(0), &seen), Some(50));
        let falling = [(reads(100), 3_000), (reads(200), 2_000), (reads(300), 1_000)];
        assert_eq!(duration(&reads(300), &falling), Some(2_000));
        assert_eq!(duration(&reads(900), &falling), None);
        let manifests = Effect { bytes_read: Some(90_000), ..Effect::default() };
        assert_eq!(duration(&manifests, &[(reads(0), 40), (reads(0), 900), (reads(0), 50)]), Some(50));
        let alike = [(reads(100), 3_000), (reads(101), 3_100), (reads(100), 2_900)];
        assert_eq!(duration(&reads(100), &alike), Some(3_000));
        assert_eq!(duration(&reads(1_000_000), &alike), None);
    }
}
