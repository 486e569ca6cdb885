"""Object types, and the schemas that say which types and statuses a project uses."""

import pytest
from conftest import name, refused


@pytest.fixture()
def object_type(session):
    """Makes object types, and deletes them with everything of theirs."""
    made = []

    def make(type_name, **flags):
        one = session.create("ObjectType", {"name": type_name, **flags})
        session.commit()
        made.append(one)
        return one

    yield make
    session.rollback()
    for one in made:
        for row in session.query('select id from TypedContext where object_type_id is "%s"' % one["id"]).all():
            session.call([{"action": "delete", "entity_type": "TypedContext", "entity_key": [row["id"]]}])
        session.call([{"action": "delete", "entity_type": "ObjectType", "entity_key": [one["id"]]}])


def test_a_new_object_type_is_an_entity_type_of_new_sessions(session, new_session, object_type, project):
    made = object_type(name("Prop Set "))
    kind = made["name"].replace(" ", "").replace("_", "")
    assert kind not in session.types
    fresh = new_session()
    assert kind in fresh.types
    prop = fresh.create(kind, {"name": "chairs", "parent": fresh.get("Project", project["id"])})
    task = fresh.create("Task", {"name": "model", "parent": prop})
    fresh.commit()
    assert prop["object_type"]["name"] == made["name"]
    assert prop["project_id"] == project["id"]
    found = fresh.query('select name, children.name from %s where project_id is "%s"' % (kind, project["id"])).one()
    assert (found.entity_type, found["name"], found["children"][0]["id"]) == (kind, "chairs", task["id"])
    assert [item["name"] for item in task["link"]][1:] == ["chairs", "model"]


def test_the_schema_hash_follows_the_object_types(session, new_session, object_type):
    def schema_hash():
        return session.call([{"action": "query_server_information"}])[0]["schema_hash"]

    before = schema_hash()
    made = object_type(name("Vehicle"))
    during = schema_hash()
    assert during != before
    session.delete(made)
    session.commit()
    assert schema_hash() == before
    assert made["name"].replace("_", "") not in new_session().types


def test_sessions_from_before_a_new_object_type_go_on(session, new_session, object_type, shot):
    old = new_session()
    made = object_type(name("Layer"))
    fresh = new_session()
    kind = made["name"].replace("_", "")
    fresh.create(kind, {"name": "mist", "parent": fresh.get("Shot", shot["id"])})
    fresh.commit()
    task = old.create("Task", {"name": "comp", "parent": old.get("Shot", shot["id"])})
    old.commit()
    assert old.query('Task where parent_id is "%s"' % shot["id"]).one() is task


def test_the_entities_of_an_object_type_are_found_as_typed_contexts(session, new_session, object_type, project):
    made = object_type(name("Plate"))
    kind = made["name"].replace("_", "")
    fresh = new_session()
    fresh.create(kind, {"name": "bg", "parent_id": project["id"]})
    fresh.commit()
    rows = fresh.query('TypedContext where project_id is "%s"' % project["id"]).all()
    assert [(row.entity_type, row["name"], row["context_type"]) for row in rows] == [(kind, "bg", "task")]
    assert fresh.query('Context where object_type.name is "%s"' % made["name"]).one()["name"] == "bg"


def test_the_flags_of_an_object_type_say_what_is_fixed(new_session, session, object_type):
    made = object_type(name("Rig"), is_statusable=False, is_typeable=False, is_schedulable=True)
    kind = made["name"].replace("_", "")

    def fixed():
        return set(new_session().types[kind].attributes.get(each).name for each in (
            "status", "status_id", "type", "type_id", "bid", "start_date", "object_type_id")
            if not new_session().types[kind].attributes.get(each).mutable)

    assert fixed() == {"status", "status_id", "type", "type_id", "object_type_id"}
    made["is_statusable"] = True
    made["is_schedulable"] = False
    session.commit()
    assert fixed() == {"type", "type_id", "bid", "start_date", "object_type_id"}


def test_an_object_type_may_be_renamed_with_everything_of_it(session, new_session, object_type, project):
    made = object_type(name("Matte"))
    old, fresh = made["name"].replace("_", ""), new_session()
    entity = fresh.create(old, {"name": "sky", "parent_id": project["id"]})
    fresh.commit()
    made["name"] = name("Painting")
    session.commit()
    renamed = new_session().query('TypedContext where id is "%s"' % entity["id"]).one()
    assert renamed.entity_type == made["name"].replace("_", "")
    assert renamed["name"] == "sky"


@pytest.mark.parametrize("taken, exception", [("Shot", "IntegrityError"), ("Asset", "IntegrityError"), ("42", "ValidationError")])
def test_an_object_type_needs_a_name_of_its_own(session, taken, exception):
    session.create("ObjectType", {"name": taken})
    assert exception in refused(session)


def test_an_object_type_in_use_stays(session, new_session, object_type, project):
    made = object_type(name("Crowd"))
    fresh = new_session()
    fresh.create(made["name"].replace("_", ""), {"name": "people", "parent_id": project["id"]})
    fresh.commit()
    session.delete(made)
    assert "IntegrityError" in refused(session)


def test_tasks_have_the_types_and_statuses_of_their_schema(session, project):
    schema = project["project_schema"]
    types = [each["name"] for each in schema.get_types("Task")]
    assert types[0] == "Compositing"
    assert "Rigging" not in types
    statuses = [each["name"] for each in schema.get_statuses("Task")]
    assert statuses == ["Not started", "In progress", "Pending Review", "Approved", "Completed", "On Hold", "Omitted"]
    assert schema.get_statuses("AssetVersion")[0]["name"] == "Not started"


