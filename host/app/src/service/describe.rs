//! What an application has selected.

use callboard_protocol::{Describe, Description, Failure};

use crate::surface::bus::Applications;

/// Asks the application of a bus connection for a page of its selection.
///
/// # Errors
///
/// When it is gone, or does not answer well.
pub(crate) async fn describe(
    applications: &Applications,
    session: u64,
    describe: &Describe,
) -> Result<Description, Failure> {
    applications.describe(session, describe).await
}
