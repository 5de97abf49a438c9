"""Who may set up and answer a survey, what an answer may say, and which questions are shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.ground.places import rules as places
from commonweal.ground.places.models import Community, Level
from commonweal.ground.places.rules import Viewer
from commonweal.kit.postcode import area, postcode
from commonweal.listen.surveys import queries
from commonweal.listen.surveys.models import (
    WITH_NUMBERS,
    WITH_OPTIONS,
    Answer,
    Draft,
    Item,
    Kind,
    Option,
    Reach,
    Spot,
    Survey,
)

MOST_NUMBER = Decimal(10) ** 11
ELSEWHERE = "elsewhere"
UNTYPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


# --- who


def may_set_up(viewer: Viewer, community: Community) -> bool:
    """Tell whether the viewer may ask this community."""
    return community.authority_id == viewer.authority.pk and places.may_lead(viewer, community)


def may_run(viewer: Viewer, survey: Survey) -> bool:
    """Tell whether the viewer may change this survey, key papers and publish what it found."""
    return survey.authority_id == viewer.authority.pk and places.may_lead(viewer, survey.community)


def may_judge(viewer: Viewer, survey: Survey) -> bool:
    """Tell whether the viewer may read what people wrote, and choose or hide it."""
    return may_run(viewer, survey) or (
        survey.authority_id == viewer.authority.pk and places.may_moderate(viewer, survey.community)
    )


class WhyNot(NamedTuple):
    """Why somebody may not answer now, and the next step, which may be none."""

    code: str
    words: str
    link: str = ""
    href: str = ""


def why_not(viewer: Viewer, survey: Survey) -> WhyNot | None:
    """Say why this viewer may not answer this survey now; nothing if they may."""
    if survey.authority_id != viewer.authority.pk:
        return WhyNot("elsewhere", _("This survey belongs to another authority."))
    state = survey.state(viewer.at)
    if state in ("draft", "coming"):
        return WhyNot("coming", _("This survey is not open yet."))
    if state != "open":
        return WhyNot("closed", _("This survey is closed."))
    if survey.reach == Reach.EVERYONE:
        return None
    if viewer.person is None:
        words = _("To answer this survey you need an account. Reading needs none.")
        onward = urlencode({"next": reverse("surveys:survey", args=[survey.pk])})
        href = f"{reverse('account_login')}?{onward}"
        return WhyNot("sign-in", words, _("Send me a code by email"), href)
    return None if survey.reach == Reach.ACCOUNT else _why_not_here(viewer, survey)


def _why_not_here(viewer: Viewer, survey: Survey) -> WhyNot | None:
    if viewer.belongs(survey.community, survey.level):
        return None
    href = survey.community.get_absolute_url()
    values = {"place": survey.community.name, "level": Level(survey.level).label}
    if viewer.belongs(survey.community, Level.SELF_DECLARED):
        words = _("To answer we have to be surer that you belong to %(place)s: %(level)s.") % values
        return WhyNot("verify", words, _("Show that you belong here"), href)
    words = _("This survey is for people who belong to %(place)s.") % values
    return WhyNot("join", words, _("Join %(place)s") % values, href)


# --- one answer


class Given(NamedTuple):
    """What somebody answered to one question, as it is kept.

    ``spot`` is the part of a postcode that is kept, a point, or ``elsewhere``; ``area`` the community
    that was chosen; ``code`` the postcode as it was typed, which is kept nowhere.
    """

    options: tuple[int, ...] = ()
    number: Decimal | None = None
    words: str = ""
    spot: str = ""
    area: int | None = None
    code: str = ""


class Wrong(Exception):
    """An answer cannot be taken; says how to mend it."""

    def __init__(self, words: str, at: str = "") -> None:
        super().__init__(words)
        self.words, self.at = words, at


@dataclass(frozen=True)
class Typed:
    """What was typed or ticked for one question, before anybody looked at it."""

    values: tuple[str, ...] = ()
    other: str = ""

    @classmethod
    def of(cls, values: Iterable[Any], other: Any, item: Item) -> Typed:
        """Return it without signs that no text holds, and not endlessly long."""
        most = 2 * item.letters + 1_000
        read = tuple(_clean(value)[:most] for value in list(values)[:500])
        return cls(tuple(value for value in read if value.strip()), _clean(other)[:1_000])

    @classmethod
    def kept(cls, held: Any) -> Typed:
        """Return it as a draft keeps it."""
        if not isinstance(held, dict):
            return cls()
        return cls(tuple(held.get("v", ())), held.get("o", ""))

    def as_kept(self) -> dict[str, Any]:
        """Return it in the form in which a draft keeps it."""
        return {"v": list(self.values), **({"o": self.other} if self.other else {})}

    @property
    def first(self) -> str:
        """Return what stands in the only field."""
        return self.values[0] if self.values else ""

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was said."""
        return not self.values


