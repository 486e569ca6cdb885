//! Signing in and out while the host runs.
//!
//! Whoever changes the credentials keeps them where the host finds them and asks here for them to be taken up, so no
//! key ever travels on the bus. The connection does what is asked, between two attempts or in the middle of a session.

mod loopback;

use callboard_protocol::{Failure, FailureKind};
use tokio::sync::{mpsc, oneshot};

use crate::home::Home;
use crate::ledger::Ledger;
use crate::settings::{Credentials, CredentialsError, Environment, Source};

pub(crate) use loopback::Loopback;

/// How many requests may wait. Each is a person who has just signed in or out.
const WAITING: usize = 8;

/// What the connection is asked for.
pub(crate) enum Order {
    /// To read the credentials again and to sign in with them.
    Renew,
    /// To sign out; the credentials are gone.
    End,
}

/// An order, and who waits for what comes of it.
pub(crate) struct Asked {
    /// What is to be done.
    pub(crate) order: Order,
    /// Told what came of it.
    pub(crate) answer: oneshot::Sender<Result<(), Failure>>,
}

/// Where credentials come from.
#[derive(Clone)]
pub(crate) enum Account {
    /// The demo's own, which do not change.
    Fixed(Credentials),
    /// The environment's, or those that `login` keeps.
    Kept {
        /// The environment, as it was read at the start.
        environment: Box<Environment>,
        /// Where the credentials lie.
        home: Home,
    },
}

/// The way to the connection for whoever signs a person in or out.
#[derive(Clone)]
pub(crate) struct SignInDesk {
    account: Account,
    ledger: Ledger,
    orders: mpsc::Sender<Asked>,
}

impl Account {
    /// Finds the credentials.
    ///
    /// # Errors
    ///
    /// When there are none, or they cannot be used.
    pub(crate) async fn find(&self) -> Result<Credentials, CredentialsError> {
        match self {
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Kept { environment, home } => Credentials::find(environment, home).await,
        }
    }
}

impl SignInDesk {
    /// Makes a desk, and the end where the connection takes its orders.
    pub(crate) fn new(account: Account, ledger: Ledger) -> (Self, mpsc::Receiver<Asked>) {
        let (orders, asked) = mpsc::channel(WAITING);
        let desk = Self {
            account,
            ledger,
            orders,
        };
        (desk, asked)
    }

    /// Has the credentials read again, and returns once the server has accepted them.
    ///
    /// # Errors
    ///
    /// Why nobody is signed in.
    pub(crate) async fn renew(&self) -> Result<(), Failure> {
        self.ask(Order::Renew).await
    }

    /// Forgets the credentials and signs out; `leave_pending` lets work wait for the same person's next sign-in.
    ///
    /// # Errors
    ///
    /// When work waits and may not, or when the credentials are not the host's to forget.
    pub(crate) async fn end(&self, leave_pending: bool) -> Result<(), Failure> {
        let Account::Kept { environment, home } = &self.account else {
            return Err(Failure::invalid("the demo is always signed in")
                .hint("stop it, and start `callboard run` instead"));
        };
        if environment.ftrack_api_key.is_some() {
            return Err(Failure::invalid(
                "the API key is in the environment of the running callboard",
            )
            .hint("unset `FTRACK_API_KEY`, and start callboard again"));
        }
        let unfinished = self.ledger.status().unfinished;
        if unfinished > 0 && !leave_pending {
            return Err(pending(unfinished));
        }
        Credentials::forget(home)
            .await
            .map_err(|error| failure_from_credentials(&error))?;
        self.ask(Order::End).await
    }

    async fn ask(&self, order: Order) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        let ended = || Failure::new(FailureKind::Unavailable, "the host is ending");
        let asked = Asked { order, answer };
        self.orders.send(asked).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

/// Returns why nobody logs out without a word while work waits.
pub(crate) fn pending(unfinished: u64) -> Failure {
    let jobs = if unfinished == 1 {
        "a job has not ended".to_owned()
    } else {
        format!("{unfinished} jobs have not ended")
    };
    Failure::new(FailureKind::Conflict, jobs).hint(
        "look at `callboard jobs list`; with `callboard logout --yes` they wait until the same person signs in again",
    )
}

/// Returns why there are no credentials as a failure.
pub(crate) fn failure_from_credentials(error: &CredentialsError) -> Failure {
    let mut failure = Failure::new(FailureKind::NotSignedIn, error.to_string()).hint(error.hint());
    if let CredentialsError::Keyring(keyring) = error {
        failure.causes.clone_from(&keyring.causes);
    }
    match std::error::Error::source(error) {
        Some(source) => failure.caused_by(source),
        None => failure,
    }
}

/// Says where the key lies, for a person.
pub(crate) fn place_of_key(source: &Source, home: &Home) -> String {
    match source {
        Source::Environment => "The key comes from the environment.".into(),
        Source::Keyring => "The key is kept in the system's keyring.".into(),
        Source::File { why } => format!(
            "The key is kept in {}, which only you can read: {why}.",
            home.credentials_file().display()
        ),
        Source::Demo => "The key is the demo's own.".into(),
    }
}
