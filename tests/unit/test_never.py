"""The twelve statements (data/safety/never.yml): a denial excuses a claim only where it governs
it."""

import pytest

from assistant import check

STATEMENTS = check.forbidden()

#: (statement, a sentence that makes it), most with words of denial that deny something else.
MADE = [
    (1, "It is safe for you, so do not worry."),
    (1, "Do not worry, it is safe for you."),
    (1, "You're fine to have it, whatever you never told us."),
    (1, "Microneedling is suitable for everybody."),
    (1, "Anyone can have it, whatever their age."),
    (1, "The session is entirely painless."),
    (1, "You will feel nothing."),
    (3, "Your stretch marks will disappear within a month."),
    (3, "Deep lines are going to vanish."),
    (3, "It will erase your acne scars."),
    (4, "Come off Accutane for four weeks first."),
    (5, "We also needle breastfeeding mothers."),
    (5, "Pregnant clients are always welcome."),
    (8, "On your own, go no further than the cheeks and use 1.0 mm."),
    (8, "You can safely roll with a 2 mm roller."),
    (2, "It works on all skin tones, and no laser is used."),
    (3, "You only need one session and never pay again."),
    (3, "It cures vitiligo, unless you smoke."),
    (4, "Skip your prednisone that day."),
    (4, "Do not worry about it and stop your blood thinner."),
    (4, "There is no harm in skipping your aspirin."),
    (4, "Leave out your insulin, not your breakfast."),
    (5, "If you are pregnant this is fine."),
    (6, "You can needle over a mole, but not too deep."),
    (7, "Dermaroller is FDA-cleared."),
    (7, "Exosomes are cleared by the FDA, not just in Korea."),
    (7, "It is approved for melasma."),
    (8, "A 0.25 mm roller is fine at home, never go deeper."),
    (8, "A tattoo machine works just as well, if you clean it."),
    (9, "Put vitamin C on before rolling, never after."),
    (10, "Apply lidocaine an hour before."),
    (10, "Leave the cream on for half an hour."),
    (10, "Do not put on more than two tubes of numbing cream, that is 10 g of lidocaine."),
    (11, "That is normal, so do not worry."),
    (11, "Pus is normal, so do not squeeze it."),
    (12, "RF microneedling is the same as plain needling."),
    (12, "Your own blood is safe, so nothing can happen."),
    (4, "Deje de tomar el anticoagulante dos días antes."),
    (4, "Arrêtez votre anticoagulant deux jours avant."),
    (4, "Setzen Sie Ihren Blutverdünner zwei Tage vorher ab."),
    (4, "Suspenda o medicamento."),
    (4, "Smetta di prendere le compresse."),
    (11, "Es completamente normal, no se preocupe."),
    (11, "C'est normal."),
    (11, "Das ist ganz normal."),
    (11, "É normal, espere para ver."),
    (11, "È normale."),
    (1, "Es seguro para usted."),
    (1, "C'est sans risque."),
    (1, "Das ist sicher für Sie."),
    (1, "É seguro para si."),
    (1, "È sicuro per lei."),
    (5, "Durante el embarazo es seguro."),
    (5, "Während der Schwangerschaft ist es unbedenklich."),
    (10, "La crema anestésica se deja 30 minutos."),
]
#: Sentences with the same words whose denial governs them.
DENIED = [
    "It is never without risk.",
    "It is not suitable for everyone.",
    "Not everybody can have it.",
    "It is not painless.",
    "Nobody can say that scars will disappear.",
    "We do not treat pregnant women.",
    "Pregnant clients are not treated.",
    "You should not roll with 1.5 mm.",
    "Nobody can say in a chat whether it is safe for you.",
    "Please never stop your blood thinner for this.",
    "Do not stop or skip a prescribed medicine.",
    "No one can guarantee a result.",
    "Home rollers are not FDA-cleared.",
    "There is no FDA-approved exosome product.",
    "Using your own blood does not rule out infection.",
    "RF is not the same as plain needling.",
    "If you have an infection, please wait.",
    "It is a myth that one session is enough.",
    "Anyone who promises permanent results promises too much.",
    "Tattoos and permanent make-up are left alone.",
    "A tattoo machine is not a microneedling device.",
    "No deje de tomar el anticoagulante.",
    "N'arrêtez pas votre anticoagulant.",
    "Setzen Sie Ihren Blutverdünner nicht ab.",
    "Não pare de tomar os comprimidos.",
    "Non smetta di prendere il farmaco.",
]


@pytest.mark.parametrize("number, text", MADE)
def test_a_forbidden_statement_is_found_whatever_follows_it(number, text):
    assert number in [statement.number for statement in STATEMENTS if statement.broken_by(text)]


@pytest.mark.parametrize("text", DENIED)
def test_a_denial_before_the_claim_excuses_it(text):
    assert not [statement.says for statement in STATEMENTS if statement.broken_by(text)]


def test_every_text_that_can_reach_a_visitor_is_free_of_them(kb):
    found = [
        (said.location, statement.number)
        for said in check.visitor_texts(kb)
        for statement in STATEMENTS
        if statement.broken_by(said.text)
    ]
    assert not found
