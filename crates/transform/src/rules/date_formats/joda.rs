//! One Joda pattern as patterns of java.time.
//!
//! ```text
//!  letter   Joda                    java.time     why
//!  G a      era, half of day        same          one letter at most for `a`
//!  C        century of era          impossible    java.time has no such field
//!  Y        year of era             y             `Y` is the week-based year
//!  y        year                    u             `y` is the year of an era, never 0 or negative
//!  YY yy    year, pivoted           yy uu         always 2000 to 2099
//!  x        week-based year         Y             `x` is a zone offset
//!  w e D    week, day of week, year same          at most 2, 1, 3 digits
//!  M d      month, day of month     same          `MMM` and more is text
//!  E        name of the day         same          `EEEE` and more is the full name
//!  K h H k  hours                   same          at most 2 digits
//!  m s      minutes, seconds        same          at most 2 digits
//!  S        fraction of a second    same          at most 9 digits
//!  z        name of the zone        same
//!  Z        offset without a colon  Z             Joda also reads `Z`, `+01` and `+01:00`
//!  ZZ       offset with a colon     xxx           the same
//!  ZZZ      zone id                 VV
//! ```
//!
//! Joda reads `2019-1-5` with `yyyy-MM-dd`, fewer digits of a fraction, and both forms of names;
//! java.time does not. So a second, lenient pattern follows the first one, which also prints.
//!
//! Sources: the pages "Java time migration guide" of Elasticsearch 7 and 8, the class documentation
//! of `org.joda.time.format.DateTimeFormat` and `java.time.format.DateTimeFormatter`. Each letter
//! was compared with Joda 2.12 and the java.time of JDK 17 and 25.

/// A pattern in the language of java.time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translation {
    /// The pattern that prints.
    pub(super) exact: String,
    /// A pattern that also reads what Joda read, if it differs.
    pub(super) lenient: Option<String>,
    /// Whether the pattern contains names of months or days.
    pub(super) has_names: bool,
    /// Whether the pattern contains weeks or numbers of days, whose count depends on the locale.
    pub(super) has_weeks: bool,
    /// Whether two digits stand for a year.
    pub(super) has_two_digit_year: bool,
}

/// A letter that is repeated, or text between letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Letter(char, usize),
    Text(&'a str),
}

impl Token<'_> {
    /// Returns whether Joda reads digits here.
    fn is_number(self) -> bool {
        match self {
            Self::Letter('M', count) => count < 3,
            Self::Letter(letter, _) => "CYxwyeDdKhHkmsS".contains(letter),
            Self::Text(_) => false,
        }
    }
}

/// Translates a pattern, or returns why that is impossible.
pub(super) fn translate(pattern: &str) -> Result<Translation, String> {
    let tokens = tokens(pattern)?;
    let mut translation = Translation {
        exact: String::new(),
        lenient: None,
        has_names: false,
        has_weeks: false,
        has_two_digit_year: false,
    };
    let mut lenient = String::new();
    for (place, token) in tokens.iter().copied().enumerate() {
        let number_at = |place: Option<usize>| {
            place.and_then(|place| tokens.get(place)).is_some_and(|token| token.is_number())
        };
        // Digits that follow each other need a fixed width.
        let adjacent = number_at(place.checked_sub(1)) || number_at(Some(place + 1));
        let (letter, count) = match token {
            Token::Text(text) => {
                translation.exact.push_str(text);
                lenient.push_str(text);
                continue;
            }
            Token::Letter(letter, count) => (letter, count),
        };
        let (exact, loose) = letters(letter, count)?;
        translation.exact.push_str(&exact);
        lenient.push_str(if adjacent && token.is_number() { &exact } else { &loose });
        translation.has_names |= letter == 'E' || (letter == 'M' && count > 2);
        translation.has_weeks |= matches!(letter, 'x' | 'w' | 'e');
        translation.has_two_digit_year |= matches!(letter, 'x' | 'y' | 'Y') && count == 2;
    }
    translation.lenient = (lenient != translation.exact).then_some(lenient);
    Ok(translation)
}

