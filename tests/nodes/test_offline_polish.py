"""Polishing by rules: what it corrects, and above all what it leaves alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from interlock.nodes.offline_extract import NO_SUBJECT, key_sentences, shortened, subject_of, summary_of
from interlock.nodes.offline_revise import revise
from interlock.nodes.offline_spelling import corrected
from interlock.nodes.offline_text import polish, polish_line, read_letter, sentences

DRAFTS = sorted((Path(__file__).resolve().parents[2] / "examples" / "drafts").glob("*.txt"))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("teh", "the"),
        ("recieve", "receive"),
        ("dont", "don't"),
        ("wont", "won't"),
        ("i", "I"),
        ("im", "I'm"),
        ("alot", "a lot"),
        ("meeing", "meeting"),
        ("shipmet", "shipment"),
        ("delivry", "delivery"),
        ("deliverd", "delivered"),
        ("invioce", "invoice"),
        ("adress", "address"),
        ("atachment", "attachment"),
        ("proposel", "proposal"),
        ("inconveniance", "inconvenience"),
        ("immediatelly", "immediately"),
    ],
)
def test_slips_are_corrected(typed, meant):
    """Common slips and words one slip away from a common word become that word."""
    assert corrected(typed) == meant


@pytest.mark.parametrize(
    "word",
    [
        *("colour", "organise", "centre", "cancelled", "catalogue", "judgement", "fulfil"),
        *("timesheet", "backend", "onboarding", "workflow", "webhooks", "resend"),
        *("langgraph", "kubectl", "priya", "kenji", "anja", "xyzzy", "ok", "qed", "müller"),
    ],
)
def test_doubtful_words_stay(word):
    """British spellings, words of the office, compounds, names and unknown words are left as they are."""
    assert corrected(word) == word


@pytest.mark.parametrize(
    ("typed", "polished"),
    [
        ("the box is here", "The box is here."),
        ("can you send it today", "Can you send it today?"),
        ("what is the price of it", "What is the price of it?"),
        ("It works  fine , thanks for  that .", "It works fine, thanks for that."),
        ("it came on monday.  we open it in march", "It came on Monday. We open it in March."),
        ("you may march with us on 3 may or in may", "You may march with us on 3 May or in May."),
        ("we met Teh Wei and teh others", "We met Teh Wei and the others."),
        ("first,second and third came", "First, second and third came."),
        ("call me!!! is it ok??", "Call me! Is it ok?"),
        ("well... maybe we wait", "Well... maybe we wait."),
        ("see e.g. the list and no. 5 of it", "See e.g. the list and no. 5 of it."),
        ("it is done.I will call you", "It is done. I will call you."),
        ("import threading.Lock and node.js there", "Import threading.Lock and node.js there."),
        ("it comes later then we thought", "It comes later than we thought."),
        ("see you later then", "See you later then."),
        ("i don\u2019t know wich one it is", "I don\u2019t know which one it is."),
        ("the file is at https://example.org/teh/adress", "The file is at https://example.org/teh/adress"),
        ("mail recieve@adress.example please", "Mail recieve@adress.example please."),
        ("set my_adress=teh and getAdress() now", "Set my_adress=teh and getAdress() now."),
        ("the NASA adress is the OLD one", "The NASA address is the OLD one."),
        ("total: 1.250,00 EUR", "Total: 1.250,00 EUR"),
        ("- teh first item\n- the second item", "- the first item\n- the second item"),
        ("> teh quoted line of a mail", "> teh quoted line of a mail"),
        ("    teh code = here + 1", "    teh code = here + 1"),
        ("two lines of one\nsentence here", "Two lines of one\nsentence here."),
        ("one paragraph is here\n\n\n\nanother one is there", "One paragraph is here.\n\nAnother one is there."),
        ("Agenda", "Agenda"),
        ("", ""),
        (" \n\n ", ""),
    ],
)
def test_a_paragraph_is_polished(typed, polished):
    """Spelling, capitals, marks and spaces are mended; addresses, figures, names and code are not touched."""
    assert polish(typed).text() == polished


@pytest.mark.parametrize(
    ("typed", "polished"),
    [
        ("hi anna\n\nall is well here", "Hi Anna,\n\nAll is well here."),
        ("hi anna , can you call me", "Hi Anna,\n\nCan you call me?"),
        ("hi bob can you call me", "Hi Bob,\n\nCan you call me?"),
        ("Dear Mr. van der Berg:\n\nall is well here", "Dear Mr. van der Berg,\n\nAll is well here."),
        ("hello all!\n\nall is well here", "Hello all!\n\nAll is well here."),
        ("dear sir or madam\n\nall is well here", "Dear Sir or Madam,\n\nAll is well here."),
        ("to whom it may concern\n\nall is well here", "To whom it may concern,\n\nAll is well here."),
        ("hey that is a nice idea of yours", "Hey that is a nice idea of yours."),
        (
            "all is well here\nkind regads\ntom baker\nhead of sales",
            "All is well here.\n\nKind regards,\nTom Baker\nhead of sales",
        ),
        ("all is well here. thanks, tom", "All is well here.\n\nThanks,\nTom"),
        ("all is well here\n\nbest regards tom", "All is well here.\n\nBest regards,\nTom"),
        ("all is well here\n\nthanks", "All is well here.\n\nThanks."),
        ("all is well here\n\nkind regards", "All is well here.\n\nKind regards"),
        ("all is well here\n\nTom", "All is well here.\n\nTom"),
        ("Thanks for the mail, it helps me", "Thanks for the mail, it helps me."),
    ],
)
def test_greeting_and_closing_stand_on_their_own_lines(typed, polished):
    """Greeting and closing get their usual form; a name is capitalised where it stands and never added."""
    assert polish(typed).text() == polished


def test_a_subject_line_is_taken_out_with_its_headers():
    """`Subject:` at the top is the subject; the headers beside it do not stay in the body."""
    letter = read_letter("To: anna@example.org\nSubject: Delivry\n\nhi there")
    assert (letter.subject, letter.greeting, letter.text()) == ("Delivry", "Hi there,", "Hi there,")
    assert polish("subject: teh delivry of friday .\n\nit is late now").subject == "The delivery of Friday"
    assert read_letter("To: anna@example.org\n\nhello").text().startswith("To: anna@example.org")
    assert polish_line("the  adress of anna") == "The address of anna"


def test_names_of_the_letter_are_spelled_as_they_are():
    """A word that stands as a name in greeting, signature or with a capital is not corrected elsewhere."""
    text = polish("hi delivry\n\nwe met Shipmet there. shipmet and delivry agree with invioce\n\nbest\ninvioce").text()
    assert text == "Hi Delivry,\n\nWe met Shipmet there. Shipmet and delivry agree with invioce.\n\nBest,\nInvioce"


PLAIN = (
    "the a teh delivry is late dont i we recieve monday march may 5th please can you send it to them thanks hi dear all"
    " best regards Anna Teh Müller later then e.g. no. which was adress tommorow ok"
)
KEPT = (
    "49.90 1.250,00 2026-03-01 14:30 INV-2231 #88213 anna@example.org teh.adress@recieve.example https://example.org/teh"
    " www.adress.example my_adress getAdress() C:\\teh\\adress +49-30-1234 $49.99 50% IBAN DE89 foo.bar v1.2.3"
)
WORDS = st.sampled_from(PLAIN.split())
FIXED = st.sampled_from(KEPT.split())
MARKS = st.sampled_from(["", "", "", ".", ",", "!", "?", " ,", " .", "!!", "...", ":", ";"])
GAPS = st.sampled_from([" ", " ", " ", "  ", "\n", "\n\n", "\n\n\n", "\n- ", "\t"])


@st.composite
def drafts(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A draft, and the tokens in it that nobody may change, in order."""
    text, fixed = "", []
    for _ in range(draw(st.integers(1, 14))):
        if draw(st.integers(0, 3)) == 0:
            token = draw(FIXED)
            fixed.append(token)
            text += token + draw(GAPS)
        else:
            text += draw(WORDS) + draw(MARKS) + draw(GAPS)
    return text, fixed


