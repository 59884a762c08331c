//! Values that hold for every entry of a manifest.

use super::Side;
use super::value::Values;
use portalctl_model::desired::{Desired, Environment, Limits, ReturnUrls, UpdateLimit};

/// Returns the settings of a manifest. Defaults are left out: they are part of the entries.
pub(super) fn values(side: Side<'_>) -> Values {
    let Desired {
        manifest,
        previous_manifests,
        environment,
        return_urls,
        limits,
        // The Kubernetes form's own fields tell them.
        powers: _,
        defaults: _,
        organizations: _,
        absent: _,
        excluded: _,
        skipped: _,
    } = side.desired;
    let Environment {
        name,
        api_key,
        client_id,
    } = environment;
    let ReturnUrls {
        default,
        success,
        allowed_hosts,
    } = return_urls;
    let mut values = Values::default();
    values.word("manifest", manifest.as_ref());
    values.items("previous_manifests", previous_manifests);
    values.text("environment.name", name.as_deref());
    values.word("environment.api_key", api_key.as_ref());
    values.word("environment.client_id", client_id.as_ref());
    values.word("return_urls.default", default.as_ref());
    for (intent, url) in success {
        values.word(&format!("return_urls.success.{intent}"), Some(url));
    }
    values.items("return_urls.allowed_hosts", allowed_hosts.iter());
    set_limits(&mut values, limits);
    if let Ok(object) = serde_json::to_value(side.kubernetes.environment()) {
        values.json("kubernetes", &object);
    }
    values
}

fn set_limits(values: &mut Values, limits: &Limits) {
    let Limits {
        create,
        update,
        delete,
    } = limits;
    values.word("limits.create", create.as_ref());
    values.word("limits.update", update.map(update_text));
    values.word("limits.delete", Some(delete));
}

/// Returns a limit on updates as the manifest spells it.
pub(super) fn update_text(limit: UpdateLimit) -> String {
    match limit {
        UpdateLimit::Count(count) => count.to_string(),
        UpdateLimit::Percent(percent) => format!("{percent}%"),
    }
}
