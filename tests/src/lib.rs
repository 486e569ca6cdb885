//! Fakes and runners for Callboard's scenarios.
