//! What is in use, doubtful or possibly renamed is not deleted.
