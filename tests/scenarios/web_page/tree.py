"""From the tree of projects to shots that an action has made, and every view by its address."""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys


def story(browser, sequence, name):
    driver = browser.driver
    browser.one(f"[data-id='{sequence}'] .label").click()
    browser.until("the sequence is selected", lambda: browser.texts("[aria-selected=true] .label") == ["sq010"])
    before = browser.below(sequence)
    browser.picture("tree")

    browser.one("#actions:enabled").click()
    menu = browser.until("there is a menu", lambda: browser.texts("#menu [role=menuitem] .label"))
    browser.picture("menu")
    browser.click("#menu [role=menuitem]", "Create shots")

    browser.one("dialog[open] [name=shots]").send_keys("page010\npage020")
    title = browser.texts("#dialog-title")
    for check in browser.all("dialog .check"):
        box = check.find_element(By.TAG_NAME, "input")
        if box.get_attribute("name") == "task_types" and box.is_selected() != (check.text == "Compositing"):
            check.click()
    browser.picture("form")
    browser.one("dialog button[type=submit]").click()

    message = browser.until("there is a message", lambda: browser.texts(".notice.success .prose"))
    after = browser.until(
        "the tree has the shots",
        lambda: {"page010", "page020"} <= set(found := browser.below(sequence)) and found,
    )
    browser.picture("made")

    # The keys do what the mouse does: the row after the sequence is its first shot.
    browser.one(f"[data-id='{sequence}'] .label").click()
    driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    by_keys = browser.until(
        "the keys select", lambda: (found := browser.texts("[aria-selected=true] .label")) != ["sq010"] and found
    )
    seen = {
        "menu": menu,
        "title": title,
        "message": message,
        "before": before,
        "after": after,
        "by_keys": by_keys,
        "named": name in browser.texts(".rows .label"),
        "bold": len(browser.all(".rows b")),
    }
    browser.go("#/events")
    topics = sorted(set(browser.texts("#log .topic")))
    return {**seen, "topics": topics, "views": views(browser, sequence)}


def views(browser, sequence):
    """Goes through the views by their addresses and back, and returns the headings on the way."""
    browser.go(f"#/projects/{sequence}")
    browser.until("the address selects", lambda: browser.texts("[aria-selected=true] .label") == ["sq010"])
    headings = []
    for address in [f"#/task/{sequence}", "#/my-tasks", "#/time", "#/jobs", "#/events"]:
        browser.go(address)
        headings.append(browser.heading())
    browser.driver.back()
    headings.append(browser.until("the way back", lambda: browser.heading() == "Jobs" and "Jobs"))
    browser.driver.refresh()
    headings.append(browser.until("it is the same after it was loaded again", lambda: browser.heading() == "Jobs" and "Jobs"))
    browser.one("#connection[data-state=connected]")
    browser.run("location.hash = '#/task/nobody'")
    browser.until("a sentence says that there is none", lambda: browser.texts(".state p") == ["There is no such task, or it was deleted."])
    return headings
