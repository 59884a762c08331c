//! One object's failing or puzzling read stays that object's trouble.
