//! One client, from its hello to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use callboard_protocol::{BusHello, Failure, FailureKind, Message, MessageId};
use callboard_wire::{DecodeError, Decoder};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::outgoing::Outgoing;
use super::{Client, HELLO, Shared, applications, hello, lock, requests, windows};

/// How much is read at once.
const PIECE_BYTES: usize = 16 * 1024;

/// How long answers may take after the client has closed its side.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves one client until it goes away or is ended.
pub(super) async fn serve(stream: UnixStream, shared: Arc<Shared>) {
    let session = shared.next_session();
    let (mut reader, mut writer) = stream.into_split();
    let mut decoder = Decoder::default();
    let welcome = hello::welcome(shared.options.about.host(), session);
    let admit = |hello: &BusHello| windows::admit(&shared, hello);
    let exchanged = hello::exchange(
        &mut reader,
        &mut writer,
        &mut decoder,
        &welcome,
        HELLO,
        admit,
    );
    let Some(hello) = exchanged.await else { return };
    let (outgoing, lines) = Outgoing::new(shared.options.queue_messages);
    let writing = tokio::spawn(lines.run(writer));
    let client = Arc::new(Client {
        session,
        hello,
        outgoing: outgoing.clone(),
        applications: applications::Questions::default(),
        jobs: std::sync::Mutex::default(),
        is_window: AtomicBool::new(false),
    });
    tracing::debug!(
        session,
        name = client.hello.name,
        "a client came to the bus"
    );
    lock(&shared.clients).insert(session, Arc::clone(&client));
    let mut connection = Connection {
        client,
        shared: Arc::clone(&shared),
        in_flight: Arc::default(),
        tasks: JoinSet::new(),
    };
    tokio::select! {
        () = connection.run(&mut reader, &mut decoder) => {}
        () = outgoing.ended() => {}
    }
    shared.forget(session);
    connection.client.applications.give_up();
    // What the client asked last may still be answered: some send, shut down their side, and read to the end.
    // Its replies are withdrawn otherwise, and nothing else: what it launched goes on.
    connection.finish_tasks(&outgoing).await;
    outgoing.finish().await;
    // A client that keeps the socket open and does not read would hold the writer, and all that waits for it, for ever.
    writing.abort();
    if let Err(error) = writing.await
        && error.is_panic()
    {
        tracing::error!(%error, "the writer of a client of the bus panicked");
    }
    tracing::debug!(session, "a client left the bus");
}

/// What one connection has under way.
pub(super) struct Connection {
    pub(super) client: Arc<Client>,
    pub(super) shared: Arc<Shared>,
    in_flight: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

/// Keeps count of a request in flight.
pub(super) struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    async fn run(&mut self, reader: &mut (impl AsyncRead + Unpin), decoder: &mut Decoder) {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            while let Some(message) = decoder.next_message() {
                self.take(message).await;
            }
            while self.tasks.try_join_next().is_some() {}
            match reader.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(read) => decoder.push(&piece[..read]),
            }
        }
    }

    async fn take(&mut self, message: Result<Message, DecodeError>) {
        match message {
            Ok(Message::Request { id, method, params }) => {
                let limit = self.shared.options.requests_in_flight;
                if self.in_flight.load(Ordering::Relaxed) >= limit {
                    let message = format!("more than {limit} requests are in flight");
                    let failure = Failure::new(FailureKind::Limit, message)
                        .hint("wait for answers before asking more");
                    return self.answer(id, Err(failure));
                }
                requests::take(self, id, &method, params).await;
            }
            // No notification means anything to this version of the host.
            Ok(Message::Notification { method, .. }) => {
                tracing::debug!(method, "a notification on the bus was ignored");
            }
            Ok(Message::Answer { id, result }) => self.client.applications.answered(id, result),
            Err(error) => {
                let kind = match error {
                    DecodeError::TooLong { .. } => FailureKind::Limit,
                    _ => FailureKind::Invalid,
                };
                let failure = Failure::new(kind, error.to_string());
                self.client.outgoing.answer(None, Err(failure));
            }
        }
    }

    /// Answers a request at once.
    pub(super) fn answer(&self, id: MessageId, result: Result<Value, Failure>) {
        self.client.outgoing.answer(Some(id), result);
    }

    /// Answers a request when `result` is there.
    pub(super) fn answer_later(
        &mut self,
        id: MessageId,
        result: impl Future<Output = Result<Value, Failure>> + Send + 'static,
    ) {
        let in_flight = self.count();
        let outgoing = self.client.outgoing.clone();
        self.tasks.spawn(async move {
            let result = result.await;
            drop(in_flight);
            outgoing.answer(Some(id), result);
        });
    }

    /// Counts one more request in flight, until what is returned is dropped.
    pub(super) fn count(&self) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(&self.in_flight))
    }

    async fn finish_tasks(&mut self, outgoing: &Outgoing) {
        let finishing = async { while self.tasks.join_next().await.is_some() {} };
        tokio::select! {
            // What takes longer is withdrawn with its task.
            _ = timeout(LAST_ANSWERS, finishing) => {}
            () = outgoing.ended() => {}
        }
        self.tasks.abort_all();
    }
}
