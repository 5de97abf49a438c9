"""One turn of the loop as a person takes it, whatever their hands can use."""

from __future__ import annotations

import re
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

from tests.journeys.borough import Borough
from tests.journeys.looking import Watch, sideways
from tests.smtp import Mailbox

CODE = re.compile(r"\b[A-Z]{4}-[A-Z]{4}\b")
# Whether whoever uses the keyboard sees where they are.
SEEN = """(part) => [part, part.closest('label')].filter(Boolean).some((one) => {
  const style = getComputedStyle(one);
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
    || style.boxShadow !== 'none';
})"""
HERE = "(part) => part === document.activeElement"
IDEA = {
    "For whom?": "People who go home alone after a hospital stay",
    "How will we know?": "We ask them on the third day",
    "What could go wrong, and who might be worse off?": "A neighbour may be ill.",
}
WORKS = {
    "What would change?": "A neighbour goes in first and warms the house.",
    "Who takes part?": "Neighbours and ward nurses",
    "A short name for your idea": "A warm welcome home",
}


class Hands(Protocol):
    """How somebody reaches what is on a page."""

    def press(self, what: Locator) -> None:
        """Follow a link, or press a button."""

    def write(self, where: Locator, words: str) -> None:
        """Write into a field."""

    def tick(self, box: Locator) -> None:
        """Tick a box."""


class Fingers:
    """Somebody who points at things."""

    def press(self, what: Locator) -> None:
        what.click()

    def write(self, where: Locator, words: str) -> None:
        where.fill(words)

    def tick(self, box: Locator) -> None:
        box.check()


class Keys:
    """Somebody who has only a keyboard, and has to see where they are."""

    def press(self, what: Locator) -> None:
        _tab_to(what)
        what.page.keyboard.press("Enter")

    def write(self, where: Locator, words: str) -> None:
        _tab_to(where)
        where.page.keyboard.press("Control+A")
        where.page.keyboard.type(words)

    def tick(self, box: Locator) -> None:
        _tab_to(box)
        box.page.keyboard.press("Space")
        expect(box).to_be_checked()


def _tab_to(part: Locator) -> None:
    expect(part).to_be_visible()
    part.page.wait_for_load_state()  # until then the page's address may take the focus away
    for _ in range(120):
        if part.evaluate(HERE):
            assert part.evaluate(SEEN), f"nobody sees that {part} has the focus"
            return
        part.page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not come to {part}")


class Turn:
    """Somebody who signs in, puts forward an idea, signs another and votes."""

    def __init__(
        self, watch: Watch, hands: Hands, borough: Borough, *, script: bool = True
    ) -> None:
        self.watch, self.hands, self.borough, self.script = watch, hands, borough, script
        self.page: Page = watch.page

    def arrive(self, heading: str) -> None:
        """See that the page with this heading has come, and that it is whole."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        if self.script:
            self.watch.check()
        faults = [*sideways(self.page), *self.watch.troubles]
        assert not faults, "\n".join([self.page.url, *faults])

    def button(self, name: str) -> None:
        """Press the button of this name."""
        self.hands.press(self.page.get_by_role("button", name=name, exact=True))

    def link(self, name: str) -> None:
        """Follow the link of this name."""
        self.hands.press(self.page.get_by_role("link", name=name, exact=True))

    def write(self, label: str, words: str) -> None:
        """Write into the field of this label."""
        starts_so = re.compile(f"^{re.escape(label)}")  # what is optional says so after its label
        self.hands.write(self.page.get_by_label(starts_so), words)

    def sign_in(self, smtp: Mailbox) -> None:
        """Sign in with a code that really came by mail, and come back to the challenge."""
        self.page.goto(self.borough.gathering.get_absolute_url())
        self.link("Sign in to take part")
        self.arrive("Sign in or join")
        self.write("Your email address", str(self.borough.resident.email))
        self.button("Send me a code")
        self.arrive("Look in your mail")
        found = CODE.search(smtp.text())
        assert found, smtp.text()
        assert smtp.messages[-1]["To"] == self.borough.resident.email
        self.write("The code from our mail", found.group())
        self.button("Sign in")
        self.arrive(self.borough.gathering.title)

    def put_forward_an_idea(self) -> None:
        """Write an idea in its small steps, look at all of it, and make it public."""
        self.page.goto(self.borough.gathering.get_absolute_url())
        self.hands.press(self.page.get_by_role("link", name="Put forward an idea").first)
        self.arrive("Put forward an idea")
        self.write("What will be better?", "I walk in and it feels like my house.")
        self.button("Save and continue")
        headings = ["For whom", "How we will know", "What could go wrong"]
        for heading, (label, words) in zip(headings, IDEA.items(), strict=True):
            self.arrive(heading)
            self.write(label, words)
            self.button("Save and continue")
        self.arrive("How it works")
        for label, words in WORKS.items():
            self.write(label, words)
        self.button("Save and continue")
        self.arrive("What it may cost")
        self.write("What may it cost for a year, in pounds?", "12,500")
        self.button("Save and continue")
        self.arrive("Check your idea")
        expect(self.page.get_by_role("main")).to_contain_text("£12,500")
        self.button("Make my idea public")
        self.arrive("A warm welcome home")
        expect(self.page.get_by_role("main")).to_contain_text(IDEA["How will we know?"])

    def sign_another(self) -> None:
        """Put one's name to somebody else's idea."""
        self.page.goto(self.borough.idea.get_absolute_url())
        self.button("Sign this idea")
        self.arrive(self.borough.idea.title)
        expect(self.page.get_by_text("Your name stands here.")).to_be_visible()

    def vote(self) -> None:
        """Tick two ideas, check them, cast the vote, and read the receipt."""
        self.page.goto(self.borough.pot.get_absolute_url())
        self.link("Choose and vote")
        self.arrive(self.borough.pot.title)
        chosen = list(self.borough.pot.projects.order_by("pk"))[:2]
        for project in chosen:
            self.hands.tick(self.page.get_by_role("checkbox", name=project.title))
        self.button("Check and cast my vote")
        self.arrive("Check your vote")
        for project in chosen:
            expect(self.page.get_by_role("main")).to_contain_text(project.title)
        self.button("Cast my vote")
        self.arrive("Your vote is in")
        receipt = self.page.get_by_role("main").locator(".cw-big")
        expect(receipt).to_have_text(re.compile(r"\S{6,}"))

    def take(self, smtp: Mailbox) -> None:
        """Do all of it."""
        self.sign_in(smtp)
        self.put_forward_an_idea()
        self.sign_another()
        self.vote()
