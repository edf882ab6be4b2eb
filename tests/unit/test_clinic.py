"""clinic.yml: what is missing gets a cautious default, what is wrong gets a clear error."""

import pytest

from assistant import clinic, paths
from assistant.yamlfile import ContentError

SMALLEST = "name: Test Clinic\nphone: '+44 20 7946 0000'\ncountry: GB\n"


def load(tmp_path, text):
    path = tmp_path / "clinic.yml"
    path.write_text(text, "utf-8")
    return clinic.load_clinic(path)


def complaint(tmp_path, text):
    with pytest.raises(ContentError) as error:
        load(tmp_path, text)
    return error.value.problems


def test_the_example_clinic_is_valid_and_invented():
    example = clinic.load_clinic(paths.ROOT / "clinic.yml")
    assert example.booking_link.startswith("https://") and ".example" in example.booking_link


def test_name_phone_and_country_are_enough(tmp_path):
    phrases = clinic.load_phrases(load(tmp_path, SMALLEST))
    for name, value in phrases.values.items():
        assert value and "{" not in value and "None" not in value, name
    assert "24 hours" in phrases.fill("Leave make-up off for {makeup_after}.")
    assert phrases.fill("{parking}").endswith("+44 20 7946 0000.")


def test_the_clinics_own_numbers_are_used(tmp_path):
    own = load(tmp_path, SMALLEST + "aftercare:\n  makeup: 36 hours\n")
    assert clinic.load_phrases(own).fill("{makeup_after}") == "36 hours"


@pytest.mark.parametrize(
    "country, number", [("GB", "999"), ("US", "911"), ("AU", "000"), ("DE", "112"), ("IS", "112")]
)
def test_the_country_sets_the_emergency_number(tmp_path, country, number):
    phrases = clinic.load_phrases(load(tmp_path, SMALLEST.replace("GB", country)))
    assert number in phrases.fill("{emergency_number}")


def test_a_missing_field_names_file_line_and_mend(tmp_path):
    (problem,) = complaint(tmp_path, "name: Test Clinic\ncountry: GB\n")
    assert str(problem) == "clinic.yml:1: `phone` is missing. Add `phone:` with a value."


@pytest.mark.parametrize(
    "addition, line, words",
    [
        ("colour: red\n", 4, "`colour` is not a known key"),
        ("aftercare:\n  makeup: a while\n", 5, "24 hours"),
        ("hours:\n  monday: 9 to 5\n", 5, "09:00-17:30"),
        ("prices:\n  - {name: Face, amount: 100}\n", 4, "currency"),
        ("minimum_age: 16\n", 4, "greater than or equal to 18"),
        ("privacy:\n  retention_days: 0\n", 5, "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_names_its_line(tmp_path, addition, line, words):
    (problem,) = complaint(tmp_path, SMALLEST + addition)
    assert problem.line == line and words in str(problem)


@pytest.mark.parametrize(
    "old, new, line, words",
    [
        ("country: GB", "country: UK", 3, "Write GB, not UK."),
        ("country: GB", "country: Ireland", 3, "Write IE, not Ireland."),
        ("country: GB", "country: QQ", 3, "is not the code of a country"),
        ("'+44 20 7946 0000'", "02079460000", 2, "phone number with its country's code"),
        ("'+44 20 7946 0000'", '"+44 207"', 2, "phone number"),
        ("'+44 20 7946 0000'", '"+44 20 7946 0000 123456"', 2, "phone number"),
    ],
)
def test_the_three_compulsory_entries_are_checked(tmp_path, old, new, line, words):
    (problem,) = complaint(tmp_path, SMALLEST.replace(old, new))
    assert problem.line == line and words in str(problem)


@pytest.mark.parametrize(
    "addition, line, words",
    [
        ("currency: €\n", 4, "Write EUR."),
        ("currency: GBP\nprices:\n  - name: Face\n    amount: £99\n", 7, "`£99` is not a number"),
        ("currency: GBP\nprices:\n  - {name: Face, amount: 99,50}\n", 6, "a comma inside { }"),
        ("website_origins: [example.org/chat]\n", 4, "https://example.org"),
        ("languages: Welsh\n", 4, "in square brackets: [Welsh]"),
        ("email: desk at example.org\n", 4, "name@example.org"),
        ("booking_link: www.example.org\n", 4, "Begin with https://"),
        ("hours:\n  wed: 09:00-12:00\n", 5, "Write `wednesday`."),
        ("hours:\n  monday-friday: 09:00-12:00\n", 5, "a line for each day"),
        ("hours:\n  monday: 09:00-13:00, 12:30-17:00\n", 5, "begins before `09:00-13:00` ends"),
        ("hours:\n  monday:\n", 5, "nothing is written here"),
        ("holidays:\n  - {on: 25.12.2026}\n", 5, "year, month, day"),
        ("holidays:\n  - {on: 2026-11-31}\n", 5, "the day 2026-11-31 does not exist"),
        ("parking: here: behind the hall\n", 4, "a text has a colon and no quotes"),
        ('parking: "behind the hall\ndeposit: none\n', 4, "opened in this line and not closed"),
        ("parking: 'it's behind the hall'\n", 4, "into double quotes"),
        ("hours:\n\tmonday: closed\n", 5, "there is a tab in this line"),
        ("country: IE\n", 4, "`country` stands here a second time"),
        ("minimum_ages: 21\n", 4, "Perhaps `minimum_age` is meant."),
        ("minimum_age: many\n", 4, "is not a whole number"),
        ("offers: {prp: perhaps}\n", 4, "Write true or false."),
        (f"parking: {'far ' * 99}\n", 4, "Use at most 240."),
    ],
)
def test_an_owner_reads_what_to_write_instead(tmp_path, addition, line, words):
    problems = complaint(tmp_path, SMALLEST + addition)
    assert any(p.line == line and words in str(p) for p in problems), list(map(str, problems))
    assert not any("regex" in str(p) or "Correct the value" in str(p) for p in problems)


def test_broken_yaml_names_its_line(tmp_path):
    (problem,) = complaint(tmp_path, SMALLEST + "address: 1 Lane: 2\n")
    assert problem.line == 4 and "not valid YAML" in problem.what


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ContentError, match="the file is missing"):
        clinic.load_clinic(tmp_path / "nowhere.yml")


def test_neighbouring_days_are_joined():
    hours = {
        "monday": "closed",
        "tuesday": "09:00-18:00",
        "wednesday": "09:00-18:00",
        "thursday": "11:00-20:00",
    }
    assert (
        clinic.opening_hours(hours)
        == "Monday closed, Tuesday to Wednesday 09:00 to 18:00, Thursday 11:00 to 20:00"
    )


def test_money_is_written_as_people_do():
    assert [clinic.money(180, "GBP"), clinic.money(99.5, "USD"), clinic.money(1200, "SEK")] == [
        "£180",
        "$99.50",
        "1,200 SEK",
    ]
