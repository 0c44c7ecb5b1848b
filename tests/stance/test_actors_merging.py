"""How often names of different actors are taken for one, and spellings of one name for two."""

from itertools import combinations

from stance.actors import discover
from stance.actors.spelling import same_spelling
from stance.actors.tokens import fold
from stance.text import split_sentences

# Surnames of people who are not related, many of them alike.
DISTINCT = """
Putin Rutte Macron Macri Merkel Markle Meloni Milei Johnson Johnston Jonson Clinton Clifton Obama Osama Biden Baden
Sanders Saunders Stevens Stephens Peterson Petersen Hansen Hanson Larsen Larson Christensen Thompson Thomson Simpson
Simons Symons Khomeini Khamenei Rouhani Raisi Rubio Rabin Barak Barack Netanyahu Gantz Lapid Bennett Barnett Burnett
Ivanov Ivanova Petrov Petrova Pavlov Lavrov Medvedev Navalny Shoigu Gerasimov Prigozhin Zelensky Poroshenko Tymoshenko
Lukashenko Yanukovych Yushchenko Kuchma Kravchuk Erdogan Davutoglu Gul Cavusoglu Akar Kalin Fidan Haftar Hifter Sarraj
Dbeibah Bashagha Saleh Salah Saied Assad Asad Sisi Mubarak Morsi Mursi Maliki Mikati Hariri Harari Barzani Talabani
Berlusconi Bersani Salvini Conte Conti Scholz Schulz Steinmeier Baerbock Habeck Lindner Laschet Sarkozy Hollande Fillon
Sanchez Santos Sanchis Maduro Madero Moreno Marino Morales Correa Correia Kirchner Kurz Kern Kerry Kelly Kellogg Harris
Harrison Haris Morrison Morris Turnbull Trudeau Truss Sunak Starmer Corbyn Cameron Camara Brown Braun Blair Blare Modi
Gandhi Ghani Karzai Kasai Sharif Sharaf Khan Kahn Imran Zardari Bhutto Xi Wang Wong Zhang Zheng Chang Cheng Kim Moon
""".split()  # noqa: SIM905
ORGANIZATIONS = [
    "Turkish Armed Forces", "Ukrainian Armed Forces", "Libyan National Army", "Lebanese National Army",
    "Government of National Accord", "Government of National Unity", "Ministry of Defence", "Ministry of Finance",
    "Justice and Development Party", "Justice and Freedom Party", "Asmora Relief Agency", "Asmora Rescue Agency",
    "Supreme Court of Asmora", "Supreme Council of Asmora", "Popular Front of Orlo", "Patriotic Front of Orlo",
]  # fmt: skip
VARIANTS = [
    ("Haftar", "Khafter"), ("Zelensky", "Zelenskyy"), ("Zelensky", "Zelenskiy"), ("Tymoshenko", "Timoshenko"),
    ("Yanukovych", "Yanukovich"), ("Kadyrov", "Kadirov"), ("Medvedev", "Medvedyev"),
    ("Barzani", "Berzani"), ("Erdoğan", "Erdogan"), ("Kalın", "Kalin"), ("Saleh", "Salih"),
    ("Lukashenko", "Lukashenka"), ("Dbeibah", "Dbeiba"), ("Qalibaf", "Kalibaf"),
    ("Soleimani", "Suleimani"), ("Khashoggi", "Hashoggi"), ("Jubair", "Jubeir"), ("Hussain", "Hussein"),
    ("Szijjarto", "Sziyarto"), ("Raeesi", "Raisi"), ("Hemedti", "Hamidti"), ("Tikhanovskaya", "Tsikhanouskaya"),
    ("Aliyev", "Aliev"), ("Abdelrahman", "Abdulrahman"), ("Hezbollah", "Hizballah"),
]  # fmt: skip


def test_false_merges_of_surnames_are_rare() -> None:
    pairs = [(a, b) for a, b in combinations(DISTINCT, 2)]
    merged = [(a, b) for a, b in pairs if same_spelling(fold(a), fold(b))]
    assert len(merged) / len(pairs) < 0.0003, merged


def test_distinct_organizations_never_merge() -> None:
    text = " ".join(f"The {name} spoke." for name in ORGANIZATIONS)
    assert len(discover(text, split_sentences(text)).actors) == len(ORGANIZATIONS)


def test_most_transliterations_merge() -> None:
    missed = [(a, b) for a, b in VARIANTS if not same_spelling(fold(a), fold(b))]
    assert len(missed) <= len(VARIANTS) // 4, missed
