//! The connection to ftrack: signs in, keeps the event hub, and says how both stand.
//!
//! A server that cannot be reached is asked again for ever, ever more seldom and never at the same moment as all other
//! machines do. Credentials that are refused are tried again as well, but slowly: only a person changes them, and whoever
//! does so through us has them tried at once.

mod pause;

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
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::about::{Named, SignIn};
use crate::engine_thread::{Announcement, EngineHandle};
use crate::hearing::{Hearing, HubHearing};
use crate::service::{failure_from_call, failure_from_connect, failure_from_lost};
use crate::settings::{Credentials, CredentialsError, HubSettings, NetworkSettings};
use crate::sign_in::{Account, Asked, Order, failure_from_credentials};
use crate::surface::web::WebSurface;
use pause::{Pause, REFUSED_PAUSE};

/// The topic of changes to entities.
const UPDATE_TOPIC: &str = "ftrack.update";

/// How many of the hub's messages are taken at once; their changes to entities become one event of the engine.
const AT_ONCE: usize = 256;

/// What a connection is started with.
pub(crate) struct ConnectionOptions {
    /// Who signs in.
    pub(crate) account: Account,
    /// What was found of it at the start.
    pub(crate) found: Result<Credentials, CredentialsError>,
    /// Who signs in and out while the host runs.
    pub(crate) orders: mpsc::Receiver<Asked>,
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
    /// Whom the credentials name.
    pub(crate) named: watch::Sender<Named>,
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
    /// The way to the server with the credentials that were found last.
    config: ftrack::Config,
    /// Who waits for the next attempt's outcome.
    waiting: Vec<oneshot::Sender<Result<(), Failure>>>,
}

/// Why there is no session, or none any more.
enum SessionEnd {
    /// There is nobody to sign in.
    Nobody(CredentialsError),
    /// The server does not accept the credentials, or not any more.
    Refused(Failure),
    /// The server cannot be reached.
    Unreachable(Failure),
    /// The hub could not go on.
    Broken(Failure),
    /// Somebody signs in or out.
    Asked(Asked),
    /// The host ends.
    Stopped,
}

impl Connection {
    /// Prepares a connection.
    pub(crate) fn new(options: ConnectionOptions) -> Self {
        Self {
            config: ftrack::Config::new("", "", ""),
            waiting: Vec::new(),
            options,
        }
    }

    /// Connects, and again whenever that ends, until the host ends; what waits for the hub is sent before.
    pub(crate) async fn run(mut self) {
        let mut pause = Pause::new(&self.options.hub);
        let mut found = std::mem::replace(&mut self.options.found, Err(CredentialsError::None));
        loop {
            self.options.told.named.send_replace(Named::of(&found));
            let end = match found {
                Ok(credentials) => self.connect(&credentials, &mut pause).await,
                Err(error) => SessionEnd::Nobody(error),
            };
            let Some(asked) = self.take_end(end, &mut pause).await else {
                return;
            };
            found = match asked {
                Some(asked) => self.take_order(asked, &mut pause).await,
                None => self.options.account.find().await,
            };
        }
    }

    /// Connects, and serves the session until it ends.
    async fn connect(&mut self, credentials: &Credentials, pause: &mut Pause) -> SessionEnd {
        self.config = config(&self.options, credentials);
        self.say_hub(ConnectionState::Connecting, None);
        let stopped = self.stopped();
        let connected = tokio::select! {
            connected = Session::connect(self.config.clone()) => connected,
            asked = self.options.orders.recv() => {
                return asked.map_or(SessionEnd::Stopped, SessionEnd::Asked);
            }
            () = stopped => return SessionEnd::Stopped,
        };
        match connected {
            Ok(session) => {
                pause.reset();
                self.serve(session).await
            }
            Err(error) if is_refusal(&error) => SessionEnd::Refused(failure_from_connect(&error)),
            Err(error) => SessionEnd::Unreachable(failure_from_connect(&error)),
        }
    }

