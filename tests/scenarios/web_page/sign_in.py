"""The sign-in with the browser: the program sends it to the server's page, and waits until it comes back with a key."""

import json
import os
import pathlib
import subprocess

from selenium.webdriver.support.ui import Select

WAIT_SECS = 20


def story(browser, program, home, user):
    folder = pathlib.Path(browser.folder)
    opened = folder / "opened"
    desktop = folder / "bin"
    desktop.mkdir()
    opener = desktop / "xdg-open"
    # Written beside and renamed, so that whoever looks finds all of it.
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}.new" && mv "{opened}.new" "{opened}"\n')
    opener.chmod(0o755)
    environment = {
        "PATH": f"{desktop}:{os.environ['PATH']}",
        "CALLBOARD_HOME": home,
        "HOME": home,
        "USER": "ada",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus",
    }
    arguments = [program, "login", "--browser", "--server", os.environ["FTRACK_SERVER"], "--json"]
    login = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        browser.until("the page is opened", opened.exists)
        address = opened.read_text()
        browser.driver.get(address)
        asks = browser.one("p").text
        browser.picture("sign_in")
        Select(browser.one("select[name=user]")).select_by_visible_text(user)
        browser.one("button").click()
        browser.until("the program has the last word", lambda: browser.texts("h1") == ["Callboard"])
        words = browser.one("p").text
        browser.picture("signed_in")
        stdout, stderr = login.communicate(timeout=WAIT_SECS)
    finally:
        login.kill()
    return {
        "asks": asks,
        "words": words,
        "ends_at": browser.driver.current_url,
        "login": json.loads(stdout),
        "said": stderr,
        "address": address,
    }
