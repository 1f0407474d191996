//! Writes JSON text, value by value, for the binary content types.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Longer than any meaningful number; the conversion takes quadratic time.
const MAX_NUMBER_BYTES: usize = 1024;

/// JSON text that is being written.
#[derive(Default)]
pub(super) struct JsonText(String);

impl JsonText {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// Writes the comma before every item except the first.
    pub(super) fn separator(&mut self, at: usize) {
        if at > 0 {
            self.0.push(',');
        }
    }

    pub(super) fn boolean(&mut self, flag: bool) {
        self.raw(if flag { "true" } else { "false" });
    }

    pub(super) fn string(&mut self, string: &str) {
        self.0.push('"');
        for character in string.chars() {
            match character {
                '"' => self.raw("\\\""),
                '\\' => self.raw("\\\\"),
                '\n' => self.raw("\\n"),
                '\r' => self.raw("\\r"),
                '\t' => self.raw("\\t"),
                control if control < ' ' => {
                    write!(self.0, "\\u{:04x}", u32::from(control))
                        .expect("a String accepts all text");
                }
                other => self.0.push(other),
            }
        }
        self.0.push('"');
    }

    pub(super) fn binary(&mut self, bytes: &[u8]) {
        self.0.push('"');
        STANDARD.encode_string(bytes, &mut self.0);
        self.0.push('"');
    }

    pub(super) fn float(&mut self, number: f32) {
        self.finite(number.is_finite(), &format!("{number:?}"));
    }

    pub(super) fn double(&mut self, number: f64) {
        self.finite(number.is_finite(), &format!("{number:?}"));
    }

    /// JSON has no `NaN` and `inf`; servers show them as strings.
    fn finite(&mut self, finite: bool, text: &str) {
        match text {
            _ if finite => self.raw(text),
            "inf" => self.raw("\"Infinity\""),
            "-inf" => self.raw("\"-Infinity\""),
            _ => self.raw("\"NaN\""),
        }
    }

    /// Writes a big-endian number in two's complement.
    pub(super) fn big_integer(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let digits = decimal(bytes)?;
        self.raw(&digits);
        Ok(())
    }

    /// Writes such a number times ten to the power of minus `scale`.
    pub(super) fn big_decimal(&mut self, bytes: &[u8], scale: i64) -> Result<(), &'static str> {
        let digits = decimal(bytes)?;
        self.raw(&digits);
        if scale != 0 {
            let exponent = scale.checked_neg().ok_or("a number has an impossible scale")?;
            write!(self.0, "E{exponent}").expect("a String accepts all text");
        }
        Ok(())
    }
}

/// Returns the decimal digits of a big-endian number in two's complement.
fn decimal(bytes: &[u8]) -> Result<String, &'static str> {
    if bytes.len() > MAX_NUMBER_BYTES {
        return Err("a number has too many digits");
    }
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut magnitude = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
            *byte = sum;
            carry = over;
        }
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut remainder = 0_u16;
        for byte in &mut magnitude {
            let dividend = (remainder << 8) | u16::from(*byte);
            *byte = u8::try_from(dividend / 10)
                .expect("a remainder below ten, times 256, divided by ten");
            remainder = dividend % 10;
        }
        digits.push(char::from(b'0' + u8::try_from(remainder).expect("a remainder below ten")));
    }
    if digits.is_empty() {
        digits.push('0');
    }
    if negative {
        digits.push('-');
    }
    Ok(digits.into_iter().rev().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{JsonText, decimal};

    #[test]
    fn floats_are_written_with_the_fewest_digits() {
        let mut text = JsonText::default();
        text.float(0.1);
        text.raw(" ");
        text.double(1e300);
        text.raw(" ");
        text.double(f64::NEG_INFINITY);
        assert_eq!(text.into_bytes(), b"0.1 1e300 \"-Infinity\"");
    }

    #[test]
    fn a_big_decimal_keeps_its_digits() {
        let mut text = JsonText::default();
        text.big_decimal(&12345_i32.to_be_bytes(), 2).expect("a decimal");
        assert_eq!(text.into_bytes(), b"12345E-2");
    }

    proptest! {
        #[test]
        fn big_integers_are_written_as_rust_writes_them(number in any::<i128>()) {
            prop_assert_eq!(decimal(&number.to_be_bytes()).expect("a decimal"), number.to_string());
        }

        #[test]
        fn strings_come_back(string in any::<String>()) {
            let mut text = JsonText::default();
            text.string(&string);
            let back: String = serde_json::from_slice(&text.into_bytes()).expect("valid content");
            prop_assert_eq!(back, string);
        }
    }
}
