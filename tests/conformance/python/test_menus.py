"""Actions between the official client and whoever asks: discover, launch, forms, and whose they are."""

import uuid

import pytest
from ftrack_api.event.base import Event
from test_dispatch import replies

DISCOVER = "ftrack.action.discover"
LAUNCH = "ftrack.action.launch"


@pytest.fixture()
def identifier():
    return "action.%s" % uuid.uuid4().hex


@pytest.fixture()
def mine(user):
    """What every handler adds to its subscriptions, so that it serves its own user alone."""
    return "source.user.username=%s" % user["username"]


def offering(listener, mine, *items):
    """A session with a handler of one action for each item."""
    serves = listener()
    for item in items:
        serves.listen("topic=%s and %s" % (DISCOVER, mine), reply={"items": [item]})
    serves.settle()
    return serves


def discover(listener, selection, count):
    """Asks for the actions on a selection as the web page does, and returns what the first replies offer."""
    data = {"selection": selection, "groupers": [], "filters": [], "sorters": []}
    came = replies(listener(), Event(topic=DISCOVER, data=data), count)
    return [item for reply in came for item in reply["data"]["items"]]


def launch(listener, data):
    return listener().ask(Event(topic=LAUNCH, data=data))["data"]


def test_each_handler_offers_its_action(listener, mine, identifier, task):
    items = [{"label": "Nuke", "variant": variant, "actionIdentifier": "%s.%s" % (identifier, variant)}
             for variant in ("15.0", "16.0")]
    offering(listener, mine, *items)
    offered = discover(listener, [{"entityId": task["id"], "entityType": "task"}], 2)
    assert sorted(item["variant"] for item in offered if item["actionIdentifier"].startswith(identifier)) == ["15.0", "16.0"]


def test_a_handler_sees_the_selection_and_who_asks(listener, mine, identifier, task, user):
    serves = offering(listener, mine, {"label": "Look", "actionIdentifier": identifier})
    selection = [{"entityId": task["id"], "entityType": "task"}, {"entityId": task["project_id"], "entityType": "show"}]
    discover(listener, selection, 1)
    event = serves.wait(lambda event: event["topic"] == DISCOVER)
    assert event["data"]["selection"] == selection
    assert event["source"]["user"] == {"username": user["username"], "id": user["id"]}


def test_a_menu_below_an_item_arrives_as_it_was_sent(listener, mine, identifier):
    item = {"label": "Tools", "icon": "default", "items": [
        {"label": "One", "actionIdentifier": identifier + ".1", "custom": {"a": [1, None]}},
        {"label": "More", "items": [{"label": "Two", "actionIdentifier": identifier + ".2"}]},
    ]}
    offering(listener, mine, item)
    assert item in discover(listener, [], 1)


def test_somebody_elses_handler_is_not_asked(listener, user, identifier):
    serves = listener("topic=%s and source.user.username=bo" % DISCOVER, "topic=%s" % identifier)
    asks = listener()
    asks.hub.publish(Event(topic=DISCOVER, data={"selection": []}))
    asks.hub.publish(Event(topic=identifier))
    serves.wait(lambda event: event["topic"] == identifier)
    assert DISCOVER not in [event["topic"] for event in serves.events]


def test_a_launch_reaches_the_action_that_was_chosen(listener, mine, identifier):
    wanted = "topic=%s and data.actionIdentifier=%s.%s and %s"
    one = listener(wanted % (LAUNCH, identifier, "one", mine), reply={"success": True, "message": "one"})
    two = listener(wanted % (LAUNCH, identifier, "two", mine), reply={"success": False, "message": "two"})
    for each, success in (("one", True), ("two", False), ("one", True)):
        answer = launch(listener, {"actionIdentifier": "%s.%s" % (identifier, each), "selection": []})
        assert answer == {"success": success, "message": each}
    launches = [[event["topic"] for event in each.events].count(LAUNCH) for each in (one, two)]
    assert launches == [2, 1]


def test_a_launch_may_be_caught_by_the_beginning_of_its_identifier(listener, mine, identifier):
    listener("topic=%s and data.actionIdentifier=%s.* and %s" % (LAUNCH, identifier, mine), reply=True)
    assert launch(listener, {"actionIdentifier": identifier + ".nuke_15", "selection": []}) is True


