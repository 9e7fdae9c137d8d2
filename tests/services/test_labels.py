"""Tags, folders and file names in their one form."""

import pytest

from mezzotint.model.errors import InvalidField
from mezzotint.services.labels import clean_folder, clean_name, clean_tags


@pytest.mark.parametrize(
    ("given", "clean"),
    [("a.jpg", "a.jpg"), ("C:\\x\\a b.jpg", "a b.jpg"), ("/etc/a.jpg", "a.jpg"), ("../a", "a"), (" ä ", "ä")],
)
def test_names(given, clean):
    assert clean_name(given) == clean


@pytest.mark.parametrize("given", ["", "/", "a\x00", "a\nb", "x" * 256, "\u202ea", "\udcff"])
def test_what_is_no_name(given):
    with pytest.raises(InvalidField):
        clean_name(given)


@pytest.mark.parametrize(("given", "clean"), [("", ""), ("/", ""), ("/a/b/", "a/b"), ("a b/ü", "a b/ü")])
def test_folders(given, clean):
    assert clean_folder(given) == clean


@pytest.mark.parametrize("given", ["a//b", "a/../b", ".", "a/ /b", "a\tb", "x" * 513])
def test_what_is_no_folder(given):
    with pytest.raises(InvalidField):
        clean_folder(given)


def test_tags():
    assert clean_tags([" b", "a", "b "]) == ("b", "a")
    for wrong in (["a", ""], ["x" * 65], ["\n"], [str(number) for number in range(51)]):
        with pytest.raises(InvalidField):
            clean_tags(wrong)
