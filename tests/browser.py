"""A headless Chromium, driven through chromedriver by the WebDriver protocol, which is JSON over HTTP."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

from commands import lacks

PROGRAMS = ("chromium", "chromedriver")

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-unsafe-swiftshader",
    "--window-size=1200,1600",
)
"""WebGL, which plots in 3-D need, is done in software."""


def require_programs():
    """Fail in CI and skip elsewhere unless Chromium is here."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        message = f"needs {' and '.join(missing)}; on Debian: apt-get install chromium chromium-driver"
        lacks(message)


_DRAWN = """
const plots = [...document.querySelectorAll(".plotly-graph-div")];
const large = (plot, kind) => [...plot.querySelectorAll(kind)].map(drawn => drawn.getBoundingClientRect())
  .some(box => box.width > 200 && box.height > 200);
const drawn = plot => large(plot, "svg.main-svg") && (plot.querySelector(".scatterlayer path")
  || (large(plot, "canvas") && plot._fullLayout.scene._scene.glplot));
return plots.length && plots.every(drawn) ? plots.map(plot => plot.id) : null;
"""
"""The ids of all plots of plotly, once each has lines or points as SVG, or a canvas with WebGL."""


class Browser:
    """One tab."""

    def __init__(self, driver, profile):
        self.driver = driver
        options = {"args": [*ARGUMENTS, f"--user-data-dir={profile}"], "binary": shutil.which("chromium")}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{session['sessionId']}"

    def _send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.driver + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from error

    def open(self, path):
        """Open a file, and wait until it is loaded."""
        self._send("POST", f"{self.session}/url", {"url": path.absolute().as_uri()})

    def run(self, script, *arguments):
        """Return what a script returns."""
        return self._send("POST", f"{self.session}/execute/sync", {"script": script, "args": list(arguments)})

    def wait_for(self, script, seconds=60):
        """Wait until a script returns something true, and return it."""
        deadline = time.monotonic() + seconds
        while not (found := self.run(script)):
            assert time.monotonic() < deadline, f"still waiting for: {script}\n{self.messages()}"
            time.sleep(0.2)
        return found

    LEFT, UP, RIGHT, DOWN, ENTER, CONTROL = "\ue012", "\ue013", "\ue014", "\ue015", "\ue007", "\ue009"
    """Keys, as the protocol writes them."""

    def drag(self, points, pointer="mouse", button=0):
        """Press the mouse at a point of the window, move it along others, and release it at the last.

        ``pointer`` may be ``touch`` for a finger. ``button`` is the left one, or 2 for the right one.
        """
        moves = [{"type": "pointerMove", "duration": 0, "x": x, "y": y} for x, y in points]
        down, up = ({"type": kind, "button": button} for kind in ("pointerDown", "pointerUp"))
        actions = [moves[0], down, *moves[1:], up]
        source = {"type": "pointer", "id": pointer, "parameters": {"pointerType": pointer}, "actions": actions}
        self._send("POST", f"{self.session}/actions", {"actions": [source]})

    def keys(self, text):
        """Press keys one after another; Control is held until the end."""
        held = [self.CONTROL] if self.CONTROL in text else []
        pressed = [
            {"type": kind, "value": key} for key in text.replace(self.CONTROL, "") for kind in ("keyDown", "keyUp")
        ]
        actions = [*({"type": "keyDown", "value": key} for key in held), *pressed]
        actions += [{"type": "keyUp", "value": key} for key in held]
        self._send("POST", f"{self.session}/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def resize(self, width, height):
        """Give the window another size, in pixels, and wait until the page knows it."""
        self.run("window.resized = false; addEventListener('resize', () => { window.resized = true; }, {once: true})")
        self._send("POST", f"{self.session}/window/rect", {"width": width, "height": height})
        self.wait_for("return window.resized")

    def drawn_plots(self):
        """Wait until all plots of plotly are drawn, and return their ids."""
        return self.wait_for(_DRAWN)

    def check(self):
        """Check that there was no error, and that nothing was loaded from elsewhere."""
        assert [message for message in self.messages() if message["level"] == "SEVERE"] == []
        loaded = self.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert [name[:80] for name in loaded if not name.startswith(("data:", "blob:"))] == []

    def messages(self):
        """Return what the console had to say since the last call."""
        return self._send("POST", f"{self.session}/se/log", {"type": "browser"})

    def screenshot(self):
        """Return what is seen, as PNG in base64."""
        return self._send("GET", f"{self.session}/screenshot")

    def close(self):
        self._send("DELETE", self.session)


@contextmanager
def chromium(folder):
    """Yield a browser with an empty profile in ``folder``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                browser = Browser(f"http://127.0.0.1:{port}", folder / "profile")
                break
            except urllib.error.URLError:
                assert time.monotonic() < deadline, "chromedriver does not answer"
                time.sleep(0.1)
        try:
            yield browser
        finally:
            browser.close()
    finally:
        process.terminate()
        process.wait(timeout=30)
