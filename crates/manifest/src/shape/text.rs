//! Kinds of texts and their limits.
//!
//! A manifest's schema has patterns. In a resource definition a pattern could only say that it does
//! not match; so there they stand in CEL rules, which have messages. The API server estimates the
//! cost of its rules: that is why every length has a bound.

use schemars::{Schema, json_schema};
use serde_json::{Value as Json, json};

use super::tree::Tree;
use super::value::Defaulted;
use crate::form::Form;
use crate::raw::Text;
use crate::reader::Reader;
use portalctl_model::domain_name::PUBLIC_MAIL_PROVIDERS;
use portalctl_model::name;

/// A kind of text.
pub(crate) trait TextKind {
    /// Returns the schema of the text in a form.
    fn text_schema(form: Form) -> Schema;
}

/// Returns CEL rules, each with the message that refuses a value.
pub(crate) fn rules<const N: usize>(list: [(&str, &str); N]) -> Json {
    let rule = |(rule, message): (&str, &str)| json!({ "rule": rule, "message": message });
    Json::from(list.map(rule).to_vec())
}

/// The longest name of a Kubernetes object.
const MAX_OBJECT_NAME: usize = 253;

/// A key: usable as the name of a Kubernetes object.
const KEY: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// An absolute HTTPS URL, or one of this machine.
const URL: &str =
    r"^(https://[^\s@#/?\\]+|http://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?)([/?][^\s#\\]*)?$";
/// A host name without scheme, port and path.
const HOST: &str = r"^[^\s/:@*]+$";
/// A host name with a dot, in A-labels or Unicode, with or without a final dot.
const DOMAIN: &str =
    r"^[^\s/:@*._-]([^\s/:@*._]*[^\s/:@*._-])?(\.[^\s/:@*._-]([^\s/:@*._]*[^\s/:@*._-])?)+\.?$";
/// An e-mail address, loosely.
const EMAIL: &str = r"^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$";
/// A path that `ignore_fields` takes.
const PATH: &str = r"^(name|external_id|stripe_customer_id|allow_profiles_outside_organization|audit_logs\.retention_days|domains(\..+)?|metadata(\..+)?|it_contacts(\..+)?)$";
const EXTERNAL_ID: &str = "^[!-~]([ -~]*[!-~])?$";
const EXTERNAL_ID_MESSAGE: &str =
    "may hold printable ASCII characters only, and no space at either end";
const NAMESPACE: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// Characters that no name may hold, wherever they stand; `model::name` knows more of them, which
/// depend on their neighbours.
const HIDDEN: &str = r"\x00-\x1f\x7f-\x9f\x{ad}\x{61c}\x{115f}\x{1160}\x{200b}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2060}\x{2066}-\x{2069}\x{3164}\x{feff}\x{ffa0}";

/// Declares kinds of texts: the schema in the Kubernetes form, and the keywords in a manifest.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $kubernetes:expr, $manifest:tt;)+) => {$(
        impl TextKind for $name {
            fn text_schema(form: Form) -> Schema {
                match form {
                    Form::Kubernetes => $kubernetes,
                    Form::Manifest => {
                        let mut schema = json_schema!($manifest);
                        schema.insert("type".to_owned(), "string".into());
                        schema
                    }
                }
            }
        }

        kinds! {
            $(#[$doc])*
            $name: String, Text,
                Reader::text,
                |form, _: &mut _| Self::text_schema(form),
                |plain: &String, _| Tree::from(plain.as_str());
        }
    )+};
}

