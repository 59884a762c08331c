//! Storage of the API server: objects, the version of every write, and their history.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::status;

/// The kinds of objects that the operator knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Environment,
    Organization,
    Secret,
    Lease,
    Event,
}

impl Kind {
    /// By the word in a path.
    pub(crate) fn of(plural: &str) -> Option<Self> {
        Some(match plural {
            "portalenvironments" => Self::Environment,
            "portalorganizations" => Self::Organization,
            "secrets" => Self::Secret,
            "leases" => Self::Lease,
            "events" => Self::Event,
            _ => return None,
        })
    }

    pub(super) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Environment => ("portalctl.dev/v1alpha1", "PortalEnvironment"),
            Self::Organization => ("portalctl.dev/v1alpha1", "PortalOrganization"),
            Self::Secret => ("v1", "Secret"),
            Self::Lease => ("coordination.k8s.io/v1", "Lease"),
            Self::Event => ("events.k8s.io/v1", "Event"),
        }
    }
}

/// Identity of an object: kind, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    /// An object of the environments' namespace.
    pub(crate) fn new(kind: Kind, name: &str) -> Self {
        Self {
            kind,
            namespace: super::NAMESPACE.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// Reason for which a request is not carried out.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

impl Refusal {
    pub(crate) const NOT_FOUND: Self = Self::new(404, "NotFound");
    pub(crate) const CONFLICT: Self = Self::new(409, "Conflict");
    pub(crate) const EXPIRED: Self = Self::new(410, "Expired");
    pub(crate) const INVALID: Self = Self::new(422, "Invalid");

    pub(crate) const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }

    /// As the API server words it.
    pub(crate) fn status(&self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("the API server says {}", self.reason),
            "reason": self.reason, "code": self.code,
        })
    }
}

/// One thing that happened to an object.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) kind: Kind,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(crate) what: &'static str,
    pub(crate) object: Arc<Value>,
}

/// All objects and their history.
#[derive(Debug, Default)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Value>,
    /// The status that the operator's field manager has applied last, by object: what it owns.
    applied: BTreeMap<Key, Value>,
    version: u64,
    uids: u64,
    history: Vec<Change>,
    /// Oldest version that is still in the history.
    compacted: u64,
}

impl Store {
    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// Every object of a kind, in the order of names.
    pub(crate) fn list(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        let of_kind = self.objects.iter().filter(move |(key, _)| key.kind == kind);
        of_kind.map(|(_, object)| object)
    }

    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// Creates an object with a spec, or with whatever else its kind has.
    pub(crate) fn create(
        &mut self,
        key: &Key,
        body: &Value,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        if self.objects.contains_key(key) {
            return Err(Refusal::new(409, "AlreadyExists"));
        }
        let (api_version, kind) = key.kind.names();
        let mut object = body.clone();
        object["apiVersion"] = json!(api_version);
        object["kind"] = json!(kind);
        self.uids += 1;
        object["metadata"]["name"] = json!(key.name);
        object["metadata"]["namespace"] = json!(key.namespace);
        object["metadata"]["uid"] = json!(format!("uid-{}", self.uids));
        object["metadata"]["generation"] = json!(1);
        let second = Timestamp::from_second(now.as_second()).unwrap();
        object["metadata"]["creationTimestamp"] = json!(second.to_string());
        Ok(self.write(key, object, "ADDED"))
    }

