"""Pots of every kind and in every state, so that a visitor sees each. All of it is invented."""

from typing import Any, NamedTuple


class Idea(NamedTuple):
    """Something on a ballot: what gets better, where, who runs it, what it costs and of what."""

    title: str
    better: str
    where: str
    run_by: str
    promise: str
    pays_for: tuple[tuple[str, int], ...]  # what, and pounds
    liked: int  # of 100 voters, roughly
    note: str = ""
    exclusive: str = ""

    @property
    def pounds(self) -> int:
        """Return what all of its lines come to."""
        return sum(pounds for _what, pounds in self.pays_for)


class Pot(NamedTuple):
    """A pot: what it is for, how people vote, and when, in days from today."""

    title: str
    about: str
    pounds: int
    place: str  # the short name of a neighbourhood, or "" for the whole borough
    kind: str
    rule: str
    opens: int
    closes: int
    ideas: tuple[Idea, ...]
    voters: int = 0
    settings: dict[str, Any] = {}  # never changed
    result_in: int | None = None


CHALLENGE: dict[str, Any] = {
    "slug": "streets-for-people",
    "title": "Streets and corners where people stay",
    "question": "What would make you stop, sit down and talk on your street?",
    "background": "Most of us hurry through our streets. A bench, a tree, a light or a wall to paint on can change that, and neighbours know best where. Small pots of money go to those who live there.",
    "who_is_concerned": "Everyone who lives, works, plays or waits for a bus in Larkmere.",
    "pounds": 420_000,
    "outcome": ("I know more of my neighbours by name", "Residents", "Street survey, spring and autumn", "people in 100", 31, 33, 45),
    "stages": {"listen": (-200, -150), "propose": (-150, -60), "decide": (-58, 75)},
}  # fmt: skip

ROUND = Pot(
    "Small works where you live", "A pot for each of three districts. Vote in the one where you live: fill a basket with works that fit into it together.",
    30_000, "", "basket", "equal-shares", -6, 15, (), 26,
)  # fmt: skip

# district: what its people can put into their basket
DISTRICTS: dict[str, tuple[Idea, ...]] = {
    "quayside": (
        Idea("Benches with backs along the dock", "I can walk to the shop, because I can rest twice on the way.", "Dock Road", "The council’s parks team", "Six benches within four months; people over 70 asked again after a year.", (("Six benches of oak", 5_400), ("Setting them in", 2_100)), 62),
        Idea("A ferry bell for the school crossing", "The little ones cross when it rings, and drivers stop.", "The school by the bridge", "Coldwell School and the docks company", "A crossing twice a day with somebody at the bell.", (("Moving the bell", 3_200), ("A year of oil and paint", 400)), 48),
        Idea("The old kiosk: a café", "There is coffee, and a light, until nine.", "Quay corner", "A tenant chosen in public", "Open five evenings a week from the second summer.", (("Roof and wiring", 11_500), ("A counter and a sink", 5_300)), 44, exclusive="The old kiosk"),
        Idea("The old kiosk: a tool library", "I borrow a drill for a Sunday instead of buying one.", "Quay corner", "Tanners Row Residents", "A hundred tools lent out each month.", (("Roof and wiring", 11_500), ("Shelves and first tools", 2_900)), 38, exclusive="The old kiosk"),
        Idea("Trees in the car park", "It is ten degrees cooler where I wait in July.", "Dock Road car park", "The council’s parks team", "Twelve trees alive after three summers.", (("Twelve limes", 4_800), ("Watering for three years", 5_700)), 51),
    ),
    "highfold": (
        Idea("Handrails on the long steps", "I come down to the surgery on my own again.", "Long Steps", "The council’s streets team", "Both sides railed before the first frost.", (("Rails, 80 metres", 9_600), ("A survey", 700)), 66),
        Idea("A shelter at the top bus stop", "I wait in the dry, and I see who else is waiting.", "Highfold Top", "The bus company", "A roof, a bench and a light by spring.", (("The shelter", 8_900), ("A solar light", 1_150)), 57),
        Idea("A wall for painting", "We may paint here, so nobody paints there.", "Behind the hub", "Highfold Hub", "A day for it every month, led by somebody who paints.", (("Rendering the wall", 2_300), ("Paint and a painter for a year", 4_100)), 35),
        Idea("Light on the path to the hub", "I go to choir in winter as well.", "Hub Lane", "The council’s streets team", "Nine low lights that bats do not mind.", (("Nine lamps", 8_100), ("Digging and wiring", 6_900)), 53),
    ),
    "millbrook": (
        Idea("Stepping stones back in the brook", "My children cross where I crossed.", "Mill Bridge", "Millbrook Anglers", "Twelve stones, checked every spring.", (("Stones and a digger", 4_200), ("A flood check", 1_600)), 58),
        Idea("A table for chess and cards", "Somebody is always there to lose against.", "Ring Road corner", "Neighbours of the corner", "Two tables; a game any dry evening.", (("Two tables of concrete", 2_600),), 41),
        Idea("Quiet paving by the care home", "The bin lorry does not wake the whole street.", "Weir Street", "The council’s streets team", "Half the noise, measured before and after.", (("Sixty metres of asphalt", 14_800), ("Two measurements", 500)), 46),
        Idea("A bridge light that is not blue", "The photographs are good, and so is my sleep.", "Mill Bridge", "The council’s streets team", "Warm light after ten, every night.", (("Lamps", 3_900),), 33),
        Idea("Bicycle stands at the mill", "I cycle, because the bike is there when I come back.", "The mill", "The mill’s owners", "Twenty stands under the camera.", (("Twenty stands", 3_000), ("Setting them in", 1_400)), 49),
    ),
}  # fmt: skip

