"""A real Chromium, driven by Selenium, and the page of the service as somebody who sits before it uses it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:  # the extra `browser`, which only the environment of the integrations has
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

#: Seconds that a test waits for anything; machines may be busy.
PATIENCE = 60
#: A fresh browser without a window, which talks to nobody but the page's service.
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # it would not start as root otherwise, and it is shown nothing but our own page
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1600",
)
#: The rows of a table that stands in the element given, as lists of what their cells say.
ROWS = """
const cells = (row) => [...row.cells].map((cell) => cell.innerText.trim());
return [...document.querySelectorAll(`${arguments[0]} tbody tr`)].map(cells);
"""
#: The lines for status and errors that say anything.
LINES = """
const lines = [...document.querySelectorAll("[id]:is([role=status], [role=alert])")];
return Object.fromEntries(lines.filter((line) => line.innerText).map((line) => [line.id, line.innerText]));
"""
#: How many answers, or refusals, the page got from addresses with the path given in them.
ASKED = "return performance.getEntriesByType('resource').filter((one) => one.name.includes(arguments[0])).length"

T = TypeVar("T")


class Page:
    """The page in a browser. What is looked for is named by a CSS selector, and waited for."""

    def __init__(self, driver: Chrome, downloads: Path) -> None:
        """`downloads`: the folder of what the browser saves."""
        self.driver = driver
        self.downloads = downloads

    def open(self, address: str) -> None:
        """Load the page of the service at `address`, with the options in sight."""
        self.driver.get(address)
        self.press("#form summary")

    def wait(self, look: Callable[[], T], what: str) -> T:
        """What `look` gives once that is true; the table of jobs is made anew meanwhile, again and again."""
        from selenium.common import exceptions as problems
        from selenium.webdriver.support.wait import WebDriverWait

        passing = (
            problems.NoSuchElementException,
            problems.StaleElementReferenceException,
            problems.ElementNotInteractableException,
            problems.ElementClickInterceptedException,
        )
        waiting = WebDriverWait(self.driver, PATIENCE, poll_frequency=0.1, ignored_exceptions=passing)
        try:
            return waiting.until(lambda _: look())
        except problems.TimeoutException:
            raise AssertionError(f"{what} did not come; the page says {self.says()}") from None

    def act(self, action: Callable[[], None], what: str) -> None:
        """Do something as soon as that is possible."""

        def done() -> bool:
            action()
            return True

        self.wait(done, what)

    def find(self, selector: str) -> WebElement:
        """The first such element, as it is now."""
        return self.driver.find_element("css selector", selector)

    def says(self) -> dict[str, str]:
        """The lines for status and errors, by their ids, that say anything."""
        return dict(self.driver.execute_script(LINES))

    def shown(self, selector: str) -> bool:
        """Whether somebody sees it."""
        return any(element.is_displayed() for element in self.driver.find_elements("css selector", selector))

    def press(self, selector: str) -> None:
        """Click on it, as soon as that is possible."""
        self.act(lambda: self.find(selector).click(), selector)

    @contextmanager
    def pressing(self, selector: str) -> Iterator[None]:
        """Hold the mouse button down on it, and let go of it afterwards."""
        from selenium.webdriver import ActionChains

        self.act(lambda: ActionChains(self.driver).click_and_hold(self.find(selector)).perform(), selector)
        try:
            yield
        finally:
            ActionChains(self.driver).release().perform()

    def paste(self, selector: str, text: str) -> None:
        """Put a text in the place of what a field holds."""
        self.act(lambda: self.find(selector).clear(), selector)
        self.press(selector)
        if text:
            self.driver.execute_cdp_cmd("Input.insertText", {"text": text})

    def enter(self, selector: str, text: str) -> None:
        """Paste into a field and leave it."""
        from selenium.webdriver.common.keys import Keys

        self.paste(selector, text)
        self.find(selector).send_keys(Keys.TAB)

    def text(self, selector: str, awaited: str = "") -> str:
        """What it says, once it says something and `awaited` stands in it."""

        def look() -> str:
            said = self.find(selector).text
            return said if awaited in said else ""

        return self.wait(look, f"{awaited!r} in {selector}")

    def rows(self, selector: str) -> list[list[str]]:
        """The cells of a table, row by row, as they are now."""
        return list(self.driver.execute_script(ROWS, selector))

    def classify(self, text: str, actors: str = "") -> None:
        """Send a text, and wait for what comes of it."""
        self.paste("#text", text)
        self.paste("#actors", actors)
        self.press("#submit")
        self.wait(lambda: self.find("#submit").is_enabled(), "the answer")

    def asked(self, path: str) -> int:
        """How often the page has asked at a path since it was loaded."""
        return int(self.driver.execute_script(ASKED, path))

    def logged(self) -> list[dict[str, Any]]:
        """What came to the browser's console since the last look."""
        return list(self.driver.get_log("browser"))

    def downloaded(self, name: str) -> bytes:
        """A file that the page saved, once it is whole."""
        path = self.downloads / name
        self.wait(path.exists, name)
        return path.read_bytes()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: the browser tests need it; `apt-get install chromium chromium-driver` brings it")
    return found


@contextmanager
def running_browser(folder: Path) -> Iterator[Page]:
    """A browser that runs meanwhile, all that it keeps in `folder`; skips where something that it needs is missing."""
    missing = "no selenium: the browser tests need the extra `browser`; `make test-integrations` installs it"
    webdriver = pytest.importorskip("selenium.webdriver", reason=missing)
    browser, program = _program("chromium"), _program("chromedriver")
    downloads = folder / "downloads"
    downloads.mkdir()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with pytest.MonkeyPatch.context() as environment:
        # With both paths given, Selenium has no reason to look for programs or to count who uses it; nor may it.
        environment.setenv("SE_OFFLINE", "true")
        environment.setenv("SE_AVOID_STATS", "true")
        service = webdriver.ChromeService(executable_path=program, log_output=str(folder / "driver.log"))
        driver = webdriver.Chrome(options=options, service=service)
        try:
            yield Page(driver, downloads)
        finally:
            driver.quit()
