"""A person's work on the page, as the official Python client sees it, and what others do as the page shows it."""

import datetime
import json

import ftrack_api
from selenium.webdriver.common.by import By


class Server:
    """What the official client sees, read afresh each time."""

    def __init__(self):
        self.session = ftrack_api.Session(plugin_paths=[], auto_connect_event_hub=False)

    def one(self, expression):
        self.session.reset()
        return self.session.query(expression).one()

    def all(self, expression):
        self.session.reset()
        return self.session.query(expression).all()


def story(browser, task):
    server = Server()
    my_tasks(browser, server, task)
    task_page(browser, server, task)
    time_logs(browser, server, task)
    jobs(browser, server)
    failures(browser)


def my_tasks(browser, server, task):
    browser.go("#/my-tasks")
    mine = server.all(f'Task where assignments.resource.username is "{server.session.api_user}"')
    expected = sorted({one["project"]["full_name"] for one in mine})
    assert browser.texts(".plain .panel h2") == expected, browser.texts(".plain .panel h2")
    assert len(browser.all(".task")) == len(mine)
    browser.choose(f"#status-{task}", "In progress")
    browser.until("the status is changed", lambda: server.one(f'select status.name from Task where id is "{task}"')["status"]["name"] == "In progress")
    browser.click(".switch button", "In progress")
    browser.until("only one is in progress", lambda: len(browser.all(".task")) == 1)
    assert browser.run("return location.hash") == "#/my-tasks?show=working"
    browser.write("#filter", "no such words")
    browser.until("a sentence says that none is", lambda: browser.texts(".empty") == ["None of your tasks has these words."])
    browser.write("#filter", "sh010 compositing")
    browser.until("the words find it", lambda: len(browser.all(".task")) == 1)
    browser.click(".task input[type=checkbox]")
    browser.until("it is chosen for actions", lambda: browser.texts("#selection") == ["compositing"])


def task_page(browser, server, task):
    browser.go(f"#/task/{task}")
    browser.choose("#status", "Pending Review")
    browser.choose("#assign", "Dana Okoye")
    browser.until("Dana is assigned", lambda: "Dana Okoye" in "".join(browser.texts(".assignees li")))
    browser.set_date("#end_date", "2027-02-01")
    browser.choose("#attribute-difficulty", "Hard")
    browser.write("#attribute-fps", "30")
    browser.write("#description", "Keep the gulls.")
    browser.one("#note").click()
    found = browser.until("all is saved", lambda: saved(server, task))
    assert found["assignments"] == {"ada", "dana"} and found["difficulty"] == ["hard"] and found["fps"] == 30, found

    browser.write("#note", "Less **fog**")
    browser.click(".write button", "Add note")
    browser.until("the note is there", lambda: browser.texts(".note .prose strong") == ["fog"])
    browser.click("button.reply")
    browser.write("[id^=reply-]", "Done")
    browser.click(".thread .write button", "Reply")
    browser.until("the reply is below it", lambda: browser.texts(".replies .prose") == ["Done"])
    notes = server.one(f'select notes.content, notes.replies.content from Task where id is "{task}"')["notes"]
    assert [(note["content"], [reply["content"] for reply in note["replies"]]) for note in notes if not note["in_reply_to_id"]] \
        == [("Less **fog**", ["Done"])], notes
    live(browser, server, task)


def saved(server, task):
    """Returns what the official client reads, once everything has arrived."""
    found = server.one(f'select status.name, end_date, description, assignments.resource.username, custom_attributes from Task where id is "{task}"')
    arrived = found["status"]["name"] == "Pending Review" and found["description"] == "Keep the gulls." \
        and found["end_date"] and found["end_date"].strftime("%Y-%m-%d") == "2027-02-01" and found["custom_attributes"]["fps"] == 30
    return arrived and {
        "assignments": {one["resource"]["username"] for one in found["assignments"]},
        "difficulty": found["custom_attributes"]["difficulty"],
        "fps": found["custom_attributes"]["fps"],
    }


