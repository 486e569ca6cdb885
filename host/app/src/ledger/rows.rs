//! Rows in and out of the database.

use callboard_protocol::{Failure, FailureKind, HandOver, JobId, JobState};
use engine::{DraftChange, DraftRow, JobRow, KeptJob, Row, UnitRow};
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes rows within a transaction.
pub(super) fn write(transaction: &Transaction<'_>, rows: &[Row]) -> rusqlite::Result<()> {
    for row in rows {
        match row {
            Row::Job(job) => write_job(transaction, job)?,
            Row::Draft { job, change } => write_draft(transaction, job, change)?,
            Row::HandOver { job, hand_over } => {
                // The same key again is new work under an old name, when a job is run again from its start:
                // the engine answers a repetition itself.
                transaction
                    .prepare_cached("DELETE FROM unit WHERE job = ?1 AND hand_over = ?2")?
                    .execute(params![job.as_str(), hand_over.key])?;
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO hand_over (job, key, body) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![job.as_str(), hand_over.key, body(hand_over)?])?;
            }
            Row::Units {
                job,
                hand_over,
                units,
            } => {
                let mut statement = transaction.prepare_cached(
                    "INSERT INTO unit (job, hand_over, step, key, body) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (job, hand_over, step, key) DO UPDATE SET body = excluded.body",
                )?;
                for unit in units {
                    statement.execute(params![
                        job.as_str(),
                        hand_over,
                        unit.step.as_str(),
                        unit.key,
                        body(unit)?
                    ])?;
                }
            }
        }
    }
    Ok(())
}

fn write_job(transaction: &Transaction<'_>, job: &JobRow) -> rusqlite::Result<()> {
    let summary = &job.detail.summary;
    let state = serde_json::to_value(summary.state).map_err(to_sql)?;
    transaction
        .prepare_cached(
            "INSERT INTO job (id, state, ended, created_ms, event_id, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET
                 state = excluded.state, ended = excluded.ended, event_id = excluded.event_id,
                 body = excluded.body",
        )?
        .execute(params![
            summary.id.as_str(),
            state.as_str().unwrap_or_default(),
            summary.state.has_ended(),
            i64::try_from(summary.created_ms).unwrap_or(i64::MAX),
            job.event_id,
            body(job)?
        ])
        .map(drop)
}

fn write_draft(
    transaction: &Transaction<'_>,
    job: &JobId,
    change: &DraftChange,
) -> rusqlite::Result<()> {
    if change.clear {
        transaction
            .prepare_cached("DELETE FROM draft WHERE job = ?1")?
            .execute([job.as_str()])?;
    }
    let mut forget = transaction.prepare_cached("DELETE FROM draft WHERE job = ?1 AND key = ?2")?;
    for key in &change.forget {
        forget.execute(params![job.as_str(), key])?;
    }
    let mut put = transaction.prepare_cached(
        "INSERT INTO draft (job, key, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (job, key) DO UPDATE SET body = excluded.body",
    )?;
    for (key, row) in &change.put {
        put.execute(params![job.as_str(), key, body(row)?])?;
    }
    Ok(())
}

/// Counts the jobs that have not ended.
pub(super) fn count_unfinished(connection: &Connection) -> rusqlite::Result<u64> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM job WHERE ended = 0")?
        .query_row([], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Forgets ended jobs but the newest `kept`. What has not ended is never forgotten.
pub(super) fn forget_ended(connection: &mut Connection, kept: usize) -> rusqlite::Result<()> {
    connection
        .execute(
            "DELETE FROM job WHERE ended = 1 AND id NOT IN (
                 SELECT id FROM job WHERE ended = 1 ORDER BY created_ms DESC LIMIT ?1)",
            [i64::try_from(kept).unwrap_or(i64::MAX)],
        )
        .map(drop)
}

/// Reads every job, oldest first, and says which rows could not be read.
pub(super) fn read_jobs(connection: &Connection) -> rusqlite::Result<(Vec<KeptJob>, Vec<Failure>)> {
    let mut jobs = Vec::new();
    let mut problems = Vec::new();
    let mut statement =
        connection.prepare("SELECT id, body FROM job ORDER BY created_ms, rowid")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let id: String = row.get(0)?;
        match read_job(connection, &id, &row.get::<_, String>(1)?) {
            Ok(job) => jobs.push(job),
            Err(error) => problems.push(
                Failure::new(
                    FailureKind::Internal,
                    format!("a job could not be read from the ledger: `{id}`"),
                )
                .hint("report this; the job's row is left as it is")
                .caused_by(&error),
            ),
        }
    }
    Ok((jobs, problems))
}

fn read_job(connection: &Connection, id: &str, body: &str) -> rusqlite::Result<KeptJob> {
    let row: JobRow = serde_json::from_str(body).map_err(from_sql)?;
    // A job that ended whole is only ever shown again: its row says enough.
    if row.detail.summary.state == JobState::Done {
        return Ok(KeptJob {
            row,
            hand_overs: Vec::new(),
            draft: Vec::new(),
            units: Vec::new(),
        });
    }
    let hand_overs: Vec<HandOver> = bodies(
        connection,
        "SELECT body FROM hand_over WHERE job = ?1 ORDER BY number",
        &[id],
    )?;
    let draft: Vec<DraftRow> = match row.detail.summary.state {
        JobState::Asks => bodies(connection, "SELECT body FROM draft WHERE job = ?1", &[id])?,
        _ => Vec::new(),
    };
    let units: Vec<UnitRow> = match hand_overs.last() {
        None => Vec::new(),
        Some(last) => bodies(
            connection,
            "SELECT body FROM unit WHERE job = ?1 AND hand_over = ?2",
            &[id, &last.key],
        )?,
    };
    Ok(KeptJob {
        row,
        hand_overs,
        draft,
        units,
    })
}

fn bodies<T: DeserializeOwned>(
    connection: &Connection,
    query: &str,
    keys: &[&str],
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(query)?;
    let found = statement.query_map(rusqlite::params_from_iter(keys), |row| {
        row.get::<_, String>(0)
    })?;
    found
        .map(|text| serde_json::from_str(&text?).map_err(from_sql))
        .collect()
}

pub(super) fn body<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(to_sql)
}

pub(super) fn to_sql(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(error.into())
}

pub(super) fn from_sql(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
}
