//! What a failed request to an object store was about: one error of ours for each thing that a
//! person has to do.
//!
//! Stores tell by a code in the body of their answer, which the client keeps in the text of its
//! error; the client tells by a type of error where there was no answer.

use object_store::path::Path;

use crate::error::RepositoryError;

/// The region that is used when none is named.
const DEFAULT_REGION: &str = "us-east-1";

/// Codes and phrases, and what they mean for the credentials.
const CREDENTIALS: &[(&[&str], &str)] = &[
    (
        &["InvalidAccessKeyId"],
        "does not know the access key; check that it is the one of this store and still active",
    ),
    (
        &["SignatureDoesNotMatch"],
        "does not accept the signature; check the secret key, and that the clock of this machine is \
         right",
    ),
    (
        &["RequestTimeTooSkewed"],
        "refuses requests of this time; set the clock of this machine right",
    ),
    (
        &["ExpiredToken", "InvalidToken", "TokenRefreshRequired"],
        "does not accept the session token, which is expired or of other keys; renew the credentials",
    ),
    (
        // Where a client looks last for credentials that it was not given.
        &["169.254.169.254", "169.254.170.2", "metadata.google.internal"],
        "was not asked, for no credentials were found: neither in the environment nor given to this \
         machine; set them",
    ),
    (
        &["AuthenticationFailed"],
        "does not accept the credentials; check that they are complete and not expired",
    ),
];

/// What a failed request was about.
pub(crate) fn of(
    uri: &str,
    region: Option<&str>,
    blob: &Path,
    error: object_store::Error,
) -> RepositoryError {
    let said = chain(&error);
    let uri = uri.to_owned();
    let blob = blob.to_string();
    let source = Box::new(error);
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["NoSuchBucket", "The specified bucket does not exist", "ContainerNotFound"]) {
        return RepositoryError::BucketMissing { uri, source };
    }
    if has(&[
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "Received redirect without LOCATION",
    ]) {
        let region = region.unwrap_or(DEFAULT_REGION).to_owned();
        let hint = match between(&said, "<Region>", "</Region>") {
            Some(right) => format!(
                "the store says it is in `{right}`; set the repository's region to `{right}`"
            ),
            None => "set the repository's region to the bucket's".to_owned(),
        };
        return RepositoryError::WrongRegion { uri, region, hint, source };
    }
    if let Some((_, problem)) = CREDENTIALS.iter().find(|(words, _)| has(words)) {
        return RepositoryError::Credentials { uri, problem, source };
    }
    if has(&["InvalidObjectState", "BlobArchived"]) {
        return RepositoryError::Archived { uri, blob, source };
    }
    match *source {
        object_store::Error::NotFound { .. } => RepositoryError::BlobMissing { uri, blob },
        object_store::Error::PermissionDenied { .. } => {
            RepositoryError::Denied { uri, blob, source }
        }
        object_store::Error::Unauthenticated { .. } => RepositoryError::Credentials {
            uri,
            problem: "does not accept the credentials; check that they are set and complete",
            source,
        },
        _ if has(&["Permission denied"]) => RepositoryError::Denied { uri, blob, source },
        _ if has(&[
            "error sending request",
            "dns error",
            "failed to lookup address",
            "Connection refused",
            "tcp connect error",
            "timed out",
        ]) =>
        {
            RepositoryError::Unreachable { uri, source }
        }
        _ => RepositoryError::Read { uri, blob, source },
    }
}

/// What stands between two tags.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inner, _)| inner)
}

/// An error's text with that of all its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        said.push_str("; ");
        said.push_str(&cause.to_string());
        next = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use object_store::path::Path;

    use super::{RepositoryError, of};

    fn told(body: &str) -> RepositoryError {
        let error = object_store::Error::Generic { store: "S3", source: body.into() };
        of("s3://bucket/prefix", Some("eu-west-1"), &Path::from("index.latest"), error)
    }

    #[test]
    fn what_a_store_says_is_told_in_its_own_words() {
        let bucket = told("<Error><Code>NoSuchBucket</Code></Error>");
        assert!(matches!(bucket, RepositoryError::BucketMissing { .. }), "{bucket}");
        let region = told("<Code>PermanentRedirect</Code>").to_string();
        assert_eq!(
            region,
            "the bucket of `s3://bucket/prefix` is not in region `eu-west-1`: set the repository's \
             region to the bucket's"
        );
        let told_region =
            told("<Code>AuthorizationHeaderMalformed</Code><Region>us-east-2</Region>");
        assert!(told_region.to_string().ends_with("set the repository's region to `us-east-2`"));
        let key = told("<Code>InvalidAccessKeyId</Code>").to_string();
        assert!(key.contains("does not know the access key"), "{key}");
        let clock = told("<Code>RequestTimeTooSkewed</Code>").to_string();
        assert!(clock.ends_with("set the clock of this machine right"), "{clock}");
        let none = told("error sending request for url (http://169.254.169.254/latest/api/token)");
        assert!(none.to_string().contains("no credentials were found"), "{none}");
        let archived = told("<Code>InvalidObjectState</Code>").to_string();
        assert!(archived.starts_with("`index.latest` in `s3://bucket/prefix` is archived"));
        let host = told("error sending request: dns error: failed to lookup address");
        assert!(matches!(host, RepositoryError::Unreachable { .. }), "{host}");
        let other = told("<Code>InternalError</Code>");
        assert!(matches!(other, RepositoryError::Read { .. }), "{other}");
    }

    #[test]
    fn a_denied_read_names_the_blob() {
        let path = "prefix/index.latest".to_owned();
        let error = object_store::Error::PermissionDenied { path, source: "403".into() };
        let told = of("s3://b/prefix", None, &Path::from("prefix/index.latest"), error);
        assert!(
            told.to_string()
                .starts_with("access to `prefix/index.latest` in `s3://b/prefix` is denied")
        );
    }
}
