//! Within one organization independent writes go on, and refusals name what was refused.