/// Returns the exact and the lenient form of a letter.
fn letters(letter: char, count: usize) -> Result<(String, String), String> {
    let repeat = |letter: char, count: usize| String::from(letter).repeat(count);
    let same = |text: String| (text.clone(), text);
    let number = |limit: usize| {
        if count > limit {
            return Err(format!(
                "`{}` has more digits than java.time allows",
                repeat(letter, count)
            ));
        }
        Ok((repeat(letter, count), String::from(letter)))
    };
    Ok(match letter {
        'G' | 'z' => same(repeat(letter, count.min(4))),
        'a' => same("a".to_owned()),
        'Y' => same(repeat('y', count)),
        'y' => same(repeat('u', count)),
        'x' => same(repeat('Y', count)),
        'M' if count > 2 => (repeat('M', count.min(4)), "[MMMM][MMM]".to_owned()),
        'E' => (if count > 3 { "EEEE" } else { "EEE" }.to_owned(), "[EEEE][EEE]".to_owned()),
        'M' | 'w' | 'd' | 'K' | 'h' | 'H' | 'k' | 'm' | 's' => number(2)?,
        'e' => number(1)?,
        'D' => number(3)?,
        'S' => {
            let (exact, _) = number(9)?;
            let shorter = (1..=count).rev().map(|count| format!("[{}]", repeat('S', count)));
            let loose = if count == 1 { exact.clone() } else { shorter.collect() };
            (exact, loose)
        }
        'Z' if count > 2 => same("VV".to_owned()),
        'Z' => {
            let exact = if count == 1 { "Z" } else { "xxx" };
            (exact.to_owned(), "[XXX][XX][X]".to_owned())
        }
        'C' => return Err("`C` (century) has no equivalent in java.time".to_owned()),
        other => return Err(format!("`{other}` is not a letter of date patterns")),
    })
}

/// Divides a pattern into letters and text. Text in quotes keeps them, and characters that java.time
/// reserves get quotes.
fn tokens(pattern: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => {
                let end = rest.get(1..).and_then(|text| text.find('\''));
                end.ok_or("a quote is not closed")? + 2
            }
            letter if letter.is_ascii_alphabetic() => {
                rest.find(|other| other != letter).unwrap_or(rest.len())
            }
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(match first {
            letter if letter.is_ascii_alphabetic() => Token::Letter(letter, length),
            '[' => Token::Text("'['"),
            ']' => Token::Text("']'"),
            '{' => Token::Text("'{'"),
            '}' => Token::Text("'}'"),
            '#' => Token::Text("'#'"),
            _ => Token::Text(token),
        });
        rest = after;
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(pattern: &str) -> String {
        let Translation { exact, lenient, .. } = translate(pattern).expect("a translation");
        std::iter::once(exact).chain(lenient).collect::<Vec<_>>().join("||")
    }

    #[test]
    fn every_letter_has_its_translation() {
        for (joda, java) in [
            ("YYYY-MM-dd", "yyyy-MM-dd||yyyy-M-d"),
            ("yyyy.D", "uuuu.D"),
            ("yyyy.DDD", "uuuu.DDD||uuuu.D"),
            ("xxxx-'W'ww-e", "YYYY-'W'ww-e||YYYY-'W'w-e"),
            ("EEE, d MMM yyyy", "EEE, d MMM uuuu||[EEEE][EEE], d [MMMM][MMM] uuuu"),
            ("EEEEE MMMMM", "EEEE MMMM||[EEEE][EEE] [MMMM][MMM]"),
            ("KK:mm aa", "KK:mm a||K:m a"),
            ("hh kk", "hh kk||h k"),
            ("HH:mm:ss.SSS", "HH:mm:ss.SSS||H:m:s.[SSS][SS][S]"),
            ("HH:mm Z", "HH:mm Z||H:m [XXX][XX][X]"),
            ("H:m:sZZ", "H:m:sxxx||H:m:s[XXX][XX][X]"),
            ("H ZZZ", "H VV"),
            ("yyyy G z", "uuuu G z"),
        ] {
            assert_eq!(both(joda), java, "{joda}");
        }
    }

    #[test]
    fn digits_without_a_separator_keep_their_width() {
        assert_eq!(both("yyyyMMdd"), "uuuuMMdd");
        assert_eq!(both("yyyyMMdd'T'HHmmss"), "uuuuMMdd'T'HHmmss");
        assert_eq!(
            both("yyyyMMddHHmmssSSS Z"),
            "uuuuMMddHHmmssSSS Z||uuuuMMddHHmmssSSS [XXX][XX][X]"
        );
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(both("'Y'yyyy''d"), "'Y'uuuu''d");
        assert_eq!(both("[yyyy]"), "'['uuuu']'");
        assert_eq!(both("d 'de' MMMM"), "d 'de' MMMM||d 'de' [MMMM][MMM]");
    }

    #[test]
    fn what_java_time_cannot_express_is_refused() {
        for pattern in ["CCYY", "yyyy-MM-ddd", "q", "yyyy 'open", "DDDD"] {
            assert!(translate(pattern).is_err(), "{pattern}");
        }
    }
}
