"""What staff found about the ideas for care at home, and what its authors answered: one of each state."""

from typing import Any, NamedTuple


class Found(NamedTuple):
    """What staff found about an idea, and what became of it.

    ``ends``: draft, shown, accepted, days, appealed or decided; ``against`` are the criteria that are
    not a plain yes; costs are ``(what, how often, pounds, source)``.
    """

    title: str
    ends: str
    years: int
    costs: tuple[tuple[str, str, int, str], ...]
    words: str
    against: dict[str, tuple[str, str]] = {}
    changes: str = ""
    appeal: str = ""
    decided: dict[str, Any] = {}
    author: str = ""


# How each criterion is answered where nothing speaks against it.
YES = {
    "lawful": "The legal team sees nothing in its way.",
    "powers": "The council and the health board may pay for this.",
    "in-time": "It can begin within three months of the vote.",
    "safe": "The safeguarding lead has read it and agrees.",
    "place": "It needs no land and no building.",
    "people": "The team that would do it has said that it can.",
    "upkeep": "What it costs every year is in the figures.",
    "fair": "Everybody who gets care at home can have it.",
}

FOUND = (
    Found(
        "I choose my bedtime", "accepted", 1,
        (("Two carers until eleven", "year", 58_000, "Pay scale for evenings, with holidays"),
         ("A second van", "once", 7_000, "The garage’s price of this month")),
        "It can be done. The evening pair would begin with two routes in Quayside and Highfold.",
    ),
    Found(
        "A nurse on the end of the carer’s phone", "accepted", 1,
        (("A nurse on shift, 7am to 11pm", "year", 71_000, "The health board’s rota"),
         ("Phones, and photos with consent", "once", 5_500, "Quote of the telephone team")),
        "It can be done, if it begins with weekdays. There are not enough nurses for weekends yet.",
        {"people": ("with-changes", "Seven nurses are needed for weekends too, and there are five.")},
        "Monday to Friday in the first year. Weekends follow when two more nurses are found.",
    ),
    Found(
        "Welsh-speaking rounds", "decided", 1,
        (("Planning the routes", "once", 3_000, "We assume two weeks of a planner"),
         ("Language hours for carers", "year", 5_000, "The college’s price list")),
        "It can be done with changes: we thought that the rounds had to become longer.",
        {"fair": ("with-changes", "Somebody else could wait longer for a visit.")},
        "Only where nobody else waits longer for it.",
        "Nobody waits longer. We asked the planner: three of the rounds are half Welsh-speaking already.",
        {"decision": "changed", "verdict": "feasible",
         "words": "I spoke to the planner too. The authors are right: no visit comes later for it."},
    ),
    Found(
        "Half an hour means half an hour", "days", 1,
        (("Travel time for every visit", "year", 1_150_000, "All visits of last year, nine minutes each"),),
        "It cannot be done from this money. Paid travel for every visit costs ten times what was guessed. We have sent it to the people who renew the care contracts in April.",
        {"upkeep": ("no", "It would cost more each year than this pot holds."),
         "powers": ("with-changes", "The contracts with the firms would have to be written anew.")},
    ),
    Found(
        "Carers in the supermarket car park", "days", 2,
        (("Somebody at the stall every other Friday", "year", 3_100, "26 mornings, with pay for travel"),
         ("A stall and a banner", "once", 900, "Catalogue of the markets team")),
        "It can be done with changes. The supermarket says no to the car park, and yes to the foyer.",
        {"place": ("with-changes", "The owner does not want a stall among the cars.")},
        "The stall stands in the foyer, from ten to one.",
    ),
    Found(
        "Ring me when you are late", "shown", 1,
        (("A text from the carers’ phones", "year", 6_200, "The telephone company’s price for 90,000 texts"),
         ("Setting it up", "once", 2_400, "We assume three days’ work")),
        "It can be done with changes. A text goes out by itself when a visit is late. A call to everybody would keep carers from the next visit.",
        {"people": ("with-changes", "Carers cannot call while they care for the person before you.")},
        "A text for everybody. A call only for those who cannot read a text, from the office.",
        author="rosa",
    ),
    Found(
        "Feet", "appealed", 1,
        (("Two foot nurses, half time", "year", 46_000, "Pay scale, if they could be found"),),
        "It cannot be done now. There is no foot nurse to hire between here and the city.",
        {"people": ("no", "Two posts have stood empty since January.")},
        appeal="We do not ask for foot nurses. Helpers with a three-day course may cut nails, and four of ours have done that course. Please look again.",
        author="carys",
    ),
    Found(
        "A co-operative of carers", "draft", 1,
        (("Advice to found it", "once", 12_000, "Quote of the co-operative agency"),),
        "",
    ),
)  # fmt: skip

# Ideas that want the same: which stays, which joins it, and whether their authors have agreed.
MERGES = (
    ("A diary we all write in", "My music, my programme, my tea", True,
     "Both are a page in the kitchen, so that nobody has to tell their story again."),
    ("The same three faces", "A say in who comes", False,
     "Whoever has the same three faces may also want to choose them."),
)  # fmt: skip
AUTHORS = {"A say in who comes": "samina", **{one.title: one.author for one in FOUND if one.author}}
EARLY = {one.title for one in FOUND} | {title for pair in MERGES for title in pair[:2]}
