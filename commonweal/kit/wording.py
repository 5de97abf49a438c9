"""Advice on the wording of a sentence that people agree or disagree with. It knows English only.

Advice is never a rule: a sentence that all of it speaks against may still be the right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

LONG_LETTERS, LONG_WORDS, SHORT_WORDS = 140, 25, 3
READ = 1000  # letters: what is longer is too long in any case


class Hint(TextChoices):
    """What may make a sentence hard to answer."""

    SHORT = "short", _("Write a whole sentence, so that people know what they agree with.")
    LONG = "long", _("It is long. People read it on a phone: try to stay under 140 letters.")
    QUESTION = "question", _("It asks. People agree or disagree with what it says: let it say.")
    SEVERAL = (
        "several",
        _("It may say two things. If one can agree with half of it, make two statements of it."),
    )
    CHOICE = "choice", _("It offers a choice. Make a statement of each, so that people can answer.")
    REASON = (
        "reason",
        _("It gives a reason too. Some agree for another reason: leave the reason out."),
    )
    TWICE_NOT = "twice-not", _("It says no twice. Turn it round: say what is, or what should be.")
    NOT = "not", _("To disagree with a “not” is hard. Say what is, or what should be.")
    SHORTENED = "shortened", _("Not everybody knows this short form. Write the words in full.")
    JARGON = "jargon", _("This is a word of the trade. Say it as you would to a neighbour.")
    LEADING = "leading", _("This pushes people to one answer. Leave it out.")
    SHOUTING = "shouting", _("Capitals look like shouting. Small letters are easier to read.")
    AGREED = (
        "agreed",
        _("Hardly anybody can disagree. Say what should be done about it, or given up for it."),
    )
    FACT = "fact", _("This is so, or not: no matter of opinion. Say what people think of it.")
    ALONE = (
        "alone",
        _("Each statement is read alone and in any order. Say what or whom this word means."),
    )
    PRIVATE = "private", _("This looks like somebody’s address or number. Leave it out.")


@dataclass(frozen=True)
class Advice:
    """One thing that may be mended, and the words it is about, if it is about some."""

    hint: Hint
    about: str = ""

    @property
    def words(self) -> _StrOrPromise:
        """Return the advice as people read it."""
        return self.hint.label


WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
SENTENCES = re.compile(
    r"(?<!\bSt)(?<!\bMr)(?<!\bDr)(?<!\bMrs)(?<!\be\.g)(?<!\bi\.e)[.!…]\s+\w|;\s*\w"
)
ASKS = re.compile(r"\?\W*$|^(?:why not|how about|what about|what if)\b", re.I)
NO_PAIRS = re.compile(
    r"\b(?:day and night|night and day|day and evening|friends and family|family and friends|more and more"
    r"|again and again|up and down|back and forth|here and there|now and then|young and old"
    r"|bed and breakfast|health and safety|arts? and crafts?|fish and chips|bread and butter|pros and cons"
    r"|law and order|peace and quiet|safe and sound|first and foremost|over and over|by and large"
    r"|try and|go and|come and|wait and see|side by side and|hundreds and thousands|one and the same"
    r"|walking and cycling|research and development|mums and dads|mothers and fathers"
    r"|men and women|women and men|black and white|terms and conditions|accident and emergency"
    r"|(?:\w+ly|half|one|two|three) and a half|\d+ and \d+)\b"
    r"|\bbetween\b.{1,60}?\band\b|\bas well as\b(?= (?:it|they|we|ever)\b)",
    re.I,
)
JOINS = re.compile(r"\b(and|as well as|but|although|though|while|whereas|plus)\b|\s&\s", re.I)
NO_CHOICES = re.compile(
    r"\b(?:more or less|one or two|two or three|whether or not|sooner or later|or so|or more|or less"
    r"|or older|or younger|or over|or under|now or never|day or night|\d+ or \d+)\b",
    re.I,
)
CHOOSES = re.compile(r"\b(or)\b", re.I)
REASONS = re.compile(r"\b(because|since it|since they|due to|so that|in order to)\b", re.I)
NO_NOTS = re.compile(r"\bnot (?:only|just|enough|least)\b|\bno (?:matter|doubt|one)\b", re.I)
NOTS = re.compile(
    r"\b(?:not|never|cannot|nobody|nothing|nowhere|neither|nor|no longer|no more|none|no"
    r"|(?:ca|wo|do|does|did|is|are|was|were|should|would|could|has|have|had|must|need)n['’]t)\b",
    re.I,
)
AGAINST = re.compile(
    r"\b(?:without|stop(?:ped|ping)?|ban(?:ned|ning)?|prevent(?:ed|ing|s)?|against|oppose[ds]?|refuse[ds]?"
    r"|reject(?:ed|s)?|forbid(?:den)?|abolish(?:ed)?|avoid(?:ed)?|lack(?:s|ing)?|fail(?:s|ed)?|unless"
    r"|un(?:able|acceptable|fair|likely|safe|necessary|wise|reasonable)|im(?:possible)|in(?:adequate)"
    r"|deny|denied|hardly|scarcely)\b",
    re.I,
)
SHORT_FORMS = (
    "NHS UK GP GPS TV BBC ID CCTV EU US USA UN MP MPS PE DIY OK AM PM VAT PC ATM DVD SMS WC II III"
    " IV XL I A IT AI RNLI RSPCA LGBT LED DNA HIV AIDS COVID PIN FAQ PDF WIFI MOT CV"
)
KNOWN = frozenset(SHORT_FORMS.split())
CAPITALS = re.compile(r"\b[A-Z][A-Z&]{1,6}s?\b")
JARGON = re.compile(
    r"\b(?:stakeholders?|holistic(?:ally)?|leverag(?:e|ed|ing)|synerg(?:y|ies)|going forward|deliverables?"
    r"|co-?produc(?:e|ed|tion)|co-?design(?:ed)?|commission(?:ers?|ing)|multi-?(?:agency|disciplinary)"
    r"|pathways?|signpost(?:ed|ing|s)?|procure(?:d|ment)?|remit|governance|frameworks?|streamlin(?:e|ed|ing)"
    r"|roll(?:ed)?[- ]?out|upskill(?:ed|ing)?|capacity[- ]building|best practice|wrap-?around|person-centred"
    r"|strateg(?:y|ic|ies)|utilis(?:e|ed|ation|ing)|facilitat(?:e|ed|ing|ion)|implement(?:ed|ation|ing)?"
    r"|interventions?|domiciliary|re-?ablement|statutory|ring-?fenc(?:e|ed|ing)|triag(?:e|ed|ing)"
    r"|in terms of|with regard to|pursuant|aforementioned|infrastructure|sustainability|resilien(?:ce|t)"
    r"|empower(?:ed|ment|ing)?|inclusivity|place-based|asset-based|evidence-based|outcomes?-(?:based|focused)"
    r"|third sector|low-hanging fruit|blue-sky|proactive(?:ly)?|optimis(?:e|ed|ing)|prioritis(?:e|ed|ing|ation)"
    r"|modal shift|active travel|social prescribing|delayed transfers?|discharge (?:process|planning))\b",
    re.I,
)
LEADING = re.compile(
    r"\b(?:obvious(?:ly)?|clearly|of course|surely|undoubtedly|undeniabl[ey]|needless to say|naturally"
    r"|every(?:one|body) knows|(?:as )?we all know|no ?(?:one|body) (?:would|could|can) (?:deny|disagree)"
    r"|don['’]t you (?:agree|think)|(?:is|are) (?:a )?(?:disgrace(?:ful)?|scandal(?:ous)?|joke)"
    r"|disgraceful|outrageous|ridiculous|shameful(?:ly)?|common sense|any (?:sensible|decent|normal) \w+"
    r"|the fact (?:is|that)|so-called|only (?:a fool|fools|an idiot)|at long last|it goes without saying"
    r"|how can any(?:one|body)|it is high time|rightly|wrongly|sadly|unfortunately)\b",
    re.I,
)
AGREED = re.compile(
    r"^(?:\W*)(?:(?:\w+['’]?\w* ){1,5}(?:is|are) (?:very |really |so |always )?"
    r"(?:important|essential|vital|crucial|a good thing|good|valuable|a bad thing|a right|a human right|key)"
    r"|(?:we|you) all (?:want|need|deserve|like)\b.{0,60}"
    r"|every(?:one|body) (?:wants|deserves|needs|has the right to|should be treated with)\b.{0,60}"
    r"|no ?(?:one|body) (?:wants|deserves|likes) (?:to )?.{0,60}"
    r"|(?:\w+ ){1,4}matters?(?: a lot| to (?:us all|every(?:one|body)))?)\W*$",
    re.I,
)
OPINION = re.compile(
    r"\b(?:should|must|ought|need|needs|want|wants|would|could|better|worse|best|worst|too|enough|fair|unfair"
    r"|safe|unsafe|good|bad|feel|feels|felt|think|thinks|like|love|trust|worth|easy|easier|hard|harder"
    r"|prefer|rather|more|less|fewer|right|wrong|happy|afraid|proud|difficult|important|helps?|works?"
    r"|waste|well|hope|matters?|believe|right|wish|enjoy)\b",
    re.I,
)
FACT = re.compile(
    r"\b(?:was|were|has been|had been) (?:built|opened|closed|founded|born|made|bought|sold|elected|started)\b"
    r"|\b(?:opened|closed|began|started|happened)\b.{0,40}\b(?:1[89]|20)\d\d\b"
    r"|\bthere (?:is|are|was|were) \d[\d,]* \w+\b|\b(?:costs?|cost) £ ?\d|\b\d+(?:\.\d+)? ?(?:%|per cent)",
    re.I,
)
GREETING = re.compile(
    r"^\W*(?:hello|hi|hiya|dear|thanks?|thank you|good (?:morning|evening))\b", re.I
)
BACK = re.compile(
    r"^\W*(this|that|these|those|it|they|them|he|she)\b(?! (?:is|are|was) (?:time|hard|easy|better|worse"
    r"|right|wrong|good|bad|fair|difficult|possible|safe|dangerous|important|too|my|our|cheaper)\b)"
    r"|\b(see above|as above|the above|previous statement|statement \d+|same as|i agree with)\b",
    re.I,
)
# “This town”, “that street”: the word stands before what it means.
POINTS = re.compile(
    r"^\W*(?:this|that|these|those) (?!(?:is|are|was|were|will|would|should|has|have|had|can|could|must|may"
    r"|might|does|do|did|needs?|makes?|helps?|seems?|means?|works?|never|always|also|only|just)\b)\w+",
    re.I,
)
ADDRESS = re.compile(r"\S+@\S+\.\S+|(?<!\d)(?:\+44|0)\d(?:[ -]?\d){8,10}(?!\d)")
BAD = re.compile(
    r"\b(?:bad|worse|worst|waste[ds]?|stop|cuts?|lack(?:s|ing)?|without|never|hard|difficult|fail(?:s|ed)?"
    r"|unsafe|unfair|afraid|lonely|broken|dirty|expensive|wait(?:s|ed|ing)?|late|slow|too|against|not|no longer"
    r"|cannot|\w+n['’]t|nobody|few|alone|worr(?:y|ied|ies)|problems?|poor|confus(?:ed|ing)|crowded|noisy)\b",
    re.I,
)
GOOD = re.compile(
    r"\b(?:good|well|like|love|trust|proud|enough|happy|safe|works|helps?|helped|kind|thank|friendly|enjoy"
    r"|pleasant|quick(?:ly)?|easy|fine|great|welcoming|clean|right|keep|satisfied|glad|fair|clear)\b",
    re.I,
)
ASKS_FOR = re.compile(r"\b(?:should|must|ought to|needs? to|have to|has to)\b", re.I)


def advise(text: str) -> list[Advice]:
    """Return what may make a sentence hard to agree or disagree with; nothing if all seems well.

    >>> [(one.hint.value, one.about) for one in advise("Buses should run early and be cheaper.")]
    [('several', 'and')]
    >>> advise("The day centre should open on Sundays.")
    []
    """
    found = " ".join(text[:READ].split())
    return list(_advise(found)) if found else []


def _advise(text: str) -> Iterator[Advice]:
    words = WORD.findall(text)
    if asks := ASKS.search(text):
        yield Advice(Hint.QUESTION, asks.group().strip() if asks.group()[0] != "?" else "")
    if len(words) < SHORT_WORDS or GREETING.search(text):
        yield Advice(Hint.SHORT)
    if len(text) > LONG_LETTERS or len(words) > LONG_WORDS:
        yield Advice(Hint.LONG)
    yield from _joined(text)
    yield from _denied(text)
    yield from _strange(text, words)
    for pattern, hint in ((JARGON, Hint.JARGON), (LEADING, Hint.LEADING), (ADDRESS, Hint.PRIVATE)):
        if first := pattern.search(text):
            yield Advice(hint, first.group())
    if AGREED.search(text):
        yield Advice(Hint.AGREED)
    elif FACT.search(text) and not OPINION.search(text):
        yield Advice(Hint.FACT)
    if (back := BACK.search(text)) and not (back.group(1) and POINTS.search(text)):
        yield Advice(Hint.ALONE, back.group(1) or back.group(2))


def _joined(text: str) -> Iterator[Advice]:
    """Say what joins two things that somebody may want to answer apart."""
    one = NO_PAIRS.sub(" ", text)
    if second := JOINS.search(one):
        yield Advice(Hint.SEVERAL, second.group().strip())
    elif SENTENCES.search(text):
        yield Advice(Hint.SEVERAL)
    if choice := CHOOSES.search(NO_CHOICES.sub(" ", text)):
        yield Advice(Hint.CHOICE, choice.group())
    if reason := REASONS.search(text):
        yield Advice(Hint.REASON, reason.group())


def _denied(text: str) -> Iterator[Advice]:
    """Say where a sentence says no, and where it says so twice."""
    plain = NO_NOTS.sub(" ", text)
    nots = list(NOTS.finditer(plain))
    if nots and (len(nots) > 1 or AGAINST.search(plain)):
        yield Advice(Hint.TWICE_NOT)
    elif nots:
        yield Advice(Hint.NOT, nots[0].group())


def _strange(text: str, words: Sequence[str]) -> Iterator[Advice]:
    """Say what stands in capitals: a shout, or the first letters of words not everybody knows."""
    long = [word for word in words if len(word) > 3 and word.isalpha()]
    loud = [word for word in long if word.isupper()]
    if len(loud) > 2 and len(loud) * 2 > len(long):
        yield Advice(Hint.SHOUTING)
        return
    for short in CAPITALS.finditer(text.replace("A&E", " ")):
        if short.group().upper().rstrip("S") not in KNOWN and short.group().upper() not in KNOWN:
            yield Advice(Hint.SHORTENED, short.group())
            return


def side(text: str) -> int:
    """Return whether a sentence praises (1), complains (-1) or does neither, as far as words tell.

    >>> side("The nurses are kind."), side("Visits are too short."), side("Visits take an hour.")
    (1, -1, 0)
    """
    good, bad = len(GOOD.findall(text)), len(BAD.findall(text))
    return (good > bad) - (bad > good)


def asks_for_something(text: str) -> bool:
    """Tell whether a sentence says what should be done.

    >>> asks_for_something("Buses should be free."), asks_for_something("I take the bus.")
    (True, False)
    """
    return ASKS_FOR.search(text) is not None
