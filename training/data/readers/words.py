"""Closed lists of English words that the readers go by."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Personal and possessive pronouns.
PRONOUNS = _words("""
    i me my mine myself we us our ours ourselves you your yours yourself yourselves
    he him his himself she her hers herself it its itself they them their theirs themselves
""")

#: Words that may stand inside a name, between two of its capitalised words.
CONNECTORS = _words("of the and & for de del della di da do dos du la le van von der den bin ibn al - – / . '")
#: Those of them that join no person's name.
OF_BODIES = _words("of the and & for")

#: Words before a person's name that are no part of it.
TITLES = _words("""
    mr mrs ms miss dr prof professor sir lady lord dame rev reverend father sister brother saint st
    president vice prime minister chancellor premier secretary senator sen representative rep congressman
    congresswoman governor gov mayor king queen prince princess duke duchess emperor pope bishop archbishop
    cardinal general gen colonel col major maj captain capt lieutenant lt sergeant sgt commander admiral
    marshal judge justice chief attorney ambassador director chairman chairwoman speaker spokesman
    spokeswoman spokesperson coach officer detective deputy former first uncle aunt madam madame
    monsieur herr count countess baron earl fellow
""")

#: First or last words of a place's name that make it a feature of the land or a building.
NO_STATE = _words("""
    airport avenue bay beach boulevard bridge building canal cape castle cathedral center centre church coast
    desert falls forest garden gardens hall harbor harbour highway hill hills hotel lake library mall mount
    mountain mountains museum ocean palace park peninsula plaza river road route sea square stadium station
    street strait temple theater theatre tower tube tunnel valley volcano
""")
