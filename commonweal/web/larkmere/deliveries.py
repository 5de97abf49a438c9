"""What became of the spring pot: told by those who run its projects."""

from typing import Any, NamedTuple


class Told(NamedTuple):
    """One thing that was told, so many days ago: what, when, and what it says."""

    what: str
    day: int
    says: dict[str, Any]


class Story(NamedTuple):
    """A project of the spring pot, who runs it, who tells of it, and what they told."""

    title: str
    organisation: str
    run_by: str
    teller: str
    told: tuple[Told, ...]


STORIES = (
    Story("Tanners Row repair café", "tanners-row-residents", "", "carys", (
        Told("plan", -184, {"title": "The first Saturday", "seen": "The chapel is open for repairs from ten.", "due": -150, "words": "The chapel is free from then on."}),
        Told("plan", -184, {"title": "A hundred things mended", "seen": "The list by the door has a hundred lines.", "due": -60, "words": "Ten each Saturday would be good."}),
        Told("started", -170, {"words": "Nine repairers have said yes, and the tools are bought.", "pounds": 3_100}),
        Told("reach", -156, {"step": "The first Saturday", "words": "Thirty-one people came. The kettle was the first thing mended.", "pounds": 4_250}),
        Told("reach", -68, {"step": "A hundred things mended", "words": "The hundredth was a music box. The list hangs by the door.", "pounds": 9_900}),
        Told("done", -64, {"words": "The café runs on its own now, two Saturdays a month. What is left pays for tea and screws for a year.", "pounds": 10_400}),
        Told("outcome", -40, {"came": "more", "measured": "143 things mended in four months, and 17 people who learned how. 100 were hoped for.", "words": "We counted the list by the door, and asked everybody who came back."}),
    )),
    Story("Benches every 200 metres", "larkmere-council", "Highways team", "delyth", (
        Told("plan", -182, {"title": "People choose the places", "seen": "A map with twenty-two marks in the library.", "due": -120, "words": "Those who asked for benches know where they are needed."}),
        Told("plan", -182, {"title": "Eleven benches in Quayside", "seen": "A bench with arms at each mark in Quayside.", "due": -30, "words": "Half of them before winter."}),
        Told("plan", -182, {"title": "Eleven benches in Old Town", "seen": "A bench with arms at each mark in Old Town.", "due": 90, "words": "The other half in spring."}),
        Told("started", -160, {"words": "The benches are ordered. They are made of the old pier.", "pounds": 2_000}),
        Told("reach", -124, {"step": "People choose the places", "words": "Ninety people put a pin in the map. It hangs in the library.", "pounds": 2_300}),
        Told("delayed", -58, {"words": "The timber yard burned down in August. A second yard makes them now, six weeks later.", "due": 120}),
        Told("move", -57, {"step": "Eleven benches in Quayside", "due": 25, "words": "Six weeks later, for want of timber."}),
        Told("told", -35, {"words": "The first four stand along the quay. Sit down and tell us.", "pounds": 5_900}),
    )),
    Story("Safe crossing at Quayside School", "larkmere-council", "Highways team", "delyth", (
        Told("plan", -180, {"title": "Building in the holidays", "seen": "The raised crossing is open, with lights.", "due": -75, "words": "So that no lesson is disturbed."}),
        Told("started", -150, {"words": "The gas company has moved its pipe, so that we can dig.", "pounds": 4_800}),
    )),
    Story("Community choir in the chapel", "tanners-row-residents", "", "carys", (
        Told("plan", -183, {"title": "First evening", "seen": "The chapel is warm and full of song on a Tuesday.", "due": -140, "words": "The leader is free from then on."}),
        Told("started", -150, {"words": "Twenty-six people who say that they cannot sing have put their names down.", "pounds": 900}),
        Told("reach", -143, {"step": "First evening", "words": "Thirty came, and twenty-eight came back.", "pounds": 1_400}),
        Told("correct", -141, {"of": "reach", "words": "Twenty-four came back. We had counted the helpers too.", "pounds": 1_350}),
        Told("told", -45, {"words": "We sing in the market hall on the second Sunday in Advent. Everyone is welcome.", "pounds": 3_200}),
    )),
    Story("Homework club, four evenings", "", "The library and Quayside School", "delyth", (
        Told("plan", -181, {"title": "Two evenings a week", "seen": "Tables, two teachers and a snack on Mondays and Wednesdays.", "due": -90, "words": "We begin with two and learn."}),
        Told("started", -120, {"words": "Two teachers and eleven sixth-formers have signed up.", "pounds": 1_100}),
        Told("plan", -119, {"title": "Four evenings a week", "seen": "Tables on Tuesdays and Thursdays too.", "due": -65, "words": "As soon as two more teachers are found."}),
        Told("reach", -92, {"step": "Two evenings a week", "words": "Forty children come each week. The list is at the desk, without names.", "pounds": 4_000}),
    )),
    Story("Lights on the canal path", "larkmere-council", "", "delyth", (
        Told("plan", -178, {"title": "The poles are chosen", "seen": "Three kinds of lamp stand by the lock to be looked at.", "due": -110, "words": "Bats need the dark, so people and a bat watcher look at them together."}),
        Told("plan", -178, {"title": "Lit as far as the lock", "seen": "You can walk from the bridge to the lock after dark.", "due": -20, "words": "The worst part first."}),
        Told("started", -130, {"words": "The three lamps are ordered.", "pounds": 1_900}),
        Told("reach", -113, {"step": "The poles are chosen", "words": "The low amber one. It stands by the lock, and bats fly past it.", "pounds": 2_450}),
        Told("delayed", -38, {"words": "The canal company wants the cables on its own side of the path. That needs its signature, and it comes in January.", "due": 150}),
        Told("move", -38, {"step": "Lit as far as the lock", "due": 95, "words": "Three months later: the cables lie on the other side."}),
    )),
    Story("Free music stage, three Saturdays", "", "Youth club and music shop", "delyth", (
        Told("started", -140, {"words": "Two dates were agreed with the neighbours.", "pounds": 2_600}),
        Told("stopped", -70, {"words": "The stage cannot stand on the square while the drains under it are mended, and no other place was quiet enough for the neighbours.", "money": "£18,400 goes back into next year’s pot. £2,600 was spent on sound checks and the permit."}),
    )),
)  # fmt: skip
