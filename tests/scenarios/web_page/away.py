"""The page while its connection is away, when it comes back, and when its key is no longer known."""

import json
import urllib.request


def story(browser, server, token, user, task):
    def control(path, what):
        headers = {"content-type": "application/json", "sandbox-token": token}
        request = urllib.request.Request(f"{server}/sandbox/{path}", json.dumps(what).encode(), headers)
        urllib.request.urlopen(request, timeout=20).close()

    def state():
        return browser.run("return document.querySelector('#connection').dataset.state")

    browser.go(f"#/task/{task}")
    browser.run("""
        window.states = [];
        const line = document.querySelector("#connection");
        new MutationObserver(() => states.push(line.dataset.state)).observe(line, {attributes: true});
    """)
    browser.write("#note", "half a sen")
    control("hub", {"do": "drop_connections"})
    browser.until("it was away and is back", lambda: browser.run("return states.join()").startswith("closed") and state() == "connected")
    assert browser.run("return document.querySelector('#note').value") == "half a sen"
    assert browser.one("#actions").is_enabled()

    control("keys", {"user": user, "is_expired": True})
    control("hub", {"do": "drop_connections"})
    browser.until("it says so", lambda: browser.texts("#connection") == ["Signed out: load the page again"])
    assert not browser.one("#actions").is_enabled()
    browser.run("location.hash = '#/my-tasks'")
    browser.until("a sentence says why nothing is shown", lambda: browser.texts(".state p")[:1] not in ([], ["Reading …"]))
    control("keys", {"user": user, "is_expired": False})
    browser.until("it comes back by itself", lambda: state() == "connected")
    browser.until("and shows what was asked for", lambda: browser.heading() == "My tasks" and browser.all(".task"))
    # The refused requests were to be.
    complaints = browser.complaints()
    assert complaints and all("401" in one or "WebSocket" in one for one in complaints), complaints
