"""Reading surveys, what people began and sent, and what it comes to."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.engine.tabulation import SMALL, hide_cells, hide_counts, merge_small
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.challenges.queries import seats_of
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer, everyone
from commonweal.kit.composed import among, composed
from commonweal.kit.postcode import areas as areas_around
from commonweal.listen.surveys.models import (
    ASKS,
    WITH_NUMBERS,
    WITH_OPTIONS,
    Answer,
    Channel,
    Correction,
    Draft,
    Item,
    Kind,
    Option,
    Part,
    Response,
    Spot,
    Survey,
    Tally,
)

DRAFTS_KEPT = timedelta(days=30)
MOST_BARS = 12  # of a histogram
MOST_CROSSED = 40  # rows or columns of a cross-table
THOUSAND = 1_000
EXACT = 100  # from so many answers on, a mean rounded to a tenth tells nothing of fewer than five


# --- surveys


def surveys(viewer: Viewer) -> QuerySet[Survey]:
    """Return the surveys this viewer may read: open ones, then to come, closed, published, withdrawn."""
    seats = seats_of(viewer)
    led = Q(community__in=seats) | Q(community__ancestors__overlap=seats)
    return _ordered(Survey.objects.filter(_public() | led), viewer.at).filter(
        authority=viewer.authority
    )


def public_surveys(viewer: Viewer) -> QuerySet[Survey]:
    """Return the surveys that everybody may read."""
    return surveys(everyone(viewer.authority, viewer.at))


def _public() -> Q:
    whole = Q(challenge__isnull=True) | Q(challenge__published_at__isnull=False)
    return Q(is_draft=False) & whole


def _ordered(found: QuerySet[Survey], at: Any) -> QuerySet[Survey]:
    place = Case(
        When(withdrawn_at__isnull=False, then=Value(5)),
        When(is_draft=True, then=Value(2)),
        When(results_at__isnull=False, then=Value(4)),
        When(opens_at__gt=at, then=Value(1)),
        When(closes_at__lte=at, then=Value(3)),
        default=Value(0),
        output_field=IntegerField(),
    )
    return (
        found.select_related("community", "challenge")
        .defer("key", "result")
        .annotate(place=place)
        .order_by("place", "closes_at", "pk")
    )


def numbered(viewer: Viewer, pk: int) -> list[Survey]:
    """Return the one survey with this number, if this viewer may read it."""
    if seats_of(viewer):
        return list(surveys(viewer).filter(pk=pk))
    return _numbered(authority=viewer.authority.pk, at=viewer.at, pk=pk)


@composed
def _numbered(authority: Any, at: Any, pk: Any) -> QuerySet[Survey]:
    return _ordered(Survey.objects.filter(_public(), authority=authority, pk=pk), at)


def led(viewer: Viewer) -> QuerySet[Survey]:
    """Return the surveys this viewer may run."""
    seats = seats_of(viewer)
    here = Q(community__in=seats) | Q(community__ancestors__overlap=seats)
    return _ordered(Survey.objects.filter(here, authority=viewer.authority), viewer.at)


def open_surveys(viewer: Viewer) -> list[Survey]:
    """Return the surveys that everybody can read and that are open, soonest to close first."""
    return viewer.once(
        ("surveys", "open"), lambda: _open(authority=viewer.authority.pk, at=viewer.at)
    )


@composed
def _open(authority: Any, at: Any) -> QuerySet[Survey]:
    found = Survey.objects.filter(_public(), authority=authority, withdrawn_at__isnull=True)
    return _ordered(found.filter(opens_at__lte=at, closes_at__gt=at), at)[:20]


def held(viewer: Viewer, survey_id: int) -> Survey:
    """Lock one survey of this authority against everybody else who would change it."""
    return (
        Survey.objects.select_for_update(of=("self",))
        .select_related("community", "challenge")
        .get(pk=survey_id, authority=viewer.authority)
    )


def held_to_answer(viewer: Viewer, survey_id: int) -> Survey:
    """Hold one survey as it is: many answer at once, and nobody closes it meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM surveys_survey WHERE id = %s FOR SHARE", [survey_id])
    return Survey.objects.select_related("community", "challenge").get(
        pk=survey_id, authority=viewer.authority
    )


def communities_to_ask(viewer: Viewer) -> QuerySet[Community]:
    """Return the communities that this viewer may ask."""
    seats = seats_of(viewer)
    return Community.objects.filter(
        Q(pk__in=seats) | Q(ancestors__overlap=seats), authority=viewer.authority
    ).order_by("name", "pk")


def challenges_to_ask_about(viewer: Viewer) -> QuerySet[Challenge]:
    """Return the challenges to which this viewer may put a survey."""
    seats = seats_of(viewer)
    return (
        Challenge.objects.filter(
            Q(community__in=seats) | Q(community__ancestors__overlap=seats),
            authority=viewer.authority,
        )
        .select_related("community")
        .order_by("title", "pk")
    )


# --- questions


def items_of(survey: Survey) -> list[Item]:
    """Return what stands in a survey, in its order, with choices and conditions (two queries)."""
    items = _items(survey=survey.pk)
    by_pk = {item.pk: item for item in items}
    options: dict[int, list[Option]] = defaultdict(list)
    for option in _options(survey=survey.pk):
        options[option.item_id].append(option)
    for item in items:
        item.survey = survey
        if item.source_id in by_pk:
            item.source = by_pk[item.source_id]
        rows = item.options.all()
        rows._result_cache, rows._prefetch_done = options[item.pk], True  # type: ignore[attr-defined]
        item.__dict__.setdefault("_prefetched_objects_cache", {})["options"] = rows
    return items


