"""How the page looks: after the system's light or dark, on a narrow window, at rest, and with ten thousand shots."""

# As WCAG asks for of text.
CONTRAST = 4.5

SHOWN = """
    const channel = (part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground = (at) => {
      for (; at; at = at.parentElement) {
        const color = parts(getComputedStyle(at).backgroundColor);
        if (color.length < 4 || color[3] > 0.99) return color;
      }
      return [255, 255, 255];
    };
    const poor = [];
    for (const at of document.querySelectorAll("body *")) {
      const says = [...at.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      if (!says || !at.checkVisibility({opacityProperty: true, visibilityProperty: true}) || at.closest(":disabled, option")) continue;
      const [one, other] = [luminance(parts(getComputedStyle(at).color)), luminance(ground(at))].sort();
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (ratio < arguments[0]) poor.push(`${at.className || at.localName} "${at.textContent.slice(0, 20)}" ${ratio.toFixed(1)}`);
    }
    return poor;
"""


def story(browser, task, version, large):
    addresses = ["#/projects", f"#/task/{task}", f"#/version/{version}", "#/my-tasks", "#/time", "#/jobs", "#/events"]
    grounds = {}
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for address in addresses:
            browser.go(address)
            poor = browser.run(SHOWN, CONTRAST)
            assert not poor, f"{scheme} {address} is hard to read: {poor}"
        grounds[scheme] = browser.run("return getComputedStyle(document.documentElement).backgroundColor")
    assert grounds["light"] != grounds["dark"], grounds
    narrow(browser, addresses)
    at_rest(browser)
    large_project(browser, large)


def narrow(browser, addresses):
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for address in addresses:
        browser.go(address)
        wide = browser.run("return [document.documentElement.scrollWidth, document.querySelector('#view').scrollWidth]")
        assert max(wide) <= size["width"], f"{address} is {wide} wide"
        hidden = browser.run("return [...document.querySelectorAll('#view .label')].filter((at) => at.clientWidth < 20).length")
        assert hidden == 0, f"{address} hides {hidden} names"
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def at_rest(browser):
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.run("document.querySelector('#view').append(Object.assign(document.createElement('div'), {className: 'fresh'}))")
    assert browser.run("return getComputedStyle(document.querySelector('.fresh')).animationName") == "none"


def large_project(browser, large):
    """A sequence with thousands of shots opens and asks before it shows them all."""
    browser.go(f"#/projects/{large}")
    browser.run("document.querySelector('[aria-selected=true][aria-expanded=false] .twisty')?.click()")
    row = "[data-id='more %s']" % large
    browser.one(row)
    before = len(browser.all(".rows .row"))
    assert before < 400, before
    browser.click(row)
    browser.until("more are shown", lambda: len(browser.all(".rows .row")) >= before + 200)