def test_object_types_have_statuses_and_types_of_their_own(session, project):
    schema = project["project_schema"]
    assert [each["name"] for each in schema.get_types("AssetBuild")] == ["Modeling", "Rigging", "Lookdev"]
    assert schema.get_types("Shot") == []
    assert "Approved" in [each["name"] for each in schema.get_statuses("Shot")]
    with pytest.raises(ValueError):
        schema.get_statuses("Folder")


@pytest.fixture()
def own_schema(session):
    """A project schema that is put together as the manual of the client shows."""
    by_name = {status["name"]: status for status in session.query("Status")}
    types = {each["name"]: each for each in session.query("Type")}
    tasks = session.create("WorkflowSchema")
    few = session.create("WorkflowSchema", {"name": name("few")})
    for workflow, statuses in ((tasks, ["In progress", "Completed", "On Hold"]), (few, ["Completed"])):
        for status in statuses:
            session.create("WorkflowSchemaStatus", {"workflow_schema_id": workflow["id"], "status_id": by_name[status]["id"]})
    task_types = session.create("TaskTypeSchema")
    for each in ("Modeling", "Rigging"):
        session.create("TaskTypeSchemaType", {"task_type_schema_id": task_types["id"], "type_id": types[each]["id"]})
    schema = session.create("ProjectSchema", {
        "name": name("schema"), "task_workflow_schema_id": tasks["id"],
        "task_type_schema_id": task_types["id"], "asset_version_workflow_schema_id": few["id"]})
    shot = session.query('ObjectType where name is "Shot"').one()
    session.create("ProjectSchemaObjectType", {"project_schema_id": schema["id"], "object_type_id": shot["id"]})
    of_shots = session.create("Schema", {"project_schema_id": schema["id"], "object_type_id": shot["id"]})
    session.create("SchemaStatus", {"schema_id": of_shots["id"], "status_id": by_name["On Hold"]["id"]})
    session.create("ProjectSchemaOverride", {
        "project_schema_id": schema["id"], "type_id": types["Rigging"]["id"], "workflow_schema_id": few["id"]})
    template = session.create("TaskTemplate", {"project_schema_id": schema["id"], "name": "Build"})
    for each in ("Modeling", "Rigging"):
        session.create("TaskTemplateItem", {"template_id": template["id"], "task_type_id": types[each]["id"]})
    session.commit()
    project = session.create("Project", {"name": name("project"), "full_name": "Own", "project_schema": schema})
    session.commit()
    yield project
    session.rollback()
    session.delete(project)
    session.commit()


def test_a_project_schema_can_be_put_together(session, own_schema):
    schema = own_schema["project_schema"]
    assert [each["name"] for each in schema.get_types("Task")] == ["Modeling", "Rigging"]
    assert [each["name"] for each in schema.get_statuses("Task")] == ["In progress", "Completed", "On Hold"]
    assert [each["name"] for each in schema.get_statuses("AssetVersion")] == ["Completed"]
    assert [each["name"] for each in schema.get_statuses("Shot")] == ["On Hold"]
    assert [each["name"] for each in schema["object_types"]] == ["Shot"]


def test_an_override_gives_one_type_of_task_its_statuses(session, own_schema):
    rigging = session.query('Type where name is "Rigging"').one()
    schema = own_schema["project_schema"]
    assert [each["name"] for each in schema.get_statuses("Task", rigging["id"])] == ["Completed"]
    task = session.create("Task", {"name": "rig", "parent": own_schema, "type": rigging})
    session.commit()
    assert task["status"]["name"] == "Completed"


def test_new_entities_begin_with_the_first_status_of_their_schema(session, own_schema):
    shot = session.create("Shot", {"name": "sh010", "parent": own_schema})
    task = session.create("Task", {"name": "model", "parent": shot})
    asset = session.create("Asset", {"name": "body", "parent": shot})
    version = session.create("AssetVersion", {"asset": asset})
    session.commit()
    assert (shot["status"]["name"], task["status"]["name"], version["status"]["name"]) == ("On Hold", "In progress", "Completed")
    assert task["type"]["name"] == "Modeling"


def test_a_task_template_is_applied_by_its_items(session, own_schema):
    template = own_schema["project_schema"]["task_templates"][0]
    for item in template["items"]:
        session.create("Task", {"name": item["task_type"]["name"], "type": item["task_type"], "parent": own_schema})
    session.commit()
    assert sorted(child["name"] for child in own_schema["children"]) == ["Modeling", "Rigging"]


def test_well_known_ids_are_those_of_every_server(session):
    assert session.get("Status", "44dd9fb2-4164-11df-9218-0019bb4983d8")["name"] == "Not started"
    assert session.get("ObjectType", "bad911de-3bd6-47b9-8b46-3476e237cb36")["name"] == "Shot"
    assert session.get("Location", "3a372bde-05bc-11e4-8908-20c9d081909b")["name"] == "ftrack.server"
    assert session.get("Priority", "9661b320-3a0c-11e2-81c1-0800200c9a66")["name"] == "None"
    assert session.get("State", "cea116d4-acb5-11e1-8668-f23c91df1211")["short"] == "DONE"
    assert session.get("CustomAttributeType", "92009b00-381c-11e0-acff-0019bb49847a")["name"] == "number"
    assert session.get("Type", "44dc53c8-4164-11df-9218-0019bb4983d8")["name"] == "Modeling"
