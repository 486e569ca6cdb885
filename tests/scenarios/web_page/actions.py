"""Actions that the official Python client offers, from the menu to the last message of several steps."""

import queue
import threading

import ftrack_api

WAIT_SECS = 20

FIELDS = [
    {"type": "label", "value": "## Every kind\nof field, *in italics*"},
    {"type": "text", "label": "Name", "name": "name", "value": "", "empty_text": "sh010"},
    {"type": "text", "label": "Untouched", "name": "untouched", "value": "as it was"},
    {"type": "textarea", "label": "Text", "name": "area", "value": "one"},
    {"type": "number", "label": "Frames", "name": "frames", "value": 24},
    {"type": "number", "label": "Empty number", "name": "nothing"},
    {"type": "date", "label": "Due", "name": "due", "value": "2026-11-20"},
    {"type": "date", "label": "Empty date", "name": "never"},
    {"type": "boolean", "label": "Really", "name": "really", "value": False},
    {
        "type": "enumerator", "label": "One", "name": "one", "value": "b",
        "data": [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}, {"label": "A number", "value": 3}],
    },
    {
        "type": "enumerator", "label": "Several", "name": "several", "multi_select": True, "value": ["x"],
        "data": [{"label": "X", "value": "x"}, {"label": "Y", "value": "y"}, {"label": "Z", "value": "z"}],
    },
    {"type": "url", "label": "Address", "name": "address", "value": ""},
    {"type": "password", "label": "Password", "name": "secret", "value": ""},
    {"type": "hidden", "name": "hidden", "value": {"a": [1]}},
    {"type": "text", "label": "First", "name": "twice", "value": "1"},
    {"type": "text", "label": "Second", "name": "twice", "value": "2"},
    {"type": "widget", "label": "A page", "url": "https://example.com/page"},
    {"type": "of a later ftrack", "value": "is shown"},
]


class Studio:
    """A studio's own actions, in a process of their own as far as the page can tell."""

    def __init__(self):
        self.session = ftrack_api.Session(plugin_paths=[], auto_connect_event_hub=True)
        self.launched = queue.Queue()
        user = self.session.api_user
        hub = self.session.event_hub
        hub.subscribe(f"topic=ftrack.action.discover and source.user.username={user}", self.discover)
        hub.subscribe(f"topic=ftrack.action.launch and source.user.username={user}", self.launch)
        threading.Thread(target=hub.wait, daemon=True).start()

    def discover(self, event):
        variants = [{"label": "Open in Comp", "variant": one, "actionIdentifier": "comp", "version": one} for one in ("14", "15")]
        reports = [{"label": name, "actionIdentifier": name} for name in ("right", "wrong", "yes", "no")]
        return {"items": [
            *variants,
            {"label": "Every field", "actionIdentifier": "fields", "description": "Shows all of them"},
            {"label": "Steps", "actionIdentifier": "steps"},
            {"label": "Reports", "items": reports},
        ]}

    def launch(self, event):
        data = event["data"]
        self.launched.put(data)
        values = data.get("values")
        match data["actionIdentifier"]:
            case "comp":
                return {"success": True, "message": f"Comp {data['version']} starts"}
            case "right":
                return {"success": True, "message": "The report is **done**"}
            case "wrong":
                return {"success": False, "message": "There is nothing to report"}
            case "yes":
                return True
            case "no":
                return {"success": False}
            case "fields":
                return {"success": True, "message": "Thank you"} if values else {"title": "Fill this in", "items": FIELDS}
            case "steps":
                return self.step(values)
        return None

    def step(self, values):
        if not values:
            items = [{"type": "text", "name": "shot", "label": "Shot", "value": ""}]
            return {"items": items, "title": "Step 1", "submit_button_label": "Next"}
        if "shot" in values:
            items = [
                {"type": "hidden", "name": "chosen", "value": values["shot"]},
                {"type": "number", "name": "frames", "label": "Frames", "value": 10},
            ]
            return {"items": items, "title": f"Step 2: {values['shot']}", "submit_button_label": "Make"}
        return {"success": True, "message": f"{values['chosen']} has {values['frames']} frames"}

    def next_launch(self):
        return self.launched.get(timeout=WAIT_SECS)

    def tell(self, data):
        """Shows something to the person, unasked."""
        user = self.session.query(f'User where username is "{self.session.api_user}"').one()
        self.session.event_hub.publish(ftrack_api.event.base.Event(
            topic="ftrack.action.trigger-user-interface", data=data,
            target=f'applicationId=ftrack.client.web and user.id="{user["id"]}"',
        ))


