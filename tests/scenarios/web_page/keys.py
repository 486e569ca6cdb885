"""The page without a mouse, and as those hear it who do not see it."""

from selenium.webdriver.common.keys import Keys

# What a person can act on must say what it is.
ROLES_WITH_NAMES = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "spinbutton", "slider", "menuitem", "treegrid", "row",
    "dialog", "menu", "list", "meter", "progressbar", "Date", "heading",
}


def story(browser, task, version):
    by_keys(browser)
    addresses = ["#/projects", f"#/task/{task}", f"#/version/{version}", "#/my-tasks", "#/time", "#/jobs", "#/events"]
    for address in addresses:
        browser.go(address)
        nameless = nameless_nodes(browser)
        assert not nameless, f"{address} has {nameless}"
        walk(browser, address)


def by_keys(browser):
    browser.press("?")
    browser.until("the keys are listed", lambda: browser.texts("#dialog-title") == ["Keys"])
    browser.press(Keys.ESCAPE)
    browser.until("Esc closes it", lambda: not browser.all("dialog[open]"))

    # From the top of the tree to a task's page.
    tab_to(browser, "[role=row][tabindex='0']")
    browser.press(Keys.HOME)
    browser.press(Keys.ARROW_DOWN)
    second = browser.texts("[aria-selected=true] .label")
    assert len(second) == 1 and browser.run("return document.activeElement.dataset.id"), second
    browser.press(Keys.ARROW_LEFT, Keys.ARROW_RIGHT)
    browser.press("a")
    browser.until("the menu says that nobody answers", lambda: "Nobody offers" in "".join(browser.texts("#menu")))
    browser.press(Keys.ESCAPE)
    browser.until("Esc closes the menu", lambda: not browser.all("#menu:popover-open"))
    assert browser.run("return document.activeElement.ariaSelected") == "true", "the row has the focus again"
    browser.press(Keys.ENTER)
    browser.until("Enter opens its page", lambda: browser.run("return location.hash").startswith("#/task/"))
    name = browser.until("its name is the heading", lambda: browser.heading() != "Projects" and browser.heading())
    assert name == second[0], name
    browser.until("the heading has the focus", lambda: browser.run("return document.activeElement.localName") == "h1")

    browser.press("g", "m")
    browser.until("g m goes to my tasks", lambda: browser.heading() == "My tasks")
    browser.press("/")
    assert browser.run("return document.activeElement.id") == "filter"
    browser.press("sh020")
    browser.until("it filters", lambda: all("sh020" in text for text in browser.texts(".task .about .detail")))
    tab_to(browser, ".task a[tabindex='0']")
    first = browser.run("return document.activeElement.href")
    browser.press(Keys.ARROW_DOWN)
    assert browser.run("return document.activeElement.href") != first
    browser.press(Keys.ENTER)
    browser.until("Enter opens it", lambda: browser.heading() == "compositing")


def tab_to(browser, selector):
    """Presses Tab until what the selector finds has the focus."""
    for _ in range(60):
        if browser.run("return document.activeElement.matches(arguments[0])", selector):
            return
        browser.press(Keys.TAB)
    raise AssertionError(f"Tab never comes to {selector}")


def walk(browser, address):
    """Tab comes to everything in turn, shows where it is, and comes round again."""
    browser.run("document.querySelector('#home').focus()")
    seen = []
    for _ in range(80):
        browser.press(Keys.TAB)
        place = browser.run("""
            const at = document.activeElement;
            if (at === document.body) return null;
            const style = getComputedStyle(at), box = at.getBoundingClientRect(), around = getComputedStyle(at.closest("label") ?? at);
            return {
              what: `${at.localName}#${at.id}.${at.className}`, hidden: box.width === 0 || style.visibility !== "visible",
              // Of a date the browser marks the part that the keys are at.
              marked: at.type === "date" || style.outlineStyle !== "none" || around.outlineStyle !== "none",
            };
        """)
        if place is None:
            break
        seen.append(place)
    assert len(seen) > 5, f"{address}: Tab comes to {seen}"
    lost = [place["what"] for place in seen if place["hidden"] or not place["marked"]]
    assert not lost, f"{address}: the focus is not seen at {lost}"


def nameless_nodes(browser):
    """Walks the accessibility tree and returns what can be acted on and has no name."""
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    assert len(nodes) > 30, "the tree is empty"
    roles = {node.get("role", {}).get("value") for node in nodes}
    assert {"main", "navigation", "heading"} <= roles, roles
    return [
        (node["role"]["value"], node.get("backendDOMNodeId"))
        for node in nodes
        if not node.get("ignored") and node.get("role", {}).get("value") in ROLES_WITH_NAMES - {"list"}
        and not node.get("name", {}).get("value", "").strip()
    ]
