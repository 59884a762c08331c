//! An organization that another manifest or an operator holds is not written unasked.
