//! Numbers for people: counts, rates, sizes and times.

use step_api::Progress;

/// Writes progress as one phrase: `3/8 shards, 12,000 of 20,000 documents (60%), 4,300/s, 2 s left`.
pub(crate) fn phrase(progress: &Progress) -> String {
    let mut parts = Vec::new();
    let Progress { shards, documents, bytes, rate, eta_seconds } = progress;
    if shards.total > 0 {
        parts.push(format!("{}/{} shards", grouped(shards.done), grouped(shards.total)));
    }
    let done = documents.done.min(documents.total);
    if let Some(percent) = done.saturating_mul(100).checked_div(documents.total) {
        parts.push(format!(
            "{} of {} documents ({percent}%)",
            grouped(documents.done),
            grouped(documents.total)
        ));
        parts.extend(whole(*rate).map(|rate| format!("{}/s", grouped(rate))));
    } else if *bytes > 0 {
        parts.push(size(*bytes));
        parts.extend(whole(*rate).map(|rate| format!("{}/s", size(rate))));
    }
    parts.extend(eta_seconds.map(|seconds| format!("{} left", duration(seconds))));
    parts.join(", ")
}

/// Rounds a rate; nothing when there is none.
fn whole(rate: f64) -> Option<u64> {
    let rounded = format!("{rate:.0}").parse().ok()?;
    (rounded > 0).then_some(rounded)
}

/// Writes `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a number of bytes with a decimal unit.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS.get(unit).copied().unwrap_or("PB"))
}

/// Writes seconds as `2 s`, `3 min 20 s` or `5 h 10 min`.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use step_api::Count;

    use super::*;

    #[test]
    fn progress_reads_as_a_phrase() {
        let progress = Progress {
            shards: Count { done: 3, total: 8 },
            documents: Count { done: 12_000, total: 20_000 },
            bytes: 1,
            rate: 4300.4,
            eta_seconds: Some(200),
        };
        assert_eq!(
            phrase(&progress),
            "3/8 shards, 12,000 of 20,000 documents (60%), 4,300/s, 3 min 20 s left"
        );
        let snapshot = Progress {
            shards: Count { done: 1, total: 2 },
            bytes: 2_345_678,
            rate: 1e6,
            ..Progress::default()
        };
        assert_eq!(phrase(&snapshot), "1/2 shards, 2.3 MB, 1.0 MB/s");
    }

    #[test]
    fn numbers_are_grouped_and_sized() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_500), "1.5 kB");
        assert_eq!(size(u64::MAX), "18446.7 PB");
        assert_eq!(duration(3_700), "1 h 1 min");
    }
}
