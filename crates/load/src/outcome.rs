//! What does the target's answer to one document, or to a whole bulk request, ask us to do?
//!
//! A target that is busy gets the document again later. An index that is closed, blocked or gone, or
//! a lack of permissions, says nothing about the document: the load stops. Any other error rejects
//! the document, which is kept with its reason; a failure of the server only if it persists.

use cluster::bulk::ItemResult;

/// What one document's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The document is on the target.
    Accepted,
    /// The target refuses the document; sending it again would not help.
    Rejected,
    /// The target is busy; the document is sent again.
    Busy,
    /// The target failed on this document; it is rejected if the target keeps failing on it and
    /// accepts others.
    Faulty,
    /// The index cannot be written at all.
    IndexBroken,
}

/// Error types that are about the index or the caller's rights, whatever their status.
const INDEX_ERRORS: [&str; 6] = [
    "cluster_block_exception",
    "index_closed_exception",
    "index_not_found_exception",
    "invalid_index_name_exception",
    "security_exception",
    "alias_not_found_exception",
];

/// Returns whether an error is about the index or the caller's rights.
pub(crate) fn is_about_index(error_type: &str) -> bool {
    INDEX_ERRORS.contains(&error_type)
}

/// Returns what the answer to one document means.
pub(crate) fn of_document(item: &ItemResult) -> Outcome {
    let kind = item.error_type.as_deref().unwrap_or_default();
    match item.status {
        200..=299 => Outcome::Accepted,
        // A read-only block for a full disk is lifted by the server when there is room again.
        429 | 503 => Outcome::Busy,
        _ if is_about_index(kind) => Outcome::IndexBroken,
        401 | 403 => Outcome::IndexBroken,
        408 | 502 | 504 => Outcome::Busy,
        500..=599 => Outcome::Faulty,
        _ => Outcome::Rejected,
    }
}

/// What the status of a whole bulk request means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestOutcome {
    /// Each document has an answer of its own.
    Answered,
    /// The request is too large for the target: it is split.
    TooLarge,
    /// Something in the request is invalid, for which the target refuses all of it: it is split,
    /// until the document at fault is alone.
    Invalid,
    /// The target is busy or out of reach: the request is sent again.
    Busy,
    /// The target will never accept it.
    Refused,
}

/// Returns what the status of a whole bulk request means.
pub(crate) fn of_request(status: u16) -> RequestOutcome {
    match status {
        200..=299 => RequestOutcome::Answered,
        413 => RequestOutcome::TooLarge,
        400 | 422 => RequestOutcome::Invalid,
        408 | 429 | 500 | 502 | 503 | 504 => RequestOutcome::Busy,
        _ => RequestOutcome::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(status: u16, kind: &str) -> ItemResult {
        ItemResult { status, error_type: Some(kind.to_owned()), reason: None }
    }

    #[test]
    fn a_document_that_does_not_fit_its_mapping_is_rejected() {
        for kind in ["mapper_parsing_exception", "strict_dynamic_mapping_exception"] {
            assert_eq!(of_document(&item(400, kind)), Outcome::Rejected);
        }
        assert_eq!(of_document(&item(409, "version_conflict_engine_exception")), Outcome::Rejected);
    }

    #[test]
    fn a_fault_of_the_target_never_rejects_a_document() {
        assert_eq!(of_document(&item(429, "es_rejected_execution_exception")), Outcome::Busy);
        assert_eq!(of_document(&item(429, "cluster_block_exception")), Outcome::Busy);
        assert_eq!(of_document(&item(503, "unavailable_shards_exception")), Outcome::Busy);
        assert_eq!(of_document(&item(403, "cluster_block_exception")), Outcome::IndexBroken);
        assert_eq!(of_document(&item(400, "index_closed_exception")), Outcome::IndexBroken);
        assert_eq!(of_document(&item(404, "index_not_found_exception")), Outcome::IndexBroken);
    }

    #[test]
    fn a_request_that_is_too_large_is_split_and_a_forbidden_one_is_not_repeated() {
        assert_eq!(of_request(413), RequestOutcome::TooLarge);
        assert_eq!(of_request(503), RequestOutcome::Busy);
        assert_eq!(of_request(403), RequestOutcome::Refused);
        assert_eq!(of_request(404), RequestOutcome::Refused);
        assert_eq!(of_request(400), RequestOutcome::Invalid);
    }
}
