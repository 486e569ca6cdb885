"""Answers discover events with the official client, as an action written with it does, until it is killed.

Its argument is the number of subscriptions; all but one are for someone else.
"""

import os
import sys

import ftrack_api

ITEMS = {"items": [{"label": "Create shots", "actionIdentifier": "official.create_shots"}]}


def main(subscriptions):
    """Subscribes, says that it is ready, and answers."""
    session = ftrack_api.Session(auto_connect_event_hub=True)
    user = os.environ["FTRACK_API_USER"]
    discover = 'topic=ftrack.action.discover and source.user.username="{}"'
    for number in range(subscriptions - 1):
        session.event_hub.subscribe(discover.format("nobody{}".format(number)), lambda event: None)
    session.event_hub.subscribe(discover.format(user), lambda event: ITEMS)
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    session.event_hub.wait()


main(int(sys.argv[1]))
