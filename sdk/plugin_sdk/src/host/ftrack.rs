//! The `ftrack` service, as a plugin sees it.

use callboard_protocol::{
    Failure, FailureKind, FetchedFile, FtrackCall, FtrackCalled, FtrackDownload, HostMethod,
    Operation, Query, QueryPage, QueryResults, QueryRows,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Host, TRANSFER_DEADLINE};

/// The ftrack server, through the host; made by [`Host::ftrack`].
#[derive(Clone, Copy, Debug)]
pub struct Ftrack<'a> {
    host: &'a Host,
}

impl<'a> Ftrack<'a> {
    pub(crate) fn new(host: &'a Host) -> Self {
        Self { host }
    }

    /// Asks ftrack: `Shot where name is "sh010"`. Values go through [`quote`](crate::quote). Needs `ftrack.read`.
    ///
    /// Everything comes in one message, of 8 MiB at most: what may be more than some ten thousand rows is read with [`pages`](Self::pages).
    ///
    /// # Errors
    ///
    /// The server refused the expression or is away, or the turn was cancelled.
    pub fn query(&self, expression: &str) -> Result<Vec<Map<String, Value>>, Failure> {
        let mut results = self.query_many(&[expression])?;
        Ok(results.swap_remove(0))
    }

    /// Asks ftrack, and reads each entity as a `T`: a structure with the fields that the expression selects. Needs `ftrack.read`.
    ///
    /// ```no_run
    /// # use callboard_plugin_sdk::{Failure, Host};
    /// #[derive(serde::Deserialize)]
    /// struct Shot {
    ///     id: String,
    ///     name: String,
    /// }
    ///
    /// # fn names(host: &Host) -> Result<Vec<String>, Failure> {
    /// let shots: Vec<Shot> = host.ftrack().read("select id, name from Shot")?;
    /// # Ok(shots.into_iter().map(|shot| shot.id + &shot.name).collect())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// An entity has another form, the server refused the expression or is away, or the turn was cancelled.
    pub fn read<T: DeserializeOwned>(&self, expression: &str) -> Result<Vec<T>, Failure> {
        let rows = self.query(expression)?.into_iter();
        rows.map(|row| {
            serde_json::from_value(Value::Object(row)).map_err(|error| {
                let message = format!("an entity has another form than expected: `{expression}`");
                Failure::invalid(message)
                    .hint("select every field that is read, and allow for fields that are empty")
                    .caused_by(&error)
            })
        })
        .collect()
    }

    /// Asks ftrack several things in one request, and returns one list for each. Needs `ftrack.read`.
    ///
    /// # Errors
    ///
    /// The server refused an expression or is away, or the turn was cancelled.
    pub fn query_many<E: AsRef<str>>(
        &self,
        expressions: &[E],
    ) -> Result<Vec<Vec<Map<String, Value>>>, Failure> {
        let expressions: Vec<String> = expressions
            .iter()
            .map(|expression| expression.as_ref().to_owned())
            .collect();
        let asked = expressions.len();
        let query = Query { expressions };
        let answer: QueryResults = self.host.ask(HostMethod::Query, &query)?;
        if answer.results.len() == asked {
            Ok(answer.results)
        } else {
            let answered = answer.results.len();
            let message = format!("the host answered {answered} of {asked} queries");
            Err(Failure::new(FailureKind::Internal, message))
        }
    }

    /// Reads a long answer a page at a time, so that no more than one of them is in memory. Needs `ftrack.read`.
    ///
    /// The expression has no `offset` and `limit` of its own; with `order by id` no row is missed or told twice.
    pub fn pages(&self, expression: impl Into<String>) -> QueryPages<'a> {
        QueryPages {
            host: self.host,
            page: QueryPage {
                expression: expression.into(),
                offset: 0,
                limit: None,
            },
            has_ended: false,
        }
    }

    /// Carries out operations at once, all or none of them, and returns what ftrack made of each. Needs a permission for each, such as `ftrack.create.Note`.
    ///
    /// It is never tried again: work that must happen is handed over with [`Host::hand_over`].
    ///
    /// # Errors
    ///
    /// Nothing was done, unless the kind is [`FailureKind::Interrupted`] or [`FailureKind::TimedOut`], where it cannot be told: look before doing it again.
    pub fn call(&self, operations: Vec<Operation>) -> Result<Vec<Value>, Failure> {
        let call = FtrackCall { operations };
        let called: FtrackCalled = self.host.ask(HostMethod::FtrackCall, &call)?;
        Ok(called.results)
    }

    /// Fetches the file of a component into the job's folder, and returns where it is. Needs `ftrack.read`.
    ///
    /// `name` is what it shall be called there; a file of that name is replaced. The job's progress says how far it is.
    ///
    /// # Errors
    ///
    /// There is no such file, it could not be fetched or written, or the turn was cancelled.
    pub fn download(
        &self,
        component_id: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<FetchedFile, Failure> {
        let (component_id, name) = (component_id.into(), name.into());
        self.fetch(&FtrackDownload {
            component_id,
            name,
            ..FtrackDownload::default()
        })
    }

    /// Fetches a thumbnail, fitted into a square of `size` pixels, into the job's folder. Needs `ftrack.read`.
    ///
    /// # Errors
    ///
    /// As [`download`](Self::download).
    pub fn thumbnail(
        &self,
        component_id: impl Into<String>,
        size: u32,
        name: impl Into<String>,
    ) -> Result<FetchedFile, Failure> {
        let (component_id, name) = (component_id.into(), name.into());
        self.fetch(&FtrackDownload {
            component_id,
            name,
            thumbnail: Some(size),
            ..FtrackDownload::default()
        })
    }

    /// Fetches a file or a thumbnail as `download` says, which may bound its size.
    ///
    /// # Errors
    ///
    /// As [`download`](Self::download), or it is too large.
    pub fn fetch(&self, download: &FtrackDownload) -> Result<FetchedFile, Failure> {
        let method = HostMethod::FtrackDownload;
        self.host.ask_within(method, download, TRANSFER_DEADLINE)
    }
}

/// The pages of a long answer; made by [`Ftrack::pages`]. It ends after the first failure.
#[derive(Clone, Debug)]
pub struct QueryPages<'a> {
    host: &'a Host,
    page: QueryPage,
    has_ended: bool,
}

impl QueryPages<'_> {
    /// Sets how many rows a page has: 500 if it is not set, and never more than 5,000.
    #[must_use]
    pub fn of(mut self, rows: u64) -> Self {
        self.page.limit = Some(rows);
        self
    }
}

impl Iterator for QueryPages<'_> {
    type Item = Result<Vec<Map<String, Value>>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let answer: Result<QueryRows, Failure> = self.host.ask(HostMethod::QueryPage, &self.page);
        match answer {
            Ok(answer) => {
                // An offset that does not grow would never end.
                let next = answer
                    .next_offset
                    .filter(|offset| *offset > self.page.offset);
                self.has_ended = next.is_none();
                self.page.offset = next.unwrap_or(self.page.offset);
                Some(Ok(answer.rows))
            }
            Err(failure) => {
                self.has_ended = true;
                Some(Err(failure))
            }
        }
    }
}