@settings(max_examples=300, deadline=None)
@given(drafts())
def test_numbers_addresses_links_and_identifiers_are_never_changed(draft):
    """Every protected token of the draft stands unaltered and in order in the polished text."""
    text, fixed = draft
    polished, at = polish(text).text(), 0
    for token in fixed:
        at = polished.find(token, at)
        assert at >= 0, (token, polished)
        at += len(token)


@settings(max_examples=300, deadline=None)
@given(drafts())
@example(("hi a b,c\n\nbest\nregards", []))
def test_polishing_twice_is_polishing_once(draft):
    """The polished text is a fixed point, and so are its greeting and closing."""
    once = polish(draft[0]).text()
    assert polish(once).text() == once


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_at_all_keeps_its_figures(text):
    """Whatever is typed, nothing fails and every run of digits stays."""
    letter = polish(text)
    if letter.subject is None:
        assert re.findall(r"\d+", letter.text()) == re.findall(r"\d+", text)
    subject_of(letter)
    summary_of(letter)


@settings(max_examples=100, deadline=None)
@given(drafts())
def test_extraction_invents_nothing(draft):
    """Each word of subject and summary stands in the letter."""
    letter = polish(draft[0])
    words = {word.lower() for word in re.findall(r"\w+", letter.text())} | set(re.findall(r"\w+", NO_SUBJECT))
    said = f"{subject_of(letter)} {summary_of(letter)} {shortened(letter).text()}"
    assert {word.lower() for word in re.findall(r"\w+", said)} <= words


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ("i just wanted to let you know that the delivery will be late", "The delivery will be late"),
        ("I am sorry to tell you that your order is late, we had trouble.", "Your order is late"),
        ("can we move our meeting to thursday?", "Move our meeting to Thursday"),
        ("We have received your payment of 1,234.56 EUR.", "We have received your payment of 1,234.56 EUR"),
        (
            "this one sentence runs on and on about the many plans for the next year of ours",
            "This one sentence runs on",
        ),
        ("...", NO_SUBJECT),
    ],
)
def test_a_subject_is_a_piece_of_the_heaviest_sentence(body, subject):
    """Lead-ins are skipped, the cut falls at a clause or before a loose end, and no mark stands last."""
    assert subject_of(polish(body)) == subject


