//! Conflicts as tenants are told of them: without the ids and names of other organizations.

use super::{Identity, IdentityConflict};
use portalctl_model::codes::{Code, plan as codes};

/// The conflicts that have words of their own.
const TOLD: [(Code, &str); 5] = [
    (
        codes::MANY_MATCHES,
        "several organizations of this environment answer to this entry",
    ),
    (
        codes::ID_AND_EXTERNAL_ID_DISAGREE,
        "the external id belongs to another organization of this environment",
    ),
    (
        codes::DOMAIN_HELD,
        "no organization matches, but another organization of this environment has a declared domain",
    ),
    (
        codes::SAME_NAME,
        "no organization matches, but another organization of this environment has the same name",
    ),
    (
        codes::STRIPE_CUSTOMER_HELD,
        "no organization matches, but another organization of this environment has the Stripe \
         customer id",
    ),
];

/// Takes the ids and names of other organizations out of the conflicts of an entry.
pub(super) fn hide_rivals(identity: &mut Identity) {
    if let Identity::Conflicted(conflicts) = identity {
        for conflict in conflicts.iter_mut() {
            *conflict = hidden(conflict);
        }
        conflicts.sort();
        conflicts.dedup();
    }
}

fn hidden(conflict: &IdentityConflict) -> IdentityConflict {
    // The only thing that an entry whose own id is missing could learn is that id.
    if conflict.code == codes::PINNED_MISSING {
        return conflict.clone();
    }
    let told = TOLD.iter().find(|(code, _)| *code == conflict.code);
    let message = told.map_or(
        "another organization of this environment is in the way",
        |(_, message)| *message,
    );
    IdentityConflict {
        code: conflict.code,
        message: message.to_owned(),
        help: "ask whoever runs the PortalEnvironment which organization is meant".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_of_any_kind_names_no_other_organization() {
        let codes = [
            codes::MANY_MATCHES,
            codes::ID_AND_EXTERNAL_ID_DISAGREE,
            codes::DOMAIN_HELD,
            codes::SAME_NAME,
            codes::STRIPE_CUSTOMER_HELD,
            codes::CLAIMED_TWICE,
        ];
        let conflict = |code| IdentityConflict {
            code,
            message: "org_1 (Globex)".to_owned(),
            help: "write `id: org_1`".to_owned(),
        };
        let mut identity = Identity::Conflicted(codes.map(conflict).to_vec());
        hide_rivals(&mut identity);
        let Identity::Conflicted(told) = identity else {
            panic!("{identity:?}")
        };
        assert_eq!(told.len(), codes.len());
        let told = format!("{told:?}");
        assert!(
            !told.contains("org_1") && !told.contains("Globex"),
            "{told}"
        );
    }
    #[test]
    fn an_entry_learns_that_its_own_id_is_missing() {
        let own = IdentityConflict {
            code: codes::PINNED_MISSING,
            message: "org_own does not exist".to_owned(),
            help: "check the key".to_owned(),
        };
        let mut identity = Identity::Conflicted(vec![own.clone()]);
        hide_rivals(&mut identity);
        assert_eq!(identity, Identity::Conflicted(vec![own]));
    }
}
