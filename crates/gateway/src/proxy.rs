//! Identity of a person as an authenticating proxy reports it in headers; only trusted peers are
//! believed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use super::config::{Group, IdentityHeaders, KEY, ProxyRules};
use super::token::is_subject;
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::{Intent, OrgKey};

/// Most groups that are read.
const MAX_GROUPS: usize = 1000;

/// Authenticated person with their groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) subject: String,
    groups: Vec<String>,
}

/// Reads the identity from the headers of a trusted peer.
pub(super) fn identity(
    rules: &ProxyRules,
    peer: IpAddr,
    headers: &HeaderMap,
) -> Result<Identity, Code> {
    if !is_trusted(&rules.peers, peer) {
        let IdentityHeaders {
            user,
            email,
            groups,
        } = &rules.headers;
        let speaks = [user, email, groups]
            .into_iter()
            .any(|name| headers.contains_key(name));
        // A peer that sends no identity headers is merely lost, and no forger.
        return Err(if speaks {
            codes::UNTRUSTED_PEER
        } else {
            codes::NO_IDENTITY
        });
    }
    let subject = match only(headers, &rules.headers.user)? {
        Some(user) => Some(user),
        None => only(headers, &rules.headers.email)?,
    };
    let subject = subject.filter(|subject| is_subject(subject));
    let groups = only(headers, &rules.headers.groups)?.unwrap_or_default();
    let groups = groups.split(',').map(str::trim).filter(|g| !g.is_empty());
    Ok(Identity {
        subject: subject.ok_or(codes::NO_IDENTITY)?.to_owned(),
        groups: groups.take(MAX_GROUPS).map(str::to_owned).collect(),
    })
}

/// Returns the only value of a header. Two values mean that a client's own header came through.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Code> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str);
    match (value, values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text)),
        _ => Err(codes::NO_IDENTITY),
    }
}

/// Returns whether an address is in one of the networks. An IPv4-mapped IPv6 address counts as
/// IPv4.
fn is_trusted(peers: &[IpNet], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    peers.iter().any(|network| network.contains(&peer))
}

