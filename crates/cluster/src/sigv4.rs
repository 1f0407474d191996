//! How is a request signed with AWS Signature Version 4?

use std::{collections::BTreeMap, time::SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};

/// Credentials, region and service: what signing needs besides the request and the time.
#[derive(Clone)]
pub(crate) struct Signer {
    credentials: Credentials,
    region: String,
    service: String,
}

/// The parts of a request that are signed.
pub(crate) struct Signable<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

impl Signer {
    /// Makes a signer with the keys in the variables that AWS tools use.
    pub(crate) fn new(
        region: &str,
        service: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let (Some(key_id), Some(secret)) =
            (variables.get("AWS_ACCESS_KEY_ID"), variables.get("AWS_SECRET_ACCESS_KEY"))
        else {
            return Err("`authConfig.sigv4` needs AWS credentials; set `AWS_ACCESS_KEY_ID` and \
                        `AWS_SECRET_ACCESS_KEY` (and `AWS_SESSION_TOKEN` for temporary ones)"
                .to_owned());
        };
        let token = variables.get("AWS_SESSION_TOKEN").cloned();
        Ok(Self {
            credentials: Credentials::new(key_id, secret, token, None, "environment"),
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }

    /// Returns the headers that sign the request for `time`.
    pub(crate) fn headers(
        &self,
        request: &Signable<'_>,
        time: SystemTime,
    ) -> Result<Vec<(String, String)>, String> {
        let Signable { method, url, content_type, body } = *request;
        let identity = self.credentials.clone().into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(time)
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let headers = content_type.map(|value| ("content-type", value)).into_iter();
        let signable = SignableRequest::new(method, url, headers, SignableBody::Bytes(body))
            .map_err(|error| error.to_string())?;
        let (instructions, _signature) =
            sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
        Ok(instructions
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn signer() -> Signer {
        let variables = BTreeMap::from([
            ("AWS_ACCESS_KEY_ID".to_owned(), "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "secretkey".to_owned()),
            ("AWS_SESSION_TOKEN".to_owned(), "sessiontoken".to_owned()),
        ]);
        Signer::new("eu-west-1", "es", &variables).expect("a signer")
    }

    #[test]
    fn a_signature_covers_host_body_and_token() {
        let request = Signable {
            method: "POST",
            url: "https://search.example.com/logs/_doc/a%2Fb?routing=x%20y",
            content_type: Some("application/json"),
            body: b"{}",
        };
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let headers: BTreeMap<_, _> =
            signer().headers(&request, time).expect("headers").into_iter().collect();
        let authorization = &headers["authorization"];
        assert!(authorization.contains("/20231114/eu-west-1/es/aws4_request"), "{authorization}");
        assert!(
            authorization.contains(
                "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;\
                 x-amz-security-token"
            ),
            "{authorization}"
        );
        assert!(!authorization.contains("secretkey"));
        assert_eq!(headers["x-amz-security-token"], "sessiontoken");
        let other = Signable { body: b"[]", ..request };
        let others: BTreeMap<_, _> =
            signer().headers(&other, time).expect("headers").into_iter().collect();
        assert_ne!(others["authorization"], *authorization);
    }

    #[test]
    fn missing_keys_are_named() {
        let error = Signer::new("eu-west-1", "es", &BTreeMap::new()).err().expect("an error");
        assert!(error.contains("`AWS_ACCESS_KEY_ID`"), "{error}");
    }
}