def launch(browser, label, inside=None):
    """Chooses from the menu, as it comes."""
    browser.click("#actions:enabled")
    browser.click("#menu > * [role=menuitem], #menu > [role=menuitem]", inside or label)
    if inside:
        browser.click("#menu [popover]:popover-open [role=menuitem]", label)


def story(browser, task, version):
    studio = Studio()
    submenus(browser, studio, task, version)
    results(browser)
    every_field(browser, studio)
    steps(browser, studio)
    unasked(browser, studio)


def submenus(browser, studio, task, version):
    browser.go(f"#/task/{task}")
    launch(browser, "15", inside="Open in Comp")
    data = studio.next_launch()
    assert data["version"] == "15" and data["selection"] == [{"entityId": task, "entityType": "task"}], data
    browser.message("success", "Comp 15 starts")
    browser.go(f"#/version/{version}")
    launch(browser, "14", inside="Open in Comp")
    data = studio.next_launch()
    assert data["version"] == "14" and data["selection"] == [{"entityId": version, "entityType": "assetversion"}], data
    browser.message("success", "Comp 14 starts")


def results(browser):
    for name, kind, text in [
        ("right", "success", "The report is done"),
        ("wrong", "failure", "There is nothing to report"),
        ("yes", "success", "yes is done."),
        ("no", "failure", "no failed."),
    ]:
        launch(browser, name, inside="Reports")
        browser.message(kind, text)


def every_field(browser, studio):
    while not studio.launched.empty():
        studio.launched.get()
    launch(browser, "Every field")
    studio.next_launch()
    browser.until("the form is there", lambda: browser.texts("#dialog-title") == ["Fill this in"])
    assert browser.focused() == "Name", browser.focused()
    browser.write("dialog [name=name]", "sh010")
    browser.write("dialog [name=area]", "two\nlines")
    browser.write("dialog [name=frames]", "48.5")
    browser.set_date("dialog [name=due]", "2027-01-31")
    browser.click("dialog .check", "Really")
    browser.choose("dialog [name=one]", "A number")
    browser.click("dialog .choices .check", "X")
    browser.click("dialog .choices .check", "Z")
    browser.write("dialog [name=secret]", "hush")
    browser.write("dialog [name=address]", "no address")
    browser.click("dialog [type=submit]")
    # What is no address is not sent.
    browser.until("the field is marked", lambda: browser.all("dialog [name=address]:user-invalid"))
    assert studio.launched.empty() and browser.all("dialog[open]")
    browser.write("dialog [name=address]", "https://example.com/a")
    shown = browser.texts("dialog .prose")
    assert shown == ["Every kindof field, in italics", "is shown"], shown
    assert browser.one("dialog .fields a").get_attribute("href") == "https://example.com/page"
    browser.click("dialog [type=submit]")
    assert studio.next_launch()["values"] == {
        "name": "sh010", "untouched": "as it was", "area": "two\nlines", "frames": 48.5, "nothing": None, "due": "2027-01-31",
        "never": None, "really": True, "one": 3, "several": ["z"], "address": "https://example.com/a", "secret": "hush",
        "hidden": {"a": [1]}, "twice": ["1", "2"],
    }
    browser.message("success", "Thank you")
    browser.go("#/events")
    browser.click("#log summary", "fields with values by")
    shown = browser.until("the event is shown", lambda: "sh010" in (text := "".join(browser.texts("#log pre"))) and text)
    assert "hush" not in shown, "the event log shows a password"


def steps(browser, studio):
    launch(browser, "Steps")
    browser.until("the first step", lambda: browser.texts("#dialog-title") == ["Step 1"])
    assert browser.texts("dialog [type=submit]") == ["Next"]
    browser.write("dialog [name=shot]", "sh070")
    browser.click("dialog [type=submit]")
    browser.until("the second step", lambda: browser.texts("#dialog-title") == ["Step 2: sh070"])
    browser.write("dialog [name=frames]", "12")
    browser.click("dialog [type=submit]")
    browser.message("success", "sh070 has 12 frames")


def unasked(browser, studio):
    studio.tell({"type": "message", "success": True, "message": "The night's work is done"})
    browser.message("success", "The night's work is done")
    items = [{"type": "text", "name": "why", "label": "Why", "value": ""}]
    studio.tell({"type": "form", "title": "One question", "items": items, "actionIdentifier": "right", "kept": 7})
    browser.until("the form is there", lambda: browser.texts("#dialog-title") == ["One question"])
    while not studio.launched.empty():
        studio.launched.get()
    browser.write("dialog [name=why]", "because")
    browser.click("dialog [type=submit]")
    data = studio.next_launch()
    assert data["values"] == {"why": "because"} and data["kept"] == 7, data
    browser.message("success", "The report is done")