POTS = (
    Pot(
        "What should the library lend besides books?", "Anyone who uses the library has ten points to give. No account is needed.",
        12_000, "", "points", "equal-shares", -9, 11,
        (
            Idea("Telescopes", "We saw the rings of Saturn from the balcony.", "All four libraries", "The libraries", "Four telescopes, lent for a week each.", (("Four telescopes", 2_400), ("Bags and repairs", 300)), 55),
            Idea("Sewing machines", "I made the curtains myself.", "Old Town library", "The libraries and the repair café", "Six machines, and an evening to learn.", (("Six machines", 2_700), ("Thread and needles", 250)), 61),
            Idea("Games for a wet weekend", "Four of us at one table, and no screen.", "All four libraries", "The libraries", "Sixty games; lost pieces replaced.", (("Sixty games", 1_600),), 44),
            Idea("Instruments", "She tried a violin before we bought one.", "Old Town library", "The music school", "Twelve instruments for three months each.", (("Twelve instruments", 5_200), ("A luthier, twice a year", 900)), 39),
            Idea("Picnic baskets", "We had a feast in the park for nothing.", "Castle Park library", "The libraries", "Ten baskets, washed each time.", (("Baskets and cloths", 850),), 22),
            Idea("Thermal cameras", "I found where the cold comes in.", "All four libraries", "The energy advice charity", "Lent each winter, with a page that explains.", (("Five cameras", 3_100),), 35),
        ), 48, {"points": 10, "reach": "everyone", "order_is_fixed": True, "quorum": 20},
    ),
    Pot(
        "A mural for the station wall", "One wall, one picture. Everybody who belongs to Larkmere chooses one.",
        9_000, "", "choose-one", "greedy", -52, -31,
        (
            Idea("The night shift", "My mother is on that wall, with her trolley.", "Station Road", "The station and a painter from here", "Painted by August, and kept for ten years.", (("Painting", 7_600), ("A coat against spray", 1_200)), 40, exclusive="The station wall"),
            Idea("All the birds of the moor", "I learned six names while waiting.", "Station Road", "The station and the bird club", "Painted by August, and kept for ten years.", (("Painting", 6_900), ("A coat against spray", 1_200)), 34, exclusive="The station wall"),
            Idea("A map of where we came from", "My grandfather’s village is a dot on it.", "Station Road", "The station and Old Town School", "Painted by August, and kept for ten years.", (("Painting", 7_100), ("A coat against spray", 1_200)), 26, exclusive="The station wall"),
        ), 60, {"fewest": 1, "most": 1},
    ),
    Pot(
        "One playground, and how it should be", "Highfold gets one new playground. Put the ideas in order, the best first.",
        80_000, "highfold", "ranked", "equal-shares", -24, -3,
        (
            Idea("Water and sand", "We dam it, and it breaks, and we dam it again.", "The lower green", "The council’s parks team", "A pump that works all summer.", (("Pump and channels", 38_000), ("Sand and stones", 14_500)), 45),
            Idea("High things to climb", "I was as high as the roof.", "The lower green", "The council’s parks team", "Safe for ten-year-olds, checked each week.", (("Nets and towers", 51_000), ("Soft ground", 17_000)), 38),
            Idea("A place for teenagers", "There is somewhere to be that is not the bus stop.", "Behind the hub", "Highfold Hub", "A roof, a bench and a socket.", (("Shelter and seats", 21_000), ("Light", 4_800)), 33),
            Idea("Swings for every body", "My brother goes on the swing with me, chair and all.", "The lower green", "The council’s parks team", "A path without a step from the street.", (("Two swings", 19_500), ("Path and gate", 8_900)), 52),
        ), 45, {}, 4,
    ),
    Pot(
        "Evening buses, tried for a year", "Five lines could run until midnight for a year. Give each a score from 0 to 5.",
        110_000, "", "scores", "equal-shares", 6, 27,
        (
            Idea("The 7 to Fold Green", "I can see a film and still get home.", "Old Town to Fold Green", "The bus company", "Every hour until midnight; the number of riders told each month.", (("Drivers", 38_500), ("Fuel and wear", 9_200)), 50, "Tried for a year. It stays if fourteen people ride each bus."),
            Idea("The hospital round", "I visit after work, and I am not stranded.", "Vale End and Station Road", "The bus company", "Every forty minutes until eleven.", (("Drivers", 44_000), ("Fuel and wear", 8_000)), 60),
            Idea("The moor on Saturdays", "I walk up by daylight and ride down by starlight.", "Southmoor", "The bus company", "Four buses each Saturday, April to October.", (("Drivers", 9_800), ("Fuel and wear", 3_100)), 35),
            Idea("A minibus that comes when you ring", "It comes to the door when my hip is bad.", "Highfold and Coldwell", "Highfold Hub", "Within half an hour, in nine of ten calls.", (("A driver, evenings", 26_400), ("Lease", 8_600)), 45),
        ), 0, {"top_score": 5},
    ),
)  # fmt: skip

