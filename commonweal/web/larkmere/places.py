"""Where Larkmere is, who runs it and what it offers."""

# name, slug, postcode areas, people who live there, about
NEIGHBOURHOODS = (
    ("Quayside", "quayside", ("LM1 1", "LM1 2"), 9_800, "Old docks, new flats and the school by the bridge."),
    ("Old Town", "old-town", ("LM1 3",), 7_400, "The market square, the library and the pool."),
    ("Tanners Row", "tanners-row", ("LM1 4",), 4_100, "Terraces, the chapel and the repair café."),
    ("Highfold", "highfold", ("LM2 1", "LM2 2"), 8_900, "Up the hill. The hub, the surgery and a long view."),
    ("Coldwell", "coldwell", ("LM2 3",), 6_300, "The school kitchen, the allotments and the springs."),
    ("Fold Green", "fold-green", ("LM2 4",), 3_600, "Farms, a green and a bus every hour."),
    ("Vale End", "vale-end", ("LM3 1",), 5_200, "Round the hospital, with many who work there."),
    ("Millbrook", "millbrook", ("LM3 2",), 5_900, "Along the brook, from the mill to the ring road."),
    ("Weavers’ Bank", "weavers-bank", ("LM3 3",), 4_700, "Tall houses, shared stairs and corner shops."),
    ("Castle Park", "castle-park", ("LM4 1",), 6_800, "Semis, two primary schools and the park."),
    ("Southmoor", "southmoor", ("LM4 2",), 4_400, "The edge of the moor, and the quarry."),
    ("Station Road", "station-road", ("LM4 3",), 3_900, "Trains, student rooms and the night shift."),
)  # fmt: skip

# kind, name, slug, about
ORGANISATIONS = (
    ("council", "Larkmere Borough Council", "larkmere-council", "Runs social care, libraries, streets and parks."),
    ("health-board", "Vale Health Board", "vale-health", "Runs Vale Hospital and community nursing."),
    ("charity", "Highfold Hub", "highfold-hub", "Neighbours who help neighbours, since 1987."),
    ("charity", "Larkmere Carers", "larkmere-carers", "Run by people who look after someone."),
    ("voluntary-group", "Tanners Row Residents", "tanners-row-residents", "Meets on the first Monday in the chapel."),
    ("enterprise", "Coldwell Care Co-operative", "coldwell-care", "Home care owned by the people who give it."),
)  # fmt: skip

# provider, name, slug, purpose, for whom, where, hours
SERVICES = (
    ("vale-health", "Leaving hospital", "leaving-hospital", "Gets people home safely after a hospital stay, with the help, medicines and equipment they need.", "Anyone who leaves Vale Hospital after a night or more", "Vale Hospital, ground floor, and at home", "Every day, 8am to 8pm"),
    ("larkmere-council", "Home care", "home-care", "Helps people wash, dress, eat and live as they like in their own home.", "Adults who need help with daily life", "At home, in every neighbourhood", "Every day, 7am to 10pm"),
    ("larkmere-council", "Places to meet", "places-to-meet", "Keeps halls, squares, parks and libraries open and lively, so that people meet.", "Everyone", "Halls, squares and libraries", "Each place has its own hours"),
    ("larkmere-carers", "Carers’ line", "carers-line", "Someone to talk to who has looked after a relative too.", "People who look after a relative or friend", "By phone, and at the library on Fridays", "Monday to Friday, 9am to 6pm"),
    ("highfold-hub", "Neighbours’ round", "neighbours-round", "A visit, a lift or a small repair from someone near.", "People who could do with a hand", "Highfold and the streets around", "Every day, by arrangement"),
    ("vale-health", "Memory clinic", "memory-clinic", "Finds out why memory is failing, and what helps.", "People worried about their memory, and their families", "Vale Hospital, second floor", "Tuesdays and Thursdays"),
    ("coldwell-care", "Evening care", "evening-care", "Help in the evening, at the time you choose.", "People who need help to get to bed", "Coldwell and Fold Green", "Every day, 6pm to 11pm"),
    ("larkmere-council", "Handyperson", "handyperson", "Rails, locks and small repairs that keep people at home.", "People over 65, and disabled people", "At home", "Monday to Friday, 8am to 5pm"),
)  # fmt: skip
