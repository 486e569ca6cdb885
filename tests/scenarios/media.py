"""Does with the official client what a person does who publishes: `encode FILE` on a new version, and `show JOB`.

Prints one JSON object. The server and the user are named by the environment.
"""

import json
import sys
import uuid

import ftrack_api
from ftrack_api.symbol import SERVER_LOCATION_ID


def encode(session, path):
    shot = session.query("Shot").first()
    kind = session.query("AssetType").first()
    asset = session.create("Asset", {"name": uuid.uuid4().hex, "parent": shot, "type": kind})
    version = session.create("AssetVersion", {"asset": asset})
    session.commit()
    return {"job": version.encode_media(path)["id"]}


def show(session, job_id):
    job = session.get("Job", job_id)
    location = session.get("Location", SERVER_LOCATION_ID)
    components = [link["component"] for link in job["job_components"]]
    return {
        "status": job["status"],
        "description": json.loads(job["data"])["description"],
        "components": {
            component["name"]: {
                "url": location.get_url(component),
                "size": component["size"],
                "ftr_meta": json.loads(component["metadata"].get("ftr_meta", "null")),
            }
            for component in components
        },
    }


if __name__ == "__main__":
    verb, argument = sys.argv[1:]
    with ftrack_api.Session(auto_connect_event_hub=False, schema_cache_path=False) as session:
        json.dump({"encode": encode, "show": show}[verb](session, argument), sys.stdout)
