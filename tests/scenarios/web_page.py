"""The sandbox's web page in a browser, as somebody new to it would use it.

    web_page.py PAGE SEQUENCE NAME FOLDER   makes shots in SEQUENCE by its Actions menu; NAME is a name to be found as text

FOLDER is the browser's; screenshots land there. Prints one JSON object with what was seen.
"""

import json
import pathlib
import shutil
import signal
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

WAIT_SECS = 20

# Below what whoever runs this allows, so that the browser is ended here.
STORY_SECS = 150

# Nothing that reaches for the network or asks the person anything.
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,900",
]


def program(*names):
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        sys.exit(f"found none of {', '.join(names)}; run `cargo xtask test`, which installs them")
    return found


class Browser:
    def __init__(self, folder):
        self.folder = folder
        options = webdriver.ChromeOptions()
        options.binary_location = program("chromium", "chromium-browser")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for argument in [*ARGUMENTS, f"--user-data-dir={folder / 'profile'}"]:
            options.add_argument(argument)
        # Named, so that no driver is looked for on the network.
        self.driver = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
        # Scripts of the page look things up at once; what must be waited for is waited for here.
        self.driver.set_page_load_timeout(WAIT_SECS)
        self.driver.set_script_timeout(WAIT_SECS)

    def until(self, what, look):
        return WebDriverWait(self.driver, WAIT_SECS).until(lambda _: look(), f"in vain: {what}")

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.until(selector, lambda: next(iter(self.all(selector)), None))

    def texts(self, selector):
        # In one step, since the page may draw its rows again between two.
        script = "return [...document.querySelectorAll(arguments[0])].map((found) => found.textContent)"
        return self.driver.execute_script(script, selector)

    def below(self, parent):
        """Returns the names of the rows directly below a row of the tree."""
        script = """
            const names = [];
            let row = document.querySelector(`[data-id="${arguments[0]}"]`);
            const level = Number(row.ariaLevel);
            while ((row = row.nextElementSibling) && Number(row.ariaLevel) > level) {
              if (Number(row.ariaLevel) === level + 1) names.push(row.querySelector(".label").textContent);
            }
            return names;
        """
        return self.driver.execute_script(script, parent)

    def picture(self, name):
        self.driver.save_screenshot(str(self.folder / f"{name}.png"))


def story(browser, page, sequence, name):
    driver = browser.driver
    driver.get(page)
    browser.one("#connection[data-state=connected]")
    browser.one(f"[data-id='{sequence}'] .label").click()
    browser.until("the sequence is selected", lambda: browser.texts("[aria-selected=true] .label") == ["sq010"])
    before = browser.below(sequence)
    browser.picture("tree")

    browser.one("#actions:enabled").click()
    menu = browser.until("there is a menu", lambda: browser.texts("#menu [role=menuitem] .label"))
    browser.picture("menu")
    next(entry for entry in browser.all("#menu [role=menuitem]") if "Create shots" in entry.text).click()

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
    return {
        "menu": menu,
        "title": title,
        "message": message,
        "before": before,
        "after": after,
        "by_keys": by_keys,
        "named": name in browser.texts(".rows .label"),
        "bold": len(browser.all(".rows b")),
        "topics": sorted(set(browser.texts("#log .topic"))),
        # A broken script, or one that the page's own policy stopped.
        "complaints": [entry["message"] for entry in driver.get_log("browser")],
    }


def give_up(_signal, _frame):
    raise TimeoutError(f"the story took more than {STORY_SECS} s")


def main(page, sequence, name, folder):
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(STORY_SECS)
    browser = Browser(pathlib.Path(folder))
    try:
        print(json.dumps(story(browser, page, sequence, name)))
    except Exception:
        browser.picture("failed")
        raise
    finally:
        browser.driver.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
