//! A selection, a page at a time.

use std::time::{Duration, Instant};

use callboard_protocol::{
    DccContext, Describe, DescribeRow, Description, Failure, FailureKind, HostMethod, SelectionId,
};

use crate::Host;

/// How many rows are asked for at once. A row is about 1 kB.
const PAGE_ROWS: u64 = 200;

/// How long an application may go on telling nothing: it renders, plays back, or shows a dialog.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to leave an application in peace that had nothing to tell yet.
const PAUSE: Duration = Duration::from_millis(50);

/// The pages of a selection, from [`Host::describe_pages`]. Ends after the last page or the first failure.
#[derive(Debug)]
pub struct DescribePages<'a> {
    host: &'a Host,
    application: String,
    selection_id: SelectionId,
    offset: u64,
    ended: bool,
}

impl<'a> DescribePages<'a> {
    pub(crate) fn new(host: &'a Host, dcc: &DccContext) -> Self {
        Self {
            host,
            application: dcc.application.clone(),
            selection_id: dcc.selection_id.clone(),
            offset: 0,
            ended: false,
        }
    }

    /// Asks until there are rows, or there are no more.
    fn next_rows(&mut self) -> Result<Vec<DescribeRow>, Failure> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let page: Description = self.host.ask(
                HostMethod::Describe,
                &Describe {
                    selection_id: self.selection_id.clone(),
                    offset: self.offset,
                    limit: PAGE_ROWS,
                },
            )?;
            self.offset += page.rows.len() as u64;
            self.ended = page.complete;
            if self.ended || !page.rows.is_empty() {
                return Ok(page.rows);
            }
            if Instant::now() >= give_up {
                return Err(self.is_busy());
            }
            self.host.link().wait_for_cancel(PAUSE);
        }
    }

    fn is_busy(&self) -> Failure {
        let who = match self.application.as_str() {
            "" => "the application",
            name => name,
        };
        let secs = PATIENCE.as_secs();
        let message = format!("{who} is busy: it told nothing of what is selected for {secs} s");
        Failure::new(FailureKind::TimedOut, message).hint("wait until it is idle, then try again")
    }
}

impl Iterator for DescribePages<'_> {
    type Item = Result<Vec<DescribeRow>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let rows = self.next_rows();
        self.ended |= rows.is_err();
        Some(rows)
    }
}
