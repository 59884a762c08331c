//! A manifest of any size, for the benches: a folder of files with 100 organizations each.

use std::fs;
use std::path::Path;

/// Writes the folder's files; how many bytes they hold together.
pub(crate) fn write(folder: &Path, organizations: usize) -> usize {
    let settings = "version: 1\nmanifest: large\nenvironment: { name: bench, api_key: test }\n\
                    return_urls: { default: https://app.example.com/portal }\n";
    fs::write(folder.join("portal.yaml"), settings).unwrap();
    let mut bytes = settings.len();
    for file in 0..organizations.div_ceil(100) {
        let mut text = String::from("organizations:\n");
        for number in file * 100..((file + 1) * 100).min(organizations) {
            text.push_str(&format!(
                "  customer-{number:06}:\n    name: Customer {number}\n    domains: \
                 [customer-{number}.example.com]\n    intents: [sso, dsync, \
                 domain_verification]\n    metadata: {{ tier: enterprise, region: eu }}\n    \
                 return_url: https://app.example.com/customers/{number}/settings/portal\n"
            ));
        }
        bytes += text.len();
        fs::write(folder.join(format!("customers-{file:05}.yaml")), text).unwrap();
    }
    bytes
}
