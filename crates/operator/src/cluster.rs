//! The cluster's id: the first part of every holder mark that this operator writes.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

use super::run::Error;
use portalctl_model::Holder;

/// The namespace whose UID stands for a cluster: every cluster has it, and it is never made anew.
const NAMESPACE: &str = "kube-system";

/// Finds the cluster's id: the one that was set, else the UID of the namespace kube-system.
///
/// # Errors
///
/// Returns [`Error::ClusterId`] where the id is not one, or none is set and the UID cannot be read.
pub(super) async fn id(client: &Client, set: Option<String>) -> Result<String, Error> {
    let id = match set {
        Some(id) => id,
        None => uid(client).await.map_err(|why| {
            Error::ClusterId(format!(
                "the cluster has no id: none is set, and the UID of the namespace {NAMESPACE} {why}"
            ))
        })?,
    };
    match Holder::new(&*id, "namespace", "name") {
        Ok(_) => Ok(id),
        Err(why) => Err(Error::ClusterId(format!(
            "`{id}` is no cluster id: it {}",
            why.0
        ))),
    }
}

async fn uid(client: &Client) -> Result<String, String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    match namespaces.get_opt(NAMESPACE).await {
        Ok(found) => {
            let uid = found.and_then(|namespace| namespace.metadata.uid);
            uid.ok_or_else(|| "is not there".to_owned())
        }
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use kube::client::Body;

    use super::*;

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
        assert_eq!(id(&client(200, found), None).await.unwrap(), "5a1c");
        let set = Some("prod-eu".to_owned());
        assert_eq!(id(&client(403, FORBIDDEN), set).await.unwrap(), "prod-eu");
    }

    #[tokio::test]
    async fn without_an_id_the_operator_says_what_to_set() {
        let error = id(&client(403, FORBIDDEN), None)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("--cluster-id") && error.contains("clusterId"),
            "{error}"
        );
        for set in ["", "a/b", "a b"] {
            let error = id(&client(403, FORBIDDEN), Some(set.to_owned()))
                .await
                .unwrap_err();
            assert!(matches!(error, Error::ClusterId(_)), "{set}: {error}");
        }
    }
}
