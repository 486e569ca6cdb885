//! The socket: made where only this user comes, and opened to this user alone.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::{CLIENTS, Shared, connection, lock};
use crate::home::user_id;

/// How long a process that serves the socket may take to take a connection.
const PROBE: Duration = Duration::from_secs(1);

/// How long accepting rests after the system refused to give a connection.
const REST: Duration = Duration::from_millis(200);

/// Makes the socket. A file that an earlier host left behind is replaced.
///
/// # Errors
///
/// When another process serves it, or its folder is not this user's own.
pub(super) async fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    let folder = path
        .parent()
        .with_context(|| format!("the bus's socket has no folder: `{}`", path.display()))?;
    make_folder(folder)?;
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            // The caller holds the instance's lock, so the file is stale unless another home uses the same socket.
            if matches!(timeout(PROBE, UnixStream::connect(path)).await, Ok(Ok(_))) {
                bail!("another host serves `{}`", path.display());
            }
            std::fs::remove_file(path)
                .with_context(|| format!("could not replace `{}`", path.display()))?;
            UnixListener::bind(path)
        }
        bound => bound,
    };
    let listener =
        listener.with_context(|| format!("could not make the socket `{}`", path.display()))?;
    let only_me = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, only_me)
        .with_context(|| format!("could not close `{}` to others", path.display()))?;
    Ok(listener)
}

/// Makes the folder where there is none; one that is there must be this user's and not open for others to write.
fn make_folder(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("could not make `{}`", folder.display()))?;
    let looked_at = |found: io::Result<std::fs::Metadata>| {
        found.with_context(|| format!("could not look at `{}`", folder.display()))
    };
    let metadata = looked_at(std::fs::metadata(folder))?;
    // In a folder that all may write, somebody else's link to a folder of this user could be turned elsewhere later.
    let link = looked_at(std::fs::symlink_metadata(folder))?;
    let is_mine = metadata.uid() == user_id() && link.uid() == user_id();
    if !is_mine || metadata.mode() & 0o022 != 0 {
        bail!(
            "`{}` is no safe folder for a socket: it must belong to this user and be closed to others",
            folder.display()
        );
    }
    Ok(())
}

/// Takes connections until it is aborted.
pub(super) async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => take(stream, &shared),
            Err(error) => {
                tracing::warn!(%error, "the bus could not take a connection");
                // Out of descriptors, most likely: others will be closed meanwhile.
                drop(timeout(REST, std::future::pending::<()>()).await);
            }
        }
    }
}

fn take(stream: UnixStream, shared: &Arc<Shared>) {
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == user_id() => {}
        Ok(peer) => {
            tracing::warn!(
                uid = peer.uid(),
                "refused another user's process on the bus"
            );
            return;
        }
        Err(error) => {
            tracing::warn!(%error, "could not tell whose process connects to the bus");
            return;
        }
    }
    if lock(&shared.clients).len() >= CLIENTS {
        tracing::warn!("refused a client of the bus: {CLIENTS} are connected");
        return;
    }
    tokio::spawn(connection::serve(stream, Arc::clone(shared)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[tokio::test]
    async fn the_socket_is_closed_to_others() {
        let folder = folder();
        let path = folder.path().join("deeper/bus.sock");
        let _listener = listen(&path).await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_served_one_is_not() {
        let folder = folder();
        let path = folder.path().join("bus.sock");
        let first = listen(&path).await.unwrap();
        let error = listen(&path).await.unwrap_err().to_string();
        assert!(error.starts_with("another host serves"), "{error}");
        drop(first);
        listen(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_link_of_this_users_own_to_its_folder_is_followed() {
        let folder = folder();
        let there = folder.path().join("there");
        std::os::unix::fs::symlink(&there, folder.path().join("link")).unwrap();
        std::fs::create_dir(&there).unwrap();
        listen(&folder.path().join("link/bus.sock")).await.unwrap();
        assert!(there.join("bus.sock").exists());
    }

    #[tokio::test]
    async fn a_folder_that_others_may_write_is_refused() {
        let folder = folder();
        let open = folder.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        listen(&open.join("bus.sock")).await.unwrap_err();
    }
}