texts! {
    /// A key of an organization, or a manifest's own name.
    Key: matching(
        63,
        KEY,
        "may hold lower-case letters, digits, `-` and `.`, and starts and ends with a letter or digit",
    ), { "pattern": KEY, "maxLength": 63 };
    /// A URL that browsers are sent to.
    Url: matching(
        2048,
        URL,
        "must be an absolute https URL with a host, and without user name, space or fragment (#); \
         http is for localhost, in an environment with `apiKey: test`",
    ), { "pattern": URL };
    /// A URL that the API key is sent to.
    Endpoint: matching(
        2048,
        URL,
        "must be an https URL, as in https://api.workos.com; plain http is for loopback only",
    ), {};
    /// A host name.
    Host: matching(MAX_OBJECT_NAME, HOST, "must be a bare host name, as in app.example.com"),
        { "pattern": HOST };
    /// A domain of a customer.
    Domain: domain(), { "pattern": DOMAIN };
    /// An e-mail address.
    Email: matching(320, EMAIL, "must be an address, as in ada@acme.com"), { "pattern": EMAIL };
    /// The path of a field whose differences are left alone.
    Path: matching(
        300,
        PATH,
        "must be name, external_id, stripe_customer_id, allow_profiles_outside_organization, \
         audit_logs.retention_days, domains, domains.DOMAIN, metadata, metadata.KEY, it_contacts or \
         it_contacts.EMAIL",
    ), { "pattern": PATH };
    /// The name of an organization, which people are shown.
    DisplayName: shown(), { "pattern": r"\S" };
    /// The name of an environment, which people are shown.
    EnvironmentName: shown(), {};
    /// The client id of an environment.
    ClientId: matching(
        128,
        "^client_[A-Za-z0-9]+$",
        "must be `client_` followed by letters and digits: copy it from the dashboard",
    ), { "pattern": "^client_[A-Za-z0-9]+$" };
    /// The id that WorkOS gave an organization.
    OrganizationId: matching(
        128,
        "^org_[A-Za-z0-9]+$",
        "must be `org_` followed by letters and digits: copy it from the dashboard; your own id for \
         the customer goes to `externalId`",
    ), { "pattern": "^org_[A-Za-z0-9]+$" };
    /// The id that Stripe gave a customer.
    StripeCustomerId: matching(
        255,
        "^cus_[A-Za-z0-9_]+$",
        "must be `cus_` followed by letters and digits: copy it from the dashboard",
    ), { "pattern": "^cus_[A-Za-z0-9_]+$" };
    /// The external id of an organization.
    ExternalId: matching(128, EXTERNAL_ID, EXTERNAL_ID_MESSAGE),
        { "pattern": EXTERNAL_ID, "minLength": 1, "maxLength": 128 };
    /// An external id that an organization had before.
    FormerId: matching(128, EXTERNAL_ID, EXTERNAL_ID_MESSAGE), {};
    /// A pattern of external ids.
    IdPattern: matching(128, EXTERNAL_ID, EXTERNAL_ID_MESSAGE), {};
    /// A key of metadata.
    MetadataKey: metadata_key(), {};
    /// The name of a Kubernetes object.
    ObjectName: matching(MAX_OBJECT_NAME, KEY, "must be the name of an object"), {};
    /// The name of a namespace.
    Namespace: matching(63, NAMESPACE, "must be the name of a namespace"), {};
    /// The name of a namespace, or `*`.
    AnyNamespace: matching(
        63,
        r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?|\*)$",
        "must be the name of a namespace, or * for all of them",
    ), {};
    /// The id of a cluster.
    ClusterId: matching(
        128,
        "^[-A-Za-z0-9_.:]+$",
        "must be a cluster id: letters, digits, `-`, `_`, `.` and `:`",
    ), {};
    /// A key of a Secret's data.
    SecretKey: matching(MAX_OBJECT_NAME, "^[-._a-zA-Z0-9]+$", "must be a key of the Secret's data"), {};
    /// The interval between two reads of the event log.
    Poll: POLL.schema(), {};
    /// The interval between two full listings.
    Resync: RESYNC.schema(), {};
    /// The time in which every organization is asked about once.
    Sweep: SWEEP.schema(), {};
}

/// A text that matches a pattern.
fn matching(max: usize, pattern: &str, message: &str) -> Schema {
    let rule = format!("self.matches(r'{pattern}')");
    json_schema!({
        "type": "string",
        "maxLength": max,
        "x-kubernetes-validations": rules([(&rule, message)]),
    })
}

/// A text that people are shown.
fn shown() -> Schema {
    let hidden = format!("!self.matches(r'[{HIDDEN}]')");
    json_schema!({
        "type": "string",
        "maxLength": name::MAX_NAME_LENGTH,
        "x-kubernetes-validations": rules([
            (r"self.matches(r'\S')", "must not be blank"),
            (
                r"!self.matches(r'^[\s\p{Z}]|[\s\p{Z}]$')",
                "must not begin or end with white space, which WorkOS removes",
            ),
            (&hidden, "must not hold control characters, line breaks or characters that cannot be seen"),
        ]),
    })
}

fn domain() -> Schema {
    let providers = PUBLIC_MAIL_PROVIDERS.map(|name| format!("'{name}'"));
    json_schema!({
        "type": "string",
        "maxLength": MAX_OBJECT_NAME,
        "x-kubernetes-validations": rules([
            (
                &format!("self.matches(r'{DOMAIN}')"),
                "must be a domain with a dot, as in acme.com: no URL, no wildcard, no e-mail address",
            ),
            (
                &format!("!(self.lowerAscii() in [{}])", providers.join(",")),
                "is a public mail provider's: name a domain that only this customer has",
            ),
        ]),
    })
}

fn metadata_key() -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 40,
        "x-kubernetes-validations": rules([
            ("self.matches('^[ -~]+$')", "must be printable ASCII characters"),
            ("!self.startsWith('portalctl_')", "keys that begin with portalctl_ are portalctl's own"),
        ]),
    })
}

/// An interval's default and bounds, as they are written.
pub(crate) struct IntervalBounds {
    pub(crate) default: &'static str,
    pub(crate) least: &'static str,
    pub(crate) most: &'static str,
}

pub(crate) const POLL: IntervalBounds = IntervalBounds {
    default: "60s",
    least: "10s",
    most: "1h",
};
pub(crate) const RESYNC: IntervalBounds = IntervalBounds {
    default: "1h",
    least: "5m",
    most: "24h",
};
pub(crate) const SWEEP: IntervalBounds = IntervalBounds {
    default: "1h",
    least: "5m",
    most: "168h",
};

impl IntervalBounds {
    fn schema(&self) -> Schema {
        let Self {
            default: _,
            least,
            most,
        } = self;
        let rule = format!(
            "self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('{least}') && \
             duration(self) <= duration('{most}')"
        );
        let message = format!("must be a time from {least} to {most}, as in 90s, 5m or 1h30m");
        json_schema!({
            "type": "string",
            "maxLength": 16,
            "x-kubernetes-validations": rules([(&rule, &message)]),
        })
    }
}

impl Defaulted for Poll {
    fn default() -> String {
        POLL.default.to_owned()
    }
}

impl Defaulted for Resync {
    fn default() -> String {
        RESYNC.default.to_owned()
    }
}

impl Defaulted for Sweep {
    fn default() -> String {
        SWEEP.default.to_owned()
    }
}
