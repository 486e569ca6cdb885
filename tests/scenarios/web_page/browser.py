"""A headless browser, driven as a person drives one: it clicks, types and looks."""


import shutil
import sys

from selenium import webdriver
from selenium.common.exceptions import ElementNotInteractableException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

WAIT_SECS = 20

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
        return self.run(script, selector)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def go(self, address):
        """Goes to an address within the page, and waits until it is shown."""
        self.run("location.hash = arguments[0]", address)
        self.until(f"{address} is shown", lambda: self.run(
            "return document.querySelector('#view').dataset.shown === arguments[0]", address))

    def heading(self):
        return next(iter(self.texts("#place h1")), None)

    def click(self, selector, text=None):
        """Clicks what the selector finds, the one with this text in it if there are several."""

        def try_it():
            for found in self.all(selector):
                try:
                    if text is None or text in found.text:
                        found.click()
                        return True
                except (ElementNotInteractableException, StaleElementReferenceException):
                    continue
            return False

        self.until(f"{selector} {text or ''} can be clicked", try_it)

    def write(self, selector, text):
        """Puts this text in the place of what a field has."""
        field = self.one(selector)
        field.clear()
        field.send_keys(text)

    def choose(self, selector, label):
        """Chooses from a list by what it says."""
        Select(self.one(selector)).select_by_visible_text(label)

    def set_date(self, selector, day):
        # What is typed into a date depends on the browser's language.
        script = """
            arguments[0].value = arguments[1];
            for (const type of ["input", "change"]) arguments[0].dispatchEvent(new Event(type, {bubbles: true}));
        """
        self.run(script, self.one(selector), day)

    def press(self, *keys):
        """Presses keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self):
        """Tells what has the focus: its accessible name, else its text."""
        return self.run("const at = document.activeElement; return at.ariaLabel || at.labels?.[0]?.textContent || at.textContent")

    def message(self, kind, text):
        """Waits for a message with this text and dismisses it."""
        found = self.until(f"a message says {text}", lambda: next(
            (notice for notice in self.all(f".notice.{kind}") if text in notice.text), None))
        found.find_element(By.CSS_SELECTOR, "[aria-label=Dismiss]").click()

    def complaints(self):
        """What the browser complains of: a broken script, or one that the page's own policy stopped."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

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
        return self.run(script, parent)

    def picture(self, name):
        self.driver.save_screenshot(str(self.folder / f"{name}.png"))