@composed
def _items(survey: Any) -> QuerySet[Item]:
    return Item.objects.filter(survey=survey).order_by("position")


@composed
def _options(survey: Any) -> QuerySet[Option]:
    return Option.objects.filter(item__survey=survey).order_by("position", "pk")


def options_in(items: Iterable[Item]) -> dict[int, Option]:
    """Return every choice by its number."""
    return {option.pk: option for item in items for option in item.options.all()}


def areas_of(survey: Survey, items: Iterable[Item]) -> dict[int, Community]:
    """Return the areas among which a place is chosen: those inside the survey's community."""
    if not any(item.kind == Kind.PLACE and item.spot == Spot.AREA for item in items):
        return {}
    return areas_inside(survey)


def areas_inside(survey: Survey) -> dict[int, Community]:
    """Return the communities inside the one that is asked; the community itself if there are none."""
    inside = Community.objects.filter(ancestors__contains=[survey.community_id])
    kinds = ("ward", "neighbourhood")
    found = {
        place.pk: place for place in inside.filter(kind__in=kinds).order_by("name", "pk")[:400]
    }
    return found or {survey.community_id: survey.community}


def area_of(survey: Survey, code: str) -> int | None:
    """Return the area of this authority in which a postcode, or its sector, lies."""
    sector = code if len(code.partition(" ")[2]) == 1 else ""
    known = areas_around(f"{sector}AA")[:-2] if sector else areas_around(code)
    exact = {part: len(part) for part in known}
    found = Community.objects.filter(authority=survey.authority_id, postcodes__overlap=known)
    best = max(
        found.order_by("pk"),
        key=lambda place: (
            max(exact.get(part, 0) for part in place.postcodes),
            len(place.ancestors),
        ),
        default=None,
    )
    return best.pk if best else None


def corrections(survey: Survey) -> list[Correction]:
    """Return what was corrected after people could read it."""
    return _corrections(survey=survey.pk)


@composed
def _corrections(survey: Any) -> QuerySet[Correction]:
    found = Correction.objects.filter(survey=survey)
    return found.select_related("item").order_by("corrected_at", "pk")


# --- who answers


class Holder(NamedTuple):
    """Whose draft and response it is: a person, or a browser by the secret it holds."""

    person_id: int | None
    token: str = ""

    @property
    def name(self) -> str:
        """Return under what name the answers lie in their envelope."""
        return f"person:{self.person_id}" if self.person_id else f"guest:{self.token}"

    @property
    def key(self) -> dict[str, Any]:
        """Return how the draft is found."""
        if self.person_id:
            return {"person": self.person_id, "digest": None}
        return {"person": None, "digest": hashlib.sha256(self.token.encode()).digest()}


def draft_of(survey: Survey, holder: Holder | None, *, preview: bool = False) -> Draft | None:
    """Return what this holder has begun, if it is not older than thirty days."""
    if holder is None:
        return None
    return Draft.objects.filter(survey=survey, is_preview=preview, **_where(holder)).first()


def _where(holder: Holder) -> dict[str, Any]:
    if holder.person_id:
        return {"person": holder.person_id}
    return {"digest": holder.key["digest"]}


def response_of(survey: Survey, holder: Holder | None) -> Response | None:
    """Return what this holder has sent, while that can be found."""
    if holder is None or survey.key is None:
        return None
    return Response.objects.filter(survey=survey, envelope=survey.seal(holder.name)).first()


def answered(survey: Survey) -> dict[str, int]:
    """Return how many have answered by each way."""
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERED, [survey.pk, survey.pk])
        return dict(cursor.fetchall())


def spoken_count(count: int) -> int | None:
    """Return a count, or nothing where it is too small to be shown."""
    return None if 0 < count < SMALL else count


# --- what it comes to


# What responses say, each thing with how many say it. They stand in ``who``: id and channel.
COUNTED = """
said AS MATERIALIZED (
    SELECT a.*, item.kind FROM who
     CROSS JOIN LATERAL (SELECT item_id, options, number, spot, area_id FROM surveys_answer
                          WHERE response_id = who.id OFFSET 0) a  -- by its index: who is few
      JOIN surveys_item item ON item.id = a.item_id
), counted (item_id, part, value, near, people) AS (
    SELECT NULL::bigint, 'channel', channel, '', count(*) FROM who GROUP BY channel
    UNION ALL
    SELECT item_id, 'answered', '', '', count(*) FROM said GROUP BY item_id
    UNION ALL
    SELECT item_id, 'option', pick::text, '', count(*) FROM said, unnest(options) AS pick
     GROUP BY item_id, pick
    UNION ALL
    SELECT item_id, 'number', number::text, '', count(*) FROM said WHERE number IS NOT NULL
     GROUP BY item_id, number
    UNION ALL
    SELECT item_id, 'place', coalesce(area_id::text, ''), CASE WHEN spot LIKE '%%,%%' THEN
           round(split_part(spot, ',', 1)::numeric, 1) || ', ' ||
           round(split_part(spot, ',', 2)::numeric, 1) ELSE '' END, count(*)
      FROM said WHERE kind = 'place' GROUP BY 1, 2, 3, 4
)"""

