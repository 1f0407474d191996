//! Converts CBOR (RFC 8949) to JSON text.
//!
//! ```text
//! first byte: 3 bits major type, 5 bits information
//!   information  0 to 23: the number itself; 24 to 27: 1, 2, 4, 8 bytes follow; 31: until a "break"
//!   major types  0 unsigned, 1 negative, 2 bytes, 3 text, 4 array, 5 map, 6 tag, 7 simple and float
//! ```

use super::{error::SourceError, text::JsonText};

const MAX_DEPTH: usize = 128;
const BREAK: u8 = 0xff;
const INDEFINITE: u8 = 31;
const TAG_POSITIVE_BIG: u64 = 2;
const TAG_NEGATIVE_BIG: u64 = 3;
const TAG_DECIMAL: u64 = 4;

/// Writes a CBOR object as JSON.
pub(super) fn to_json(source: &[u8]) -> Result<Vec<u8>, SourceError> {
    let mut reader = Reader { source, at: 0 };
    let mut text = JsonText::default();
    let refused = |offset, reason| SourceError::Cbor { offset, reason };
    reader.value(&mut text, 0).map_err(|reason| refused(reader.at, reason))?;
    if reader.at == source.len() {
        Ok(text.into_bytes())
    } else {
        Err(refused(reader.at, "bytes follow the object"))
    }
}

struct Reader<'a> {
    source: &'a [u8],
    at: usize,
}

/// The first byte of an item and its number.
struct Header {
    major: u8,
    information: u8,
    number: u64,
}