def live(browser, server, task):
    """What others change shows at once, and what is half written stays, with the place it is written at."""
    browser.write("#note", "half a sen")
    browser.run("document.querySelector('#view').scrollTop = 60")
    top = browser.run("return document.querySelector('#view').scrollTop")
    found = server.one(f'Task where id is "{task}"')
    found["status"] = server.session.query('Status where name is "On Hold"').one()
    found["description"] = "Lose the gulls."
    found.create_note("From elsewhere", server.session.query('User where username is "dana"').one())
    server.session.commit()
    browser.until("the status is shown", lambda: browser.run("return document.querySelector('#status').selectedOptions[0].text") == "On Hold")
    browser.until("the note is shown", lambda: "From elsewhere" in browser.texts(".note .prose"))
    assert browser.run("return document.querySelector('#description').value") == "Lose the gulls."
    assert browser.run("return [document.activeElement.id, document.activeElement.value]") == ["note", "half a sen"]
    assert browser.run("return document.querySelector('#view').scrollTop") == top
    browser.one("#note").clear()


def time_logs(browser, server, task):
    browser.go("#/time")
    browser.run("document.querySelector('#new-time-task').value = arguments[0]", task)
    browser.write("#new-time-duration", "soon")
    browser.write("#new-time-comment", "roto")
    browser.click(".time-form button", "Log time")
    assert browser.run("return document.querySelector('#new-time-duration').validationMessage") == "Write it as 1:30, 1.5h or 90m."
    browser.write("#new-time-duration", "1:30")
    browser.click(".time-form button", "Log time")
    browser.until("it is listed", lambda: browser.texts(".time-log .duration") == ["1 h 30 min"])
    log = server.one(f'select start, duration, comment from Timelog where context_id is "{task}"')
    assert (log["duration"], log["comment"], log["start"].date()) == (5400, "roto", datetime.date.today()), log
    browser.click(".time-log [aria-label=Change]")
    browser.write(f"#time-{log['id']}-duration", "45m")
    browser.click(".time-log button", "Save")
    browser.until("it is changed", lambda: browser.texts(".time-log .duration") == ["45 min"])
    assert server.one(f'select duration from Timelog where id is "{log["id"]}"')["duration"] == 2700
    browser.click("[aria-label='The week before']")
    browser.until("the week before has none", lambda: browser.texts(".plain > .empty") == ["No time is logged in this week."])
    browser.driver.back()
    browser.click(".time-log [aria-label=Delete]")
    browser.click("dialog button", "Delete")
    browser.until("it is gone", lambda: not browser.all(".time-log"))
    assert server.all(f'Timelog where context_id is "{task}"') == []


def jobs(browser, server):
    browser.go("#/jobs")
    assert browser.texts(".plain > .empty"), "a sentence says that there is none"
    user = server.one(f'User where username is "{server.session.api_user}"')
    job = server.session.create("Job", {"user": user, "status": "running", "data": json.dumps({"description": "Rendering the boat"})})
    server.session.commit()
    browser.until("the job runs", lambda: browser.texts(".job .job-state") == ["Running"])
    assert browser.texts(".job strong") == ["Rendering the boat"]
    job["status"] = "done"
    server.session.commit()
    browser.until("the job is done", lambda: browser.texts(".job .job-state") == ["Done"])


def failures(browser):
    """A change that the server refuses is said in a sentence, and the field shows what is true."""
    browser.go("#/my-tasks?show=all")
    task = browser.one(".task")
    identity = task.get_attribute("data-id")
    was = browser.run("return document.querySelector(arguments[0]).value", f"#status-{identity}")
    browser.run("""
        const option = document.createElement("option");
        option.value = "00000000-0000-0000-0000-000000000000";
        option.text = "No such status";
        document.querySelector(arguments[0]).append(option);
    """, f"#status-{identity}")
    browser.choose(f"#status-{identity}", "No such status")
    browser.message("failure", "The status was not changed: ")
    browser.until("it shows what it was", lambda: browser.run("return document.querySelector(arguments[0]).value", f"#status-{identity}") == was)
    assert task.find_element(By.TAG_NAME, "select").is_enabled()
    complaints = browser.complaints()
    assert len(complaints) == 1 and "/api - Failed to load resource" in complaints[0], complaints