    /// Says why there is no session, and waits until the next attempt is due; returns the order that makes it so, if it
    /// was one, and nothing at all when the host ends.
    async fn take_end(&mut self, end: SessionEnd, pause: &mut Pause) -> Option<Option<Asked>> {
        let mut comes_back = true;
        let failure = match end {
            SessionEnd::Stopped => return None,
            SessionEnd::Asked(asked) => {
                self.options.told.session.send_replace(None);
                return Some(Some(asked));
            }
            SessionEnd::Nobody(error) => {
                comes_back = error.may_pass();
                let failure = failure_from_credentials(&error);
                tracing::info!(%failure, "nobody signs in");
                self.sign_out(ConnectionState::SignedOut, &failure).await;
                pause.refused();
                failure
            }
            SessionEnd::Refused(failure) => {
                tracing::warn!(%failure, "ftrack does not accept the credentials");
                self.sign_out(ConnectionState::Refused, &failure).await;
                pause.refused();
                failure
            }
            SessionEnd::Unreachable(failure) => {
                self.say_unreachable(&failure).await;
                failure
            }
            SessionEnd::Broken(failure) => failure,
        };
        self.options.told.session.send_replace(None);
        self.options.told.problem.send_replace(failure.clone());
        self.answer(&Err(failure));
        let stopped = self.stopped();
        let due = async {
            if !comes_back {
                std::future::pending::<()>().await;
            }
            pause.wait().await;
        };
        tokio::select! {
            () = due => Some(None),
            asked = self.options.orders.recv() => asked.map(Some),
            () = stopped => None,
        }
    }

    /// Does what was asked, and returns the credentials to go on with.
    async fn take_order(
        &mut self,
        asked: Asked,
        pause: &mut Pause,
    ) -> Result<Credentials, CredentialsError> {
        pause.reset();
        match asked.order {
            Order::Renew => {
                self.waiting.push(asked.answer);
                self.options.account.find().await
            }
            Order::End => {
                let error = CredentialsError::None;
                let failure = failure_from_credentials(&error);
                self.sign_out(ConnectionState::SignedOut, &failure).await;
                tell(asked.answer, Ok(()));
                Err(error)
            }
        }
    }

    /// Answers everyone who waits for an attempt's outcome.
    fn answer(&mut self, outcome: &Result<(), Failure>) {
        for waiting in self.waiting.drain(..) {
            tell(waiting, outcome.clone());
        }
    }

    /// Waits until the host ends.
    fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut stopping = self.options.stopping.clone();
        // A host that is gone without a word has ended too.
        async move { drop(stopping.wait_for(|stop| *stop).await) }
    }

    /// Serves one session until it is refused.
    async fn serve(&mut self, session: Session) -> SessionEnd {
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
        self.answer(&Ok(()));
        match self.serve_hub(&session, identity).await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn serve_hub(
        &mut self,
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
        &mut self,
        session: &Session,
        hub: &EventHub,
        web: &Arc<WebSurface>,
        mut heard: HubHearing,
        mut messages: HubMessages,
    ) -> SessionEnd {
        let mut taken = Vec::new();
        loop {
            let stopped = self.stopped();
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
                asked = self.options.orders.recv() => {
                    return asked.map_or(SessionEnd::Stopped, SessionEnd::Asked);
                }
                () = stopped => return SessionEnd::Stopped,
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

    /// Says that nobody is signed in.
    async fn sign_out(&self, state: ConnectionState, failure: &Failure) {
        let told = &self.options.told;
        told.sign_in.send_replace(SignIn::Out(failure.clone()));
        self.say_hub(state, Some(failure.clone()));
        let event = Event::SignedOut(failure.clone());
        self.options.engine.tell(event).await;
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

fn tell(waiting: oneshot::Sender<Result<(), Failure>>, outcome: Result<(), Failure>) {
    // Whoever asked may have gone.
    drop(waiting.send(outcome));
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

fn config(options: &ConnectionOptions, credentials: &Credentials) -> ftrack::Config {
    let Credentials {
        server, user, key, ..
    } = credentials;
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
