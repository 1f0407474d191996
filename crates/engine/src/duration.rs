//! How long is `1h30m`? Durations as Argo's manifests write them.

use std::time::Duration;

use thiserror::Error;

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a duration; write seconds as in `10`, or units as in `1h30m`, `5s`, `500ms`")]
pub(crate) struct DurationError(String);

/// Units from nanoseconds to hours.
const UNITS: [(&str, f64); 7] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

/// Reads a duration: a bare number is seconds, otherwise every number has a unit.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let wrong = || DurationError(text.to_owned());
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut seconds = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit_length = tail
            .find(|character: char| character.is_ascii_digit() || character == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_length);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        seconds += number * scale;
        rest = tail;
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_units_are_read() {
        let read = |text: &str| parse(text).expect(text);
        assert_eq!(read("10"), Duration::from_secs(10));
        assert_eq!(read("1h30m"), Duration::from_mins(90));
        assert_eq!(read("500ms"), Duration::from_millis(500));
        assert_eq!(read("1.5s"), Duration::from_millis(1500));
        assert_eq!(read("0"), Duration::ZERO);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "-5", "5 s", "s", "5d", "1.2.3s", "5s3", "1e9"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
