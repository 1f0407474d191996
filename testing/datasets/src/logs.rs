//! Log documents for measurements: as many as wanted, of a known average size, made one by one.
//!
//! What they say is as repetitive as logs are (hosts, services and agents come from short lists;
//! ids and addresses do not repeat), so that they compress about as well.

use std::fmt::Write as _;

use crate::random::Random;

/// The form of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shape {
    /// A counter's value: about 48 bytes.
    Tiny,
    /// One event: about 400 bytes.
    Short,
    /// One request to a web server: about 1,030 bytes.
    Access,
    /// A request with its trace: about 2,400 bytes.
    Long,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDocument {
    /// 20 characters of base64, as a server makes them.
    pub id: String,
    /// One line of JSON.
    pub source: String,
}

/// Documents without an end; the same seed makes the same ones.
#[derive(Debug)]
pub struct Documents {
    shape: Shape,
    random: Random,
    words: Vec<String>,
    number: u64,
    time: u64,
}

impl Shape {
    /// The mapping of an index for such documents.
    pub fn mapping(self) -> serde_json::Value {
        let keyword = serde_json::json!({ "type": "keyword" });
        match self {
            Self::Tiny => serde_json::json!({ "properties": {
                "c": keyword, "host": keyword, "n": { "type": "long" }, "v": { "type": "float" }
            } }),
            Self::Short | Self::Access | Self::Long => serde_json::json!({
                "dynamic_templates": [{ "text": {
                    "match_mapping_type": "string", "mapping": keyword
                } }],
                "properties": {
                    "@timestamp": { "type": "date" },
                    "message": { "type": "text" },
                    "trace": { "type": "object", "enabled": false }
                }
            }),
        }
    }
}

/// Starts the documents of a seed.
pub fn documents(shape: Shape, seed: u64) -> Documents {
    let mut random = Random::new(seed);
    let words = (0..4_000).map(|_| word(&mut random)).collect();
    Documents { shape, random, words, number: 0, time: 1_700_000_000_000 }
}

impl Iterator for Documents {
    type Item = LogDocument;

    fn next(&mut self) -> Option<LogDocument> {
        let id = self.letters(20);
        let mut source = String::with_capacity(2_600);
        self.time += self.random.below(40);
        match self.shape {
            Shape::Tiny => self.counter(&mut source),
            Shape::Short => {
                source.push('{');
                self.event(25, &mut source);
                source.push('}');
            }
            Shape::Access => {
                source.push('{');
                self.event(37, &mut source);
                self.request(&mut source);
                source.push('}');
            }
            Shape::Long => {
                source.push('{');
                self.event(86, &mut source);
                self.request(&mut source);
                self.trace(&mut source);
                source.push('}');
            }
        }
        self.number += 1;
        Some(LogDocument { id, source })
    }
}

const SERVICES: &[&str] =
    &["checkout", "cart", "search", "catalog", "auth", "billing", "shipping", "gateway"];
const LEVELS: &[&str] = &["INFO", "INFO", "INFO", "INFO", "INFO", "WARN", "ERROR", "DEBUG"];
const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "PUT"];
const STATUSES: &[&str] = &["200", "200", "200", "200", "201", "304", "404", "500"];
const CITIES: &[&str] = &["Berlin", "Paris", "Madrid", "Tokyo", "São Paulo", "Kraków", "Austin"];
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8] = b"0123456789abcdef";

impl Documents {
    fn counter(&mut self, out: &mut String) {
        let name = self.word().to_owned();
        let (whole, tenths) = (self.random.below(1_000), self.random.below(10));
        let host = self.random.below(1_000);
        put(
            out,
            format_args!(
                r#"{{"c":"{name}","host":"web-{host:03}","n":{},"v":{whole}.{tenths}}}"#,
                self.number
            ),
        );
    }

