//! View of the results, below all renderers: words, counts, order, notes and reasons.
//!
//! Results go in, plain values come out, without colour, markup or escaping. Every format takes its
//! words from here, so that all of them say the same.

mod change;
mod count;
mod destination;
mod difference;
mod duration;
mod email;
mod held;
mod invitation;
mod list;
mod moment;
mod note;
mod order;
mod state;
mod tone;

pub use email::Emails;

pub(crate) use change::{action_sign, field_name, group, is_bare_value, surprising_reason};
pub(crate) use count::{
    Count, apply_counts, apply_end, joined, plan_counts, status_counts, touched,
};
pub(crate) use destination::{allowed, hosts};
pub(crate) use difference::{
    change_sign, changed_keys, danger_message, diff_counts, diff_field_name, organizations_named,
};
pub(crate) use duration::age;
pub use duration::rounded;
pub(crate) use held::held_reason;
pub(crate) use invitation::{InvitationStateName, invitation_text, invitations};
pub use list::counted;
pub(crate) use list::{and_more, first_few, requests};
pub(crate) use moment::moment;
pub(crate) use note::{all_notes, plan_notes, unread_note};
pub(crate) use order::{by_urgency, is_settled, organizations_by_urgency, urgency};
pub(crate) use state::{intent_label, intent_sign, state_label, state_sign, turn_label};
pub(crate) use tone::Tone;
