"""docs/faults.md names a test for every row, and every fault test has its row."""

import re

from assistant import paths

TABLE = (paths.ROOT / "docs" / "faults.md").read_text("utf-8")
FILES = [
    paths.ROOT / "tests" / name
    for name in (
        "system/test_faults.py",
        "system/test_workers.py",
        "system/test_cluster.py",
        "service/test_web.py",
        "unit/test_stores.py",
        "unit/test_urgent_first.py",
        "service/test_watchdog.py",
        "unit/test_throttle.py",
    )
]
#: Tests of these files that are not about something that breaks while visitors write.
NOT_FAULTS = {
    "test_a_taken_port_is_named",
    "test_a_missing_clinic_field_is_named",
    "test_failed_training_is_told",
    "test_a_conversation_is_one_whoever_answers",
    "test_messages_at_once_are_answered_in_their_order",
    "test_erasing_leaves_nothing_in_postgresql",
    "test_it_serves_and_listens_on_this_machine_only",
    "test_a_second_cluster_in_the_same_folder_is_refused",
    "test_status_says_what_runs",
    "test_ctrl_c_ends_exactly_what_it_started",
    "test_prometheus_finds_every_worker",
    "test_no_file_but_the_database_holds_a_visitors_words",
}


def functions_of(file):
    return set(re.findall(r"^def (test_\w+)\(", file.read_text("utf-8"), re.M))


def test_every_row_has_a_test_and_every_fault_test_a_row():
    rows = [line for line in TABLE.splitlines() if line.startswith("|")][2:]
    named = set()
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        tests = re.findall(r"`(test_\w+)`", cells[-1])
        assert len(cells) == 5 and all(cells) and tests, row
        named |= set(tests)
    known = set().union(*map(functions_of, FILES))
    assert named <= known, f"no such tests: {sorted(named - known)}"
    faults = set().union(*map(functions_of, FILES[:3])) - NOT_FAULTS
    assert faults <= named, f"not in docs/faults.md: {sorted(faults - named)}"
