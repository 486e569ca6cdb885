"""The sandbox's web page in a browser, as somebody new to it would use it.

    web_page STORY FOLDER PAGE …   plays the story of this name; what follows the page's address is for the story

FOLDER is the browser's; screenshots land there. Prints one JSON object with what was seen. A story that uses the
official client beside the page finds its server in FTRACK_SERVER, FTRACK_API_USER and FTRACK_API_KEY.
"""

import importlib
import json
import pathlib
import signal
import sys

from browser import Browser

# Below what whoever runs this allows, so that the browser is ended here.
STORY_SECS = 150


def give_up(_signal, _frame):
    raise TimeoutError(f"the story took more than {STORY_SECS} s")


def main(story, folder, page, *arguments):
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(STORY_SECS)
    browser = Browser(pathlib.Path(folder))
    try:
        browser.driver.get(page)
        browser.one("#connection[data-state=connected]")
        seen = importlib.import_module(story).story(browser, *arguments)
        print(json.dumps({**(seen or {}), "complaints": browser.complaints()}))
    except Exception:
        browser.picture("failed")
        raise
    finally:
        browser.driver.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
