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
}

impl<T> Field<T> {
    /// A field that stands for something written at one place.
    pub(super) fn at(spot: Spot, value: T) -> Self {
        Self {
            key: spot,
            spot,
            value: Some(value),
        }
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
