//! The webhook of `--webhook`: its address, its secret, and the requests of deliveries.
//!
//! Takes a delivery. Returns the signed request that carries it, and whether the receiver accepted
//! it. The order of deliveries and the waits between attempts are decided elsewhere.

mod answer;
mod dispatcher;
mod secret_file;
mod signature;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, Uri};
use jiff::Timestamp;
use url::Url;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use portalctl_core::deliveries::Delivery;
use portalctl_model::codes::cli as codes;
use portalctl_workos::{Bounds, Endpoint, HttpTransport, InvalidEndpoint, Transport};
use secret_file::SecretFile;

pub(super) use dispatcher::{Dispatcher, Log, Sighting, WaitFor, dispatcher, left_over};

/// The longest time that an attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read; nothing in it is used.
const MAX_ANSWER: usize = 1024 * 1024;
/// The name that portalctl gives itself.
const AGENT: &str = concat!("portalctl/", env!("CARGO_PKG_VERSION"));

/// A webhook, as the command line names it.
#[derive(Debug)]
pub(super) struct WebhookRequest {
    pub(super) url: String,
    pub(super) secret_file: PathBuf,
}

/// A webhook that deliveries can be sent to.
pub(super) struct Webhook {
    address: Uri,
    /// The host with its port: what people are shown.
    receiver: String,
    transport: Arc<dyn Transport>,
    secrets: SecretFile,
}

impl WebhookRequest {
    /// Checks the address and reads the secret. Sends nothing.
    pub(super) fn open(&self) -> Result<Webhook, CliError> {
        let (endpoint, address) = address(&self.url)?;
        let bounds = Bounds {
            connect_timeout: ATTEMPT_TIMEOUT,
            timeout: ATTEMPT_TIMEOUT,
            max_body: MAX_ANSWER,
        };
        let transport = HttpTransport::new(&endpoint, bounds).map_err(CliError::internal)?;
        Ok(Webhook {
            address,
            receiver: endpoint.authority().to_owned(),
            transport: Arc::new(transport),
            secrets: SecretFile::open(&self.secret_file)?,
        })
    }
}

/// Checks an address by the rule of endpoints. Unlike an endpoint it keeps a slash at its end.
fn address(text: &str) -> Result<(Endpoint, Uri), CliError> {
    // Not the address itself: what makes it unusable may be a credential in it.
    let unusable = |why: &str| {
        let message = format!("the address of --webhook {why}");
        CliError::new(Exit::Usage, codes::WEBHOOK_URL, message)
    };
    let endpoint = Endpoint::parse(text).map_err(|error| match error {
        InvalidEndpoint::PlainHttp => {
            unusable("must use https; plain http is for this machine only")
        }
        InvalidEndpoint::NotAUrl => unusable("is not an absolute URL"),
        InvalidEndpoint::UserInfo | InvalidEndpoint::QueryOrFragment => {
            unusable(&error.to_string())
        }
    })?;
    let url = Url::parse(text).map_err(|_| unusable("is not an absolute URL"))?;
    let address = url.as_str().parse();
    let address = address.map_err(|_| unusable("is not an absolute URL"))?;
    Ok((endpoint, address))
}

impl Webhook {
    /// Builds the request of one attempt, signed as of `now`.
    fn request(
        &self,
        delivery: &Delivery,
        body: &str,
        now: Timestamp,
    ) -> Result<Request<Bytes>, CliError> {
        let timestamp = now.as_second();
        let signature = self.secrets.sign(&delivery.id, timestamp, body);
        Request::post(&self.address)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .map_err(CliError::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_of_this_machine_and_keeps_its_slash() {
        for good in [
            "https://app.example.com/hooks/portalctl",
            "https://app.example.com/hooks/",
            "http://127.0.0.1:3000/hooks",
            "http://localhost:3000/",
        ] {
            assert_eq!(address(good).unwrap().1.to_string(), good);
        }
        for (bad, why) in [
            ("app.example.com", "is not an absolute URL"),
            ("http://app.example.com/", "must use https; plain http"),
            ("http://10.0.0.7/", "must use https; plain http"),
            (
                "https://ada:canary@app.example.com/",
                "must not hold a user name",
            ),
            (
                "https://app.example.com/?token=canary",
                "must not hold a query",
            ),
        ] {
            let error = address(bad).unwrap_err();
            let message = &error.items[0].message;
            let start = format!("the address of --webhook {why}");
            assert!(message.starts_with(&start), "{message}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }
}
