//! What each service is asked and what it answers, one file each.

mod ftrack;

pub use ftrack::{FtrackCall, FtrackCalled, Query, QueryPage, QueryResults, QueryRows};
