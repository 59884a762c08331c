//! What WorkOS spells differently is the same value: a second plan is empty.