# One statement, so that what is drawn up and what came in since are seen at the same moment.
_TALLY = f"""
WITH who AS MATERIALIZED (
    SELECT id, channel FROM surveys_response WHERE survey_id = %(survey)s AND {{who}}
), {COUNTED}, summed AS (
    SELECT item_id, part, value, near, sum(people) AS people
      FROM (SELECT * FROM counted UNION ALL
            SELECT item_id, part, value, near, people FROM surveys_tally
             WHERE survey_id = %(survey)s AND {{drawn_up}}) AS line
     GROUP BY 1, 2, 3, 4 HAVING sum(people) <> 0
)
SELECT item_id, part, json_agg(json_build_array(value, near, people)
                               ORDER BY value COLLATE "C", near COLLATE "C")::text
  FROM summed WHERE part <> 'number' GROUP BY item_id, part
 UNION ALL
SELECT item_id, part, json_agg(json_build_array((value::numeric * 1000)::bigint, people)
                               ORDER BY value::numeric)::text
  FROM summed WHERE part = 'number' GROUP BY item_id, part
"""  # noqa: S608 - ours
_ANSWERED = """
SELECT channel, sum(n)::int FROM (
    SELECT value AS channel, people AS n FROM surveys_tally WHERE survey_id = %s AND part = 'channel'
    UNION ALL
    SELECT channel, 1 FROM surveys_response WHERE survey_id = %s AND NOT is_counted
) AS line GROUP BY channel HAVING sum(n) <> 0
"""


_LOOSE = """
SELECT count(*) > 2 * count(DISTINCT (item_id, part, value, near)) OR coalesce(min(people) < 0, false)
  FROM surveys_tally WHERE survey_id = %s
"""


def tally(survey: Survey, items: Sequence[Item]) -> dict[str, Any]:
    """Return what all answers of a survey come to, as of now; what is small is hidden later."""
    return _tally(survey, items, _TALLY.format(who="NOT is_counted", drawn_up="true"))


def recount(survey: Survey, items: Sequence[Item]) -> dict[str, Any]:
    """Return the same from every single answer, slowly."""
    return _tally(survey, items, _TALLY.format(who="true", drawn_up="false"))


def _tally(survey: Survey, items: Sequence[Item], statement: str) -> dict[str, Any]:
    found: dict[str, Any] = {str(item.pk): {"answered": 0} for item in items if item.asks}
    channels: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"survey": survey.pk})
        for pk, part, lines in cursor.fetchall():
            rows = json.loads(lines)
            if part == Part.CHANNEL:
                channels = {value: n for value, _near, n in rows}
                continue
            told = found.setdefault(str(pk), {"answered": 0})
            if part == Part.ANSWERED:
                told["answered"] = rows[0][2]
            elif part == Part.OPTION:
                told["options"] = {value: n for value, _near, n in rows}
            elif part == Part.NUMBER:
                told["numbers"] = rows
            else:
                told["places"] = rows
    return {"count": sum(channels.values()), "channels": channels, "items": found}


def result_of(survey: Survey, items: Sequence[Item]) -> dict[str, Any]:
    """Return what the answers come to: kept since the close, or as of now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT result::text FROM surveys_survey WHERE id = %s", [survey.pk])
        (found,) = cursor.fetchone()
    return tally(survey, items) if found is None else dict(json.loads(found))


def held_response(pk: int) -> Response | None:
    """Lock a response against whoever else would change it, and read it as it is."""
    return Response.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def held_to_count(survey_id: int, many: int) -> list[int]:
    """Lock some responses that no line counts yet, without those that somebody else holds."""
    found = Response.objects.filter(survey=survey_id, is_counted=False)
    held = found.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return list(held.values_list("pk", flat=True)[:many])


def hold_responses(survey_id: int) -> None:
    """Lock all responses of a survey, in the order of their numbers."""
    found = Response.objects.filter(survey=survey_id).order_by("pk")
    list(found.select_for_update(of=("self",), no_key=True).values_list("pk"))


def are_loose(survey_id: int) -> bool:
    """Tell whether lines of a survey's tallies take something back, or say the same thing many times."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOSE, [survey_id])
        (is_loose,) = cursor.fetchone()
    return bool(is_loose)


def to_fold() -> list[int]:
    """Return the surveys whose responses are not all drawn up, or not into one line a thing."""
    new = Response.objects.filter(is_counted=False).values("survey")
    taken_back = Tally.objects.filter(people__lt=0).values("survey")
    return list(
        Survey.objects.filter(Q(pk__in=new) | Q(pk__in=taken_back))
        .order_by("pk")
        .values_list("pk", flat=True)
    )


@dataclass
class Bar:
    """One line of a distribution: its words, how many people, and what share of those who answered."""

    words: str
    count: int | None
    share: float | None
    code: tuple[str, ...] = ()
    here: float | None = None  # the share of those who live here

    @property
    def percent(self) -> int | None:
        """Return the share in whole people of a hundred."""
        return None if self.share is None else round(100 * self.share)

    @property
    def percent_here(self) -> int | None:
        """Return how many of a hundred live here."""
        return None if self.here is None else round(100 * self.here)