WITHDRAWN = Pot(
    "Lights along the brook", "Where should the path along the brook be lit?",
    25_000, "millbrook", "approval", "greedy", 20, 40,
    (
        Idea("From the mill to the bridge", "I see who comes towards me.", "The brook", "The council’s streets team", "Lit until eleven.", (("Lamps and wiring", 16_000),), 50),
        Idea("From the bridge to the ring road", "I cycle home that way.", "The brook", "The council’s streets team", "Lit until eleven.", (("Lamps and wiring", 14_000),), 50),
    ),
)  # fmt: skip
WHY_WITHDRAWN = "The county pays for these lights now. The money is free for something else."

DRAFT = Pot(
    "A summer for ten-year-olds", "What should there be in the school holidays, so that nobody has to stay indoors?",
    40_000, "", "approval", "equal-shares", 40, 61,
    (
        Idea("A wood with ropes and mud", "I built a den, and it held.", "Castle Park", "Larkmere Scouts", "Sixty places a day, five days a week.", (("Two people for six weeks", 9_600), ("Ropes and tools", 1_400)), 50),
        Idea("Swimming for nothing in the mornings", "I swim two lengths now.", "Old Town pool", "The council’s pools", "Free before noon for all under twelve.", (("Lost entry", 12_800),), 50),
        Idea("A film made by children", "It was on the big screen, and I was in it.", "Places to meet", "The youth theatre", "One film, shown in September.", (("Cameras and a teacher", 7_300),), 50),
        Idea("Lunch in the park", "We all eat at the long table.", "Four parks", "Highfold Hub", "Eighty lunches a day.", (("Cooking", 15_200), ("Tables", 2_100)), 50),
    ),
)  # fmt: skip

# Asked about an idea by one of the example people, and what the clerk answered.
QUESTIONS = (
    ("What should the library lend besides books?", "Telescopes", "rosa", "Can I take one on holiday for two weeks?", "One week at first. If nobody else is waiting you can keep it for another."),
    ("Evening buses, tried for a year", "The hospital round", "samina", "Do these buses take a wheelchair?", "All of them do, two at a time."),
    ("Evening buses, tried for a year", "The 7 to Fold Green", "carys", "Does my day ticket count after ten?", ""),
)  # fmt: skip
PICTURED = (
    ("Benches with backs along the dock", "Two benches under trees by the water, drawn in flat colours.", "benches"),
    ("The 7 to Fold Green", "A bus with lit windows on a hill at night, drawn in flat colours.", "bus"),
    ("Telescopes", "A telescope pointed at stars above roofs, drawn in flat colours.", "stars"),
)  # fmt: skip