    fn event(&mut self, words: u64, out: &mut String) {
        let (level, service) = (self.random.pick(LEVELS), self.random.pick(SERVICES));
        let host = self.random.below(40);
        put(out, format_args!(r#""@timestamp":{},"level":"{level}","message":""#, self.time));
        for number in 0..words {
            if number > 0 {
                out.push(' ');
            }
            let word = self.word();
            out.push_str(word);
        }
        let address = self.address();
        put(
            out,
            format_args!(
                r#"","host":{{"name":"web-{host:02}.eu-west-1.example.net","ip":"{address}"}},"service":{{"name":"{service}","version":"{}.{}.{}","environment":"production"}},"event":{{"duration_ms":{}.{:03},"sequence":{}}}"#,
                self.random.below(4),
                self.random.below(20),
                self.random.below(50),
                self.random.below(400),
                self.random.below(1_000),
                self.number,
            ),
        );
    }

    fn request(&mut self, out: &mut String) {
        let (service, method) = (self.random.pick(SERVICES), self.random.pick(METHODS));
        let (status, city) = (self.random.pick(STATUSES), self.random.pick(CITIES));
        let (id, trace) = (self.digits(32), self.digits(32));
        let (page, tag) = (self.word().to_owned(), self.word().to_owned());
        let address = self.address();
        let agent = 90 + self.random.below(40);
        put(
            out,
            format_args!(
                r#","http":{{"request":{{"method":"{method}","id":"{id}","bytes":{},"referrer":"https://shop.example.net/{service}/{page}"}},"response":{{"status_code":{status},"bytes":{}}}}},"url":{{"path":"/api/v2/{service}/{}/{page}","query":"page={}&sort={tag}"}},"client":{{"ip":"{address}","geo":{{"city":"{city}","latitude":{}.{:04},"longitude":{}.{:04}}}}},"user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{agent}.0.{}.{} Safari/537.36","trace_id":"{trace}","tags":["{tag}","{page}","release-{}"]"#,
                self.random.below(3_300),
                self.random.below(90_000),
                self.random.below(200_000),
                self.random.below(256),
                self.random.below(60),
                self.random.below(10_000),
                self.random.below(140),
                self.random.below(10_000),
                self.random.below(5_000),
                self.random.below(200),
                self.random.below(12),
            ),
        );
    }

    fn trace(&mut self, out: &mut String) {
        out.push_str(r#","trace":["#);
        for number in 0..24 {
            if number > 0 {
                out.push(',');
            }
            let (class, method) = (self.word().to_owned(), self.word().to_owned());
            let line = self.random.below(900);
            put(out, format_args!(r#""net.example.{class}.{method}({class}.java:{line})""#));
        }
        out.push(']');
    }

    /// A word; the first ones of the list are the most frequent.
    fn word(&mut self) -> &str {
        let most = self.random.below(4_000) + 1;
        let place = usize::try_from(self.random.below(most)).unwrap_or(0);
        self.words.get(place).map_or("word", String::as_str)
    }

    fn address(&mut self) -> String {
        let mut part = || self.random.below(256);
        format!("{}.{}.{}.{}", part() % 223 + 1, part(), part(), part())
    }

    fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(BASE64[self.below(BASE64.len())])).collect()
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(HEX[self.below(HEX.len())])).collect()
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a slice is shorter than 2^64");
        usize::try_from(self.random.below(limit)).expect("below the slice's length")
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

fn word(random: &mut Random) -> String {
    const CONSONANTS: &[u8] = b"bcdfghjklmnprstvwz";
    const VOWELS: &[u8] = b"aeiou";
    let mut word = String::new();
    for _ in 0..=random.below(4) {
        for letters in [CONSONANTS, VOWELS] {
            let count = u64::try_from(letters.len()).expect("a slice is shorter than 2^64");
            let place = usize::try_from(random.below(count)).expect("below the slice's length");
            word.push(char::from(letters[place]));
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Shape, documents};

    #[test]
    fn each_shape_is_one_line_of_json_of_about_the_size_it_promises() {
        for (shape, size) in
            [(Shape::Tiny, 48), (Shape::Short, 400), (Shape::Access, 1_030), (Shape::Long, 2_400)]
        {
            let mut bytes = 0;
            for document in documents(shape, 42).take(2_000) {
                let value: Value = serde_json::from_str(&document.source).expect("JSON");
                assert!(value.is_object() && !document.source.contains('\n'));
                assert_eq!(document.id.len(), 20);
                bytes += document.source.len();
            }
            let average = bytes / 2_000;
            assert!(average.abs_diff(size) * 20 <= size, "{shape:?}: {average} bytes");
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_documents() {
        let made = |seed| documents(Shape::Access, seed).take(50).collect::<Vec<_>>();
        assert_eq!(made(7), made(7));
        assert_ne!(made(7), made(8));
    }
}