type Read<T> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let end = self.at.checked_add(length).ok_or("a length is too large")?;
        let bytes = self.source.get(self.at..end).ok_or("it ends too early")?;
        self.at = end;
        Ok(bytes)
    }

    fn take_number(&mut self, length: usize) -> Read<u64> {
        Ok(self.take(length)?.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    fn header(&mut self) -> Read<Header> {
        let first = self.take_number(1)?;
        let major = u8::try_from(first >> 5).map_err(|_| "an impossible major type")?;
        let information = u8::try_from(first & 31).map_err(|_| "an impossible item")?;
        let number = match information {
            0..=23 => u64::from(information),
            24 => self.take_number(1)?,
            25 => self.take_number(2)?,
            26 => self.take_number(4)?,
            27 => self.take_number(8)?,
            INDEFINITE => 0,
            _ => return Err("a reserved length is used"),
        };
        Ok(Header { major, information, number })
    }

    /// Returns whether a list of unknown length ends here, and consumes the break.
    fn at_break(&mut self) -> Read<bool> {
        match self.source.get(self.at) {
            Some(&BREAK) => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err("it ends too early"),
        }
    }

    fn value(&mut self, text: &mut JsonText, depth: usize) -> Read<()> {
        let header = self.header()?;
        self.value_of(&header, text, depth)
    }

    fn value_of(&mut self, header: &Header, text: &mut JsonText, depth: usize) -> Read<()> {
        if depth > MAX_DEPTH {
            return Err("it is nested too deeply");
        }
        let Header { major, information, number } = *header;
        match major {
            0 if information != INDEFINITE => text.raw(&number.to_string()),
            1 if information != INDEFINITE => text.raw(&(-1 - i128::from(number)).to_string()),
            2 => text.binary(&self.bytes(header)?),
            3 => text.string(&self.string(header)?),
            4 => {
                text.raw("[");
                let mut at = 0;
                while self.more(header, at)? {
                    text.separator(usize::from(at > 0));
                    self.value(text, depth + 1)?;
                    at += 1;
                }
                text.raw("]");
            }
            5 => {
                text.raw("{");
                let mut at = 0;
                while self.more(header, at)? {
                    text.separator(usize::from(at > 0));
                    let key = self.key()?;
                    text.string(&key);
                    text.raw(":");
                    self.value(text, depth + 1)?;
                    at += 1;
                }
                text.raw("}");
            }
            6 if information != INDEFINITE => self.tagged(number, text, depth)?,
            7 => simple(information, number, text)?,
            _ => return Err("an item of unknown length is not allowed here"),
        }
        Ok(())
    }

    /// Returns whether an array or a map has another entry after `at` entries.
    fn more(&mut self, header: &Header, at: u64) -> Read<bool> {
        if header.information == INDEFINITE {
            Ok(!self.at_break()?)
        } else {
            Ok(at < header.number)
        }
    }

    fn key(&mut self) -> Read<String> {
        let header = self.header()?;
        match header.major {
            3 => self.string(&header),
            0 => Ok(header.number.to_string()),
            1 => Ok((-1 - i128::from(header.number)).to_string()),
            _ => Err("a key is neither text nor a number"),
        }
    }

    fn string(&mut self, header: &Header) -> Read<String> {
        String::from_utf8(self.bytes(header)?).map_err(|_| "a text is not UTF-8")
    }

    /// Reads the bytes of a byte or text string, joined from its pieces.
    fn bytes(&mut self, header: &Header) -> Read<Vec<u8>> {
        if header.information != INDEFINITE {
            let length = usize::try_from(header.number).map_err(|_| "a length is too large")?;
            return self.take(length).map(<[u8]>::to_vec);
        }
        let mut joined = Vec::new();
        while !self.at_break()? {
            let piece = self.header()?;
            if piece.major != header.major || piece.information == INDEFINITE {
                return Err("a piece of a string is of another kind");
            }
            let length = usize::try_from(piece.number).map_err(|_| "a length is too large")?;
            joined.extend_from_slice(self.take(length)?);
        }
        Ok(joined)
    }

    fn tagged(&mut self, tag: u64, text: &mut JsonText, depth: usize) -> Read<()> {
        let header = self.header()?;
        match tag {
            TAG_POSITIVE_BIG | TAG_NEGATIVE_BIG if header.major == 2 => {
                text.big_integer(&self.big(tag, &header)?)
            }
            TAG_DECIMAL if header.major == 4 && header.number == 2 => {
                let exponent = self.header()?;
                let exponent = match exponent.major {
                    0 => i64::try_from(exponent.number),
                    1 => i64::try_from(-1 - i128::from(exponent.number)),
                    _ => return Err("an exponent is not a number"),
                };
                let exponent = exponent.map_err(|_| "an exponent is too large")?;
                let scale = exponent.checked_neg().ok_or("an exponent is too large")?;
                let mantissa = self.header()?;
                let mantissa = match mantissa.major {
                    0 => i128::from(mantissa.number).to_be_bytes().to_vec(),
                    1 => (-1 - i128::from(mantissa.number)).to_be_bytes().to_vec(),
                    6 => {
                        let inner = self.header()?;
                        self.big(mantissa.number, &inner)?
                    }
                    _ => return Err("a mantissa is not a number"),
                };
                text.big_decimal(&mantissa, scale)
            }
            _ => self.value_of(&header, text, depth + 1),
        }
    }

    /// Reads a tagged big number as two's complement.
    fn big(&mut self, tag: u64, header: &Header) -> Read<Vec<u8>> {
        if header.major != 2 {
            return Err("a big number is not in bytes");
        }
        let mut bytes = self.bytes(header)?;
        bytes.insert(0, 0);
        match tag {
            TAG_POSITIVE_BIG => Ok(bytes),
            // A negative number is stored as -1 - n, which is n with all bits inverted.
            TAG_NEGATIVE_BIG => Ok(bytes.into_iter().map(|byte| !byte).collect()),
            _ => Err("a big number has an unknown tag"),
        }
    }
}

fn simple(information: u8, number: u64, text: &mut JsonText) -> Read<()> {
    match information {
        20 => text.boolean(false),
        21 => text.boolean(true),
        22 | 23 => text.raw("null"),
        25 => text.float(half(u16::try_from(number).map_err(|_| "an impossible float")?)),
        26 => text.float(f32::from_bits(u32::try_from(number).map_err(|_| "an impossible float")?)),
        27 => text.double(f64::from_bits(number)),
        _ => return Err("an unknown simple value is used"),
    }
    Ok(())
}

/// Converts a float of 16 bits: 1 sign, 5 exponent, 10 mantissa.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let mantissa = f32::from(bits & 0x3ff);
    match (bits >> 10) & 0x1f {
        0 => sign * mantissa * 2_f32.powi(-24),
        31 if mantissa == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1024.0 + mantissa) * 2_f32.powi(i32::from(exponent) - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, to_json};

    fn json(hex: &str) -> String {
        let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| {
                u8::from_str_radix(std::str::from_utf8(pair).expect("UTF-8"), 16).expect("digits")
            })
            .collect();
        String::from_utf8(to_json(&bytes).expect("JSON")).expect("UTF-8")
    }

    /// The examples are those of RFC 8949, appendix A.
    #[test]
    fn the_examples_of_the_standard_are_converted() {
        let cases = [
            ("00", "0"),
            ("1818", "24"),
            ("1bffffffffffffffff", "18446744073709551615"),
            ("c249010000000000000000", "18446744073709551616"),
            ("3bffffffffffffffff", "-18446744073709551616"),
            ("c349010000000000000000", "-18446744073709551617"),
            ("f93e00", "1.5"),
            ("f97bff", "65504.0"),
            ("f90001", "5.9604645e-8"),
            ("fa47c35000", "100000.0"),
            ("fb3ff199999999999a", "1.1"),
            ("f97c00", "\"Infinity\""),
            ("f5", "true"),
            ("f7", "null"),
            ("c11a514b67b0", "1363896240"),
            ("4401020304", "\"AQIDBA==\""),
            ("62c3bc", "\"\u{fc}\""),
            ("83010203", "[1,2,3]"),
            ("a26161016162820203", r#"{"a":1,"b":[2,3]}"#),
            ("7f657374726561646d696e67ff", "\"streaming\""),
            ("9fff", "[]"),
            ("bf6346756ef563416d7421ff", r#"{"Fun":true,"Amt":-2}"#),
            ("c48221196ab3", "27315E-2"),
            ("d9d9f7 a0", "{}"),
        ];
        for (hex, expected) in cases {
            assert_eq!(json(hex), expected, "{hex}");
        }
    }

    #[test]
    fn broken_cbor_is_refused() {
        let deep = vec![0x81; MAX_DEPTH * 10];
        for bytes in [
            &[0xbf][..],
            &[0xa1, 0x61],
            &[0xa0, 0x00],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &deep,
        ] {
            assert!(to_json(bytes).is_err(), "{bytes:?}");
        }
    }
}