@dataclass
class Told:
    """What everybody may know of the answers to one question."""

    item: Item
    answered: int | None
    bars: list[Bar] = field(default_factory=list)
    mean: str = ""
    median: str = ""
    lowest: str = ""
    highest: str = ""
    mean_hidden: bool = False
    texts: list[Answer] = field(default_factory=list)
    texts_count: int = 0

    @property
    def is_small(self) -> bool:
        """Tell whether fewer than five answered it."""
        return self.answered is None

    @property
    def hides(self) -> bool:
        """Tell whether some of its numbers are hidden."""
        return any(bar.count is None for bar in self.bars)

    @property
    def is_compared(self) -> bool:
        """Tell whether it says how many of those who live here there are."""
        return any(bar.here is not None for bar in self.bars)

    @property
    def biggest(self) -> Bar | None:
        """Return the choice most people made, if it is shown."""
        shown = [bar for bar in self.bars if bar.count]
        return max(shown, key=lambda bar: bar.count or 0, default=None)


def told(survey: Survey, items: Sequence[Item], whole: Mapping[str, Any]) -> list[Told]:
    """Return what everybody may know of each question: small counts are hidden."""
    places = _places(items, whole)
    lines = []
    for item in items:
        if not item.asks:
            continue
        counts = whole["items"].get(str(item.pk), {"answered": 0})
        number = spoken_count(counts["answered"])
        line = Told(item, number)
        if number:
            line.bars = _bars(item, counts, places)
            if item.kind in (Kind.SCALE, Kind.NUMBER):
                _summarise(line, counts)
        lines.append(line)
    return lines


def _places(items: Sequence[Item], whole: Mapping[str, Any]) -> dict[int, Community]:
    named = {
        int(area)
        for item in items
        for area, _near, _n in whole["items"].get(str(item.pk), {}).get("places", ())
        if area
    }
    return {place.pk: place for place in _communities(numbers=sorted(named))} if named else {}


@composed
def _communities(numbers: Any) -> QuerySet[Community]:
    return Community.objects.filter(among("id", numbers))


def _bars(item: Item, counts: Mapping[str, Any], places: Mapping[int, Community]) -> list[Bar]:
    if item.has_options:
        return _option_bars(item, counts)
    if item.kind == Kind.SCALE:
        return _scale_bars(item, counts)
    if item.kind == Kind.NUMBER:
        return _number_bars(counts)
    return _place_bars(item, counts, places) if item.kind == Kind.PLACE else []


def _lines(
    words: Sequence[str],
    counts: Sequence[int],
    answered: int,
    codes: Sequence[tuple[str, ...]],
    *,
    adds_up: bool = True,
) -> list[Bar]:
    numbers = np.array(counts, dtype=np.int64)
    hidden = hide_counts(numbers) if adds_up else (numbers > 0) & (numbers < SMALL)
    return [
        Bar(text, None, None, code) if hide else Bar(text, n, n / answered, code)
        for text, n, hide, code in zip(words, numbers.tolist(), hidden.tolist(), codes, strict=True)
    ]


def _option_bars(item: Item, counts: Mapping[str, Any]) -> list[Bar]:
    options = list(item.options.all())
    numbers = [counts.get("options", {}).get(str(option.pk), 0) for option in options]
    bars = _lines(
        [option.words for option in options],
        numbers,
        counts["answered"],
        [(str(option.pk),) for option in options],
        adds_up=item.kind == Kind.ONE,
    )
    here = sum(option.people_here or 0 for option in options)
    for bar, option in zip(bars, options, strict=True):
        if here and option.people_here is not None:
            bar.here = option.people_here / here
    return bars


