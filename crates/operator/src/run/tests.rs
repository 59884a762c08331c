//! Tests of `run`.

mod run {
    use std::io::Error as IoError;

    use http::{Request, Response};
    use kube::client::Body;
    use tokio::time::timeout;

    use super::super::*;
    use portalctl_platform::clock::SystemClock;

    /// One whose API server never answers.
    fn operator() -> Operator {
        let server = tower::service_fn(|_: Request<Body>| {
            std::future::pending::<Result<Response<Body>, IoError>>()
        });
        let options = Options {
            namespace: None,
            lease: lease::Settings {
                namespace: None,
                name: "portalctl-operator".to_owned(),
                identity: "one".to_owned(),
                duration: Duration::from_secs(15),
            },
            cluster_id: Some("here".to_owned()),
            poll: None,
        };
        let dependencies = Dependencies {
            client: Client::new(server, "portal"),
            connect: Arc::new(HttpConnect),
            clock: Arc::new(SystemClock),
        };
        Operator::new(options, "here".to_owned(), dependencies)
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_ends_by_itself_ends_all_of_it() {
        let mut operator = operator();
        operator.background.spawn(async {});
        let running = operator.run(CancellationToken::new());
        let ended = timeout(Duration::from_mins(1), running).await.unwrap();
        assert!(matches!(ended, Err(Error::Broken)), "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn all_of_it_ends_well_when_it_is_told_to() {
        let stop = CancellationToken::new();
        stop.cancel();
        let ended = operator().run(stop).await;
        assert!(ended.is_ok(), "{ended:?}");
    }
}

mod cluster {
    use http::{Request, Response};
    use kube::client::Body;

    use super::super::*;

    /// A client whose API server gives one answer to everything.
    fn client(status: u16, body: &'static str) -> Client {
        let server = tower::service_fn(move |_: Request<Body>| async move {
            let answer = Response::builder().status(status);
            let answer = answer.body(Body::from(body.as_bytes().to_vec()));
            Ok::<_, std::io::Error>(answer.unwrap())
        });
        Client::new(server, "portal")
    }

    const FORBIDDEN: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Forbidden","code":403}"#;

    #[tokio::test]
    async fn an_id_that_is_set_goes_before_the_uid_of_kube_system() {
        let found = r#"{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"kube-system","uid":"5a1c"}}"#;
        assert_eq!(cluster_id(&client(200, found), None).await.unwrap(), "5a1c");
        let set = Some("prod-eu".to_owned());
        assert_eq!(
            cluster_id(&client(403, FORBIDDEN), set).await.unwrap(),
            "prod-eu"
        );
    }

    #[tokio::test]
    async fn without_an_id_the_operator_says_what_to_set() {
        let error = cluster_id(&client(403, FORBIDDEN), None)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("--cluster-id") && error.contains("clusterId"),
            "{error}"
        );
        for set in ["", "a/b", "a b"] {
            let error = cluster_id(&client(403, FORBIDDEN), Some(set.to_owned()))
                .await
                .unwrap_err();
            assert!(matches!(error, Error::ClusterId(_)), "{set}: {error}");
        }
    }
}
