//! Sample readiness of many organizations, the same in every run, and of hostile ones.

use portalctl_core::readiness::{OrganizationReadiness, Readiness, State};
use portalctl_model::{Intent, OrganizationId};

use super::samples::{intent, january, ready};

/// Names of customers.
const NAMES: [&str; 6] = [
    "Acme Corp",
    "Müller & Söhne GmbH",
    "株式会社山田",
    "شركة النور",
    "Łódź Żagle",
    "Vandelay Industries",
];

/// Returns the readiness of so many organizations with three intents each, most of them configured.
pub(crate) fn many(count: usize) -> Readiness {
    let organizations = (0..count).map(|number| {
        let intents = [
            (Intent::Sso, number * 7),
            (Intent::Dsync, number * 11 + 3),
            (Intent::DomainVerification, number * 13 + 5),
        ];
        let intents = intents.map(|(what, seed)| {
            let state = match seed % 20 {
                0 => State::Attention,
                1 => State::Unknown,
                2..5 => State::InProgress,
                5..8 => State::Unconfigured,
                _ => State::Configured,
            };
            let day = i64::try_from(seed % 300).unwrap();
            let mut found = intent(what, state, Some(10 - day));
            // The differences between organizations are the part that does not compress.
            found.reason = found
                .reason
                .replace("acme.com", &format!("customer-{number}.com"));
            for evidence in &mut found.evidence {
                evidence.id = Some(id("conn", seed));
                evidence.since = Some(january(10 - day));
            }
            found
        });
        OrganizationReadiness {
            name: Some(format!("{} {number}", NAMES[number % NAMES.len()])),
            organization_id: Some(OrganizationId::from_api(id("org", number))),
            ..ready(&format!("customer-{number:05}"), intents.to_vec())
        }
    });
    Readiness {
        organizations: organizations.collect(),
        warnings: Vec::new(),
    }
}

/// Every intent in every state.
pub(crate) fn everything() -> Readiness {
    let organizations = State::ALL.into_iter().map(|state| {
        let intents = Intent::ALL.map(|what| intent(what, state, Some(4)));
        ready(&state.to_string().replace('_', "-"), intents.to_vec())
    });
    Readiness {
        organizations: organizations.collect(),
        warnings: Vec::new(),
    }
}

/// An id as random as WorkOS's own.
fn id(prefix: &str, number: usize) -> String {
    let mut state = number as u64 + 1;
    let letters = (0..26).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[(state >> 59) as usize])
    });
    format!("{prefix}_{}", letters.collect::<String>())
}

/// Names that try to be more than names.
pub(crate) const HOSTILE: [&str; 9] = [
    "<script>document.title = 'taken'</script>",
    "</script><script>document.title = 'taken'</script>",
    "<img src=x onerror=\"document.title = 'taken'\">",
    "\"><svg onload=alert(1)> ' & <!-- --> ]]>",
    "</title></style></noscript></table><h1>Owned</h1>",
    "\u{202e}evil\u{202c} \u{0000}\u{001b}[2J",
    "👩‍👩‍👧‍👦 🏴‍☠️ Z̸͉̈́a̵͔͝l̷̬̂g̵̱̈o̷͕̕",
    "{{ 7 * 7 }} ${7 * 7} javascript:alert(1)",
    "it@hostile.example",
];

/// Organizations under such names, with such text wherever WorkOS can put it.
pub(crate) fn hostile() -> Readiness {
    let long = "Long".repeat(400);
    let names = HOSTILE.into_iter().chain([long.as_str()]);
    let organizations = names.enumerate().map(|(number, name)| {
        let intents = [State::Attention, State::InProgress, State::Configured];
        let intents =
            intents
                .into_iter()
                .zip([Intent::Sso, Intent::Dsync, Intent::DomainVerification]);
        let intents = intents.map(|(state, what)| {
            let mut found = intent(what, state, Some(3));
            name.clone_into(&mut found.reason);
            found.next_step = Some(name.to_owned());
            for evidence in &mut found.evidence {
                evidence.id = Some(name.to_owned());
                evidence.kind = Some(name.to_owned());
                name.clone_into(&mut evidence.state);
            }
            found
        });
        OrganizationReadiness {
            name: Some(name.to_owned()),
            organization_id: Some(OrganizationId::from_api(name)),
            ..ready(&format!("hostile-{number}"), intents.collect())
        }
    });
    Readiness {
        organizations: organizations.collect(),
        warnings: Vec::new(),
    }
}
