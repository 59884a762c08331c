//! The holder of an organization: the Kubernetes resource whose operator keeps it as declared.
//!
//! Goes in: the text of a mark, or the parts of a resource's name. Comes out: a checked
//! `cluster/namespace/name`. A mark that is not of this shape is kept as it is and stays a mark.

use std::fmt;
use std::str::FromStr;

use super::id::InvalidId;

/// The longest cluster id, in characters; a whole holder then fits in a metadata value of WorkOS.
pub const MAX_CLUSTER_ID_LENGTH: usize = 128;
/// The longest namespace, in characters. Source: RFC 1123 labels, as Kubernetes has them.
const MAX_NAMESPACE_LENGTH: usize = 63;
/// The longest name of a Kubernetes object, in characters. Source: RFC 1123 subdomains.
const MAX_NAME_LENGTH: usize = 253;

/// A Kubernetes resource in a cluster, written `cluster/namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    cluster: String,
    namespace: String,
    name: String,
}

impl Holder {
    /// Checks the three parts.
    ///
    /// A cluster id has letters, digits and `-`, `_`, `.` and `:`, at most
    /// [`MAX_CLUSTER_ID_LENGTH`] of them.
    ///
    /// # Errors
    ///
    /// Returns the part that is empty, too long or holds another character.
    pub fn new(
        cluster: impl Into<String>,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<Self, InvalidId> {
        let (cluster, namespace, name) = (cluster.into(), namespace.into(), name.into());
        let in_cluster_id =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
        let in_label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let in_name = |b: u8| in_label(b) || b == b'.';
        check("cluster id", &cluster, MAX_CLUSTER_ID_LENGTH, in_cluster_id)?;
        check("namespace", &namespace, MAX_NAMESPACE_LENGTH, in_label)?;
        check("name", &name, MAX_NAME_LENGTH, in_name)?;
        Ok(Self {
            cluster,
            namespace,
            name,
        })
    }

    /// Returns the cluster's id.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Returns the resource's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the resource's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn check(
    part: &str,
    text: &str,
    max_length: usize,
    is_allowed: impl Fn(u8) -> bool,
) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId(format!("has no {part}")));
    }
    if text.len() > max_length {
        return Err(InvalidId(format!(
            "has a {part} of {} characters, {max_length} are allowed",
            text.chars().count()
        )));
    }
    if !text.bytes().all(is_allowed) {
        return Err(InvalidId(format!(
            "has a {part} with a character that is not allowed there"
        )));
    }
    Ok(())
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.cluster, self.namespace, self.name)
    }
}

impl FromStr for Holder {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut parts = text.split('/');
        let (Some(cluster), Some(namespace), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidId("must be cluster/namespace/name".to_owned()));
        };
        Self::new(cluster, namespace, name)
    }
}

/// The holder mark of a live organization, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HolderMark {
    /// A resource in a cluster.
    Resource(Holder),
    /// A text of another shape: the organization is held by an unknown resource.
    Unreadable(String),
}

impl HolderMark {
    /// Reads the value of a mark; a blank one is no mark.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        Some(match text.parse() {
            Ok(holder) => Self::Resource(holder),
            Err(InvalidId(_)) => Self::Unreadable(text.to_owned()),
        })
    }

    /// Returns the resource, where the mark names one.
    pub const fn resource(&self) -> Option<&Holder> {
        match self {
            Self::Resource(holder) => Some(holder),
            Self::Unreadable(_) => None,
        }
    }
}

impl fmt::Display for HolderMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(holder) => holder.fmt(f),
            Self::Unreadable(text) => f.write_str(text),
        }
    }
}

/// The name of a resource in the Kubernetes form of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceName {
    /// Namespace, where the manifest declares one.
    pub namespace: Option<String>,
    /// Name within the namespace.
    pub name: String,
}

impl ResourceName {
    /// Returns whether a holder has this namespace and name, in any cluster.
    pub fn is(&self, holder: &Holder) -> bool {
        self.namespace.as_deref() == Some(holder.namespace()) && self.name == holder.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest metadata value of WorkOS.
    const MAX_METADATA_VALUE: usize = 600;

    #[test]
    fn a_holder_reads_back_as_it_was_written() {
        let uid = "5a1c0a3e-8f4e-4d8f-9d64-2f0f5d2b7c11";
        for cluster in [uid, "prod-eu.1", "arn:aws:eks"] {
            let holder = Holder::new(cluster, "team-a", "acme.eu").unwrap();
            assert_eq!(holder.to_string(), format!("{cluster}/team-a/acme.eu"));
            assert_eq!(holder.to_string().parse(), Ok(holder));
        }
    }

    #[test]
    fn the_longest_holder_fits_in_a_metadata_value() {
        let (cluster, namespace, name) = ("c".repeat(128), "n".repeat(63), "o".repeat(253));
        let longest = Holder::new(&cluster, &namespace, &name).unwrap();
        assert!(longest.to_string().len() <= MAX_METADATA_VALUE);
        assert!(Holder::new(format!("{cluster}c"), "n", "o").is_err());
        assert!(Holder::new("c", format!("{namespace}n"), "o").is_err());
        assert!(Holder::new("c", "n", format!("{name}o")).is_err());
    }

    #[test]
    fn a_mark_of_another_shape_stays_a_mark() {
        for text in [
            "somebody", "a/b", "a/b/c/d", "a//c", "a/B/c", "ä/b/c", "a/b/c d",
        ] {
            assert!(text.parse::<Holder>().is_err(), "{text}");
            let mark = HolderMark::read(text).unwrap();
            assert_eq!(mark, HolderMark::Unreadable(text.to_owned()));
            assert_eq!(mark.resource(), None);
        }
        let holder = Holder::new("a", "b", "c").unwrap();
        let mark = HolderMark::read(" a/b/c\n");
        assert_eq!(mark, Some(HolderMark::Resource(holder)));
    }

    #[test]
    fn a_blank_mark_is_none() {
        assert_eq!(HolderMark::read(""), None);
        assert_eq!(HolderMark::read(" \t"), None);
    }

    #[test]
    fn a_resource_without_a_namespace_is_no_holder() {
        let holder = Holder::new("prod", "team-a", "acme").unwrap();
        let named = |namespace: Option<&str>, name: &str| ResourceName {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        assert!(named(Some("team-a"), "acme").is(&holder));
        for other in [
            (None, "acme"),
            (Some("team-b"), "acme"),
            (Some("team-a"), "b"),
        ] {
            assert!(!named(other.0, other.1).is(&holder), "{other:?}");
        }
    }
}