def _scale_bars(item: Item, counts: Mapping[str, Any]) -> list[Bar]:
    assert item.lowest is not None and item.highest is not None
    steps = range(int(item.lowest), int(item.highest) + 1)
    given = {number // THOUSAND: n for number, n in _numbers(counts)}
    return _merged(list(steps), [given.get(step, 0) for step in steps], counts["answered"])


def _numbers(counts: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the numbers that were given, in thousandths, each with how many gave it; the least first.

    Whole numbers add up quickly and exactly. Results that were kept before say 3.000 for 3000.
    """
    given: list[tuple[Any, int]] = counts.get("numbers", [])
    if given and isinstance(given[0][0], str):
        return [(int(Decimal(number) * THOUSAND), n) for number, n in given]
    return given


def _merged(steps: Sequence[int], numbers: Sequence[int], answered: int) -> list[Bar]:
    bars = []
    for first, last in merge_small(np.array(numbers, dtype=np.int64)):
        n = sum(numbers[first : last + 1])
        low, high = steps[first], steps[last]
        words = str(low) if low == high else _("%(low)s to %(high)s") % {"low": low, "high": high}
        codes = tuple(str(step) for step in steps[first : last + 1])
        bars.append(Bar(words, n, n / answered, codes))
    return bars


def _number_bars(counts: Mapping[str, Any]) -> list[Bar]:
    """Draw up a histogram with bounds that are easily read, and nobody alone in a part."""
    given = np.array(_numbers(counts), dtype=np.int64)
    low, high = int(given[0, 0]), int(given[-1, 0])
    is_whole = not (given[:, 0] % THOUSAND).any()
    width = _width(high - low, is_whole=is_whole)
    first = low // width
    parts = np.zeros(high // width - first + 1, dtype=np.int64)
    np.add.at(parts, given[:, 0] // width - first, given[:, 1])
    bars = []
    for begin, end in merge_small(parts):
        starts, ends = (first + begin) * width, (first + end + 1) * width
        words = _("%(low)s to under %(high)s")
        if width % THOUSAND == 0 and is_whole:
            ends -= THOUSAND
            words = _("%(low)s to %(high)s") if starts < ends else "%(low)s"
        bounds = {"low": _from_thousandths(starts), "high": _from_thousandths(ends)}
        n = int(parts[begin : end + 1].sum())
        bars.append(Bar(words % bounds, n, n / counts["answered"]))
    return bars


def _width(spread: int, *, is_whole: bool) -> int:
    """Return the narrowest of 1, 2 or 5 times a power of ten that makes no more than so many parts."""
    width = THOUSAND if is_whole else 1
    for twice, half in ((2, 1), (5, 2), (2, 1)) * 16:
        if spread < MOST_BARS * width:
            break
        width = width * twice // half
    return width


def _from_thousandths(number: int) -> str:
    return _plain(Decimal(number) / THOUSAND)


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _summarise(line: Told, counts: Mapping[str, Any]) -> None:
    """Write mean and median; the mean only where it cannot give a small count away."""
    given = _numbers(counts)
    n = sum(many for _number, many in given)
    line.mean_hidden = n < EXACT and any(0 < many < SMALL for _number, many in given)
    if not line.mean_hidden:
        mean = Decimal(sum(number * many for number, many in given)) / (THOUSAND * n)
        line.mean = _plain(mean.quantize(Decimal("0.1")))
    if not line.mean_hidden or line.item.kind == Kind.SCALE:
        line.median = _median(line, given, n)


def _median(line: Told, given: Sequence[tuple[int, int]], n: int) -> str:
    """Return the middle answer, or the part of the distribution in which it lies."""
    seen, middle = 0, given[-1][0]
    for number, many in given:
        seen += many
        if 2 * seen >= n:
            middle = number
            break
    step = str(middle // THOUSAND)
    for bar in line.bars:
        if step in bar.code:
            return bar.words
    return _from_thousandths(middle) if n >= EXACT else ""


def _place_bars(
    item: Item, counts: Mapping[str, Any], places: Mapping[int, Community]
) -> list[Bar]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for area, near, n in counts.get("places", ()):
        sums[area, near if not area else ""] += n
    named = []
    for (area, near), n in sums.items():
        place = places.get(int(area)) if area else None
        words = place.name if place else near or _("Somewhere else")
        named.append((words, n, (f"area:{area}" if area else f"near:{near}",), place))
    named.sort(key=lambda row: (row[3] is None, -row[1], row[0]))
    bars = _lines(
        [row[0] for row in named],
        [row[1] for row in named],
        counts["answered"],
        [row[2] for row in named],
    )
    here = sum(row[3].people_who_live_here or 0 for row in named if row[3])
    for bar, row in zip(bars, named, strict=True):
        if here and row[3] is not None and row[3].people_who_live_here is not None:
            bar.here = row[3].people_who_live_here / here
    return bars


def in_words(
    line: Told, strong: Callable[[object], str] = str, own: Callable[[str], str] = str
) -> Iterator[str]:
    """Say in sentences what was found of one question.

    ``strong`` marks what stands out, and ``own`` what staff wrote and what may run the other way.
    """
    if line.is_small:
        yield _("Fewer than 5 people answered this.")
    elif not line.answered:
        yield _("Nobody answered this.")
    elif line.item.kind in WITH_NUMBERS:
        if line.mean:
            mean = (
                _("On average %(mean)s %(unit)s.") if line.item.unit else _("On average %(mean)s.")
            )
            yield mean % {"mean": strong(line.mean), "unit": own(line.item.unit)}
        elif line.mean_hidden:
            yield _("The average is hidden, because it would give a small number away.")
        if line.median:
            yield _("Half of them said %(median)s or less.") % {"median": line.median}
    elif line.biggest:
        most = {"n": strong(line.biggest.percent), "choice": own(line.biggest.words)}
        yield _("%(n)s of 100 said “%(choice)s”.") % most


def who_said(line: Told, own: Callable[[str], str] = str) -> Iterator[str]:
    """Say how many answered a question, and how it was asked."""
    if not line.answered:
        return
    said = ngettext("%(n)s person answered.", "%(n)s people answered.", line.answered)
    yield said % {"n": number_format(line.answered, force_grouping=True)}
    item = line.item
    if item.kind == Kind.SEVERAL:
        yield _("People could choose several.")
    if item.low_words or item.high_words:
        low, high = (f"{end:.0f}" for end in (item.lowest or 0, item.highest or 0))
        yield _("%(low)s means “%(low_words)s”, %(high)s means “%(high_words)s”.") % {
            "low": low,
            "high": high,
            "low_words": own(item.low_words),
            "high_words": own(item.high_words),
        }


# --- one question by another


@dataclass
class Crossed:
    """One question by another: rows, columns, and the cells that everybody may know."""

    row: Item
    column: Item
    rows: list[Bar]
    columns: list[Bar]
    cells: list[list[int | None]]

    @property
    def lines(self) -> list[tuple[Bar, list[tuple[int | None, int | None]]]]:
        """Return each row with its cells, and what each is of a hundred in its column."""
        sums = [bar.count for bar in self.columns]
        return [
            (
                row,
                [
                    (n, round(100 * n / of) if n is not None and of else None)
                    for n, of in zip(cells, sums, strict=True)
                ],
            )
            for row, cells in zip(self.rows, self.cells, strict=True)
        ]

    @property
    def hides(self) -> bool:
        """Tell whether something is hidden."""
        return any(cell is None for cells in self.cells for cell in cells)


def may_be_crossed(item: Item) -> bool:
    """Tell whether a question has answers that fall into few kinds."""
    return item.kind in (*WITH_OPTIONS, Kind.SCALE) or item.kind == Kind.PLACE


_CODES = {
    Kind.ONE: "SELECT unnest({0}.options)::text",
    Kind.SEVERAL: "SELECT unnest({0}.options)::text",
    Kind.SCALE: "SELECT trunc({0}.number)::text WHERE {0}.number IS NOT NULL",
    Kind.PLACE: "SELECT CASE WHEN {0}.area_id IS NOT NULL THEN 'area:' || {0}.area_id"
    " WHEN {0}.spot LIKE '%%,%%' THEN 'near:' || round(split_part({0}.spot, ',', 1)::numeric, 1)"
    " || ', ' || round(split_part({0}.spot, ',', 2)::numeric, 1) ELSE 'near:' END"
    " WHERE {0}.id IS NOT NULL",
}


def crossed(
    survey: Survey, lines: Sequence[Told], row: Item, column: Item, count: int
) -> Crossed | None:
    """Count one question by another; cells are hidden so that no sum or difference gives one away.

    Whoever reads it knows how many chose what in each question alone, and how many said nothing:
    these are the sums of the table, with a row and a column for those who said nothing.
    """
    by_item = {line.item.pk: line for line in lines}
    across, down = by_item[row.pk], by_item[column.pk]
    if not across.bars or not down.bars or max(len(across.bars), len(down.bars)) > MOST_CROSSED:
        return None
    first, second = _CODES[Kind(row.kind)].format("a"), _CODES[Kind(column.kind)].format("b")
    both = (
        f"SELECT x.code, y.code, count(*) FROM surveys_answer a CROSS JOIN LATERAL ({first}) AS x (code)"  # noqa: S608 - ours
        " LEFT JOIN surveys_answer b ON b.response_id = a.response_id AND b.item_id = %s"
        f" LEFT JOIN LATERAL ({second}) AS y (code) ON true WHERE a.item_id = %s GROUP BY 1, 2"
    )
    one = (
        f"SELECT y.code, count(*) FROM surveys_answer b CROSS JOIN LATERAL ({second}) AS y (code)"  # noqa: S608 - ours
        " WHERE b.item_id = %s AND NOT EXISTS (SELECT 1 FROM surveys_answer a"
        " WHERE a.item_id = %s AND a.response_id = b.response_id) GROUP BY 1"
    )
    with connection.cursor() as cursor:
        cursor.execute(both, [column.pk, row.pk])
        found = cursor.fetchall()
        cursor.execute(one, [column.pk, row.pk])
        alone = cursor.fetchall()
    table = _table(across, down, found, alone)
    rows_hidden = np.array([bar.count is None for bar in across.bars] + [False])
    columns_hidden = np.array([bar.count is None for bar in down.bars] + [False])
    hidden = hide_cells(table, rows_hidden, columns_hidden)
    cells = [
        [None if hide else n for n, hide in zip(numbers, hides, strict=True)]
        for numbers, hides in zip(table.tolist(), hidden.tolist(), strict=True)
    ]
    silent = _("No answer")
    rows, columns = [*across.bars, Bar(silent, None, None)], [*down.bars, Bar(silent, None, None)]
    rows[-1].count = count - (across.answered or 0)
    columns[-1].count = count - (down.answered or 0)
    return _without_nobody(Crossed(row, column, rows, columns, cells))


def _table(
    across: Told,
    down: Told,
    found: Iterable[tuple[Any, Any, int]],
    alone: Iterable[tuple[Any, int]],
) -> Any:
    row_of = {code: n for n, bar in enumerate(across.bars) for code in bar.code}
    column_of = {code: n for n, bar in enumerate(down.bars) for code in bar.code}
    table = np.zeros((len(across.bars) + 1, len(down.bars) + 1), dtype=np.int64)
    for x, y, n in found:
        table[row_of.get(x, -1), column_of.get(y, -1)] += n
    for y, n in alone:
        table[-1, column_of.get(y, -1)] += n
    return table


def _without_nobody(whole: Crossed) -> Crossed:
    """Leave out the row and the column of those who said nothing where there is nobody."""
    if whole.rows[-1].count == 0:
        whole.rows.pop()
        whole.cells.pop()
    if whole.columns[-1].count == 0:
        whole.columns.pop()
        whole.cells = [cells[:-1] for cells in whole.cells]
    return whole


# --- words that people wrote


def texts(survey: Any) -> QuerySet[Answer]:
    """Return every answer in somebody's own words, in an order that was drawn by lot."""
    return (
        Answer.objects.filter(item__survey=survey)
        .exclude(words="")
        .select_related("item", "response")
        .order_by("item__position", "pk")
    )


def chosen_texts(survey: Any) -> QuerySet[Answer]:
    """Return the words that staff chose for everybody to read."""
    return texts(survey).filter(shown_at__isnull=False)


def first_texts(survey: Survey, each: int = 5) -> dict[int, list[Answer]]:
    """Return the first chosen words of each question, each with how many there are in all."""
    by_item: dict[int, list[Answer]] = defaultdict(list)
    for answer in _first_texts(each)(survey=survey.pk):
        by_item[answer.item_id].append(answer)
    return by_item


@cache
def _first_texts(each: int) -> Callable[..., list[Answer]]:
    def build(survey: Any) -> QuerySet[Answer]:
        rank = Window(RowNumber(), partition_by=F("item"), order_by=F("pk").asc())
        of_all = Window(Count("pk"), partition_by=F("item"))
        found = Answer.objects.filter(item__survey=survey, shown_at__isnull=False)
        ranked = found.exclude(words="").annotate(rank=rank, of_all=of_all)
        return ranked.filter(rank__lte=each).order_by("item", "pk")

    return composed(build)


def text_counts(survey: Survey) -> dict[str, int]:
    """Return how many words wait to be read, are shown and are hidden."""
    counts = texts(survey).order_by().aggregate(
        shown=Count("pk", filter=Q(shown_at__isnull=False)),
        hidden=Count("pk", filter=Q(hidden_at__isnull=False)),
        waiting=Count("pk", filter=Q(shown_at__isnull=True, hidden_at__isnull=True)),
    )  # fmt: skip
    return dict(counts)


# --- downloads


def header(items: Sequence[Item]) -> list[str]:
    """Return the names of the columns of a table with one row a response."""
    named = ["reference", "channel", "sent_on", "batch", "serial"]
    for number, item in enumerate((item for item in items if item.asks), 1):
        if item.kind == Kind.SEVERAL:
            named += [f"{number}. {item.words}: {option.words}" for option in item.options.all()]
        else:
            named.append(f"{number}. {item.words}")
        if any(option.is_other for option in item.options.all()):
            named.append(f"{number}. {item.words} ({_('in their own words')})")
    return named


def rows(survey: Survey, items: Sequence[Item]) -> Iterator[list[str]]:
    """Yield one row a response, with everything that was answered."""
    asked = [item for item in items if item.asks]
    options = options_in(items)
    places = dict(Community.objects.filter(authority=survey.authority_id).values_list("pk", "name"))
    responses = Response.objects.filter(survey=survey).order_by("pk").iterator(1_000)
    chunk: list[Response] = []
    for response in responses:
        chunk.append(response)
        if len(chunk) == 1_000:
            yield from _rows(chunk, asked, options, places)
            chunk = []
    yield from _rows(chunk, asked, options, places)


def _rows(
    responses: Sequence[Response],
    asked: Sequence[Item],
    options: Mapping[int, Option],
    places: Mapping[int, str],
) -> Iterator[list[str]]:
    answers: dict[int, dict[int, Any]] = defaultdict(dict)
    columns = ("response_id", "item_id", "options", "number", "words", "spot", "area_id")
    for answer in Answer.objects.filter(response__in=responses).values_list(*columns, named=True):
        answers[answer.response_id][answer.item_id] = answer
    for said in responses:
        serial = "" if said.serial is None else str(said.serial)
        row = [said.reference, said.channel, said.sent_on.isoformat(), said.batch, serial]
        for item in asked:
            row += _cells(item, answers[said.pk].get(item.pk), options, places)
        yield row


def _cells(
    item: Item,
    answer: Any,
    options: Mapping[int, Option],
    places: Mapping[int, str],
) -> list[str]:
    own = list(item.options.all())
    other = any(option.is_other for option in own)
    if answer is None:
        return [""] * ((len(own) if item.kind == Kind.SEVERAL else 1) + other)
    if item.kind == Kind.SEVERAL:
        cells = ["1" if option.pk in answer.options else "0" for option in own]
    elif item.has_options:
        cells = [", ".join(options[pk].words for pk in answer.options if pk in options)]
    elif answer.number is not None:
        cells = [_plain(answer.number)]
    elif item.kind == Kind.PLACE:
        named = places.get(answer.area_id or 0, "")
        cells = [" ".join(part for part in (answer.spot, f"({named})" if named else "") if part)]
    else:
        return [answer.words]
    return [*cells, answer.words] if other else cells


def open_rows(lines: Sequence[Told]) -> Iterator[list[str]]:
    """Yield the published numbers: question, answer, people and share; hidden ones are empty."""
    for number, line in enumerate(lines, 1):
        words = line.item.words
        answered = "" if line.answered is None else str(line.answered)
        yield [str(number), line.item.kind, words, "", answered, ""]
        for bar in line.bars:
            count = "" if bar.count is None else str(bar.count)
            share = "" if bar.share is None else f"{bar.share:.3f}"
            yield [str(number), line.item.kind, words, bar.words, count, share]


# --- papers and calls that staff entered


def entered(survey: Survey) -> QuerySet[Response]:
    """Return what staff entered, the newest first."""
    return (
        Response.objects.filter(survey=survey)
        .exclude(channel=Channel.ONLINE)
        .select_related("entered_by")
        .order_by("-entered_at", "pk")
    )


def keyed_batches(survey: Survey) -> QuerySet[Response, Any]:
    """Return the batches of papers with how many were keyed."""
    return (
        Response.objects.filter(survey=survey, channel=Channel.PAPER)
        .values("batch")
        .annotate(n=Count("pk"))
        .order_by("batch")
    )


# --- panels


def card_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the surveys that are open, for the front page and the list of what is asked."""
    found = open_surveys(viewer)
    return {"surveys": found[:4]} if found else None


def listen_panel(viewer: Viewer, thing: None) -> Mapping[str, Any]:
    """Return the surveys that are open, for the page of all that is asked; it leads to the others."""
    return {"surveys": open_surveys(viewer)}


def challenge_panel(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return a challenge's surveys that are open."""
    found = [one for one in _of_challenge(viewer, challenge) if one.is_open(viewer.at)]
    return {"surveys": found} if found else None


def challenge_more_panel(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return a challenge's surveys that are not open now: those to come, and what others found."""
    found = [one for one in _of_challenge(viewer, challenge) if not one.is_open(viewer.at)]
    return {"surveys": [(one, one.state(viewer.at)) for one in found]} if found else None


def _of_challenge(viewer: Viewer, challenge: Challenge) -> list[Survey]:
    return viewer.once(
        ("surveys", challenge.pk),
        lambda: _about(authority=viewer.authority.pk, at=viewer.at, challenge=challenge.pk),
    )


@composed
def _about(authority: Any, at: Any, challenge: Any) -> QuerySet[Survey]:
    return _ordered(Survey.objects.filter(_public(), authority=authority, challenge=challenge), at)


def desk_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the surveys a member of staff runs whose results are not published yet."""
    if not seats_of(viewer):
        return None
    running = led(viewer).filter(results_at__isnull=True, withdrawn_at__isnull=True)
    return {"surveys": [(one, one.state(viewer.at)) for one in running[:12]]}


def mine_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return what this person began and has not sent."""
    if viewer.person is None:
        return None
    found = _begun(
        authority=viewer.authority.pk,
        person=viewer.person.pk,
        at=viewer.at,
        since=viewer.at - DRAFTS_KEPT,
    )
    return {"drafts": found} if found else None


@composed
def _begun(authority: Any, person: Any, at: Any, since: Any) -> QuerySet[Draft]:
    return (
        Draft.objects.filter(survey__authority=authority, person=person, is_preview=False)
        .filter(survey__closes_at__gt=at, saved_at__gt=since, survey__withdrawn_at__isnull=True)
        .select_related("survey")
        .defer("given", "survey__key", "survey__result")
        .order_by("survey__closes_at", "pk")[:20]
    )


# --- what is kept about a person


def personal(person: Person) -> Iterator[dict[str, Any]]:
    """Return what a person answered, where that can be found, and what they began."""
    for response in responses_of(person):
        yield {
            "survey": response.survey.title,
            "sent_on": response.sent_on.isoformat(),
            "reference": response.reference,
            "answers": [_said(answer) for answer in response.answers.all()],
        }
    for draft in Draft.objects.filter(person=person).select_related("survey").order_by("pk"):
        words = {item.pk: item.words for item in draft.survey.items.all()}
        yield {
            "survey": draft.survey.title,
            "not_sent": True,
            "saved_at": draft.saved_at.isoformat(),
            "answers": [
                {"question": words.get(int(pk), ""), "typed": json.dumps(typed)}
                for pk, typed in draft.given.items()
            ],
        }


def responses_of(person: Person) -> list[Response]:
    """Return every response that can be found to be this person's: by name, or by its envelope."""
    name = Holder(person.pk).name
    surveys = Survey.objects.filter(key__isnull=False, is_draft=False).only("key")
    envelopes = [survey.seal(name) for survey in surveys]
    return list(
        Response.objects.filter(Q(person=person) | Q(envelope__in=envelopes))
        .select_related("survey")
        .prefetch_related("answers__item__options", "answers__area")
        .order_by("sent_on", "pk")
    )


def _said(answer: Answer) -> dict[str, Any]:
    chosen = [o.words for o in answer.item.options.all() if o.pk in answer.options]
    area = answer.area.name if answer.area else ""
    number = "" if answer.number is None else _plain(answer.number)
    parts = (*chosen, number, answer.words, answer.spot, area)
    return {"question": answer.item.words, "answer": ", ".join(part for part in parts if part)}


# --- what is due


def to_seal(at: datetime) -> list[int]:
    """Return the surveys that have closed and whose key is still there."""
    over = Q(closes_at__lte=at) | Q(withdrawn_at__isnull=False)
    due = Survey.objects.filter(over, is_draft=False, key__isnull=False)
    return list(due.order_by("pk").values_list("pk", flat=True))


def asked(items: Iterable[Item]) -> list[Item]:
    """Return the questions among the items."""
    return [item for item in items if item.kind in ASKS]


def counted_ways(ways: Sequence[tuple[Any, int]]) -> list[Bar]:
    """Return how many answered by each way, with small counts hidden."""
    used = [(str(label), n) for label, n in ways if n]
    whole = sum(n for _label, n in used)
    if not whole:
        return []
    codes = [(label,) for label, _n in used]
    return _lines([label for label, _n in used], [n for _label, n in used], whole, codes)


def as_data(line: Told) -> dict[str, Any]:
    """Return what everybody may know of one question, for programs; ``null`` is hidden."""
    return {
        "question": line.item.words,
        "kind": line.item.kind,
        "people": line.answered,
        "mean": line.mean or None,
        "median": line.median or None,
        "answers": [
            {
                "answer": bar.words,
                "people": bar.count,
                "share": None if bar.share is None else round(bar.share, 3),
            }
            for bar in line.bars
        ],
    }
