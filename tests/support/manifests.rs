//! Manifests that several tests use.

/// Three customers that want different things.
pub(crate) const CUSTOMERS: &str = "\
version: 1
manifest: customers
environment: { name: staging, api_key: test }
return_urls:
  default: https://app.example.com/settings/portal
defaults:
  intents: [sso, domain_verification]
  metadata: { team: onboarding }
organizations:
  acme:
    name: Acme Corp
    domains: [acme.com]
    metadata: { tier: enterprise }
    it_contacts: [ada@acme.com]
  globex:
    name: Globex
    intents: [sso, dsync, audit_logs, log_streams]
  initech:
    name: Initech
    domains: [initech.com]
    intents: [certificate_renewal]
";

/// One customer that wants single sign-on.
pub(crate) const ONE: &str = "\
version: 1
environment: { name: staging, api_key: test }
organizations:
  acme: { name: Acme Corp, intents: [sso] }
";

/// As many customers as wanted, `customer-000` and on.
pub(crate) fn many(count: usize) -> String {
    let mut text = String::from("version: 1\nmanifest: many\norganizations:\n");
    for number in 0..count {
        text.push_str(&customer(number));
    }
    text
}

/// The entry of one of them.
pub(crate) fn customer(number: usize) -> String {
    format!(
        "  customer-{number:03}:\n    name: Customer {number:03}\n    \
         domains: [customer-{number:03}.example]\n    intents: [sso]\n    \
         metadata: {{ tier: enterprise }}\n"
    )
}
