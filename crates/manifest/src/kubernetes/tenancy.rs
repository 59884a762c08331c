//! Tenants: PortalOrganizations outside the namespace of their PortalEnvironment.
//!
//! Goes in: two namespaces and a key. Comes out: the key and the external ids of a tenant's organization.
//! All readers of the Kubernetes form use these rules, so that they agree.

use crate::shape::{ExternalIdPatterns, OperatorSettings};

impl OperatorSettings {
    /// Returns whether the environment takes `PortalOrganization`s of a namespace: its own, or one that
    /// `allowedNamespaces` lists. A namespace that is not known may be its own.
    pub fn takes_namespace(&self, home: Option<&str>, namespace: Option<&str>) -> bool {
        let (Some(home), Some(namespace)) = (home, namespace) else {
            return true;
        };
        let mut allowed = self.allowed_namespaces.iter();
        home == namespace || allowed.any(|one| one == "*" || one == namespace)
    }
}

/// A namespace other than the one of the PortalEnvironment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenant<'a> {
    namespace: &'a str,
}

impl<'a> Tenant<'a> {
    /// Returns the tenant that a namespace is, if it is known to be another than the environment's.
    pub fn of(environment: Option<&str>, namespace: Option<&'a str>) -> Option<Self> {
        let namespace = namespace?;
        (environment? != namespace).then_some(Self { namespace })
    }

    /// Returns the namespace.
    pub const fn namespace(self) -> &'a str {
        self.namespace
    }

    /// Returns the name of a key, or of an external id that was a key, within the environment:
    /// `NAMESPACE.KEY`. A text that has the prefix already stays as it is.
    pub fn qualified(self, key: &str) -> String {
        if self.is_qualified(key) {
            key.to_owned()
        } else {
            format!("{}.{key}", self.namespace)
        }
    }

    /// Returns whether a text begins with `NAMESPACE.` and goes on.
    pub fn is_qualified(self, text: &str) -> bool {
        self.plain(text).is_some()
    }

    /// Returns the part of a text after `NAMESPACE.`
    pub fn plain(self, text: &str) -> Option<&str> {
        let rest = text.strip_prefix(self.namespace)?.strip_prefix('.')?;
        (!rest.is_empty()).then_some(rest)
    }

    /// Returns whether the tenant may set an external id by itself.
    pub fn may_set(self, external_id: &str, patterns: &[ExternalIdPatterns]) -> bool {
        let own = patterns
            .iter()
            .filter(|one| one.namespace == self.namespace);
        self.is_qualified(external_id)
            || own
                .flat_map(|one| &one.patterns)
                .any(|pattern| matches(pattern, external_id))
    }
}

/// Returns whether a text matches a pattern as a whole; `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(namespace: &str) -> Tenant<'_> {
        Tenant::of(Some("portal"), Some(namespace)).unwrap()
    }

    #[test]
    fn only_a_known_other_namespace_is_a_tenant() {
        assert_eq!(Tenant::of(Some("portal"), Some("portal")), None);
        assert_eq!(Tenant::of(None, Some("team")), None);
        assert_eq!(Tenant::of(Some("portal"), None), None);
        assert_eq!(tenant("team").namespace(), "team");
    }

    #[test]
    fn a_key_is_qualified_once() {
        let team = tenant("team");
        assert_eq!(team.qualified("acme"), "team.acme");
        assert_eq!(team.qualified("team.acme"), "team.acme");
        assert_eq!(team.qualified("team"), "team.team");
        assert_eq!(team.qualified("team-b.acme"), "team.team-b.acme");
        assert_eq!(team.plain("team.acme"), Some("acme"));
        assert_eq!(team.plain("team."), None);
        assert_eq!(team.plain("teams.acme"), None);
    }

    #[test]
    fn an_external_id_needs_the_own_prefix_or_a_pattern_of_the_own_namespace() {
        let patterns = |namespace: &str, patterns: &[&str]| ExternalIdPatterns {
            namespace: namespace.to_owned(),
            patterns: patterns.iter().map(|&one| one.to_owned()).collect(),
        };
        let allowed = [
            patterns("team", &["crm-*", "fixed"]),
            patterns("other", &["*"]),
        ];
        let may = |id: &str| tenant("team").may_set(id, &allowed);
        for id in ["team.acme", "crm-1", "crm-", "fixed"] {
            assert!(may(id), "{id}");
        }
        for id in [
            "acme",
            "team.",
            "teams.acme",
            "xcrm-1",
            "fixed2",
            "other.acme",
        ] {
            assert!(!may(id), "{id}");
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, is_match) in [
            ("*", "", true),
            ("*", "a", true),
            ("a*", "a", true),
            ("a*b*c", "axxbxxc", true),
            ("a*b*c", "axxbxx", false),
            ("a*bc", "abbc", true),
            ("a*a", "a", false),
            ("*b", "abb", true),
            ("**", "x", true),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), is_match, "{pattern} {text}");
        }
    }

    #[test]
    fn an_environment_takes_its_own_namespace_and_those_that_it_lists() {
        let takes = |allowed: &[&str], home, namespace| {
            let settings = OperatorSettings {
                allowed_namespaces: allowed.iter().map(|one| (*one).to_owned()).collect(),
                ..OperatorSettings::default()
            };
            settings.takes_namespace(home, namespace)
        };
        assert!(takes(&[], Some("portal"), Some("portal")));
        assert!(!takes(&[], Some("portal"), Some("team")));
        assert!(takes(&["team"], Some("portal"), Some("team")));
        assert!(!takes(&["team"], Some("portal"), Some("teams")));
        assert!(takes(&["*"], Some("portal"), Some("team")));
        // A file without a namespace may be applied to the environment's.
        assert!(takes(&[], Some("portal"), None) && takes(&[], None, Some("team")));
    }
}
