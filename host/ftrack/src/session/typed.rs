//! Queries whose rows have a Rust type.

use futures_util::{Stream, StreamExt};

use super::Session;
use crate::entity::{FieldError, Id, Typed};
use crate::error::CallError;
use crate::query::{Filter, Query, QueryError};

/// Why a query brought no typed rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The query cannot be written. Correct it.
    #[error("could not write the query")]
    Query(#[from] QueryError),
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A row is not what it was read as. Correct the query or the type.
    #[error("could not read a row")]
    Row(#[from] FieldError),
}

impl Session {
    /// Returns all rows of a query.
    ///
    /// ```no_run
    /// # async fn shots(session: ftrack::Session) -> Result<(), ftrack::ReadError> {
    /// use ftrack::{Filter, Query, Shot};
    ///
    /// let query = Query::of::<Shot>()
    ///     .select(["name", "status.name"])
    ///     .filter(Filter::is("project.name", "harbour"));
    /// for shot in session.all::<Shot>(&query).await? {
    ///     let status = shot.status()?.and_then(|status| Some(status.name().ok()??.to_owned()));
    ///     println!("{} {status:?}", shot.name()?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the query, how the call failed, or which type a row has instead.
    pub async fn all<T: Typed>(&self, query: &Query) -> Result<Vec<T>, ReadError> {
        let rows = self.query(&query.build()?).await?;
        let typed = rows.into_iter().map(|row| T::from_entity(row.into()));
        Ok(typed.collect::<Result<_, _>>()?)
    }

    /// Returns the first row of a query, if there is one.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn first<T: Typed>(&self, query: &Query) -> Result<Option<T>, ReadError> {
        let found = self.all(&query.clone().limit(1)).await?;
        Ok(found.into_iter().next())
    }

    /// Returns the entity with this id, with these attributes, if it is there and may be seen.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn get<T: Typed>(
        &self,
        id: &Id<T>,
        attributes: &[&str],
    ) -> Result<Option<T>, ReadError> {
        let query = Query::of::<T>().select(attributes.iter().copied());
        self.first(&query.filter(Filter::is("id", id))).await
    }

    /// Returns the rows of a query as they come in, as [`stream`](Self::stream) does.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the query; how a call failed is an item of the stream.
    pub fn stream_of<T: Typed>(
        &self,
        query: &Query,
    ) -> Result<impl Stream<Item = Result<T, ReadError>> + Unpin + use<T>, QueryError> {
        let rows = self.stream(query.build()?);
        Ok(rows.map(|row| Ok(T::from_entity(row?)?)))
    }
}