def test_a_launch_brings_back_what_the_item_had(listener, mine, identifier, task):
    serves = listener("topic=%s and data.actionIdentifier=%s and %s" % (LAUNCH, identifier, mine), reply={"success": True, "message": "ok"})
    data = {
        "actionIdentifier": identifier, "applicationIdentifier": "nuke_15.0v4", "host": "ws-042",
        "label": "Nuke", "variant": "15.0v4", "selection": [{"entityId": task["id"], "entityType": "task"}],
    }
    launch(listener, data)
    assert serves.wait(lambda event: event["topic"] == LAUNCH)["data"] == data


def test_a_form_comes_back_with_its_values_and_may_have_a_second_page(listener, mine, identifier):
    serves = listener()

    def receive(event):
        values = event["data"].get("values")
        if values is None:
            return {"items": [{"type": "text", "name": "shot", "label": "Shot", "value": "sh010"}], "title": "First"}
        if "sure" not in values:
            return {"items": [
                {"type": "hidden", "name": "shot", "value": values["shot"]},
                {"type": "boolean", "name": "sure", "label": "Sure", "value": False},
            ], "title": "Second"}
        return {"success": values["sure"], "message": "made %s" % values["shot"]}

    serves.hub.subscribe("topic=%s and data.actionIdentifier=%s and %s" % (LAUNCH, identifier, mine), receive)
    serves.settle()
    asks = listener()
    data = {"actionIdentifier": identifier, "selection": []}

    def submit(**values):
        submitted = dict(data, values=values) if values else data
        return asks.ask(Event(topic=LAUNCH, data=submitted))["data"]

    assert submit()["title"] == "First"
    second = submit(shot="sh020")
    assert second["title"] == "Second"
    assert second["items"][0] == {"type": "hidden", "name": "shot", "value": "sh020"}
    assert submit(shot="sh020", sure=True) == {"success": True, "message": "made sh020"}


def test_two_machines_of_one_user_are_told_apart_by_what_the_item_says(listener, mine, identifier):
    for machine in ("ws-01", "ws-02"):
        listener(
            "topic=%s and data.actionIdentifier=%s and data.host=%s and %s" % (LAUNCH, identifier, machine, mine),
            reply={"success": True, "message": machine},
        )
    answer = launch(listener, {"actionIdentifier": identifier, "host": "ws-02", "selection": []})
    assert answer["message"] == "ws-02"


def test_an_action_that_does_not_answer_leaves_the_others_be(listener, mine, identifier):
    listener("topic=%s and %s" % (DISCOVER, mine))
    offering(listener, mine, {"label": "Answers", "actionIdentifier": identifier})
    assert identifier in [item["actionIdentifier"] for item in discover(listener, [], 1)]


def test_an_enumerator_is_filled_by_whoever_knows(listener):
    wanted = "topic=ftrack.dynamic-enumerator and data.attributeName=colour"
    listener(wanted, reply=[{"name": "Red", "value": "red"}])
    data = {"attributeName": "colour", "recordData": {"entity": {}, "changes": {}}, "query": "r"}
    reply = listener().ask(Event(topic="ftrack.dynamic-enumerator", data=data))
    assert reply["data"] == [{"name": "Red", "value": "red"}]


def test_connect_says_that_it_is_there(listener, mine):
    listener("topic=ftrack.connect.discover and %s" % mine, reply=True)
    assert listener().ask(Event(topic="ftrack.connect.discover"))["data"] is True


def test_a_component_in_a_location_is_told_to_everybody(listener, session, tmp_path):
    hears = listener("topic=ftrack.location.component-added")
    speaks = listener()
    path = tmp_path / "picture.jpg"
    path.write_bytes(b"a picture")
    component = speaks.session.create_component(str(path), location=None)
    speaks.session.commit()
    component_id = component["id"]
    server = speaks.session.query('Location where name is "ftrack.server"').one()
    server.add_component(component, speaks.session.query('Location where name is "ftrack.origin"').one())
    event = hears.wait(lambda event: event["data"].get("location_id") == server["id"])
    assert event["data"]["component_id"] == component_id
