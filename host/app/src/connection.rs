//! The connection to ftrack: signs in, keeps the event hub, and says how both stand.
//!
//! A server that cannot be reached is asked again for ever, ever more seldom and never at the same moment as all other
//! machines do. Credentials that are refused are tried again as well, but slowly: only a person changes them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use callboard_event::{ContentError, Expression, RawEvent};
use callboard_protocol::{ConnectionState, EventPlace, Failure, FailureKind, HubStatus};
use connect::Switchboard;
use engine::{Event, Identity};
use ftrack::{
    CallError, ConnectError, EventHub, HubMessage, HubMessages, HubOptions, HubState, Session,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::about::SignIn;
use crate::engine_thread::{Announcement, EngineHandle};
use crate::hearing::{Hearing, HubHearing};
use crate::service::{failure_from_call, failure_from_connect, failure_from_lost};
use crate::settings::{Credentials, HubSettings, NetworkSettings};
use crate::surface::web::WebSurface;

/// The topic of changes to entities.
const UPDATE_TOPIC: &str = "ftrack.update";

/// How long to wait before refused credentials are tried again.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// How many of the hub's messages are taken at once; their changes to entities become one event of the engine.
const AT_ONCE: usize = 256;

/// What a connection is started with.
pub(crate) struct ConnectionOptions {
    /// Who signs in.
    pub(crate) credentials: Credentials,
    /// The host's id.
    pub(crate) host: String,
    /// How patient to be.
    pub(crate) hub: HubSettings,
    /// The way to the server.
    pub(crate) network: NetworkSettings,
    /// A folder for what the server says of its schemas.
    pub(crate) schema_cache: PathBuf,
    /// The way to the engine.
    pub(crate) engine: EngineHandle,
    /// Where the connection says how it stands.
    pub(crate) told: Told,
    /// What plugins want to hear.
    pub(crate) hearing: watch::Receiver<Hearing>,
    /// Told when the server refused a call's credentials.
    pub(crate) doubt: Arc<Notify>,
    /// Says when the host ends.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Where the connection says how it stands.
pub(crate) struct Told {
    /// The session, while there is one.
    pub(crate) session: watch::Sender<Option<Session>>,
    /// Why there is no session.
    pub(crate) problem: watch::Sender<Failure>,
    /// Who is signed in.
    pub(crate) sign_in: watch::Sender<SignIn>,
    /// The event hub's state.
    pub(crate) hub: watch::Sender<HubStatus>,
    /// The event hub, while there is one.
    pub(crate) event_hub: watch::Sender<Option<EventHub>>,
    /// What shares the hub among Connect plugins.
    pub(crate) switchboard: Switchboard,
}

/// The connection's task.
pub(crate) struct Connection {
    options: ConnectionOptions,
    config: ftrack::Config,
}

/// Why a session ended.
enum SessionEnd {
    /// The server does not accept the credentials any more.
    Refused(Failure),
    /// The hub could not go on.
    Broken(Failure),
    /// The host ends.
    Stopped,
}

impl Connection {
    /// Prepares a connection.
    pub(crate) fn new(options: ConnectionOptions) -> Self {
        Self {
            config: config(&options),
            options,
        }
    }

    /// Connects, and again whenever that ends, until the host ends; what waits for the hub is sent before.
    pub(crate) async fn run(self) {
        let mut pause = Pause::new(&self.options.hub);
        loop {
            self.say_hub(ConnectionState::Connecting, None);
            let connected = tokio::select! {
                connected = Session::connect(self.config.clone()) => connected,
                () = self.stopped() => return,
            };
            let failure = match connected {
                Ok(session) => {
                    pause.reset();
                    match self.serve(session).await {
                        SessionEnd::Stopped => return,
                        SessionEnd::Refused(failure) => {
                            self.sign_out(&failure).await;
                            pause.refused();
                            failure
                        }
                        SessionEnd::Broken(failure) => failure,
                    }
                }
                Err(error) => {
                    let failure = failure_from_connect(&error);
                    if is_refusal(&error) {
                        self.sign_out(&failure).await;
                        pause.refused();
                    } else {
                        self.say_unreachable(&failure).await;
                    }
                    failure
                }
            };
            self.options.told.session.send_replace(None);
            self.options.told.problem.send_replace(failure);
            tokio::select! {
                () = pause.wait() => {}
                () = self.stopped() => return,
            }
        }
    }

    /// Waits until the host ends.
    async fn stopped(&self) {
        let mut stopping = self.options.stopping.clone();
        // A host that is gone without a word has ended too.
        drop(stopping.wait_for(|stop| *stop).await);
    }

    /// Serves one session until it is refused.
    async fn serve(&self, session: Session) -> SessionEnd {
        let identity = Identity {
            server: session.server().to_string(),
            user: session.user().username.clone(),
            user_id: session.user().id.clone(),
            roles: session.user().roles.clone(),
        };
        tracing::info!(
            server = identity.server,
            user = identity.user,
            "signed in to ftrack"
        );
        let told = &self.options.told;
        told.sign_in.send_replace(SignIn::In(identity.clone()));
        told.session.send_replace(Some(session.clone()));
        self.options
            .engine
            .tell(Event::SignedIn(identity.clone()))
            .await;
        match self.serve_hub(&session, identity).await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn serve_hub(
        &self,
        session: &Session,
        identity: Identity,
    ) -> Result<SessionEnd, SessionEnd> {
        let (hub, messages) = EventHub::start(&self.config, self.hub_options())
            .map_err(|error| SessionEnd::Broken(failure_from_connect(&error)))?;
        let broken = |error: &(dyn std::error::Error + 'static)| {
            let message = "could not subscribe to ftrack's events";
            let failure = Failure::new(FailureKind::Internal, message).hint("report this");
            SessionEnd::Broken(failure.caused_by(error))
        };
        let updates =
            Expression::parse(&format!("topic={UPDATE_TOPIC}")).map_err(|error| broken(&error))?;
        hub.subscribe(updates, Map::new())
            .await
            .map_err(|error| broken(&error))?;
        let (engine, host) = (self.options.engine.clone(), self.options.host.clone());
        let web = WebSurface::start(engine, hub.clone(), host, identity)
            .await
            .map_err(|error| broken(&error))?;
        let wanted = self.options.hearing.clone();
        let heard = HubHearing::start(hub.clone(), wanted)
            .await
            .map_err(|error| broken(&error))?;
        self.options.told.event_hub.send_replace(Some(hub.clone()));
        let user = session.user().username.clone();
        self.options
            .told
            .switchboard
            .connect(hub.clone(), &user)
            .await;
        let following = tokio::spawn(Arc::clone(&web).follow());
        let end = self
            .take_messages(session, &hub, &web, heard, messages)
            .await;
        following.abort();
        self.options.told.event_hub.send_replace(None);
        self.options.told.switchboard.disconnect();
        hub.close().await;
        session.close();
        self.options.engine.tell(Event::HubLost).await;
        Ok(end)
    }

    async fn take_messages(
        &self,
        session: &Session,
        hub: &EventHub,
        web: &Arc<WebSurface>,
        mut heard: HubHearing,
        mut messages: HubMessages,
    ) -> SessionEnd {
        let mut taken = Vec::new();
        loop {
            let is_doubted = tokio::select! {
                count = messages.recv_many(&mut taken, AT_ONCE) => {
                    if count == 0 {
                        let failure = Failure::new(FailureKind::Internal, "the event hub's task ended");
                        return SessionEnd::Broken(failure.hint("report this"));
                    }
                    self.take_messages_at_once(web, &heard, &mut taken).await;
                    matches!(hub.state(), HubState::Refused { .. })
                }
                () = heard.changed() => match heard.follow().await {
                    Ok(()) => false,
                    Err(error) => {
                        let failure = Failure::new(FailureKind::Internal, "the event hub was closed");
                        return SessionEnd::Broken(failure.caused_by(&error));
                    }
                },
                () = self.options.doubt.notified() => true,
                () = self.stopped() => return SessionEnd::Stopped,
            };
            if is_doubted && let Some(refusal) = refusal(session).await {
                return SessionEnd::Refused(refusal);
            }
        }
    }

    async fn take_messages_at_once(
        &self,
        web: &Arc<WebSurface>,
        heard: &HubHearing,
        taken: &mut Vec<HubMessage>,
    ) {
        let mut changed = Vec::new();
        for message in taken.drain(..) {
            let (event, subscribers) = match message {
                HubMessage::Event { event, subscribers } => (event, subscribers),
                message => {
                    self.tell_changed(&mut changed).await;
                    self.take_message(message).await;
                    continue;
                }
            };
            // What only hooks have subscribed to is theirs alone.
            if self.options.told.switchboard.deliver(&event, &subscribers) {
                continue;
            }
            if heard.wants(&subscribers) {
                self.tell_changed(&mut changed).await;
                self.tell_happened(RawEvent::clone(&event)).await;
            }
            if event.topic == UPDATE_TOPIC {
                match changed_ids(&event) {
                    Ok(ids) => changed.extend(ids),
                    Err(error) => warn_of_content(&error),
                }
            } else {
                self.tell_changed(&mut changed).await;
                web.take(*event);
            }
        }
        self.tell_changed(&mut changed).await;
    }

    /// Tells the engine which entities have changed, if any.
    async fn tell_changed(&self, ids: &mut Vec<String>) {
        if !ids.is_empty() {
            let ids = std::mem::take(ids);
            self.options
                .engine
                .tell(Event::EntitiesChanged { ids })
                .await;
        }
    }

    /// Tells the engine of an event that some plugin subscribes to.
    async fn tell_happened(&self, event: RawEvent) {
        match event.into_event() {
            Ok(event) => {
                let happened = Event::Happened {
                    on: EventPlace::Hub,
                    event: Box::new(event),
                };
                self.options.engine.tell(happened).await;
            }
            Err(error) => warn_of_content(&error),
        }
    }

    async fn take_message(&self, message: HubMessage) {
        match message {
            HubMessage::Connected => {
                self.options.told.hub.send_modify(|hub| hub.connects += 1);
                self.say_hub(ConnectionState::Connected, None);
                self.options.engine.tell(Event::HubConnected).await;
            }
            HubMessage::Disconnected { reason } => {
                tracing::debug!(reason = %reason, "the event hub is away");
                let failure = failure_from_lost(&reason);
                self.say_hub(ConnectionState::Connecting, Some(failure));
                self.options.engine.tell(Event::HubLost).await;
            }
            HubMessage::Warning { sentence } => tracing::warn!("{sentence}"),
            HubMessage::Dropped { events } => {
                tracing::warn!(
                    events,
                    "events of ftrack were dropped: too many came at once"
                );
                // What changed is not known: facts must be asked for again.
                self.options.engine.tell(Event::HubLost).await;
                self.options.engine.tell(Event::HubConnected).await;
            }
            other => tracing::debug!(?other, "the event hub said something new"),
        }
    }

    fn hub_options(&self) -> HubOptions {
        HubOptions {
            application_id: Some("callboard".into()),
            host_name: Some(self.options.host.clone()),
            first_pause: Duration::from_millis(self.options.hub.reconnect_ms),
            longest_pause: Duration::from_secs(self.options.hub.reconnect_max_secs),
            refused_pause: REFUSED_PAUSE,
            ..HubOptions::default()
        }
    }

    /// Says that the server cannot be reached. Who was signed in stays so: only the server itself signs a person out.
    async fn say_unreachable(&self, failure: &Failure) {
        tracing::info!(%failure, "ftrack cannot be reached");
        self.say_hub(ConnectionState::Connecting, Some(failure.clone()));
        let is_signed_in = matches!(*self.options.told.sign_in.borrow(), SignIn::In(_));
        if !is_signed_in {
            let event = Event::SignedOut(failure.clone());
            self.options.engine.tell(event).await;
        }
    }

    async fn sign_out(&self, failure: &Failure) {
        tracing::warn!(%failure, "ftrack does not accept the credentials");
        self.options
            .told
            .sign_in
            .send_replace(SignIn::Out(failure.clone()));
        self.say_hub(ConnectionState::Refused, Some(failure.clone()));
        self.options
            .engine
            .tell(Event::SignedOut(failure.clone()))
            .await;
    }

    fn say_hub(&self, state: ConnectionState, problem: Option<Failure>) {
        let changed = self.options.told.hub.send_if_modified(|hub| {
            let changed = hub.state != state || hub.problem != problem;
            hub.state = state;
            hub.problem = problem;
            changed
        });
        if changed {
            self.options.engine.announce(Announcement::HubChanged);
        }
    }
}

/// Asks the server whether it still accepts the credentials; returns its refusal.
async fn refusal(session: &Session) -> Option<Failure> {
    match session.query("select id from User limit 1").await {
        Err(error @ CallError::Unauthorized(_)) => Some(failure_from_call(&error)),
        _ => None,
    }
}

fn is_refusal(error: &ConnectError) -> bool {
    matches!(
        error,
        ConnectError::Call(CallError::Unauthorized(_))
            | ConnectError::UnknownUser { .. }
            | ConnectError::BadCredentials { .. }
            | ConnectError::BadServer(_)
    )
}

fn config(options: &ConnectionOptions) -> ftrack::Config {
    let Credentials {
        server, user, key, ..
    } = &options.credentials;
    let request = Duration::from_secs(options.network.request_secs);
    ftrack::Config {
        client_token: Some(options.host.clone()),
        timeouts: ftrack::Timeouts {
            connect: Duration::from_secs(options.hub.connect_secs),
            query: request,
            // The server goes on with a batch after nobody waits for it: patience costs less than looking it up.
            call: request * 2,
            ..ftrack::Timeouts::default()
        },
        schema_cache: Some(options.schema_cache.clone()),
        ..config_on_network(ftrack::Config::new(server, user, key), &options.network)
    }
}

/// Returns `config` with the way to the server that the settings name.
pub(crate) fn config_on_network(
    config: ftrack::Config,
    network: &NetworkSettings,
) -> ftrack::Config {
    ftrack::Config {
        user_agent: concat!("callboard/", env!("CARGO_PKG_VERSION")).into(),
        ca_file: (!network.ca_file.as_os_str().is_empty()).then(|| network.ca_file.clone()),
        proxy: match network.proxy.as_str() {
            "" => ftrack::Proxy::FromEnvironment,
            proxy => ftrack::Proxy::At(proxy.to_owned().into()),
        },
        ..config
    }
}

fn warn_of_content(error: &ContentError) {
    let error: &dyn std::error::Error = error;
    tracing::warn!(error, "skipped an event of ftrack");
}

/// Returns the ids of the entities that an `ftrack.update` event is about.
fn changed_ids(event: &RawEvent) -> Result<Vec<String>, ContentError> {
    #[derive(Deserialize)]
    struct Update {
        entities: Option<Vec<Entity>>,
    }
    #[derive(Deserialize)]
    struct Entity {
        #[serde(default, rename = "entityId")]
        id: Value,
    }
    let entities = event.read_data::<Update>()?.entities;
    let id = |entity: Entity| match entity.id {
        Value::String(id) => Some(id),
        _ => None,
    };
    Ok(entities.into_iter().flatten().filter_map(id).collect())
}

/// The pause between attempts: doubled with each, and spread at random.
struct Pause {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pause {
    fn new(settings: &HubSettings) -> Self {
        let first = Duration::from_millis(settings.reconnect_ms);
        Self {
            first,
            longest: Duration::from_secs(settings.reconnect_max_secs),
            next: first,
        }
    }

    fn reset(&mut self) {
        self.next = self.first;
    }

    fn refused(&mut self) {
        self.next = REFUSED_PAUSE;
    }

    async fn wait(&mut self) {
        let spread = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
        let pause = self.next.mul_f64(0.5 + spread / 2.0);
        self.next = (self.next * 2).min(self.longest.max(self.first));
        // There is nothing to wait for but the time itself.
        drop(timeout(pause, std::future::pending::<()>()).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_update_names_its_entities() {
        let ids = |data: Value| {
            let event = json!({"topic": UPDATE_TOPIC, "data": data});
            changed_ids(&serde_json::from_value(event).unwrap()).ok()
        };
        let entities = json!([
            {"entityId": "a", "entityType": "task"}, {"entityType": "task"}, {"entityId": 7}, {"entityId": "b"},
        ]);
        let found = ids(json!({"entities": entities}));
        assert_eq!(found.unwrap(), ["a", "b"]);
        assert_eq!(ids(json!({})), Some(Vec::new()));
        assert_eq!(ids(json!({"entities": "all"})), None);
    }
}
