//! How does a user's name become a valid Kubernetes name? For compiler, engine, command lines and
//! steps.
//!
//! Argo and Kubernetes allow lower-case letters, digits and `-`, at most 63 of them; users write
//! names in any case and script. A name that is allowed stays as it is. Any other is rewritten,
//! and gets 32 bits of a hash of the original, so that `Logs` and `logs` stay different.

use sha2::{Digest as _, Sha256};

/// The length that is allowed everywhere (a label's value, RFC 1123).
pub const MAX_LENGTH: usize = 63;

/// Returns an allowed name for what the user wrote: the same text always gives the same name;
/// different texts give different names, unless 32 bits of their hashes are equal.
pub fn sanitize(text: &str) -> String {
    shorten(text, MAX_LENGTH)
}

/// As [`sanitize`], with at most `max_length` characters (a smaller limit counts as 16).
pub fn shorten(text: &str, max_length: usize) -> String {
    if is_allowed(text) && text.len() <= max_length {
        return text.to_owned();
    }
    let hash = hash(text);
    let mut name = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            name.push(character);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let room = max_length.max(16) - hash.len() - 1;
    let trimmed: String = name.trim_matches('-').chars().take(room).collect();
    let trimmed = trimmed.trim_end_matches('-');
    if trimmed.is_empty() { format!("n-{hash}") } else { format!("{trimmed}-{hash}") }
}

/// Joins parts with `-`; the result is allowed if the parts are, and is shortened as [`sanitize`]
/// does when it is too long.
pub fn join(parts: &[&str]) -> String {
    sanitize(&parts.join("-"))
}

/// Returns whether Kubernetes and Argo take the name as it is.
pub fn is_allowed(name: &str) -> bool {
    let fits = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
    !name.is_empty()
        && name.len() <= MAX_LENGTH
        && name.chars().all(fits)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Eight hexadecimal digits of a SHA-256.
fn hash(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let [a, b, c, d, ..] = digest;
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowed_name_stays() {
        assert_eq!(sanitize("legacy-to-new"), "legacy-to-new");
    }

    #[test]
    fn other_names_are_rewritten_and_stay_apart() {
        let names =
            ["Logs", "LOGS", "lo gs", "żółć", "---", "a_b", "a.b", "a--", "日本", &"x".repeat(200)];
        let rewritten: Vec<String> = names.iter().map(|name| sanitize(name)).collect();
        for (position, name) in rewritten.iter().enumerate() {
            assert!(is_allowed(name), "{name}");
            assert!(!rewritten.iter().skip(position + 1).any(|other| other == name), "{name}");
        }
        assert!(sanitize("Logs").starts_with("logs-"));
    }
}
