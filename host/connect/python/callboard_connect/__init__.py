"""Serves the hooks of ftrack Connect plugins: the child that Callboard starts for each of them.

`python -m callboard_connect FOLDER…` takes stdout for the protocol of `docs/protocol.md`, makes one session of the
official client against the server that `FTRACK_SERVER` names, and registers the hooks below each folder, as Connect
does. Python 3.9 or newer, the standard library, and `ftrack-python-api`.

Read first: `serve`, `hub` (how events cross the border between processes), `loading`.
"""
