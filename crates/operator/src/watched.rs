//! An object as a watch holds it: readable or not, and shared by all who look at it.

use std::borrow::Cow;
use std::sync::Arc;

use kube::Resource;
use kube::core::error_boundary::InvalidObject;
use kube::core::{DeserializeGuard, ObjectMeta};
use kube::runtime::watcher::Event;

/// An object, or why it cannot be read. Cheap to clone: a pass over ten thousand of them copies none.
#[derive(Debug, Clone)]
pub(super) struct Watched<K>(Result<Arc<K>, Arc<InvalidObject>>);

impl<K> Watched<K> {
    /// The object, or why it cannot be read.
    pub(super) fn read(&self) -> Result<&Arc<K>, &str> {
        self.0.as_ref().map_err(|invalid| invalid.error.as_str())
    }
}

impl<K> From<DeserializeGuard<K>> for Watched<K> {
    fn from(DeserializeGuard(read): DeserializeGuard<K>) -> Self {
        Self(read.map(Arc::new).map_err(Arc::new))
    }
}

/// What a watch tells, of objects that are to be shared.
pub(super) fn shared<K>(event: Event<DeserializeGuard<K>>) -> Event<Watched<K>> {
    match event {
        Event::Apply(object) => Event::Apply(object.into()),
        Event::Delete(object) => Event::Delete(object.into()),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(object.into()),
        Event::InitDone => Event::InitDone,
    }
}

impl<K: Resource + Clone> Resource for Watched<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(object) => object.meta(),
            Err(invalid) => &invalid.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(object) => Arc::make_mut(object).meta_mut(),
            Err(invalid) => &mut Arc::make_mut(invalid).metadata,
        }
    }
}
