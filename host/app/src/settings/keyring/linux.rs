//! The Secret Service of the desktop: gnome-keyring, KWallet, KeePassXC.
//!
//! Secrets travel as they are on the session bus, which only this user's processes reach.

use std::collections::HashMap;

use callboard_protocol::{Failure, FailureKind, SecretText};
use serde::Serialize;
use zbus::names::BusName;
use zbus::zvariant::{DynamicType, ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Message};

use super::{Entry, Keyring, KeyringError, refuses};

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SERVICE_INTERFACE: &str = "org.freedesktop.Secret.Service";
const COLLECTION_INTERFACE: &str = "org.freedesktop.Secret.Collection";
const ITEM_INTERFACE: &str = "org.freedesktop.Secret.Item";

/// A secret as it travels: session, parameters, value, content type.
type Travelling = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// The keyring of the desktop that this process belongs to.
pub(super) struct SecretService;

/// The keyring's service, and a session with it.
struct Opened {
    connection: Connection,
    session: OwnedObjectPath,
}

impl Keyring for SecretService {
    async fn get(&self, entry: &Entry) -> Result<Option<SecretText>, KeyringError> {
        let keyring = Opened::open().await?;
        let Some(item) = keyring.find(entry).await? else {
            return Ok(None);
        };
        let reply = keyring
            .call(&item, ITEM_INTERFACE, "GetSecret", &(&keyring.session,))
            .await?;
        let (_, _, value, _): Travelling = read(&reply)?;
        let text =
            String::from_utf8(value).map_err(|_| refuses("it holds something that is no text"))?;
        Ok(Some(SecretText(text)))
    }

    async fn put(&self, entry: &Entry, secret: Option<&SecretText>) -> Result<(), KeyringError> {
        let keyring = Opened::open().await?;
        match secret {
            Some(secret) => keyring.keep(entry, secret).await,
            None => keyring.remove(entry).await,
        }
    }
}

impl Opened {
    async fn open() -> Result<Self, KeyringError> {
        let connection = Connection::session().await;
        let connection = connection.map_err(|error| KeyringError::Absent(error.to_string()))?;
        let opened = connection
            .call_method(
                Some(SERVICE),
                ROOT,
                Some(SERVICE_INTERFACE),
                "OpenSession",
                &("plain", Value::from("")),
            )
            .await;
        let opened = opened.map_err(|error| KeyringError::Absent(error.to_string()))?;
        let (_, session): (OwnedValue, OwnedObjectPath) = read(&opened)?;
        Ok(Self {
            connection,
            session,
        })
    }

    /// Keeps a secret in the default collection.
    async fn keep(&self, entry: &Entry, secret: &SecretText) -> Result<(), KeyringError> {
        let reply = self
            .call(ROOT, SERVICE_INTERFACE, "ReadAlias", &("default",))
            .await?;
        let collection: OwnedObjectPath = read(&reply)?;
        if collection.as_str() == "/" {
            return Err(KeyringError::Absent("it has no default collection".into()));
        }
        let properties = HashMap::from([
            (
                "org.freedesktop.Secret.Item.Label",
                Value::from(entry.label.as_str()),
            ),
            (
                "org.freedesktop.Secret.Item.Attributes",
                Value::from(attributes(entry)),
            ),
        ]);
        let travelling = (
            &self.session,
            Vec::<u8>::new(),
            secret.0.as_bytes(),
            "text/plain",
        );
        let reply = self
            .call(
                &collection,
                COLLECTION_INTERFACE,
                "CreateItem",
                &(properties, travelling, true),
            )
            .await?;
        let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = read(&reply)?;
        no_prompt(&prompt)
    }

    async fn remove(&self, entry: &Entry) -> Result<(), KeyringError> {
        let Some(item) = self.find(entry).await? else {
            return Ok(());
        };
        let reply = self.call(&item, ITEM_INTERFACE, "Delete", &()).await?;
        no_prompt(&read::<OwnedObjectPath>(&reply)?)
    }

    /// Returns the item of a secret. One that is locked is no answer: whether it is the latest cannot be told.
    async fn find(&self, entry: &Entry) -> Result<Option<OwnedObjectPath>, KeyringError> {
        let reply = self
            .call(
                ROOT,
                SERVICE_INTERFACE,
                "SearchItems",
                &(attributes(entry),),
            )
            .await?;
        let (open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = read(&reply)?;
        match open.into_iter().next() {
            None if !locked.is_empty() => Err(is_locked()),
            found => Ok(found),
        }
    }

    async fn call<'p, P>(
        &self,
        path: P,
        interface: &str,
        method: &str,
        body: &(impl Serialize + DynamicType),
    ) -> Result<Message, KeyringError>
    where
        P: TryInto<ObjectPath<'p>>,
        P::Error: Into<zbus::Error>,
    {
        let service: Option<BusName<'_>> = BusName::try_from(SERVICE).ok();
        let reply = self
            .connection
            .call_method(service, path, Some(interface), method, body)
            .await;
        reply.map_err(|error| match &error {
            zbus::Error::MethodError(name, ..) if name.ends_with("IsLocked") => is_locked(),
            _ => refuses(&error.to_string()),
        })
    }
}

fn attributes(entry: &Entry) -> HashMap<&'static str, String> {
    entry.attributes.clone().into_iter().collect()
}

fn read<T>(message: &Message) -> Result<T, KeyringError>
where
    T: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
{
    let body = message.body();
    body.deserialize()
        .map_err(|error| refuses(&error.to_string()))
}

/// A keyring that wants to ask the person something first has done nothing yet.
fn no_prompt(prompt: &OwnedObjectPath) -> Result<(), KeyringError> {
    if prompt.as_str() == "/" {
        Ok(())
    } else {
        Err(is_locked())
    }
}

fn is_locked() -> KeyringError {
    KeyringError::Refuses(
        Failure::new(FailureKind::Unavailable, "the keyring is locked")
            .hint("unlock it and try again"),
    )
}