    /// Changes an object; whether anything was changed. What changes nothing has no version.
    pub(crate) fn change(
        &mut self,
        key: &Key,
        edit: impl FnOnce(&mut Value) -> Result<(), Refusal>,
    ) -> Result<(Value, bool), Refusal> {
        let before = self.objects.get(key).ok_or(Refusal::NOT_FOUND)?;
        let mut after = before.clone();
        edit(&mut after)?;
        if after["metadata"]["finalizers"] == json!([]) {
            let metadata = after["metadata"].as_object_mut();
            metadata.and_then(|metadata| metadata.remove("finalizers"));
        }
        if after == *before {
            return Ok((after, false));
        }
        let is_leaving = !before["metadata"]["deletionTimestamp"].is_null();
        let held = |object: &Value| object["metadata"]["finalizers"].as_array().cloned();
        let (was, is) = (
            held(before).unwrap_or_default(),
            held(&after).unwrap_or_default(),
        );
        if is_leaving && is.iter().any(|one| !was.contains(one)) {
            return Err(Refusal::INVALID);
        }
        if after["spec"] != before["spec"] && key.kind != Kind::Lease {
            raise_generation(&mut after);
        }
        if is_leaving && is.is_empty() {
            return Ok((self.remove(key, after), true));
        }
        Ok((self.write(key, after, "MODIFIED"), true))
    }

    /// Deletes an object, or marks it as being deleted while somebody holds it.
    pub(crate) fn delete(&mut self, key: &Key, now: Timestamp) -> Result<(), Refusal> {
        let mut object = self.objects.get(key).cloned().ok_or(Refusal::NOT_FOUND)?;
        let finalizers = object["metadata"]["finalizers"].as_array();
        if finalizers.is_none_or(Vec::is_empty) {
            self.remove(key, object);
        } else if object["metadata"]["deletionTimestamp"].is_null() {
            let second = Timestamp::from_second(now.as_second()).unwrap();
            object["metadata"]["deletionTimestamp"] = json!(second.to_string());
            raise_generation(&mut object);
            self.write(key, object, "MODIFIED");
        }
        Ok(())
    }

    /// Applies a status by the operator's field manager; whether anything was changed.
    pub(crate) fn apply_status(
        &mut self,
        key: &Key,
        body: &Value,
    ) -> Result<(Value, bool), Refusal> {
        let owned = self.applied.get(key).cloned().unwrap_or_default();
        let wanted = &body["status"];
        let (object, is_changed) = self.change(key, |object| {
            same_object(object, &body["metadata"])?;
            object["status"] = status::apply(&object["status"], &owned, wanted);
            Ok(())
        })?;
        self.applied.insert(key.clone(), wanted.clone());
        Ok((object, is_changed))
    }

    /// The next thing that happened to objects of a kind after a version; `EXPIRED` when what
    /// happened since is forgotten.
    pub(crate) fn after(&self, version: u64, kind: Kind) -> Result<Option<Change>, Refusal> {
        if version < self.compacted {
            return Err(Refusal::EXPIRED);
        }
        let first = self.history.partition_point(|one| one.version <= version);
        let mut later = self.history[first..].iter();
        Ok(later.find(|one| one.kind == kind).cloned())
    }

    /// Forgets what happened so far.
    pub(crate) fn compact(&mut self) {
        self.compacted = self.version;
        self.history.clear();
    }

    fn write(&mut self, key: &Key, mut object: Value, what: &'static str) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key.clone(), object.clone());
        self.note(key, &object, what);
        object
    }

    fn remove(&mut self, key: &Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.remove(key);
        self.applied.remove(key);
        self.note(key, &object, "DELETED");
        object
    }

    fn note(&mut self, key: &Key, object: &Value, what: &'static str) {
        // Other kinds are not watched.
        if matches!(key.kind, Kind::Environment | Kind::Organization) {
            self.history.push(Change {
                version: self.version,
                kind: key.kind,
                what,
                object: Arc::new(object.clone()),
            });
        }
    }
}

fn raise_generation(object: &mut Value) {
    let generation = object["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
    object["metadata"]["generation"] = json!(generation);
}

/// Checks that a write names this very object, and the version of it that the writer saw.
pub(crate) fn same_object(object: &Value, metadata: &Value) -> Result<(), Refusal> {
    for field in ["uid", "resourceVersion"] {
        let wanted = &metadata[field];
        if !wanted.is_null() && *wanted != object["metadata"][field] {
            return Err(Refusal::CONFLICT);
        }
    }
    Ok(())
}
