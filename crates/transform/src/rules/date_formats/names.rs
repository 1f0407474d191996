//! The named date formats, and their old spelling.
//!
//! Elasticsearch up to 7 and OpenSearch take `dateOptionalTime` and `date_optional_time`;
//! Elasticsearch 8 takes only the second.

/// Named formats without the prefix `strict_`. From "Built-in formats" in the documentation of the
/// mapping parameter `format`, Elasticsearch 6.8 to 8.
const NAMES: [&str; 51] = [
    "basic_date",
    "basic_date_time",
    "basic_date_time_no_millis",
    "basic_ordinal_date",
    "basic_ordinal_date_time",
    "basic_ordinal_date_time_no_millis",
    "basic_t_time",
    "basic_t_time_no_millis",
    "basic_time",
    "basic_time_no_millis",
    "basic_week_date",
    "basic_week_date_time",
    "basic_week_date_time_no_millis",
    "date",
    "date_hour",
    "date_hour_minute",
    "date_hour_minute_second",
    "date_hour_minute_second_fraction",
    "date_hour_minute_second_millis",
    "date_optional_time",
    "date_optional_time_nanos",
    "date_time",
    "date_time_no_millis",
    "epoch_millis",
    "epoch_second",
    "hour",
    "hour_minute",
    "hour_minute_second",
    "hour_minute_second_fraction",
    "hour_minute_second_millis",
    "iso8601",
    "ordinal_date",
    "ordinal_date_time",
    "ordinal_date_time_no_millis",
    "rfc3339_lenient",
    "t_time",
    "t_time_no_millis",
    "time",
    "time_no_millis",
    "week_date",
    "week_date_time",
    "week_date_time_no_millis",
    "week_year",
    "week_year_week",
    "week_year_week_day",
    "weekyear",
    "weekyear_week",
    "weekyear_week_day",
    "year",
    "year_month",
    "year_month_day",
];

/// Returns whether a format is a name, in either spelling.
pub(super) fn is_name(format: &str) -> bool {
    is_snake_case_name(format) || snake_case(format).is_some()
}

/// Returns the current spelling of a name in camel case, or `None` if it is not one.
pub(super) fn snake_case(format: &str) -> Option<String> {
    if !format.contains(|character: char| character.is_ascii_uppercase()) {
        return None;
    }
    let mut snake = String::new();
    for character in format.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    is_snake_case_name(&snake).then_some(snake)
}

fn is_snake_case_name(format: &str) -> bool {
    NAMES.contains(&format.strip_prefix("strict_").unwrap_or(format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_patterns() {
        for (camel, snake) in [
            ("dateOptionalTime", "date_optional_time"),
            ("strictDateHourMinuteSecondMillis", "strict_date_hour_minute_second_millis"),
            ("basicTTimeNoMillis", "basic_t_time_no_millis"),
            ("tTime", "t_time"),
            ("strictWeekyearWeekDay", "strict_weekyear_week_day"),
        ] {
            assert_eq!(snake_case(camel).as_deref(), Some(snake));
            assert!(is_name(camel) && is_name(snake), "{camel}");
        }
        for pattern in ["YYYY", "yyyy-MM-dd", "epochMillisX", "HH", "date_", "dMMMy"] {
            assert!(!is_name(pattern), "{pattern}");
        }
    }
}
