"""The test that holds many cases says which of them fail, and goes on behind the first."""

import pytest

from .sweeps import every


def test_all_cases_are_tried_and_those_that_fail_are_named():
    tried = []

    @every("name", ["a", "b"])
    @every("x, y", [(1, 1), (1, 2), (2, 2)])
    def test(name, x, y):
        tried.append((name, x, y))
        assert (x == y) or name == "b", "they differ"

    with pytest.raises(ExceptionGroup, match=r"1 of 2 cases: where {'name': 'a'}") as caught:
        test()
    assert len(tried) == 6
    (of_a,) = caught.value.exceptions
    assert str(of_a).startswith("1 of 3 cases: where {'x': 1, 'y': 2}")
    assert str(of_a.exceptions[0]).startswith("they differ")


def test_what_is_patched_is_undone_after_each_case(monkeypatch):
    class Table:
        rule = 1

    @every("x", [1, 2])
    def test(x, monkeypatch):
        monkeypatch.setattr(Table, "rule", Table.rule + x)
        assert Table.rule == 1 + x

    test(monkeypatch=monkeypatch)
    assert Table.rule == 1


def test_fixtures_and_other_parameters_are_left_to_pytest(pytestconfig):
    @every("x", [1])
    def test(x, pytestconfig):
        assert pytestconfig

    test(pytestconfig=pytestconfig)
    assert list(test.__signature__.parameters) == ["pytestconfig"]
