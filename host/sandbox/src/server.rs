//! Starting and stopping the server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::control::Control;
use crate::disk::Disk;
use crate::encode::{self, Encoder};
use crate::hub::Hub;
use crate::media::Media;
use crate::schema::{Document, Schema, SchemaError};
use crate::seed::{self, Scale, Seed};
use crate::store::{DatabaseError, Store};
use crate::{api, http};

/// How long answers under way may take once the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// How a sandbox is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder that keeps the data, or `None` to keep it in memory.
    pub data: Option<PathBuf>,
    /// What a new sandbox contains; data that is already there is left as it is.
    pub seed: Seed,
    /// How large the demo project is.
    pub scale: Scale,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: None,
            seed: Seed::Demo,
            scale: Scale::default(),
        }
    }
}

/// The sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("could not listen on `{address}`")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The data cannot be opened, or is of a newer version.
    #[error("could not open the sandbox's data")]
    Data(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The demo project could not be made.
    #[error("could not make the demo project: {message}")]
    Seed {
        /// What the server said.
        message: String,
    },
}

impl From<DatabaseError> for StartError {
    fn from(error: DatabaseError) -> Self {
        Self::Data(Box::new(error))
    }
}

impl From<SchemaError> for StartError {
    fn from(error: SchemaError) -> Self {
        Self::Data(Box::new(error))
    }
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Server {
    store: RwLock<Store>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) control: Control,
    pub(crate) media: Media,
    pub(crate) encoder: Encoder,
    document: RwLock<Arc<Document>>,
    pub(crate) base_url: String,
    /// Whether it listens on loopback, where only this machine can ask.
    pub(crate) is_local: bool,
    pub(crate) control_token: String,
}

impl Server {
    pub(crate) fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn store_mut(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// The schemas as clients get them now.
    pub(crate) fn document(&self) -> Arc<Document> {
        let document = self.document.read();
        document.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a new schema known to the store and to clients that ask from now on.
    pub(crate) fn renew_schema(&self, store: &mut Store, schema: Schema) {
        let document = Arc::new(Document::new(&schema));
        store.schema = Arc::new(schema);
        *self
            .document
            .write()
            .unwrap_or_else(PoisonError::into_inner) = document;
    }
}

/// A running server. It ends when this is dropped, or more gently with [`Sandbox::stop`].
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    server_url: String,
    user: String,
    api_key: String,
    server: Arc<Server>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    /// Until it has been waited for.
    encoding: Option<std::thread::JoinHandle<()>>,
}

/// Starts a sandbox; it is ready when this returns.
///
/// # Errors
///
/// Fails when the address or the data cannot be used.
pub async fn start(options: Options) -> Result<Sandbox, StartError> {
    let listen = options.listen;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|source| StartError::Listen {
            address: listen,
            source,
        })?;
    let address = listener.local_addr().map_err(|source| StartError::Listen {
        address: listen,
        source,
    })?;
    let server_url = format!("http://{address}");
    let control = Control::default();
    let disk = control.disk.clone();
    let (mut store, document, media) = tokio::task::spawn_blocking(move || open(&options, disk))
        .await
        .map_err(|error| StartError::Data(Box::new(error)))??;
    store.set_surroundings(control.disk.clone(), control.clock.clone());
    let (user, api_key) = seed::main_credentials(&store).ok_or_else(|| StartError::Seed {
        message: "there is no user with an API key".to_owned(),
    })?;
    let (encoder, orders) = Encoder::new();
    let server = Arc::new(Server {
        store: RwLock::new(store),
        hub: Arc::new(Hub::default()),
        control,
        media,
        encoder,
        document: RwLock::new(Arc::new(document)),
        base_url: server_url.clone(),
        is_local: address.ip().is_loopback(),
        control_token: api::new_secret(),
    });
    let (stop, stopped) = watch::channel(false);
    let encoding = encode::start(&server, orders, stopped.clone())
        .map_err(|error| StartError::Data(Box::new(error)))?;
    let task = tokio::spawn(accept(listener, server.clone(), stopped));
    Ok(Sandbox {
        address,
        server_url,
        user,
        api_key,
        server,
        stop,
        task,
        encoding: Some(encoding),
    })
}

fn open(options: &Options, disk: Disk) -> Result<(Store, Document, Media), StartError> {
    let schema = Arc::new(Schema::built_in()?);
    let mut store = match &options.data {
        Some(folder) => Store::open(schema, folder)?,
        None => Store::in_memory(schema),
    };
    if store.is_empty() {
        seed::plant(&mut store, options.seed, &options.scale).map_err(|error| {
            StartError::Seed {
                message: error.content,
            }
        })?;
        store.commit()?;
    }
    let document = Document::new(&store.schema);
    Ok((store, document, Media::new(options.data.as_deref(), disk)))
}

/// Waits until the flag is set, or its owner is gone, which means the same.
pub(crate) async fn became_true(flag: &mut watch::Receiver<bool>) {
    while !*flag.borrow_and_update() {
        if flag.changed().await.is_err() {
            return;
        }
    }
}

async fn accept(listener: TcpListener, server: Arc<Server>, mut stopped: watch::Receiver<bool>) {
    let router = http::router(server);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = became_true(&mut stopped) => break,
            // Reaps connections that have ended.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(http::serve_connection(stream, router.clone(), stopped.clone()));
                }
                Err(error) => {
                    // Mostly a lack of file descriptors, which passes.
                    tracing::warn!(%error, "could not accept a connection");
                    crate::control::pass_time(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WITHIN, all_ended).await.is_err() {
        connections.abort_all();
    }
}

impl Sandbox {
    /// The address that clients are given, such as `http://127.0.0.1:4711`.
    pub fn server_url(&self) -> &str {
        &self.server_url
    }

    /// The address of the web page.
    pub fn page_url(&self) -> &str {
        &self.server_url
    }

    /// The demo's main user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The API key of [`Self::user`].
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// What to send as `sandbox-token` to the control endpoints.
    pub fn control_token(&self) -> &str {
        &self.server.control_token
    }

    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets answers under way finish, and closes everything.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.server.hub.drop_connections();
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the sandbox did not stop cleanly");
        }
        // What encodes is killed, so this does not take long.
        if let Some(encoding) = self.encoding.take()
            && let Ok(Err(_)) = tokio::task::spawn_blocking(|| encoding.join()).await
        {
            tracing::warn!("the encoder panicked");
        }
        // Sockets that were opened while the others were closed.
        self.server.hub.drop_connections();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.hub.drop_connections();
        self.task.abort();
    }
}