impl Identity {
    /// Checks that one of the person's groups may open this intent of the organization.
    pub(super) fn authorize(
        &self,
        groups: &BTreeMap<String, Group>,
        key: &OrgKey,
        intent: Intent,
    ) -> Result<(), Code> {
        let is_of_key = |(name, group): &(&String, &Group)| {
            if let Some(organization) = &group.organization {
                return organization == key && self.groups.contains(name);
            }
            let name = name.replace(KEY, key.as_str());
            // A group that has an entry of its own is what that entry says, and nothing more.
            self.groups.contains(&name) && !groups.contains_key(&name)
        };
        let of_key = groups.iter().filter(is_of_key).map(|(_, group)| group);
        let of_key: Vec<&Group> = of_key.collect();
        if of_key.is_empty() {
            return Err(codes::OTHER_ORGANIZATION);
        }
        let has = |group: &&Group| match &group.intents {
            Some(intents) => intents.contains(&intent),
            None => true,
        };
        if of_key.iter().any(has) {
            Ok(())
        } else {
            Err(codes::OTHER_INTENT)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "x-forwarded-user";
    const EMAIL: &str = "x-forwarded-email";
    const GROUPS: &str = "x-forwarded-groups";

    fn rules() -> ProxyRules {
        let group = |organization: &str, intents: Option<&[Intent]>| Group {
            organization: Some(OrgKey::parse(organization).unwrap()),
            intents: intents.map(|intents| intents.iter().copied().collect()),
        };
        ProxyRules {
            peers: vec!["10.1.0.0/16".parse().unwrap(), "::1/128".parse().unwrap()],
            headers: IdentityHeaders::default(),
            groups: BTreeMap::from([
                ("acme-it".to_owned(), group("acme", None)),
                (
                    "globex-it".to_owned(),
                    group("globex", Some(&[Intent::Sso])),
                ),
            ]),
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_trusted_peers_are_believed() {
        let said = headers(&[(USER, "ada"), (GROUPS, "acme-it")]);
        for (peer, outcome) in [
            ("10.1.2.3", Ok(())),
            ("::ffff:10.1.2.3", Ok(())),
            ("::1", Ok(())),
            ("10.2.0.1", Err(codes::UNTRUSTED_PEER)),
            ("127.0.0.1", Err(codes::UNTRUSTED_PEER)),
        ] {
            let identity = identity(&rules(), peer.parse().unwrap(), &said);
            assert_eq!(identity.map(drop), outcome, "{peer}");
        }
        let stranger = identity(&rules(), "10.2.0.1".parse().unwrap(), &HeaderMap::new());
        assert_eq!(stranger, Err(codes::NO_IDENTITY));
    }

    #[test]
    fn a_second_value_or_none_says_nothing() {
        let peer = "10.1.2.3".parse().unwrap();
        for said in [
            headers(&[]),
            headers(&[(GROUPS, "acme-it")]),
            headers(&[(USER, " ")]),
            headers(&[(USER, "ada"), (USER, "eve")]),
            headers(&[(USER, "ada"), (GROUPS, "acme-it"), (GROUPS, "globex-it")]),
        ] {
            assert_eq!(
                identity(&rules(), peer, &said),
                Err(codes::NO_IDENTITY),
                "{said:?}"
            );
        }
        let by_mail = headers(&[(EMAIL, "ada@acme.com")]);
        let known = identity(&rules(), peer, &by_mail).unwrap();
        assert_eq!(known.subject, "ada@acme.com");
    }

    #[test]
    fn a_group_is_for_one_organization_and_its_intents() {
        let rules = rules();
        let peer = "10.1.2.3".parse().unwrap();
        let said = headers(&[(USER, "ada"), (GROUPS, "staff, globex-it")]);
        let ada = identity(&rules, peer, &said).unwrap();
        let may =
            |key: &str, intent| ada.authorize(&rules.groups, &OrgKey::parse(key).unwrap(), intent);
        assert_eq!(may("globex", Intent::Sso), Ok(()));
        assert_eq!(may("globex", Intent::Dsync), Err(codes::OTHER_INTENT));
        assert_eq!(may("acme", Intent::Sso), Err(codes::OTHER_ORGANIZATION));
    }

    #[test]
    fn a_pattern_is_for_every_organization_and_its_own_group_alone() {
        let pattern = Group {
            organization: None,
            intents: Some([Intent::Sso].into()),
        };
        let rules = ProxyRules {
            headers: IdentityHeaders {
                groups: HeaderName::from_static("remote-groups"),
                user: HeaderName::from_static("remote-user"),
                ..IdentityHeaders::default()
            },
            groups: BTreeMap::from([("{key}-it".to_owned(), pattern)]),
            ..rules()
        };
        let peer = "10.1.2.3".parse().unwrap();
        let said = headers(&[
            ("remote-user", "ada"),
            ("remote-groups", "acme-it,x-it-y, {key}-it"),
        ]);
        let ada = identity(&rules, peer, &said).unwrap();
        let may =
            |key: &str, intent| ada.authorize(&rules.groups, &OrgKey::parse(key).unwrap(), intent);
        assert_eq!(may("acme", Intent::Sso), Ok(()));
        assert_eq!(may("acme", Intent::Dsync), Err(codes::OTHER_INTENT));
        for other in ["x", "it", "y", "globex"] {
            assert_eq!(may(other, Intent::Sso), Err(codes::OTHER_ORGANIZATION));
        }
        // A group with an entry of its own gets nothing by the pattern.
        let own = Group {
            organization: Some(OrgKey::parse("globex").unwrap()),
            intents: Some([Intent::Dsync].into()),
        };
        let mut groups = rules.groups.clone();
        groups.insert("acme-it".to_owned(), own);
        let acme = OrgKey::parse("acme").unwrap();
        let refused = ada.authorize(&groups, &acme, Intent::Sso);
        assert_eq!(refused, Err(codes::OTHER_ORGANIZATION));
        // The headers of another proxy are none of this one's.
        let said = headers(&[(USER, "ada"), (GROUPS, "acme-it")]);
        assert_eq!(identity(&rules, peer, &said), Err(codes::NO_IDENTITY));
    }
}
