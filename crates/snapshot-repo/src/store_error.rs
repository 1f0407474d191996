//! Why did a request to an object store fail? Each thing that a person can fix has an error of its
//! own.
//!
//! Stores report the reason as a code in the body of their response, which the client keeps in the
//! text of its error. Without a response, the client's type of error is the reason.

use object_store::path::Path;

use crate::error::RepositoryError;

/// The region to use when none is given.
const DEFAULT_REGION: &str = "us-east-1";

/// Codes and phrases, and what they say about the credentials.
const CREDENTIALS: &[(&[&str], &str)] = &[
    (
        &["InvalidAccessKeyId"],
        "does not know the access key; check that the key belongs to this store and is still \
         active",
    ),
    (
        &["SignatureDoesNotMatch"],
        "does not accept the signature; check the secret key, and that the clock of this machine is \
         right",
    ),
    (
        &["RequestTimeTooSkewed"],
        "refuses requests because the clock of this machine is wrong; correct it",
    ),
    (
        &["ExpiredToken", "InvalidToken", "TokenRefreshRequired"],
        "does not accept the session token, which is expired or belongs to other keys; renew the \
         credentials",
    ),
    (
        // The last places where a client looks for credentials.
        &["169.254.169.254", "169.254.170.2", "metadata.google.internal"],
        "was not asked, because there are no credentials for it; create them with `workflow \
         configure credentials` or set them in the environment",
    ),
    (
        &["AuthenticationFailed"],
        "does not accept the credentials; check that they are complete and not expired",
    ),
];

/// Returns the error for a failed request.
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

/// Returns the text between two tags.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inner, _)| inner)
}

/// Returns an error's text with that of all its sources.
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

    fn error_for(body: &str) -> RepositoryError {
        let error = object_store::Error::Generic { store: "S3", source: body.into() };
        of("s3://bucket/prefix", Some("eu-west-1"), &Path::from("index.latest"), error)
    }

    #[test]
    fn each_code_of_a_store_has_an_error_of_its_own() {
        let bucket = error_for("<Error><Code>NoSuchBucket</Code></Error>");
        assert!(matches!(bucket, RepositoryError::BucketMissing { .. }), "{bucket}");
        let region = error_for("<Code>PermanentRedirect</Code>").to_string();
        assert_eq!(
            region,
            "the bucket of `s3://bucket/prefix` is not in region `eu-west-1`: set the repository's \
             region to the bucket's"
        );
        let named_region =
            error_for("<Code>AuthorizationHeaderMalformed</Code><Region>us-east-2</Region>");
        assert!(named_region.to_string().ends_with("set the repository's region to `us-east-2`"));
        let key = error_for("<Code>InvalidAccessKeyId</Code>").to_string();
        assert!(key.contains("does not know the access key"), "{key}");
        let clock = error_for("<Code>RequestTimeTooSkewed</Code>").to_string();
        assert!(clock.contains("the clock of this machine is wrong"), "{clock}");
        let none =
            error_for("error sending request for url (http://169.254.169.254/latest/api/token)");
        assert!(none.to_string().contains("there are no credentials for it"), "{none}");
        let archived = error_for("<Code>InvalidObjectState</Code>").to_string();
        assert!(archived.starts_with("`index.latest` in `s3://bucket/prefix` is archived"));
        let host = error_for("error sending request: dns error: failed to lookup address");
        assert!(matches!(host, RepositoryError::Unreachable { .. }), "{host}");
        let other = error_for("<Code>InternalError</Code>");
        assert!(matches!(other, RepositoryError::Read { .. }), "{other}");
    }

    #[test]
    fn a_denied_read_names_the_blob() {
        let path = "prefix/index.latest".to_owned();
        let denied = object_store::Error::PermissionDenied { path, source: "403".into() };
        let error = of("s3://b/prefix", None, &Path::from("prefix/index.latest"), denied);
        assert!(
            error
                .to_string()
                .starts_with("access to `prefix/index.latest` in `s3://b/prefix` is denied")
        );
    }
}
