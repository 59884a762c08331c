//! Reads one key of one named Secret; never lists, never watches, keeps nothing.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use secrecy::SecretString;

use super::conditions::Trouble;
use super::reason::Reason;
use portalctl_manifest::kubernetes::KeyRef;
use portalctl_model::text::escape;

/// Reads a key; trouble says what to do about it.
pub(super) async fn read(
    client: &kube::Client,
    namespace: &str,
    reference: &KeyRef,
) -> Result<SecretString, Trouble> {
    let KeyRef { name, key } = reference;
    let shown = format!("{}/{}", escape(namespace), escape(name));
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let secret = secrets.get_opt(name).await.map_err(|error| match &error {
        kube::Error::Api(status) if status.code == 403 => Trouble::new(
            Reason::SecretMissing,
            format!("the operator may not read Secret {shown}: let its role `get` it"),
        ),
        _ => Trouble::new(
            Reason::Unreachable,
            format!(
                "Secret {shown} cannot be read: {}",
                escape(&error.to_string())
            ),
        ),
    })?;
    let Some(secret) = secret else {
        let message = format!("there is no Secret {shown}: create it with the key `{key}`");
        return Err(Trouble::new(Reason::SecretMissing, message));
    };
    let Some(bytes) = secret.data.and_then(|mut data| data.remove(key)) else {
        let message = format!("Secret {shown} has no key `{}`", escape(key));
        return Err(Trouble::new(Reason::SecretMissing, message));
    };
    match String::from_utf8(bytes.0) {
        Ok(text) => Ok(SecretString::from(text)),
        Err(_) => Err(Trouble::new(
            Reason::KeyInvalid,
            format!("the key `{}` of Secret {shown} is not text", escape(key)),
        )),
    }
}
