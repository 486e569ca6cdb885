//! What the author of a Callboard plugin imports.