def _clean(value: Any) -> str:
    return UNTYPED.sub("", str(value or "").replace("\r\n", "\n"))


def read(
    item: Item, typed: Typed, areas: Mapping[int, Community], *, other: bool = True
) -> Given | None:
    """Read what was typed as an answer; nothing where nothing was said. Raises ``Wrong``."""
    if typed.is_empty:
        return None
    if item.kind in WITH_OPTIONS:
        return _read_options(item, typed, other=other)
    if item.kind == Kind.SCALE:
        return _read_scale(item, typed)
    if item.kind == Kind.NUMBER:
        return Given(number=_in_limits(item, number_in(typed.first, item.unit)))
    if item.kind == Kind.PLACE:
        return _read_place(item, typed.first, areas)
    return _read_words(item, typed.first)


def _read_options(item: Item, typed: Typed, *, other: bool) -> Given:
    known = {str(option.pk): option for option in item.options.all()}
    if not set(typed.values) <= known.keys():
        raise Wrong(_("One of these choices is no longer here. Choose again."))
    chosen = sorted({known[value].pk for value in typed.values})
    if item.kind == Kind.ONE and len(chosen) > 1:
        raise Wrong(_("Choose one of these."))
    if item.kind == Kind.SEVERAL:
        _in_number(item, len(chosen))
    words = ""
    if any(known[value].is_other for value in typed.values):
        words = typed.other.strip()
        if len(words) > 300:
            raise Wrong(_("Keep it to 300 letters."), "other")
        if not words and other:
            raise Wrong(_("Say in a few words what else."), "other")
    return Given(options=tuple(chosen), words=words)


def _in_number(item: Item, chosen: int) -> None:
    if item.fewest is not None and chosen < item.fewest:
        words = ngettext("Choose at least %(n)s.", "Choose at least %(n)s.", item.fewest)
        raise Wrong(words % {"n": item.fewest})
    if item.most is not None and chosen > item.most:
        words = ngettext(
            "Choose at most %(n)s: you chose %(chosen)s.",
            "Choose at most %(n)s: you chose %(chosen)s.",
            item.most,
        )
        raise Wrong(words % {"n": item.most, "chosen": chosen})


def _read_scale(item: Item, typed: Typed) -> Given:
    number = number_in(typed.first)
    assert item.lowest is not None and item.highest is not None
    if number != int(number) or not item.lowest <= number <= item.highest or len(typed.values) > 1:
        raise Wrong(_("Choose one of the numbers shown."))
    return Given(number=number)


def _read_words(item: Item, typed: str) -> Given | None:
    words = typed.strip()
    if not item.is_long:
        words = " ".join(words.split())
    if len(words) > item.letters:
        over = len(words) - item.letters
        said = ngettext(
            "Keep it to %(most)s letters: this is %(over)s letter too long.",
            "Keep it to %(most)s letters: this is %(over)s letters too long.",
            over,
        )
        raise Wrong(said % {"most": item.letters, "over": over})
    return Given(words=words) if words else None


_GROUPED = re.compile(r"[0-9]{1,3}(?:([ ,.'’])[0-9]{3})(?:\1[0-9]{3})*")
_PLAIN = re.compile(r"[0-9]*\.?[0-9]+|[0-9]+\.")


