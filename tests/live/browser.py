"""Pages in a real browser, with all that they say and ask for."""

from __future__ import annotations

import time
from typing import Any


class Visit:
    """A page that is open in the browser, with all it said in its console and all it asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def number(self, name: str) -> float:
        """A figure on the page, with all its digits."""
        return float(self.page.get_attribute(f"#{name}", "data-value"))

    def until(self, expression: str) -> None:
        """Waits until an expression holds. The page's own policy forbids what Playwright would do for that."""
        end = time.monotonic() + 15
        while not self.page.evaluate(f"() => {expression}"):
            assert time.monotonic() < end, f"{expression} does not hold; the page says {self.said}"
            time.sleep(0.02)

    def state(self, word: str) -> None:
        """Waits until the page says that the descent is in this state."""
        self.until(f"document.querySelector('#state').textContent === {word!r}")

    def check(self) -> None:
        """Nothing was said, and nothing was asked for elsewhere."""
        assert self.said == []
        assert all(url.startswith(("http://127.0.0.1:", "data:")) for url in self.asked)


def visit(browser: Any, address: str, **options: Any) -> Visit:
    """Opens an address in a window of its own."""
    page = browser.new_context(**options).new_page()
    found = Visit(page)
    page.goto(address)
    return found
