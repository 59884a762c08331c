//! Values as they are written: decoded, not yet checked, each with its place.
//!
//! A [`Field`] without a value is there but was refused, which has been reported; a field that is not
//! there is `None` altogether. The two are never the same: an absent field is not managed.

use super::source::{Spot, Spotted};

/// A field: where its name stands, where its value stands, and the value.
#[derive(Debug, Clone)]
pub(super) struct Field<T> {
    pub(super) key: Spot,
    pub(super) spot: Spot,
    pub(super) value: Option<T>,
    /// Set for a null in a patch, which takes the field away.
    pub(super) is_null: bool,
}

impl<T> Field<T> {
    /// A field that stands for something written at one place.
    pub(super) fn at(spot: Spot, value: T) -> Self {
        Self {
            key: spot,
            spot,
            value: Some(value),
            is_null: false,
        }
    }
}

/// A value that a later layer changes: fields of mappings one by one, everything else as a whole.
pub(crate) trait Layered: Sized {
    /// Returns a value of a later layer, laid over that of an earlier one.
    fn over(self, _: Option<Self>) -> Self {
        self
    }
}

impl Layered for bool {}
impl Layered for i64 {}
impl Layered for Text {}
impl<T> Layered for Vec<T> {}

impl Layered for RawMap {
    fn over(self, earlier: Option<Self>) -> Self {
        let mut entries = earlier.map(|map| map.entries).unwrap_or_default();
        entries.retain(|(key, _)| !self.entries.iter().any(|(own, _)| own.value == key.value));
        entries.extend(self.entries);
        Self { entries }
    }
}

/// Lays a field of a later layer over that of an earlier one; a null takes it away.
pub(crate) fn lay_over<T: Layered>(earlier: &mut Option<Field<T>>, later: Option<Field<T>>) {
    let Some(later) = later else { return };
    let before = earlier.take().and_then(|field| field.value);
    if !later.is_null {
        *earlier = Some(Field {
            value: later.value.map(|value| value.over(before)),
            ..later
        });
    }
}

/// The value of a field that is there and was not refused.
pub(super) fn accepted<T>(field: Option<&Field<T>>) -> Option<(&T, Spot)> {
    let field = field?;
    Some((field.value.as_ref()?, field.spot))
}

pub(super) type Text = Box<str>;
pub(super) type Texts = Vec<Spotted<Text>>;

/// A mapping whose keys are the user's own; a value of `None` is null.
#[derive(Debug, Default)]
pub(crate) struct RawMap {
    pub(crate) entries: Vec<(Spotted<Text>, Spotted<Option<Text>>)>,
}
