"""Synchronous events cross the border between processes as if there were none."""

import pytest

HOW = {"topic": "studio.how-are-you", "data": {}}


def subscription_of(child, topic):
    return next(key for key, (expression, _) in child.subscriptions.items() if topic in expression)


def test_results_come_in_the_order_of_priority_over_all_children(start):
    start("two-hooks-1.0.0")
    child = start("about-us-2.0.0")
    start("other-naming-1.0.0")
    answers = child.host.publish({"topic": "studio.naming", "data": {"of": "test"}})
    assert [answer.split(" ")[0] for answer in answers["results"]] == ["first", "other", "second"]
    assert answers["event"]["data"] == {"of": "test", "seen": ["other-naming"]}


def test_a_stopped_event_goes_no_further_in_any_child(start):
    both = start("two-hooks-1.0.0")
    start("other-naming-1.0.0")
    answers = both.host.publish({"topic": "studio.naming", "data": {"stop": True}})
    assert [answer.split(" ")[0] for answer in answers["results"]] == ["first", "other"]
    assert answers["stopped"]


def test_a_hook_hears_the_other_plugins_and_itself_while_it_publishes(start, ask):
    start("studio-disk-1.1.0")
    start("about-us-2.0.0")
    said = ask("ftrack.action.launch", {"actionIdentifier": "studio.overview", "selection": []})
    assert said == {"success": True, "message": "about-us, studio-disk"}


PUBLISHES = """
def register(session):
    import ftrack_api
    def publish(event):
        data = {"env": {"A": "1", "B": "2"}, "command": ["maya"]}
        held = data["env"], data["command"]
        asked = ftrack_api.event.base.Event(topic="studio.change", data=data)
        results = session.event_hub.publish(asked, synchronous=True)
        names = [getattr(result, "__name__", result) for result in results]
        return {"results": names, "env": held[0], "command": held[1], "stopped": asked.is_stopped()}
    session.event_hub.subscribe("topic=studio.publish", publish)
    session.event_hub.subscribe("topic=studio.change", lambda event: set, priority=300)
"""

CHANGES = """
class Widget:
    pass
def change(event):
    event["data"]["env"]["A"] = "changed"
    del event["data"]["env"]["B"]
    event["data"]["command"].append("-batch")
def register(session):
    session.event_hub.subscribe("topic=studio.change", change)
    session.event_hub.subscribe("topic=studio.change", lambda event: Widget, priority=150)
    session.event_hub.subscribe("topic=studio.change", lambda event: event.stop(), priority=400)
"""