def number_in(text: str, unit: str = "") -> Decimal:
    """Read a number as people write it: ``1,200``, ``1 200``, ``2.5`` or ``2,5``; never ``1e9``.

    Raises ``Wrong`` for anything else; never rounds.

    >>> [str(number_in(text)) for text in ("1,200", "１２", "2,5", "1.200,50", "−3", "£40", ".5")]
    ['1200', '12', '2.5', '1200.50', '-3', '40', '0.5']
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).split()).replace("−", "-")
    for extra in filter(None, ("£", "%", unit)):
        extra = unicodedata.normalize("NFKC", extra).casefold()
        plain = plain.casefold().removeprefix(extra).removesuffix(extra).strip()
    sign, digits = (-1, plain[1:].strip()) if plain.startswith("-") else (1, plain)
    try:
        if any(unicodedata.category(sign) == "No" for sign in text):  # “5²” is not fifty-two
            raise InvalidOperation
        found = Decimal(_without_groups(digits))
    except InvalidOperation:
        raise Wrong(_("Write a number in digits, like 12 or 2.5")) from None
    if found >= MOST_NUMBER:
        raise Wrong(_("This number is too large. Check the noughts."))
    return sign * found if found else Decimal(0)


def _without_groups(digits: str) -> str:
    """Return plain digits with a point, or what is no number at all."""
    whole, mark, rest = "", "", digits
    if (found := _GROUPED.fullmatch(digits)) and not (found[1] == "." and digits.count(".") == 1):
        return digits.replace(found[1], "")
    for mark in (",", "."):
        whole, point, rest = digits.rpartition(mark)
        grouped = _GROUPED.fullmatch(whole)
        if point and rest.isdecimal() and grouped and grouped[1] != mark:
            return f"{whole.replace(grouped[1], '')}.{rest}"
    plain = digits.replace(",", ".") if digits.count(",") == 1 and "." not in digits else digits
    if not plain.isascii() or not _PLAIN.fullmatch(plain):
        return "no number"
    return plain


def _in_limits(item: Item, number: Decimal) -> Decimal:
    if not item.takes_fractions and number != int(number):
        raise Wrong(_("Write a whole number, like 12"))
    if number != round(number, 3):
        raise Wrong(_("Write no more than three digits after the point."))
    values = {"low": plain(item.lowest), "high": plain(item.highest)}
    too_low = item.lowest is not None and number < item.lowest
    too_high = item.highest is not None and number > item.highest
    if (too_low or too_high) and item.lowest is not None and item.highest is not None:
        raise Wrong(_("Write a number from %(low)s to %(high)s.") % values)
    if too_low:
        raise Wrong(_("Write %(low)s or more.") % values)
    if too_high:
        raise Wrong(_("Write %(high)s or less.") % values)
    return number


def plain(number: Decimal | None) -> str:
    """Write a number without noughts at its end.

    >>> plain(Decimal("12.500")), plain(Decimal("100.000"))
    ('12.5', '100')
    """
    if number is None:
        return ""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


_POINT = re.compile(r"([+-]?[0-9]{1,2}(?:\.[0-9]+)?)[ ,;]+([+-]?[0-9]{1,3}(?:\.[0-9]+)?)")
_BRITAIN = (Decimal(49), Decimal(61), Decimal(-9), Decimal(2))


def _read_place(item: Item, typed: str, areas: Mapping[int, Community]) -> Given:
    text = unicodedata.normalize("NFKC", typed).strip()
    if item.spot == Spot.AREA:
        if text == ELSEWHERE:
            return Given(spot=ELSEWHERE)
        if not text.isascii() or not text.isdecimal() or int(text[:18]) not in areas:
            raise Wrong(_("Choose one of the areas shown."))
        return Given(area=int(text))
    if item.spot == Spot.POSTCODE:
        return _read_postcode(text)
    return _read_point(text)


def _read_postcode(text: str) -> Given:
    """Keep no more of a postcode than its sector: some thousand homes share it."""
    try:
        whole = postcode(text)
        return Given(spot=whole[:-2], code=whole)
    except ValueError:
        pass
    try:
        begins = area(text)
    except ValueError:
        begins = ""
    if not re.fullmatch(r"\S+ [0-9]", begins):
        raise Wrong(_("Write a postcode, like LM1 4AB. The first part, like LM1 4, is enough."))
    return Given(spot=begins, code=begins)


def _read_point(text: str) -> Given:
    found = _POINT.fullmatch(text.replace("−", "-").replace("°", ""))
    if found is None:
        raise Wrong(_("Write latitude and longitude with a comma between, like 51.48, -3.18"))
    north, east = Decimal(found[1]), Decimal(found[2])
    low, high, west, far = _BRITAIN
    if not (low <= north <= high and west <= east <= far):
        raise Wrong(_("This point is not in the United Kingdom. Latitude comes first."))
    return Given(spot=f"{north:.3f},{east:.3f}")


# --- which questions are shown


def holds(item: Item, given: Mapping[int, Given]) -> bool:
    """Tell whether the condition of an item holds; ``given`` has only answers that are shown."""
    if item.source_id is None:
        return True
    answer = given.get(item.source_id)
    if answer is None:
        return False
    if answer.number is not None:
        low, high = item.depends_low, item.depends_high
        return (low is None or answer.number >= low) and (high is None or answer.number <= high)
    return any(option in item.depends_options for option in answer.options)


@dataclass
class Page:
    """A page of a survey: the break that begins it, and what stands on it."""

    number: int
    head: Item | None
    items: list[Item] = field(default_factory=list)
    shown: list[Item] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Return its own heading, if it has one."""
        return self.head.words if self.head else ""


