"""A headless chromium, spoken to over a pipe in the DevTools protocol: no driver and no port is needed.

https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 180
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "about:blank",
)

Event = dict[str, Any]


def program() -> str | None:
    """Where a chromium is on the PATH."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """One process with a fresh profile in `home`; `close` ends it. It also ends with us: its pipe closes."""

    def __init__(self, chromium: str, home: Path) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_read, to_write)]
        with open(home / "chromium.log", "wb") as log:
            self._process = os.posix_spawn(
                chromium,
                [chromium, f"--user-data-dir={home / 'profile'}", *_sandbox(), *_OPTIONS],
                {**os.environ, "HOME": str(home)},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, ends[0], 3),
                    (os.POSIX_SPAWN_DUP2, ends[1], 4),
                    (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                    (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
                ],
                setsid=True,
            )
        for end in (to_read, to_write, *ends):
            os.close(end)
        self._buffer = b""
        self._number = 0
        self.events: list[Event] = []
        self._tabs: list[str] = []

    def call(self, method: str, session: str = "", **parameters: Any) -> Any:
        """One command, and its result; what happened meanwhile is in `events`."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        ends = time.monotonic() + _SECONDS
        while (found := self._next(ends)).get("id") != number:
            self.events.append(found)
        assert "error" not in found, f"{method}: {found['error']}"
        return found["result"]

    def wait_for(self, method: str, session: str) -> Event:
        """The first such event that has happened, or will."""
        ends = time.monotonic() + _SECONDS
        while True:
            for one in self.events:
                if one["method"] == method and one.get("sessionId") == session:
                    self.events.remove(one)
                    return one
            self.events.append(self._next(ends))

    def _next(self, ends: float) -> Event:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, ends - time.monotonic()))
            assert ready, f"chromium said nothing for {_SECONDS} seconds"
            read = os.read(self._read, 1 << 20)
            assert read, "chromium has ended"
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: Event = json.loads(message)
        return found

    def open(self, path: Path, **given: Any) -> "Tab":
        """A file in a new tab, loaded; `given` are the fields of a `Tab`."""
        tab = Tab(self, **given)
        tab.load(path)
        return tab

    def new_tab(self) -> str:
        """The session of a new tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._tabs.append(target)
        session: str = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return session

    def close_tabs(self) -> None:
        """Each has a process of its own."""
        for target in self._tabs:
            self.call("Target.closeTarget", targetId=target)
        self._tabs, self.events = [], []

    def close(self) -> None:
        os.close(self._write)
        os.close(self._read)
        ends = time.monotonic() + 10
        while os.waitpid(self._process, os.WNOHANG) == (0, 0):
            if time.monotonic() > ends:
                os.killpg(self._process, signal.SIGKILL)
            time.sleep(0.02)


def _sandbox() -> tuple[str, ...]:
    """Chromium refuses to run as root with its sandbox."""
    return ("--no-sandbox",) if os.geteuid() == 0 else ()


@dataclass
class Tab:
    """A tab with a window of its own; `scheme` is light or dark, `scripts` whether JavaScript is on."""

    browser: Browser
    width: int = 1280
    height: int = 800
    scheme: str = "light"
    phone: bool = False
    scripts: bool = True
    _session: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._session = self.browser.new_tab()
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")
        size = {"width": self.width, "height": self.height, "deviceScaleFactor": 2 if self.phone else 1}
        self.call("Emulation.setDeviceMetricsOverride", **size, mobile=self.phone)
        self.call("Emulation.setTouchEmulationEnabled", enabled=self.phone)
        self.call("Emulation.setScriptExecutionDisabled", value=not self.scripts)
        features = [{"name": "prefers-color-scheme", "value": self.scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def call(self, method: str, **parameters: Any) -> Any:
        return self.browser.call(method, self._session, **parameters)

    def load(self, path: Path, fragment: str = "") -> None:
        self.call("Page.navigate", url=path.resolve().as_uri() + fragment)
        self.browser.wait_for("Page.loadEventFired", self._session)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression; ours, so it is not subject to the page's policy."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def click(self, selector: str) -> None:
        """With a real mouse, in the middle of the first element that is so."""
        place = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); "
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            at = {"x": place[0], "y": place[1], "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, **at)

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, text: str = "", shift: bool = False) -> None:
        """A key, such as `Tab`; `text` is what it writes."""
        code = {"Tab": 9, "Enter": 13, " ": 32, "Escape": 27}.get(key, ord(key[0].upper()))
        keys = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", **keys, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **keys)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """As it is printed, on A4."""
        inches = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": False}
        printed = self.call("Page.printToPDF", printBackground=False, **inches)
        path.write_bytes(base64.b64decode(printed["data"]))

    def happened(self, *methods: str) -> list[Any]:
        """What is told of such events so far."""
        self.evaluate("1")
        mine = (one for one in self.browser.events if one.get("sessionId") == self._session)
        return [one["params"] for one in mine if one["method"] in methods]
