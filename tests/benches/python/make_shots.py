"""Makes shots with three tasks each, with the official client and a commit for each shot, and prints how long it took."""

import json
import sys
import time

import ftrack_api


def main(sequence_id, shots):
    """Makes `shots` shots in a sequence."""
    session = ftrack_api.Session(auto_connect_event_hub=False)
    sequence = session.get("Sequence", sequence_id)
    types = sequence["project"]["project_schema"].get_types("Task")[:3]
    began = time.perf_counter()
    for number in range(shots):
        shot = session.create("Shot", {"name": "py{:04}".format(number), "parent": sequence})
        for kind in types:
            session.create("Task", {"name": kind["name"], "type": kind, "parent": shot})
        session.commit()
    print(json.dumps({"secs": time.perf_counter() - began}))


main(sys.argv[1], int(sys.argv[2]))