def test_sentences_know_abbreviations():
    """A full stop after an abbreviation, an initial or in an ellipsis ends nothing."""
    assert sentences("Ask Dr. J. Doe, e.g. now... or later. Then go! Done?") == [
        "Ask Dr. J. Doe, e.g. now... or later.",
        "Then go!",
        "Done?",
    ]
    assert key_sentences("", 2) == []


LETTER = polish(
    "Subject: Delivery\n\nHi Anna,\n\nThe delivery comes on Friday. It has 3 pallets. Call us then.\n\nBest,\nTom"
)


@pytest.mark.parametrize(
    ("review", "said", "gone"),
    [
        ('Replace "Friday" with "Monday".', "comes on Monday", "Friday"),
        ('"Monday" instead of "Friday" please', "comes on Monday", "Friday"),
        ('add "Please call 555-0100."', "Please call 555-0100.\n\nBest,", "nothing"),
        ('remove "Call us then."', "3 pallets.", "Call us"),
        ("make it shorter", "The delivery comes on Friday.", "Call us"),
        ('{"comment": "Replace “3 pallets” with “4 pallets”", "stars": 3}', "4 pallets", "3 pallets"),
        ("warmer, please", "The delivery comes on Friday. It has 3 pallets. Call us then.", "warmer"),
        ('Say "$(rm -rf /)" to nobody', "The delivery comes on Friday. It has 3 pallets. Call us then.", "rm"),
        ("null", "3 pallets", "null"),
    ],
)
def test_a_review_is_followed_as_far_as_rules_can(review, said, gone):
    """Quoted changes and shortening are applied; all else stays, greeting and signature always."""
    text = revise(LETTER, review).text()
    assert said in text
    assert gone not in text
    assert text.startswith("Hi Anna,\n\n")
    assert text.endswith("Best,\nTom")


def test_a_review_can_set_the_subject():
    """`subject: "…"` sets the subject and leaves the body alone."""
    revised = revise(LETTER, 'The subject should be "Three pallets on Friday".')
    assert revised.subject == "Three pallets on Friday"
    assert revised.text() == LETTER.text()


@pytest.mark.parametrize("path", DRAFTS, ids=lambda path: path.stem)
def test_the_example_drafts_come_out_clean(path):
    """Each example has no word left that could be corrected, keeps its figures, and gets a subject."""
    draft = path.read_text()
    letter = polish(draft)
    text = letter.text()
    left = [word for word in re.findall(r"(?<!\S)[a-z]+(?![^\s.,!?])", text) if corrected(word) != word]
    assert left == []
    assert re.findall(r"\d+", text) == re.findall(r"\d+", draft)
    assert 3 <= len(subject_of(letter).split()) <= 10
