"""A film and a still from the disk to the player: dropped, encoded by the server, played, and spoken about."""

import base64
import subprocess

import ftrack_api
from browser import program
from selenium.webdriver.common.keys import Keys

RATE = 24
FRAMES = 48
VIDEO = "document.querySelector('.player video')"

# As when a file manager is let go of above the page.
DROP = """
    const [name, bytes] = arguments;
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], name));
    document.querySelector(".page").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
"""


def story(browser, task):
    film, still = make_media(browser.folder)
    publish_film(browser, task, film)
    play(browser)
    note_on_frame(browser)
    publish_still(browser, task, still)
    refused(browser, task)


def make_media(folder):
    """A film with sound and a still, as small as can be."""
    program("ffmpeg")
    film, still = folder / "boat.mov", folder / "paint.png"
    source = f"testsrc=size=320x180:rate={RATE}"
    quiet = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source]
    subprocess.run([*quiet, "-frames:v", str(FRAMES), "-c:v", "mjpeg", film], check=True)
    subprocess.run([*quiet, "-frames:v", "1", still], check=True)
    return film, still


def publish(browser, asset, comment):
    browser.until("it is asked for", lambda: browser.texts("dialog[open] #dialog-title") == ["New version"])
    browser.write("#asset", asset)
    browser.write("dialog #comment", comment)
    browser.click("dialog [type=submit]")
    browser.until("it is published", lambda: any("has a new version" in text for text in browser.texts(".notice.success")))


def publish_film(browser, task, film):
    browser.go(f"#/task/{task}")
    browser.one("#new-version-files").send_keys(str(film))
    publish(browser, "boat comp", "First pass")
    browser.until("the task lists it", lambda: browser.texts(".version strong") == ["boat comp v1"])
    browser.click(".notice.success a")
    browser.until("its page is there", lambda: browser.heading() == "boat comp v1")
    browser.until("it can be played", lambda: browser.run(f"return {VIDEO}?.readyState >= 2"))


def play(browser):
    source = browser.run(f"return {VIDEO}.currentSrc")
    assert "/component/" in source or "/media" in source, source
    duration = browser.run(f"return {VIDEO}.duration")
    assert abs(duration - FRAMES / RATE) < 0.1, duration
    assert browser.texts(".counter") == [f"0 / {FRAMES - 1}"], browser.texts(".counter")

    browser.click(".player [aria-label=Play]")
    browser.until("time goes on", lambda: browser.run(f"return {VIDEO}.currentTime") > 0.3)
    browser.click(".player [aria-label=Pause]")
    browser.until("it stands still", lambda: browser.run(f"return {VIDEO}.paused"))

    player = browser.one(".player")
    player.send_keys(Keys.HOME)
    browser.until("Home is the first frame", lambda: browser.texts(".counter") == [f"0 / {FRAMES - 1}"])
    player.send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
    player.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    browser.until("arrows go by frames", lambda: browser.texts(".counter") == [f"11 / {FRAMES - 1}"])
    shown = browser.run(f"return {VIDEO}.currentTime")
    assert 11 / RATE < shown < 12 / RATE, shown
    player.send_keys(Keys.END)
    browser.until("End is the last", lambda: browser.texts(".counter") == [f"{FRAMES - 1} / {FRAMES - 1}"])
    player.send_keys("l", Keys.SPACE)
    browser.until("it repeats", lambda: browser.run(f"return {VIDEO}.loop && !{VIDEO}.paused && {VIDEO}.currentTime < 1.5"))
    player.send_keys("k")
    # Going back to the front asks the server for a part of the file.
    ranges = browser.run("""
        const done = await fetch(arguments[0], {headers: {range: "bytes=0-9"}});
        return [done.status, (await done.arrayBuffer()).byteLength];
    """.join(["return (async () => {", "})()"]), source)
    assert ranges == [206, 10], ranges
    files = browser.texts(".files strong")
    assert any(name.startswith("boat") for name in files) and "ftrackreview-mp4.mp4" in files, files


def note_on_frame(browser):
    player = browser.one(".player")
    player.send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 5)
    browser.until("the sixth frame", lambda: browser.texts(".counter") == [f"5 / {FRAMES - 1}"])
    browser.write("#note", "The mast flickers")
    browser.click(".write button", "Add note")
    browser.until("the note names its frame", lambda: browser.texts("button.tag") == ["frame 5"])
    player.send_keys(Keys.END)
    browser.click("button.tag")
    browser.until("it leads there", lambda: browser.texts(".counter") == [f"5 / {FRAMES - 1}"])
    session = ftrack_api.Session(plugin_paths=[], auto_connect_event_hub=False)
    note = session.query('select content, frame_number from Note where content is "The mast flickers"').one()
    assert note["frame_number"] == 5, dict(note)
    browser.choose("#status", "Approved")
    version = session.query('select status.name, components.name from AssetVersion where asset.name is "boat comp"')
    browser.until("the status is changed", lambda: session.reset() or version.one()["status"]["name"] == "Approved")


def publish_still(browser, task, still):
    """What is dropped becomes a further version of the asset, and its picture stands for the task in the lists."""
    browser.go(f"#/task/{task}")
    browser.run(DROP, still.name, base64.b64encode(still.read_bytes()).decode())
    publish(browser, "boat comp", "A frame")
    browser.until("the task lists both", lambda: browser.texts(".version strong") == ["boat comp v2", "boat comp v1"])
    browser.until("with pictures", lambda: loaded(browser, ".versions .thumbnail img") == [True, True])
    browser.click(".version", "v2")
    browser.until("its page is there", lambda: browser.heading() == "boat comp v2")
    browser.until("the still is shown", lambda: browser.run(
        "const at = document.querySelector('.player img'); return at?.complete && at.naturalWidth") == 320)
    browser.choose("#version", "v1")
    browser.until("the version before", lambda: browser.heading() == "boat comp v1")
    browser.go(f"#/projects/{task}")
    browser.until("the tree shows a picture", lambda: loaded(browser, "[aria-selected=true] .thumbnail img") == [True])
    browser.go("#/jobs")
    browser.until("both jobs are done", lambda: browser.texts(".job .job-state") == ["Done", "Done"])


def loaded(browser, selector):
    return browser.run(
        "return [...document.querySelectorAll(arguments[0])].map((at) => at.complete && at.naturalWidth > 1)", selector)


def refused(browser, task):
    """A file that is stopped on its way leaves no version behind."""
    browser.go(f"#/task/{task}")
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/upload/*"]})
    browser.run(DROP, "lost.png", base64.b64encode(b"no picture").decode())
    browser.until("it is asked for", lambda: browser.texts("dialog[open] #dialog-title") == ["New version"])
    browser.write("#asset", "lost")
    browser.click("dialog [type=submit]")
    browser.message("failure", "Nothing was published: ")
    session = ftrack_api.Session(plugin_paths=[], auto_connect_event_hub=False)
    assert session.query('Asset where name is "lost"').all() == []
    browser.complaints()
