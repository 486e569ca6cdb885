//! What the host says of itself: its status, and who is signed in.

mod confinement;

use std::path::PathBuf;

use callboard_protocol::{Failure, FailureKind, HubStatus, Status, TrayStatus, WhoAmI};
use engine::Identity;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::ledger::Ledger;
use crate::pins::Pins;
use crate::plugin_folders::PluginFolders;
use crate::settings::Credentials;

/// What is known of the person who is signed in.
#[derive(Clone, Debug, Default)]
pub(crate) enum SignIn {
    /// The server is being asked, or cannot be reached: this is whom the credentials name.
    #[default]
    Unknown,
    /// The server accepted the credentials.
    In(Identity),
    /// There are no credentials that the server accepts.
    Out(Failure),
}

/// Whom the credentials name, before the server has said anything; all of it empty where there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// The server.
    pub(crate) server: String,
    /// The user.
    pub(crate) user: String,
    /// Where the key came from.
    pub(crate) source: &'static str,
}

impl Named {
    /// Returns whom `found` names.
    pub(crate) fn of<E>(found: &Result<Credentials, E>) -> Self {
        match found {
            Ok(credentials) => Self {
                server: credentials.server.clone(),
                user: credentials.user.clone(),
                source: credentials.source.name(),
            },
            Err(_) => Self::default(),
        }
    }
}

/// What the host says of itself. Everything in it is either fixed or watched.
pub(crate) struct About {
    /// The host's id.
    pub(crate) host: String,
    /// The bus's socket.
    pub(crate) bus: PathBuf,
    /// Whom the credentials name.
    pub(crate) named: watch::Receiver<Named>,
    /// Whether Connect's plugins may show windows.
    pub(crate) connect_windows: bool,
    /// What is wrong since the start and that a person can mend.
    pub(crate) problems: Vec<Failure>,
    /// The plugins, some of whose places may be away.
    pub(crate) plugins: PluginFolders,
    /// The ledger.
    pub(crate) ledger: Ledger,
    /// What the person has pinned.
    pub(crate) pins: Pins,
    /// Who is signed in.
    pub(crate) sign_in: watch::Receiver<SignIn>,
    /// The event hub.
    pub(crate) hub: watch::Receiver<HubStatus>,
    /// The tray.
    pub(crate) tray: watch::Receiver<TrayStatus>,
}

impl About {
    /// Returns the host's id.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the name of the person.
    pub(crate) fn user(&self) -> String {
        self.who().1
    }

    /// Returns the server and the person: those that the server knows, or else those that the credentials name.
    pub(crate) fn who(&self) -> (String, String) {
        match &*self.sign_in.borrow() {
            SignIn::In(identity) => (identity.server.clone(), identity.user.clone()),
            _ => {
                let named = self.named.borrow();
                (named.server.clone(), named.user.clone())
            }
        }
    }

    /// Returns what stands as `source.user` in events.
    pub(crate) fn event_user(&self) -> Value {
        match &*self.sign_in.borrow() {
            SignIn::In(identity) => json!({"id": identity.user_id, "username": identity.user}),
            _ => json!({"username": self.named.borrow().user}),
        }
    }

    /// Returns how the host fares.
    pub(crate) fn status(&self) -> Status {
        let (server, user) = self.who();
        let isolation = runner::isolation();
        let hub = self.hub.borrow().clone();
        let ledger = self.ledger.status();
        let mut problems = self.problems.clone();
        problems.extend(self.plugins.problems());
        // What keeps the person signed out keeps the hub away too, and is said there already.
        if let SignIn::Out(failure) = &*self.sign_in.borrow()
            && hub.problem.as_ref() != Some(failure)
        {
            problems.push(failure.clone());
        }
        problems.extend(ledger.problem.clone());
        Status {
            callboard: env!("CARGO_PKG_VERSION").into(),
            host: self.host.clone(),
            pid: std::process::id(),
            server,
            user,
            source: self.named.borrow().source.into(),
            hub,
            tray: self.tray.borrow().clone(),
            ledger,
            bus: self.bus.display().to_string(),
            lines: Vec::new(),
            confinement: confinement::sentences(&isolation, self.connect_windows),
            isolation,
            problems,
        }
    }

    /// Returns who is signed in.
    ///
    /// # Errors
    ///
    /// When nobody is, or the server has not answered yet.
    pub(crate) fn whoami(&self) -> Result<WhoAmI, Failure> {
        match &*self.sign_in.borrow() {
            SignIn::In(identity) => Ok(WhoAmI {
                server: identity.server.clone(),
                user: identity.user.clone(),
                source: self.named.borrow().source.into(),
                roles: identity.roles.clone(),
            }),
            SignIn::Out(failure) => Err(failure.clone()),
            SignIn::Unknown => {
                let failure = self.hub.borrow().problem.clone();
                Err(failure.unwrap_or_else(|| {
                    Failure::new(
                        FailureKind::Unavailable,
                        "the server has not been reached yet",
                    )
                    .hint("try again in a moment")
                }))
            }
        }
    }
}