@dataclass
class Sheet:
    """A survey as one person has filled it in so far: what is shown, given and wrong."""

    survey: Survey
    items: Sequence[Item]
    typed: dict[int, Typed]
    areas: Mapping[int, Community] = field(default_factory=dict)
    is_strict: bool = True  # on paper, what is left empty stays empty
    given: dict[int, Given] = field(init=False)
    wrong: dict[int, Wrong] = field(init=False)
    pages: list[Page] = field(init=False)

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Walk through the questions in their order, and see which are shown and answered."""
        self.given, self.wrong = {}, {}
        self.pages = [Page(1, None)]
        is_shown = True
        for item in self.items:
            if item.kind == Kind.PAGE:
                is_shown = holds(item, self.given)
                self.pages.append(Page(len(self.pages) + 1, item))
                continue
            page = self.pages[-1]
            page.items.append(item)
            if is_shown and holds(item, self.given):
                page.shown.append(item)
                if item.asks:
                    self._read(item)

    def _read(self, item: Item) -> None:
        try:
            found = read(item, self.typed.get(item.pk, Typed()), self.areas, other=self.is_strict)
        except Wrong as wrong:
            self.wrong[item.pk] = wrong
            return
        if found is not None:
            self.given[item.pk] = found
        elif item.is_required and self.is_strict:
            self.wrong[item.pk] = Wrong(nothing_said(item))

    @property
    def path(self) -> list[Page]:
        """Return the pages that are shown, as far as the answers tell."""
        return [page for page in self.pages if page.shown]

    def page(self, number: int) -> Page | None:
        """Return one page, if it is shown."""
        return next((page for page in self.path if page.number == number), None)

    def after(self, number: int) -> Page | None:
        """Return the next page that is shown."""
        return next((page for page in self.path if page.number > number), None)

    def before(self, number: int) -> Page | None:
        """Return the page before that is shown."""
        return next((page for page in reversed(self.path) if page.number < number), None)

    def place(self, number: int) -> tuple[int, int]:
        """Return which of the shown pages this is, and how many there are."""
        return sum(page.number <= number for page in self.path), len(self.path)

    @property
    def first_wrong(self) -> Page | None:
        """Return the first page on which something is missing or wrong."""
        return next((p for p in self.path if any(i.pk in self.wrong for i in p.shown)), None)

    @property
    def dropped(self) -> list[Item]:
        """Return questions that are answered but not shown, so that nothing of them is kept."""
        shown = {item.pk for page in self.pages for item in page.shown}
        return [
            item
            for item in self.items
            if item.asks and item.pk not in shown and not self.typed.get(item.pk, Typed()).is_empty
        ]


def sheet_of(survey: Survey, draft: Draft | None) -> Sheet:
    """Return a survey as a draft fills it in."""
    items = queries.items_of(survey)
    given = draft.given if draft is not None else {}
    typed = {item.pk: Typed.kept(given.get(str(item.pk))) for item in items}
    return Sheet(survey, items, typed, queries.areas_of(survey, items))


def typed_of(answer: Answer) -> Typed:
    """Return an answer as it would be typed."""
    if answer.options:
        return Typed(tuple(str(pk) for pk in answer.options), answer.words)
    if answer.number is not None:
        return Typed((plain(answer.number),))
    if answer.spot and answer.spot != ELSEWHERE:
        return Typed((answer.spot,))
    if answer.area_id:
        return Typed((str(answer.area_id),))
    return Typed((answer.words or answer.spot,))


def nothing_said(item: Item) -> str:
    """Say what to do where a question has to be answered and was not."""
    if item.kind == Kind.ONE:
        return _("Choose one of these.")
    if item.kind == Kind.SEVERAL:
        return _("Choose at least one of these.")
    if item.kind == Kind.SCALE:
        return _("Choose a number.")
    if item.kind == Kind.NUMBER:
        return _("Write a number.")
    if item.kind == Kind.PLACE:
        return _("Choose an area.") if item.spot == Spot.AREA else _("Say where.")
    return _("Write a few words.")


# --- is the survey whole


class Gap(NamedTuple):
    """What keeps a survey from opening, and at which item it stands."""

    code: str
    words: str
    item: Item | None = None


def gaps(survey: Survey, items: Sequence[Item]) -> list[Gap]:
    """Say what is missing before a survey can open."""
    found = []
    if not survey.why:
        found.append(Gap("about", _("Say why you ask.")))
    if not survey.happens:
        found.append(Gap("about", _("Say what happens with the answers.")))
    if survey.opens_at is None or survey.closes_at is None:
        found.append(Gap("about", _("Set the days on which it opens and closes.")))
    if not any(item.asks for item in items):
        found.append(Gap("items", _("Ask at least one question.")))
    for item in items:
        if item.has_options and len(item.options.all()) < 2:
            words = _("“%(question)s” needs at least two choices.")
            found.append(Gap("item", words % {"question": item}, item))
        if wrong := wrong_condition(item, items):
            found.append(Gap("item", wrong, item))
    return found


def wrong_condition(item: Item, items: Sequence[Item]) -> str:
    """Say what is wrong with when an item is shown; nothing if it can be asked."""
    if item.source_id is None:
        return ""
    source = next((other for other in items if other.pk == item.source_id), None)
    values = {"question": item, "source": source}
    if source is None:
        return _("“%(question)s” depends on a question that is gone.") % values
    if source.position >= item.position:
        words = _("“%(question)s” depends on “%(source)s”, which comes later.")
        return words % values
    if source.kind in WITH_OPTIONS:
        known = {option.pk for option in source.options.all()}
        if not item.depends_options or not set(item.depends_options) <= known:
            return _("“%(question)s” depends on a choice of “%(source)s” that is gone.") % values
    elif source.kind not in WITH_NUMBERS or (
        item.depends_low is None and item.depends_high is None
    ):
        return _("Say with which answers “%(question)s” is shown.") % values
    return ""


def may_decide_over(items: Sequence[Item], item: Item) -> list[Item]:
    """Return the earlier questions on which an item may depend."""
    return [
        other
        for other in items
        if other.position < item.position and other.kind in (*WITH_OPTIONS, *WITH_NUMBERS)
    ]


def condition_words(item: Item, options: Mapping[int, Option]) -> str:
    """Say in a sentence when an item is shown."""
    if item.source_id is None or item.source is None:
        return ""
    source = item.source
    if source.kind in WITH_OPTIONS:
        named = [f"“{options[pk].words}”" for pk in item.depends_options if pk in options]
        values = {"source": source, "choices": ", ".join(named) or "–"}
        if len(named) > 1:
            return _("Only if “%(source)s” is answered with one of: %(choices)s") % values
        return _("Only if “%(source)s” is answered with %(choices)s") % values
    values = {"source": source, "low": plain(item.depends_low), "high": plain(item.depends_high)}
    if item.depends_low is not None and item.depends_high is not None:
        return _("Only if “%(source)s” is answered with %(low)s to %(high)s") % values
    if item.depends_low is not None:
        return _("Only if “%(source)s” is answered with %(low)s or more") % values
    return _("Only if “%(source)s” is answered with %(high)s or less") % values


# --- how long it takes, and how it reads


_SECONDS = {Kind.ONE: 6, Kind.SEVERAL: 12, Kind.SCALE: 6, Kind.NUMBER: 10, Kind.PLACE: 12}


def minutes(items: Sequence[Item]) -> int:
    """Estimate how many minutes a survey takes: reading at 200 words a minute, and answering."""
    seconds = 20.0
    for item in items:
        texts = [item.words, item.help, *(option.words for option in item.options.all())]
        seconds += 0.3 * sum(len(text.split()) for text in texts)
        if item.kind == Kind.TEXT:
            seconds += 60 if item.is_long else 20
        seconds += _SECONDS.get(Kind(item.kind), 0)
    return max(1, -(-int(seconds) // 60))


_LEADING = re.compile(
    r"\b(don['’]t you|do you agree that|would you agree|surely|obviously|of course|clearly|"
    r"how much do you (?:like|love|enjoy|support)|excellent|wonderful|terrible|unfair|much[- ]needed)\b",
    re.IGNORECASE,
)
_DOUBLE = re.compile(r"\b(and|or|as well as)\b", re.IGNORECASE)
_NEGATIVE = re.compile(r"\b(not|never|n['’]t)\b", re.IGNORECASE)
_JARGON = (
    "accessibility provision", "asset-based", "capacity building", "co-design", "co-production",
    "commissioning", "community engagement", "deliverables", "engagement", "facilitate", "going forward",
    "holistic", "implement", "infrastructure", "integrated", "interventions", "key performance",
    "leverage", "multi-agency", "outcomes framework", "pathway", "person-centred", "provision",
    "public realm", "robust", "signpost", "stakeholder", "strategic", "synergy", "third sector",
    "utilise", "wraparound",
)  # fmt: skip
_RANGE = re.compile(r"^\D*([0-9]+)\s*(?:-|–|to)\s*([0-9]+)\D*$")


def advice(item: Item) -> list[str]:
    """Say kindly what people may stumble over in a question; staff decide."""
    if not item.asks:
        return []
    found = []
    words = item.words
    if _LEADING.search(words):
        found.append(_("This may lead people to one answer. Can it be asked so that each fits?"))
    if item.kind != Kind.TEXT and _DOUBLE.search(_before_choices(words)):
        found.append(
            _("Does it ask two things at once? Whoever thinks differently of each cannot answer.")
        )
    if _NEGATIVE.search(words):
        found.append(_("“Not” is easily read over. Can it be asked without?"))
    if jargon := [word for word in _JARGON if re.search(rf"\b{word}", words, re.IGNORECASE)]:
        said = _("Would a neighbour say “%(word)s”? A plainer word helps everybody.")
        found.append(said % {"word": jargon[0]})
    if short := re.findall(r"\b[A-Z]{3,}\b", words):
        found.append(_("Not everybody knows “%(word)s”. Write it out.") % {"word": short[0]})
    if len(words.split()) > 25:
        found.append(_("This is long. Put what explains it into the help below the question."))
    return found + _advice_on_choices(item)


def _before_choices(words: str) -> str:
    """Return a question without its last part, where “yes or no” and the like stand."""
    return re.sub(r"\b(yes or no|more or less|and why|agree or disagree)\b", "", words, flags=re.I)


def _advice_on_choices(item: Item) -> list[str]:
    found = []
    if item.kind == Kind.SCALE and not (item.low_words and item.high_words):
        found.append(_("Say in words what the ends of the scale mean."))
    if not item.has_options:
        return found
    options = list(item.options.all())
    spoken = [option.words.casefold() for option in options]
    if len(set(spoken)) < len(spoken):
        found.append(_("Two choices say the same."))
    ranges = [(int(m[1]), int(m[2])) for words in spoken if (m := _RANGE.match(words))]
    if any(low <= high for (_l, high), (low, _h) in pairwise(ranges)):
        found.append(_("Two choices overlap: where does somebody on the border belong?"))
    if len(options) > 12:
        found.append(_("More than twelve choices are hard to keep in mind."))
    opts_out = re.compile(r"\b(don['’]t know|not sure|other|none|prefer not|unsure|something else)")
    if len(options) > 2 and item.is_required and not any(map(opts_out.search, spoken)):
        found.append(
            _("Everybody has to answer this. Add “Other” or “Not sure” for those it does not fit.")
        )
    if item.is_about_you and item.is_required:
        found.append(_("Questions about the person are better left free to skip."))
    return found