@pytest.fixture()
def pair(start, tmp_path):
    for name, text in (("publishes", PUBLISHES), ("changes", CHANGES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hook.py").write_text(text)
    return start(words=[str(tmp_path / "publishes")]), start(words=[str(tmp_path / "changes")])


def test_what_another_plugin_changes_is_changed_where_it_was_published(pair):
    publisher, _ = pair
    said = publisher.handle(subscription_of(publisher, "studio.publish"), {"topic": "studio.publish", "data": {}})
    result = said["result"]["result"]
    assert result["env"] == {"A": "changed"}
    assert result["command"] == ["maya", "-batch"]
    assert result["stopped"]


def test_a_result_that_is_no_json_stays_in_its_child_and_reaches_its_own_publisher(pair):
    publisher, _ = pair
    said = publisher.handle(subscription_of(publisher, "studio.publish"), {"topic": "studio.publish", "data": {}})
    assert said["result"]["result"]["results"] == [None, "set", None]
    publisher.logged("left out `Widget` of another plugin")


def test_a_host_that_does_not_know_the_question_leaves_the_plugin_to_itself(start, tmp_path, host, monkeypatch):
    (tmp_path / "hook.py").write_text(PUBLISHES)

    def refuse(child, message):
        child.write({"id": message["id"], "error": {"kind": "unsupported", "message": "unknown method"}})

    monkeypatch.setattr(host, "serve", refuse)
    child = start(words=[str(tmp_path)])
    said = child.handle(subscription_of(child, "studio.publish"), {"topic": "studio.publish", "data": {}})
    assert said["result"]["result"]["results"] == ["set"]


def test_a_hook_that_raises_is_named_and_the_next_question_is_answered(start):
    child = start("raises-1.0.0")
    by_priority = {priority: key for key, (expression, priority) in child.subscriptions.items() if "how-are" in expression}
    said = child.handle(by_priority[1], HOW)["error"]
    assert said["kind"] == "plugin" and said["causes"] == ["RuntimeError: not today"]
    assert child.handle(by_priority[2], HOW)["result"]["result"] == "well"
    assert child.handle("gone", HOW)["error"]["kind"] == "not_found"


def application(identifier, version):
    options = {"env": {"MAYA_SCRIPT_PATH": "/before"}, "cwd": "/"}
    application = {"identifier": identifier, "version": version, "path": "/opt/maya"}
    return {"application": application, "options": options, "command": ["/opt/maya"], "context": {}, "platform": "linux"}


@pytest.mark.parametrize(
    "version, major",
    [("9.5", None), ("13.0", "13"), ("12.9", None), ("13.1v4", "13"), ("100.2", "100"), ("13.0b1", None)],
)
def test_pain_versions_are_compared_as_versions_and_not_as_text(start_once, version, major):
    data = application("nuke_" + version, version)
    answers = start_once("nuke-environment-1.0.0").host.publish({"topic": "ftrack.connect.application.launch", "data": data})
    found = [answer["integration"]["env"]["STUDIO_NUKE.set"] for answer in answers["results"]]
    assert found == ([major] if major else [])


@pytest.fixture(scope="module")
def start_once():
    import support

    host, made = support.Host(), {}

    def begin(plugin):
        if plugin not in made:
            made[plugin] = host.start(support.hooks_of(plugin))
            made[plugin].loaded()
        return made[plugin]

    yield begin
    host.end()


def test_a_launch_is_changed_by_the_modifiers_whose_application_it_is(start):
    child = start("maya-environment-1.2.0")
    start("nuke-environment-1.0.0")
    ask = {"topic": "ftrack.connect.application.launch", "data": application("maya_2025", "2025")}
    answers = child.host.publish(ask)
    integration = answers["results"][0]["integration"]
    assert len(answers["results"]) == 1 and integration["launch_arguments"] == ["-quiet"]
    assert integration["env"]["MAYA_SCRIPT_PATH.prepend"].endswith("resource/scripts")
    assert answers["event"]["data"]["options"]["env"]["STUDIO_SHOW"] == "demo"
    assert answers["event"]["data"]["command"] == ["/opt/maya", "-studio"]
    found = child.host.publish({"topic": "ftrack.connect.application.discover", "data": application("maya_2020", "2020")})
    assert found["results"] == []


def test_what_connect_asks_its_plugins_is_answered(start, session):
    child = start("about-us-2.0.0")
    topics = ("ftrack.connect.plugin.debug-information", "ftrack.connect.verify-startup")
    asked = [child.host.publish({"topic": topic, "data": {"storage_scenario": None}})["results"] for topic in topics]
    assert asked == [
        [{"name": "about-us", "version": "2.0.0", "debug_information": {"user": session.api_user}}],
        ["The studio's disk is not mounted."],
    ]
    version = session.query("AssetVersion").first()
    data = {"versionId": version["id"], "path": "/tmp/a.mov"}
    child.host.publish({"topic": "ftrack.connect.publish.make-web-playable", "data": data})
    session.reset()
    assert session.get("AssetVersion", version["id"])["comment"] == "encoded from /tmp/a.mov"


def test_a_subscription_that_ends_is_told(start, tmp_path):
    (tmp_path / "hook.py").write_text(
        "def register(session):\n"
        "    with session.event_hub.subscription('topic=studio.short', len):\n"
        "        pass\n"
    )
    child = start(words=[str(tmp_path)])
    assert [told["expression"] for told in child.told("connect.subscribed")] == ["topic=studio.short"]
    assert child.told("connect.unsubscribed")[0]["id"] == child.told("connect.subscribed")[0]["id"]


def test_pain_a_slow_hook_is_named_with_where_it_stands(start, tmp_path):
    (tmp_path / "hook.py").write_text(
        "import threading\n"
        "from callboard_connect import hub\n"
        "hub.SLOW_SECS = 0.2\n"
        "gate = threading.Event()\n"
        "def wait_for_the_gate(event):\n"
        "    return gate.wait(30)\n"
        "def register(session):\n"
        "    session.event_hub.subscribe('topic=studio.slow', wait_for_the_gate)\n"
        "    session.event_hub.subscribe('topic=studio.open', lambda event: gate.set())\n"
    )
    child = start(words=[str(tmp_path)])
    slow = subscription_of(child, "studio.slow")
    child.write({"id": 900, "method": "connect.handle", "params": {"subscription": slow, "event": {"topic": "studio.slow"}}})
    child.logged("in wait_for_the_gate")
    assert child.process.poll() is None
