"""Does without what is not there."""

import ftrack_connect.error
from ftrack_connect.asynchronous import asynchronous
from ftrack_connect.session import get_shared_session
from ftrack_utils.usage import get_usage_tracker

try:
    from ftrack_utils.rpc import JavascriptRPC
except ImportError:
    JavascriptRPC = None


@asynchronous
def tell(session):
    get_usage_tracker().track("STARTED", {})


def register(session, **kw):
    tell(session).join()
    assert issubclass(ftrack_connect.error.InvalidStateError, ftrack_connect.error.ConnectError)
    session.event_hub.subscribe("topic=studio.how-are-you", lambda event: get_shared_session is not None)
