//! Patience with the API server: a request whose answer does not come is given up.
//!
//! kube waits for ever, since it cannot know which answers are streams. A connection that a load
//! balancer has forgotten would hold up an environment, or a listing, until the process is restarted.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use http::{Request, Response};
use kube::Client;
use kube::client::Body;

use portalctl_platform::clock::SharedClock;

/// How long an answer is waited for, its body included; of a watch, until it begins.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same client, that gives up.
pub(super) fn with_patience(client: Client, clock: SharedClock) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, clock) = (client.clone(), clock.clone());
        async move {
            tokio::select! {
                biased;
                answer = whole(client, request) => answer,
                () = clock.sleep(PATIENCE) => Err(gave_up()),
            }
        }
    });
    Client::new(service, namespace)
}

/// An answer with all of its body, unless it is a watch's.
async fn whole(client: Client, request: Request<Body>) -> kube::Result<Response<Body>> {
    let query = request.uri().query().unwrap_or_default();
    let is_watch = query.split('&').any(|one| one == "watch=true");
    let answer = client.send(request).await?;
    if is_watch {
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let body = body.collect_bytes().await?;
    Ok(Response::from_parts(parts, Body::from(body.to_vec())))
}

fn gave_up() -> kube::Error {
    let message = format!("no answer within {} s", PATIENCE.as_secs());
    kube::Error::Service(Error::new(ErrorKind::TimedOut, message).into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::api::core::v1::Secret;
    use kube::Api;
    use kube::api::WatchParams;

    use super::*;
    use portalctl_platform::clock::{Clock, SystemClock};

    /// A client of a server that answers late, or whose bodies do not end.
    fn client(late: Duration, has_end: bool) -> Client {
        let service = tower::service_fn(move |_: Request<Body>| async move {
            SystemClock.sleep(late).await;
            let body = if has_end {
                axum::body::Body::from(r#"{"metadata":{}}"#)
            } else {
                let never = futures::stream::pending::<Result<bytes::Bytes, Error>>();
                axum::body::Body::from_stream(never)
            };
            Ok::<_, Error>(Response::new(body))
        });
        with_patience(Client::new(service, "portal"), Arc::new(SystemClock))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_or_does_not_end_is_given_up() {
        for (late, has_end, comes) in [
            (PATIENCE / 2, true, true),
            (2 * PATIENCE, true, false),
            (Duration::ZERO, false, false),
        ] {
            let secrets: Api<Secret> = Api::default_namespaced(client(late, has_end));
            let answer = secrets.get("workos").await;
            assert_eq!(answer.is_ok(), comes, "{late:?} {has_end}: {answer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_may_last_once_it_has_begun() {
        let secrets: Api<Secret> = Api::default_namespaced(client(Duration::ZERO, false));
        assert!(secrets.watch(&WatchParams::default(), "1").await.is_ok());
        let secrets: Api<Secret> = Api::default_namespaced(client(2 * PATIENCE, false));
        assert!(secrets.watch(&WatchParams::default(), "1").await.is_err());
    }
}
