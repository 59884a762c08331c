//! Tests of `kube_api`.

mod statuses {
    use super::super::*;

    fn metadata(uid: &str, version: &str) -> ObjectMeta {
        serde_json::from_value(json!({ "uid": uid, "resourceVersion": version })).unwrap()
    }

    fn status(id: &str) -> PortalOrganizationStatus {
        PortalOrganizationStatus {
            organization_id: Some(id.to_owned()),
            ..PortalOrganizationStatus::default()
        }
    }

    #[test]
    fn what_was_written_stands_until_the_watch_has_moved_on() {
        let (acme, globex) = (metadata("acme", "1"), metadata("globex", "1"));
        let mut written = Written::default();
        written.remember(&acme, status("org_new"));
        written.remember(&globex, status("org_other"));
        let seen = status("org_old");
        assert_eq!(*written.current(&acme, Some(&seen)), status("org_new"));
        let moved = metadata("acme", "2");
        assert_eq!(*written.current(&moved, Some(&seen)), seen);

        written.retain([&moved, &globex].into_iter());
        assert_eq!(written.last.len(), 1, "{written:?}");
        assert_eq!(*written.current(&globex, None), status("org_other"));
        written.retain([].into_iter());
        assert!(written.last.is_empty(), "{written:?}");
    }
}

mod request_timeout {
    use std::sync::Arc;

    use k8s_openapi::api::core::v1::Secret;
    use kube::Api;
    use kube::api::WatchParams;

    use super::super::*;
    use portalctl_platform::clock::{Clock, SystemClock};

    /// End of the bodies that the server sends.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum End {
        Comes,
        NeverComes,
    }

    /// A client of a server that answers late, or whose bodies do not end.
    fn client(late: Duration, end: End) -> Client {
        let service = tower::service_fn(move |_: Request<Body>| async move {
            SystemClock.sleep(late).await;
            let body = if end == End::Comes {
                axum::body::Body::from(r#"{"metadata":{}}"#)
            } else {
                let never = futures::stream::pending::<Result<bytes::Bytes, Error>>();
                axum::body::Body::from_stream(never)
            };
            Ok::<_, Error>(Response::new(body))
        });
        with_request_timeout(Client::new(service, "portal"), Arc::new(SystemClock))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_or_does_not_end_is_given_up() {
        for (late, end, comes) in [
            (REQUEST_TIMEOUT / 2, End::Comes, true),
            (2 * REQUEST_TIMEOUT, End::Comes, false),
            (Duration::ZERO, End::NeverComes, false),
        ] {
            let secrets: Api<Secret> = Api::default_namespaced(client(late, end));
            let answer = secrets.get("workos").await;
            assert_eq!(answer.is_ok(), comes, "{late:?} {end:?}: {answer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_may_last_once_it_has_begun() {
        let secrets: Api<Secret> = Api::default_namespaced(client(Duration::ZERO, End::NeverComes));
        assert!(secrets.watch(&WatchParams::default(), "1").await.is_ok());
        let secrets: Api<Secret> =
            Api::default_namespaced(client(2 * REQUEST_TIMEOUT, End::NeverComes));
        assert!(secrets.watch(&WatchParams::default(), "1").await.is_err());
    }
}
