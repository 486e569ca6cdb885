"""Answers queries with the official client and prints what its user sees, as JSON.

Started by `differential.rs` with one argument: a file with a list of `{"expression", "paths"}`.
"""

import json
import sys

import arrow
import ftrack_api


def in_any_order(items):
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def plain(value):
    """What a value is, in the words that both sides use."""
    if value is None or value is ftrack_api.symbol.NOT_SET:
        return None
    if isinstance(value, arrow.Arrow):
        return value.to("utc").strftime("%Y-%m-%dT%H:%M:%S")
    if isinstance(value, ftrack_api.entity.base.Entity):
        key = ftrack_api.inspection.primary_key(value)
        return "/".join([value.entity_type] + [str(part) for part in key.values()])
    if isinstance(value, (ftrack_api.collection.MappedCollectionProxy, ftrack_api.collection.CustomAttributeCollectionProxy)):
        return {key: plain(value[key]) for key in value}
    if isinstance(value, ftrack_api.collection.Collection):
        return in_any_order([plain(item) for item in value])
    return value


def read(session, value, path):
    """What stands at the end of a path."""
    if not path:
        return plain(value)
    if value is None or value is ftrack_api.symbol.NOT_SET:
        return None
    if isinstance(value, ftrack_api.collection.Collection):
        return in_any_order([read(session, item, path) for item in value])
    # The client cannot show custom attributes without asking which there are.
    with session.auto_populating(path[0] == "custom_attributes"):
        try:
            found = value[path[0]]
        except KeyError:
            # Of several types that a relation leads to, not all have the attribute.
            return None
        if path[0] == "custom_attributes":
            return plain(found)
    return read(session, found, path[1:])


def main():
    with open(sys.argv[1]) as file:
        questions = json.load(file)
    answers = []
    session = ftrack_api.Session(auto_connect_event_hub=False, schema_cache_path=sys.argv[2])
    for question in questions:
        # A session remembers what it has seen, and this compares what each query brings.
        session.reset()
        rows = []
        for entity in session.query(question["expression"]):
            row = {path: read(session, entity, path.split(".")) for path in question["paths"]}
            row["entity"] = plain(entity)
            rows.append(row)
        answers.append(rows)
    session.close()
    json.dump(answers, sys.stdout)


main()
