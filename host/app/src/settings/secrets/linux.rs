//! The Secret Service of the desktop: gnome-keyring, KWallet, KeePassXC.
//!
//! Secrets travel as they are on the session bus, which only this user's processes reach.

use std::collections::HashMap;
use std::path::Path;

use callboard_protocol::{Failure, FailureKind, SecretText};
use serde::Serialize;
use zbus::names::BusName;
use zbus::zvariant::{DynamicType, ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Message};

use super::{KeyringError, Name};

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SERVICE_INTERFACE: &str = "org.freedesktop.Secret.Service";
const COLLECTION_INTERFACE: &str = "org.freedesktop.Secret.Collection";
const ITEM_INTERFACE: &str = "org.freedesktop.Secret.Item";

/// A secret as it travels: session, parameters, value, content type.
type Travelling = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// The keyring, and a session with it.
struct Keyring {
    connection: Connection,
    session: OwnedObjectPath,
}

/// Returns a secret, if there is one.
pub(super) async fn get(home: &Path, name: &Name) -> Result<Option<SecretText>, KeyringError> {
    let keyring = Keyring::open().await?;
    let Some(item) = keyring.find(home, name).await? else {
        return Ok(None);
    };
    let reply = keyring
        .call(&item, ITEM_INTERFACE, "GetSecret", &(&keyring.session,))
        .await?;
    let (_, _, value, _): Travelling = read(&reply)?;
    let text = String::from_utf8(value).map_err(|_| refuses("holds something that is no text"))?;
    Ok(Some(SecretText(text)))
}

/// Keeps a secret in the default collection, or removes it.
pub(super) async fn put(
    home: &Path,
    name: &Name,
    secret: Option<&SecretText>,
) -> Result<(), KeyringError> {
    let keyring = Keyring::open().await?;
    let Some(secret) = secret else {
        return match keyring.find(home, name).await? {
            None => Ok(()),
            Some(item) => {
                let reply = keyring.call(&item, ITEM_INTERFACE, "Delete", &()).await?;
                no_prompt(&read::<OwnedObjectPath>(&reply)?)
            }
        };
    };
    let reply = keyring
        .call(ROOT, SERVICE_INTERFACE, "ReadAlias", &("default",))
        .await?;
    let collection: OwnedObjectPath = read(&reply)?;
    if collection.as_str() == "/" {
        return Err(KeyringError::Absent("it has no default collection".into()));
    }
    let label = format!("Callboard: {} of {}", name.key, name.plugin);
    let properties = HashMap::from([
        ("org.freedesktop.Secret.Item.Label", Value::from(label)),
        (
            "org.freedesktop.Secret.Item.Attributes",
            Value::from(attributes(home, name)),
        ),
    ]);
    let travelling = (
        &keyring.session,
        Vec::<u8>::new(),
        secret.0.as_bytes(),
        "text/plain",
    );
    let reply = keyring
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

impl Keyring {
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

    /// Returns the item of a secret. One that is locked is no answer: whether it is the latest cannot be told.
    async fn find(
        &self,
        home: &Path,
        name: &Name,
    ) -> Result<Option<OwnedObjectPath>, KeyringError> {
        let reply = self
            .call(
                ROOT,
                SERVICE_INTERFACE,
                "SearchItems",
                &(attributes(home, name),),
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

fn attributes(home: &Path, name: &Name) -> HashMap<&'static str, String> {
    HashMap::from([
        ("application", "callboard".to_owned()),
        ("home", home.display().to_string()),
        ("plugin", name.plugin.to_string()),
        ("key", name.key.clone()),
    ])
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

fn refuses(why: &str) -> KeyringError {
    KeyringError::Refuses(
        Failure::new(FailureKind::Unavailable, "the keyring did not do it")
            .hint("look at the desktop's keyring")
            .because(why.to_owned()),
    )
}
