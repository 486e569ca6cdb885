"""Compares the schemas of a server with captured ones, type by type, and prints where they differ.

The captured ones are `query_schemas*.json` files in a folder, each the answer of a real server to `query_schemas`.
The server is the one that `FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY` name.
"""

import json
import os
import pathlib
import sys

import requests

# What a client relies on; descriptions and the order of keys are of no interest.
OF_A_TYPE = ("primary_key", "required", "immutable", "default_projections")
OF_AN_ATTRIBUTE = ("type", "format", "$ref", "alias_for", "items")


def offered():
    """Returns the server's schemas by type."""
    answer = requests.post(
        os.environ["FTRACK_SERVER"].rstrip("/") + "/api",
        headers={
            "ftrack-user": os.environ["FTRACK_API_USER"],
            "ftrack-api-key": os.environ["FTRACK_API_KEY"],
        },
        json=[{"action": "query_schemas"}],
        timeout=60,
    )
    answer.raise_for_status()
    return by_type(answer.json()[0])


def by_type(schemas):
    """Returns schemas by their id."""
    return {schema["id"]: schema for schema in schemas}


def differences(ours, theirs):
    """Yields one line for each difference between two schemas of a type."""
    for key in OF_A_TYPE:
        mine, real = set(ours.get(key) or ()), set(theirs.get(key) or ())
        for name in sorted(real - mine):
            yield "{} lacks `{}`".format(key, name)
        for name in sorted(mine - real):
            yield "{} has `{}` too much".format(key, name)
    mine, real = ours.get("properties", {}), theirs.get("properties", {})
    for name in sorted(set(real) - set(mine)):
        yield "lacks the attribute `{}`".format(name)
    for name in sorted(set(mine) - set(real)):
        yield "has the attribute `{}` too much".format(name)
    for name in sorted(set(mine) & set(real)):
        for key in OF_AN_ATTRIBUTE:
            if mine[name].get(key) != real[name].get(key):
                yield "`{}.{}` is {} and should be {}".format(
                    name, key, mine[name].get(key), real[name].get(key)
                )


def main(folder):
    """Compares with every captured answer in the folder."""
    ours = offered()
    captured = sorted(pathlib.Path(folder).glob("*query_schemas*.json"))
    if not captured:
        sys.exit("`{}` holds no `query_schemas*.json`".format(folder))
    for path in captured:
        answer = json.loads(path.read_text(encoding="utf-8"))
        theirs = by_type(answer[0] if isinstance(answer[0], list) else answer)
        shared = sorted(set(ours) & set(theirs))
        lines = ["  {}: {}".format(kind, line) for kind in shared for line in differences(ours[kind], theirs[kind])]
        print("{}: {} types, {} of them here".format(path.name, len(theirs), len(shared)))
        print("\n".join(lines) or "  no differences in these")
        print("  not here: {}".format(", ".join(sorted(set(theirs) - set(ours))) or "none"))
        print("  only here: {}".format(", ".join(sorted(set(ours) - set(theirs))) or "none"))


main(sys.argv[1])
